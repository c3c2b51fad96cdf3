/**
 * Metrics of the storage engine.
 *
 * Layer: store.
 *
 * @module
 */

import type { Counter, Histogram } from "prom-client";
import { LATENCY_BUCKETS_SECONDS, type MetricScope } from "../kernel/metrics.ts";

/** Powers of two up to the largest group. */
const GROUP_BUCKETS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** What the gauges show when they are scraped. */
export interface QueueDepth {
  readonly batches: number;
  readonly bytes: number;
}

/** Metrics of one engine. */
export interface StoreMetrics {
  readonly batches: Counter;
  readonly bytes: Counter;
  readonly failures: Counter;
  readonly recoveries: Counter;
  readonly groupBatches: Histogram;
  readonly commitSeconds: Histogram;
  readonly writeSeconds: Histogram;
}

/** Registers the metrics in `scope`, such as `cairn_store_`. */
export function createStoreMetrics(scope: MetricScope, depth: () => QueueDepth): StoreMetrics {
  scope.gauge({
    name: "write_queue_batches",
    help: "Batches whose write has not settled",
    collect: (gauge) => gauge.set(depth().batches),
  });
  scope.gauge({
    name: "write_queue_bytes",
    help: "Bytes of keys and values of batches whose write has not settled",
    collect: (gauge) => gauge.set(depth().bytes),
  });
  return {
    batches: scope.counter({ name: "write_batches_total", help: "Batches committed" }),
    bytes: scope.counter({ name: "write_bytes_total", help: "Bytes of keys and values committed" }),
    failures: scope.counter({ name: "write_failures_total", help: "Batches that were not committed" }),
    recoveries: scope.counter({
      name: "recoveries_total",
      help: "Times the database was reopened after a disk error",
    }),
    groupBatches: scope.histogram({
      name: "commit_group_batches",
      help: "Batches committed together with one sync",
      buckets: GROUP_BUCKETS,
    }),
    commitSeconds: scope.histogram({
      name: "commit_duration_seconds",
      help: "Time of a commit in the writer, sync included",
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    writeSeconds: scope.histogram({
      name: "write_duration_seconds",
      help: "Time from write to its acknowledgement, waiting included",
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
  };
}
