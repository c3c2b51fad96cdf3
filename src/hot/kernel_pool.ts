/**
 * Kernels on several cores: Workers that take parts of a job from the same memory, and copy nothing.
 *
 * Layer: hot. Source: spec/hot-path.md sections 4 and 9. A job reaches the Workers by one message each and ends by one
 * message each, some 30 µs; between, they take parts by one atomic addition, so a Worker that the machine holds up does
 * not hold up the job.
 *
 * @module
 */

import {
  BLAKE3_CHUNK_BYTES,
  BLAKE3_SUBTREE_BYTES,
  DIGEST_BYTES,
  SCRATCH_STATE_OFFSET,
} from "../../wasm/layout.ts";
import { HotError } from "./error.ts";
import { assertRegions } from "./hash_function.ts";
import type { HotMemory } from "./memory.ts";
import {
  type BatchKernel,
  type PoolJob,
  type PoolWorkerJob,
  type PoolWorkerReply,
  type PoolWorkerStart,
  ROWS_PER_PART,
} from "./pool_jobs.ts";

/** Options of {@link KernelPool.start}. */
export interface KernelPoolOptions {
  /** How many Workers, from 1 to 64. @default one for each core */
  readonly workers?: number;
}

/** Parts of one input that can wait for their merge. */
const MAX_SUBTREES = 1024;
/** Parts a Worker gets of a large input at least, so that none idles while another does its last one. */
const PARTS_PER_WORKER = 8;
/** Below this a job is done where it is: waking a Worker takes as long. */
const MIN_SHARED_BYTES = 4 * BLAKE3_SUBTREE_BYTES;

/**
 * Workers that run kernels on what lies in one memory. Jobs run one after the other.
 *
 * @example
 * ```ts
 * import { KernelPool } from "./kernel_pool.ts";
 * import { HotMemory } from "./memory.ts";
 * const memory = await HotMemory.create({ bytes: 4 << 20 });
 * await using pool = await KernelPool.start(memory, { workers: 2 });
 * const [input, digest] = [memory.allocate(1 << 20, "input"), memory.allocate(32, "digest")];
 * await pool.blake3(input, 1 << 20, digest);
 * ```
 */
export class KernelPool implements AsyncDisposable {
  readonly #memory: HotMemory;
  readonly #workers: readonly Worker[];
  readonly #next: number;
  readonly #values: number;
  /** Settles when every job before the next one has. */
  #tail: Promise<unknown> = Promise.resolve();
  #failure: HotError | undefined;
  /** What the current job waits for. */
  #waiting: { answer(reply: PoolWorkerReply): void; fail(error: HotError): void } | undefined;

  private constructor(memory: HotMemory, workers: readonly Worker[]) {
    this.#memory = memory;
    this.#workers = workers;
    this.#next = memory.allocate(4, "parts of a kernel pool");
    this.#values = memory.allocate(MAX_SUBTREES * DIGEST_BYTES, "subtrees of a kernel pool");
    for (const worker of workers) {
      worker.onmessage = ({ data }: MessageEvent<PoolWorkerReply>) => this.#waiting?.answer(data);
      worker.onerror = (event) => {
        event.preventDefault();
        this.#fail(new HotError("HOT_POOL_STOPPED", `A Worker of the kernel pool ended: ${event.message}`));
      };
    }
  }

  /**
   * Starts the Workers; each takes 140 KiB of the memory. Only the thread that created the memory may.
   *
   * @throws {RangeError} If `workers` is not an integer from 1 to 64.
   * @throws {HotError} `HOT_MEMORY_EXHAUSTED` if their scratch areas do not fit.
   */
  static async start(memory: HotMemory, options: KernelPoolOptions = {}): Promise<KernelPool> {
    const { workers: count = navigator.hardwareConcurrency } = options;
    if (!Number.isInteger(count) || count < 1 || count > 64) {
      throw new RangeError(
        `Cannot start a kernel pool: 'workers' must be an integer from 1 to 64, got ${count}`,
      );
    }
    const scratch = Array.from({ length: count }, (_, i) => memory.reserveScratch(`kernel Worker ${i}`));
    const workers = scratch.map((_, i) =>
      new Worker(new URL("./kernel_pool_worker.ts", import.meta.url), {
        type: "module",
        name: `kernels ${i}`,
      })
    );
    const pool = new KernelPool(memory, workers);
    await pool.#await(workers, (worker) => {
      const i = workers.indexOf(worker);
      return { memory: memory.handle, scratch: scratch[i]!, next: pool.#next } satisfies PoolWorkerStart;
    });
    return pool;
  }

  /** How many Workers. */
  get size(): number {
    return this.#workers.length;
  }

  /**
   * BLAKE3 of `bytes` bytes at `address`, 32 bytes to `out`. The regions belong to the pool until the promise settles.
   *
   * @throws {HotError} `HOT_OUT_OF_BOUNDS` if a region does not lie in the memory; `HOT_POOL_STOPPED` if the pool was
   *   stopped or a Worker ended.
   */
  blake3(address: number, bytes: number, out: number): Promise<void> {
    return this.#enqueue(async () => {
      assertRegions(this.#memory, address, bytes, out);
      const { kernels, scratch } = this.#memory;
      if (bytes < MIN_SHARED_BYTES) return kernels.blake3(address, bytes, out);
      const chunks = chunksPerPart(bytes, this.size);
      const partBytes = chunks * BLAKE3_CHUNK_BYTES;
      const parts = Math.floor(bytes / partBytes);
      await this.#run({ kind: "subtrees", address, chunks, values: this.#values }, parts);
      const state = scratch + SCRATCH_STATE_OFFSET;
      kernels.blake3Start(state, kernels.blake3UnkeyedKey(), 0);
      kernels.blake3PushSubtrees(state, this.#values, parts, chunks);
      kernels.blake3Update(state, address + parts * partBytes, bytes - parts * partBytes);
      kernels.blake3Finish(state, out, DIGEST_BYTES);
    });
  }

  /**
   * Runs a kernel over `count` rows at address `rows`: hashes, proofs of work or headers. Rows and all they name belong to
   * the pool until the promise settles.
   *
   * @throws {HotError} `HOT_OUT_OF_BOUNDS` if a region does not lie in the memory; `HOT_POOL_STOPPED` if the pool was
   *   stopped or a Worker ended.
   */
  batch(kernel: BatchKernel, rows: number, count: number): Promise<void> {
    return this.#enqueue(() =>
      this.#run({ kind: "batch", kernel, rows, count }, Math.ceil(count / ROWS_PER_PART))
    );
  }

  /** Stops the Workers after the jobs that were given before; later ones are refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    const before = this.#tail;
    this.#failure ??= new HotError("HOT_POOL_STOPPED", "The kernel pool was stopped");
    await before;
    for (const worker of this.#workers) worker.terminate();
  }

  #enqueue(job: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const result = this.#tail.then(job);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #run(job: PoolJob, parts: number): Promise<void> {
    Atomics.store(this.#memory.u32, this.#next >>> 2, 0);
    await this.#await(this.#workers, () => ({ job, parts }) satisfies PoolWorkerJob);
  }

  /** Posts a message to every Worker and waits until each has answered. */
  #await(workers: readonly Worker[], message: (worker: Worker) => unknown): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let answers = 0;
    let trap: string | undefined;
    const answer = (reply: PoolWorkerReply) => {
      trap ??= reply.trap;
      if (++answers < workers.length) return;
      if (trap === undefined) resolve();
      else reject(new HotError("HOT_OUT_OF_BOUNDS", `Cannot work outside of the memory: ${trap}`));
    };
    this.#waiting = { answer, fail: reject };
    for (const worker of workers) worker.postMessage(message(worker));
    return promise;
  }

  #fail(error: HotError): void {
    this.#failure = error;
    this.#waiting?.fail(error);
    for (const worker of this.#workers) worker.terminate();
  }
}

/** Chunks of each part of an input: a power of two that gives every Worker several, and no more than can wait. */
function chunksPerPart(bytes: number, workers: number): number {
  const largest = BLAKE3_CHUNK_BYTES * MAX_SUBTREES;
  let part = BLAKE3_SUBTREE_BYTES;
  while (
    bytes / part > MAX_SUBTREES || (part < largest && bytes / (2 * part) >= workers * PARTS_PER_WORKER)
  ) part *= 2;
  return part / BLAKE3_CHUNK_BYTES;
}
