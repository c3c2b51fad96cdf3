/**
 * Metrics of the chain service.
 *
 * Layer: services.
 *
 * @module
 */

import type { Counter, Gauge, Histogram } from "prom-client";
import { LATENCY_BUCKETS_SECONDS, type MetricScope } from "../../kernel/metrics.ts";

/** Every metric of the service. */
export interface ChainMetrics {
  readonly blocks: Counter;
  readonly messages: Counter;
  readonly refused: Counter<"what" | "code">;
  readonly penalties: Counter<"code">;
  readonly conflicts: Counter;
  readonly events: Counter<"event">;
  readonly submitSeconds: Histogram;
  readonly persistSeconds: Histogram;
  readonly height: Gauge<"state">;
  readonly waiting: Gauge<"where">;
}

/** What the gauges read when they are scraped. */
export interface ChainReadings {
  readonly height: () => bigint;
  /** Highest height that a peer speaks of; the own one for a leader. */
  readonly target: () => bigint;
  /** Messages: accepted and in no block (leader), waiting for their block (follower). */
  readonly pending: () => number;
  readonly pooled: () => number;
}

/** Registers all metrics under `scope`, such as `cairn_chain_`. */
export function createChainMetrics(scope: MetricScope, readings: ChainReadings): ChainMetrics {
  return {
    blocks: scope.counter({ name: "blocks_stored_total", help: "Blocks written durably" }),
    messages: scope.counter({
      name: "messages_stored_total",
      help: "Messages written durably with their block",
    }),
    refused: scope.counter({
      name: "refused_total",
      help: "What was refused: blocks and messages of gossip, announcements, submissions; by code",
      labels: ["what", "code"] as const,
    }),
    penalties: scope.counter({
      name: "peer_faults_total",
      help: "Lies and failures of peers during catch-up, by code",
      labels: ["code"] as const,
    }),
    conflicts: scope.counter({
      name: "conflicts_total",
      help: "Second blocks of a stored height that the leader has signed; the evidence is kept",
    }),
    events: scope.counter({
      name: "events_total",
      help: "Things a leader or a follower noted, such as a gap, a cut block or a failed write",
      labels: ["event"] as const,
    }),
    submitSeconds: scope.histogram({
      name: "submit_duration_seconds",
      help: "Time from a submission to its answer",
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    persistSeconds: scope.histogram({
      name: "persist_duration_seconds",
      help: "Time to write a batch of blocks durably",
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    height: scope.gauge({
      name: "height",
      help: "Last block stored, and the last one a peer speaks of",
      labels: ["state"] as const,
      collect: (gauge) => {
        gauge.set({ state: "stored" }, Number(readings.height()));
        gauge.set({ state: "target" }, Number(readings.target()));
      },
    }),
    waiting: scope.gauge({
      name: "waiting_messages",
      help: "Messages in no stored block: accepted by the leader, or received by gossip",
      labels: ["where"] as const,
      collect: (gauge) => {
        gauge.set({ where: "pending" }, readings.pending());
        gauge.set({ where: "pool" }, readings.pooled());
      },
    }),
  };
}
