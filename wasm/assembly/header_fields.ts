/**
 * The slots of a Rootstock header: whether each is of its form, and the numbers in them.
 *
 * Layer: wasm. Source: spec/rootstock-consensus.md sections 1.1 and 1.2. Strict throughout, so that what was received
 * is what encoding it again would give, and slices of it can be hashed.
 */

import {
  HEADER_FIELD_COUNT,
  HEADER_FIELD_MALFORMED,
  HEADER_FLAG_UMM,
  HEADER_FLAG_V1,
  HEADER_FLAG_V2,
  HEADER_MINING_EMPTY,
  HEADER_NOT_CANONICAL,
  HEADER_OUT_DIFFICULTY,
  HEADER_OUT_FIELD,
  HEADER_OUT_FIELDS,
  HEADER_OUT_NUMBER,
  HEADER_OUT_TIMESTAMP,
  HEADER_OUT_UNCLES,
  RLP_LIST_BIT,
  RLP_ROW_BYTES,
  RLP_ROW_LENGTH,
  RLP_ROW_OFFSET,
  RLP_TOO_MANY_FIELDS,
} from "../layout";
import { rlpIndex } from "./rlp";

const COINBASE: u32 = 2;
const BLOOM: u32 = 6;
const DIFFICULTY: u32 = 7;
const NUMBER: u32 = 8;
const GAS_LIMIT: u32 = 9;
const GAS_USED: u32 = 10;
const TIMESTAMP: u32 = 11;
const PAID_FEES: u32 = 13;
const MINIMUM_GAS_PRICE: u32 = 14;
const UNCLE_COUNT: u32 = 15;
const UMM_ROOT: u32 = 16;

/** Slots that every header has. */
const FIELDS_MIN: u32 = 16;
export const MINING_FIELDS: u32 = 3;
/** ummRoot and mining included. */
export const FIELDS_MAX: u32 = 20;

const HASH_BYTES: u32 = 32;
const ADDRESS_BYTES: u32 = 20;
const BLOOM_BYTES: u32 = 256;
/** A list of a version and a hash. */
const EXTENSION_BYTES: u32 = 35;
/** Slots 0, 1, 3, 4 and 5 hold hashes. */
const HASH_SLOTS: u32 = 0b111011;

const INT63_MAX: u64 = 0x7fffffffffffffff;
const INT31_MAX: u64 = 0x7fffffff;
const TOO_LARGE: u64 = 0xffffffffffffffff;

/** Bytes of a slot. */
export function slotBytes(table: usize, slot: u32): u32 {
  return load<u32>(table + <usize> slot * RLP_ROW_BYTES, RLP_ROW_LENGTH);
}

/** Address of a slot's bytes. */
export function slotAt(table: usize, slot: u32, header: usize): usize {
  return header + load<u32>(table + <usize> slot * RLP_ROW_BYTES, RLP_ROW_OFFSET);
}

/** An unsigned minimal number up to `most`, which is below `TOO_LARGE`; otherwise that. */
function unsigned(at: usize, bytes: u32, most: u64): u64 {
  if (bytes == 0) return 0;
  if (bytes > 8 || load<u8>(at) == 0) return TOO_LARGE;
  let value: u64 = 0;
  for (let i: u32 = 0; i < bytes; i++) value = (value << 8) | <u64> load<u8>(at + i);
  return value <= most ? value : TOO_LARGE;
}

/** Whether a two's complement number has no byte too many: its first byte says more than the sign of the second. */
function isMinimalSigned(at: usize, bytes: u32): bool {
  if (bytes < 2) return true;
  const first = load<i8>(at);
  const signs = first == 0 ? 0 : first == -1 ? -1 : 1;
  return signs == 1 || (load<i8>(at, 1) >> 7) != signs;
}

/** Writes a difficulty, signed but not negative, as 32 bytes; `false` if it is malformed or too large for them. */
function readDifficulty(at: usize, bytes: u32, genesis: bool, out: usize): bool {
  for (let i: usize = 0; i < 32; i += 8) store<u64>(out + i, 0);
  if (bytes == 0) return true;
  if (load<i8>(at) < 0) return false;
  // Genesis keeps the digits that its maker wrote.
  if (!genesis && !isMinimalSigned(at, bytes)) return false;
  if (load<u8>(at) == 0) {
    at++;
    bytes--;
  }
  if (bytes > 32) return false;
  for (let i: u32 = 0; i < bytes; i++) store<u8>(out + 32 - bytes + i, load<u8>(at + i));
  return true;
}

/** Slot 6: the bloom, or the extension of the version that the flags name. */
function isBloomOrExtension(at: usize, bytes: u32, flags: u32): bool {
  if ((flags & (HEADER_FLAG_V1 | HEADER_FLAG_V2)) == 0) return bytes == BLOOM_BYTES;
  const version: u32 = flags & HEADER_FLAG_V1 ? 1 : 2;
  return bytes == EXTENSION_BYTES && load<u8>(at) == 0xe2 && load<u8>(at, 1) == version &&
    load<u8>(at, 2) == 0xa0;
}

/** The first slot that is not of its form, or `FIELDS_MAX`; numbers go to the result. */
function malformedSlot(header: usize, table: usize, flags: u32, out: usize): u32 {
  for (let slot: u32 = 0; slot < 6; slot++) {
    const bytes = slotBytes(table, slot);
    if (HASH_SLOTS >> slot & 1 ? bytes != HASH_BYTES : bytes != 0 && bytes != ADDRESS_BYTES) return slot;
  }
  if (!isBloomOrExtension(slotAt(table, BLOOM, header), slotBytes(table, BLOOM), flags)) return BLOOM;
  const genesis = slotBytes(table, NUMBER) == 0;
  const difficulty = slotAt(table, DIFFICULTY, header);
  if (!readDifficulty(difficulty, slotBytes(table, DIFFICULTY), genesis, out + HEADER_OUT_DIFFICULTY)) {
    return DIFFICULTY;
  }
  const number = unsigned(slotAt(table, NUMBER, header), slotBytes(table, NUMBER), INT63_MAX);
  if (number == TOO_LARGE) return NUMBER;
  store<u64>(out, number, HEADER_OUT_NUMBER);
  if (slotBytes(table, GAS_LIMIT) == 0) return GAS_LIMIT;
  if (unsigned(slotAt(table, GAS_USED, header), slotBytes(table, GAS_USED), INT63_MAX) == TOO_LARGE) {
    return GAS_USED;
  }
  const timestamp = unsigned(slotAt(table, TIMESTAMP, header), slotBytes(table, TIMESTAMP), INT63_MAX);
  if (timestamp == TOO_LARGE) return TIMESTAMP;
  store<u64>(out, timestamp, HEADER_OUT_TIMESTAMP);
  if (slotBytes(table, PAID_FEES) != 0 && load<u8>(slotAt(table, PAID_FEES, header)) == 0) return PAID_FEES;
  const price = slotAt(table, MINIMUM_GAS_PRICE, header);
  if (!isMinimalSigned(price, slotBytes(table, MINIMUM_GAS_PRICE))) return MINIMUM_GAS_PRICE;
  const uncles = unsigned(slotAt(table, UNCLE_COUNT, header), slotBytes(table, UNCLE_COUNT), INT31_MAX);
  if (uncles == TOO_LARGE) return UNCLE_COUNT;
  store<u32>(out, <u32> uncles, HEADER_OUT_UNCLES);
  if (flags & HEADER_FLAG_UMM) {
    const bytes = slotBytes(table, UMM_ROOT);
    if (bytes != 0 && bytes != ADDRESS_BYTES) return UMM_ROOT;
  }
  return FIELDS_MAX;
}

/**
 * Finds and checks the slots of a header.
 *
 * @param table Room for `FIELDS_MAX` rows.
 * @returns 0, or a `HEADER_` code.
 */
export function readFields(header: usize, bytes: u32, flags: u32, table: usize, out: usize): u32 {
  const fields = rlpIndex(header, bytes, table, FIELDS_MAX);
  if (fields < 0) return fields == -RLP_TOO_MANY_FIELDS ? HEADER_FIELD_COUNT : HEADER_NOT_CANONICAL;
  const count = <u32> fields;
  store<u32>(out, count, HEADER_OUT_FIELDS);
  const bare: u32 = FIELDS_MIN + (flags & HEADER_FLAG_UMM ? 1 : 0);
  if (count != bare && count != bare + MINING_FIELDS) return HEADER_FIELD_COUNT;
  let slot: u32 = 0;
  while (slot < count && (slotBytes(table, slot) & RLP_LIST_BIT) == 0) slot++;
  if (slot == count) slot = malformedSlot(header, table, flags, out);
  if (slot != FIELDS_MAX) {
    store<u32>(out, slot, HEADER_OUT_FIELD);
    return HEADER_FIELD_MALFORMED;
  }
  const mining = slotBytes(table, bare) | slotBytes(table, bare + 1) | slotBytes(table, bare + 2);
  return count != bare && mining == 0 ? HEADER_MINING_EMPTY : 0;
}

/** Number of slots before those of mining. */
export function bareFields(flags: u32): u32 {
  return FIELDS_MIN + (flags & HEADER_FLAG_UMM ? 1 : 0);
}

/** Address of the 20 bytes of ummRoot, or 0 if there are none. */
export function ummRoot(table: usize, flags: u32, header: usize): usize {
  if ((flags & HEADER_FLAG_UMM) == 0 || slotBytes(table, UMM_ROOT) == 0) return 0;
  return slotAt(table, UMM_ROOT, header);
}
