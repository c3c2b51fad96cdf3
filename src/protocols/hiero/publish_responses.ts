/**
 * Responses of BlockStreamPublishService, both directions.
 *
 * Layer: protocols. Imports wire. Source: spec/block-node.md §1.3.
 *
 * @module
 */

import { WIRE_TYPE, WireReader } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** EndOfStream.Code: why the node ends a publisher's stream. */
export const END_OF_STREAM_CODE = {
  UNKNOWN: 0,
  SUCCESS: 1,
  INVALID_REQUEST: 2,
  ERROR: 3,
  TIMEOUT: 4,
  DUPLICATE_BLOCK: 5,
  BAD_BLOCK_PROOF: 6,
  PERSISTENCE_FAILED: 7,
} as const;

/** Name of an EndOfStream code. */
export type EndOfStreamStatus = keyof typeof END_OF_STREAM_CODE;

/** A message to a publisher. */
export type PublishResponse =
  | { readonly kind: "acknowledgement"; readonly number: bigint }
  | {
    readonly kind: "end-stream";
    readonly status: EndOfStreamStatus;
    /** Last persisted and verified block; uint64_max if none. */
    readonly number: bigint;
    /** The block it is about; uint64_max if none, 0 if unknown. */
    readonly proximate: bigint;
  }
  | { readonly kind: "skip"; readonly number: bigint }
  | { readonly kind: "resend"; readonly number: bigint }
  | { readonly kind: "behind"; readonly number: bigint };

function numberMessage(number: bigint): Uint8Array {
  return number === 0n ? new Uint8Array(0) : new WireWriter(12).varint(1, number).finish();
}

const RESPONSE_KINDS = ["acknowledgement", "end-stream", "skip", "resend", "behind"] as const;
const STATUS_NAMES = Object.keys(END_OF_STREAM_CODE) as EndOfStreamStatus[];

/** Serializes a PublishStreamResponse. Numbers are taken modulo 2^64, so -1 is sent as uint64_max. */
export function encodePublishResponse(response: PublishResponse): Uint8Array {
  const field = RESPONSE_KINDS.indexOf(response.kind) + 1;
  if (response.kind !== "end-stream") {
    return new WireWriter(16).bytes(field, numberMessage(response.number)).finish();
  }
  const body = new WireWriter(24);
  if (response.status !== "UNKNOWN") body.varint(1, END_OF_STREAM_CODE[response.status]);
  if (response.number !== 0n) body.varint(2, response.number);
  if (response.proximate !== 0n) body.varint(3, response.proximate);
  return new WireWriter(32).bytes(field, body.finish()).finish();
}

/**
 * Parses a PublishStreamResponse.
 *
 * @returns Undefined if it carries nothing this node knows.
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function parsePublishResponse(bytes: Uint8Array): PublishResponse | undefined {
  const reader = new WireReader(bytes);
  let response: PublishResponse | undefined;
  while (reader.nextTag()) {
    const kind = RESPONSE_KINDS[reader.field - 1];
    if (kind === undefined || reader.wireType !== BYTES) {
      reader.skip();
      continue;
    }
    const length = reader.length();
    const body = new WireReader(bytes, reader.pos, reader.pos + length);
    const values = [0n, 0n, 0n];
    while (body.nextTag()) {
      if (body.field <= 3 && body.wireType === VARINT) values[body.field - 1] = body.uint64();
      else body.skip();
    }
    const [first, second, third] = values as [bigint, bigint, bigint];
    response = kind === "end-stream"
      ? { kind, status: STATUS_NAMES[Number(first)] ?? "UNKNOWN", number: second, proximate: third }
      : { kind, number: first };
    reader.pos += length;
  }
  return response;
}
