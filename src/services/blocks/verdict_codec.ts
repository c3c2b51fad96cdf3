/**
 * What the verify Worker answers, as bytes.
 *
 * Layer: services. A verdict is a chain state and verification data, each with its length in front, followed by JSON:
 * it is small, and its fields change more often than a binary layout should.
 *
 * @module
 */

import type { Fault } from "../../protocols/hiero/fault.ts";
import type { FutureItems } from "../../protocols/hiero/items.ts";
import type { BlockRecord } from "./store.ts";

/** What the Worker found out about one block. */
export type VerdictBody =
  | {
    readonly status: "ok";
    readonly record: BlockRecord;
    readonly warnings: readonly Fault[];
    /** Items of kinds this version does not know; absent where there are none. */
    readonly futureItems?: FutureItems | undefined;
    /** Chain state after the block. */
    readonly chainState: Uint8Array;
    /** What proofs are checked against from now on, if this block has told it; to be stored with it. */
    readonly verificationData?: Uint8Array | undefined;
  }
  | { readonly status: "fault"; readonly fault: Fault };

const LENGTH_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Serializes a verdict for the body of a `blocks.verified` event. */
export function encodeVerdict(verdict: VerdictBody): Uint8Array {
  const none = new Uint8Array(0);
  const binary = verdict.status === "ok"
    ? [verdict.chainState, verdict.verificationData ?? none]
    : [none, none];
  const json = encoder.encode(
    JSON.stringify({ ...verdict, chainState: undefined, verificationData: undefined }),
  );
  const bytes = new Uint8Array(binary.reduce((sum, part) => sum + LENGTH_BYTES + part.length, json.length));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of binary) {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + LENGTH_BYTES);
    at += LENGTH_BYTES + part.length;
  }
  bytes.set(json, at);
  return bytes;
}

/** Reads what {@link encodeVerdict} wrote; copies what it keeps. */
export function decodeVerdict(body: Uint8Array): VerdictBody {
  // Out of shared memory first: the event's body is only borrowed.
  const bytes = body.slice();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = 0;
  const [chainState, verificationData] = [0, 1].map(() => {
    const start = at + LENGTH_BYTES;
    at = start + view.getUint32(at, true);
    return bytes.subarray(start, at);
  });
  const verdict = JSON.parse(decoder.decode(bytes.subarray(at)));
  if (verdict.status !== "ok") return verdict;
  return { ...verdict, chainState, ...(verificationData!.length === 0 ? {} : { verificationData }) };
}
