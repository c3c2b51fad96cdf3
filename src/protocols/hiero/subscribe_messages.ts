/**
 * Messages of BlockStreamSubscribeService around items that stay the bytes they are.
 *
 * Layer: protocols. Imports items and wire. Source: spec/block-node.md §1.2, §1.4, §4.3.
 *
 * @module
 */

import { ITEM, itemRanges, peekItemKind } from "./items.ts";
import { UINT64_MAX, WIRE_TYPE, WireReader } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** Two tags and two lengths around the records of a set. */
const SET_OVERHEAD_BYTES = 24;

/** SubscribeStreamResponse.Code. */
export const SUBSCRIBE_CODE = {
  UNKNOWN: 0,
  SUCCESS: 1,
  INVALID_REQUEST: 2,
  ERROR: 3,
  INVALID_START_BLOCK_NUMBER: 4,
  INVALID_END_BLOCK_NUMBER: 5,
  NOT_AVAILABLE: 6,
} as const;

/** Name of a SubscribeStreamResponse code. */
export type SubscribeStatus = keyof typeof SUBSCRIBE_CODE;

const STATUS_NAMES = Object.keys(SUBSCRIBE_CODE) as SubscribeStatus[];

/** What a subscriber asks for; uint64_max stands for "not given" (spec §4.1). */
export interface SubscribeRequest {
  readonly start: bigint;
  readonly end: bigint;
}

/** A message to a subscriber. */
export type SubscribeResponse =
  | { readonly kind: "status"; readonly status: SubscribeStatus }
  /** Item records, as in a serialized Block: those of all sets of a block, put together, are the block. */
  | { readonly kind: "items"; readonly records: Uint8Array }
  | { readonly kind: "end-of-block"; readonly number: bigint };

/** Serializes a SubscribeStreamRequest. */
export function encodeSubscribeRequest({ start, end }: SubscribeRequest): Uint8Array {
  const writer = new WireWriter(24);
  if (start !== 0n) writer.varint(1, start);
  if (end !== 0n) writer.varint(2, end);
  return writer.finish();
}

/**
 * Parses a SubscribeStreamRequest.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function parseSubscribeRequest(bytes: Uint8Array): SubscribeRequest {
  const reader = new WireReader(bytes);
  let [start, end] = [0n, 0n];
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) start = reader.uint64();
    else if (reader.is(2, VARINT)) end = reader.uint64();
    else reader.skip();
  }
  return { start, end };
}

/** Serializes a response; records are copied once, into the message. */
export function encodeSubscribeResponse(response: SubscribeResponse): Uint8Array {
  switch (response.kind) {
    case "status":
      // In a oneof the zero is a value too (spec §11).
      return new WireWriter(4).varint(1, SUBSCRIBE_CODE[response.status]).finish();
    case "items": {
      const set = new WireWriter(response.records.length + SET_OVERHEAD_BYTES);
      return set.bytes(2, response.records).finish();
    }
    case "end-of-block": {
      const body = new WireWriter(12);
      if (response.number !== 0n) body.varint(1, response.number);
      return new WireWriter(16).bytes(3, body.finish()).finish();
    }
  }
}

/**
 * Parses a SubscribeStreamResponse; records are a view on `bytes`.
 *
 * @returns Undefined if it carries nothing this node knows.
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function parseSubscribeResponse(bytes: Uint8Array): SubscribeResponse | undefined {
  const reader = new WireReader(bytes);
  let response: SubscribeResponse | undefined;
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) {
      response = { kind: "status", status: STATUS_NAMES[reader.int32()] ?? "UNKNOWN" };
    } else if (reader.is(2, BYTES)) response = { kind: "items", records: reader.view() };
    else if (reader.is(3, BYTES)) {
      const body = new WireReader(reader.view());
      let number = 0n;
      while (body.nextTag()) {
        if (body.is(1, VARINT)) number = body.uint64();
        else body.skip();
      }
      response = { kind: "end-of-block", number };
    } else reader.skip();
  }
  return response;
}

/** A piece of a serialized Block. */
export interface BlockChunk {
  /** Whole item records, a view on the block; empty if there are no more. */
  readonly records: Uint8Array;
  /** Where the next piece begins. */
  readonly nextOffset: number;
  /** Whether no item follows. */
  readonly last: boolean;
}

/**
 * Cuts the next piece of at most `maxBytes` off a serialized Block, between items; an item larger than that goes
 * alone. Unknown fields of the block are left out.
 *
 * @param offset 0, or the `nextOffset` of the piece before.
 * @throws {HieroFault} `UNABLE_TO_PARSE` if the block is not well formed.
 */
export function nextChunk(block: Uint8Array, offset: number, maxBytes: number): BlockChunk {
  let start = offset;
  let end = offset;
  for (const item of itemRanges(block, offset)) {
    if (end === offset) start = item.recordStart;
    else if (item.recordStart !== end || item.end - start > maxBytes) {
      return { records: block.subarray(start, end), nextOffset: end, last: false };
    }
    end = item.end;
  }
  if (end === offset) start = end;
  return { records: block.subarray(start, end), nextOffset: end, last: true };
}

/** Records of a set in the pieces a live subscriber gets: a proof at its end travels alone (spec §4.3). */
export function splitTrailingProof(records: Uint8Array): readonly Uint8Array[] {
  let last: { readonly recordStart: number; readonly start: number; readonly end: number } | undefined;
  for (const item of itemRanges(records)) last = item;
  if (last === undefined || last.recordStart === 0) return [records];
  if (peekItemKind(records, last.start, last.end) !== ITEM.BLOCK_PROOF) return [records];
  return [records.subarray(0, last.recordStart), records.subarray(last.recordStart)];
}

/** The request for blocks from `first` to `last`; without them as spec §4.1 says. */
export function subscribeRequest(
  range: { readonly first?: bigint; readonly last?: bigint },
): SubscribeRequest {
  return { start: range.first ?? UINT64_MAX, end: range.last ?? UINT64_MAX };
}
