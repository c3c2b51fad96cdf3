/**
 * BLAKE3: one-shot, batch and the node that every tree ends in.
 *
 * Layer: wasm. Source: the BLAKE3 paper, section 2; spec/hot-path.md section 4. Modes differ in `key` (address of 32
 * bytes) and `flags` only.
 */

import {
  BLAKE3_BLOCK_BYTES,
  BLAKE3_CHUNK_BYTES,
  BLAKE3_CHUNK_END,
  BLAKE3_CHUNK_START,
  BLAKE3_ROOT,
  DIGEST_BYTES,
  HASH_ROW_ADDRESS,
  HASH_ROW_BYTES,
  HASH_ROW_LENGTH,
  HASH_ROW_OUT,
} from "../layout";
import { copyPadded } from "./bytes";
import { blake3Finish, blake3Start, blake3Update } from "./blake3_stream";
import { chainingScratch, lanesScratch, paddedScratch, stateScratch } from "./scratch";
import { BLAKE3_IV, blake3FourLanes, blake3Rows, blake3Words } from "./unrolled_blake3";

/** Address of the key of the unkeyed mode. */
export function blake3UnkeyedKey(): usize {
  return BLAKE3_IV;
}

/** Compresses one block; `extended` also stores the second half of the 64-byte output. */
export function compress(
  chaining: usize,
  block: usize,
  counter: u64,
  bytes: u32,
  flags: u32,
  out: usize,
  extended: bool,
): void {
  if (ASC_FEATURE_SIMD) blake3Rows(chaining, block, counter, bytes, flags, out, extended);
  else blake3Words(chaining, block, counter, bytes, flags, out, extended);
}

/** Chaining value of one chunk of 1 to 1,024 bytes, or of an empty one; with `BLAKE3_ROOT` in `endFlags` a digest. */
export function hashChunk(
  address: usize,
  bytes: u32,
  counter: u64,
  key: usize,
  flags: u32,
  endFlags: u32,
  out: usize,
): void {
  let chaining = key;
  let blockFlags = flags | <u32> BLAKE3_CHUNK_START;
  while (bytes > <u32> BLAKE3_BLOCK_BYTES) {
    compress(chaining, address, counter, BLAKE3_BLOCK_BYTES, blockFlags, out, false);
    chaining = out;
    blockFlags = flags;
    address += BLAKE3_BLOCK_BYTES;
    bytes -= BLAKE3_BLOCK_BYTES;
  }
  if (bytes != <u32> BLAKE3_BLOCK_BYTES) {
    const padded = paddedScratch();
    copyPadded(padded, address, bytes, BLAKE3_BLOCK_BYTES);
    address = padded;
  }
  compress(chaining, address, counter, bytes, blockFlags | endFlags, out, false);
}

/** Digest of `bytes` bytes at `address`, 32 bytes to `out`. */
export function blake3Keyed(address: usize, bytes: u32, key: usize, flags: u32, out: usize): void {
  if (bytes <= <u32> BLAKE3_CHUNK_BYTES) {
    hashChunk(address, bytes, 0, key, flags, <u32> (BLAKE3_CHUNK_END | BLAKE3_ROOT), out);
    return;
  }
  const state = stateScratch();
  blake3Start(state, key, flags);
  blake3Update(state, address, bytes);
  blake3Finish(state, out, DIGEST_BYTES);
}

/** Digest of `bytes` bytes at `address` in the unkeyed mode, 32 bytes to `out`. */
export function blake3(address: usize, bytes: u32, out: usize): void {
  blake3Keyed(address, bytes, BLAKE3_IV, 0, out);
}

/** Four inputs of the same length, at most a chunk. */
function hashFour(row: usize, bytes: u32, key: usize, flags: u32): void {
  const copies = chainingScratch();
  const zero = i32x4.splat(0);
  const rest = bytes % <u32> BLAKE3_BLOCK_BYTES;
  const blocks = max<u32>(1, (bytes + <u32> BLAKE3_BLOCK_BYTES - 1) / <u32> BLAKE3_BLOCK_BYTES);
  let a = <usize> load<u32>(row, HASH_ROW_ADDRESS);
  let b = <usize> load<u32>(row, HASH_ROW_BYTES + HASH_ROW_ADDRESS);
  let c = <usize> load<u32>(row, 2 * HASH_ROW_BYTES + HASH_ROW_ADDRESS);
  let d = <usize> load<u32>(row, 3 * HASH_ROW_BYTES + HASH_ROW_ADDRESS);
  const whole = bytes != 0 && rest == 0;
  if (!whole) {
    const size = blocks * <u32> BLAKE3_BLOCK_BYTES;
    copyPadded(copies, a, bytes, size);
    copyPadded(copies + BLAKE3_CHUNK_BYTES, b, bytes, size);
    copyPadded(copies + 2 * BLAKE3_CHUNK_BYTES, c, bytes, size);
    copyPadded(copies + 3 * BLAKE3_CHUNK_BYTES, d, bytes, size);
    a = copies;
    b = copies + BLAKE3_CHUNK_BYTES;
    c = copies + 2 * BLAKE3_CHUNK_BYTES;
    d = copies + 3 * BLAKE3_CHUNK_BYTES;
  }
  blake3FourLanes(
    a,
    b,
    c,
    d,
    blocks,
    key,
    zero,
    zero,
    flags,
    BLAKE3_CHUNK_START,
    BLAKE3_CHUNK_END | BLAKE3_ROOT,
    whole ? <u32> BLAKE3_BLOCK_BYTES : rest,
    lanesScratch(),
    paddedScratch(),
  );
  const digests = paddedScratch();
  for (let i: usize = 0; i < 4; i++) {
    const out = <usize> load<u32>(row + i * HASH_ROW_BYTES, HASH_ROW_OUT);
    v128.store(out, v128.load(digests + i * DIGEST_BYTES));
    v128.store(out, v128.load(digests + i * DIGEST_BYTES, 16), 16);
  }
}

/** Whether four rows from `row` have inputs of `bytes` bytes. */
function areFourOf(row: usize, end: usize, bytes: u32): bool {
  return row + 4 * HASH_ROW_BYTES <= end &&
    load<u32>(row, HASH_ROW_BYTES + HASH_ROW_LENGTH) == bytes &&
    load<u32>(row, 2 * HASH_ROW_BYTES + HASH_ROW_LENGTH) == bytes &&
    load<u32>(row, 3 * HASH_ROW_BYTES + HASH_ROW_LENGTH) == bytes;
}

/**
 * Digests of `count` rows. Four neighbours of the same length, at most a chunk, are hashed at once, so a caller that
 * sorts by length gains.
 */
export function blake3Batch(rows: usize, count: u32, key: usize, flags: u32): void {
  const end = rows + <usize> (count * <u32> HASH_ROW_BYTES);
  let row = rows;
  while (row < end) {
    const bytes = load<u32>(row, HASH_ROW_LENGTH);
    if (ASC_FEATURE_SIMD) {
      if (bytes <= <u32> BLAKE3_CHUNK_BYTES && areFourOf(row, end, bytes)) {
        hashFour(row, bytes, key, flags);
        row += 4 * HASH_ROW_BYTES;
        continue;
      }
    }
    const out = <usize> load<u32>(row, HASH_ROW_OUT);
    blake3Keyed(<usize> load<u32>(row, HASH_ROW_ADDRESS), bytes, key, flags, out);
    row += HASH_ROW_BYTES;
  }
}
