/**
 * Rings in shared memory: creating one, and what any thread may ask about it.
 *
 * Layer: hot. Source: spec/hot-path.md section 2; docs/bus.md says how the parts play together. One producer at
 * a time, up to 16 consumers, each with its own position. The producing end is `RingProducer`, the consuming end
 * `RingConsumer`.
 *
 * @module
 */

import {
  BODY_ALIGN_BYTES,
  CONSUMER_ACTIVE,
  CONSUMER_BYTES,
  CONSUMER_DEAD_AFTER_MS,
  CONSUMER_EXPELLED,
  CONSUMER_STATE,
  CONSUMER_STOP,
  CONSUMER_WAKE,
  CONSUMER_WAKE_COUNT,
  META_ARENA_ADDRESS,
  META_ARENA_BYTES,
  META_POLICY,
  META_SLOTS,
  META_SLOTS_ADDRESS,
  POLICY_GATING,
  POLICY_LOSSY,
  RING_CLOSED_OFFSET,
  RING_CONSUMERS_MAX,
  RING_CONSUMERS_OFFSET,
  RING_CURSOR_OFFSET,
  RING_MEMBERS_OFFSET,
  RING_META_OFFSET,
  RING_SLOTS_OFFSET,
  RING_SPACE_OFFSET,
  RING_SPACE_WAKE_OFFSET,
  SLOT_BYTES,
} from "../../wasm/layout.ts";
import { HotError } from "./error.ts";
import type { HotMemory } from "./memory.ts";

/** What happens when the slowest consumer is a whole ring behind. */
export type RingPolicy =
  /** Lossless: the producer waits. */
  | "gating"
  /** The producer overwrites; a consumer that was lapped counts what it lost and goes on. */
  | "lossy";

/** Sequences cross the WASM boundary modulo this: each is an exact number. */
export const SEQUENCE_MODULUS = 2 ** 53;

/** Difference `a - b` of two sequences, also across the wrap; between -2^52 and 2^52. */
export function sequenceDifference(a: number, b: number): number {
  const difference = a - b;
  if (difference >= SEQUENCE_MODULUS / 2) return difference - SEQUENCE_MODULUS;
  if (difference < -SEQUENCE_MODULUS / 2) return difference + SEQUENCE_MODULUS;
  return difference;
}

/** Size and policy of a ring. */
export interface RingSpec {
  /** Power of two, 2 to 2^24. */
  readonly slots: number;
  /** Bytes for bodies, a multiple of 8. @default {0} */
  readonly arenaBytes?: number;
  readonly policy: RingPolicy;
  /** First sequence; other than 0 only to test what happens near a wrap. @default {0n} */
  readonly firstSequence?: bigint;
  /** First arena position; other than 0 only to test what happens near a wrap. @default {0n} */
  readonly firstPosition?: bigint;
}

function assertSpec(spec: RingSpec, what: string): void {
  const { slots, arenaBytes = 0 } = spec;
  if (!Number.isInteger(slots) || slots < 2 || slots > 2 ** 24 || (slots & (slots - 1)) !== 0) {
    throw new RangeError(
      `Cannot create ring '${what}': 'slots' must be a power of two from 2 to 2^24, got ${slots}`,
    );
  }
  if (!Number.isInteger(arenaBytes) || arenaBytes < 0 || arenaBytes % BODY_ALIGN_BYTES !== 0) {
    throw new RangeError(
      `Cannot create ring '${what}': 'arenaBytes' must be a multiple of ${BODY_ALIGN_BYTES} >= 0, got ${arenaBytes}`,
    );
  }
}

/** A consumer as others see it. */
export interface ConsumerState {
  readonly consumer: number;
  /** Events published and not yet released. */
  readonly behind: number;
  /** Events lost; lossy rings only. */
  readonly lost: number;
  /** Whether it was taken out of the gating set. */
  readonly expelled: boolean;
  /** How often the producer had to wake it from deep sleep, modulo 2^32. */
  readonly wakes: number;
}

/** One ring as one thread sees it. Its `base` address is all that another thread needs. */
export class Ring {
  readonly memory: HotMemory;
  readonly base: number;
  readonly slots: number;
  readonly policy: RingPolicy;
  readonly arenaBytes: number;
  /** Index of slot 0 in u32 views. */
  readonly slotsWord: number;

  private constructor(memory: HotMemory, base: number) {
    this.memory = memory;
    this.base = base;
    const meta = (base + RING_META_OFFSET) >>> 2;
    this.slots = memory.u32[meta + (META_SLOTS >>> 2)]!;
    this.policy = memory.u32[meta + (META_POLICY >>> 2)] === POLICY_LOSSY ? "lossy" : "gating";
    this.arenaBytes = memory.u32[meta + (META_ARENA_BYTES >>> 2)]!;
    this.slotsWord = memory.u32[meta + (META_SLOTS_ADDRESS >>> 2)]! >>> 2;
  }

  /**
   * Allocates and starts a ring. Only on the thread that created the memory.
   *
   * @param what Name for messages.
   * @throws {RangeError} If the spec is out of range.
   * @throws {HotError} `HOT_MEMORY_EXHAUSTED` if it does not fit.
   */
  static create(memory: HotMemory, spec: RingSpec, what: string): Ring {
    assertSpec(spec, what);
    const { slots, arenaBytes = 0, firstSequence = 0n, firstPosition = 0n } = spec;
    const base = memory.allocate(RING_SLOTS_OFFSET + slots * SLOT_BYTES + arenaBytes, what);
    const slotsAt = base + RING_SLOTS_OFFSET;
    const low = (value: bigint) => Number(value & 0xffff_ffffn);
    const high = (value: bigint) => Number(value >> 32n & 0xffff_ffffn);
    memory.kernels.ringInit(
      base,
      slots,
      slotsAt,
      slotsAt + slots * SLOT_BYTES,
      arenaBytes,
      spec.policy === "lossy" ? POLICY_LOSSY : POLICY_GATING,
      low(firstSequence),
      high(firstSequence),
      low(firstPosition),
      high(firstPosition),
    );
    return new Ring(memory, base);
  }

  /** The ring at `base`, on a thread that attached to its memory. */
  static attach(memory: HotMemory, base: number): Ring {
    return new Ring(memory, base);
  }

  /** Address of the arena. */
  get arenaAddress(): number {
    return this.memory.u32[(this.base + RING_META_OFFSET + META_ARENA_ADDRESS) >>> 2]!;
  }

  /** Sequence of the next event, modulo 2^53. */
  get cursor(): number {
    return this.memory.kernels.ringCursor(this.base);
  }

  /** Low half of the cursor, for picking a slot. */
  get cursorLow(): number {
    return Atomics.load(this.memory.u32, (this.base + RING_CURSOR_OFFSET) >>> 2);
  }

  /** Events published since the ring began. */
  get published(): number {
    return this.memory.kernels.ringPublished(this.base);
  }

  /** How often a publish found the ring full. */
  get fullCount(): number {
    return this.memory.kernels.ringFullCount(this.base);
  }

  /** Arena bytes held by events that somebody has not released. */
  get arenaBytesUsed(): number {
    return this.memory.kernels.ringArenaUsed(this.base);
  }

  /** Whether the producer has closed the ring. */
  get closed(): boolean {
    return Atomics.load(this.memory.u32, (this.base + RING_CLOSED_OFFSET) >>> 2) === 1;
  }

  /** Set of consumers that hold the producer back, one bit each. */
  get members(): number {
    return Atomics.load(this.memory.u32, (this.base + RING_MEMBERS_OFFSET) >>> 2);
  }

  /**
   * Adds a consumer that starts at the newest event. It holds a gating producer back from now on, whichever
   * thread will read.
   *
   * @param deadAfterMs Milliseconds without progress on a full ring after which it counts as dead; 0 for never.
   * @returns Its number.
   * @throws {HotError} `BUS_SUBSCRIBERS_EXHAUSTED` if all 16 are taken.
   */
  join(deadAfterMs: number): number {
    const consumer = this.memory.kernels.ringJoin(this.base);
    if (consumer < 0) {
      throw new HotError(
        "BUS_SUBSCRIBERS_EXHAUSTED",
        `Cannot add a subscriber: all ${RING_CONSUMERS_MAX} are taken`,
      );
    }
    Atomics.store(this.memory.u32, this.#row(consumer, CONSUMER_DEAD_AFTER_MS), deadAfterMs);
    return consumer;
  }

  /** What {@link join} was told. */
  deadAfterMs(consumer: number): number {
    return Atomics.load(this.memory.u32, this.#row(consumer, CONSUMER_DEAD_AFTER_MS));
  }

  /** Takes a consumer out of the gating set; its own thread finds out at its next batch. */
  expel(consumer: number): void {
    this.memory.kernels.ringExpel(this.base, consumer);
  }

  /** Asks a consumer to stop after its current batch, and wakes it. */
  stop(consumer: number): void {
    this.memory.kernels.ringStop(this.base, consumer);
  }

  /** Frees a consumer's place: on its own thread, or after that thread has ended. */
  leave(consumer: number): void {
    this.memory.kernels.ringLeave(this.base, consumer);
  }

  /** Whether a consumer was asked to stop. */
  isStopped(consumer: number): boolean {
    return Atomics.load(this.memory.u32, this.#row(consumer, CONSUMER_STOP)) === 1;
  }

  /** Index in i32 views of the word a consumer sleeps on. */
  wakeWord(consumer: number): number {
    return this.#row(consumer, CONSUMER_WAKE);
  }

  /** Indexes in i32 views of the flag of a waiting producer and of the word it sleeps on. */
  get spaceWords(): { readonly flag: number; readonly wake: number } {
    return { flag: (this.base + RING_SPACE_OFFSET) >>> 2, wake: (this.base + RING_SPACE_WAKE_OFFSET) >>> 2 };
  }

  /** Index in u32 views of a field of a consumer's row. */
  #row(consumer: number, field: number): number {
    return (this.base + RING_CONSUMERS_OFFSET + consumer * CONSUMER_BYTES + field) >>> 2;
  }

  /** Whether the consumer is in its place: neither gone nor expelled. */
  isActive(consumer: number): boolean {
    return Atomics.load(this.memory.u32, this.#row(consumer, CONSUMER_STATE)) === CONSUMER_ACTIVE;
  }

  /** A moment's view of one consumer. */
  consumerState(consumer: number): ConsumerState {
    const { kernels, u32 } = this.memory;
    return {
      consumer,
      behind: kernels.ringBehind(this.base, consumer),
      lost: kernels.ringLost(this.base, consumer),
      expelled: Atomics.load(u32, this.#row(consumer, CONSUMER_STATE)) === CONSUMER_EXPELLED,
      wakes: Atomics.load(u32, this.#row(consumer, CONSUMER_WAKE_COUNT)),
    };
  }
}
