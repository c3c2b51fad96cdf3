/**
 * Metrics of backfill.
 *
 * Layer: services.
 *
 * @module
 */

import type { Counter, Gauge } from "prom-client";
import type { MetricScope } from "../../kernel/metrics.ts";

/** Every metric of backfill. */
export interface BackfillMetrics {
  readonly fetches: Counter<"lane" | "outcome">;
  readonly blocks: Counter<"lane">;
  readonly peerFailures: Counter<"peer" | "reason">;
  readonly peersInBackOff: Gauge;
}

/** `inBackOff` tells how many peers are not asked at the moment. */
export function createBackfillMetrics(scope: MetricScope, inBackOff: () => number): BackfillMetrics {
  return {
    fetches: scope.counter({
      name: "fetches_total",
      help:
        "Calls to peers for blocks, by lane (live-tail, history) and outcome (fetched, failed, interrupted)",
      labels: ["lane", "outcome"],
    }),
    blocks: scope.counter({
      name: "blocks_total",
      help: "Blocks that calls to peers have completed, by lane",
      labels: ["lane"],
    }),
    peerFailures: scope.counter({
      name: "peer_failures_total",
      help: "Failures that put a peer in back-off, by its address and reason",
      labels: ["peer", "reason"],
    }),
    peersInBackOff: scope.gauge({
      name: "peers_in_back_off",
      help: "Peers that are not asked for the time being, because they failed",
      collect: (gauge) => gauge.set(inBackOff()),
    }),
  };
}
