/**
 * Configuration of backfill: where missing blocks come from, and with what limits.
 *
 * Layer: services. Names and values follow the block node's own settings (spec/block-node.md §8.4, backfill.*).
 *
 * @module
 */

import { z } from "zod";

const ADDRESS = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/, "expected HOST:PORT");

/** Schema of the `blocks.backfill` section. */
export const backfillConfig = z.strictObject({
  peers: z.array(z.strictObject({
    address: ADDRESS,
    priority: z.int().min(0).max(1_000).default(1),
    statusAddress: ADDRESS.optional(),
  })).max(64).default([])
    .meta({
      description:
        "Block nodes to fetch missing blocks from: `{ address, priority, statusAddress }` each. The lowest priority " +
        "number is asked first; statusAddress is for peers that serve serverStatus on another port. None: no backfill",
      restart: true,
    }),
  greedy: z.boolean().default(false)
    .meta({
      description:
        "Whether to fetch what peers have above the newest block without being told by a publisher (TOO_FAR_BEHIND)",
      restart: true,
    }),
  initialDelayMs: z.int().min(0).max(86_400_000).default(15_000)
    .meta({ description: "Time before the first look for missing blocks, in milliseconds", restart: true }),
  scanIntervalMs: z.int().min(100).max(86_400_000).default(60_000)
    .meta({ description: "Time between looks for missing blocks, in milliseconds", restart: true }),
  fetchBatchSize: z.int().min(1).max(1_000).default(10)
    .meta({ description: "Most blocks fetched by one call", restart: true }),
  delayBetweenBatchesMs: z.int().min(0).max(3_600_000).default(1_000)
    .meta({ description: "Time between two calls, in milliseconds", restart: true }),
  maxRetries: z.int().min(1).max(100).default(3)
    .meta({
      description: "Failed calls in a row after which backfill rests until the next look",
      restart: true,
    }),
  initialRetryDelayMs: z.int().min(1).max(3_600_000).default(5_000)
    .meta({
      description:
        "Time for which a peer that failed is not asked, in milliseconds; doubled by every further failure",
      restart: true,
    }),
  maxBackoffMs: z.int().min(1).max(86_400_000).default(300_000)
    .meta({
      description: "Longest time for which a peer that failed is not asked, in milliseconds",
      restart: true,
    }),
  healthPenaltyPerFailureMs: z.int().min(0).max(3_600_000).default(1_000)
    .meta({
      description:
        "What a failure counts when peers of one priority are compared by their latency, in milliseconds",
      restart: true,
    }),
  perBlockTimeoutMs: z.int().min(10).max(3_600_000).default(10_000)
    .meta({
      description:
        "Time for one block to arrive whole, and for one to be verified and stored, in milliseconds",
      restart: true,
    }),
  fetchTimeoutMs: z.int().min(10).max(86_400_000).default(60_000)
    .meta({ description: "Time for one call, in milliseconds", restart: true }),
});

/** A validated `blocks.backfill` section. */
export type BackfillConfig = z.output<typeof backfillConfig>;
