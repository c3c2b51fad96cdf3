/**
 * Double SHA-256 of many messages, four at a time where the machine can.
 *
 * Layer: wasm. Source: spec/hot-path.md section 6. Rows are those of `wasm/layout.ts`, `HASH_ROW_*`.
 */

import { HASH_ROW_ADDRESS, HASH_ROW_BYTES, HASH_ROW_LENGTH, HASH_ROW_OUT } from "../layout";
import { paddedScratch } from "./scratch";
import { pad, sha256d } from "./sha256";
import { beginLanes, gather16, gather64, laneState, laneWords, scatterDigests } from "./sha256_lanes";
import { compress4, compressDigest4, compressPadding64x4, compressPadding80x4 } from "./unrolled_sha256";

/** Bytes of the padded end of one message. */
const END_BYTES: usize = 128;

function addressOf(row: usize, lane: usize): usize {
  return load<u32>(row + lane * HASH_ROW_BYTES, HASH_ROW_ADDRESS);
}

function lengthOf(row: usize, lane: usize): u32 {
  return load<u32>(row + lane * HASH_ROW_BYTES, HASH_ROW_LENGTH);
}

function outOf(row: usize, lane: usize): usize {
  return load<u32>(row + lane * HASH_ROW_BYTES, HASH_ROW_OUT);
}

/** Blocks of a message with its padding: at least nine bytes follow it. */
function blocksOf(bytes: u32): u32 {
  return (bytes >> 6) + ((bytes & 63) < 56 ? 1 : 2);
}

/** Whether four rows have as many blocks each. */
function alike(row: usize): bool {
  const blocks = blocksOf(lengthOf(row, 0));
  return blocksOf(lengthOf(row, 1)) == blocks && blocksOf(lengthOf(row, 2)) == blocks &&
    blocksOf(lengthOf(row, 3)) == blocks;
}

function allAre(row: usize, bytes: u32): bool {
  return lengthOf(row, 0) == bytes && lengthOf(row, 1) == bytes && lengthOf(row, 2) == bytes &&
    lengthOf(row, 3) == bytes;
}

/** Writes the padded ends of four messages and says how many of the leading blocks all have whole. */
function padFour(row: usize, padded: usize): u32 {
  let whole = lengthOf(row, 0) >> 6;
  for (let lane: usize = 1; lane < 4; lane++) {
    const own = lengthOf(row, lane) >> 6;
    if (own < whole) whole = own;
  }
  for (let lane: usize = 0; lane < 4; lane++) {
    const bytes = lengthOf(row, lane);
    let to = padded + lane * END_BYTES;
    let tail = addressOf(row, lane) + (whole << 6);
    let left = bytes - (whole << 6);
    if (left >= 64) {
      // This one has a whole block more than another: its second block is the padding alone.
      memory.copy(to, tail, 64);
      to += 64;
      tail += 64;
      left -= 64;
    }
    pad(to, tail, left, bytes);
  }
  return whole;
}

/** Four messages of as many blocks each. */
function hashFour(row: usize): void {
  const a = addressOf(row, 0);
  const b = addressOf(row, 1);
  const c = addressOf(row, 2);
  const d = addressOf(row, 3);
  const state = laneState();
  const words = laneWords();
  beginLanes(state);
  if (allAre(row, 80)) {
    gather64(words, a, b, c, d);
    compress4(state, words);
    gather16(words, a + 64, b + 64, c + 64, d + 64);
    compressPadding80x4(state, words);
  } else if (allAre(row, 64)) {
    gather64(words, a, b, c, d);
    compress4(state, words);
    compressPadding64x4(state);
  } else {
    const padded = paddedScratch();
    const blocks = blocksOf(lengthOf(row, 0));
    const whole = padFour(row, padded);
    for (let i: u32 = 0; i < whole; i++) {
      const at = <usize> i << 6;
      gather64(words, a + at, b + at, c + at, d + at);
      compress4(state, words);
    }
    for (let i: u32 = whole; i < blocks; i++) {
      const at = padded + (<usize> (i - whole) << 6);
      gather64(words, at, at + END_BYTES, at + 2 * END_BYTES, at + 3 * END_BYTES);
      compress4(state, words);
    }
  }
  compressDigest4(state, state);
  scatterDigests(state, outOf(row, 0), outOf(row, 1), outOf(row, 2), outOf(row, 3));
}

/**
 * Double SHA-256 of each row. Neighbours with as many blocks go four at a time; 80 and 64 bytes are the fastest.
 *
 * No digest may lie where the input of another row is.
 */
export function sha256dBatch(rows: usize, count: u32): void {
  let row = rows;
  let left = count;
  while (left > 0) {
    if (ASC_FEATURE_SIMD) {
      if (left >= 4 && alike(row)) {
        hashFour(row);
        row += 4 * HASH_ROW_BYTES;
        left -= 4;
        continue;
      }
    }
    sha256d(addressOf(row, 0), lengthOf(row, 0), outOf(row, 0));
    row += HASH_ROW_BYTES;
    left -= 1;
  }
}
