/**
 * Builds backfill from a node's configuration, chain and pipeline.
 *
 * Layer: services. Wiring only.
 *
 * @module
 */

import type { Logger } from "../../kernel/log.ts";
import type { MetricScope } from "../../kernel/metrics.ts";
import type { PublishMachine } from "../../protocols/hiero/publish_machine.ts";
import { Backfill } from "./backfill.ts";
import type { FetchLane } from "./backfill_fetch.ts";
import { HistoryLane } from "./backfill_history.ts";
import { fetchLiveTail } from "./backfill_live_tail.ts";
import { createBackfillMetrics } from "./backfill_metrics.ts";
import { connectPeer } from "./backfill_peer.ts";
import type { BlocksConfig } from "./config.ts";
import type { PublishPipeline } from "./pipeline.ts";
import type { BlockStore } from "./store.ts";
import type { VerifyTaskOptions } from "./verify_task.ts";

/** What {@link startBackfill} works with. */
export interface BackfillStartDeps {
  readonly machine: PublishMachine;
  readonly pipeline: PublishPipeline;
  readonly store: BlockStore;
  /** How blocks are verified that do not continue the chain. */
  readonly verifyOptions: () => VerifyTaskOptions;
  /** Told of the network's keys when a fetched block has told them. */
  readonly onKeys: (verificationData: Uint8Array) => void;
  /** Told when fetched blocks below the newest one were stored. */
  readonly onStored: () => void;
  readonly metrics: MetricScope;
  readonly log: Logger;
}

/** Starts backfill; undefined, but for its metrics, if no peers are configured. */
export function startBackfill(
  { backfill, maxBlockBytes, earliestManagedBlock, pauseAboveBytes, historic }: Pick<
    BlocksConfig,
    "backfill" | "maxBlockBytes" | "earliestManagedBlock" | "pauseAboveBytes" | "historic"
  >,
  { machine, pipeline, store, verifyOptions, onKeys, onStored, metrics, log }: BackfillStartDeps,
): Backfill | undefined {
  const running: { backfill?: Backfill } = {};
  const counters = createBackfillMetrics(metrics, () => running.backfill?.peersInBackOff ?? 0);
  if (backfill.peers.length === 0) return undefined;
  const next = () => {
    const { resend, nextUnstarted } = machine.snapshot();
    return resend[0] ?? nextUnstarted;
  };
  const liveTail: FetchLane = (peer, range, limits) =>
    fetchLiveTail(peer, range, limits, {
      connect: (call) => pipeline.connect(call),
      lastStored: () => store.last,
      next,
      log,
    });
  const earliest = BigInt(earliestManagedBlock);
  // What retention has removed is not missing: then nothing is fetched below the first block.
  const keepsAll = historic.blockRetentionThreshold === 0;
  // The highest hole is filled first: to the plan this node has what lies above it, and lacks all below.
  const first = () => {
    const highest = store.ranges().at(-1);
    return keepsAll || highest?.first !== store.first ? highest?.first : earliest;
  };
  const history = new HistoryLane({
    store,
    earliest,
    verifyOptions,
    onKeys,
    onStored,
    maxBytes: pauseAboveBytes,
  });
  return running.backfill = new Backfill({
    ...backfill,
    maxBlockBytes,
    earliest,
  }, {
    peers: backfill.peers.map((peer) => connectPeer({ ...peer, maxBlockBytes })),
    own: () => ({ first: first(), next: next() }),
    lanes: { "live-tail": liveTail, history: (peer, range, limits) => history.fetch(peer, range, limits) },
    onStop: () => history[Symbol.dispose](),
    metrics: counters,
    log,
  });
}
