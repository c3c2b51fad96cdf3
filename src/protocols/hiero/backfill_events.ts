/**
 * What goes into the backfill plan and what comes out: plain data.
 *
 * Layer: protocols. Imports nothing. Source: spec/block-node.md §7.4.
 *
 * @module
 */

/** Index of a peer in {@link BackfillPlanConfig.peers}. */
export type PeerId = number;

/** `live-tail` fetches what follows the newest block, upwards; `history` what lies below the first one, downwards. */
export type BackfillLane = "live-tail" | "history";

/** Both lanes, in the order in which they are planned. */
export const BACKFILL_LANES: readonly BackfillLane[] = ["live-tail", "history"];

/** Limits and times of the plan. */
export interface BackfillPlanConfig {
  /** The peers with their priorities; the lowest number is asked first. */
  readonly peers: readonly { readonly priority: number }[];
  /** Lowest block this node wants (E). */
  readonly earliest: bigint;
  /** Whether to follow the peers' newest blocks without being told of them. */
  readonly greedy: boolean;
  /** Time before the first scan, in milliseconds. */
  readonly initialDelayMs: number;
  /** Time between scans, in milliseconds. */
  readonly scanIntervalMs: number;
  /** Most blocks of one fetch. */
  readonly fetchBatchSize: number;
  /** Time between two fetches of a lane, and least time between scans on demand, in milliseconds. */
  readonly delayBetweenBatchesMs: number;
  /** Failed fetches in a row after which a lane rests until the next scan. */
  readonly maxRetries: number;
  /** First back-off of a peer, in milliseconds; doubled by every further failure. */
  readonly initialRetryDelayMs: number;
  /** Longest back-off of a peer, in milliseconds. */
  readonly maxBackoffMs: number;
  /** What one failure adds to a peer's score, in milliseconds of latency. */
  readonly healthPenaltyPerFailureMs: number;
}

/** What this node has. */
export interface OwnBlocks {
  /** Lowest stored block; undefined while nothing is stored. */
  readonly first: bigint | undefined;
  /** Lowest block above that which nobody is bringing. */
  readonly next: bigint;
}

/** Something that happened. */
export type BackfillEvent =
  | { readonly kind: "tick" }
  /** A publisher knows blocks up to here that this node lacks (spec §3.4). */
  | { readonly kind: "demand"; readonly upTo: bigint }
  /** Answer to a `poll`; both undefined from a peer without blocks. */
  | {
    readonly kind: "polled";
    readonly peer: PeerId;
    readonly first: bigint | undefined;
    readonly last: bigint | undefined;
  }
  | { readonly kind: "poll-failed"; readonly peer: PeerId }
  /** All blocks of a `fetch` are stored. */
  | { readonly kind: "fetched"; readonly lane: BackfillLane; readonly latencyMs: number }
  /** A `fetch` failed by its peer's fault. */
  | { readonly kind: "fetch-failed"; readonly lane: BackfillLane }
  /** A `fetch` ended early by nobody's fault: a publisher was faster, or the disk failed. */
  | { readonly kind: "interrupted"; readonly lane: BackfillLane };

/**
 * What the driver must do.
 *
 * `poll`: ask the peer for its range, answer `polled` or `poll-failed`. `fetch`: fetch, verify and store the blocks,
 * answer `fetched`, `fetch-failed` or `interrupted` with the same lane. `wake`: step with a `tick` at that time; takes
 * the place of the `wake` before.
 */
export type BackfillEffect =
  | { readonly kind: "poll"; readonly peer: PeerId }
  | {
    readonly kind: "fetch";
    readonly lane: BackfillLane;
    readonly peer: PeerId;
    readonly first: bigint;
    readonly last: bigint;
  }
  | { readonly kind: "wake"; readonly atMs: number }
  /** The peer is not asked until then. */
  | {
    readonly kind: "back-off";
    readonly peer: PeerId;
    readonly failures: number;
    readonly untilMs: number;
  }
  /** The lane rests until the next scan: its fetches have failed too often in a row. */
  | { readonly kind: "given-up"; readonly lane: BackfillLane };

/** State for status pages and gauges. */
export interface BackfillSnapshot {
  /** Highest block that a publisher has told of and that is not there yet; undefined if there is none. */
  readonly demand: bigint | undefined;
  readonly peers: readonly {
    readonly first: bigint | undefined;
    readonly last: bigint | undefined;
    /** In a row. */
    readonly failures: number;
    readonly backOffUntilMs: number;
  }[];
}
