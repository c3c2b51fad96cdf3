/**
 * Group commit: batches that wait while the disk is busy go to the writer together.
 *
 * Layer: store. At most {@link GROUPS_IN_FLIGHT} groups are with the writer and one is being packed, so copies take at
 * most three times the group limit; all other batches wait as references to their callers' memory.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";
import type { Operation } from "./engine.ts";
import { storeClosed, unknownFamily } from "./family.ts";
import type { QueueDepth, StoreMetrics } from "./metrics.ts";
import { batchBytes, packGroup, type WriteGroup } from "./write_group.ts";
import { WriterError } from "./writer.ts";

/** Two: while one group is synced the next already lies in the Worker, and the main thread packs a third. */
const GROUPS_IN_FLIGHT = 2;

/** Bounds the time that one group holds the event loop: some 10 us a batch to pack, to answer and for its caller to go on. */
const GROUP_BATCHES_MAX = 256;

/** RocksDB's batch counts its bytes in 32 bits. */
const BATCH_BYTES_MAX = 2 ** 30;

/** Options of {@link WriteQueue}. */
export interface WriteQueueOptions {
  /** Bytes of a group; a single larger batch goes alone. */
  readonly groupBytes: number;
  /** Batches that may wait; more are refused. */
  readonly queueBatches: number;
  /** Number of each family, agreed with the writer. */
  readonly families: ReadonlyMap<string, number>;
}

/** What the queue needs of the engine. */
export interface WriteQueueDeps {
  /** Rejects with {@link WriterError}. */
  commit(group: WriteGroup): Promise<number>;
  /** Told of each failed commit; returns what the callers get. */
  failed(error: unknown): CairnError;
  /** Whether {@link WriteQueueDeps.recover} must run before the next group. */
  faulty(): boolean;
  /** Called with no group in flight. Rejects with what the waiting callers get. */
  recover(): Promise<void>;
  readonly metrics: () => StoreMetrics | undefined;
}

interface Pending {
  readonly operations: readonly Operation[];
  readonly sync: boolean;
  readonly bytes: number;
  readonly startedMs: number;
  readonly settled: PromiseWithResolvers<void>;
}

/** Orders, groups and answers the writes of one engine. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  readonly #deps: WriteQueueDeps;
  readonly #waiting: Pending[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  readonly #depth = { batches: 0, bytes: 0 };
  #pump: Promise<void> | undefined;
  #closed = false;
  /** Last failure; a group that was being packed when it was heard of fails with it. */
  #failure: CairnError | undefined;

  constructor(options: WriteQueueOptions, deps: WriteQueueDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Batches that have not settled. */
  get depth(): QueueDepth {
    return this.#depth;
  }

  /** As `Engine.write`. */
  async write(operations: readonly Operation[], sync: boolean): Promise<void> {
    if (this.#closed) throw storeClosed("write");
    for (const { family } of operations) {
      if (!this.#options.families.has(family)) throw unknownFamily(family);
    }
    const bytes = batchBytes(operations);
    if (bytes > BATCH_BYTES_MAX) {
      throw refused(`batch of ${bytes} bytes exceeds ${BATCH_BYTES_MAX}`, { bytes, limit: BATCH_BYTES_MAX });
    }
    if (this.#waiting.length >= this.#options.queueBatches) {
      throw refused(`${this.#waiting.length} batches are waiting already`, {
        limit: this.#options.queueBatches,
      });
    }
    const pending = {
      operations,
      sync,
      bytes,
      startedMs: performance.now(),
      settled: Promise.withResolvers<void>(),
    };
    this.#waiting.push(pending);
    this.#depth.batches++;
    this.#depth.bytes += bytes;
    this.#pump ??= this.#run();
    await pending.settled.promise;
  }

  /** Refuses further writes and waits for those accepted. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pump;
    await Promise.all(this.#inFlight);
  }

  async #run(): Promise<void> {
    // Writes of the same turn of the event loop join the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      if (this.#deps.faulty()) {
        await Promise.all(this.#inFlight);
        try {
          await this.#deps.recover();
        } catch (error) {
          this.#rejectAll(this.#waiting.splice(0), error);
        }
        continue;
      }
      if (this.#inFlight.size >= GROUPS_IN_FLIGHT) {
        await Promise.race(this.#inFlight);
        continue;
      }
      const failureBefore = this.#failure;
      const batches = this.#take();
      const group = await packGroup(
        batches.map((batch) => batch.operations),
        this.#options.families,
        batches.some((batch) => batch.sync),
      );
      if (this.#failure !== failureBefore) {
        this.#rejectAll(batches, this.#failure);
        continue;
      }
      const flight = this.#commit(batches, group).then(() => {
        this.#inFlight.delete(flight);
      });
      this.#inFlight.add(flight);
    }
    this.#pump = undefined;
  }

  #take(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const batch of this.#waiting) {
      if (count > 0 && (bytes + batch.bytes > this.#options.groupBytes || count >= GROUP_BATCHES_MAX)) break;
      bytes += batch.bytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** Never rejects. */
  async #commit(batches: readonly Pending[], group: WriteGroup): Promise<void> {
    const metrics = this.#deps.metrics();
    try {
      const seconds = await this.#deps.commit(group);
      metrics?.commitSeconds.observe(seconds);
      metrics?.groupBatches.observe(batches.length);
    } catch (error) {
      if (error instanceof WriterError && error.refused) return this.#rejectAll(batches, this.#failure);
      this.#failure = this.#deps.failed(error);
      // Those who wait wrote before they could know: were they to succeed, a chain of writes would have a hole.
      return this.#rejectAll([...batches, ...this.#waiting.splice(0)], this.#failure);
    }
    const nowMs = performance.now();
    let bytes = 0;
    for (const batch of batches) {
      bytes += batch.bytes;
      metrics?.writeSeconds.observe((nowMs - batch.startedMs) / 1000);
      batch.settled.resolve();
    }
    metrics?.batches.inc(batches.length);
    metrics?.bytes.inc(bytes);
    this.#settled(batches);
  }

  #rejectAll(batches: readonly Pending[], error: unknown): void {
    for (const batch of batches) batch.settled.reject(error);
    this.#deps.metrics()?.failures.inc(batches.length);
    this.#settled(batches);
  }

  #settled(batches: readonly Pending[]): void {
    for (const batch of batches) {
      this.#depth.batches--;
      this.#depth.bytes -= batch.bytes;
    }
  }
}

function refused(reason: string, detail: Readonly<Record<string, unknown>>): CairnError {
  return new CairnError("STORE_WRITE_FAILED", `Cannot write: ${reason}`, { detail });
}
