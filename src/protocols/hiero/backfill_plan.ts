/**
 * Which missing blocks to fetch from which peer, and when: events in, effects out.
 *
 * Layer: protocols. Imports the backfill types of this room. Source: spec/block-node.md §7.4.
 *
 * @module
 */

import {
  BACKFILL_LANES,
  type BackfillEffect,
  type BackfillEvent,
  type BackfillLane,
  type BackfillPlanConfig,
  type BackfillSnapshot,
  type OwnBlocks,
  type PeerId,
} from "./backfill_events.ts";

interface Peer {
  readonly id: PeerId;
  readonly priority: number;
  first: bigint | undefined;
  last: bigint | undefined;
  polling: boolean;
  failures: number;
  backOffUntilMs: number;
  fetches: number;
  meanLatencyMs: number;
}

interface Lane {
  /** Who is being fetched from. */
  peer: PeerId | undefined;
  failures: number;
  /** Until the next scan. */
  resting: boolean;
  notBeforeMs: number;
}

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * Plans one fetch a lane at a time. Gaps are computed anew from what this node has, never queued, so there is nothing
 * to bound and nothing to go stale. Deterministic but for `random`, which decides between equal peers.
 *
 * @example A node without blocks follows a peer that has some
 * ```ts
 * import { BackfillPlan } from "./backfill_plan.ts";
 * const plan = new BackfillPlan({
 *   peers: [{ priority: 1 }], earliest: 0n, greedy: true, initialDelayMs: 0, scanIntervalMs: 60_000,
 *   fetchBatchSize: 10, delayBetweenBatchesMs: 1_000, maxRetries: 3, initialRetryDelayMs: 5_000,
 *   maxBackoffMs: 300_000, healthPenaltyPerFailureMs: 1_000,
 * }, 0, () => 0);
 * const own = { first: undefined, next: 0n };
 * plan.step({ kind: "tick" }, own, 0);
 * const [fetch] = plan.step({ kind: "polled", peer: 0, first: 0n, last: 99n }, own, 1);
 * if (fetch?.kind !== "fetch" || fetch.last !== 9n) throw new Error("expected blocks 0 to 9");
 * ```
 */
export class BackfillPlan {
  readonly #config: BackfillPlanConfig;
  readonly #random: () => number;
  readonly #peers: readonly Peer[];
  readonly #lanes: Readonly<Record<BackfillLane, Lane>>;
  #demand: bigint | undefined;
  #scannedAtMs = -Infinity;
  #scanAtMs: number;
  #effects: BackfillEffect[] = [];

  /** @param random As Math.random(). */
  constructor(config: BackfillPlanConfig, nowMs: number, random: () => number) {
    this.#config = config;
    this.#random = random;
    this.#peers = config.peers.map(({ priority }, id) => ({
      id,
      priority,
      first: undefined,
      last: undefined,
      polling: false,
      failures: 0,
      backOffUntilMs: nowMs,
      fetches: 0,
      meanLatencyMs: 0,
    }));
    const lane = () => ({ peer: undefined, failures: 0, resting: false, notBeforeMs: nowMs });
    this.#lanes = { "live-tail": lane(), history: lane() };
    this.#scanAtMs = nowMs + config.initialDelayMs;
  }

  /** Takes one event; `nowMs` is any clock that does not run backwards. */
  step(event: BackfillEvent, own: OwnBlocks, nowMs: number): BackfillEffect[] {
    this.#effects = [];
    this.#take(event, nowMs);
    if (nowMs >= this.#scanAtMs) this.#scan(nowMs);
    for (const lane of BACKFILL_LANES) this.#plan(lane, own, nowMs);
    this.#effects.push({ kind: "wake", atMs: this.#wakeAt(nowMs) });
    return this.#effects;
  }

  /** State for status pages and gauges. */
  snapshot(): BackfillSnapshot {
    return {
      demand: this.#demand,
      peers: this.#peers.map(({ first, last, failures, backOffUntilMs }) => (
        { first, last, failures, backOffUntilMs }
      )),
    };
  }

  #take(event: BackfillEvent, nowMs: number): void {
    switch (event.kind) {
      case "tick":
        return;
      case "demand": {
        if (this.#demand === undefined || event.upTo > this.#demand) this.#demand = event.upTo;
        // At once, but a publisher that insists must not make this node flood its peers.
        const soonest = this.#scannedAtMs + this.#config.delayBetweenBatchesMs;
        this.#scanAtMs = Math.min(this.#scanAtMs, Math.max(nowMs, soonest));
        return;
      }
      case "polled": {
        const peer = this.#peers[event.peer]!;
        peer.polling = false;
        peer.first = event.first;
        peer.last = event.last;
        return;
      }
      case "poll-failed":
        this.#peers[event.peer]!.polling = false;
        return this.#backOff(this.#peers[event.peer]!, nowMs);
      case "fetched": {
        const peer = this.#release(event.lane, nowMs + this.#config.delayBetweenBatchesMs);
        this.#lanes[event.lane].failures = 0;
        peer.failures = 0;
        peer.fetches++;
        peer.meanLatencyMs += (event.latencyMs - peer.meanLatencyMs) / peer.fetches;
        return;
      }
      case "interrupted":
        this.#release(event.lane, nowMs + this.#config.delayBetweenBatchesMs);
        return;
      case "fetch-failed": {
        const lane = this.#lanes[event.lane];
        // Another peer may help at once: the one that failed is in back-off.
        this.#backOff(this.#release(event.lane, nowMs), nowMs);
        if (++lane.failures < this.#config.maxRetries) return;
        lane.resting = true;
        this.#effects.push({ kind: "given-up", lane: event.lane });
      }
    }
  }

  #release(name: BackfillLane, notBeforeMs: number): Peer {
    const lane = this.#lanes[name];
    const peer = this.#peers[lane.peer!]!;
    lane.peer = undefined;
    lane.notBeforeMs = notBeforeMs;
    return peer;
  }

  #backOff(peer: Peer, nowMs: number): void {
    const { initialRetryDelayMs, maxBackoffMs } = this.#config;
    peer.failures++;
    const delayMs = Math.min(initialRetryDelayMs * 2 ** (peer.failures - 1), maxBackoffMs);
    peer.backOffUntilMs = nowMs + delayMs;
    const { id, failures, backOffUntilMs: untilMs } = peer;
    this.#effects.push({ kind: "back-off", peer: id, failures, untilMs });
  }

  #scan(nowMs: number): void {
    this.#scannedAtMs = nowMs;
    this.#scanAtMs = nowMs + this.#config.scanIntervalMs;
    for (const lane of Object.values(this.#lanes)) {
      lane.resting = false;
      lane.failures = 0;
    }
    for (const peer of this.#peers) {
      if (peer.polling || peer.backOffUntilMs > nowMs) continue;
      peer.polling = true;
      this.#effects.push({ kind: "poll", peer: peer.id });
    }
  }

  #plan(name: BackfillLane, own: OwnBlocks, nowMs: number): void {
    const lane = this.#lanes[name];
    if (lane.peer !== undefined || lane.resting || nowMs < lane.notBeforeMs) return;
    // The best peer may be among those that have not answered yet. Polls have a time-out.
    if (this.#peers.some(({ polling }) => polling)) return;
    const wanted = name === "live-tail" ? this.#wantedAbove(own) : this.#wantedBelow(own);
    if (wanted === undefined) return;
    // The block next to what this node has: any other could not be linked to it.
    const edge = name === "live-tail" ? wanted.first : wanted.last;
    const peer = this.#choose(edge, nowMs);
    if (peer === undefined) return;
    const size = BigInt(this.#config.fetchBatchSize) - 1n;
    lane.peer = peer.id;
    this.#effects.push({
      kind: "fetch",
      lane: name,
      peer: peer.id,
      first: name === "live-tail" ? edge : max(wanted.first, max(edge - size, peer.first!)),
      last: name === "live-tail" ? min(wanted.last, min(edge + size, peer.last!)) : edge,
    });
  }

  /** What follows the newest block, as far as somebody has told of it. */
  #wantedAbove({ next }: OwnBlocks): Range | undefined {
    let newest: bigint | undefined;
    for (const { last } of this.#peers) {
      if (last !== undefined && (newest === undefined || last > newest)) newest = last;
    }
    if (newest === undefined) return undefined;
    // Nobody has what a publisher told of: it brings it itself, or tells again.
    if (this.#demand !== undefined && (this.#demand < next || newest < next)) this.#demand = undefined;
    const last = this.#config.greedy ? newest : this.#demand;
    return last === undefined || last < next ? undefined : { first: next, last };
  }

  #wantedBelow({ first }: OwnBlocks): Range | undefined {
    const { earliest } = this.#config;
    return first === undefined || first <= earliest ? undefined : { first: earliest, last: first - 1n };
  }

  /** Offers the block, is not in back-off, best priority, lowest score, then chance. */
  #choose(block: bigint, nowMs: number): Peer | undefined {
    let best: Peer[] = [];
    for (const peer of this.#peers) {
      const { first, last, backOffUntilMs } = peer;
      if (first === undefined || last === undefined || block < first || block > last) continue;
      if (backOffUntilMs > nowMs) continue;
      const order = best[0] === undefined ? -1 : this.#compare(peer, best[0]);
      if (order < 0) best = [peer];
      else if (order === 0) best.push(peer);
    }
    return best[Math.floor(this.#random() * best.length)];
  }

  #compare(a: Peer, b: Peer): number {
    const score = ({ failures, meanLatencyMs }: Peer) =>
      failures * this.#config.healthPenaltyPerFailureMs + meanLatencyMs;
    return a.priority - b.priority || score(a) - score(b);
  }

  #wakeAt(nowMs: number): number {
    let atMs = this.#scanAtMs;
    const times = [
      ...Object.values(this.#lanes).map(({ notBeforeMs }) => notBeforeMs),
      ...this.#peers.map(({ backOffUntilMs }) => backOffUntilMs),
    ];
    for (const time of times) if (time > nowMs && time < atMs) atMs = time;
    return atMs;
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
