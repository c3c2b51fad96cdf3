/**
 * Requests of BlockStreamPublishService, read and written without decoding or copying block items.
 *
 * Layer: protocols. Imports fault, items, block_parts and wire. Source: spec/block-node.md §1.2, §1.3.
 *
 * @module
 */

import { parseBlockHeader } from "./block_parts.ts";
import { HieroFault } from "./fault.ts";
import { ITEM, itemRanges, peekItemKind } from "./items.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** Tags and lengths around a set: a small message is never copied. */
const MESSAGE_OVERHEAD_BYTES = 64;

/** Most items of one set. The largest real block has some 3,700; a million empty items are walked in about 50 ms, and
 * this is done where it holds up everything else. */
export const MAX_SET_ITEMS = 1_000_000;

/** EndStream.Code: why a publisher leaves. */
export const END_STREAM_CODE = { UNKNOWN: 0, RESET: 1, TIMEOUT: 2, ERROR: 3, TOO_FAR_BEHIND: 4 } as const;

/** What a BlockItemSet opens with: nothing special, a header with its number, or a header that is no good. */
export type SetOpening =
  | { readonly kind: "continuation" }
  | { readonly kind: "header"; readonly number: bigint }
  /** `empty`: the header item has no content, which the reference node answers otherwise than broken bytes. */
  | { readonly kind: "bad-header"; readonly empty: boolean; readonly message: string };

/** A BlockItemSet without decoding its items. */
export interface ItemSet {
  /**
   * The item records, byte for byte. Block.items and BlockItemSet.block_items are both field 1, so the records of all
   * sets of a block, put together, are the serialized Block. A view on the message, or a copy where unknown fields
   * lie between the records or make up most of the message: they are not worth holding on to.
   */
  readonly records: Uint8Array;
  readonly itemCount: number;
  readonly opening: SetOpening;
  /** Whether the last item is a block proof. */
  readonly endsWithProof: boolean;
}

/** A message from a publisher. */
export type PublishRequest =
  | { readonly kind: "items"; readonly set: ItemSet }
  | { readonly kind: "end-of-block"; readonly number: bigint }
  | { readonly kind: "end-stream"; readonly code: number; readonly earliest: bigint; readonly latest: bigint }
  | { readonly kind: "unset" };

/**
 * Parses a PublishStreamRequest. Records are views on `bytes`, so those must stay untouched while the set is used.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE` for anything that is no well-formed message; a broken header inside a good
 *   set is no fault but a `bad-header` opening.
 */
export function parsePublishRequest(bytes: Uint8Array): PublishRequest {
  const reader = new WireReader(bytes);
  let request: PublishRequest = { kind: "unset" };
  let setStart = -1;
  let setEnd = -1;
  while (reader.nextTag()) {
    if (reader.field > 3 || reader.wireType !== BYTES) {
      reader.skip();
      continue;
    }
    const { field } = reader;
    const length = reader.length();
    const start = reader.pos;
    reader.pos += length;
    // Last member of a oneof wins. A member given twice would be merged by protobuf; no publisher does that.
    setStart = -1;
    if (field === 1) [setStart, setEnd] = [start, reader.pos];
    else if (field === 2) request = parseEndStream(bytes, start, reader.pos);
    else request = { kind: "end-of-block", number: numberField(bytes, start, reader.pos) };
  }
  return setStart < 0 ? request : { kind: "items", set: parseItemSet(bytes, setStart, setEnd) };
}

/**
 * Reads a BlockItemSet from a range of bytes.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function parseItemSet(bytes: Uint8Array, start = 0, end: number = bytes.length): ItemSet {
  let recordsStart = start;
  let recordsEnd = start;
  let size = 0;
  let itemCount = 0;
  let opening: SetOpening = { kind: "continuation" };
  let last: { readonly start: number; readonly end: number } = { start, end: start };
  for (const item of itemRanges(bytes, start, end)) {
    if (itemCount++ === 0) {
      recordsStart = item.recordStart;
      opening = readOpening(bytes, item.start, item.end);
    }
    if (itemCount > MAX_SET_ITEMS) {
      throw new HieroFault("UNABLE_TO_PARSE", `Cannot take item set: more than ${MAX_SET_ITEMS} items`, {
        check: "wire",
      });
    }
    recordsEnd = item.end;
    size += item.end - item.recordStart;
    last = item;
  }
  const isRun = recordsEnd - recordsStart === size;
  const isWorthHolding = size * 2 + MESSAGE_OVERHEAD_BYTES >= bytes.length;
  let records = bytes.subarray(recordsStart, recordsEnd);
  if (!isRun) records = copyRecords(bytes, start, end, size);
  else if (!isWorthHolding) records = records.slice();
  const endsWithProof = itemCount > 0 && peekItemKind(bytes, last.start, last.end) === ITEM.BLOCK_PROOF;
  return { records, itemCount, opening, endsWithProof };
}

function copyRecords(bytes: Uint8Array, start: number, end: number, size: number): Uint8Array {
  const records = new Uint8Array(size);
  let at = 0;
  for (const item of itemRanges(bytes, start, end)) {
    records.set(bytes.subarray(item.recordStart, item.end), at);
    at += item.end - item.recordStart;
  }
  return records;
}

function readOpening(bytes: Uint8Array, start: number, end: number): SetOpening {
  if (peekItemKind(bytes, start, end) !== ITEM.BLOCK_HEADER) return { kind: "continuation" };
  try {
    const item = new WireReader(bytes, start, end);
    item.nextTag();
    const length = item.length();
    if (length === 0) {
      return { kind: "bad-header", empty: true, message: "Cannot read block header: it is empty" };
    }
    return { kind: "header", number: parseBlockHeader(bytes, item.pos, item.pos + length).number };
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    return { kind: "bad-header", empty: false, message: thrown.message };
  }
}

function parseEndStream(bytes: Uint8Array, start: number, end: number): PublishRequest {
  const reader = new WireReader(bytes, start, end);
  let code = 0;
  let earliest = 0n;
  let latest = 0n;
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) code = reader.int32();
    else if (reader.is(2, VARINT)) earliest = reader.uint64();
    else if (reader.is(3, VARINT)) latest = reader.uint64();
    else reader.skip();
  }
  return { kind: "end-stream", code, earliest, latest };
}

function numberField(bytes: Uint8Array, start: number, end: number): bigint {
  const reader = new WireReader(bytes, start, end);
  let number = 0n;
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) number = reader.uint64();
    else reader.skip();
  }
  return number;
}

/** Request that carries a run of item records: a piece of a serialized Block cut between items. */
export function encodeItemsRequest(records: Uint8Array): Uint8Array {
  return new WireWriter(records.length + 12).bytes(1, records).finish();
}

/** Request that completes a block. */
export function encodeEndOfBlock(number: bigint): Uint8Array {
  return new WireWriter().bytes(3, numberMessage(number)).finish();
}

/** Request by which a publisher leaves. */
export function encodeEndStream(code: number, earliest: bigint, latest: bigint): Uint8Array {
  const body = new WireWriter();
  if (code !== 0) body.varint(1, code);
  if (earliest !== 0n) body.varint(2, earliest);
  if (latest !== 0n) body.varint(3, latest);
  return new WireWriter().bytes(2, body.finish()).finish();
}

function numberMessage(number: bigint): Uint8Array {
  return number === 0n ? new Uint8Array(0) : new WireWriter(12).varint(1, number).finish();
}
