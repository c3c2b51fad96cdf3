/**
 * Rootstock headers as received, to block hash, merged-mining hash and the verdict on their proof of work.
 *
 * Layer: wasm. Source: spec/rootstock-consensus.md sections 1, 2 and 4. Rows and results are those of
 * `wasm/layout.ts`, `HEADER_*`. Encodings are those of header sync: version 0, and the compressed form of later ones.
 * Which slots and rules there are depends on the height; the flags say it.
 *
 * A preimage is a fresh list prefix and a slice of the payload. The slices of both hashes begin alike, so the payload
 * is copied once and its prefix written anew. Headers are hashed two at a time and their proofs checked in windows.
 */

import {
  AUXPOW_FLAG_FORK_DATA,
  AUXPOW_FLAG_RSKIP180,
  AUXPOW_FLAG_RSKIP92,
  AUXPOW_OUT_CODE,
  AUXPOW_ROW_BTC_HEADER,
  AUXPOW_ROW_BTC_HEADER_BYTES,
  AUXPOW_ROW_BYTES,
  AUXPOW_ROW_COINBASE,
  AUXPOW_ROW_COINBASE_BYTES,
  AUXPOW_ROW_DIFFICULTY,
  AUXPOW_ROW_DIFFICULTY_BYTES,
  AUXPOW_ROW_FLAGS,
  AUXPOW_ROW_HASH,
  AUXPOW_ROW_OUT,
  AUXPOW_ROW_PROOF,
  AUXPOW_ROW_PROOF_BYTES,
  HASH_ROW_ADDRESS,
  HASH_ROW_BYTES,
  HASH_ROW_LENGTH,
  HASH_ROW_OUT,
  HEADER_BYTES_MAX,
  HEADER_OUT_BTC_TIME,
  HEADER_OUT_BYTES,
  HEADER_OUT_DIFFICULTY,
  HEADER_OUT_FIELDS,
  HEADER_OUT_HASH,
  HEADER_OUT_MINING_HASH,
  HEADER_OUT_TIMESTAMP,
  HEADER_OUT_UNCLES,
  HEADER_ROW_ADDRESS,
  HEADER_ROW_BYTES,
  HEADER_ROW_FLAGS,
  HEADER_ROW_LENGTH,
  HEADER_ROW_OUT,
  HEADER_TOO_LARGE,
} from "../layout";
import { auxpowBatch } from "./auxpow";
import { WINDOW_ROWS } from "./auxpow_scratch";
import { copy16 } from "./bytes";
import { expectedDifficulty } from "./difficulty";
import { bareFields, readFields, slotAt, slotBytes, ummRoot } from "./header_fields";
import { keccak256, keccak256Batch } from "./keccak";
import { headersScratch } from "./scratch";

// Offsets into this thread's `headers` area: rows of the window's proofs, rows of a pair's hashes, a pair's
// expected difficulty or ummRoot preimage, the fields of one header, the preimages of two.

const HASH_ROWS_OFFSET: usize = 1536;
const TEMPORARY_OFFSET: usize = 1600;
const UMM_ROOTS_OFFSET: usize = 1664;
const TABLE_OFFSET: usize = 1792;
const PREIMAGES_OFFSET: usize = 2048;
/** Room for the longest header with a prefix before it. */
const PREIMAGE_BYTES: usize = 4224;
/** The payload is copied behind this, so that a prefix of any length fits. */
const PREFIX_ROOM: usize = 16;

const BTC_HEADER_BYTES: u32 = 80;
const BTC_TIME_OFFSET: usize = 68;
const UMM_ROOT_BYTES: usize = 20;
const AUXPOW_FLAGS: u32 = AUXPOW_FLAG_RSKIP92 | AUXPOW_FLAG_FORK_DATA | AUXPOW_FLAG_RSKIP180;

/** Writes the prefix of a list before its payload of 56 to 65,535 bytes, and says where it begins. */
function writeListPrefix(payload: usize, bytes: u32): usize {
  if (bytes < 256) {
    store<u8>(payload - 2, 0xf8);
    store<u8>(payload - 1, <u8> bytes);
    return payload - 2;
  }
  store<u8>(payload - 3, 0xf9);
  store<u8>(payload - 2, <u8> (bytes >> 8));
  store<u8>(payload - 1, <u8> bytes);
  return payload - 3;
}

function setHashRow(row: usize, address: usize, bytes: u32, out: usize): void {
  store<u32>(row, <u32> address, HASH_ROW_ADDRESS);
  store<u32>(row, bytes, HASH_ROW_LENGTH);
  store<u32>(row, <u32> out, HASH_ROW_OUT);
}

/** Row of the proof of work of a header; without mining slots the proof is missing. */
function setProofRow(row: usize, table: usize, mining: u32, header: usize, flags: u32, out: usize): void {
  const mined = mining < load<u32>(out, HEADER_OUT_FIELDS);
  store<u32>(row, flags & AUXPOW_FLAGS, AUXPOW_ROW_FLAGS);
  store<u32>(row, <u32> out + HEADER_OUT_MINING_HASH, AUXPOW_ROW_HASH);
  store<u32>(row, <u32> out + HEADER_OUT_DIFFICULTY, AUXPOW_ROW_DIFFICULTY);
  store<u32>(row, 32, AUXPOW_ROW_DIFFICULTY_BYTES);
  store<u32>(row, mined ? <u32> slotAt(table, mining, header) : 0, AUXPOW_ROW_BTC_HEADER);
  store<u32>(row, mined ? slotBytes(table, mining) : 0, AUXPOW_ROW_BTC_HEADER_BYTES);
  store<u32>(row, mined ? <u32> slotAt(table, mining + 1, header) : 0, AUXPOW_ROW_PROOF);
  store<u32>(row, mined ? slotBytes(table, mining + 1) : 0, AUXPOW_ROW_PROOF_BYTES);
  store<u32>(row, mined ? <u32> slotAt(table, mining + 2, header) : 0, AUXPOW_ROW_COINBASE);
  store<u32>(row, mined ? slotBytes(table, mining + 2) : 0, AUXPOW_ROW_COINBASE_BYTES);
  store<u32>(row, <u32> out, AUXPOW_ROW_OUT);
}

/**
 * Reads a header, copies what its hashes take and writes the rows for them.
 *
 * @param held 0 or 1: which of the pair's places it takes.
 * @returns 0, or a `HEADER_` code.
 */
function prepare(row: usize, held: u32, proofRow: usize): u32 {
  const header = <usize> load<u32>(row, HEADER_ROW_ADDRESS);
  const bytes = load<u32>(row, HEADER_ROW_LENGTH);
  const flags = load<u32>(row, HEADER_ROW_FLAGS);
  const out = <usize> load<u32>(row, HEADER_ROW_OUT);
  for (let at: usize = 0; at < <usize> HEADER_OUT_BYTES; at += 8) store<u64>(out + at, 0);
  if (bytes > <u32> HEADER_BYTES_MAX) return HEADER_TOO_LARGE;
  const scratch = headersScratch();
  const table = scratch + TABLE_OFFSET;
  const code = readFields(header, bytes, flags, table, out);
  if (code != 0) return code;
  const mining = bareFields(flags);
  const mined = mining < load<u32>(out, HEADER_OUT_FIELDS);
  if (mined && slotBytes(table, mining) == BTC_HEADER_BYTES) {
    store<u32>(out, load<u32>(slotAt(table, mining, header), BTC_TIME_OFFSET), HEADER_OUT_BTC_TIME);
  }
  setProofRow(proofRow, table, mining, header, flags, out);
  // The first slot has 32 bytes and so a prefix of one.
  const payload = slotAt(table, 0, header) - 1;
  const bareBytes = <u32> (slotAt(table, mining - 1, header) + slotBytes(table, mining - 1) - payload);
  const preimage = scratch + PREIMAGES_OFFSET + <usize> held * PREIMAGE_BYTES + PREFIX_ROOM;
  const bareRow = scratch + HASH_ROWS_OFFSET + <usize> held * HASH_ROW_BYTES;
  const blockRow = bareRow + 2 * HASH_ROW_BYTES;
  let copied = bareBytes;
  if (!mined || (flags & AUXPOW_FLAG_RSKIP92) == 0) {
    // All slots there are: the header itself is the preimage.
    setHashRow(blockRow, header, bytes, out + HEADER_OUT_HASH);
  } else {
    copied = <u32> (slotAt(table, mining, header) + slotBytes(table, mining) - payload);
    const prefix: u32 = copied < 256 ? 2 : 3;
    setHashRow(blockRow, preimage - prefix, copied + prefix, out + HEADER_OUT_HASH);
  }
  memory.copy(preimage, payload, copied);
  const start = writeListPrefix(preimage, bareBytes);
  setHashRow(bareRow, start, bareBytes + <u32> (preimage - start), out + HEADER_OUT_MINING_HASH);
  store<u32>(scratch + UMM_ROOTS_OFFSET + (<usize> held << 2), <u32> ummRoot(table, flags, header));
  return 0;
}

/** Hashes the headers that are held, one or two. */
function hashHeld(held: u32): void {
  const scratch = headersScratch();
  const bareRows = scratch + HASH_ROWS_OFFSET;
  const blockRows = bareRows + 2 * HASH_ROW_BYTES;
  keccak256Batch(bareRows, held);
  for (let i: u32 = 0; i < held; i++) {
    const bareRow = bareRows + <usize> i * HASH_ROW_BYTES;
    const blockRow = blockRows + <usize> i * HASH_ROW_BYTES;
    const preimage = scratch + PREIMAGES_OFFSET + <usize> i * PREIMAGE_BYTES + PREFIX_ROOM;
    const address = <usize> load<u32>(blockRow, HASH_ROW_ADDRESS);
    // Where the block hash is over the copy, that gets the prefix of the longer list.
    if (address < preimage && preimage - address <= 3) {
      writeListPrefix(preimage, load<u32>(blockRow, HASH_ROW_LENGTH) - <u32> (preimage - address));
    }
    const root = <usize> load<u32>(scratch + UMM_ROOTS_OFFSET + (<usize> i << 2));
    if (root != 0) {
      const hash = <usize> load<u32>(bareRow, HASH_ROW_OUT);
      const both = scratch + TEMPORARY_OFFSET;
      copy16(both, hash);
      store<u32>(both, load<u32>(hash, 16), 16);
      copy16(both + UMM_ROOT_BYTES, root);
      store<u32>(both + UMM_ROOT_BYTES, load<u32>(root, 16), 16);
      keccak256(both, 2 * <u32> UMM_ROOT_BYTES, hash);
    }
  }
  keccak256Batch(blockRows, held);
}

/**
 * Checks `count` headers and writes a result for each.
 *
 * @returns How many are valid.
 */
export function headerBatch(rows: usize, count: u32): u32 {
  const proofs = headersScratch();
  let valid: u32 = 0;
  for (let begin: u32 = 0; begin < count; begin += WINDOW_ROWS) {
    const size = min<u32>(WINDOW_ROWS, count - begin);
    let readable: u32 = 0;
    let held: u32 = 0;
    for (let i: u32 = 0; i < size; i++) {
      const row = rows + <usize> (begin + i) * HEADER_ROW_BYTES;
      const code = prepare(row, held, proofs + <usize> readable * AUXPOW_ROW_BYTES);
      if (code != 0) {
        store<u32>(<usize> load<u32>(row, HEADER_ROW_OUT), code, AUXPOW_OUT_CODE);
        continue;
      }
      readable++;
      held++;
      if (held < 2) continue;
      hashHeld(held);
      held = 0;
    }
    hashHeld(held);
    valid += auxpowBatch(proofs, readable);
  }
  return valid;
}

/**
 * Whether the difficulty of a header follows from its parent's; both as results of `headerBatch`.
 *
 * @param rules `DIFFICULTY_RULES_*`.
 * @returns 1 or 0.
 */
export function headerDifficulty(parent: usize, child: usize, rules: usize): u32 {
  const expected = headersScratch() + TEMPORARY_OFFSET;
  const seconds = load<i64>(child, HEADER_OUT_TIMESTAMP) - load<i64>(parent, HEADER_OUT_TIMESTAMP);
  const uncles = load<i32>(child, HEADER_OUT_UNCLES);
  if (!expectedDifficulty(parent + HEADER_OUT_DIFFICULTY, seconds, uncles, rules, expected)) return 0;
  let difference: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) {
    difference |= load<u64>(expected + i) ^ load<u64>(child + i, HEADER_OUT_DIFFICULTY);
  }
  return difference == 0 ? 1 : 0;
}
