/**
 * What goes into the leader's machine and what comes out: plain data.
 *
 * Layer: protocols. Source: spec/kimura.md §3 (roles), §4.
 *
 * @module
 */

import type { Block } from "./block.ts";
import type { Fault } from "./fault.ts";
import type { Message } from "./message.ts";
import type { FullBlock } from "./sync_messages.ts";

/** Names one submission; the driver chooses it and never gives it twice. */
export type Ticket = number;

/** Limits and rhythm of a leader. */
export interface LeaderConfig {
  /** Time from one block to the next, in milliseconds. @default {5_000} */
  readonly blockIntervalMs: number;
  /** Most bytes of a block's canonical messages; one that is larger by itself is refused. @default {16_777_216} */
  readonly maxBlockBytes: number;
  /**
   * A block whose JSON would not fit into a gossip message: `announce` names it by hash and lets peers fetch it, `split`
   * leaves the rest to the next heights, as a network with nodes of the original needs. @default {"announce"}
   */
  readonly oversize: "announce" | "split";
  /** Most messages accepted and not in a block; one more is `PENDING_FULL`. @default {50_000} */
  readonly maxPending: number;
  /** Most canonical bytes of them. @default {67_108_864} */
  readonly maxPendingBytes: number;
  /** Most of them from one sender. @default {10_000} */
  readonly maxPendingPerSender: number;
}

/** See {@link LeaderConfig} for each value. */
export const DEFAULT_LEADER_CONFIG: LeaderConfig = {
  blockIntervalMs: 5_000,
  maxBlockBytes: 16_777_216,
  oversize: "announce",
  maxPending: 50_000,
  maxPendingBytes: 67_108_864,
  maxPendingPerSender: 10_000,
};

/** Something that happened. */
export type LeaderEvent =
  | {
    readonly kind: "submit";
    readonly ticket: Ticket;
    readonly message: Message;
    /** The sender's last nonce in the chain, as read from the store. */
    readonly lastNonce: bigint | undefined;
    /** Height of the chain when that was read. */
    readonly readAt: bigint;
  }
  /** A `keep` is on disk, or could not be written. */
  | { readonly kind: "kept" | "keep-failed"; readonly order: number }
  | { readonly kind: "persisted" | "persist-failed"; readonly height: bigint }
  | { readonly kind: "tick" }
  /** Nothing is accepted any more and no block is begun; one that is being written is finished. */
  | { readonly kind: "stop" };

/** Things worth a metric or a debug line. */
export type LeaderNote =
  /** A block was due while the one before was still being written. */
  | "late"
  /** A block left messages for the next height. */
  | "cut"
  | "persist-failed";

/**
 * What the driver must do, in order.
 *
 * `keep`: write the message to the pending family, synced, then answer `kept` or `keep-failed` with the same order.
 * Writes must apply in the order in which they were asked for.
 * `accepted`: tell the submitter, and gossip the message.
 * `forget`: remove pending entries that will be in no block.
 * `persist`: write the block and all that belongs to it, then answer `persisted` or `persist-failed`.
 * `publish`: the block is on disk; gossip it whole, or its announcement.
 * `wake`: step with a `tick` at that time; this one takes the place of an earlier one.
 */
export type LeaderEffect =
  | { readonly kind: "keep"; readonly message: Message; readonly order: number; readonly receivedMs: number }
  | { readonly kind: "accepted"; readonly ticket: Ticket; readonly message: Message }
  | { readonly kind: "refused"; readonly ticket: Ticket; readonly fault: Fault }
  | { readonly kind: "forget"; readonly ids: readonly Uint8Array[] }
  | { readonly kind: "persist"; readonly full: FullBlock }
  | { readonly kind: "publish"; readonly block: Block; readonly form: "whole" | "announcement" }
  | { readonly kind: "wake"; readonly atMs: number }
  | { readonly kind: "note"; readonly note: LeaderNote; readonly height: bigint };

/** State for gauges and status. */
export interface LeaderSnapshot {
  readonly height: bigint;
  readonly pending: number;
  readonly pendingBytes: number;
  readonly isWriting: boolean;
}
