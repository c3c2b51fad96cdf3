/**
 * The compressed coinbase of a proof: where it commits to the block, and its transaction hash.
 *
 * Layer: wasm. Source: spec/rootstock-consensus.md sections 2, 4.1 and 4.2 (steps 5 to 10). Bytes 0 to 7 count the
 * bytes already hashed, 8 to 39 are the chaining words, the rest is the tail.
 */

import {
  AUXPOW_COINBASE_TOO_SHORT,
  AUXPOW_COINBASE_TOO_SMALL,
  AUXPOW_FLAG_FORK_DATA,
  AUXPOW_FORK_DATA_MISSING,
  AUXPOW_NOT_LAST_TAG,
  AUXPOW_OUT_FORK_DATA,
  AUXPOW_ROW_COINBASE,
  AUXPOW_ROW_COINBASE_BYTES,
  AUXPOW_ROW_FLAGS,
  AUXPOW_ROW_HASH,
  AUXPOW_ROW_OUT,
  AUXPOW_TAG_NOT_FOUND,
  AUXPOW_TAG_TOO_FAR,
  AUXPOW_TOO_MANY_BYTES_AFTER,
  AUXPOW_VALID,
} from "../layout";
import { copy16 } from "./bytes";
import { paddedScratch } from "./scratch";
import { pad, resumeWords } from "./sha256";
import { gather16, gather64, getLane, laneState, laneWords, setLane } from "./sha256_lanes";
import { compress4, compressDigest, compressDigest4 } from "./unrolled_sha256";

const TAIL_OFFSET: u32 = 40;
const TAG_BYTES: u32 = 9;
/** Tag and hash for merged mining. */
const COMMITMENT_BYTES: u32 = 41;
/** Tag and the part of the hash that stays when fork-detection data follow. */
const PREFIX_BYTES: u32 = 29;
const FORK_DATA_BYTES: u32 = 12;
const TAG_POSITION_MAX: u32 = 63;
const BYTES_AFTER_MAX: u32 = 128;
const BYTES_TOTAL_ABOVE: i64 = 64;
/** "RSKBLOCK", the first eight bytes of the tag, and ":", the ninth. */
const TAG_WORD: u64 = 0x4b434f4c424b5352;
const TAG_END: u32 = 0x3a;

/** A tail that passed is shorter than four blocks with its padding. */
const LANE_BYTES: usize = 256;

/** Last tag that ends at or before `end` and begins at or after `start`; 0 if there is none. */
function lastTag(start: usize, end: usize): usize {
  if (end - start < TAG_BYTES) return 0;
  for (let at = end - TAG_BYTES; at >= start; at--) {
    if (load<u64>(at) == TAG_WORD && load<u8>(at, 8) == TAG_END) return at;
  }
  return 0;
}

/** Whether the `bytes` bytes (20 or 32) after the tag are the hash. */
function commits(tag: usize, end: usize, hash: usize, bytes: u32): bool {
  const at = tag + TAG_BYTES;
  if (end - at < bytes) return false;
  if (load<u64>(at) != load<u64>(hash) || load<u64>(at, 8) != load<u64>(hash, 8)) return false;
  if (bytes == 20) return load<u32>(at, 16) == load<u32>(hash, 16);
  return load<u64>(at, 16) == load<u64>(hash, 16) && load<u64>(at, 24) == load<u64>(hash, 24);
}

/** Last tag in the bytes from `start` to `end` that is followed by `bytes` bytes of the hash; 0 if there is none. */
function lastCommitment(start: usize, end: usize, hash: usize, bytes: u32): usize {
  let tag = lastTag(start, end);
  while (tag != 0 && !commits(tag, end, hash, bytes)) tag = lastTag(start, tag + TAG_BYTES - 1);
  return tag;
}

/** Steps 5 to 9; the fork-detection data go to the row's result. */
export function checkCoinbase(row: usize): u32 {
  const coinbase = <usize> load<u32>(row, AUXPOW_ROW_COINBASE);
  const bytes = load<u32>(row, AUXPOW_ROW_COINBASE_BYTES);
  const hash = <usize> load<u32>(row, AUXPOW_ROW_HASH);
  if (bytes < TAIL_OFFSET) return AUXPOW_COINBASE_TOO_SHORT;
  const tail = coinbase + TAIL_OFFSET;
  const end = coinbase + bytes;
  let tag: usize;
  if (load<u32>(row, AUXPOW_ROW_FLAGS) & AUXPOW_FLAG_FORK_DATA) {
    // The data are what follows the last commitment in all of the coinbase, its chaining words included.
    tag = lastCommitment(coinbase, end, hash, 20);
    if (tag == 0 || end - tag < PREFIX_BYTES + FORK_DATA_BYTES) return AUXPOW_FORK_DATA_MISSING;
    const data = <usize> load<u32>(row, AUXPOW_ROW_OUT) + AUXPOW_OUT_FORK_DATA;
    store<u64>(data, load<u64>(tag, PREFIX_BYTES));
    store<u32>(data, load<u32>(tag, PREFIX_BYTES + 8), 8);
    // It is the last of all, so none in the tail comes after one that begins before it.
    if (tag < tail) return AUXPOW_TAG_NOT_FOUND;
  } else {
    tag = lastCommitment(tail, end, hash, 32);
    if (tag == 0) return AUXPOW_TAG_NOT_FOUND;
  }
  if (tag - tail > TAG_POSITION_MAX) return AUXPOW_TAG_TOO_FAR;
  if (lastTag(tail, end) != tag) return AUXPOW_NOT_LAST_TAG;
  if (end - tag - COMMITMENT_BYTES > BYTES_AFTER_MAX) return AUXPOW_TOO_MANY_BYTES_AFTER;
  const total = <i64> (bswap<u64>(load<u64>(coinbase)) + <u64> (bytes - TAIL_OFFSET));
  return total > BYTES_TOTAL_ABOVE ? AUXPOW_VALID : AUXPOW_COINBASE_TOO_SMALL;
}

/** Step 10: hash of the coinbase transaction, eight native words, of a row that passed. */
export function hashCoinbase(row: usize, words: usize): void {
  const coinbase = <usize> load<u32>(row, AUXPOW_ROW_COINBASE);
  const bytes = load<u32>(row, AUXPOW_ROW_COINBASE_BYTES);
  const tail = coinbase + TAIL_OFFSET;
  resumeWords(coinbase + 8, bswap<u64>(load<u64>(coinbase)), tail, bytes - TAIL_OFFSET, words);
  compressDigest(words, words);
}

/** Copies a tail and pads it; how many blocks that gives. */
function padTail(coinbase: usize, bytes: u32, to: usize): u32 {
  const tail = coinbase + TAIL_OFFSET;
  const tailBytes = bytes - TAIL_OFFSET;
  const whole = tailBytes & ~63;
  for (let i: u32 = 0; i < whole; i += 16) copy16(to + i, tail + i);
  const total = bswap<u64>(load<u64>(coinbase)) + <u64> tailBytes;
  return (whole >> 6) + pad(to + whole, tail + whole, tailBytes - whole, total);
}

/** {@link hashCoinbase} of four rows at once: addresses of rows, and where in the window they are. SIMD build only. */
export function hashFourCoinbases(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  wordsA: usize,
  wordsB: usize,
  wordsC: usize,
  wordsD: usize,
): void {
  const first = <usize> load<u32>(a, AUXPOW_ROW_COINBASE);
  const second = <usize> load<u32>(b, AUXPOW_ROW_COINBASE);
  const third = <usize> load<u32>(c, AUXPOW_ROW_COINBASE);
  const fourth = <usize> load<u32>(d, AUXPOW_ROW_COINBASE);
  const padded = paddedScratch();
  const blocksA = padTail(first, load<u32>(a, AUXPOW_ROW_COINBASE_BYTES), padded);
  const blocksB = padTail(second, load<u32>(b, AUXPOW_ROW_COINBASE_BYTES), padded + LANE_BYTES);
  const blocksC = padTail(third, load<u32>(c, AUXPOW_ROW_COINBASE_BYTES), padded + 2 * LANE_BYTES);
  const blocksD = padTail(fourth, load<u32>(d, AUXPOW_ROW_COINBASE_BYTES), padded + 3 * LANE_BYTES);
  const most = max<u32>(max<u32>(blocksA, blocksB), max<u32>(blocksC, blocksD));
  const state = laneState();
  const words = laneWords();
  gather16(state, first + 8, second + 8, third + 8, fourth + 8);
  gather16(state + 64, first + 24, second + 24, third + 24, fourth + 24);
  for (let done: u32 = 1; done <= most; done++) {
    const block = padded + (<usize> (done - 1) << 6);
    gather64(words, block, block + LANE_BYTES, block + 2 * LANE_BYTES, block + 3 * LANE_BYTES);
    compress4(state, words);
    // A shorter message is done here; its lane goes on with whatever lies behind it.
    if (blocksA == done) getLane(wordsA, state, 0);
    if (blocksB == done) getLane(wordsB, state, 1);
    if (blocksC == done) getLane(wordsC, state, 2);
    if (blocksD == done) getLane(wordsD, state, 3);
  }
  setLane(words, 0, wordsA);
  setLane(words, 1, wordsB);
  setLane(words, 2, wordsC);
  setLane(words, 3, wordsD);
  compressDigest4(words, state);
  getLane(wordsA, state, 0);
  getLane(wordsB, state, 1);
  getLane(wordsC, state, 2);
  getLane(wordsD, state, 3);
}
