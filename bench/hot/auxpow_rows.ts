/**
 * Merged mining: one proof, many, and whole headers. No npm package checks them, so there is no peer.
 *
 * Proofs are of the least difficulty: finding harder ones would take long, and checking them takes the same.
 *
 * @module
 */

import {
  AUXPOW_OUT_BYTES,
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
  DIFFICULTY_RULES_BYTES,
  HEADER_OUT_BYTES,
  HEADER_ROW_ADDRESS,
  HEADER_ROW_BYTES,
  HEADER_ROW_FLAGS,
  HEADER_ROW_LENGTH,
  HEADER_ROW_OUT,
} from "../../wasm/layout.ts";
import { makeProof } from "../../src/hot/_auxpow_proof.ts";
import { makeHeader, RULES } from "../../src/hot/_header_reference.ts";
import { auxPowFlags } from "../../src/hot/auxpow.ts";
import { checkHeaders, headerFlags, writeDifficultyRules } from "../../src/hot/header.ts";
import { HotMemory } from "../../src/hot/memory.ts";
import { BATCH } from "./_batch.ts";
import { type Family, inProcess, repeat, type Row, value } from "./_rows.ts";

/** Of the block of some thousand transactions that a coinbase stands in. */
const DEPTH = 12;

/** A memory in which inputs are laid out one after the other. */
async function openMemory() {
  const memory = await HotMemory.create({ bytes: 2 << 20 });
  void memory.scratch;
  return {
    memory,
    put(bytes: Uint8Array): number {
      const address = memory.allocate(bytes.length, "input");
      memory.u8.set(bytes, address);
      return address;
    },
    set: (address: number, word: number) => void (memory.u32[address >>> 2] = word),
  };
}

/** Rows of proofs in a memory. */
async function openProofs(depth: number, count: number) {
  const { memory, put, set } = await openMemory();
  const rows = memory.allocate(count * AUXPOW_ROW_BYTES, "rows");
  for (let i = 0; i < count; i++) {
    const proof = makeProof({ depth, forkData: true });
    const row = rows + i * AUXPOW_ROW_BYTES;
    set(row + AUXPOW_ROW_FLAGS, auxPowFlags(proof.rules));
    set(row + AUXPOW_ROW_HASH, put(proof.hash));
    set(row + AUXPOW_ROW_DIFFICULTY, put(proof.difficulty));
    set(row + AUXPOW_ROW_DIFFICULTY_BYTES, proof.difficulty.length);
    set(row + AUXPOW_ROW_BTC_HEADER, put(proof.btcHeader));
    set(row + AUXPOW_ROW_BTC_HEADER_BYTES, proof.btcHeader.length);
    set(row + AUXPOW_ROW_PROOF, put(proof.merkleProof!));
    set(row + AUXPOW_ROW_PROOF_BYTES, proof.merkleProof!.length);
    set(row + AUXPOW_ROW_COINBASE, put(proof.coinbase));
    set(row + AUXPOW_ROW_COINBASE_BYTES, proof.coinbase.length);
    set(row + AUXPOW_ROW_OUT, memory.allocate(AUXPOW_OUT_BYTES, "result"));
  }
  const { kernels } = memory;
  if (kernels.auxpowBatch(rows, count) !== count) throw new Error("A proof does not pass");
  return { kernels, rows };
}

/** One proof alone. */
async function proofRow(depth: number): Promise<Row> {
  const { kernels, rows } = await openProofs(depth, 1);
  return {
    name: `AuxPoW of one header, Merkle depth ${depth}`,
    unit: "ns",
    work: 1,
    asks: [value(1_500 + 600 * depth, "ns")],
    contenders: [inProcess("in place", "cairn", (iterations) => {
      for (let i = 0; i < iterations; i++) kernels.auxpowVerify(rows);
    })],
  };
}

async function proofBatchRow(): Promise<Row> {
  const { kernels, rows } = await openProofs(DEPTH, BATCH);
  return {
    name: `AuxPoW in batches of ${BATCH}, Merkle depth ${DEPTH}`,
    unit: "ns",
    work: BATCH,
    asks: [],
    contenders: [inProcess("batch in place", "cairn", (iterations) => {
      for (let i = 0; i < iterations; i++) kernels.auxpowBatch(rows, BATCH);
    })],
  };
}

/** Headers from their bytes: form, both hashes, proof of work, and whether the difficulty follows. */
async function headerRow(): Promise<Row> {
  const { memory, put, set } = await openMemory();
  const { kernels } = memory;
  const headers = Array.from({ length: BATCH }, () => ({
    bytes: makeHeader(RULES, { depth: DEPTH }).bytes,
    rules: RULES,
  }));
  const rows = memory.allocate(BATCH * HEADER_ROW_BYTES, "rows");
  const results = memory.allocate(BATCH * HEADER_OUT_BYTES, "results");
  for (const [i, { bytes, rules }] of headers.entries()) {
    const row = rows + i * HEADER_ROW_BYTES;
    set(row + HEADER_ROW_ADDRESS, put(bytes));
    set(row + HEADER_ROW_LENGTH, bytes.length);
    set(row + HEADER_ROW_FLAGS, headerFlags(rules));
    set(row + HEADER_ROW_OUT, results + i * HEADER_OUT_BYTES);
  }
  const difficulty = memory.allocate(DIFFICULTY_RULES_BYTES, "rules of difficulty");
  const minimum = Uint8Array.of(1);
  writeDifficultyRules(memory, difficulty, { blockSeconds: 14, divisor: 400, minimum, rskip97: true });
  const checkDifficulties = () => {
    for (let i = 1; i < BATCH; i++) {
      const child = results + i * HEADER_OUT_BYTES;
      kernels.headerDifficulty(child - HEADER_OUT_BYTES, child, difficulty);
    }
  };
  if (kernels.headerBatch(rows, BATCH) !== BATCH) throw new Error("A header does not pass");
  return {
    name: `check of whole headers, Merkle depth ${DEPTH}`,
    unit: "k/s",
    work: BATCH,
    asks: [value(60, "k/s")],
    contenders: [
      inProcess(`in place, batches of ${BATCH}`, "cairn", (iterations) => {
        for (let i = 0; i < iterations; i++) {
          kernels.headerBatch(rows, BATCH);
          checkDifficulties();
        }
      }),
      repeat("checkHeaders(), ordinary bytes", "cairn", () => checkHeaders(headers)),
    ],
  };
}

/** Rows of merged mining. */
export async function auxpowRows(): Promise<Family> {
  return {
    name: "Merged mining",
    rows: [await proofRow(0), await proofRow(DEPTH), await proofBatchRow(), await headerRow()],
  };
}
