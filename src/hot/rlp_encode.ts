/**
 * Writing RLP from JavaScript values.
 *
 * Layer: hot. Source: spec/rootstock-consensus.md section 1.2. Not a kernel: values that lie outside shared memory
 * would have to be copied in and the result out, and the copies alone cost more than this. What lies in shared
 * memory is written by `RlpTable.encodeList()`.
 *
 * @module
 */

import { RLP_BYTES_MAX, RLP_DEPTH_MAX, RLP_TOO_DEEP, RLP_TOO_LARGE } from "../../wasm/layout.ts";
import { rlpWriteFault } from "./rlp_fault.ts";

/** What {@link rlpEncode} takes: bytes, an unsigned integer (big-endian, without leading zeros), or a list. */
export type RlpInput = Uint8Array | number | bigint | readonly RlpInput[];

/** Below this, a loop costs less than setting up a copy. */
const LOOP_BYTES = 32;

/** Bytes of an unsigned integer, the least that hold it: none for 0. */
function integerBytes(value: number | bigint): Uint8Array {
  if (typeof value === "number" ? !Number.isSafeInteger(value) || value < 0 : value < 0n) {
    throw new RangeError(
      `Cannot encode ${value} as RLP: expected an unsigned integer, as a bigint from 2^53`,
    );
  }
  if (typeof value === "bigint") {
    const hex = value === 0n ? "" : value.toString(16);
    return Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
  }
  let width = 0;
  for (let rest = value; rest >= 1; rest /= 256) width++;
  const bytes = new Uint8Array(width);
  for (let i = width - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}

/** Bytes of the prefix of a payload that needs one. */
function prefixBytes(length: number): number {
  return length < 56 ? 1 : 1 + ((39 - Math.clz32(length)) >>> 3);
}

/** An item's bytes, or of a list the bytes of its payload; its parts follow. */
type Part = Uint8Array | number;

/** Appends the parts of a value and returns the bytes of its encoding. */
function measure(value: RlpInput, parts: Part[], depth: number): number {
  if (value instanceof Uint8Array) {
    parts.push(value);
    return value.length === 1 && value[0]! < 0x80 ? 1 : prefixBytes(value.length) + value.length;
  }
  if (typeof value === "number" || typeof value === "bigint") {
    return measure(integerBytes(value), parts, depth);
  }
  if (!Array.isArray(value)) {
    throw new TypeError("Cannot encode as RLP: expected bytes, unsigned integers or lists of them");
  }
  // Lists that hold themselves end here too.
  if (depth === RLP_DEPTH_MAX) throw rlpWriteFault(RLP_TOO_DEEP);
  const at = parts.push(0) - 1;
  let length = 0;
  for (const part of value) length += measure(part, parts, depth + 1);
  if (length > RLP_BYTES_MAX - 5) throw rlpWriteFault(RLP_TOO_LARGE);
  parts[at] = length;
  return prefixBytes(length) + length;
}

/** Writes the prefix of `length` bytes of payload; `kind` is 0x80 or 0xc0. Returns the offset behind it. */
function writePrefix(out: Uint8Array, at: number, kind: number, length: number): number {
  if (length < 56) {
    out[at] = kind + length;
    return at + 1;
  }
  const width = prefixBytes(length) - 1;
  out[at++] = kind + 55 + width;
  for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) out[at++] = length >>> shift;
  return at;
}

/**
 * What stands before `length` bytes of payload: of an item (0x80) or a list (0xc0). For lists of parts that are encoded
 * already. An item of one byte below 0x80 has none, which is the caller's to know.
 */
export function rlpPrefix(kind: 0x80 | 0xc0, length: number): Uint8Array<ArrayBuffer> {
  const prefix = new Uint8Array(prefixBytes(length));
  writePrefix(prefix, 0, kind, length);
  return prefix;
}

/**
 * Encodes a value.
 *
 * @throws {HotError} `RLP_TOO_DEEP` beyond 1024 lists within lists, `RLP_TOO_LARGE` beyond 2^31 - 1 bytes.
 * @throws {RangeError} If a number is not an unsigned safe integer.
 *
 * @example A list of bytes, a number and a list
 * ```ts
 * import { rlpEncode } from "./rlp_encode.ts";
 * const encoded = rlpEncode([new Uint8Array([0x64, 0x6f, 0x67]), 1000, []]);
 * if (encoded.toHex() !== "c883646f678203e8c0") throw new Error(encoded.toHex());
 * ```
 */
export function rlpEncode(value: RlpInput): Uint8Array<ArrayBuffer> {
  const parts: Part[] = [];
  const length = measure(value, parts, 0);
  if (length > RLP_BYTES_MAX) throw rlpWriteFault(RLP_TOO_LARGE);
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    if (typeof part === "number") {
      at = writePrefix(out, at, 0xc0, part);
      continue;
    }
    const { length } = part;
    if (length !== 1 || part[0]! >= 0x80) at = writePrefix(out, at, 0x80, length);
    if (length > LOOP_BYTES) out.set(part, at);
    else for (let i = 0; i < length; i++) out[at + i] = part[i]!;
    at += length;
  }
  return out;
}
