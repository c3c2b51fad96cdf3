/**
 * Merged-mining proof of work: the whole check of a bitcoin header, its coinbase and its Merkle proof.
 *
 * Layer: wasm. Source: spec/rootstock-consensus.md section 4. Rows and results are those of `wasm/layout.ts`,
 * `AUXPOW_*`; the codes stand in the order in which the reference node checks.
 *
 * Proofs are checked in windows, stage by stage, so that the hashes of four of them share the lanes of a vector. A
 * proof that fails at a stage is in no later one. With and without SIMD the codes are the same.
 *
 * Not here: blocks signed instead of mined (section 4.5), which exist on mainnet below 729,000 only. Bitcoin headers
 * of more than 80 bytes, which RSKIP98 forbids, are refused before it as well: accepting them takes a parser for
 * bitcoin blocks. So RSKIP98 has no flag.
 */

import {
  AUXPOW_ABOVE_TARGET,
  AUXPOW_BTC_HEADER_MISSING,
  AUXPOW_BTC_HEADER_SIZE,
  AUXPOW_COINBASE_MISSING,
  AUXPOW_FLAG_RSKIP180,
  AUXPOW_FLAG_RSKIP92,
  AUXPOW_MERKLE_PROOF_FORMAT,
  AUXPOW_OUT_BYTES,
  AUXPOW_OUT_CODE,
  AUXPOW_OUT_POW_HASH,
  AUXPOW_ROW_BTC_HEADER,
  AUXPOW_ROW_BTC_HEADER_BYTES,
  AUXPOW_ROW_BYTES,
  AUXPOW_ROW_COINBASE_BYTES,
  AUXPOW_ROW_DIFFICULTY,
  AUXPOW_ROW_DIFFICULTY_BYTES,
  AUXPOW_ROW_FLAGS,
  AUXPOW_ROW_OUT,
  AUXPOW_ROW_PROOF,
  AUXPOW_ROW_PROOF_BYTES,
  AUXPOW_VALID,
  HASH_ROW_ADDRESS,
  HASH_ROW_BYTES,
  HASH_ROW_LENGTH,
  HASH_ROW_OUT,
} from "../layout";
import { checkCoinbase, hashCoinbase, hashFourCoinbases } from "./auxpow_coinbase";
import { climb, climbPending } from "./auxpow_merkle";
import { checkPartialTree, readPartialTree } from "./auxpow_partial_tree";
import { coinbaseWordsAt, hashRowsAt, pendingAt, WINDOW_ROWS } from "./auxpow_scratch";
import { meetsDifficulty } from "./difficulty";
import { sha256dBatch } from "./sha256_batch";

const BTC_HEADER_BYTES: u32 = 80;
/** 30 siblings: RSKIP180. */
const PROOF_BYTES_MAX: u32 = 960;

function outOf(row: usize): usize {
  return <usize> load<u32>(row, AUXPOW_ROW_OUT);
}

/** Steps 1 to 3. */
function checkShape(row: usize): u32 {
  const flags = load<u32>(row, AUXPOW_ROW_FLAGS);
  const proof = <usize> load<u32>(row, AUXPOW_ROW_PROOF);
  const proofBytes = load<u32>(row, AUXPOW_ROW_PROOF_BYTES);
  if (proof == 0) return AUXPOW_MERKLE_PROOF_FORMAT;
  if (flags & AUXPOW_FLAG_RSKIP92) {
    if ((proofBytes & 31) != 0) return AUXPOW_MERKLE_PROOF_FORMAT;
    if (flags & AUXPOW_FLAG_RSKIP180 && proofBytes > PROOF_BYTES_MAX) return AUXPOW_MERKLE_PROOF_FORMAT;
  } else if (!readPartialTree(proof, proofBytes)) {
    return AUXPOW_MERKLE_PROOF_FORMAT;
  }
  if (load<u32>(row, AUXPOW_ROW_COINBASE_BYTES) == 0) return AUXPOW_COINBASE_MISSING;
  const headerBytes = load<u32>(row, AUXPOW_ROW_BTC_HEADER_BYTES);
  if (headerBytes == 0) return AUXPOW_BTC_HEADER_MISSING;
  return headerBytes == BTC_HEADER_BYTES ? AUXPOW_VALID : AUXPOW_BTC_HEADER_SIZE;
}

/** Steps 4 to 9, once the bitcoin header is hashed. */
function checkContent(row: usize): u32 {
  const meets = meetsDifficulty(
    outOf(row) + AUXPOW_OUT_POW_HASH,
    <usize> load<u32>(row, AUXPOW_ROW_DIFFICULTY),
    load<u32>(row, AUXPOW_ROW_DIFFICULTY_BYTES),
  );
  return meets ? checkCoinbase(row) : AUXPOW_ABOVE_TARGET;
}

/** Steps 1 to 3 of each row; the bitcoin headers of those that pass are hashed. */
function hashHeaders(rows: usize, count: u32): void {
  let hashRow = hashRowsAt();
  let hashes: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = rows + <usize> i * AUXPOW_ROW_BYTES;
    const out = outOf(row);
    for (let at: usize = 0; at < <usize> AUXPOW_OUT_BYTES; at += 8) store<u64>(out + at, 0);
    const code = checkShape(row);
    store<u32>(out, code, AUXPOW_OUT_CODE);
    if (code != AUXPOW_VALID) continue;
    store<u32>(hashRow, load<u32>(row, AUXPOW_ROW_BTC_HEADER), HASH_ROW_ADDRESS);
    store<u32>(hashRow, BTC_HEADER_BYTES, HASH_ROW_LENGTH);
    store<u32>(hashRow, <u32> out + AUXPOW_OUT_POW_HASH, HASH_ROW_OUT);
    hashRow += HASH_ROW_BYTES;
    hashes++;
  }
  sha256dBatch(hashRowsAt(), hashes);
}

/** Steps 4 to 9 of each row; those that pass are listed with where the words of their coinbase hash will be. */
function listPending(rows: usize, count: u32): u32 {
  let pending: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = rows + <usize> i * AUXPOW_ROW_BYTES;
    const out = outOf(row);
    if (load<u32>(out, AUXPOW_OUT_CODE) != AUXPOW_VALID) continue;
    const code = checkContent(row);
    store<u32>(out, code, AUXPOW_OUT_CODE);
    if (code != AUXPOW_VALID) continue;
    const entry = pendingAt() + (<usize> pending << 3);
    store<u32>(entry, <u32> row);
    store<u32>(entry, <u32> coinbaseWordsAt(pending), 4);
    pending++;
  }
  return pending;
}

function pendingRow(index: u32): usize {
  return <usize> load<u32>(pendingAt() + (<usize> index << 3));
}

/** Step 10 of the pending rows. */
function hashCoinbases(count: u32): void {
  let i: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 4 <= count; i += 4) {
      hashFourCoinbases(
        pendingRow(i),
        pendingRow(i + 1),
        pendingRow(i + 2),
        pendingRow(i + 3),
        coinbaseWordsAt(i),
        coinbaseWordsAt(i + 1),
        coinbaseWordsAt(i + 2),
        coinbaseWordsAt(i + 3),
      );
    }
  }
  for (; i < count; i++) hashCoinbase(pendingRow(i), coinbaseWordsAt(i));
}

/** Step 11 of the pending rows: partial trees one by one, the rest in lanes. */
function checkProofs(count: u32): void {
  let branches: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = pendingRow(i);
    const words = coinbaseWordsAt(i);
    if ((load<u32>(row, AUXPOW_ROW_FLAGS) & AUXPOW_FLAG_RSKIP92) == 0) {
      store<u32>(outOf(row), checkPartialTree(row, words), AUXPOW_OUT_CODE);
    } else if (ASC_FEATURE_SIMD) {
      const entry = pendingAt() + (<usize> branches << 3);
      store<u32>(entry, <u32> row);
      store<u32>(entry, <u32> words, 4);
      branches++;
    } else {
      store<u32>(outOf(row), climb(row, words), AUXPOW_OUT_CODE);
    }
  }
  if (ASC_FEATURE_SIMD) climbPending(branches);
}

/**
 * Checks `count` rows and writes a result for each. Results may not lie where the input of another row is.
 *
 * @returns How many are valid.
 */
export function auxpowBatch(rows: usize, count: u32): u32 {
  let valid: u32 = 0;
  for (let begin: u32 = 0; begin < count; begin += WINDOW_ROWS) {
    const window = rows + <usize> begin * AUXPOW_ROW_BYTES;
    const size = min<u32>(WINDOW_ROWS, count - begin);
    hashHeaders(window, size);
    const pending = listPending(window, size);
    hashCoinbases(pending);
    checkProofs(pending);
    for (let i: u32 = 0; i < size; i++) {
      const out = outOf(window + <usize> i * AUXPOW_ROW_BYTES);
      if (load<u32>(out, AUXPOW_OUT_CODE) == AUXPOW_VALID) valid++;
    }
  }
  return valid;
}

/** Checks one row, writes its result and returns the code. */
export function auxpowVerify(row: usize): u32 {
  auxpowBatch(row, 1);
  return load<u32>(outOf(row), AUXPOW_OUT_CODE);
}
