/**
 * RLP in ordinary bytes, by the same rules and with the same rows as the kernels.
 *
 * Layer: hot. Source: wasm/assembly/rlp.ts. Kernels see shared memory only, and copying a header in and its rows out
 * takes six times as long as finding its fields here (`bench/hot_bench.ts`). Offsets are exact numbers, so sums
 * cannot wrap.
 *
 * @module
 */

import {
  RLP_BYTES_MAX,
  RLP_DEPTH_MAX,
  RLP_LEADING_ZERO,
  RLP_LONG_FORM,
  RLP_NOT_A_LIST,
  RLP_SINGLE_BYTE,
  RLP_TOO_DEEP,
  RLP_TOO_LARGE,
  RLP_TOO_MANY_FIELDS,
  RLP_TRAILING_BYTES,
  RLP_TRUNCATED,
} from "../../wasm/layout.ts";
import { rlpFault } from "./rlp_fault.ts";

/** The list bit as an i32, so that rows are small integers: read rows with `& LENGTH_MASK` and `| 0`. */
const LIST = -0x8000_0000;
const LENGTH_MASK = 0x7fff_ffff;

/**
 * Appends offset and length of the item or list at `at`, which must end by `end`.
 *
 * @returns Offset behind it.
 */
function walkItem(bytes: Uint8Array, at: number, end: number, rows: number[]): number {
  const prefix = bytes[at]!;
  if (prefix < 0x80) {
    rows.push(at, 1);
    return at + 1;
  }
  const kind = prefix < 0xc0 ? 0 : LIST;
  let offset = at + 1;
  let length = prefix & 0x3f;
  if (length >= 56) {
    const width = length - 55;
    if (offset === end) throw rlpFault(RLP_TRUNCATED, at);
    if (bytes[offset] === 0) throw rlpFault(RLP_LEADING_ZERO, at);
    if (width > end - offset || width > 4) throw rlpFault(RLP_TRUNCATED, at);
    length = 0;
    for (const last = offset + width; offset < last; offset++) length = length * 256 + bytes[offset]!;
    if (length < 56) throw rlpFault(RLP_LONG_FORM, at);
  }
  if (length > end - offset) throw rlpFault(RLP_TRUNCATED, at);
  if (prefix === 0x81 && bytes[offset]! < 0x80) throw rlpFault(RLP_SINGLE_BYTE, at);
  rows.push(offset, length | kind);
  return offset + length;
}

/** Row of the one item or list that is the whole of the bytes. */
function walkWhole(bytes: Uint8Array): readonly [offset: number, length: number] {
  if (bytes.length > RLP_BYTES_MAX) throw rlpFault(RLP_TOO_LARGE, 0);
  if (bytes.length === 0) throw rlpFault(RLP_TRUNCATED, 0);
  const row: number[] = [];
  const end = walkItem(bytes, 0, bytes.length, row);
  if (end !== bytes.length) throw rlpFault(RLP_TRAILING_BYTES, end);
  return [row[0]!, row[1]!];
}

/** Rows of at most `fields` fields in the payload of a list: two numbers each, as in a table (`wasm/layout.ts`). */
export function walkPayload(bytes: Uint8Array, from: number, end: number, fields: number): number[] {
  const rows: number[] = [];
  for (let at = from; at < end;) {
    if (rows.length >= 2 * fields) throw rlpFault(RLP_TOO_MANY_FIELDS, at);
    at = walkItem(bytes, at, end, rows);
  }
  return rows;
}

/** Rows of at most `fields` fields of the list that is exactly the bytes, and where its payload begins. */
export function walkList(
  bytes: Uint8Array,
  fields: number,
): { readonly start: number; readonly rows: number[] } {
  const [start, length] = walkWhole(bytes);
  if (length >= 0) throw rlpFault(RLP_NOT_A_LIST, 0);
  return { start, rows: walkPayload(bytes, start, bytes.length, fields) };
}

/**
 * Checks that the bytes are exactly one item or list, canonical down to the innermost list.
 *
 * @throws {HotError} `RLP_` with the offset of the first fault.
 */
export function assertRlp(bytes: Uint8Array): void {
  let [at, length] = walkWhole(bytes);
  if (length >= 0) return;
  let end = bytes.length;
  const ends: number[] = [];
  const row: number[] = [];
  while (true) {
    if (at === end) {
      if (ends.length === 0) return;
      end = ends.pop()!;
      continue;
    }
    const prefixAt = at;
    at = walkItem(bytes, at, end, row);
    length = row.pop()!;
    const offset = row.pop()!;
    if (length >= 0) continue;
    if (ends.length === RLP_DEPTH_MAX - 1) throw rlpFault(RLP_TOO_DEEP, prefixAt);
    ends.push(end);
    at = offset;
    end = offset + (length & LENGTH_MASK);
  }
}
