/**
 * What both bus benchmarks need: a ring with two consuming Workers.
 *
 * @module
 */

import { HotMemory } from "../src/hot/memory.ts";
import { Ring } from "../src/hot/ring.ts";
import { RingProducer } from "../src/hot/ring_producer.ts";
import type { BenchReport, FlushJob, PostedEvent, RingJob } from "./bus_worker.ts";

/** Slots of the measured rings: 1 MiB, which stays in the second-level cache. */
export const SLOTS = 1 << 14;

/** A Worker that answers one message at a time. */
export class BenchWorker implements Disposable {
  readonly #worker = new Worker(new URL("./bus_worker.ts", import.meta.url), { type: "module" });
  #arrived = Promise.withResolvers<BenchReport | "ready">();

  private constructor() {
    this.#worker.onmessage = ({ data }) => {
      const arrived = this.#arrived;
      this.#arrived = Promise.withResolvers();
      arrived.resolve(data);
    };
    this.#worker.onerror = (event) => this.#arrived.reject(new Error(event.message));
  }

  static async start(): Promise<BenchWorker> {
    const worker = new BenchWorker();
    await worker.#arrived.promise;
    return worker;
  }

  post(event: PostedEvent): void {
    this.#worker.postMessage(event);
  }

  async ask(job: RingJob | FlushJob): Promise<BenchReport> {
    const answer = this.#arrived.promise;
    this.#worker.postMessage(job);
    return await answer as BenchReport;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** A fresh ring that the given Workers consume until it is closed. */
export class RingRig {
  readonly memory: HotMemory;
  readonly ring: Ring;
  readonly producer: RingProducer;
  readonly #reports: readonly Promise<BenchReport>[];

  private constructor(memory: HotMemory, workers: readonly BenchWorker[]) {
    this.memory = memory;
    this.ring = Ring.create(memory, { slots: SLOTS, policy: "gating" }, "bench");
    this.producer = new RingProducer(this.ring, { name: "bench" });
    this.#reports = workers.map((worker) =>
      worker.ask({ kind: "ring", hot: memory.handle, base: this.ring.base, consumer: this.ring.join(0) })
    );
  }

  static async open(workers: readonly BenchWorker[]): Promise<RingRig> {
    return new RingRig(await HotMemory.create({ bytes: 4 << 20 }), workers);
  }

  /** Whether every consumer has released everything. */
  get drained(): boolean {
    const { base, memory: { kernels } } = this.ring;
    for (let set = this.ring.members; set !== 0; set &= set - 1) {
      if (kernels.ringBehind(base, 31 - Math.clz32(set & -set)) > 0) return false;
    }
    return true;
  }

  /** Closes the ring and checks that every consumer has seen `count` events with this sum. */
  async finish(count: number, sum: number): Promise<void> {
    this.producer.close();
    for (const report of await Promise.all(this.#reports)) {
      if (report.count !== count || report.sum !== sum) {
        throw new Error(
          `A consumer saw ${report.count} events with sum ${report.sum}, not ${count} with ${sum}`,
        );
      }
    }
  }
}
