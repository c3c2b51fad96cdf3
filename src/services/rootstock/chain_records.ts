/**
 * How headers lie in the store: column families, keys, records.
 *
 * Layer: services. Pure. Heights are keys in their order, so a chain that grows appends to the end of a family, and
 * RocksDB moves its files down without writing them again. Most of a header are hashes and a proof, which do not compress;
 * what zstd would save at the bloom costs more CPU than everything else the store does, and reads their p99
 * (docs/benchmarks/rootstock.md). The one family in random order is the index by hash.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import type { BlockIdentifier } from "../../protocols/rootstock/block_identifier.ts";
import { exactly, type TotalDifficulty } from "../../protocols/rootstock/total_difficulty.ts";
import type { FamilySpec } from "../../store/family.ts";

/** Column families. Never reuse a name: retired ones stay as comments with their last release. */
export const ROOTSTOCK_FAMILY = {
  header: "rootstock.header", // height u48 big-endian -> record of the canonical header
  fork: "rootstock.fork", // height u48 big-endian, hash u8[32] -> record of a header off the canonical chain
  hash: "rootstock.hash", // hash u8[32] -> height u48 big-endian, of canonical headers and forks
  // "chain" -> genesis and first height, JSON
  state: "rootstock.state",
} as const;

/** Their declarations for the engine. */
export const CHAIN_FAMILIES: readonly FamilySpec[] = [
  { name: ROOTSTOCK_FAMILY.header, keys: "ascending" },
  { name: ROOTSTOCK_FAMILY.fork },
  { name: ROOTSTOCK_FAMILY.hash },
  { name: ROOTSTOCK_FAMILY.state },
];

/** A header as it is kept: the bytes as received, in compressed form. */
export interface ChainHeader extends BlockIdentifier {
  readonly header: Uint8Array;
  /** Of the chain that ends here; absent below a checkpoint that does not tell it. */
  readonly totalDifficulty?: TotalDifficulty;
}

const HEIGHT_BYTES = 6;
const HASH_BYTES = 32;
/** Largest height that a key holds. */
const HEIGHT_MAX = 2 ** 48 - 1;

/** First byte of a record: 0 unknown, else what the total difficulty is, and its length in the lower bits. */
const EXACT = 0x80;
const LOWER_BOUND = 0x40;
const LENGTH_MASK = 0x3f;
const TOTAL_LIMIT = 1n << BigInt(8 * LENGTH_MASK);

/** @throws {RangeError} If the height is not a whole number below 2^48. */
export function heightKey(height: number): Uint8Array {
  const key = new Uint8Array(HEIGHT_BYTES);
  writeHeight(key, 0, height);
  return key;
}

/** Height of a key of any family that starts with one, and of a value of the index by hash. */
export function heightOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEIGHT_BYTES);
  return view.getUint16(0) * 2 ** 32 + view.getUint32(2);
}

/** Key of a header off the canonical chain. */
export function forkKey({ number, hash }: BlockIdentifier): Uint8Array {
  const key = new Uint8Array(HEIGHT_BYTES + HASH_BYTES);
  writeHeight(key, 0, number);
  key.set(hash, HEIGHT_BYTES);
  return key;
}

function writeHeight(target: Uint8Array, offset: number, height: number): void {
  if (!Number.isInteger(height) || height < 0 || height > HEIGHT_MAX) {
    throw new RangeError(`Cannot store height ${height}: expected a whole number below 2^48`);
  }
  const high = Math.floor(height / 2 ** 32);
  target[offset] = high >>> 8;
  target[offset + 1] = high;
  for (let i = 0; i < 4; i++) target[offset + 2 + i] = height >>> (24 - 8 * i);
}

/** Record: kind and length of the total difficulty (one byte), its bytes, hash, header. */
export function encodeRecord(header: ChainHeader): Uint8Array {
  const digits = totalDigits(header);
  const record = new Uint8Array(recordBytes(header, digits));
  writeRecord(record, 0, header, digits);
  return record;
}

/** Keys and records of headers, in memory that they share: an array of its own costs more than all that is in it. */
export function encodeRecords(
  headers: readonly ChainHeader[],
): { readonly keys: readonly Uint8Array[]; readonly records: readonly Uint8Array[] } {
  const digits = headers.map(totalDigits);
  let bytes = headers.length * HEIGHT_BYTES;
  for (let i = 0; i < headers.length; i++) bytes += recordBytes(headers[i]!, digits[i]!);
  const packed = new Uint8Array(bytes);
  const keys = new Array<Uint8Array>(headers.length);
  const records = new Array<Uint8Array>(headers.length);
  let at = 0;
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!;
    writeHeight(packed, at, header.number);
    keys[i] = packed.subarray(at, at += HEIGHT_BYTES);
    const end = at + recordBytes(header, digits[i]!);
    writeRecord(packed, at, header, digits[i]!);
    records[i] = packed.subarray(at, end);
    at = end;
  }
  return { keys, records };
}

/** Total difficulty in an even number of hexadecimal digits; none where it is not known. */
function totalDigits({ totalDifficulty }: ChainHeader): string {
  if (totalDifficulty === undefined) return "";
  const value = totalDifficulty.kind === "exact" ? totalDifficulty.total : totalDifficulty.atLeast;
  if (value < 0n || value >= TOTAL_LIMIT) throw new RangeError(`Cannot store total difficulty ${value}`);
  const digits = value.toString(16);
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}

function recordBytes({ header }: ChainHeader, digits: string): number {
  return 1 + digits.length / 2 + HASH_BYTES + header.length;
}

function writeRecord(
  target: Uint8Array,
  offset: number,
  { hash, header, totalDifficulty }: ChainHeader,
  digits: string,
): void {
  const length = digits.length / 2;
  if (totalDifficulty !== undefined) {
    target[offset] = (totalDifficulty.kind === "exact" ? EXACT : LOWER_BOUND) | length;
    for (let i = 0; i < length; i++) {
      target[offset + 1 + i] = (digitOf(digits, 2 * i) << 4) | digitOf(digits, 2 * i + 1);
    }
  }
  target.set(hash, offset + 1 + length);
  target.set(header, offset + 1 + length + HASH_BYTES);
}

function digitOf(digits: string, at: number): number {
  const code = digits.charCodeAt(at);
  return code < 0x3a ? code - 0x30 : code - 0x57;
}

/** The header that {@link encodeRecord} made a record of; its bytes are views on the record. */
export function decodeRecord(number: number, record: Uint8Array): ChainHeader {
  const first = record[0]!;
  const length = first & LENGTH_MASK;
  const hashAt = 1 + length;
  const common = {
    number,
    hash: record.subarray(hashAt, hashAt + HASH_BYTES),
    header: record.subarray(hashAt + HASH_BYTES),
  };
  if ((first & (EXACT | LOWER_BOUND)) === 0) return common;
  const value = BigInt(`0x${record.subarray(1, hashAt).toHex()}`);
  const isExact = (first & EXACT) !== 0;
  return {
    ...common,
    totalDifficulty: isExact ? exactly(value) : { kind: "at-least", atLeast: value },
  };
}

/**
 * The parent's hash, a view: the first slot of the list.
 *
 * @throws {CairnError} `INTERNAL` for bytes that no verified header has.
 */
export function parentHashOf(header: Uint8Array): Uint8Array {
  // 0xf8 and on: a list whose length takes the next one, two … bytes. A header has more than 55.
  const at = 1 + header[0]! - 0xf7;
  if (!(at >= 2 && at <= 5) || header[at] !== 0x80 + HASH_BYTES || header.length < at + 1 + HASH_BYTES) {
    throw new CairnError("INTERNAL", "Cannot store a header: its parent's hash is not where a header has it");
  }
  return header.subarray(at + 1, at + 1 + HASH_BYTES);
}
