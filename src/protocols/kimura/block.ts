/**
 * Blocks: header, message ids, their hash, and the extension fields of this node.
 *
 * Layer: protocols. Imports src/hot. Source: spec/kimura.md §1 (wire) and §4 (extension).
 *
 * @module
 */

import { blake3 } from "../../hot/blake3.ts";
import { ByteReader, ByteWriter, HASH_BYTES } from "./bytes.ts";
import { KimuraFault } from "./fault.ts";

/** Bytes of a compressed secp256k1 public key. */
export const PUBLIC_KEY_BYTES = 33;
/** Bytes of a compact secp256k1 signature, r and s. */
export const SIGNATURE_BYTES = 64;
/** Most ids a block may ever name: what its codecs allow. A chain's own rule is lower. */
export const MAX_BLOCK_IDS = 65_536;
/** Most bytes of an encoded block. */
export const MAX_BLOCK_BYTES = 256 + MAX_BLOCK_IDS * HASH_BYTES;

/** Header of a block. */
export interface BlockHeader {
  /** u64. */
  readonly height: bigint;
  /** u64, Unix seconds. */
  readonly timestamp: bigint;
  /** u8[32], hash of the block before. */
  readonly prevHash: Uint8Array;
  /** u8[32]; zero when the block has no messages. */
  readonly messageRoot: Uint8Array;
}

/** Who made a block. The original ignores these fields. */
export interface LeaderSeal {
  /** u8[33], compressed secp256k1 key. */
  readonly publicKey: Uint8Array;
  /** u8[64], r and s. */
  readonly signature: Uint8Array;
  /** u64, fencing term of the lease under which it was made; absent when leadership is static. */
  readonly term?: bigint;
}

/** A block as peers exchange it: without the messages themselves. */
export interface Block {
  readonly header: BlockHeader;
  /** u8[32] each, in inclusion order. */
  readonly messageIds: readonly Uint8Array[];
  /** Absent in blocks of the original. */
  readonly seal?: LeaderSeal;
}

/** 32 zero bytes. */
export function zeroHash(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(HASH_BYTES);
}

/** The first block, which every chain of the protocol shares. */
export const GENESIS: Block = {
  header: { height: 0n, timestamp: 0n, prevHash: zeroHash(), messageRoot: zeroHash() },
  messageIds: [],
};

function writeHeader(
  writer: ByteWriter,
  { height, timestamp, prevHash, messageRoot }: BlockHeader,
): ByteWriter {
  return writer.u64(height).u64(timestamp).raw(prevHash).raw(messageRoot);
}

/** BLAKE3 of height · timestamp · prev_hash · message_root · number of ids · ids; numbers u64 big-endian (wire). */
export function blockHash(
  { header, messageIds }: Pick<Block, "header" | "messageIds">,
): Uint8Array<ArrayBuffer> {
  const writer = writeHeader(new ByteWriter(88 + messageIds.length * HASH_BYTES), header);
  writer.u64(BigInt(messageIds.length));
  for (const id of messageIds) writer.raw(id);
  return blake3(writer.finish());
}

/**
 * What a leader signs: BLAKE3 of height · timestamp · prev_hash · message_root · ids, and of the term if there is one.
 * Ids have 32 bytes and a term 8, so the two forms cannot be mistaken for each other.
 */
export function sealDigest({ header, messageIds }: Block, term: bigint | undefined): Uint8Array<ArrayBuffer> {
  const writer = writeHeader(new ByteWriter(96 + messageIds.length * HASH_BYTES), header);
  for (const id of messageIds) writer.raw(id);
  if (term !== undefined) writer.u64(term);
  return blake3(writer.finish());
}

/** First byte of an encoded block. */
const BLOCK_FORMAT = 1;
const [NO_SEAL, SEAL, SEAL_AND_TERM] = [0, 1, 2];

/** The form for disk and for the catch-up protocol; {@link decodeBlock} reads it. */
export function encodeBlock(block: Block): Uint8Array<ArrayBuffer> {
  const { header, messageIds, seal } = block;
  const writer = new ByteWriter(200 + messageIds.length * HASH_BYTES).u8(BLOCK_FORMAT);
  writeHeader(writer, header).u32(messageIds.length);
  for (const id of messageIds) writer.raw(id);
  if (seal === undefined) return writer.u8(NO_SEAL).finish();
  writer.u8(seal.term === undefined ? SEAL : SEAL_AND_TERM).raw(seal.publicKey).raw(seal.signature);
  if (seal.term !== undefined) writer.u64(seal.term);
  return writer.finish();
}

/**
 * Reads {@link encodeBlock}'s form.
 *
 * @throws {KimuraFault} `MALFORMED_BYTES`, `OVERSIZE`.
 */
export function decodeBlock(bytes: Uint8Array): Block {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== BLOCK_FORMAT) {
    throw new KimuraFault("MALFORMED_BYTES", `Cannot read block: format ${format} is unknown`);
  }
  const header = {
    height: reader.u64(),
    timestamp: reader.u64(),
    prevHash: reader.raw(HASH_BYTES),
    messageRoot: reader.raw(HASH_BYTES),
  };
  const count = reader.count(MAX_BLOCK_IDS, "the block's message ids");
  const messageIds = Array.from({ length: count }, () => reader.raw(HASH_BYTES));
  const kind = reader.u8();
  if (kind > SEAL_AND_TERM) {
    throw new KimuraFault("MALFORMED_BYTES", `Cannot read block: seal of kind ${kind} is unknown`);
  }
  if (kind === NO_SEAL) {
    reader.end("block");
    return { header, messageIds };
  }
  const seal = { publicKey: reader.raw(PUBLIC_KEY_BYTES), signature: reader.raw(SIGNATURE_BYTES) };
  const term = kind === SEAL_AND_TERM ? { term: reader.u64() } : {};
  reader.end("block");
  return { header, messageIds, seal: { ...seal, ...term } };
}
