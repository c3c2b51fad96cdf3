/**
 * SHA-256 of four messages at once: moving their words into lanes and out of them.
 *
 * Layer: wasm, SIMD build only. Source: spec/hot-path.md section 6. The words of four blocks lie in the lower half
 * of this thread's `lanes`: state (eight vectors), then words (sixteen).
 */

import { lanesScratch } from "./scratch";

/** Eight vectors: the chaining words of four messages. */
export function laneState(): usize {
  return lanesScratch();
}

/** Sixteen vectors: one block of four messages. */
export function laneWords(): usize {
  return lanesScratch() + 128;
}

/** Sets the four states to where SHA-256 begins. */
export function beginLanes(state: usize): void {
  v128.store(state, i32x4.splat(0x6a09e667), 0);
  v128.store(state, i32x4.splat(0xbb67ae85), 16);
  v128.store(state, i32x4.splat(0x3c6ef372), 32);
  v128.store(state, i32x4.splat(0xa54ff53a), 48);
  v128.store(state, i32x4.splat(0x510e527f), 64);
  v128.store(state, i32x4.splat(0x9b05688c), 80);
  v128.store(state, i32x4.splat(0x1f83d9ab), 96);
  v128.store(state, i32x4.splat(0x5be0cd19), 112);
}

/** Turns four rows of four words into four columns, `step` bytes apart. */
export function transpose(to: usize, step: isize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
  v128.store(to + step, i64x2.shuffle(low01, low23, 1, 3));
  v128.store(to + 2 * step, i64x2.shuffle(high01, high23, 0, 2));
  v128.store(to + 3 * step, i64x2.shuffle(high01, high23, 1, 3));
}

function swapWords(x: v128): v128 {
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** Four big-endian words of each message, to four vectors. */
export function gather16(to: usize, a: usize, b: usize, c: usize, d: usize): void {
  transpose(
    to,
    16,
    swapWords(v128.load(a)),
    swapWords(v128.load(b)),
    swapWords(v128.load(c)),
    swapWords(v128.load(d)),
  );
}

/** A block of each message, to sixteen vectors. */
export function gather64(to: usize, a: usize, b: usize, c: usize, d: usize): void {
  for (let i: usize = 0; i < 64; i += 16) gather16(to + (i << 2), a + i, b + i, c + i, d + i);
}

/** Eight vectors to four digests. */
export function scatterDigests(words: usize, a: usize, b: usize, c: usize, d: usize): void {
  const columns = laneWords();
  for (let i: usize = 0; i < 32; i += 16) {
    const from = words + (i << 2);
    transpose(
      columns,
      16,
      v128.load(from, 0),
      v128.load(from, 16),
      v128.load(from, 32),
      v128.load(from, 48),
    );
    v128.store(a + i, swapWords(v128.load(columns, 0)));
    v128.store(b + i, swapWords(v128.load(columns, 16)));
    v128.store(c + i, swapWords(v128.load(columns, 32)));
    v128.store(d + i, swapWords(v128.load(columns, 48)));
  }
}

/** Puts eight native words into one lane of eight vectors. */
export function setLane(vectors: usize, lane: u32, words: usize): void {
  const column = vectors + (lane << 2);
  for (let i: usize = 0; i < 8; i++) store<u32>(column + (i << 4), load<u32>(words + (i << 2)));
}

/** Takes eight native words out of one lane of eight vectors. */
export function getLane(words: usize, vectors: usize, lane: u32): void {
  const column = vectors + (lane << 2);
  for (let i: usize = 0; i < 8; i++) store<u32>(words + (i << 2), load<u32>(column + (i << 4)));
}
