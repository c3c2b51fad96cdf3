/**
 * Opens the engine that the configuration names.
 *
 * Layer: store.
 *
 * @module
 */

import type { Logger } from "../kernel/log.ts";
import type { MetricScope } from "../kernel/metrics.ts";
import type { StoreConfig } from "./config.ts";
import type { Engine } from "./engine.ts";
import type { FamilySpec } from "./family.ts";
import { openMemoryEngine } from "./memory_engine.ts";
import { openRocksEngine } from "./rocks_engine.ts";

/** What {@link openStore} needs beside the configuration. */
export interface OpenStoreDeps {
  /** Data directory; not touched by the `memory` engine. */
  readonly directory: string;
  /** Families of every enabled service. */
  readonly families: readonly FamilySpec[];
  readonly log?: Logger;
  /** Scope such as `cairn_store_`. */
  readonly metrics?: MetricScope;
}

/**
 * Opens the store.
 *
 * @throws {CairnError} As `openRocksEngine`.
 */
export async function openStore(config: StoreConfig, deps: OpenStoreDeps): Promise<Engine> {
  if (config.engine === "memory") {
    return openMemoryEngine({ families: deps.families, limitBytes: config.memoryLimitBytes });
  }
  const { cacheBytes, memtableBytes, groupBytes, queueBatches } = config;
  return await openRocksEngine({ ...deps, cacheBytes, memtableBytes, groupBytes, queueBatches });
}
