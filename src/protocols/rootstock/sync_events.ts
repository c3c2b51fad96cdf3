/**
 * What goes into the sync machine and what comes out: plain data.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 5, spec/rootstock-consensus.md section 5.
 *
 * Total difficulty here is the sum of the difficulties of the trunk's headers above the base: a lower bound of what the
 * network counts, which adds that of uncles. Where a block's uncles were fetched and checked, they are in it.
 *
 * @module
 */

import type { BlockIdentifier } from "./block_identifier.ts";
import type { NodeId } from "./node_id.ts";
import type { RskMessage, RskStatus } from "./rsk_message.ts";
import type { SegmentVerdict, VerifiedHeader } from "./verify_segment.ts";

/** What a header says of itself; its proof of work is checked by whoever gives this. */
export interface HeaderIdentity extends BlockIdentifier {
  /** 32 bytes. */
  readonly parentHash: Uint8Array;
}

/** Where a chain stands, as fork choice sees it. */
export interface ChainPosition extends BlockIdentifier {
  /** See the module's note: a lower bound, counted from the base. */
  readonly totalDifficulty: bigint;
  readonly difficulty: bigint;
  readonly paidFees: bigint;
  /** Total difficulty with ten uncles of the greatest weight for each block that has any; absent if the base's is not known. */
  readonly totalDifficultyCeiling?: bigint;
}

/** A block that is known beforehand. */
export interface SyncCheckpoint {
  readonly number: number;
  readonly hash?: Uint8Array;
  readonly difficulty?: bigint;
  /** With uncles, as the network counts it. */
  readonly totalDifficulty?: bigint;
}

/** Why a peer is reported: rskj's events (N section 5.4). The first three begin a punishment. */
export type SyncScore =
  | "invalid-block"
  | "invalid-header"
  | "invalid-message"
  | "timeout-message"
  | "unexpected-message";

/** A header on its way to the store. */
export interface StoredHeader extends VerifiedHeader {
  /** As received: RLP in the compressed form. */
  readonly bytes: Uint8Array;
  readonly totalDifficulty: bigint;
  readonly totalDifficultyCeiling?: bigint;
}

/** Something that happened; see {@link SyncEffect} for what each answers. */
export type SyncEvent =
  | { readonly type: "peer-joined"; readonly peer: NodeId; readonly status?: RskStatus }
  | { readonly type: "peer-status"; readonly peer: NodeId; readonly status: RskStatus }
  | { readonly type: "peer-gone"; readonly peer: NodeId }
  /** A response or an announcement; requests of peers are the header server's. */
  | { readonly type: "message"; readonly peer: NodeId; readonly message: RskMessage }
  | { readonly type: "segment-verified"; readonly ticket: number; readonly verdict: SegmentVerdict }
  | { readonly type: "segment-stored"; readonly ticket: number }
  /** What the canonical chain has at the height asked for; no `block` if nothing. */
  | { readonly type: "answer"; readonly ticket: number; readonly block?: ChainPosition }
  /** Sum of the difficulties of a block's uncles; absent if they do not give its unclesHash, or break a rule. */
  | { readonly type: "uncles-checked"; readonly ticket: number; readonly difficulty?: bigint }
  /** At least every 100 ms. */
  | { readonly type: "tick" };

/**
 * What the driver must do, in order.
 *
 * `verify`: check the headers (ascending) on top of `after` against every rule; answer `segment-verified`. Those that
 * come while others are in work are to be taken in order; `after` is then the last header of the one before, unless a
 * fork or a failure began elsewhere.
 * `anchor`: take these headers (ascending) as given, by the hash of the last alone, and store them: nothing below them
 * is known. Answer `segment-stored`.
 * `store`: append durably, one batch, in the order of the effects; `canonical` says whether the headers follow the tip
 * or belong to a fork. Answer `segment-stored`.
 * `adopt`: the canonical chain goes from `forkPoint` to `tip` from here on; all its headers have been stored before.
 * `lookup`: answer with the canonical block at that height, as stored at the time of the effect.
 * `check-uncles`: check the uncles of a body against the block's unclesHash and their own rules; answer `uncles-checked`.
 * `score`: report the peer. After `invalid-…` the machine asks it nothing more; it is for others to cut it off.
 * `contradiction`: a chain of valid headers and a checkpoint do not agree.
 */
export type SyncEffect =
  | { readonly type: "send"; readonly peer: NodeId; readonly message: RskMessage }
  | {
    readonly type: "verify";
    readonly ticket: number;
    readonly after: BlockIdentifier;
    readonly headers: readonly Uint8Array[];
  }
  | {
    readonly type: "anchor";
    readonly ticket: number;
    readonly headers: readonly (HeaderIdentity & { readonly bytes: Uint8Array })[];
  }
  | {
    readonly type: "store";
    readonly ticket: number;
    readonly headers: readonly StoredHeader[];
    readonly canonical: boolean;
  }
  | {
    readonly type: "adopt";
    readonly tip: ChainPosition;
    readonly forkPoint: BlockIdentifier;
    /** Blocks of the old chain above the fork point. */
    readonly depth: number;
  }
  | { readonly type: "lookup"; readonly ticket: number; readonly number: number }
  | {
    readonly type: "check-uncles";
    readonly ticket: number;
    readonly block: BlockIdentifier;
    readonly uncles: readonly Uint8Array[];
  }
  | { readonly type: "score"; readonly peer: NodeId; readonly event: SyncScore; readonly detail: string }
  /** No peer gives the bodies that would show what uncles weigh: `head` and `tip` are compared by headers alone. */
  | {
    readonly type: "inexact";
    readonly head: BlockIdentifier;
    readonly tip: BlockIdentifier;
    readonly forkPoint: BlockIdentifier;
  }
  | {
    readonly type: "contradiction";
    readonly checkpoint: SyncCheckpoint;
    /** Verified headers contradict it; otherwise it is but what a peer says, and stops nothing. */
    readonly isProven: boolean;
    /** What the chain has at that height. */
    readonly found: BlockIdentifier & {
      readonly totalDifficulty?: bigint;
      readonly totalDifficultyCeiling?: bigint;
    };
    readonly detail: string;
  }
  | { readonly type: "progress"; readonly progress: SyncProgress };

/** What the machine is at. */
export type SyncPhase =
  /** Too few peers, or nothing that any of them has is missing: see `tip` and `highest`. */
  | "waiting"
  /** Fetching the headers below a checkpoint. */
  | "anchoring"
  /** Checking that a peer has the block it calls its best. */
  | "checking-best"
  | "finding-connection"
  | "downloading"
  /** At the tip; headers come one by one. */
  | "following"
  /** A checkpoint was contradicted, and `onContradiction` is `stop`. */
  | "stopped";

/** State for gauges and status; plain data. */
export interface SyncProgress {
  readonly phase: SyncPhase;
  readonly tip: BlockIdentifier;
  /** Last height durably stored on the canonical chain. */
  readonly stored: number;
  /** Highest best number that a peer which may be believed has claimed; at least the tip's. */
  readonly highest: number;
  readonly peers: number;
  readonly requestsInFlight: number;
  /** Headers asked for, received, in verification or being stored. */
  readonly windowHeaders: number;
  /** Bytes of those received. */
  readonly windowBytes: number;
}

/** Bounds and times of the machine; LIMITS.md says what happens at each. */
export interface SyncConfig {
  /** Requests to one peer in a minute. @default {900} */
  readonly requestsPerMinute: number;
  /** Length of that minute, in milliseconds. @default {60_000} */
  readonly requestMinuteMs: number;
  /** Most requests in flight to one peer. @default {16} */
  readonly requestsInFlight: number;
  /** A request is given up after this. @default {30_000} rskj's own */
  readonly requestTimeoutMs: number;
  /** The same chunk is asked of another peer after four times the usual latency, within these bounds. @default {1_000} */
  readonly stealAfterMinMs: number;
  /** @default {10_000} */
  readonly stealAfterMaxMs: number;
  /** Peers that are asked for the same chunk at once, at most. @default {3} */
  readonly askedPerChunk: number;
  /** Headers asked for and not yet stored, at most. @default {36_864} 192 chunks */
  readonly windowHeaders: number;
  /** Bytes of them, as far as a request's size can be foreseen. @default {67_108_864} */
  readonly windowBytes: number;
  /**
   * Bytes that are here and wait for nothing but verification and storage, beyond which the window does not grow: to ask
   * for more would not be faster. What waits for a chunk below it does not count. @default {8,388,608}
   */
  readonly backlogBytes: number;
  /** Largest header taken. @default {4_096} */
  readonly headerBytes: number;
  /** Segments handed to `verify` and not answered. @default {4} */
  readonly verifyAhead: number;
  /** Peers waited for before the first decision … @default {5} */
  readonly expectedPeers: number;
  /** … or this long with one peer at least. @default {1_000} */
  readonly expectedPeersMs: number;
  /** A claim that led nowhere is not tried again for this long, doubled each time up to 64 times. @default {10_000} */
  readonly retryAfterMs: number;
  /** Verified blocks kept in memory, for forks near the tip. @default {1_024} */
  readonly treeBlocks: number;
  /** Branches fetched by hash at once. @default {8} */
  readonly branches: number;
  /** Heights between us and a peer up to which its branch is fetched by hash. @default {384} */
  readonly branchHeaders: number;
  /** Most peers. @default {128} */
  readonly peers: number;
  /** Rules that a header may break in good faith: no peer is punished for them. @default {["timestamp-future"]} */
  readonly transientRules: readonly string[];
  /** Difficulties of uncles are fetched for the blocks that decide between two branches, up to so many blocks a side. 0
   * compares headers alone. @default {0} */
  readonly exactBlocks: number;
  /**
   * `refuse`: a chain that contradicts a checkpoint is reported and not followed. `stop`: so, and if its headers are
   * verified the machine stops for good. `follow`: it is reported and followed. @default {"refuse"}
   */
  readonly onContradiction: "refuse" | "stop" | "follow";
  /** Between two `progress` effects. @default {1_000} */
  readonly progressMs: number;
}

/** See {@link SyncConfig} for each value. */
export const DEFAULT_SYNC_CONFIG: SyncConfig = {
  requestsPerMinute: 900,
  requestMinuteMs: 60_000,
  requestsInFlight: 16,
  requestTimeoutMs: 30_000,
  stealAfterMinMs: 1_000,
  stealAfterMaxMs: 10_000,
  askedPerChunk: 3,
  windowHeaders: 36_864,
  windowBytes: 67_108_864,
  backlogBytes: 8_388_608,
  headerBytes: 4_096,
  verifyAhead: 4,
  expectedPeers: 5,
  expectedPeersMs: 1_000,
  retryAfterMs: 10_000,
  treeBlocks: 1_024,
  branches: 8,
  branchHeaders: 384,
  peers: 128,
  transientRules: ["timestamp-future"],
  exactBlocks: 0,
  onContradiction: "refuse",
  progressMs: 1_000,
};
