/**
 * What the verify Worker answers, as bytes.
 *
 * Layer: services. A verdict is a length-prefixed chain state followed by JSON: it is small, and its fields change
 * more often than a binary layout should.
 *
 * @module
 */

import type { Fault } from "../../protocols/hiero/fault.ts";
import type { BlockRecord } from "./store.ts";

/** What the Worker found out about one block. */
export type VerdictBody =
  | {
    readonly status: "ok";
    readonly record: BlockRecord;
    readonly warnings: readonly Fault[];
    /** Chain state after the block. */
    readonly chainState: Uint8Array;
  }
  | { readonly status: "fault"; readonly fault: Fault };

const LENGTH_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Serializes a verdict for the body of a `blocks.verified` event. */
export function encodeVerdict(verdict: VerdictBody): Uint8Array {
  const state = verdict.status === "ok" ? verdict.chainState : new Uint8Array(0);
  const json = encoder.encode(JSON.stringify({ ...verdict, chainState: undefined }));
  const bytes = new Uint8Array(LENGTH_BYTES + state.length + json.length);
  new DataView(bytes.buffer).setUint32(0, state.length, true);
  bytes.set(state, LENGTH_BYTES);
  bytes.set(json, LENGTH_BYTES + state.length);
  return bytes;
}

/** Reads what {@link encodeVerdict} wrote; copies what it keeps. */
export function decodeVerdict(body: Uint8Array): VerdictBody {
  // Out of shared memory first: the event's body is only borrowed.
  const bytes = body.slice();
  const stateEnd = LENGTH_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const verdict = JSON.parse(decoder.decode(bytes.subarray(stateEnd)));
  return verdict.status === "ok"
    ? { ...verdict, chainState: bytes.subarray(LENGTH_BYTES, stateEnd) }
    : verdict;
}
