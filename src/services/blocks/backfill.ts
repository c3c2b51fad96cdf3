/**
 * Backfill: missing blocks come from peers.
 *
 * Layer: services. The plan (protocols/hiero/backfill_plan.ts) decides what to fetch from whom and when; this file
 * asks the peers and keeps the time. Source: spec/block-node.md §7.4.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type {
  BackfillEffect,
  BackfillEvent,
  BackfillLane,
  OwnBlocks,
  PeerId,
} from "../../protocols/hiero/backfill_events.ts";
import { BackfillPlan } from "../../protocols/hiero/backfill_plan.ts";
import type { BackfillConfig } from "./backfill_config.ts";
import type { FetchLane, FetchOutcome } from "./backfill_fetch.ts";
import type { BackfillMetrics } from "./backfill_metrics.ts";
import type { BackfillPeer } from "./backfill_peer.ts";

/** Time for serverStatus, in milliseconds: a scan waits for the slowest peer. */
const STATUS_TIMEOUT_MS = 5_000;

/** What {@link Backfill} works with. */
export interface BackfillDeps {
  /** In the order of the configuration. Disposed with the backfill. */
  readonly peers: readonly BackfillPeer[];
  readonly own: () => OwnBlocks;
  readonly lanes: Readonly<Record<BackfillLane, FetchLane>>;
  /** Called at the stop, before fetches in flight are waited for. */
  readonly onStop: () => void;
  readonly metrics: BackfillMetrics;
  readonly log: Logger;
}

/** Options of {@link Backfill}. */
export interface BackfillOptions extends BackfillConfig {
  /** Lowest block this node wants. */
  readonly earliest: bigint;
  readonly maxBlockBytes: number;
}

/** Looks for missing blocks from its construction on, until it is disposed. */
export class Backfill implements AsyncDisposable {
  readonly #options: BackfillOptions;
  readonly #deps: BackfillDeps;
  readonly #plan: BackfillPlan;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: BackfillOptions, deps: BackfillDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#plan = new BackfillPlan(options, performance.now(), Math.random);
    this.#step({ kind: "tick" });
  }

  /** A publisher knows blocks up to here that this node lacks. */
  demand(upTo: bigint): void {
    this.#step({ kind: "demand", upTo });
  }

  /** Peers that are not asked at the moment. */
  get peersInBackOff(): number {
    const now = performance.now();
    return this.#plan.snapshot().peers.filter(({ backOffUntilMs }) => backOffUntilMs > now).length;
  }

  /** For status pages. */
  status(): Readonly<Record<string, unknown>> {
    const { demand, peers } = this.#plan.snapshot();
    const now = performance.now();
    return {
      demand: demand?.toString(),
      peers: peers.map(({ first, last, failures, backOffUntilMs }, id) => ({
        address: this.#name(id),
        firstBlock: first?.toString(),
        lastBlock: last?.toString(),
        failures,
        backOffMs: Math.max(0, Math.round(backOffUntilMs - now)),
      })),
    };
  }

  #name(peer: PeerId): string {
    return this.#options.peers[peer]!.address;
  }

  #step(event: BackfillEvent): void {
    if (this.#stop.signal.aborted) return;
    for (const effect of this.#plan.step(event, this.#deps.own(), performance.now())) this.#perform(effect);
  }

  #perform(effect: BackfillEffect): void {
    switch (effect.kind) {
      case "poll":
        return this.#run(this.#poll(effect.peer));
      case "fetch":
        return this.#run(this.#fetch(effect));
      case "wake":
        clearTimeout(this.#timer);
        this.#timer = setTimeout(
          () => this.#step({ kind: "tick" }),
          Math.max(1, Math.ceil(effect.atMs - performance.now())),
        );
        return;
      case "back-off": {
        const { failures, untilMs } = effect;
        const forMs = Math.round(untilMs - performance.now());
        return this.#deps.log.info("Peer in back-off", { peer: this.#name(effect.peer), failures, forMs });
      }
      case "given-up":
        return this.#deps.log.warn("Backfill rests until the next scan", { lane: effect.lane });
    }
  }

  #run(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  async #poll(peer: PeerId): Promise<void> {
    try {
      const options = { signal: this.#stop.signal, timeoutMs: STATUS_TIMEOUT_MS };
      const { first, last } = await this.#deps.peers[peer]!.range(options);
      this.#step({ kind: "polled", peer, first, last });
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const reason = error instanceof CairnError && error.code === "DEADLINE_EXCEEDED"
        ? "timeout"
        : "unavailable";
      this.#blame(peer, reason, error instanceof Error ? error.message : String(error));
      this.#step({ kind: "poll-failed", peer });
    }
  }

  async #fetch({ lane, peer, first, last }: BackfillEffect & { kind: "fetch" }): Promise<void> {
    const { lanes, metrics, log, peers } = this.#deps;
    const startedAtMs = performance.now();
    const name = this.#name(peer);
    const signal = this.#stop.signal;
    log.debug("Fetching blocks", { lane, peer: name, first, last });
    let outcome: FetchOutcome;
    try {
      outcome = await lanes[lane](peers[peer]!, { first, last, name, signal }, this.#options);
    } catch (error) {
      if (signal.aborted) return;
      log.error("Backfill failed", { lane, peer: name, first, last, error });
      outcome = { kind: "interrupted", reason: "error" };
    }
    if (signal.aborted) return;
    metrics.fetches.inc({ lane, outcome: outcome.kind });
    switch (outcome.kind) {
      case "fetched":
        metrics.blocks.inc({ lane }, outcome.blocks);
        log.info("Blocks fetched", { lane, peer: name, first, last, blocks: outcome.blocks });
        return this.#step({ kind: "fetched", lane, latencyMs: performance.now() - startedAtMs });
      case "failed":
        this.#blame(peer, outcome.reason, outcome.message);
        return this.#step({ kind: "fetch-failed", lane });
      case "interrupted":
        log.debug("Fetch interrupted", { lane, peer: name, first, last, reason: outcome.reason });
        return this.#step({ kind: "interrupted", lane });
    }
  }

  #blame(peer: PeerId, reason: string, message: string): void {
    const name = this.#name(peer);
    this.#deps.metrics.peerFailures.inc({ peer: name, reason });
    this.#deps.log.warn("Peer failed", { peer: name, reason, error: message });
  }

  /** Cancels what is in flight; blocks that came whole go on on their way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new CairnError("SHUTTING_DOWN", "Cannot go on with backfill: the node stops"));
    clearTimeout(this.#timer);
    this.#deps.onStop();
    await Promise.allSettled(this.#running);
    for (const peer of this.#deps.peers) peer[Symbol.dispose]();
  }
}
