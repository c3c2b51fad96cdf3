/**
 * Header sync as a state machine: events in, effects out. It finds the heaviest chain that peers have, has every header
 * of it verified and stored, and follows it.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 5, spec/rootstock-consensus.md section 5.
 *
 * What a peer says of its chain only decides what is looked at first. Which chain is followed is decided by fork choice
 * over verified headers alone.
 *
 * @module
 */

import { SyncAnchoring } from "./sync_anchoring.ts";
import { SyncBranches } from "./sync_branches.ts";
import { type IsHeavier, SyncChain } from "./sync_chain.ts";
import type { GrowthRules } from "./sync_claims.ts";
import { type IdentifyHeader, SyncContext, type SyncPeer } from "./sync_context.ts";
import {
  type ChainPosition,
  DEFAULT_SYNC_CONFIG,
  type SyncCheckpoint,
  type SyncConfig,
  type SyncEffect,
  type SyncEvent,
  type SyncPhase,
  type SyncProgress,
} from "./sync_events.ts";
import { ForkJudge } from "./sync_judge.ts";
import { SyncLookups } from "./sync_lookups.ts";
import { SyncSegments } from "./sync_segments.ts";
import { Walk, type WalkParts } from "./sync_walk.ts";
import type { RskMessage } from "./rsk_message.ts";

/** Options of {@link SyncMachine}. */
export interface SyncMachineOptions {
  /** The lowest block: genesis, or the checkpoint that sync starts from. No chain that parts below it is followed. */
  readonly base: ChainPosition;
  /** Tip of the stored canonical chain. @default {base} */
  readonly tip?: ChainPosition;
  /**
   * How many headers below `base` are to be fetched first, by hash alone: 449 for the fork-detection rule. 0 if they are
   * stored already, or there are none. @default {0}
   */
  readonly ancestors?: number;
  readonly checkpoints?: readonly SyncCheckpoint[];
  readonly identify: IdentifyHeader;
  readonly isHeavier: IsHeavier;
  readonly growth: GrowthRules;
  /** Overrides of {@link DEFAULT_SYNC_CONFIG}. */
  readonly config?: Partial<SyncConfig>;
}

/**
 * See the module's note. Deterministic: same events and times, same effects. `nowMs` is any clock that does not run
 * backwards.
 *
 * @example A peer with a longer chain is asked for its best header first
 * ```ts
 * import { SyncMachine } from "./sync_machine.ts";
 *
 * const hash = (byte: number) => new Uint8Array(32).fill(byte);
 * const machine = new SyncMachine({
 *   base: { number: 0, hash: hash(0), difficulty: 1n, paidFees: 0n, totalDifficulty: 1n },
 *   identify: () => undefined,
 *   isHeavier: (candidate, best) => candidate.totalDifficulty > best.totalDifficulty,
 *   growth: { divisorFrom: () => 2_048n, minimumFrom: () => 1n },
 *   config: { expectedPeers: 1 },
 * });
 * const status = { bestNumber: 1_000, bestHash: hash(1), totalDifficulty: 1_001n };
 * const [effect] = machine.handle({ type: "peer-joined", peer: "a", status }, 0);
 * if (effect?.type !== "send" || effect.message.type !== "block-headers-request") throw new Error("expected a request");
 * ```
 */
export class SyncMachine {
  readonly #context: SyncContext;
  readonly #chain: SyncChain;
  readonly #segments: SyncSegments;
  readonly #lookups: SyncLookups;
  readonly #branches: SyncBranches;
  readonly #judge: ForkJudge;
  readonly #parts: WalkParts;
  readonly #anchoring: SyncAnchoring | undefined;
  #walk: Walk | undefined;
  #firstPeerMs: number | undefined;
  #progressMs = -Infinity;

  constructor(options: SyncMachineOptions) {
    const config = { ...DEFAULT_SYNC_CONFIG, ...options.config };
    const { base, tip = base, checkpoints = [], ancestors = 0, growth } = options;
    const context = this.#context = new SyncContext(config, options.identify);
    const chain = this.#chain = new SyncChain(context, base, tip, checkpoints, options.isHeavier);
    const segments = this.#segments = new SyncSegments(context);
    const lookups = this.#lookups = new SyncLookups(context, chain);
    this.#judge = new ForkJudge(context, chain);
    const consider = (head: ChainPosition, forkPoint: ChainPosition) => this.#judge.consider(head, forkPoint);
    this.#branches = new SyncBranches({ context, chain, segments, consider });
    const clear = () => this.#branches.clear();
    this.#parts = { context, chain, segments, lookups, growth, consider, clear };
    this.#anchoring = ancestors > 0 ? new SyncAnchoring(context, chain, ancestors) : undefined;
  }

  /** Takes one event. */
  handle(event: SyncEvent, nowMs: number): SyncEffect[] {
    const context = this.#context;
    context.nowMs = Math.max(context.nowMs, nowMs);
    switch (event.type) {
      case "peer-joined":
        context.join(event.peer, event.status);
        this.#firstPeerMs ??= context.nowMs;
        break;
      case "peer-status": {
        const peer = context.peers.get(event.peer);
        if (peer !== undefined) context.tell(peer, event.status);
        break;
      }
      case "peer-gone":
        context.leave(event.peer);
        break;
      case "message": {
        const peer = context.peers.get(event.peer);
        if (peer !== undefined) this.#message(peer, event.message);
        break;
      }
      case "segment-verified":
        this.#segments.verified(event.ticket, event.verdict);
        break;
      case "segment-stored":
        this.#anchoring?.stored(event.ticket);
        this.#chain.stored(event.ticket);
        break;
      case "answer":
        this.#lookups.answered(event.ticket, event.block);
        break;
      case "uncles-checked":
        this.#judge.checked(event.ticket, event.difficulty);
        break;
      case "tick":
        context.expire();
    }
    this.#pump();
    return context.takeEffects();
  }

  /** State for gauges and status. */
  snapshot(): SyncProgress {
    const { peers, requestsInFlight } = this.#context;
    const { tip, storedNumber: stored } = this.#chain;
    let highest = tip.number;
    for (const { status, distrusted, failures } of peers.values()) {
      if (!distrusted && failures === 0 && status !== undefined) {
        highest = Math.max(highest, status.bestNumber);
      }
    }
    return {
      phase: this.#phase(),
      tip: { number: tip.number, hash: tip.hash },
      stored,
      highest,
      peers: peers.size,
      requestsInFlight,
      windowHeaders: this.#walk?.windowHeaders ?? 0,
      windowBytes: this.#walk?.windowBytes ?? 0,
    };
  }

  #phase(): SyncPhase {
    if (this.#chain.stopped) return "stopped";
    if (this.#anchoring?.isDone === false) return "anchoring";
    if (this.#walk !== undefined) return this.#walk.phase;
    const isFollowing = [...this.#context.peers.values()].some((peer) =>
      peer.explored !== "" && !peer.distrusted
    );
    return isFollowing ? "following" : "waiting";
  }

  #message(peer: SyncPeer, message: RskMessage): void {
    switch (message.type) {
      case "status":
        this.#context.tell(peer, message.status);
        break;
      case "new-block-hashes":
        for (const { hash, number } of message.blocks.slice(0, this.#context.config.branches)) {
          this.#announced(peer, hash, number);
        }
        break;
      case "new-block-hash":
        this.#announced(peer, message.hash);
        break;
      case "block-hash-response":
      case "block-headers-response":
      case "skeleton-response":
      case "body-response":
        this.#context.respond(peer, message);
    }
  }

  /** A block is said to be new. Far ahead of us it only says how far the peer is; the next status does the rest. */
  #announced(peer: SyncPeer, hash: Uint8Array, number?: number): void {
    if (this.#walk?.isApproaching === false || this.#anchoring?.isDone === false || this.#chain.stopped) {
      return;
    }
    const distance = number === undefined ? 0 : number - this.#chain.tip.number;
    if (Math.abs(distance) <= this.#context.config.branchHeaders) this.#branches.want(peer, hash, number);
  }

  #pump(): void {
    if (this.#chain.stopped) return this.#report();
    if (this.#anchoring?.isDone === false) this.#anchoring.pump();
    else {
      this.#walk?.pump();
      if (this.#walk?.end !== undefined) this.#endWalk(this.#walk);
      if (this.#walk?.isApproaching !== false) this.#decide();
      this.#branches.pump();
      this.#judge.pump();
    }
    this.#report();
  }

  #endWalk(walk: Walk): void {
    const { nowMs, config } = this.#context;
    const { guide, target } = walk;
    this.#walk = undefined;
    guide.walks++;
    if (walk.head?.hash.toHex() === target.hash.toHex()) {
      guide.explored = target.hash.toHex();
      guide.failures = 0;
    } else if (!walk.hasGrown) {
      guide.retryAtMs = nowMs + config.retryAfterMs * 2 ** Math.min(6, guide.failures++);
    }
  }

  /** Looks for peers with something that we lack, and begins to fetch it: near the tip by hash, else by one walk. */
  #decide(): void {
    const { nowMs, config, peers } = this.#context;
    if (this.#firstPeerMs === undefined) return;
    if (peers.size < config.expectedPeers && nowMs - this.#firstPeerMs < config.expectedPeersMs) return;
    const guides: SyncPeer[] = [];
    for (const peer of peers.values()) {
      if (peer.distrusted || peer.status === undefined || peer.retryAtMs > nowMs) continue;
      if (peer.explored !== peer.bestHash && this.#mayGuide(peer)) guides.push(peer);
    }
    if (this.#walk !== undefined) return;
    guides.sort((a, b) =>
      a.failures - b.failures || a.walks - b.walks ||
      compare(b.status!.totalDifficulty, a.status!.totalDifficulty)
    );
    for (const guide of guides) {
      if (!this.#context.isFree(guide)) continue;
      this.#walk = new Walk(this.#parts, guide);
      this.#walk.pump();
      return;
    }
  }

  /** Whether a walk to the peer's best block is what is called for; asks for it by hash where that will do. */
  #mayGuide(peer: SyncPeer): boolean {
    const { bestNumber, bestHash, totalDifficulty } = peer.status!;
    const known = this.#chain.known(peer.bestHash);
    if (known !== undefined) {
      peer.explored = peer.bestHash;
      const { totalDifficultyCeiling: ceiling } = known;
      if (totalDifficulty !== undefined && ceiling !== undefined && totalDifficulty > ceiling) {
        this.#context.score(
          peer,
          "invalid-message",
          `Total difficulty above what block ${bestNumber} can have`,
        );
      }
      return false;
    }
    const { tip, base } = this.#chain;
    if (bestNumber <= base.number) {
      peer.explored = peer.bestHash;
      return false;
    }
    if (peer.deep === peer.bestHash) return true;
    const ahead = bestNumber - tip.number;
    const { branchHeaders } = this.#context.config;
    if (ahead > branchHeaders) return true;
    if (ahead <= 0 && peer.differs !== peer.bestHash) {
      this.#lookUp(peer);
      if (peer.differs !== peer.bestHash) return false;
    }
    if (ahead < -branchHeaders) return true;
    this.#branches.want(peer, bestHash, bestNumber, totalDifficulty);
    return false;
  }

  /** A best block that is no higher than our tip: one of ours, or of another chain. */
  #lookUp(peer: SyncPeer): void {
    const { bestHash } = peer;
    if (peer.lookedUp === bestHash) return;
    peer.lookedUp = bestHash;
    const { bestNumber, totalDifficulty } = peer.status!;
    this.#lookups.ask(bestNumber, (ours) => {
      const isLighter = totalDifficulty !== undefined && totalDifficulty <= this.#chain.tip.totalDifficulty;
      if (ours?.hash.toHex() === bestHash || isLighter) peer.explored = bestHash;
      else peer.differs = bestHash;
    });
  }

  #report(): void {
    const { nowMs, config } = this.#context;
    if (nowMs - this.#progressMs < config.progressMs) return;
    this.#progressMs = nowMs;
    this.#context.emit({ type: "progress", progress: this.snapshot() });
  }
}

function compare(a: bigint | undefined, b: bigint | undefined): number {
  const [left, right] = [a ?? 0n, b ?? 0n];
  return left < right ? -1 : left > right ? 1 : 0;
}
