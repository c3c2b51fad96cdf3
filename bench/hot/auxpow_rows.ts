/**
 * Merged mining: one proof, many, and all that a header costs. No npm package checks such proofs, so there is no peer.
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
  DIGEST_BYTES,
  HASH_ROW_ADDRESS,
  HASH_ROW_BYTES,
  HASH_ROW_LENGTH,
  HASH_ROW_OUT,
} from "../../wasm/layout.ts";
import { makeProof } from "../../src/hot/_auxpow_proof.ts";
import { auxPowFlags } from "../../src/hot/auxpow.ts";
import { HotMemory } from "../../src/hot/memory.ts";
import { RlpIndex } from "../../src/hot/rlp.ts";
import { rlpEncode } from "../../src/hot/rlp_encode.ts";
import { BATCH } from "./_batch.ts";
import { HEADER_FIELDS } from "./_header.ts";
import { type Family, inProcess, type Row, value } from "./_rows.ts";

/** Fields before those of merged mining, and the three of them. */
const BARE_FIELDS = 17;
const FIELDS = 20;
const HEADER_ROOM = 2048;
/** A bitcoin block of some thousand transactions. */
const DEPTH = 12;

/** Headers with proofs of one depth in a memory, each with its fields found and its proof's row written. */
async function openHeaders(depth: number, count: number) {
  const memory = await HotMemory.create({ bytes: count * 3 * HEADER_ROOM + (1 << 20) });
  void memory.scratch;
  const { u8, u32 } = memory;
  const rows = memory.allocate(count * AUXPOW_ROW_BYTES, "proofs");
  const outs = memory.allocate(count * AUXPOW_OUT_BYTES, "results");
  const hashes = memory.allocate(count * DIGEST_BYTES, "hashes that are committed to");
  const headers: { readonly address: number; readonly bytes: number }[] = [];
  const index = new RlpIndex(memory, { fields: FIELDS });
  for (let i = 0; i < count; i++) {
    const proof = makeProof({ depth });
    const header = rlpEncode([
      ...HEADER_FIELDS.slice(0, BARE_FIELDS),
      proof.btcHeader,
      proof.merkleProof!,
      proof.coinbase,
    ]);
    const address = memory.allocate(header.length, "header");
    u8.set(header, address);
    headers.push({ address, bytes: header.length });
    index.read(address, header.length);
    u8.set(proof.hash, hashes + i * DIGEST_BYTES);
    const word = (offset: number, value: number) => {
      u32[(rows + i * AUXPOW_ROW_BYTES + offset) >>> 2] = value;
    };
    // The least difficulty; finding a harder header would take long, checking it takes the same.
    const difficulty = memory.allocate(1, "difficulty");
    u8.set(proof.difficulty, difficulty);
    word(AUXPOW_ROW_FLAGS, auxPowFlags(proof.rules));
    word(AUXPOW_ROW_HASH, hashes + i * DIGEST_BYTES);
    word(AUXPOW_ROW_DIFFICULTY, difficulty);
    word(AUXPOW_ROW_DIFFICULTY_BYTES, proof.difficulty.length);
    const parts = [
      [AUXPOW_ROW_BTC_HEADER, AUXPOW_ROW_BTC_HEADER_BYTES],
      [AUXPOW_ROW_PROOF, AUXPOW_ROW_PROOF_BYTES],
      [AUXPOW_ROW_COINBASE, AUXPOW_ROW_COINBASE_BYTES],
    ] as const;
    for (const [part, [addressOffset, bytesOffset]] of parts.entries()) {
      word(addressOffset, address + index.offset(BARE_FIELDS + part));
      word(bytesOffset, index.length(BARE_FIELDS + part));
    }
    word(AUXPOW_ROW_OUT, outs + i * AUXPOW_OUT_BYTES);
  }
  if (memory.kernels.auxpowBatch(rows, count) !== count) throw new Error("A proof does not pass");
  return { memory, rows, headers, table: index.table.address };
}

/** One proof alone. */
async function proofRow(depth: number): Promise<Row> {
  const { memory: { kernels }, rows } = await openHeaders(depth, 1);
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

async function batchRow(): Promise<Row> {
  const { memory: { kernels }, rows } = await openHeaders(DEPTH, BATCH);
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

/**
 * Every header: its fields, the preimages of its two hashes, both hashes, the proof of work. The proofs commit to
 * hashes that were made before, not to these headers' own; the work is the same.
 */
async function headerRow(): Promise<Row> {
  const { memory, rows, headers, table } = await openHeaders(DEPTH, BATCH);
  const { kernels, u32 } = memory;
  const hashRows = memory.allocate(2 * BATCH * HASH_ROW_BYTES, "rows of hashes");
  const preimages = memory.allocate(2 * BATCH * HEADER_ROOM, "preimages");
  const digests = memory.allocate(2 * BATCH * DIGEST_BYTES, "digests");
  for (let i = 0; i < 2 * BATCH; i++) {
    const row = hashRows + i * HASH_ROW_BYTES;
    u32[(row + HASH_ROW_ADDRESS) >>> 2] = preimages + i * HEADER_ROOM;
    u32[(row + HASH_ROW_OUT) >>> 2] = digests + i * DIGEST_BYTES;
  }
  // Base hashes first, then block hashes: neighbours of one length share lanes.
  const writePreimage = (i: number, fields: number, address: number) => {
    const bytes = kernels.rlpEncodeList(table, fields, address, preimages + i * HEADER_ROOM);
    u32[(hashRows + i * HASH_ROW_BYTES + HASH_ROW_LENGTH) >>> 2] = bytes;
  };
  const check = () => {
    for (let i = 0; i < BATCH; i++) {
      const { address, bytes } = headers[i]!;
      if (kernels.rlpIndex(address, bytes, table, FIELDS) !== FIELDS) throw new Error("Not a header");
      writePreimage(i, BARE_FIELDS, address);
      writePreimage(BATCH + i, BARE_FIELDS + 1, address);
    }
    kernels.keccak256Batch(hashRows, 2 * BATCH);
    if (kernels.auxpowBatch(rows, BATCH) !== BATCH) throw new Error("A proof does not pass");
  };
  return {
    name: `header check: index, two hashes, AuxPoW of depth ${DEPTH}`,
    unit: "k/s",
    work: BATCH,
    asks: [value(60, "k/s")],
    contenders: [inProcess(`in place, batches of ${BATCH}`, "cairn", (iterations) => {
      for (let i = 0; i < iterations; i++) check();
    })],
  };
}

/** Rows of merged mining. */
export async function auxpowRows(): Promise<Family> {
  return {
    name: "Merged mining",
    rows: [await proofRow(0), await proofRow(DEPTH), await batchRow(), await headerRow()],
  };
}
