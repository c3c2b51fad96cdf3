/**
 * Reading fields of RLP lists by the rules of rskj's messages.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md, conventions; spec/rootstock-consensus.md section 1.2.
 *
 * @module
 */

import type { RlpFields } from "../../hot/rlp_fields.ts";
import { WireFault } from "./wire_fault.ts";

/** Bytes of a hash. */
export const HASH_BYTES = 32;
const UINT64_BYTES = 8;

const malformed = (what: string, why: string) => new WireFault("malformed", `Cannot decode ${what}: ${why}`);

/** The item or list that the bytes begin with: what follows it is padding. Only its first byte and length are read. */
export function leadingRlp(bytes: Uint8Array): Uint8Array {
  const prefix = bytes[0] ?? 0;
  if (prefix < 0x80) return bytes.subarray(0, 1);
  const short = prefix & 0x3f;
  const width = short < 56 ? 0 : short - 55;
  let payload = width === 0 ? short : 0;
  for (let i = 1; i <= width; i++) payload = payload * 256 + (bytes[i] ?? 0);
  return bytes.subarray(0, 1 + width + payload);
}

/** @throws {WireFault} `malformed` unless the list has as many fields as it must. */
export function expectFields(fields: RlpFields, least: number, most: number, what: string): void {
  if (fields.count < least || fields.count > most) throw malformed(what, `${fields.count} elements`);
}

/**
 * An unsigned integer below 2^53; the single byte 00 is zero too.
 *
 * @throws {WireFault | HotError} If it is none.
 */
export function integerOf(fields: RlpFields, i: number): number {
  return isZeroByte(fields, i) ? 0 : fields.number(i);
}

/** As {@link integerOf}, below 2^64. */
export function uint64Of(fields: RlpFields, i: number, what: string): bigint {
  if (isZeroByte(fields, i)) return 0n;
  if (fields.length(i) > UINT64_BYTES) throw malformed(what, "an integer of more than 64 bits");
  return fields.bigint(i);
}

function isZeroByte(fields: RlpFields, i: number): boolean {
  return !fields.isList(i) && fields.length(i) === 1 && fields.view(i)[0] === 0;
}

/** An item, where it lies. */
export function itemOf(fields: RlpFields, i: number, what: string): Uint8Array {
  if (fields.isList(i)) throw malformed(what, "a list in place of bytes");
  return fields.view(i);
}

/** A hash, where it lies. */
export function hashOf(fields: RlpFields, i: number, what: string): Uint8Array {
  const hash = itemOf(fields, i, what);
  if (hash.length !== HASH_BYTES) throw malformed(what, `a hash of ${hash.length} bytes`);
  return hash;
}

/** A list with its prefix, where it lies in `bytes`, which the fields were read from. */
export function encodingOf(bytes: Uint8Array, fields: RlpFields, i: number, what: string): Uint8Array {
  if (!fields.isList(i)) throw malformed(what, "bytes in place of a list");
  return bytes.subarray(fields.start(i), fields.end(i));
}
