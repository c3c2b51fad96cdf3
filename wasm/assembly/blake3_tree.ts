/**
 * BLAKE3 of whole subtrees that lie in memory: chunks and parents four at a time.
 *
 * Layer: wasm. Source: the BLAKE3 paper, sections 2.1 and 5.2; spec/hot-path.md section 4. Parents use the kernel of the
 * chunks: two neighbouring chaining values are one block.
 */

import {
  BLAKE3_BLOCK_BYTES,
  BLAKE3_CHUNK_BYTES,
  BLAKE3_CHUNK_END,
  BLAKE3_CHUNK_START,
  BLAKE3_PARENT,
  DIGEST_BYTES,
} from "../layout";
import { compress, hashChunk } from "./blake3";
import { lanesScratch } from "./scratch";
import { blake3FourLanes } from "./unrolled_blake3";

/** The numbers of four chunks in a row from `number`, one half of each. */
function counterLanes(number: u64, shift: u64): v128 {
  let lanes = i32x4.splat(<i32> (number >> shift));
  lanes = i32x4.replace_lane(lanes, 1, <i32> ((number + 1) >> shift));
  lanes = i32x4.replace_lane(lanes, 2, <i32> ((number + 2) >> shift));
  return i32x4.replace_lane(lanes, 3, <i32> ((number + 3) >> shift));
}

/** Chaining values of `chunks` chunks, a power of two from 2. Of two chunks the lanes three and four repeat them. */
function hashChunks(address: usize, chunks: u32, number: u64, key: usize, flags: u32, out: usize): void {
  if (ASC_FEATURE_SIMD) {
    const second = address + BLAKE3_CHUNK_BYTES;
    const apart: usize = chunks == 2 ? 0 : 2 * BLAKE3_CHUNK_BYTES;
    for (let done: u32 = 0; done < chunks; done += 4) {
      const at = <usize> (done * <u32> BLAKE3_CHUNK_BYTES);
      blake3FourLanes(
        address + at,
        second + at,
        address + at + apart,
        second + at + apart,
        BLAKE3_CHUNK_BYTES / BLAKE3_BLOCK_BYTES,
        key,
        counterLanes(number + <u64> done, 0),
        counterLanes(number + <u64> done, 32),
        flags,
        BLAKE3_CHUNK_START,
        BLAKE3_CHUNK_END,
        BLAKE3_BLOCK_BYTES,
        lanesScratch(),
        out + <usize> (done * <u32> DIGEST_BYTES),
      );
    }
  } else {
    for (let i: u32 = 0; i < chunks; i++) {
      const at = address + <usize> (i * <u32> BLAKE3_CHUNK_BYTES);
      const to = out + <usize> (i * <u32> DIGEST_BYTES);
      hashChunk(at, BLAKE3_CHUNK_BYTES, number + <u64> i, key, flags, BLAKE3_CHUNK_END, to);
    }
  }
}

/** Replaces `values` chaining values, a power of two from 4, by those of their parents. */
function hashParents(values: usize, count: u32, key: usize, flags: u32): void {
  const parents = count >> 1;
  if (ASC_FEATURE_SIMD) {
    const zero = i32x4.splat(0);
    const apart: usize = parents == 2 ? 0 : 2 * BLAKE3_BLOCK_BYTES;
    for (let done: u32 = 0; done < parents; done += 4) {
      const at = values + <usize> (done * <u32> BLAKE3_BLOCK_BYTES);
      blake3FourLanes(
        at,
        at + BLAKE3_BLOCK_BYTES,
        at + apart,
        at + BLAKE3_BLOCK_BYTES + apart,
        1,
        key,
        zero,
        zero,
        flags | <u32> BLAKE3_PARENT,
        0,
        0,
        BLAKE3_BLOCK_BYTES,
        lanesScratch(),
        values + <usize> (done * <u32> DIGEST_BYTES),
      );
    }
  } else {
    for (let i: u32 = 0; i < parents; i++) {
      const at = values + <usize> (i * <u32> BLAKE3_BLOCK_BYTES);
      const to = values + <usize> (i * <u32> DIGEST_BYTES);
      compress(key, at, 0, BLAKE3_BLOCK_BYTES, flags | <u32> BLAKE3_PARENT, to, false);
    }
  }
}

/**
 * Hashes `chunks` chunks, a power of two from 2 to 64, down to two chaining values, left and right, at `values`; the last
 * merge is left to the caller, as it may be the root.
 */
export function reduceSubtree(
  address: usize,
  chunks: u32,
  number: u64,
  key: usize,
  flags: u32,
  values: usize,
): void {
  hashChunks(address, chunks, number, key, flags, values);
  for (let count = chunks; count > 2; count >>= 1) hashParents(values, count, key, flags);
}
