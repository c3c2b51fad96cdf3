/**
 * Metrics of the blocks service: what came in, what became of it, and where the time went.
 *
 * Layer: services. One histogram per stage, all measured from wall-clock stamps taken at the stage's edge.
 *
 * @module
 */

import type { Counter, Gauge, Histogram } from "prom-client";
import { LATENCY_BUCKETS_SECONDS, type MetricScope } from "../../kernel/metrics.ts";

/** The stages of a block's way through the node, in order. */
export const STAGES = ["ingest", "hash", "persist", "acknowledge", "total"] as const;
export type Stage = (typeof STAGES)[number];

/** Every metric of the service. */
export interface BlocksMetrics {
  readonly bytesReceived: Counter;
  readonly itemsReceived: Counter;
  readonly blocksReceived: Counter;
  readonly blocksVerified: Counter<"rule">;
  readonly blocksRejected: Counter<"fault">;
  readonly proofsVerified: Counter<"kind">;
  readonly proofsUnverified: Counter<"reason">;
  readonly proofsRefused: Counter<"step">;
  readonly blocksPersisted: Counter;
  readonly acknowledgements: Counter;
  readonly responses: Counter<"kind">;
  readonly setsDropped: Counter;
  readonly publishersHeld: Counter<"reason">;
  readonly publishers: Gauge;
  readonly queuedBytes: Gauge;
  readonly latest: Gauge<"state">;
  readonly stageSeconds: Histogram<"stage">;
  readonly getBlockRequests: Counter<"status">;
}

/** What the gauges read when they are scraped. */
export interface BlocksGaugeSource {
  publishers(): number;
  queuedBytes(): number;
  /** Highest persisted block, or undefined when nothing is stored. */
  lastPersisted(): bigint | undefined;
  firstAvailable(): bigint | undefined;
}

export function createBlocksMetrics(scope: MetricScope, source: BlocksGaugeSource): BlocksMetrics {
  return {
    bytesReceived: scope.counter({ name: "received_bytes_total", help: "Block item bytes received" }),
    itemsReceived: scope.counter({ name: "received_items_total", help: "Block items received" }),
    blocksReceived: scope.counter({ name: "received_total", help: "Whole blocks received (BlockEnd seen)" }),
    blocksVerified: scope.counter({
      name: "verified_total",
      help: "Blocks that passed verification, by root hash rule",
      labels: ["rule"],
    }),
    blocksRejected: scope.counter({
      name: "rejected_total",
      help: "Blocks that failed verification, by fault",
      labels: ["fault"],
    }),
    proofsVerified: scope.counter({
      name: "proofs_verified_total",
      help: "Block proofs that were verified, by kind",
      labels: ["kind"],
    }),
    proofsUnverified: scope.counter({
      name: "proofs_unverified_total",
      help: "Blocks accepted although their proofs could not be checked, by reason",
      labels: ["reason"],
    }),
    proofsRefused: scope.counter({
      name: "proofs_refused_total",
      help: "Blocks refused for their proofs, by the step of the check that failed",
      labels: ["step"],
    }),
    blocksPersisted: scope.counter({ name: "persisted_total", help: "Blocks written durably" }),
    acknowledgements: scope.counter({ name: "acknowledgements_total", help: "Acknowledgements sent" }),
    responses: scope.counter({
      name: "publish_responses_total",
      help: "Responses sent to publishers, by kind",
      labels: ["kind"],
    }),
    setsDropped: scope.counter({
      name: "sets_dropped_total",
      help: "Item sets dropped because no block was in progress on their stream",
    }),
    publishersHeld: scope.counter({
      name: "publishers_held_total",
      help: "Times a publish stream was not read because its messages had used up a budget, or for a penalty",
      labels: ["reason"],
    }),
    publishers: scope.gauge({
      name: "publishers",
      help: "Open publish streams",
      collect: (gauge) => gauge.set(source.publishers()),
    }),
    queuedBytes: scope.gauge({
      name: "queued_bytes",
      help: "Bytes of blocks received and not yet persisted",
      collect: (gauge) => gauge.set(source.queuedBytes()),
    }),
    latest: scope.gauge({
      name: "available_block",
      help: "First and last block available, -1 when there is none",
      labels: ["state"],
      collect: (gauge) => {
        gauge.set({ state: "first" }, Number(source.firstAvailable() ?? -1n));
        gauge.set({ state: "last" }, Number(source.lastPersisted() ?? -1n));
      },
    }),
    stageSeconds: scope.histogram({
      name: "stage_seconds",
      help:
        "Time a block spends in a stage. ingest: complete on the stream to on the bus; hash: on the bus to " +
        "verified; persist: verified to on disk; acknowledge: on disk to acknowledgement handed to the transport; " +
        "total: complete on the stream to acknowledged",
      labels: ["stage"],
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    getBlockRequests: scope.counter({
      name: "get_requests_total",
      help: "getBlock requests, by answered status",
      labels: ["status"],
    }),
  };
}
