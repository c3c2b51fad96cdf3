/**
 * Merkle proofs as lists of siblings: one branch, or four branches of four proofs at once.
 *
 * Layer: wasm. Source: spec/rootstock-consensus.md section 4.3. The coinbase is leaf 0, so the running hash is the
 * left child at every level. Siblings are stored in display order: read as little-endian words from the end, they
 * are the words of the wire order. A branch is sequential; lanes belong to different proofs, and a lane whose branch
 * has ended takes the next proof.
 */

import {
  AUXPOW_INNER_NODE_IS_TRANSACTION,
  AUXPOW_MERKLE_ROOT_MISMATCH,
  AUXPOW_OUT_CODE,
  AUXPOW_ROW_BTC_HEADER,
  AUXPOW_ROW_OUT,
  AUXPOW_ROW_PROOF,
  AUXPOW_ROW_PROOF_BYTES,
  AUXPOW_VALID,
} from "../layout";
import { displayAt, jobsAt, nodeAt, pendingAt } from "./auxpow_scratch";
import { copy16 } from "./bytes";
import { combineWords } from "./sha256";
import { getLane, laneState, laneWords, setLane, transpose } from "./sha256_lanes";
import { compressDigest4, compressPadding64x4, compressWords4 } from "./unrolled_sha256";

const MERKLE_ROOT_OFFSET: usize = 36;
const SIBLING_BYTES: usize = 32;

const SEQUENCE_MAX: u32 = 0xffffffff;
const OUTPUT_INDEX_MAX: u32 = 1_000_000;
/** All bitcoin there can be, in satoshi. */
const VALUE_MAX: i64 = 2_100_000_000_000_000;

/** Whether eight native words are the Merkle root of a bitcoin header. */
export function isRoot(words: usize, btcHeader: usize): bool {
  const root = btcHeader + MERKLE_ROOT_OFFSET;
  let difference: u32 = 0;
  for (let i: usize = 0; i < 32; i += 4) difference |= load<u32>(words + i) ^ bswap<u32>(load<u32>(root + i));
  return difference == 0;
}

/**
 * Whether a node's children, in display order, could be a transaction of 64 bytes: then an inner node may pass for a
 * transaction, or the other way round.
 */
function isTransaction(words: usize, sibling: usize): bool {
  // Byte 4 of the display order is the lowest of word 6: the count of inputs, 1 in one of 256 nodes.
  if ((load<u32>(words, 24) & 0xff) != 1) return false;
  const x = displayAt();
  for (let i: usize = 0; i < 32; i += 4) {
    store<u32>(x + i, load<u32>(words + 28 - i));
    store<u32>(x + 32 + i, load<u32>(sibling + i));
  }
  const outputIndex = load<u32>(x, 37);
  if (outputIndex > OUTPUT_INDEX_MAX && outputIndex != SEQUENCE_MAX) return false;
  const inputScript = <i32> load<i8>(x, 41);
  if (inputScript < 0 || inputScript > 4) return false;
  const outputs = x + 46 + inputScript;
  if (load<u8>(outputs) != 1) return false;
  const value = load<i64>(outputs, 1);
  if (value < 1 || value > VALUE_MAX) return false;
  return inputScript + <i32> load<i8>(outputs, 9) == 4;
}

/** Goes from `words` up the siblings that are left, and says what came of it. */
function climbFrom(words: usize, sibling: usize, end: usize, btcHeader: usize): u32 {
  const node = nodeAt();
  copy16(node, words);
  copy16(node + 16, words + 16);
  for (; sibling < end; sibling += SIBLING_BYTES) {
    if (isTransaction(node, sibling)) return AUXPOW_INNER_NODE_IS_TRANSACTION;
    for (let i: usize = 0; i < 32; i += 4) store<u32>(node + 32 + i, load<u32>(sibling + 28 - i));
    combineWords(node, node);
  }
  return isRoot(node, btcHeader) ? AUXPOW_VALID : AUXPOW_MERKLE_ROOT_MISMATCH;
}

/** Step 11 for one proof, from the words of its coinbase hash. */
export function climb(row: usize, words: usize): u32 {
  const proof = <usize> load<u32>(row, AUXPOW_ROW_PROOF);
  const end = proof + load<u32>(row, AUXPOW_ROW_PROOF_BYTES);
  return climbFrom(words, proof, end, <usize> load<u32>(row, AUXPOW_ROW_BTC_HEADER));
}

// A lane's job: row (0 if the lane is idle), next sibling, end of the proof.

const JOB_ROW: usize = 0;
const JOB_SIBLING: usize = 4;
const JOB_END: usize = 8;

function jobOf(lane: u32): usize {
  return jobsAt() + (<usize> lane << 4);
}

function finish(row: usize, code: u32): void {
  store<u32>(<usize> load<u32>(row, AUXPOW_ROW_OUT), code, AUXPOW_OUT_CODE);
}

/** Ends the job of a lane if this is where it ends; `false` if there is a level to climb. */
function settle(lane: u32): bool {
  const job = jobOf(lane);
  const row = <usize> load<u32>(job, JOB_ROW);
  const sibling = <usize> load<u32>(job, JOB_SIBLING);
  const words = nodeAt();
  if (sibling == <usize> load<u32>(job, JOB_END)) {
    getLane(words, laneWords(), lane);
    const root = isRoot(words, <usize> load<u32>(row, AUXPOW_ROW_BTC_HEADER));
    finish(row, root ? AUXPOW_VALID : AUXPOW_MERKLE_ROOT_MISMATCH);
    return true;
  }
  if ((load<u32>(laneWords() + (<usize> lane << 2), 96) & 0xff) != 1) return false;
  getLane(words, laneWords(), lane);
  if (!isTransaction(words, sibling)) return false;
  finish(row, AUXPOW_INNER_NODE_IS_TRANSACTION);
  return true;
}

/** Gives a lane the proof of a row, with its coinbase hash as the running hash. */
function begin(lane: u32, row: usize, words: usize): void {
  const job = jobOf(lane);
  const proof = load<u32>(row, AUXPOW_ROW_PROOF);
  store<u32>(job, <u32> row, JOB_ROW);
  store<u32>(job, proof, JOB_SIBLING);
  store<u32>(job, proof + load<u32>(row, AUXPOW_ROW_PROOF_BYTES), JOB_END);
  setLane(laneWords(), lane, words);
}

/** The siblings of all lanes, to the second half of the words; an idle lane reads again what it read before. */
function loadSiblings(): void {
  const to = laneWords() + 128;
  const a = <usize> load<u32>(jobOf(0), JOB_SIBLING);
  const b = <usize> load<u32>(jobOf(1), JOB_SIBLING);
  const c = <usize> load<u32>(jobOf(2), JOB_SIBLING);
  const d = <usize> load<u32>(jobOf(3), JOB_SIBLING);
  // From the end: the last word of the display order is the first of the wire order.
  transpose(to + 48, -16, v128.load(a, 16), v128.load(b, 16), v128.load(c, 16), v128.load(d, 16));
  transpose(to + 112, -16, v128.load(a), v128.load(b), v128.load(c), v128.load(d));
}

/**
 * Step 11 for the pending rows of a window: pairs of row and words. The codes go to the rows' results. SIMD build
 * only.
 */
export function climbPending(count: u32): void {
  const pending = pendingAt();
  let next: u32 = 0;
  let active: u32 = 0;
  for (let lane: u32 = 0; lane < 4; lane++) {
    store<u32>(jobOf(lane), 0, JOB_ROW);
    store<u32>(jobOf(lane), <u32> nodeAt(), JOB_SIBLING);
  }
  for (;;) {
    for (let lane: u32 = 0; lane < 4; lane++) {
      const job = jobOf(lane);
      for (;;) {
        if (load<u32>(job, JOB_ROW) != 0) {
          if (!settle(lane)) break;
          store<u32>(job, 0, JOB_ROW);
          active--;
          // Idle until told otherwise: it must not read behind its proof.
          store<u32>(job, <u32> nodeAt(), JOB_SIBLING);
        }
        if (next == count) break;
        const entry = pending + (<usize> next << 3);
        begin(lane, <usize> load<u32>(entry), <usize> load<u32>(entry, 4));
        next++;
        active++;
      }
    }
    if (active <= 1) break;
    loadSiblings();
    compressWords4(laneWords(), laneState());
    compressPadding64x4(laneState());
    compressDigest4(laneState(), laneWords());
    for (let lane: u32 = 0; lane < 4; lane++) {
      const job = jobOf(lane);
      if (load<u32>(job, JOB_ROW) == 0) continue;
      store<u32>(job, load<u32>(job, JOB_SIBLING) + <u32> SIBLING_BYTES, JOB_SIBLING);
    }
  }
  if (active == 0) return;
  // The last one alone: one message is faster than four lanes of which three are idle.
  for (let lane: u32 = 0; lane < 4; lane++) {
    const job = jobOf(lane);
    const row = <usize> load<u32>(job, JOB_ROW);
    if (row == 0) continue;
    const words = displayAt();
    getLane(words, laneWords(), lane);
    const sibling = <usize> load<u32>(job, JOB_SIBLING);
    const end = <usize> load<u32>(job, JOB_END);
    finish(row, climbFrom(words, sibling, end, <usize> load<u32>(row, AUXPOW_ROW_BTC_HEADER)));
  }
}
