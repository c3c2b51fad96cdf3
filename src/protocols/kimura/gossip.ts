/**
 * Topics, limits, and the announcement of a block that is too large for gossip.
 *
 * Layer: protocols. Imports src/hot. Source: spec/kimura.md §3, §4.
 *
 * @module
 */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { blake3 } from "../../hot/blake3.ts";
import { SIGNATURE_BYTES } from "./block.ts";
import { ByteWriter, HASH_BYTES, utf8 } from "./bytes.ts";
import { KimuraFault } from "./fault.ts";
import { JsonReader } from "./json_reader.ts";
import type { VerifyingKey } from "./keys.ts";

/** Blocks, in the original's JSON (wire). */
export const BLOCKS_TOPIC = "kimura/blocks/1.0.0";
/** Messages, in JSON of the same style. */
export const MESSAGES_TOPIC = "kimura/messages/1.0.0";
/** Blocks too large for {@link BLOCKS_TOPIC}: height, hash and signature. A topic of its own, because the original would
 * take an announcement for a block. */
export const ANNOUNCEMENTS_TOPIC = "kimura/announcements/1.0.0";
/** Request and response over a stream. */
export const SYNC_PROTOCOL = "/kimura/sync/1.0.0";

/** Most bytes of a gossip message in the original (wire); of all of it, envelope included. */
export const MAX_GOSSIP_BYTES = 262_144;
/** What gossip adds to the data: author, sequence number, topic, key and signature, lengths. */
export const GOSSIP_ENVELOPE_BYTES = 512;
/** Most bytes of a block's or a message's JSON. */
export const MAX_GOSSIP_DATA_BYTES = MAX_GOSSIP_BYTES - GOSSIP_ENVELOPE_BYTES;

/** Says that a block exists; whoever lacks it asks for it. */
export interface Announcement {
  readonly height: bigint;
  /** u8[32]. */
  readonly hash: Uint8Array;
  /** u8[64], of the leader. */
  readonly signature: Uint8Array;
}

/** What the leader signs of an announcement: BLAKE3 of the topic · height (u64) · hash. */
function announcementDigest(height: bigint, hash: Uint8Array): Uint8Array {
  return blake3(new ByteWriter(96).raw(utf8(ANNOUNCEMENTS_TOPIC)).u64(height).raw(hash).finish());
}

/** Makes an announcement. */
export function signAnnouncement(secretKey: Uint8Array, height: bigint, hash: Uint8Array): Announcement {
  const signature = secp256k1.sign(announcementDigest(height, hash), secretKey, {
    prehash: false,
    lowS: true,
  });
  return { height, hash, signature };
}

/** Whether the leader made an announcement. */
export function isAnnouncedBy({ height, hash, signature }: Announcement, leader: VerifyingKey): boolean {
  return leader.verify(signature, announcementDigest(height, hash));
}

/** As JSON text. */
export function announcementToJson({ height, hash, signature }: Announcement): string {
  return `{"height":${height},"hash":[${hash.join(",")}],"signature":[${signature.join(",")}]}`;
}

/** @throws {KimuraFault} `MALFORMED_JSON`, `OVERSIZE`. */
export function announcementFromJson(bytes: Uint8Array): Announcement {
  const reader = new JsonReader(bytes, 4_096);
  let height: bigint | undefined;
  let [hash, signature]: (Uint8Array | undefined)[] = [];
  reader.object({
    height: () => height = reader.u64(),
    hash: () => hash = reader.bytes(HASH_BYTES),
    signature: () => signature = reader.bytes(SIGNATURE_BYTES),
  });
  reader.end();
  if (height === undefined || hash === undefined || signature === undefined) {
    throw new KimuraFault("MALFORMED_JSON", "Cannot read announcement: it needs height, hash and signature");
  }
  return { height, hash, signature };
}
