/**
 * Metrics of the two tiers of the block store. Names follow the block node's `files_recent_*` and `files_historic_*`.
 *
 * Layer: services. Source: spec/block-node.md §8.1.
 *
 * @module
 */

import type { Counter, Gauge, Histogram } from "prom-client";
import type { MetricScope } from "../../kernel/metrics.ts";

/** What the gauges read when they are scraped. */
export interface TierGaugeSource {
  /** Blocks of the hot tier. */
  hotBlocks(): number;
  /** Blocks between the first and the last that neither tier has. */
  missing(): number;
  /** Usable archives, their blocks and bytes, and archives that are damaged. */
  archived(): {
    readonly zips: number;
    readonly blocks: number;
    readonly bytes: number;
    readonly damaged: number;
  };
}

/** Metrics of the tiers. */
export interface TierMetrics {
  readonly missing: Gauge;
  readonly recentDeleted: Counter;
  readonly recentDeleteFailures: Counter;
  readonly recentStored: Gauge;
  readonly historicWritten: Counter;
  readonly historicRead: Counter<"result">;
  readonly historicFailures: Counter;
  readonly historicBatchSeconds: Histogram;
  readonly historicZips: Gauge;
  readonly historicStored: Gauge;
  readonly historicBytes: Gauge;
  readonly historicDamaged: Gauge;
  readonly historicDeleted: Counter;
  readonly historicDeleteFailures: Counter;
}

/** From a batch of a few small blocks to one of 10 GB on a slow disk, in seconds. */
const BATCH_BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800] as const;

/** @param scope Such as `cairn_blocks_`. */
export function createTierMetrics(scope: MetricScope, source: TierGaugeSource): TierMetrics {
  const recent = scope.scope("recent");
  const historic = scope.scope("historic");
  return {
    missing: scope.gauge({
      name: "missing_blocks",
      help: "Blocks between the first and the last that neither tier has",
      collect: (gauge) => gauge.set(source.missing()),
    }),
    recentDeleted: recent.counter({
      name: "blocks_deleted_total",
      help: "Blocks removed from the hot tier after they were archived",
    }),
    recentDeleteFailures: recent.counter({
      name: "deletes_failed_total",
      help: "Removals from the hot tier that failed; they are tried again",
    }),
    recentStored: recent.gauge({
      name: "blocks_stored",
      help: "Blocks in the hot tier",
      collect: (gauge) => gauge.set(source.hotBlocks()),
    }),
    historicWritten: historic.counter({ name: "blocks_written_total", help: "Blocks archived" }),
    historicRead: historic.counter({
      name: "blocks_read_total",
      help: "Blocks read from archives, by result: ok or failed",
      labels: ["result"],
    }),
    historicFailures: historic.counter({
      name: "failures_total",
      help: "Batches that could not be archived, or not be read back before removal; they are tried again",
    }),
    historicBatchSeconds: historic.histogram({
      name: "batch_seconds",
      help: "Time to archive a batch, from its first block to its place on disk",
      buckets: BATCH_BUCKETS_SECONDS,
    }),
    historicZips: historic.gauge({
      name: "zips_stored",
      help: "Usable archives",
      collect: (gauge) => gauge.set(source.archived().zips),
    }),
    historicStored: historic.gauge({
      name: "blocks_stored",
      help: "Blocks in usable archives",
      collect: (gauge) => gauge.set(source.archived().blocks),
    }),
    historicBytes: historic.gauge({
      name: "stored_bytes",
      help: "Bytes of usable archives",
      collect: (gauge) => gauge.set(source.archived().bytes),
    }),
    historicDamaged: historic.gauge({
      name: "zips_damaged",
      help: "Archives found damaged since the start",
      collect: (gauge) => gauge.set(source.archived().damaged),
    }),
    historicDeleted: historic.counter({
      name: "zips_deleted_total",
      help: "Archives removed because more than blocks.historic.blockRetentionThreshold were held",
    }),
    historicDeleteFailures: historic.counter({
      name: "zips_deleted_failed_total",
      help: "Archives that could not be removed; they are tried again",
    }),
  };
}
