/**
 * What goes into the publish machine and what comes out: plain data.
 *
 * Layer: protocols. Imports publish_messages and publish_responses (types). Source: spec/block-node.md §3.
 *
 * @module
 */

import type { BudgetConfig } from "./publish_budget.ts";
import type { ItemSet, PublishRequest } from "./publish_messages.ts";
import type { PublishResponse } from "./publish_responses.ts";

/** Names one publisher's stream; the driver chooses it and never gives it twice. */
export type HandlerId = number;

/** Limits and windows of the publish machine. All bounds have a written reaction: docs/blocks.md. */
export interface PublishConfig extends BudgetConfig {
  /** First block this node wants to own (E). @default {0n} */
  readonly earliestManagedBlock: bigint;
  /** Blocks behind the last stored one that are skipped rather than refused. @default {5n} */
  readonly duplicateBlockSkipWindow: bigint;
  /** An unfinished block this far behind a completed one has stalled. @default {3n} */
  readonly maxFutureBlocksBeforeStalled: bigint;
  /** Holes this far behind the newest stored block are left to backfill. @default {100n} */
  readonly staleResendPruneBuffer: bigint;
  /** A stream that brings nothing for this long ends with CANCELLED; 0 = never. @default {0} */
  readonly idleTimeoutMs: number;
  /** Most bytes of one block; more is INVALID_REQUEST. @default {134_217_728} the largest message, too */
  readonly maxBlockBytes: number;
  /** Most items of one block; more is INVALID_REQUEST. Each costs two hashes, so this bounds the time a block can hold
   * up verification to a few seconds. @default {1_000_000} */
  readonly maxBlockItems: number;
  /** Above this many bytes in memory all streams are paused while blocks are in flight. @default {67_108_864} */
  readonly pauseAboveBytes: number;
  /** Most bytes of all blocks in memory; beyond it the highest block not in flight is dropped. @default {536_870_912} */
  readonly maxQueuedBytes: number;
  /** What holding one set costs beyond its bytes, so that tiny sets cannot fill the memory. @default {256} */
  readonly setOverheadBytes: number;
  /** Most blocks started and not stored; a further one is told the node is behind. @default {4_096} */
  readonly maxPendingBlocks: number;
}

/** See {@link PublishConfig} for each value. */
export const DEFAULT_PUBLISH_CONFIG: PublishConfig = {
  earliestManagedBlock: 0n,
  duplicateBlockSkipWindow: 5n,
  maxFutureBlocksBeforeStalled: 3n,
  staleResendPruneBuffer: 100n,
  idleTimeoutMs: 0,
  maxBlockBytes: 134_217_728,
  maxBlockItems: 1_000_000,
  pauseAboveBytes: 67_108_864,
  maxQueuedBytes: 536_870_912,
  setOverheadBytes: 256,
  maxPendingBlocks: 4_096,
  perHandlerMessageBudget: 100,
  totalMessageBudgetPerInterval: 1_000,
  flowControlIntervalMs: 10,
  fullIntervalsForPenalty: 0,
  penaltyMs: 30_000,
  penaltyResetMs: 3_600_000,
};

/** Something that happened to a stream, to a block or to the node. */
export type PublishEvent =
  | { readonly kind: "connected"; readonly handler: HandlerId }
  | { readonly kind: "message"; readonly handler: HandlerId; readonly request: PublishRequest }
  /** A message that is no PublishStreamRequest. */
  | { readonly kind: "malformed"; readonly handler: HandlerId }
  /** The peer sends no more, and still reads. */
  | { readonly kind: "half-closed"; readonly handler: HandlerId }
  /** The stream is gone: ended, reset or lost. */
  | { readonly kind: "disconnected"; readonly handler: HandlerId }
  /** The driver failed while it handled this stream. */
  | { readonly kind: "internal-error"; readonly handler: HandlerId }
  | { readonly kind: "verified"; readonly number: bigint; readonly attempt: number }
  | { readonly kind: "failed"; readonly number: bigint; readonly attempt: number }
  /** A block is durably stored, by this machine's `persist` or from another source. */
  | { readonly kind: "persisted"; readonly number: bigint }
  | { readonly kind: "persist-failed"; readonly number: bigint }
  | { readonly kind: "tick" }
  | { readonly kind: "shutdown" };

/** Why a stream is closed: `ended` after an EndOfStream, `left` after an EndStream or a half-close, `idle` by time. */
export type CloseReason = "ended" | "left" | "idle";

/** Things worth a metric or a debug line that no peer is told. */
export type PublishNote =
  | "items-dropped"
  | "late-items-dropped"
  | "end-of-block-ignored"
  | "end-of-block-misnamed"
  | "block-abandoned"
  | "block-stalled"
  | "block-evicted"
  /** Of an attempt that was overtaken: its result counts for nothing. */
  | "verdict-outdated"
  | "end-stream-invalid"
  /** A stream is not read for the rest of the interval, or for a penalty. */
  | "held-budget"
  | "held-penalty";

/**
 * What the driver must do, in order.
 *
 * `accepted`: a set became part of its block; for whoever follows live. One that opens with a header begins the block,
 * anew if it was begun before.
 * `verify`: put the segments together, verify, answer `verified` or `failed` with the same attempt. Numbers come in
 * ascending order; a lower one again means that everything from it on starts over and older results are ignored.
 * `persist`: store what that attempt verified, durably and in order, then answer `persisted`; after a failed write
 * drop the later ones unanswered and answer `persist-failed` once.
 * `close`: `ended` and `left` finish the call with OK (about 10 ms after the last response, so that it gets out),
 * `idle` with CANCELLED. The handler is forgotten: no `disconnected` is needed.
 */
export type PublishEffect =
  | { readonly kind: "respond"; readonly handler: HandlerId; readonly response: PublishResponse }
  | { readonly kind: "close"; readonly handler: HandlerId; readonly reason: CloseReason }
  | { readonly kind: "accepted"; readonly number: bigint; readonly set: ItemSet }
  | {
    readonly kind: "verify";
    readonly number: bigint;
    readonly attempt: number;
    readonly segments: readonly Uint8Array[];
    readonly bytes: number;
    readonly itemCount: number;
  }
  | { readonly kind: "persist"; readonly number: bigint; readonly attempt: number }
  /** Step with a `tick` at that time, and no later for an earlier `wake`: this one takes its place. */
  | { readonly kind: "wake"; readonly atMs: number }
  /** Stop and go on reading a stream. */
  | { readonly kind: "pause" | "resume"; readonly handler: HandlerId }
  /** A publisher knows blocks up to here that this node lacks. */
  | { readonly kind: "backfill"; readonly upTo: bigint }
  | {
    readonly kind: "note";
    readonly note: PublishNote;
    readonly handler?: HandlerId;
    readonly number?: bigint;
  };

/** State for status pages and gauges. */
export interface PublishSnapshot {
  /** P: last acknowledged block, -1 if none. */
  readonly lastPersisted: bigint;
  /** U: next block nobody has started. */
  readonly nextUnstarted: bigint;
  /** S, ascending: blocks to be sent again. */
  readonly resend: readonly bigint[];
  readonly handlers: number;
  readonly queuedBlocks: number;
  /** With the overhead of each set. */
  readonly queuedBytes: number;
  /** Blocks being verified or stored. */
  readonly inFlight: number;
  readonly paused: boolean;
  /** Streams that are not read because they have used their budget. */
  readonly held: number;
}
