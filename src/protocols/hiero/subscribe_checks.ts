/**
 * Whether a subscription can be served, and from which block to which.
 *
 * Layer: protocols. Imports wire and types. Source: spec/block-node.md §4.1, §4.2.
 *
 * @module
 */

import type { SubscribeRequest, SubscribeStatus } from "./subscribe_messages.ts";
import { UINT64_MAX } from "./wire.ts";

const INT64_MAX = 0x7fff_ffff_ffff_ffffn;

/** What the node has. */
export interface KnownBlocks {
  /** Lowest stored block; undefined while nothing is stored. */
  readonly first: bigint | undefined;
  /** Highest block stored or being received, -1n if there is none. */
  readonly latest: bigint;
}

/** Blocks to send, or why none are sent. */
export type SubscribeCheck =
  | {
    readonly ok: true;
    /** First block; undefined for the next one that begins. */
    readonly next: bigint | undefined;
    /** Last block; undefined for no end. */
    readonly end: bigint | undefined;
  }
  | { readonly ok: false; readonly status: SubscribeStatus };

const refuse = (status: SubscribeStatus): SubscribeCheck => ({ ok: false, status });

/** -1 stands for "not given"; what is below as a signed number is no block. */
const isNoBlock = (number: bigint) => number > INT64_MAX && number !== UINT64_MAX;

/** Checks a request in the order of spec §4.2. */
export function checkSubscribe(
  { start, end }: SubscribeRequest,
  { first, latest }: KnownBlocks,
  maximumFutureRequest: bigint,
): SubscribeCheck {
  if (isNoBlock(start)) return refuse("INVALID_START_BLOCK_NUMBER");
  if (isNoBlock(end)) return refuse("INVALID_END_BLOCK_NUMBER");
  const last = end === UINT64_MAX ? undefined : end;
  if (start === UINT64_MAX) {
    if (last === undefined) return { ok: true, next: undefined, end: undefined };
    if (first === undefined || first > last) return refuse("NOT_AVAILABLE");
    return { ok: true, next: first, end: last };
  }
  if (last !== undefined && start > last) return refuse("INVALID_END_BLOCK_NUMBER");
  if (start > latest + maximumFutureRequest) return refuse("NOT_AVAILABLE");
  if (first === undefined || first > start) return refuse("NOT_AVAILABLE");
  return { ok: true, next: start, end: last };
}
