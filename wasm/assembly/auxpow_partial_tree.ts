/**
 * Merkle proofs as partial Merkle trees (BIP37), used before RSKIP92.
 *
 * Layer: wasm. Source: spec/rootstock-consensus.md section 4.4: LE u32 transaction count; varint count of hashes;
 * hashes in wire order; varint count of flag bytes; flag bytes, the lowest bit first. Varints need not be minimal.
 */

import {
  AUXPOW_MERKLE_ROOT_MISMATCH,
  AUXPOW_ROW_BTC_HEADER,
  AUXPOW_ROW_PROOF,
  AUXPOW_ROW_PROOF_BYTES,
  AUXPOW_VALID,
} from "../layout";
import { treeAt } from "./auxpow_scratch";
import { isRoot } from "./auxpow_merkle";
import { combineWords, readWords } from "./sha256";

const TRANSACTIONS_MAX: u32 = 16_666;
/** Children of one node: sixteen native words. */
const NODE_BYTES: usize = 64;

// Where the walk is: behind the words of the fifteen heights.

const WALK_OFFSET: usize = 960;
const WALK_TRANSACTIONS: usize = 0;
/** Address of the next hash, and of the end of the hashes. */
const WALK_HASH: usize = 4;
const WALK_HASHES_END: usize = 8;
const WALK_FLAGS: usize = 12;
/** Flag bits there are, and used. */
const WALK_BITS: usize = 16;
const WALK_BIT: usize = 20;
/** Address of the eight words to be found among the leaves; and 1 once they were. */
const WALK_WANTED: usize = 24;
const WALK_FOUND: usize = 28;

function walk(): usize {
  return treeAt() + WALK_OFFSET;
}

/** Bytes that the varint at `at` takes, or 0 if it does not end before `end`. */
function varintBytes(at: usize, end: usize): usize {
  if (at >= end) return 0;
  const first = load<u8>(at);
  const bytes: usize = first < 253 ? 1 : first == 253 ? 3 : first == 254 ? 5 : 9;
  return end - at < bytes ? 0 : bytes;
}

function varint(at: usize): u64 {
  const first = <u64> load<u8>(at);
  if (first < 253) return first;
  if (first == 253) return <u64> load<u16>(at, 1);
  return first == 254 ? <u64> load<u32>(at, 1) : load<u64>(at, 1);
}

/** Finds the parts of a partial tree; `false` if it is not one from its first byte to its last. */
export function readPartialTree(proof: usize, bytes: u32): bool {
  const end = proof + bytes;
  if (bytes < 4) return false;
  const countAt = proof + 4;
  const countBytes = varintBytes(countAt, end);
  if (countBytes == 0) return false;
  const hashes = countAt + countBytes;
  const count = varint(countAt);
  // Divided, not multiplied: a count of 64 bits must not wrap.
  if (count > <u64> ((end - hashes) >> 5)) return false;
  const flagCountAt = hashes + (<usize> count << 5);
  const flagCountBytes = varintBytes(flagCountAt, end);
  if (flagCountBytes == 0) return false;
  const flags = flagCountAt + flagCountBytes;
  if (varint(flagCountAt) != <u64> (end - flags)) return false;
  const at = walk();
  store<u32>(at, load<u32>(proof), WALK_TRANSACTIONS);
  store<u32>(at, <u32> hashes, WALK_HASH);
  store<u32>(at, <u32> flagCountAt, WALK_HASHES_END);
  store<u32>(at, <u32> flags, WALK_FLAGS);
  store<u32>(at, <u32> (end - flags), WALK_BITS);
  return true;
}

/** Takes the next hash. */
function takeHash(at: usize, words: usize): bool {
  const hash = <usize> load<u32>(at, WALK_HASH);
  if (hash == <usize> load<u32>(at, WALK_HASHES_END)) return false;
  store<u32>(at, <u32> (hash + 32), WALK_HASH);
  readWords(words, hash);
  return true;
}

function same(x: usize, y: usize): bool {
  return load<u64>(x) == load<u64>(y) && load<u64>(x, 8) == load<u64>(y, 8) &&
    load<u64>(x, 16) == load<u64>(y, 16) && load<u64>(x, 24) == load<u64>(y, 24);
}

/** Hash of the node at a height and position, eight words; depth first, left before right. */
function hashNode(height: u32, position: u32, words: usize): bool {
  const at = walk();
  const bit = load<u32>(at, WALK_BIT);
  if (bit == load<u32>(at, WALK_BITS)) return false;
  store<u32>(at, bit + 1, WALK_BIT);
  const flag = (load<u8>(<usize> load<u32>(at, WALK_FLAGS) + (bit >> 3)) >> <u8> (bit & 7)) & 1;
  if (height == 0 || flag == 0) {
    if (!takeHash(at, words)) return false;
    if (flag != 0 && same(words, <usize> load<u32>(at, WALK_WANTED))) store<u32>(at, 1, WALK_FOUND);
    return true;
  }
  const below = height - 1;
  const left = treeAt() + <usize> below * NODE_BYTES;
  const right = left + 32;
  if (!hashNode(below, position << 1, left)) return false;
  const width = (load<u32>(at, WALK_TRANSACTIONS) + (1 << below) - 1) >> below;
  const next: u32 = (position << 1) + 1;
  if (next < width) {
    if (!hashNode(below, next, right)) return false;
    // Equal children would let one list of transactions pass for another.
    if (same(left, right)) return false;
  } else {
    for (let i: usize = 0; i < 32; i += 8) store<u64>(right + i, load<u64>(left + i));
  }
  combineWords(left, words);
  return true;
}

/** Step 11 for one proof whose format passed, from the words of its coinbase hash. */
export function checkPartialTree(row: usize, words: usize): u32 {
  readPartialTree(<usize> load<u32>(row, AUXPOW_ROW_PROOF), load<u32>(row, AUXPOW_ROW_PROOF_BYTES));
  const at = walk();
  const transactions = load<u32>(at, WALK_TRANSACTIONS);
  const hashes = (load<u32>(at, WALK_HASHES_END) - load<u32>(at, WALK_HASH)) >> 5;
  const flagBytes = load<u32>(at, WALK_BITS);
  if (transactions == 0 || transactions > TRANSACTIONS_MAX || hashes > transactions) {
    return AUXPOW_MERKLE_ROOT_MISMATCH;
  }
  // A tree has fewer than twice as many nodes as leaves: bits beyond that are never looked at.
  const bits = <u32> min<u64>(<u64> flagBytes << 3, 0xffffffff);
  if (bits < hashes) return AUXPOW_MERKLE_ROOT_MISMATCH;
  store<u32>(at, bits, WALK_BITS);
  store<u32>(at, 0, WALK_BIT);
  store<u32>(at, <u32> words, WALK_WANTED);
  store<u32>(at, 0, WALK_FOUND);
  let height: u32 = 0;
  while ((transactions + (1 << height) - 1) >> height > 1) height++;
  const root = walk() + 32;
  const whole = hashNode(height, 0, root) &&
    load<u32>(at, WALK_HASH) == load<u32>(at, WALK_HASHES_END) &&
    (load<u32>(at, WALK_BIT) + 7) >> 3 == flagBytes;
  if (!whole || load<u32>(at, WALK_FOUND) == 0) return AUXPOW_MERKLE_ROOT_MISMATCH;
  return isRoot(root, <usize> load<u32>(row, AUXPOW_ROW_BTC_HEADER))
    ? AUXPOW_VALID
    : AUXPOW_MERKLE_ROOT_MISMATCH;
}
