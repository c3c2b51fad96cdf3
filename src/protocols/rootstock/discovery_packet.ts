/**
 * Packets of the UDP discovery: reading, signing, and who signed.
 *
 * Layer: protocols/rootstock. Imports hot (Keccak, RLP) and @noble/curves. Source: spec/rootstock-network.md
 * sections 2.1 to 2.3.
 *
 * Reading is in two steps: {@link inspectPacket} checks size, digest and payload, which takes microseconds, and
 * {@link signerOf} recovers the key, which takes most of a millisecond.
 *
 * @module
 */

import { HotError } from "../../hot/error.ts";
import { keccak256 } from "../../hot/keccak256.ts";
import { RlpIndex } from "../../hot/rlp.ts";
import { rlpEncode, type RlpInput } from "../../hot/rlp_encode.ts";
import type { RlpFields } from "../../hot/rlp_fields.ts";
import type { NodeId } from "./node_id.ts";
import { NODE_ID_BYTES, type NodeKey, recoverNodeId } from "./secp256k1.ts";

const DIGEST_BYTES = 32;
const SIGNATURE_BYTES = 65;
const TYPE_AT = DIGEST_BYTES + SIGNATURE_BYTES;
const PAYLOAD_AT = TYPE_AT + 1;

/** Shortest packet: digest, signature, type. */
export const MIN_PACKET_BYTES = PAYLOAD_AT;
/** rskj's receive buffer: what is longer reaches nobody. */
export const MAX_PACKET_BYTES = 8_192;
/** Nodes of a Neighbors packet that are used; of more than these, one fewer (section 2.5). */
export const MAX_NEIGHBORS = 20;

/** A node that another one tells of. */
export interface DiscoveryNode {
  readonly id: NodeId;
  /** Text as sent: an address in any spelling, or a host name. */
  readonly host: string;
  /** UDP and TCP port: rskj's records have one. */
  readonly port: number;
}

/** Fields that every message has. */
interface DiscoveryCommon {
  /** UUID of version 4 in lower case, which an answer repeats. */
  readonly check: string;
  /** As a signed 32-bit number, which is how rskj compares it; absent if the message has none. */
  readonly networkId?: number;
}

/** A message of the discovery. */
export type DiscoveryMessage =
  & DiscoveryCommon
  & (
    /** `host` and `port` are what the sender says of itself; nobody relies on them. */
    | { readonly type: "ping" | "pong"; readonly host: string; readonly port: number }
    /** `target` is what the sender wrote; rskj looks for the signer of the packet instead. */
    | { readonly type: "find-node"; readonly target: Uint8Array }
    | { readonly type: "neighbors"; readonly nodes: readonly DiscoveryNode[] }
  );

/** Why a packet is dropped; none of these leads to a ban. */
export type PacketFault = "short" | "long" | "digest" | "type" | "payload" | "check";

/** A packet whose digest is right; not yet whose signature. */
export interface InspectedPacket {
  readonly message: DiscoveryMessage;
  /** keccak of type and payload, trailing bytes included: what was signed. */
  readonly signedHash: Uint8Array;
  /** r, s and v, 65 bytes. */
  readonly signature: Uint8Array;
}

/** Outcome of {@link inspectPacket}. */
export type PacketInspection =
  | { readonly ok: true; readonly packet: InspectedPacket }
  | { readonly ok: false; readonly fault: PacketFault };

const TYPES = ["ping", "pong", "find-node", "neighbors"] as const;
const UUID_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UTF8 = new TextDecoder();
const UTF8_BYTES = new TextEncoder();

/** A payload that is no message. */
class PayloadFault extends Error {
  readonly fault: PacketFault;

  constructor(fault: PacketFault) {
    super(fault);
    this.fault = fault;
  }
}

/** Bytes of the one RLP list at the start; what lies behind it is ignored. */
function firstList(bytes: Uint8Array): RlpFields {
  const prefix = bytes[0] ?? 0;
  if (prefix < 0xc0) throw new PayloadFault("payload");
  let end = 1 + prefix - 0xc0;
  if (prefix > 0xf7) {
    const width = prefix - 0xf7;
    end = 1 + width;
    let length = 0;
    for (let i = 1; i <= Math.min(width, 4); i++) length = length * 256 + (bytes[i] ?? 0);
    end += length;
  }
  return RlpIndex.of(bytes.subarray(0, end));
}

/** Big-endian, of any length and with leading zeros: its low 32 bits, as Java's `BigInteger.intValue()`. */
function signed32(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes.subarray(-4)) value = (value << 8) | byte;
  return value;
}

function readCheck(fields: RlpFields, i: number): string {
  const check = UTF8.decode(fields.view(i)).toLowerCase();
  if (!UUID_4.test(check)) throw new PayloadFault("check");
  return check;
}

function readNodes(list: RlpFields): DiscoveryNode[] {
  const used = list.count <= MAX_NEIGHBORS ? list.count : MAX_NEIGHBORS - 1;
  const nodes: DiscoveryNode[] = [];
  for (let i = 0; i < used; i++) {
    const node = list.nested(i);
    if (node.count < 3) throw new PayloadFault("payload");
    const id = node.view(node.count > 3 ? 3 : 2);
    const port = signed32(node.view(1));
    // A record that nobody can use does not spoil the others.
    if (id.length !== NODE_ID_BYTES || port <= 0 || port > 0xffff) continue;
    nodes.push({ id: new Uint8Array(id).toHex(), host: UTF8.decode(node.view(0)), port });
  }
  return nodes;
}

/** Reads type and payload of a packet whose digest is right. */
function readMessage(type: typeof TYPES[number], payload: Uint8Array): DiscoveryMessage {
  const fields = firstList(payload);
  const common = (checkAt: number): DiscoveryCommon => ({
    check: readCheck(fields, checkAt),
    ...(fields.count > checkAt + 1 ? { networkId: signed32(fields.view(checkAt + 1)) } : {}),
  });
  if (fields.count < (type === "ping" || type === "pong" ? 3 : 2)) throw new PayloadFault("payload");
  switch (type) {
    case "ping":
    case "pong": {
      // rskj reads the second list, and does not look at the first.
      const to = fields.nested(1);
      if (to.count !== 3) throw new PayloadFault("payload");
      return { type, ...common(2), host: UTF8.decode(to.view(0)), port: signed32(to.view(1)) };
    }
    case "find-node":
      return { type, ...common(1), target: fields.bytes(0) };
    case "neighbors":
      return { type, ...common(1), nodes: readNodes(fields.nested(0)) };
  }
}

/**
 * Reads a packet but for its signer. Borrows the bytes: `signature` is a view of them.
 *
 * @example A packet that is too short
 * ```ts
 * import { inspectPacket } from "./discovery_packet.ts";
 * const seen = inspectPacket(new Uint8Array(97));
 * if (seen.ok || seen.fault !== "short") throw new Error("expected short");
 * ```
 */
export function inspectPacket(bytes: Uint8Array): PacketInspection {
  if (bytes.length < MIN_PACKET_BYTES) return { ok: false, fault: "short" };
  if (bytes.length > MAX_PACKET_BYTES) return { ok: false, fault: "long" };
  const type = TYPES[bytes[TYPE_AT]! - 1];
  if (type === undefined) return { ok: false, fault: "type" };
  const digest = keccak256(bytes.subarray(DIGEST_BYTES));
  if (!digest.every((byte, i) => byte === bytes[i])) return { ok: false, fault: "digest" };
  try {
    const message = readMessage(type, bytes.subarray(PAYLOAD_AT));
    const signature = bytes.subarray(DIGEST_BYTES, TYPE_AT);
    return { ok: true, packet: { message, signature, signedHash: keccak256(bytes.subarray(TYPE_AT)) } };
  } catch (thrown) {
    if (thrown instanceof PayloadFault) return { ok: false, fault: thrown.fault };
    if (thrown instanceof HotError) return { ok: false, fault: "payload" };
    throw thrown;
  }
}

/** How packets are signed. */
export interface PacketSignatures {
  /** r, s and v (0 or 1) over a hash: 65 bytes. */
  sign(hash: Uint8Array, key: NodeKey): Uint8Array;
  /** Id of the node that signed; `undefined` if the signature belongs to no key. */
  recover(hash: Uint8Array, signature: Uint8Array): NodeId | undefined;
}

/** The network's: recoverable ones of secp256k1. Simulations of many nodes may take others, these cost 1 ms a packet. */
export const SECP256K1_SIGNATURES: PacketSignatures = {
  sign: (hash, key) => key.sign(hash),
  recover(hash, signature) {
    const v = signature[SIGNATURE_BYTES - 1]!;
    try {
      return recoverNodeId(hash, signature.with(SIGNATURE_BYTES - 1, v >= 27 ? v - 27 : v)).toHex();
    } catch {
      // v is no recovery bit, r or s out of range, or r no point of the curve.
      return undefined;
    }
  },
};

/** Id of the node that signed; `undefined` if the signature belongs to no key. Takes 0.6 ms. */
export function signerOf(
  { signature, signedHash }: InspectedPacket,
  signatures: PacketSignatures = SECP256K1_SIGNATURES,
): NodeId | undefined {
  return signatures.recover(signedHash, signature);
}

function payloadOf(message: DiscoveryMessage): RlpInput[] {
  const tail: RlpInput[] = [UTF8_BYTES.encode(message.check)];
  if (message.networkId !== undefined) tail.push(message.networkId >>> 0);
  switch (message.type) {
    case "ping":
    case "pong": {
      const own = [UTF8_BYTES.encode(message.host), message.port, message.port];
      return [own, own, ...tail];
    }
    case "find-node":
      return [message.target, ...tail];
    case "neighbors":
      return [
        message.nodes.map((
          { host, port, id },
        ) => [UTF8_BYTES.encode(host), port, port, Uint8Array.fromHex(id)]),
        ...tail,
      ];
  }
}

/**
 * Writes and signs a packet. Takes 0.3 ms.
 *
 * @param key Of this node.
 */
export function encodePacket(
  message: DiscoveryMessage,
  key: NodeKey,
  signatures: PacketSignatures = SECP256K1_SIGNATURES,
): Uint8Array<ArrayBuffer> {
  const payload = rlpEncode(payloadOf(message));
  const packet = new Uint8Array(PAYLOAD_AT + payload.length);
  packet[TYPE_AT] = TYPES.indexOf(message.type) + 1;
  packet.set(payload, PAYLOAD_AT);
  packet.set(signatures.sign(keccak256(packet.subarray(TYPE_AT)), key), DIGEST_BYTES);
  packet.set(keccak256(packet.subarray(DIGEST_BYTES)));
  return packet;
}

/** A UUID of version 4 out of 16 random bytes. */
export function checkFrom(random: Uint8Array): string {
  const hex = random.toHex();
  const variant = (8 + (random[8]! & 3)).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
