/**
 * What anybody may ask about a ring, from any thread: totals, lag, losses, and who holds it up.
 *
 * Layer: wasm. Answers are a moment's view: they are for metrics and for finding dead consumers.
 */

import {
  CONSUMER_ACTIVE,
  CONSUMER_EXPELLED,
  CONSUMER_LOST,
  CONSUMER_READ,
  CONSUMER_RELEASED,
  CONSUMER_STATE,
  META_START,
  PRODUCER_FULL_COUNT,
  PRODUCER_HEAD,
  PRODUCER_LAP,
  RING_CURSOR_OFFSET,
  RING_MEMBERS_OFFSET,
  RING_PRODUCER_OFFSET,
  RING_SLEEPERS_OFFSET,
  SLOT_ARENA_END,
  SLOT_BODY_BYTES,
} from "../layout";
import {
  aligned,
  rowAddress,
  sequenceToNumber,
  slotAddress,
  wakeConsumer,
  wakeProducer,
} from "./ring_shared";

/** Sequence the next published event will have, modulo 2^53. */
export function ringCursor(base: usize): f64 {
  return sequenceToNumber(atomic.load<u64>(base + RING_CURSOR_OFFSET));
}

/** Events published since the ring began. */
export function ringPublished(base: usize): f64 {
  return sequenceToNumber(atomic.load<u64>(base + RING_CURSOR_OFFSET) - load<u64>(base, META_START));
}

/** Sequence of the next event the consumer will read, modulo 2^53. */
export function ringReadAt(base: usize, consumer: u32): f64 {
  return sequenceToNumber(load<u64>(rowAddress(base, consumer), CONSUMER_READ));
}

/** Sequence of the oldest event the consumer has not released, modulo 2^53. */
export function ringReleasedAt(base: usize, consumer: u32): f64 {
  return sequenceToNumber(atomic.load<u64>(rowAddress(base, consumer) + CONSUMER_RELEASED));
}

/** Events published and not yet released by the consumer. */
export function ringBehind(base: usize, consumer: u32): f64 {
  // Released first: the cursor read after it cannot be smaller.
  const released = atomic.load<u64>(rowAddress(base, consumer) + CONSUMER_RELEASED);
  return sequenceToNumber(atomic.load<u64>(base + RING_CURSOR_OFFSET) - released);
}

/** Events a lossy consumer has lost. */
export function ringLost(base: usize, consumer: u32): f64 {
  return sequenceToNumber(load<u64>(rowAddress(base, consumer), CONSUMER_LOST));
}

/** How often a publish found the ring full. */
export function ringFullCount(base: usize): f64 {
  return sequenceToNumber(load<u64>(base + RING_PRODUCER_OFFSET, PRODUCER_FULL_COUNT));
}

/** Arena bytes from the oldest unreleased body to the head, skipped ends included. */
export function ringArenaUsed(base: usize): f64 {
  let set = atomic.load<u32>(base + RING_MEMBERS_OFFSET);
  const cursor = atomic.load<u64>(base + RING_CURSOR_OFFSET);
  let minimum = cursor;
  while (set != 0) {
    const released = atomic.load<u64>(rowAddress(base, <u32> ctz<u32>(set)) + CONSUMER_RELEASED);
    set &= set - 1;
    if (<i64> (released - minimum) < 0) minimum = released;
  }
  if (minimum == cursor) return 0;
  const own = base + RING_PRODUCER_OFFSET;
  const head = load<u64>(own, PRODUCER_LAP) + <u64> load<u32>(own, PRODUCER_HEAD);
  const oldest = slotAddress(base, minimum);
  return sequenceToNumber(
    head - load<u64>(oldest, SLOT_ARENA_END) + aligned(load<u32>(oldest, SLOT_BODY_BYTES)),
  );
}

/** Takes a consumer out of the set that gates. Its row stays taken until its own thread leaves. */
export function ringExpel(base: usize, consumer: u32): void {
  const state = rowAddress(base, consumer) + CONSUMER_STATE;
  if (atomic.cmpxchg<u32>(state, CONSUMER_ACTIVE, CONSUMER_EXPELLED) != CONSUMER_ACTIVE) return;
  atomic.and<u32>(base + RING_MEMBERS_OFFSET, ~(1 << consumer));
  atomic.and<u32>(base + RING_SLEEPERS_OFFSET, ~(1 << consumer));
  wakeConsumer(base, consumer);
  wakeProducer(base);
}
