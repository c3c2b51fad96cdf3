/**
 * SHA-256 of one message, and the double hash of Bitcoin.
 *
 * Layer: wasm. Source: FIPS 180-4; spec/hot-path.md section 6. The compression functions are generated
 * (`wasm/generate/sha256.ts`). State and words are native u32 in this thread's scratch area; of `lanes`, four lanes
 * take the lower half and one message the upper.
 */

import { copyPadded } from "./bytes";
import { lanesScratch, paddedScratch } from "./scratch";
import {
  compress,
  compressDigest,
  compressPadding64,
  compressPadding80,
  compressWords,
} from "./unrolled_sha256";

const BLOCK_BYTES: u32 = 64;
/** Behind the message come one byte and the length. */
const LENGTH_OFFSET: u32 = 56;
/** Bytes into `lanes`: state of one message. */
const STATE_OFFSET: usize = 512;

function begin(state: usize): void {
  store<u32>(state, 0x6a09e667, 0);
  store<u32>(state, 0xbb67ae85, 4);
  store<u32>(state, 0x3c6ef372, 8);
  store<u32>(state, 0xa54ff53a, 12);
  store<u32>(state, 0x510e527f, 16);
  store<u32>(state, 0x9b05688c, 20);
  store<u32>(state, 0x1f83d9ab, 24);
  store<u32>(state, 0x5be0cd19, 28);
}

/**
 * Writes the last one or two blocks of a message: its end, the bit, zeros and the length.
 *
 * @param tail What is left of the message, fewer than 64 bytes.
 * @param totalBytes Length of the whole message; eight times it is taken modulo 2^64.
 * @returns How many blocks were written to `to`.
 */
export function pad(to: usize, tail: usize, tailBytes: u32, totalBytes: u64): u32 {
  const blocks: u32 = tailBytes < LENGTH_OFFSET ? 1 : 2;
  const end = to + blocks * BLOCK_BYTES;
  copyPadded(to, tail, tailBytes, blocks * BLOCK_BYTES);
  const last = to + (tailBytes & ~7);
  store<u64>(last, load<u64>(last) | (<u64> 0x80 << (<u64> (tailBytes & 7) << 3)));
  store<u64>(end - 8, bswap<u64>(totalBytes << 3));
  return blocks;
}

/** Goes through the rest of a message, of which `before` bytes are in the state already. */
function absorb(state: usize, address: usize, bytes: u32, before: u64): void {
  const whole = bytes & ~(BLOCK_BYTES - 1);
  const end = address + whole;
  for (let block = address; block < end; block += BLOCK_BYTES) compress(state, block);
  const padded = paddedScratch();
  const blocks = pad(padded, end, bytes - whole, before + <u64> bytes);
  compress(state, padded);
  if (blocks == 2) compress(state, padded + BLOCK_BYTES);
}

/** Reads eight big-endian words. */
export function readWords(words: usize, address: usize): void {
  for (let i: usize = 0; i < 32; i += 4) store<u32>(words + i, bswap<u32>(load<u32>(address + i)));
}

/** Writes eight words big-endian: a state becomes a digest. */
export function writeWords(out: usize, words: usize): void {
  for (let i: usize = 0; i < 32; i += 8) {
    store<u64>(out + i, bswap<u64>(rotr<u64>(load<u64>(words + i), 32)));
  }
}

/** SHA-256 of `bytes` bytes, 32 bytes to `out`, which may be where the message is. */
export function sha256(address: usize, bytes: u32, out: usize): void {
  const state = lanesScratch() + STATE_OFFSET;
  begin(state);
  absorb(state, address, bytes, 0);
  writeWords(out, state);
}

/** SHA-256 twice. 80 bytes (block headers) and 64 bytes (Merkle nodes) skip the schedule of their padding. */
export function sha256d(address: usize, bytes: u32, out: usize): void {
  const state = lanesScratch() + STATE_OFFSET;
  begin(state);
  if (bytes == 80) {
    compress(state, address);
    compressPadding80(state, address + BLOCK_BYTES);
  } else if (bytes == 64) {
    compress(state, address);
    compressPadding64(state);
  } else {
    absorb(state, address, bytes, 0);
  }
  compressDigest(state, state);
  writeWords(out, state);
}

/**
 * SHA-256 of a message of which the beginning was hashed elsewhere.
 *
 * The tail is taken in blocks from its first byte, whatever the count says, as Rootstock does with a compressed
 * coinbase (spec/rootstock-consensus.md section 4.2, step 10).
 *
 * @param midstate Eight big-endian chaining words.
 * @param countHigh Bytes already hashed: upper and lower half of a u64.
 * @param out 32 bytes.
 */
export function sha256Resume(
  midstate: usize,
  countHigh: u32,
  countLow: u32,
  tail: usize,
  tailBytes: u32,
  out: usize,
): void {
  const state = lanesScratch() + STATE_OFFSET;
  resumeWords(midstate, (<u64> countHigh << 32) | <u64> countLow, tail, tailBytes, state);
  writeWords(out, state);
}

/** {@link sha256Resume}, with native words as the result. */
export function resumeWords(midstate: usize, count: u64, tail: usize, tailBytes: u32, words: usize): void {
  readWords(words, midstate);
  absorb(words, tail, tailBytes, count);
}

/** Double hash of sixteen native words, a Merkle node's children, to eight; they may go where they came from. */
export function combineWords(words: usize, out: usize): void {
  const state = lanesScratch() + STATE_OFFSET;
  compressWords(words, state);
  compressPadding64(state);
  compressDigest(state, out);
}
