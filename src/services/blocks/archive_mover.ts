/**
 * Moves blocks from the hot tier to the cold one, and removes what the retention settings no longer keep.
 *
 * Layer: services. Source: spec/block-node.md §7.1, §7.2. One job at a time, in the background: archive the lowest batch
 * that is complete; then remove from the hot tier what is archived, was read back, and is older than the hot tier keeps;
 * then remove archives beyond their number. Whatever fails stays where it is and is tried again.
 *
 * @module
 */

import type { Logger } from "../../kernel/log.ts";
import { type Batch, batchOf } from "../../protocols/hiero/archive_layout.ts";
import type { Archive, ArchivedBatch } from "./archive.ts";
import type { TierMetrics } from "./archive_metrics.ts";
import type { BlockStore } from "./store.ts";

/** Time to the next try after a failure, in milliseconds. */
const RETRY_MS = 30_000;
/** A pause shorter than this is not worth a timer, in milliseconds. */
const MIN_PAUSE_MS = 5;

/** What is kept where; names as in the configuration. */
export interface MoverOptions {
  readonly powersOfTenPerZipFileContents: number;
  /** Blocks kept hot; 0 keeps all. */
  readonly hotBlocks: number;
  /** Archives kept; 0 keeps all. */
  readonly archives: number;
  /** Block bytes archived in a second at most; 0 sets no bound. */
  readonly maxBytesPerSecond: number;
  /** @default {30_000} */
  readonly retryMs?: number;
}

/** What the mover works with. */
export interface MoverDeps {
  readonly store: BlockStore;
  readonly archive: Archive;
  readonly metrics: TierMetrics;
  readonly log: Logger;
}

/** Runs from its construction until it is disposed. */
export class ArchiveMover implements AsyncDisposable {
  readonly #options: MoverOptions;
  readonly #deps: MoverDeps;
  readonly #stop = new AbortController();
  /** Archives, by their first block, that have no block in the hot tier any more. */
  readonly #cleared = new Set<bigint>();
  #running: Promise<void> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Asked to look again while it was at work. */
  #again = false;
  #failure: string | undefined;

  constructor(options: MoverOptions, deps: MoverDeps) {
    this.#options = options;
    this.#deps = deps;
    this.notify();
  }

  /** Why the last job failed; undefined after one that succeeded. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** There may be something to do: blocks were stored. Cheap. */
  notify(): void {
    if (this.#stop.signal.aborted || this.#retry !== undefined) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when there is nothing left to do or a job has failed. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Stops between two blocks; a batch that is not finished is given up and begun anew after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the node stops"));
    clearTimeout(this.#retry);
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      for (let more = true; (more || this.#again) && !this.#stop.signal.aborted;) {
        this.#again = false;
        more = await this.#job();
        this.#failure = undefined;
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#failure = error instanceof Error ? error.message : String(error);
      this.#deps.log.error("Archiving failed; it is tried again", { error });
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.notify();
      }, this.#options.retryMs ?? RETRY_MS);
    }
  }

  /** @returns Whether something was done, so that there may be more. */
  async #job(): Promise<boolean> {
    const batch = this.#nextBatch();
    if (batch !== undefined) {
      await this.#archive(batch);
      return true;
    }
    const old = this.#nextToClear();
    if (old !== undefined) {
      await this.#clear(old);
      return true;
    }
    const { archive } = this.#deps;
    const [oldest] = archive.batches;
    if (this.#options.archives === 0 || archive.batches.length <= this.#options.archives) return false;
    await this.#remove(oldest!);
    return true;
  }

  /** The lowest complete batch that is not archived and may be kept. */
  #nextBatch(): Batch | undefined {
    const { store, archive } = this.#deps;
    const { powersOfTenPerZipFileContents: power, archives } = this.#options;
    if (store.last === undefined) return undefined;
    const count = 10n ** BigInt(power);
    // Batches begin at multiples of their size: this is the end of the newest complete one, exclusive.
    const end = (store.last + 1n) / count * count;
    const oldestKept = archives === 0 ? 0n : end - BigInt(archives) * count;
    for (const { first, last } of store.hot) {
      let from = (first + count - 1n) / count * count;
      if (from < oldestKept) from = oldestKept;
      while (from + count - 1n <= last) {
        const batch = batchOf(from, power);
        const there = archive.overlapping(batch.first, batch.last);
        if (there === undefined) return batch;
        from = (there.last + count) / count * count;
      }
    }
    return undefined;
  }

  async #archive(batch: Batch): Promise<void> {
    const { archive, metrics, log } = this.#deps;
    const startedMs = performance.now();
    let blockBytes = 0;
    try {
      const { path, bytes } = await archive.put(batch, async (number) => {
        await this.#pace(blockBytes, startedMs);
        const block = await this.#hotBlock(number);
        blockBytes += block.length;
        return block;
      });
      const seconds = (performance.now() - startedMs) / 1_000;
      metrics.historicWritten.inc(batch.count);
      metrics.historicBatchSeconds.observe(seconds);
      log.info("Blocks archived", { first: batch.first, last: batch.last, path, blockBytes, bytes, seconds });
    } catch (error) {
      if (!this.#stop.signal.aborted) metrics.historicFailures.inc();
      throw error;
    }
  }

  async #hotBlock(number: bigint): Promise<Uint8Array> {
    const block = await this.#deps.store.hotBlock(number);
    if (block === undefined) throw new Error(`Cannot archive block ${number}: the store does not have it`);
    return block;
  }

  /** Waits while more was read than the bound allows for the time since the start. */
  async #pace(bytes: number, startedMs: number): Promise<void> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    const { maxBytesPerSecond } = this.#options;
    if (maxBytesPerSecond === 0) return;
    const pauseMs = bytes / maxBytesPerSecond * 1_000 - (performance.now() - startedMs);
    if (pauseMs < MIN_PAUSE_MS) return;
    const pause = Promise.withResolvers<void>();
    const end = () => pause.resolve();
    const timer = setTimeout(end, pauseMs);
    signal.addEventListener("abort", end, { once: true });
    await pause.promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    signal.throwIfAborted();
  }

  /** The lowest archive whose blocks are all older than the hot tier keeps, and which are still there. */
  #nextToClear(): ArchivedBatch | undefined {
    const { store, archive } = this.#deps;
    const { hotBlocks } = this.#options;
    if (hotBlocks === 0 || store.last === undefined) return undefined;
    const oldestKept = store.last - BigInt(hotBlocks) + 1n;
    for (const batch of archive.batches) {
      if (batch.last >= oldestKept) return undefined;
      if (this.#cleared.has(batch.first)) continue;
      if (store.hot.some(({ first, last }) => first <= batch.last && last >= batch.first)) return batch;
      this.#cleared.add(batch.first);
    }
    return undefined;
  }

  /** What leaves the hot tier is nowhere else, so the archive is read back first, however long ago it was written. */
  async #clear(batch: ArchivedBatch): Promise<void> {
    const { store, archive, metrics, log } = this.#deps;
    try {
      await archive.verify(batch);
    } catch (error) {
      metrics.historicFailures.inc();
      throw error;
    }
    try {
      const blocks = await store.removeHot(batch);
      metrics.recentDeleted.inc(blocks);
      this.#cleared.add(batch.first);
      log.info("Archived blocks removed from the store", { first: batch.first, last: batch.last, blocks });
    } catch (error) {
      metrics.recentDeleteFailures.inc();
      throw error;
    }
  }

  async #remove(batch: ArchivedBatch): Promise<void> {
    const { archive, metrics, log } = this.#deps;
    try {
      await archive.remove(batch);
      metrics.historicDeleted.inc();
      log.info("Archive removed by retention", { first: batch.first, last: batch.last, path: batch.path });
    } catch (error) {
      metrics.historicDeleteFailures.inc();
      throw error;
    }
  }
}
