/**
 * What both ends of a ring need: addresses, the announcement of a wake, and sequences as numbers.
 *
 * Layer: wasm. Source: spec/hot-path.md section 2. Sequences and arena positions are u64 that wrap; they are
 * only ever compared by their difference.
 */

import {
  BODY_ALIGN_BYTES,
  CONSUMER_BYTES,
  CONSUMER_WAKE,
  CONSUMER_WAKE_COUNT,
  META_SLOTS,
  META_SLOTS_ADDRESS,
  RING_CONSUMERS_OFFSET,
  RING_SLEEPERS_OFFSET,
  RING_SPACE_OFFSET,
  RING_SPACE_WAKE_OFFSET,
  SLOT_BYTES,
} from "../layout";

/** Sequences cross the boundary modulo 2^53: every one of them is an exact f64. */
const SEQUENCE_MASK: u64 = 0x1fffffffffffff;

export function sequenceToNumber(sequence: u64): f64 {
  return <f64> (sequence & SEQUENCE_MASK);
}

export function slotAddress(base: usize, sequence: u64): usize {
  const mask = load<u32>(base, META_SLOTS) - 1;
  return <usize> (load<u32>(base, META_SLOTS_ADDRESS) + ((<u32> sequence) & mask) * <u32> SLOT_BYTES);
}

export function rowAddress(base: usize, consumer: u32): usize {
  return base + RING_CONSUMERS_OFFSET + consumer * CONSUMER_BYTES;
}

/** Arena bytes that a body takes. */
export function aligned(bytes: u32): u64 {
  return (<u64> bytes + <u64> (BODY_ALIGN_BYTES - 1)) & ~(<u64> (BODY_ALIGN_BYTES - 1));
}

/** Takes the set of sleepers and wakes each: a burst behind a sleeper pays for one wake, not one per event. */
export function wakeSleepers(base: usize): void {
  let set = atomic.xchg<u32>(base + RING_SLEEPERS_OFFSET, 0);
  while (set != 0) {
    const row = rowAddress(base, <u32> ctz<u32>(set));
    set &= set - 1;
    store<u32>(row, load<u32>(row, CONSUMER_WAKE_COUNT) + 1, CONSUMER_WAKE_COUNT);
    atomic.add<u32>(row + CONSUMER_WAKE, 1);
    atomic.notify(row + CONSUMER_WAKE, 1);
  }
}

/** Wakes one consumer whether it sleeps or parks. */
export function wakeConsumer(base: usize, consumer: u32): void {
  const word = rowAddress(base, consumer) + CONSUMER_WAKE;
  atomic.add<u32>(word, 1);
  atomic.notify(word, 1);
}

/** Wakes a producer that waits for space. The caller has stored its new sequence before. */
export function wakeProducer(base: usize): void {
  if (atomic.load<u32>(base + RING_SPACE_OFFSET) == 0) return;
  if (atomic.xchg<u32>(base + RING_SPACE_OFFSET, 0) == 0) return;
  atomic.add<u32>(base + RING_SPACE_WAKE_OFFSET, 1);
  atomic.notify(base + RING_SPACE_WAKE_OFFSET, 1);
}
