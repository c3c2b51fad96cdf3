/**
 * Keccak-256 as Ethereum and Rootstock use it, and the sponge behind it.
 *
 * Layer: wasm. Source: FIPS 202 with the original padding (0x01 where SHA3 has 0x06); spec/hot-path.md section 5.
 * The last block is padded aside and absorbed by whole lanes: writing bytes into a state that is read back in
 * words stalls the load.
 */

import {
  HASH_ROW_ADDRESS,
  HASH_ROW_BYTES,
  HASH_ROW_LENGTH,
  HASH_ROW_OUT,
  KECCAK_BUFFER_OFFSET,
  KECCAK_BUFFERED,
  KECCAK_RATE_BYTES,
  KECCAK_STATE_BYTES,
} from "../layout";
import { copyPadded } from "./bytes";
import { paddedScratch, stateScratch } from "./scratch";
import { keccakPairRounds, keccakRounds } from "./unrolled_keccak";

/** First padding byte of Keccak; SHA3 has 0x06. */
const KECCAK_PADDING: u32 = 0x01;

const LANES_BYTES: u32 = 200;

/** By stores: for so few bytes they are faster than `memory.fill`, which is a call out of the module. */
function clear(at: usize, bytes: u32): void {
  for (const end = at + bytes; at < end; at += 8) store<u64>(at, 0);
}

/** Copies the last `bytes` (< 136) of a message to `to` and pads them to a block, with zeros up to `size`. */
function padBlock(to: usize, from: usize, bytes: u32, padding: u32, size: u32): void {
  copyPadded(to, from, bytes, size);
  const end = to + (bytes & ~7);
  store<u64>(end, load<u64>(end) | (<u64> padding << <u64> (8 * (bytes & 7))));
  const last = to + <usize> KECCAK_RATE_BYTES - 8;
  store<u64>(last, load<u64>(last) ^ (<u64> 0x80 << 56));
}

function squeeze(state: usize, out: usize, stride: usize): void {
  store<u64>(out, load<u64>(state));
  store<u64>(out, load<u64>(state + stride), 8);
  store<u64>(out, load<u64>(state + 2 * stride), 16);
  store<u64>(out, load<u64>(state + 3 * stride), 24);
}

/** Sponge with rate 136 and 32 bytes of output; `padding` is 0x01 for Keccak-256, 0x06 for SHA3-256. */
export function sponge256(address: usize, bytes: u32, out: usize, padding: u32): void {
  const state = stateScratch();
  if (bytes < <u32> KECCAK_RATE_BYTES) {
    // Its block is all there is in the state.
    padBlock(state, address, bytes, padding, LANES_BYTES);
    keccakRounds(state, 0, 1);
  } else {
    const padded = paddedScratch();
    const whole = bytes / <u32> KECCAK_RATE_BYTES;
    const done = whole * <u32> KECCAK_RATE_BYTES;
    padBlock(padded, address + done, bytes - done, padding, KECCAK_RATE_BYTES);
    clear(state, LANES_BYTES);
    keccakRounds(state, address, whole);
    keccakRounds(state, padded, 1);
  }
  squeeze(state, out, 8);
}

/** Digest of `bytes` bytes at `address`, 32 bytes to `out`. */
export function keccak256(address: usize, bytes: u32, out: usize): void {
  sponge256(address, bytes, out, KECCAK_PADDING);
}

/** Two messages of the same number of blocks at once. */
function keccakPair(first: usize, second: usize): void {
  const state = stateScratch();
  const padded = paddedScratch();
  clear(state, 2 * LANES_BYTES);
  const firstAt = <usize> load<u32>(first, HASH_ROW_ADDRESS);
  const firstBytes = load<u32>(first, HASH_ROW_LENGTH);
  const secondAt = <usize> load<u32>(second, HASH_ROW_ADDRESS);
  const secondBytes = load<u32>(second, HASH_ROW_LENGTH);
  const whole = firstBytes / <u32> KECCAK_RATE_BYTES;
  const done = whole * <u32> KECCAK_RATE_BYTES;
  padBlock(padded, firstAt + done, firstBytes - done, KECCAK_PADDING, KECCAK_RATE_BYTES);
  const other = padded + <usize> KECCAK_RATE_BYTES;
  padBlock(other, secondAt + done, secondBytes - done, KECCAK_PADDING, KECCAK_RATE_BYTES);
  if (whole != 0) keccakPairRounds(state, firstAt, secondAt, whole);
  keccakPairRounds(state, padded, other, 1);
  squeeze(state, <usize> load<u32>(first, HASH_ROW_OUT), 16);
  squeeze(state + 8, <usize> load<u32>(second, HASH_ROW_OUT), 16);
}

/**
 * Digests of `count` rows. Neighbours of the same number of blocks are hashed two at once, so a caller that sorts
 * by length gains.
 */
export function keccak256Batch(rows: usize, count: u32): void {
  let row = rows;
  const end = rows + <usize> (count * <u32> HASH_ROW_BYTES);
  while (row < end) {
    const next = row + HASH_ROW_BYTES;
    const bytes = load<u32>(row, HASH_ROW_LENGTH);
    if (ASC_FEATURE_SIMD) {
      const blocks = bytes / <u32> KECCAK_RATE_BYTES;
      if (next < end && load<u32>(next, HASH_ROW_LENGTH) / <u32> KECCAK_RATE_BYTES == blocks) {
        keccakPair(row, next);
        row = next + HASH_ROW_BYTES;
        continue;
      }
    }
    keccak256(<usize> load<u32>(row, HASH_ROW_ADDRESS), bytes, <usize> load<u32>(row, HASH_ROW_OUT));
    row = next;
  }
}

/** Starts a streaming hash: `KECCAK_STATE_BYTES` at `state`. */
export function keccak256Start(state: usize): void {
  clear(state, KECCAK_STATE_BYTES);
}

/** Adds bytes to a streaming hash. */
export function keccak256Update(state: usize, address: usize, bytes: u32): void {
  let buffered = load<u32>(state, KECCAK_BUFFERED);
  const buffer = state + KECCAK_BUFFER_OFFSET;
  if (buffered != 0) {
    const room = <u32> KECCAK_RATE_BYTES - buffered;
    const taken = min<u32>(room, bytes);
    memory.copy(buffer + buffered, address, taken);
    buffered += taken;
    address += taken;
    bytes -= taken;
    if (buffered == <u32> KECCAK_RATE_BYTES) {
      keccakRounds(state, buffer, 1);
      buffered = 0;
    }
  }
  const whole = bytes / <u32> KECCAK_RATE_BYTES;
  if (whole != 0) {
    keccakRounds(state, address, whole);
    address += whole * <u32> KECCAK_RATE_BYTES;
    bytes -= whole * <u32> KECCAK_RATE_BYTES;
  }
  if (bytes != 0) {
    memory.copy(buffer + buffered, address, bytes);
    buffered += bytes;
  }
  store<u32>(state, buffered, KECCAK_BUFFERED);
}

/** Ends a streaming hash, 32 bytes to `out`; the state is spent. */
export function keccak256Finish(state: usize, out: usize): void {
  const padded = paddedScratch();
  padBlock(
    padded,
    state + KECCAK_BUFFER_OFFSET,
    load<u32>(state, KECCAK_BUFFERED),
    KECCAK_PADDING,
    KECCAK_RATE_BYTES,
  );
  keccakRounds(state, padded, 1);
  squeeze(state, out, 8);
}
