/**
 * The consuming end of a ring.
 *
 * Layer: hot. Source: wasm/assembly/ring_consumer.ts. One consumer belongs to one thread at a time.
 *
 * @module
 */

import { SLOT_ARENA_END, SLOT_BODY_ADDRESS, SLOT_BODY_BYTES, SLOT_BYTES } from "../../wasm/layout.ts";
import { HotError } from "./error.ts";
import { type Ring, sequenceDifference } from "./ring.ts";
import { waitForWord } from "./wait.ts";

/**
 * How a blocking consumer waits: cheap for itself, or cheap for the producer.
 *
 * While it parks, a publish costs the producer nothing and comes through after at most one park. In deep sleep the
 * consumer costs nothing and the publish that ends it pays 7-8 us for the wake. So: the default for topics of
 * thousands of events per second, `parkForMs: 0` for slower ones.
 */
export interface WaitOptions {
  /** Looks at the cursor before the first park. @default {200} */
  readonly spins?: number;
  /** How long to park before deep sleep, in milliseconds; 0 sleeps at once. @default {2} */
  readonly parkForMs?: number;
  /** Length of one park, in microseconds; the kernel adds about 50. @default {100} */
  readonly parkMicros?: number;
}

/** Longest deep sleep, in microseconds. A wake ends it earlier; this only bounds an unforeseen fault. */
const SLEEP_MICROS = 1_000_000;
const SLOT_WORDS = SLOT_BYTES >>> 2;

/** Reads, waits and releases. */
export class RingConsumer {
  readonly ring: Ring;
  readonly consumer: number;
  readonly #mask: number;
  /** A copied slot (lossy rings): u32 and f64 faces of the same 64 private bytes. */
  readonly copyWords = new Uint32Array(SLOT_WORDS);
  readonly copyDoubles = new Float64Array(this.copyWords.buffer);
  #copyBody = new Uint8Array(0);

  constructor(ring: Ring, consumer: number) {
    this.ring = ring;
    this.consumer = consumer;
    this.#mask = ring.slots - 1;
  }

  /** Sequence of the next event to read, modulo 2^53. */
  get readAt(): number {
    return this.ring.memory.kernels.ringReadAt(this.ring.base, this.consumer);
  }

  /** Sequence of the oldest event not yet released, modulo 2^53. */
  get releasedAt(): number {
    return this.ring.memory.kernels.ringReleasedAt(this.ring.base, this.consumer);
  }

  /** Events that can be read now. A lapped lossy consumer first jumps to the oldest event that is whole. */
  available(): number {
    return this.ring.memory.kernels.ringAvailable(this.ring.base, this.consumer);
  }

  /** Index in u32 views of the slot of `sequence`. */
  slotWord(sequence: number): number {
    // 2^53 is a multiple of every slot count, so the wrapped number picks the same slot as the u64 does.
    return this.ring.slotsWord + (sequence % 0x1_0000_0000 & this.#mask) * SLOT_WORDS;
  }

  /** Counts `count` events as read, not as released. */
  advance(count: number): void {
    this.ring.memory.kernels.ringAdvance(this.ring.base, this.consumer, count);
  }

  /** Releases the `count` oldest unreleased events. */
  release(count: number): void {
    this.ring.memory.kernels.ringRelease(this.ring.base, this.consumer, count);
  }

  /**
   * Releases everything up to and including `sequence`; nothing if that is released already.
   *
   * @throws {RangeError} If `sequence` has not been published.
   */
  releaseTo(sequence: number): void {
    if (sequenceDifference(sequence, this.ring.cursor) >= 0) {
      throw new RangeError(`Cannot release sequence ${sequence}: the newest is ${this.ring.cursor - 1}`);
    }
    const count = sequenceDifference(sequence, this.releasedAt) + 1;
    if (count > 0) this.release(count);
  }

  /**
   * Copies the slot and body of the event at the read position out of a lossy ring.
   *
   * @returns The body, in a buffer that the next copy reuses; `undefined` if the event was overwritten
   *   meanwhile, and then nothing of the copy may be used: call {@link available} or {@link skipLost}.
   */
  copy(): Uint8Array | undefined {
    const { memory } = this.ring;
    const word = this.slotWord(this.readAt);
    for (let i = 0; i < SLOT_WORDS; i++) this.copyWords[i] = memory.u32[word + i]!;
    const at = this.copyWords[SLOT_BODY_ADDRESS >>> 2]!;
    const bytes = this.copyWords[SLOT_BODY_BYTES >>> 2]!;
    // A torn slot may say anything: look only where the arena is, and let the check below reject it.
    const start = this.ring.arenaAddress;
    const whole = bytes === 0 || (at >= start && at + bytes <= start + this.ring.arenaBytes);
    if (whole && bytes > 0) {
      if (this.#copyBody.length < bytes) this.#copyBody = new Uint8Array(bytes);
      this.#copyBody.set(memory.u8.subarray(at, at + bytes));
    }
    const low = this.copyWords[SLOT_ARENA_END >>> 2]!;
    const high = this.copyWords[(SLOT_ARENA_END >>> 2) + 1]!;
    if (memory.kernels.ringIntact(this.ring.base, this.consumer, 0, low, high, bytes) === 0 || !whole) return;
    return this.#copyBody.subarray(0, bytes);
  }

  /** Counts the event at the read position as lost: its slot was whole, its body was not. */
  skipLost(): void {
    this.ring.memory.kernels.ringSkipLost(this.ring.base, this.consumer);
  }

  /**
   * Blocks the thread until there are events, at most about a second. For Workers only.
   *
   * @returns Events that can be read; 0 after the time-out, a stop or a close.
   */
  waitBlocking(options: WaitOptions): number {
    const { spins = 200, parkForMs = 2, parkMicros = 100 } = options;
    const parks = Math.ceil(parkForMs * 1_000 / parkMicros);
    return this.ring.memory.kernels.ringWait(
      this.ring.base,
      this.consumer,
      spins,
      parks,
      parkMicros,
      SLEEP_MICROS,
    );
  }

  /**
   * Resolves when there may be events, at most after about a second. Does not block the thread; {@link wake}
   * ends it early.
   */
  async wait(): Promise<void> {
    const { base, memory: { kernels, i32 } } = this.ring;
    const seen = kernels.ringArm(base, this.consumer);
    // The checks come after the registration: a publish, stop or close either is seen here or sees the sleeper.
    if (this.available() === 0 && !this.ended) {
      await waitForWord(i32, this.ring.wakeWord(this.consumer), seen, SLEEP_MICROS / 1_000);
    }
    kernels.ringDisarm(base, this.consumer);
  }

  /** Whether nothing more will come: closed and drained, stopped, or expelled. */
  get ended(): boolean {
    return this.ring.closed || this.ring.isStopped(this.consumer) || !this.ring.isActive(this.consumer);
  }

  /** @throws {HotError} `BUS_SUBSCRIBER_EXPELLED` if the producer gave this consumer up. */
  assertActive(name: string): void {
    if (this.ring.isActive(this.consumer)) return;
    throw new HotError(
      "BUS_SUBSCRIBER_EXPELLED",
      `Cannot read on as '${name}': it stood still for too long and was taken out of the ring`,
    );
  }

  /** Asks this consumer to stop after its current batch. Any thread may call it. */
  stop(): void {
    this.ring.stop(this.consumer);
  }

  /** Frees the consumer's place. */
  leave(): void {
    this.ring.leave(this.consumer);
  }
}
