/**
 * The producing end of a ring: claim slots and bodies, publish them with one store, park when full.
 *
 * Layer: wasm. Source: spec/hot-path.md section 2. A ring has exactly one producer at a time. Its private values
 * live on a line that no consumer polls; the least consumer sequence is cached there and looked up again only
 * when the cache says full (or when 64 KiB of bodies were handed out since).
 *
 * The arena is addressed by positions that only grow. A lap is one pass over it: a body that does not fit
 * behind the head starts the next lap, so bodies never wrap and `end - tail <= arena bytes` says that they fit.
 */

import {
  ARENA_CHECK_BYTES,
  CONSUMER_RELEASED,
  META_ARENA_ADDRESS,
  META_ARENA_BYTES,
  META_POLICY,
  META_SLOTS,
  META_SLOTS_ADDRESS,
  META_START,
  POLICY_LOSSY,
  PRODUCER_FULL_COUNT,
  PRODUCER_HEAD,
  PRODUCER_LAP,
  PRODUCER_MINIMUM,
  PRODUCER_NEXT,
  PRODUCER_SAVED_HEAD,
  PRODUCER_SAVED_LAP,
  PRODUCER_SAVED_NEXT,
  PRODUCER_TAIL,
  PRODUCER_UNCHECKED_BYTES,
  RECORD_BYTES,
  RING_ANNOUNCE_ARENA_OFFSET,
  RING_ANNOUNCE_OFFSET,
  RING_CLOSED_OFFSET,
  RING_CONSUMERS_MAX,
  RING_CURSOR_OFFSET,
  RING_MEMBERS_OFFSET,
  RING_PRODUCER_OFFSET,
  RING_SLEEPERS_OFFSET,
  RING_SPACE_OFFSET,
  RING_SPACE_WAKE_OFFSET,
  SLOT_ARENA_END,
  SLOT_BODY_ADDRESS,
  SLOT_BODY_BYTES,
  SLOT_KIND,
  SLOT_SCALARS,
} from "../layout";
import { copy16 } from "./bytes";
import { aligned, rowAddress, slotAddress, wakeConsumer, wakeSleepers } from "./ring_shared";

/**
 * Writes the meta line and starting counters of a ring in zeroed memory.
 *
 * Starting sequence and arena position come as u32 halves, so that a test can begin just below a wrap.
 */
export function ringInit(
  base: usize,
  slots: u32,
  slotsAt: u32,
  arenaAt: u32,
  arenaBytes: u32,
  policy: u32,
  startLow: u32,
  startHigh: u32,
  arenaStartLow: u32,
  arenaStartHigh: u32,
): void {
  const start = (<u64> startHigh << 32) | <u64> startLow;
  const arenaStart = (<u64> arenaStartHigh << 32) | <u64> arenaStartLow;
  store<u32>(base, slots, META_SLOTS);
  store<u32>(base, slotsAt, META_SLOTS_ADDRESS);
  store<u32>(base, arenaAt, META_ARENA_ADDRESS);
  store<u32>(base, arenaBytes, META_ARENA_BYTES);
  store<u32>(base, policy, META_POLICY);
  store<u64>(base, start, META_START);
  const own = base + RING_PRODUCER_OFFSET;
  store<u64>(own, start, PRODUCER_NEXT);
  store<u64>(own, start, PRODUCER_MINIMUM);
  store<u64>(own, arenaStart, PRODUCER_TAIL);
  store<u64>(own, arenaStart, PRODUCER_LAP);
  atomic.store<u64>(base + RING_ANNOUNCE_OFFSET, start);
  atomic.store<u64>(base + RING_ANNOUNCE_ARENA_OFFSET, arenaStart);
  atomic.store<u64>(base + RING_CURSOR_OFFSET, start);
}

/** Looks at every consumer that gates; moves the cached minimum and, with it, the free end of the arena. */
function lookAtConsumers(base: usize): void {
  const own = base + RING_PRODUCER_OFFSET;
  let set = atomic.load<u32>(base + RING_MEMBERS_OFFSET);
  let minimum = load<u64>(base, RING_CURSOR_OFFSET);
  while (set != 0) {
    const released = atomic.load<u64>(rowAddress(base, <u32> ctz<u32>(set)) + CONSUMER_RELEASED);
    set &= set - 1;
    if (<i64> (released - minimum) < 0) minimum = released;
  }
  store<u32>(own, 0, PRODUCER_UNCHECKED_BYTES);
  // A consumer that is joining may still show an older sequence than the one it will read from: never go back.
  if (<i64> (minimum - load<u64>(own, PRODUCER_MINIMUM)) <= 0) return;
  store<u64>(own, minimum, PRODUCER_MINIMUM);
  // The slot before the minimum still holds what it held: it is overwritten only after this minimum was cached.
  store<u64>(own, load<u64>(slotAddress(base, minimum - 1), SLOT_ARENA_END), PRODUCER_TAIL);
}

function hasSlots(base: usize, count: u32): bool {
  const own = base + RING_PRODUCER_OFFSET;
  const used = load<u64>(own, PRODUCER_NEXT) - load<u64>(own, PRODUCER_MINIMUM);
  return used + <u64> count <= <u64> load<u32>(base, META_SLOTS);
}

/**
 * Starts the next lap early where that keeps few pages resident: with everything released, at once; with little
 * in flight, after an eighth of the arena, provided the front has room for this body.
 */
function restartArena(base: usize, need: u64): void {
  const own = base + RING_PRODUCER_OFFSET;
  const head = <u64> load<u32>(own, PRODUCER_HEAD);
  const arena = <u64> load<u32>(base, META_ARENA_BYTES);
  let lap = load<u64>(own, PRODUCER_LAP);
  if (load<u64>(own, PRODUCER_NEXT) == load<u64>(own, PRODUCER_MINIMUM)) {
    if (head != 0) lap += arena;
    store<u64>(own, lap, PRODUCER_LAP);
    store<u64>(own, lap, PRODUCER_TAIL);
    store<u32>(own, 0, PRODUCER_HEAD);
    return;
  }
  const inFlight = lap + head - load<u64>(own, PRODUCER_TAIL);
  if (head < (arena >> 3) || inFlight > (head >> 2) || need > head - inFlight) return;
  store<u64>(own, lap + arena, PRODUCER_LAP);
  store<u32>(own, 0, PRODUCER_HEAD);
}

/** Whether a body of `need` bytes fits between head and tail as they are cached. */
function hasArena(base: usize, need: u64): bool {
  const own = base + RING_PRODUCER_OFFSET;
  const arena = <u64> load<u32>(base, META_ARENA_BYTES);
  const lap = load<u64>(own, PRODUCER_LAP);
  const head = <u64> load<u32>(own, PRODUCER_HEAD);
  const at = head + need <= arena ? lap + head : lap + arena;
  return at + need - load<u64>(own, PRODUCER_TAIL) <= arena;
}

/** Whether `count` slots and one body of `bytes` fit now; looks at the consumers if the cache says no. */
export function ringHasSpace(base: usize, count: u32, bytes: u32): bool {
  if (load<u32>(base, META_POLICY) == POLICY_LOSSY) return true;
  if (!hasSlots(base, count)) {
    lookAtConsumers(base);
    if (!hasSlots(base, count)) return false;
  }
  if (bytes == 0) return true;
  const need = aligned(bytes);
  const unchecked = load<u32>(base + RING_PRODUCER_OFFSET, PRODUCER_UNCHECKED_BYTES);
  if (unchecked >= <u32> ARENA_CHECK_BYTES || !hasArena(base, need)) lookAtConsumers(base);
  restartArena(base, need);
  return hasArena(base, need);
}

/** Tells lossy consumers what is about to be overwritten, before the first byte of it changes. */
function announce(base: usize, sequence: u64, position: u64): void {
  // Neither mark may go back, not even after a cancelled claim: its bytes were overwritten all the same.
  const slots = base + RING_ANNOUNCE_OFFSET;
  if (<i64> (sequence - load<u64>(slots)) > 0) atomic.store<u64>(slots, sequence);
  const arena = base + RING_ANNOUNCE_ARENA_OFFSET;
  if (<i64> (position - load<u64>(arena)) > 0) atomic.store<u64>(arena, position);
  // Plain stores that follow must not become visible first. A store-release alone does not hold them back; an
  // acquiring load behind it does. (`atomic.fence` of this compiler version does not pass its own validator.)
  atomic.load<u64>(arena);
}

function saveBeforeClaim(own: usize, next: u64): void {
  store<u64>(own, next, PRODUCER_SAVED_NEXT);
  store<u64>(own, load<u64>(own, PRODUCER_LAP), PRODUCER_SAVED_LAP);
  store<u32>(own, load<u32>(own, PRODUCER_HEAD), PRODUCER_SAVED_HEAD);
}

/**
 * Claims the next slot and `bytes` of arena. Several claims may be open; `ringCommit` publishes all of them.
 *
 * @returns Address of the slot; 0 when the ring is full; 1 when no arena of this ring could hold the body.
 */
export function ringClaim(base: usize, bytes: u32): usize {
  if (bytes > load<u32>(base, META_ARENA_BYTES)) return 1;
  if (!ringHasSpace(base, 1, bytes)) return 0;
  const own = base + RING_PRODUCER_OFFSET;
  const next = load<u64>(own, PRODUCER_NEXT);
  const lossy = load<u32>(base, META_POLICY) == POLICY_LOSSY;
  // A claim may open at most one lap of uncommitted slots: consumers count on it.
  if (lossy && next - load<u64>(base, RING_CURSOR_OFFSET) >= <u64> load<u32>(base, META_SLOTS)) return 0;
  saveBeforeClaim(own, next);
  let lap = load<u64>(own, PRODUCER_LAP);
  let head = load<u32>(own, PRODUCER_HEAD);
  const need = aligned(bytes);
  if (<u64> head + need > <u64> load<u32>(base, META_ARENA_BYTES)) {
    lap += <u64> load<u32>(base, META_ARENA_BYTES);
    head = 0;
    store<u64>(own, lap, PRODUCER_LAP);
  }
  const end = lap + <u64> head + need;
  if (lossy) announce(base, next + 1, end);
  const slot = slotAddress(base, next);
  store<u64>(slot, end, SLOT_ARENA_END);
  store<u32>(slot, load<u32>(base, META_ARENA_ADDRESS) + head, SLOT_BODY_ADDRESS);
  store<u32>(slot, bytes, SLOT_BODY_BYTES);
  store<u32>(own, head + <u32> need, PRODUCER_HEAD);
  store<u32>(own, load<u32>(own, PRODUCER_UNCHECKED_BYTES) + <u32> need, PRODUCER_UNCHECKED_BYTES);
  store<u64>(own, next + 1, PRODUCER_NEXT);
  return slot;
}

/**
 * Claims up to `count` slots without bodies, in a row.
 *
 * @returns How many were granted; the first one is slot `ringCursor` plus what was open before.
 */
export function ringReserve(base: usize, count: u32): u32 {
  const own = base + RING_PRODUCER_OFFSET;
  const slots = load<u32>(base, META_SLOTS);
  const next = load<u64>(own, PRODUCER_NEXT);
  const lossy = load<u32>(base, META_POLICY) == POLICY_LOSSY;
  let free: u32;
  if (lossy) {
    free = slots - <u32> (next - load<u64>(base, RING_CURSOR_OFFSET));
  } else {
    free = slots - <u32> (next - load<u64>(own, PRODUCER_MINIMUM));
    if (free < count) {
      lookAtConsumers(base);
      free = slots - <u32> (next - load<u64>(own, PRODUCER_MINIMUM));
    }
  }
  const granted = min<u32>(free, count);
  if (granted == 0) return 0;
  saveBeforeClaim(own, next);
  const position = load<u64>(own, PRODUCER_LAP) + <u64> load<u32>(own, PRODUCER_HEAD);
  if (lossy) announce(base, next + <u64> granted, position);
  for (let i: u32 = 0; i < granted; i++) {
    const slot = slotAddress(base, next + <u64> i);
    store<u64>(slot, position, SLOT_ARENA_END);
    store<u64>(slot, 0, SLOT_BODY_ADDRESS);
  }
  store<u64>(own, next + <u64> granted, PRODUCER_NEXT);
  return granted;
}

/** Publishes every open claim with one store, and wakes whoever is in deep sleep. */
export function ringCommit(base: usize): void {
  // The store and the load below are sequentially consistent: a consumer either sees the new cursor in its
  // last check before it sleeps, or its sleeper bit is seen here.
  atomic.store<u64>(base + RING_CURSOR_OFFSET, load<u64>(base + RING_PRODUCER_OFFSET, PRODUCER_NEXT));
  if (atomic.load<u32>(base + RING_SLEEPERS_OFFSET) != 0) wakeSleepers(base);
}

/** Gives the last claim back (a whole `ringReserve` counts as one). Once only, and only before the commit. */
export function ringCancel(base: usize): void {
  const own = base + RING_PRODUCER_OFFSET;
  if (load<u64>(own, PRODUCER_NEXT) == load<u64>(base, RING_CURSOR_OFFSET)) return;
  store<u64>(own, load<u64>(own, PRODUCER_SAVED_NEXT), PRODUCER_NEXT);
  // A lossy arena never goes back: consumers were told that those bytes are gone.
  if (load<u32>(base, META_POLICY) == POLICY_LOSSY) return;
  store<u64>(own, load<u64>(own, PRODUCER_SAVED_LAP), PRODUCER_LAP);
  store<u32>(own, load<u32>(own, PRODUCER_SAVED_HEAD), PRODUCER_HEAD);
}

/**
 * Publishes one event of scalars: kind, two u32 (scalars 0 and 1) and one f64 (f64 scalar 1).
 *
 * @returns Whether there was room.
 */
export function ringPublish(base: usize, kind: u32, first: u32, second: u32, value: f64): bool {
  const own = base + RING_PRODUCER_OFFSET;
  const next = load<u64>(own, PRODUCER_NEXT);
  const position = load<u64>(own, PRODUCER_LAP) + <u64> load<u32>(own, PRODUCER_HEAD);
  if (load<u32>(base, META_POLICY) == POLICY_LOSSY) {
    announce(base, next + 1, position);
  } else if (!hasSlots(base, 1)) {
    lookAtConsumers(base);
    if (!hasSlots(base, 1)) return false;
  }
  const slot = slotAddress(base, next);
  store<u64>(slot, position, SLOT_ARENA_END);
  store<u64>(slot, 0, SLOT_BODY_ADDRESS);
  store<u32>(slot, kind, SLOT_KIND);
  store<u32>(slot, first, SLOT_SCALARS);
  store<u32>(slot, second, SLOT_SCALARS + 4);
  store<f64>(slot, value, SLOT_SCALARS + 8);
  store<u64>(own, next + 1, PRODUCER_NEXT);
  ringCommit(base);
  return true;
}

/**
 * Publishes up to `count` records of 48 bytes (kind, pad, scalars) that lie at `from`, with one store.
 *
 * @returns How many were published.
 */
export function ringPublishBatch(base: usize, from: usize, count: u32): u32 {
  const next = load<u64>(base + RING_PRODUCER_OFFSET, PRODUCER_NEXT);
  const granted = ringReserve(base, count);
  for (let i: u32 = 0; i < granted; i++) {
    const slot = slotAddress(base, next + <u64> i);
    const record = from + <usize> (i * <u32> RECORD_BYTES);
    copy16(slot + SLOT_KIND, record);
    copy16(slot + SLOT_KIND + 16, record + 16);
    copy16(slot + SLOT_KIND + 32, record + 32);
  }
  if (granted != 0) ringCommit(base);
  return granted;
}

/** Counts one publish that found the ring full. */
export function ringNoteFull(base: usize): void {
  const own = base + RING_PRODUCER_OFFSET;
  store<u64>(own, load<u64>(own, PRODUCER_FULL_COUNT) + 1, PRODUCER_FULL_COUNT);
}

/**
 * Parks the calling thread until `count` slots and one body of `bytes` fit, at most `timeoutMicros`.
 * For Workers: it blocks their event loop.
 *
 * @returns Whether they fit now.
 */
export function ringWaitForSpace(base: usize, count: u32, bytes: u32, timeoutMicros: u32): bool {
  // First the word, then the flag: whoever takes the flag away changes the word.
  const seen = atomic.load<i32>(base + RING_SPACE_WAKE_OFFSET);
  atomic.store<u32>(base + RING_SPACE_OFFSET, 1);
  if (!ringHasSpace(base, count, bytes)) {
    atomic.wait<i32>(base + RING_SPACE_WAKE_OFFSET, seen, <i64> timeoutMicros * 1000);
  }
  atomic.store<u32>(base + RING_SPACE_OFFSET, 0);
  return ringHasSpace(base, count, bytes);
}

/** Ends the stream: consumers read what is left and then stop. */
export function ringClose(base: usize): void {
  atomic.store<u32>(base + RING_CLOSED_OFFSET, 1);
  for (let i: u32 = 0; i < <u32> RING_CONSUMERS_MAX; i++) wakeConsumer(base, i);
}
