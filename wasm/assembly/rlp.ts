/**
 * RLP without decoding: one pass finds the fields of a list and leaves a row for each in memory.
 *
 * Layer: wasm. Source: spec/hot-path.md section 7, spec/rootstock-consensus.md section 1.2. Strict canonical: a byte
 * below 0x80 stands for itself, the long form begins at 56 bytes, no length has a leading zero, an item ends inside
 * its list and the list at the end of the input. Every bound is checked as `length > end - offset`: a sum would wrap.
 *
 * Rows lie gapless, so the encoding of field `i` reaches from the end of field `i - 1` (the start of the list's
 * payload for the first) to its own end; `rlpEncodedStart` tells the same from the row alone.
 */

import {
  RLP_BYTES_MAX,
  RLP_DEPTH_MAX,
  RLP_LEADING_ZERO,
  RLP_LIST_BIT,
  RLP_LONG_FORM,
  RLP_NOT_A_LIST,
  RLP_ROW_BYTES,
  RLP_ROW_LENGTH,
  RLP_ROW_OFFSET,
  RLP_SINGLE_BYTE,
  RLP_TOO_DEEP,
  RLP_TOO_LARGE,
  RLP_TOO_MANY_FIELDS,
  RLP_TRAILING_BYTES,
  RLP_TRUNCATED,
} from "../layout";
import { copy16 } from "./bytes";
import { chainingScratch } from "./scratch";

/** Low word of what {@link itemAt} returns for a fault: no offset reaches it. */
const FAULT: u32 = 0xffffffff;
const LIST: u32 = <u32> RLP_LIST_BIT;
const LENGTH_MASK: u32 = LIST - 1;

let faultOffset: u32 = 0;

/** Offset from the address of the last call at which it met what its negative code says. */
export function rlpFaultOffset(): u32 {
  return faultOffset;
}

function fail(code: i32, offset: u32): i32 {
  faultOffset = offset;
  return -code;
}

function fault(code: u32, offset: u32): u64 {
  faultOffset = offset;
  return (<u64> code << 32) | <u64> FAULT;
}

function failWith(row: u64): i32 {
  return -(<i32> (row >> 32));
}

/** Row of an item or list in the long form, whose prefix names `width` bytes of length. */
function longItemAt(address: usize, at: u32, end: u32, width: u32, kind: u32): u64 {
  const available = end - at - 1;
  if (available == 0) return fault(RLP_TRUNCATED, at);
  const from = address + at + 1;
  let length = <u32> load<u8>(from);
  if (length == 0) return fault(RLP_LEADING_ZERO, at);
  // Without a leading zero five bytes say 4 GiB at least, more than any memory holds.
  if (width > available || width > 4) return fault(RLP_TRUNCATED, at);
  for (let i: u32 = 1; i < width; i++) length = (length << 8) | <u32> load<u8>(from + i);
  if (length < 56) return fault(RLP_LONG_FORM, at);
  if (length > available - width) return fault(RLP_TRUNCATED, at);
  return (<u64> (length | kind) << 32) | <u64> (at + 1 + width);
}

/** Row of the item or list that begins at `at` and must end by `end`; `at < end <= RLP_BYTES_MAX`. */
function itemAt(address: usize, at: u32, end: u32): u64 {
  const prefix = <u32> load<u8>(address + at);
  if (prefix < 0x80) return (<u64> 1 << 32) | <u64> at;
  const kind = prefix < 0xc0 ? 0 : LIST;
  const length = prefix & 0x3f;
  if (length >= 56) return longItemAt(address, at, end, length - 55, kind);
  const offset = at + 1;
  if (length > end - offset) return fault(RLP_TRUNCATED, at);
  if (prefix == 0x81 && load<u8>(address + offset) < 0x80) return fault(RLP_SINGLE_BYTE, at);
  return (<u64> (length | kind) << 32) | <u64> offset;
}

/** Row of the one item or list that is the whole input. */
function wholeAt(address: usize, bytes: u32): u64 {
  if (bytes > <u32> RLP_BYTES_MAX) return fault(RLP_TOO_LARGE, 0);
  if (bytes == 0) return fault(RLP_TRUNCATED, 0);
  const row = itemAt(address, 0, bytes);
  if (<u32> row == FAULT) return row;
  const end = <u32> row + (<u32> (row >> 32) & LENGTH_MASK);
  return end == bytes ? row : fault(RLP_TRAILING_BYTES, end);
}

function indexFields(address: usize, at: u32, end: u32, table: usize, capacity: u32): i32 {
  const first = table;
  const last = table + <usize> capacity * RLP_ROW_BYTES;
  for (; at < end; table += RLP_ROW_BYTES) {
    if (table == last) return fail(RLP_TOO_MANY_FIELDS, at);
    const prefix = <u32> load<u8>(address + at);
    const offset = at + 1;
    const size = prefix & 0x3f;
    // Short forms are decided here and not in a call: a fifth of the time of a header.
    if (prefix < 0x80) {
      store<u64>(table, (<u64> 1 << 32) | <u64> at);
      at = offset;
    } else if (size < 56 && prefix != 0x81 && size <= end - offset) {
      // The bit that tells lists from items becomes the list bit.
      store<u64>(table, (<u64> (size | ((prefix & 0x40) << 25)) << 32) | <u64> offset);
      at = offset + size;
    } else {
      const row = itemAt(address, at, end);
      if (<u32> row == FAULT) return failWith(row);
      store<u64>(table, row);
      at = <u32> row + (<u32> (row >> 32) & LENGTH_MASK);
    }
  }
  return <i32> ((table - first) / RLP_ROW_BYTES);
}

/**
 * Finds the fields of the list that is exactly the input; nested lists are not looked into.
 *
 * @param table One row of `RLP_ROW_BYTES` a field: u32 offset from `address`, u32 length with `RLP_LIST_BIT`.
 * @returns Number of fields, or a negated `RLP_` code of the layout.
 */
export function rlpIndex(address: usize, bytes: u32, table: usize, capacity: u32): i32 {
  const list = wholeAt(address, bytes);
  if (<u32> list == FAULT) return failWith(list);
  if ((<u32> (list >> 32) & LIST) == 0) return fail(RLP_NOT_A_LIST, 0);
  return indexFields(address, <u32> list, bytes, table, capacity);
}

/** As `rlpIndex` for `bytes` of payload at `address + from`, of a list that was found already; same offsets. */
export function rlpIndexPayload(address: usize, from: u32, bytes: u32, table: usize, capacity: u32): i32 {
  if (from > <u32> RLP_BYTES_MAX || bytes > <u32> RLP_BYTES_MAX - from) return fail(RLP_TOO_LARGE, 0);
  return indexFields(address, from, from + bytes, table, capacity);
}

/**
 * Whether the input is exactly one item or list, canonical down to the innermost list.
 *
 * @returns 0, or a negated `RLP_` code of the layout.
 */
export function rlpValidate(address: usize, bytes: u32): i32 {
  const whole = wholeAt(address, bytes);
  if (<u32> whole == FAULT) return failWith(whole);
  if ((<u32> (whole >> 32) & LIST) == 0) return 0;
  // Ends of the lists around the current one. No recursion: the input would choose how much stack it takes.
  const bottom = chainingScratch();
  const top = bottom + RLP_DEPTH_MAX * 4;
  let open = bottom;
  let at = <u32> whole;
  let end = bytes;
  while (true) {
    if (at == end) {
      if (open == bottom) return 0;
      open -= 4;
      end = load<u32>(open);
      continue;
    }
    const row = itemAt(address, at, end);
    if (<u32> row == FAULT) return failWith(row);
    const length = <u32> (row >> 32);
    const offset = <u32> row;
    if ((length & LIST) == 0) {
      at = offset + length;
      continue;
    }
    // The outermost list is not on the stack but counts.
    if (open == top - 4) return fail(RLP_TOO_DEEP, at);
    store<u32>(open, end);
    open += 4;
    at = offset;
    end = offset + (length & LENGTH_MASK);
  }
}

/** Bytes of the prefix before a payload that needs one. */
function prefixBytes(length: u32): u32 {
  return length < 56 ? 1 : 1 + ((39 - <u32> clz<u32>(length)) >> 3);
}

/** Bytes of the prefix of the field of a row. */
function rowPrefixBytes(base: usize, offset: u32, length: u32): u32 {
  if (length == 1 && load<u8>(base + offset) < 0x80) return 0;
  return prefixBytes(length & LENGTH_MASK);
}

/** Offset from `base` at which the encoding of the field of a row begins, prefix included. */
export function rlpEncodedStart(row: usize, base: usize): u32 {
  const offset = load<u32>(row, RLP_ROW_OFFSET);
  return offset - rowPrefixBytes(base, offset, load<u32>(row, RLP_ROW_LENGTH));
}

/** Bytes of the payload of a list of these fields; more than `RLP_BYTES_MAX` if it is too large. */
function payloadBytes(table: usize, count: u32, base: usize): u64 {
  let bytes: u64 = 0;
  for (const end = table + <usize> count * RLP_ROW_BYTES; table < end; table += RLP_ROW_BYTES) {
    const length = load<u32>(table, RLP_ROW_LENGTH);
    bytes += (length & LENGTH_MASK) + rowPrefixBytes(base, load<u32>(table, RLP_ROW_OFFSET), length);
  }
  return bytes;
}

/** Bytes `rlpEncodeList` writes; 0 for a list larger than `RLP_BYTES_MAX`. */
export function rlpEncodedLength(table: usize, count: u32, base: usize): u32 {
  const bytes = payloadBytes(table, count, base);
  if (bytes > <u64> (RLP_BYTES_MAX - 5)) return 0;
  return <u32> bytes + prefixBytes(<u32> bytes);
}

/** Writes the prefix of `length` bytes of payload, 56 at least; `kind` is 0x80 or 0xc0. */
function writeLongPrefix(out: usize, kind: u32, length: u32): usize {
  const width = prefixBytes(length) - 1;
  store<u8>(out++, <u8> (kind + 55 + width));
  for (let shift = (<i32> width - 1) << 3; shift >= 0; shift -= 8) store<u8>(out++, <u8> (length >> shift));
  return out;
}

/** Copies between regions that do not overlap, touching nothing beside them: the last step overlaps the one before. */
function copy(to: usize, from: usize, bytes: u32): void {
  if (bytes >= 16) {
    const last = from + bytes - 16;
    const lastTo = to + bytes - 16;
    for (; from < last; from += 16, to += 16) copy16(to, from);
    copy16(lastTo, last);
  } else if (bytes >= 8) {
    const last = load<u64>(from + bytes - 8);
    store<u64>(to, load<u64>(from));
    store<u64>(to + bytes - 8, last);
  } else if (bytes >= 4) {
    const last = load<u32>(from + bytes - 4);
    store<u32>(to, load<u32>(from));
    store<u32>(to + bytes - 4, last);
  } else {
    for (let i: u32 = 0; i < bytes; i++) store<u8>(to + i, load<u8>(from + i));
  }
}

/**
 * Writes the list of the fields of a table: a row with `RLP_LIST_BIT` is the payload of a nested list, any other an
 * item. `out` must hold `rlpEncodedLength` bytes and not overlap the fields.
 *
 * @returns Bytes written; 0 for a list larger than `RLP_BYTES_MAX`.
 */
export function rlpEncodeList(table: usize, count: u32, base: usize, out: usize): u32 {
  const bytes = payloadBytes(table, count, base);
  if (bytes > <u64> (RLP_BYTES_MAX - 5)) return 0;
  let to = out;
  if (bytes < 56) store<u8>(to++, <u8> (0xc0 + <u32> bytes));
  else to = writeLongPrefix(to, 0xc0, <u32> bytes);
  for (const end = table + <usize> count * RLP_ROW_BYTES; table < end; table += RLP_ROW_BYTES) {
    const from = base + load<u32>(table, RLP_ROW_OFFSET);
    const length = load<u32>(table, RLP_ROW_LENGTH);
    const size = length & LENGTH_MASK;
    if (length == 1 && load<u8>(from) < 0x80) {
      store<u8>(to++, load<u8>(from));
      continue;
    }
    // The list bit becomes the bit that tells lists from items. A call for every short field would take as long as
    // copying them all.
    const kind = 0x80 | ((length & LIST) >> 25);
    if (size < 56) store<u8>(to++, <u8> (kind + size));
    else to = writeLongPrefix(to, kind, size);
    copy(to, from, size);
    to += size;
  }
  return <u32> (to - out);
}
