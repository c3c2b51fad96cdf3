/**
 * BLAKE3 over input that comes in pieces, or is one subtree of a larger input.
 *
 * Layer: wasm. Source: the BLAKE3 paper, sections 2.1 and 5.1.2. Chaining values of complete subtrees wait on a stack;
 * two of the same height are merged only when more input follows, because the last merge is the root.
 */

import {
  BLAKE3_BASE,
  BLAKE3_BLOCK_BYTES,
  BLAKE3_BUFFER_OFFSET,
  BLAKE3_BUFFERED,
  BLAKE3_CHUNK_BYTES,
  BLAKE3_CHUNK_END,
  BLAKE3_CHUNK_START,
  BLAKE3_CHUNKS,
  BLAKE3_FLAGS,
  BLAKE3_KEY_OFFSET,
  BLAKE3_PARENT,
  BLAKE3_ROOT,
  BLAKE3_STACK_LENGTH,
  BLAKE3_STACK_OFFSET,
  BLAKE3_SUBTREE_BYTES,
  DIGEST_BYTES,
} from "../layout";
import { compress, hashChunk } from "./blake3";
import { reduceSubtree } from "./blake3_tree";
import { copy16, copyPadded } from "./bytes";
import { chainingScratch, paddedScratch } from "./scratch";

/** Starts a hash: `BLAKE3_STATE_BYTES` at `state`, `key` the address of 32 bytes. */
export function blake3Start(state: usize, key: usize, flags: u32): void {
  blake3StartSubtree(state, key, flags, 0, 0);
}

/** Starts the hash of a subtree whose first chunk has the number given by its halves. */
export function blake3StartSubtree(state: usize, key: usize, flags: u32, low: u32, high: u32): void {
  copy16(state + BLAKE3_KEY_OFFSET, key);
  copy16(state + BLAKE3_KEY_OFFSET + 16, key + 16);
  store<u64>(state, (<u64> high << 32) | <u64> low, BLAKE3_BASE);
  store<u64>(state, 0, BLAKE3_CHUNKS);
  store<u32>(state, flags, BLAKE3_FLAGS);
  store<u32>(state, 0, BLAKE3_BUFFERED);
  store<u32>(state, 0, BLAKE3_STACK_LENGTH);
}

/** Merges the two topmost chaining values of the stack. */
function mergeTop(state: usize): void {
  const length = load<u32>(state, BLAKE3_STACK_LENGTH) - 1;
  const left = state + BLAKE3_STACK_OFFSET + (length - 1) * DIGEST_BYTES;
  const flags = load<u32>(state, BLAKE3_FLAGS) | <u32> BLAKE3_PARENT;
  compress(state + BLAKE3_KEY_OFFSET, left, 0, BLAKE3_BLOCK_BYTES, flags, left, false);
  store<u32>(state, length, BLAKE3_STACK_LENGTH);
}

/**
 * Merges what is complete: as many subtrees remain as bits are set in their chunk count. Only when more input is known
 * to follow.
 */
function mergeComplete(state: usize): void {
  const subtrees = <u32> popcnt<u64>(load<u64>(state, BLAKE3_CHUNKS));
  while (load<u32>(state, BLAKE3_STACK_LENGTH) > subtrees) mergeTop(state);
}

/** Adds the chaining value of the next `chunks` chunks (a power of two that divides how many came before). */
function push(state: usize, value: usize, chunks: u64): void {
  mergeComplete(state);
  const before = load<u64>(state, BLAKE3_CHUNKS);
  const length = load<u32>(state, BLAKE3_STACK_LENGTH);
  const top = state + BLAKE3_STACK_OFFSET + length * DIGEST_BYTES;
  copy16(top, value);
  copy16(top + 16, value + 16);
  store<u32>(state, length + 1, BLAKE3_STACK_LENGTH);
  store<u64>(state, before + chunks, BLAKE3_CHUNKS);
}

/** Adds the chaining values of `count` subtrees of `chunks` chunks each, hashed elsewhere. */
export function blake3PushSubtrees(state: usize, values: usize, count: u32, chunks: u32): void {
  for (let i: u32 = 0; i < count; i++) push(state, values + <usize> (i * <u32> DIGEST_BYTES), <u64> chunks);
}

/** Bytes of the next subtree that can be hashed whole: a power of two that keeps the tree's left side full. */
function subtreeBytes(bytes: u32, chunksBefore: u64): u32 {
  const limit = min<u32>(bytes, BLAKE3_SUBTREE_BYTES);
  let subtree: u32 = 1 << (31 - <u32> clz<u32>(limit));
  while (((<u64> subtree - 1) & (chunksBefore * BLAKE3_CHUNK_BYTES)) != 0) subtree >>= 1;
  return subtree;
}

/** Adds bytes. */
export function blake3Update(state: usize, address: usize, bytes: u32): void {
  const buffer = state + BLAKE3_BUFFER_OFFSET;
  const key = state + BLAKE3_KEY_OFFSET;
  const flags = load<u32>(state, BLAKE3_FLAGS);
  const values = chainingScratch();
  let buffered = load<u32>(state, BLAKE3_BUFFERED);
  if (buffered != 0) {
    const taken = min<u32>(<u32> BLAKE3_CHUNK_BYTES - buffered, bytes);
    memory.copy(buffer + buffered, address, taken);
    buffered += taken;
    address += taken;
    bytes -= taken;
    if (bytes == 0) {
      store<u32>(state, buffered, BLAKE3_BUFFERED);
      return;
    }
    const number = load<u64>(state, BLAKE3_BASE) + load<u64>(state, BLAKE3_CHUNKS);
    hashChunk(buffer, BLAKE3_CHUNK_BYTES, number, key, flags, BLAKE3_CHUNK_END, values);
    push(state, values, 1);
  }
  // The last chunk stays in the buffer: only the end tells whether it is the root.
  while (bytes > <u32> BLAKE3_CHUNK_BYTES) {
    const chunksBefore = load<u64>(state, BLAKE3_CHUNKS);
    const number = load<u64>(state, BLAKE3_BASE) + chunksBefore;
    const subtree = subtreeBytes(bytes, chunksBefore);
    const chunks = subtree / <u32> BLAKE3_CHUNK_BYTES;
    if (chunks == 1) {
      hashChunk(address, BLAKE3_CHUNK_BYTES, number, key, flags, BLAKE3_CHUNK_END, values);
      push(state, values, 1);
    } else {
      reduceSubtree(address, chunks, number, key, flags, values);
      push(state, values, <u64> (chunks >> 1));
      push(state, values + DIGEST_BYTES, <u64> (chunks >> 1));
    }
    address += subtree;
    bytes -= subtree;
  }
  if (bytes != 0) mergeComplete(state);
  memory.copy(buffer, address, bytes);
  store<u32>(state, bytes, BLAKE3_BUFFERED);
}

/**
 * Compresses everything into the one node that is left and stores its output: with `BLAKE3_ROOT` as many bytes as are
 * asked for, without it the chaining value of a subtree.
 */
function finish(state: usize, out: usize, bytes: u32, root: u32): void {
  const key = state + BLAKE3_KEY_OFFSET;
  const flags = load<u32>(state, BLAKE3_FLAGS);
  const buffered = load<u32>(state, BLAKE3_BUFFERED);
  let left = load<u32>(state, BLAKE3_STACK_LENGTH);
  // The node: its chaining value, its block, what the block holds and its flags.
  const node = paddedScratch() + BLAKE3_BLOCK_BYTES;
  let chaining = key;
  let block = node;
  let number: u64 = 0;
  let blockBytes: u32 = BLAKE3_BLOCK_BYTES;
  let nodeFlags: u32 = flags | <u32> BLAKE3_PARENT;
  if (left == 0 || buffered != 0) {
    // A chunk: all blocks but its last are compressed now.
    number = load<u64>(state, BLAKE3_BASE) + load<u64>(state, BLAKE3_CHUNKS);
    block = lastBlock(state, number, node + BLAKE3_BLOCK_BYTES);
    chaining = buffered > <u32> BLAKE3_BLOCK_BYTES ? node + BLAKE3_BLOCK_BYTES : key;
    blockBytes = buffered == 0 ? 0 : (buffered - 1) % <u32> BLAKE3_BLOCK_BYTES + 1;
    nodeFlags = flags | chunkFlags(buffered);
  } else {
    left -= 2;
    block = state + BLAKE3_STACK_OFFSET + left * DIGEST_BYTES;
  }
  while (left != 0) {
    left--;
    const value = state + BLAKE3_STACK_OFFSET + left * DIGEST_BYTES;
    compress(chaining, block, number, blockBytes, nodeFlags, node + DIGEST_BYTES, false);
    copy16(node, value);
    copy16(node + 16, value + 16);
    chaining = key;
    block = node;
    number = 0;
    blockBytes = BLAKE3_BLOCK_BYTES;
    nodeFlags = flags | <u32> BLAKE3_PARENT;
  }
  output(chaining, block, root != 0 ? 0 : number, blockBytes, nodeFlags | root, out, bytes);
}

/** Flags of the last block of a chunk of `bytes` bytes. */
function chunkFlags(bytes: u32): u32 {
  return <u32> BLAKE3_CHUNK_END | (bytes <= <u32> BLAKE3_BLOCK_BYTES ? BLAKE3_CHUNK_START : 0);
}

/** Compresses all blocks of the buffer but the last, into `chaining`, and gives the address of that one, padded. */
function lastBlock(state: usize, number: u64, chaining: usize): usize {
  const padded = paddedScratch();
  let address = state + BLAKE3_BUFFER_OFFSET;
  let bytes = load<u32>(state, BLAKE3_BUFFERED);
  let flags = load<u32>(state, BLAKE3_FLAGS) | <u32> BLAKE3_CHUNK_START;
  let from = state + BLAKE3_KEY_OFFSET;
  while (bytes > <u32> BLAKE3_BLOCK_BYTES) {
    compress(from, address, number, BLAKE3_BLOCK_BYTES, flags, chaining, false);
    from = chaining;
    flags = load<u32>(state, BLAKE3_FLAGS);
    address += BLAKE3_BLOCK_BYTES;
    bytes -= BLAKE3_BLOCK_BYTES;
  }
  copyPadded(padded, address, bytes, BLAKE3_BLOCK_BYTES);
  return padded;
}

/** Stores `bytes` bytes of the output of a node; block `i` of them is compressed with the counter `i`. */
function output(
  chaining: usize,
  block: usize,
  number: u64,
  blockBytes: u32,
  flags: u32,
  out: usize,
  bytes: u32,
): void {
  if (bytes == <u32> DIGEST_BYTES) {
    compress(chaining, block, number, blockBytes, flags, out, false);
    return;
  }
  const wide = paddedScratch() + 4 * BLAKE3_BLOCK_BYTES;
  for (let i: u64 = 0; bytes != 0; i++) {
    compress(chaining, block, i, blockBytes, flags, wide, true);
    const taken = min<u32>(bytes, BLAKE3_BLOCK_BYTES);
    memory.copy(out, wide, taken);
    out += taken;
    bytes -= taken;
  }
}

/** Ends a hash and stores `bytes` bytes of output, 32 for the usual digest. More input may follow nevertheless. */
export function blake3Finish(state: usize, out: usize, bytes: u32): void {
  finish(state, out, bytes, BLAKE3_ROOT);
}

/** Ends the hash of a subtree: its chaining value, 32 bytes, to `out`. */
export function blake3FinishSubtree(state: usize, out: usize): void {
  finish(state, out, DIGEST_BYTES, 0);
}
