/**
 * What goes into a follower's machine and what comes out: plain data.
 *
 * Layer: protocols. Source: spec/kimura.md §3 (roles), §4 (catch-up, conflicts).
 *
 * @module
 */

import type { Block } from "./block.ts";
import type { Fault } from "./fault.ts";
import type { Announcement } from "./gossip.ts";
import type { Message } from "./message.ts";
import type { FullBlock, SyncAnswer, SyncRequest } from "./sync_messages.ts";

/** Names a peer; whatever the driver calls it. */
export type PeerName = string;
/** Names a gossip message whose verdict is awaited; the driver chooses it and never gives it twice. */
export type GossipRef = number;
/** Names a request; the machine chooses it and never gives it twice. */
export type RequestRef = number;

/** Limits of a follower. */
export interface PeerConfig {
  /** Most blocks asked for with one request. @default {128} */
  readonly rangeBlocks: number;
  /** Requests under way, one a peer. @default {4} */
  readonly maxRequests: number;
  /** Blocks beyond the tip that are asked for or held. @default {1_024} */
  readonly maxAhead: number;
  /** Bytes of held blocks beyond which nothing more is asked for. @default {67_108_864} */
  readonly maxHeldBytes: number;
  /** Most blocks verified and written at a time. @default {64} */
  readonly batchBlocks: number;
  /** Time for an answer, in milliseconds. @default {15_000} */
  readonly requestTimeoutMs: number;
  /** Time between two questions for a peer's tip, in milliseconds. @default {10_000} */
  readonly tipIntervalMs: number;
  /** First wait before a peer that failed is asked again, in milliseconds; doubles. @default {500} */
  readonly backoffMs: number;
  /** Longest such wait. @default {60_000} */
  readonly maxBackoffMs: number;
  /** Most peers remembered. @default {1_024} */
  readonly maxPeers: number;
  /** Most messages that wait for their block. @default {50_000} */
  readonly maxPooled: number;
  /** Most characters of them. @default {67_108_864} */
  readonly maxPooledLength: number;
}

/** See {@link PeerConfig} for each value. */
export const DEFAULT_PEER_CONFIG: PeerConfig = {
  rangeBlocks: 128,
  maxRequests: 4,
  maxAhead: 1_024,
  maxHeldBytes: 67_108_864,
  batchBlocks: 64,
  requestTimeoutMs: 15_000,
  tipIntervalMs: 10_000,
  backoffMs: 500,
  maxBackoffMs: 60_000,
  maxPeers: 1_024,
  maxPooled: 50_000,
  maxPooledLength: 67_108_864,
};

/** Something that happened. */
export type PeerEvent =
  | { readonly kind: "connected" | "disconnected"; readonly peer: PeerName }
  | { readonly kind: "block"; readonly ref: GossipRef; readonly block: Block; readonly from: PeerName }
  | {
    readonly kind: "announcement";
    readonly ref: GossipRef;
    readonly announcement: Announcement;
    readonly from: PeerName;
  }
  /** A message that is not in the chain. */
  | { readonly kind: "message"; readonly ref: GossipRef; readonly message: Message }
  | { readonly kind: "answer"; readonly request: RequestRef; readonly answer: SyncAnswer }
  /** No answer, or one that could not be read: then its fault is that of the codec. */
  | { readonly kind: "failed"; readonly request: RequestRef; readonly fault?: Fault }
  /** Of a batch, the first `count` blocks are valid; `fault` is what is wrong with the next. */
  | { readonly kind: "verified"; readonly count: number; readonly fault?: Fault }
  | { readonly kind: "persisted" }
  | { readonly kind: "persist-failed" }
  | { readonly kind: "tick" };

/** Things worth a metric or a debug line. */
export type PeerNote =
  /** A block came whose parent is not here: catch-up begins. */
  | "gap"
  /** A block came without all its messages. */
  | "incomplete"
  | "caught-up"
  | "persist-failed";

/**
 * What the driver must do, in order.
 *
 * `verdict`: what gossip is told of a message; `reject` comes with the fault that makes it so.
 * `request`: ask a peer, then answer `answer` or `failed` with the same request. A request that is asked again under
 * another number has been given up; its late answer is ignored.
 * `verify`: check the blocks in order against the tip of the store (check_chain.ts), then answer `verified`.
 * `persist`: write the blocks in one batch, then answer `persisted`, or `persist-failed` and nothing is stored.
 * `penalise`: a peer lied or failed; points lower its score.
 * `conflict`: the leader signed a second block of a stored height, if the stored one is another: keep the evidence.
 * `wake`: step with a `tick` at that time; this one takes the place of an earlier one.
 */
export type PeerEffect =
  | {
    readonly kind: "verdict";
    readonly ref: GossipRef;
    readonly verdict: "accept" | "ignore" | "reject";
    readonly fault?: Fault;
  }
  | {
    readonly kind: "request";
    readonly request: RequestRef;
    readonly peer: PeerName;
    readonly ask: SyncRequest;
  }
  | { readonly kind: "verify"; readonly blocks: readonly FullBlock[] }
  | { readonly kind: "persist"; readonly blocks: readonly FullBlock[] }
  | { readonly kind: "penalise"; readonly peer: PeerName; readonly points: number; readonly fault: Fault }
  | { readonly kind: "conflict"; readonly block: Block; readonly from: PeerName }
  | { readonly kind: "wake"; readonly atMs: number }
  | { readonly kind: "note"; readonly note: PeerNote; readonly height: bigint };

/** State for gauges and status. */
export interface PeerSnapshot {
  readonly height: bigint;
  /** Highest height that anybody credible has spoken of. */
  readonly target: bigint;
  readonly peers: number;
  readonly requests: number;
  /** Blocks held and not stored. */
  readonly held: number;
  readonly pooled: number;
}
