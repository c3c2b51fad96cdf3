/**
 * The `[store]` section of the configuration.
 *
 * Layer: store. The reference page is generated from these descriptions.
 *
 * @module
 */

import { z } from "zod";

const KIB = 1024;
const MIB = 1024 * KIB;

/** RocksDB takes the cache size as an unsigned 32-bit number. */
const CACHE_BYTES_MAX = 2 ** 31;

/** Schema of the `[store]` section. */
export const storeConfig = z.strictObject({
  engine: z.enum(["rocksdb", "memory"]).default("rocksdb").describe(
    "Where data lives: `rocksdb` keeps it in the data directory, `memory` forgets everything at the end of the process.",
  ),
  cacheBytes: z.int().min(0).max(CACHE_BYTES_MAX).default(32 * MIB).describe(
    "Memory for recently read blocks, in bytes, for each column family of small values. Families of large values leave caching to the operating system.",
  ),
  memtableBytes: z.int().min(1 * MIB).max(4096 * MIB).default(16 * MIB).describe(
    "Memory in which each column family of small values gathers writes before they go to a sorted file, in bytes. " +
      "Under load RocksDB may use half as much again, and lets the write-ahead log grow by up to 6 times this value for each such family.",
  ),
  groupBytes: z.int().min(64 * KIB).max(1024 * MIB).default(16 * MIB).describe(
    "Batches that wait while the disk is busy are committed together with one sync, up to this many bytes. " +
      "Larger groups give more throughput and longer waits. Up to three groups are held in memory.",
  ),
  queueBatches: z.int().min(1).max(1_000_000).default(65_536).describe(
    "Batches that may wait for their commit. Further writes fail with STORE_WRITE_FAILED.",
  ),
  memoryLimitBytes: z.int().min(1 * MIB).default(1024 * MIB).describe(
    "Bytes of keys and values that the `memory` engine may hold. Writes beyond it fail with STORE_WRITE_FAILED.",
  ),
});

/** The validated `[store]` section. */
export type StoreConfig = z.infer<typeof storeConfig>;
