/**
 * The producing end of a ring.
 *
 * Layer: hot. Source: wasm/assembly/ring_producer.ts. Exactly one thread produces at a time.
 *
 * @module
 */

import { PRODUCER_NEXT, RING_PRODUCER_OFFSET } from "../../wasm/layout.ts";
import { HotError } from "./error.ts";
import type { Ring } from "./ring.ts";
import { StallWatch } from "./stall_watch.ts";
import { waitForWord } from "./wait.ts";

/** One wait for space, in microseconds: the producer is woken earlier; this bounds a look for dead consumers. */
const SPACE_WAIT_MICROS = 5_000;

/** What a producer is told. */
export interface RingProducerOptions {
  /** Name of the ring for messages. */
  readonly name: string;
  /** Called with the number of a consumer that stood still for too long and was expelled. */
  readonly onExpelled?: (consumer: number) => void;
}

/** Claims, publishes and waits for space. */
export class RingProducer {
  readonly ring: Ring;
  readonly #name: string;
  readonly #onExpelled: (consumer: number) => void;
  readonly #watch: StallWatch;

  constructor(ring: Ring, options: RingProducerOptions) {
    this.ring = ring;
    this.#name = options.name;
    this.#onExpelled = options.onExpelled ?? (() => {});
    this.#watch = new StallWatch(ring);
  }

  /**
   * Publishes one event of scalars: kind, u32 scalars 0 and 1, f64 scalar 1.
   *
   * @returns `false` when the ring is full.
   */
  publish(kind: number, first: number, second: number, value: number): boolean {
    return this.ring.memory.kernels.ringPublish(this.ring.base, kind, first, second, value) === 1;
  }

  /**
   * Claims a slot and `bytes` of arena; `commit()` publishes every open claim, `cancel()` gives the last back.
   *
   * @returns Address of the slot, or 0 when the ring is full.
   * @throws {HotError} `BUS_EVENT_TOO_LARGE` if the arena is smaller than `bytes`.
   */
  claim(bytes: number): number {
    this.assertFits(bytes);
    return this.ring.memory.kernels.ringClaim(this.ring.base, bytes);
  }

  /** @throws {HotError} `BUS_EVENT_TOO_LARGE` if the arena is smaller than `bytes`. */
  assertFits(bytes: number): void {
    if (bytes <= this.ring.arenaBytes) return;
    throw new HotError(
      "BUS_EVENT_TOO_LARGE",
      `Cannot publish to '${this.#name}': a body of ${bytes} bytes is larger than the arena of ${this.ring.arenaBytes}`,
    );
  }

  /**
   * Claims up to `count` slots without bodies, in a row from slot number `nextLow`.
   *
   * @returns How many were granted.
   */
  reserve(count: number): number {
    return this.ring.memory.kernels.ringReserve(this.ring.base, count);
  }

  /** Low half of the sequence of the next claim; its slot is this modulo the number of slots. */
  get nextLow(): number {
    return this.ring.memory.u32[(this.ring.base + RING_PRODUCER_OFFSET + PRODUCER_NEXT) >>> 2]!;
  }

  /** Publishes every open claim with one store. */
  commit(): void {
    this.ring.memory.kernels.ringCommit(this.ring.base);
  }

  /** Gives the last claim back; a whole `reserve()` counts as one. */
  cancel(): void {
    this.ring.memory.kernels.ringCancel(this.ring.base);
  }

  /** Counts a publish that found the ring full, and expels dead consumers. */
  noteFull(nowMs: number): void {
    this.ring.memory.kernels.ringNoteFull(this.ring.base);
    this.#expelDead(nowMs);
  }

  #expelDead(nowMs: number): void {
    for (const consumer of this.#watch.expelDead(nowMs)) this.#onExpelled(consumer);
  }

  /** Blocks the thread until one slot and a body of `bytes` fit. For Workers only. */
  waitForSpaceBlocking(bytes: number): void {
    const { base, memory: { kernels } } = this.ring;
    while (kernels.ringWaitForSpace(base, 1, bytes, SPACE_WAIT_MICROS) === 0) {
      this.#expelDead(performance.now());
    }
  }

  /** Resolves when one slot and a body of `bytes` fit. Never blocks the thread. */
  async waitForSpace(bytes: number): Promise<void> {
    const { base, memory: { kernels, i32 }, spaceWords } = this.ring;
    for (;;) {
      // First the word, then the flag: whoever takes the flag away changes the word.
      const seen = Atomics.load(i32, spaceWords.wake);
      Atomics.store(i32, spaceWords.flag, 1);
      // The check comes after the flag: a release either is seen here or sees the flag.
      if (kernels.ringHasSpace(base, 1, bytes) === 1) break;
      await waitForWord(i32, spaceWords.wake, seen, SPACE_WAIT_MICROS / 1_000);
      this.#expelDead(performance.now());
    }
    Atomics.store(i32, spaceWords.flag, 0);
  }

  /** Ends the stream: consumers read what is left and stop. */
  close(): void {
    this.ring.memory.kernels.ringClose(this.ring.base);
  }
}
