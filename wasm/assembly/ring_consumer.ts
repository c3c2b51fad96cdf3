/**
 * The consuming end of a ring: take a batch, release it, and wait without burning a core or missing a wake.
 *
 * Layer: wasm. Source: spec/hot-path.md section 2. A consumer has two positions: what it has read and what it
 * has released; only the second one holds the producer back.
 */

import {
  CONSUMER_ACTIVE,
  CONSUMER_FREE,
  CONSUMER_LOST,
  CONSUMER_ORDER,
  CONSUMER_READ,
  CONSUMER_RELEASED,
  CONSUMER_STATE,
  CONSUMER_STOP,
  CONSUMER_WAKE,
  META_ARENA_BYTES,
  META_POLICY,
  META_SLOTS,
  POLICY_LOSSY,
  RING_ANNOUNCE_ARENA_OFFSET,
  RING_ANNOUNCE_OFFSET,
  RING_CLOSED_OFFSET,
  RING_CONSUMERS_MAX,
  RING_CURSOR_OFFSET,
  RING_MEMBERS_OFFSET,
  RING_SLEEPERS_OFFSET,
} from "../layout";
import { aligned, rowAddress, wakeConsumer, wakeProducer } from "./ring_shared";

/**
 * Takes a free row and starts at the newest event.
 *
 * @returns Number of the consumer, or -1 when every row is taken.
 */
export function ringJoin(base: usize): i32 {
  for (let i: u32 = 0; i < <u32> RING_CONSUMERS_MAX; i++) {
    const row = rowAddress(base, i);
    if (atomic.cmpxchg<u32>(row + CONSUMER_STATE, CONSUMER_FREE, CONSUMER_ACTIVE) != CONSUMER_FREE) continue;
    store<u32>(row, 0, CONSUMER_STOP);
    store<u64>(row, 0, CONSUMER_LOST);
    atomic.store<u64>(row + CONSUMER_RELEASED, atomic.load<u64>(base + RING_CURSOR_OFFSET));
    if (load<u32>(base, META_POLICY) != POLICY_LOSSY) atomic.or<u32>(base + RING_MEMBERS_OFFSET, 1 << i);
    // A minimum the producer cached before it saw the bit is at most the cursor of that moment, hence at most
    // this one: nothing from here on can be overwritten before it is released.
    const start = atomic.load<u64>(base + RING_CURSOR_OFFSET);
    store<u64>(row, start, CONSUMER_READ);
    atomic.store<u64>(row + CONSUMER_RELEASED, start);
    wakeProducer(base);
    return i;
  }
  return -1;
}

/** Gives the row back. Call it on the consumer's own thread, or after that thread has ended. */
export function ringLeave(base: usize, consumer: u32): void {
  atomic.and<u32>(base + RING_MEMBERS_OFFSET, ~(1 << consumer));
  atomic.and<u32>(base + RING_SLEEPERS_OFFSET, ~(1 << consumer));
  atomic.store<u32>(rowAddress(base, consumer) + CONSUMER_STATE, CONSUMER_FREE);
  wakeProducer(base);
}

/** Asks the consumer to stop after its current batch, and wakes it. */
export function ringStop(base: usize, consumer: u32): void {
  atomic.store<u32>(rowAddress(base, consumer) + CONSUMER_STOP, 1);
  wakeConsumer(base, consumer);
}

/** Events that can be read now. A lossy consumer that was lapped first jumps to the oldest one that is whole. */
export function ringAvailable(base: usize, consumer: u32): u32 {
  const row = rowAddress(base, consumer);
  let read = load<u64>(row, CONSUMER_READ);
  if (load<u32>(base, META_POLICY) == POLICY_LOSSY) {
    // Read before the cursor: then `oldest` cannot lie beyond the cursor.
    const announced = atomic.load<u64>(base + RING_ANNOUNCE_OFFSET);
    const slots = <u64> load<u32>(base, META_SLOTS);
    if (<i64> (announced - read - slots) > 0) {
      const oldest = announced - slots;
      store<u64>(row, load<u64>(row, CONSUMER_LOST) + oldest - read, CONSUMER_LOST);
      store<u64>(row, oldest, CONSUMER_READ);
      atomic.store<u64>(row + CONSUMER_RELEASED, oldest);
      read = oldest;
    }
  }
  return <u32> (atomic.load<u64>(base + RING_CURSOR_OFFSET) - read);
}

/** Counts `count` events as read; they stay unreleased. */
export function ringAdvance(base: usize, consumer: u32, count: u32): void {
  const row = rowAddress(base, consumer);
  store<u64>(row, load<u64>(row, CONSUMER_READ) + <u64> count, CONSUMER_READ);
}

/** Releases the `count` oldest unreleased events: their slots and bodies may be overwritten from now on. */
export function ringRelease(base: usize, consumer: u32, count: u32): void {
  const row = rowAddress(base, consumer);
  const released = load<u64>(row, CONSUMER_RELEASED) + <u64> count;
  if (<i64> (released - load<u64>(row, CONSUMER_READ)) > 0) store<u64>(row, released, CONSUMER_READ);
  atomic.store<u64>(row + CONSUMER_RELEASED, released);
  wakeProducer(base);
}

/**
 * Whether the event `index` behind the read position, whose slot and body were just copied, was whole: nothing
 * of it had been announced as overwritten by the time the copy was complete.
 *
 * @param endLow Arena position of the copied slot, low half.
 */
export function ringIntact(
  base: usize,
  consumer: u32,
  index: u32,
  endLow: u32,
  endHigh: u32,
  bytes: u32,
): bool {
  const row = rowAddress(base, consumer);
  // The copy must be complete before the marks are read. A load-acquire does not order earlier plain loads; a
  // store-release before it does.
  atomic.store<u32>(row + CONSUMER_ORDER, 0);
  const sequence = load<u64>(row, CONSUMER_READ) + <u64> index;
  const announced = atomic.load<u64>(base + RING_ANNOUNCE_OFFSET);
  if (<i64> (announced - sequence - <u64> load<u32>(base, META_SLOTS)) > 0) return false;
  if (bytes == 0) return true;
  const end = (<u64> endHigh << 32) | <u64> endLow;
  const need = aligned(bytes);
  const overwritten = atomic.load<u64>(base + RING_ANNOUNCE_ARENA_OFFSET) - (end - need);
  return <i64> (overwritten - <u64> load<u32>(base, META_ARENA_BYTES)) <= 0;
}

/** Counts one event as lost: its slot was whole, its body was not. */
export function ringSkipLost(base: usize, consumer: u32): void {
  const row = rowAddress(base, consumer);
  const next = load<u64>(row, CONSUMER_READ) + 1;
  store<u64>(row, load<u64>(row, CONSUMER_LOST) + 1, CONSUMER_LOST);
  store<u64>(row, next, CONSUMER_READ);
  atomic.store<u64>(row + CONSUMER_RELEASED, next);
}

function hasNews(base: usize, row: usize): bool {
  return atomic.load<u64>(base + RING_CURSOR_OFFSET) != load<u64>(row, CONSUMER_READ);
}

function mayWait(base: usize, row: usize): bool {
  return !hasNews(base, row) && atomic.load<u32>(row + CONSUMER_STOP) == 0 &&
    atomic.load<u32>(base + RING_CLOSED_OFFSET) == 0 &&
    atomic.load<u32>(row + CONSUMER_STATE) == CONSUMER_ACTIVE;
}

/**
 * Registers this consumer as a sleeper. The caller then checks again for events, and only then waits on its wake
 * word with the returned value.
 *
 * The word is loaded before the registration: a producer that takes the registration away changes the word, so
 * whoever is no longer registered does not fall asleep. The other way round a wake-up can be lost.
 */
export function ringArm(base: usize, consumer: u32): i32 {
  const seen = atomic.load<i32>(rowAddress(base, consumer) + CONSUMER_WAKE);
  atomic.or<u32>(base + RING_SLEEPERS_OFFSET, 1 << consumer);
  return seen;
}

export function ringDisarm(base: usize, consumer: u32): void {
  atomic.and<u32>(base + RING_SLEEPERS_OFFSET, ~(1 << consumer));
}

/**
 * Waits for events: `spins` looks at the cursor, then up to `parks` bounded waits that cost the producer
 * nothing, then one registered deep sleep of at most `sleepMicros` that costs the producer one wake.
 * For Workers: it blocks their event loop.
 *
 * @returns Events that can be read now; 0 after a time-out, a stop, a close, or when expelled.
 */
export function ringWait(
  base: usize,
  consumer: u32,
  spins: u32,
  parks: u32,
  parkMicros: u32,
  sleepMicros: u32,
): u32 {
  const row = rowAddress(base, consumer);
  for (let i: u32 = 0; i < spins; i++) {
    if (hasNews(base, row)) return ringAvailable(base, consumer);
  }
  for (let i: u32 = 0; i < parks; i++) {
    const seen = atomic.load<i32>(row + CONSUMER_WAKE);
    if (!mayWait(base, row)) return ringAvailable(base, consumer);
    atomic.wait<i32>(row + CONSUMER_WAKE, seen, <i64> parkMicros * 1000);
  }
  const seen = ringArm(base, consumer);
  if (mayWait(base, row)) atomic.wait<i32>(row + CONSUMER_WAKE, seen, <i64> sleepMicros * 1000);
  ringDisarm(base, consumer);
  return ringAvailable(base, consumer);
}
