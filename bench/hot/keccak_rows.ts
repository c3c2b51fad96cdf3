/**
 * Keccak-256: up to one block, in batches, and long. Native libraries have no Keccak-256; SHA3-256 differs from it in
 * one byte of padding and takes the same time.
 *
 * @module
 */

import { hash } from "node:crypto";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { createKeccak } from "hash-wasm";
import { keccak256 } from "../../src/hot/keccak256.ts";
import { BATCH, openRig, type Rig } from "./_batch.ts";
import { nodeProcess, openssl } from "./_programs.ts";
import { assertSame, type Contender, type Family, inProcess, repeat, times, value } from "./_rows.ts";

/** The longest input of one block. */
const SHORT = 135;
const LONG = 1 << 16;

/** The kernel, its face and the peers, on one input. */
async function single({ memory, input, out, ordinary, digest }: Rig): Promise<Contender[]> {
  const { kernels } = memory;
  const { length } = ordinary;
  const into = new Uint8Array(32);
  const hasher = await createKeccak(256);
  const hashWasm = () => hasher.init().update(ordinary).digest("binary");
  kernels.keccak256(input, length, out);
  assertSame("hash-wasm", hashWasm(), digest());
  assertSame("@noble/hashes", keccak_256(ordinary), digest());
  return [
    inProcess("in place", "cairn", (iterations) => {
      for (let i = 0; i < iterations; i++) kernels.keccak256(input, length, out);
    }),
    repeat("keccak256.into(), ordinary bytes", "cairn", () => keccak256.into(ordinary, into)),
    repeat("hash-wasm", "npm", hashWasm),
    repeat("@noble/hashes", "npm", () => keccak_256(ordinary)),
    repeat("node:crypto SHA3-256", "runtime", () => into.setFromHex(hash("sha3-256", ordinary, "hex"))),
    nodeProcess("sha3-256", length),
    openssl("sha3-256", length),
  ];
}

/** Rows of Keccak-256. */
export async function keccakRows(): Promise<Family> {
  const [short, long] = [await openRig(SHORT), await openRig(LONG, 1)];
  const { kernels } = short.memory;
  const native = openssl("sha3-256", SHORT, BATCH);
  return {
    name: "Keccak-256",
    rows: [
      {
        name: `Keccak-256 of ${SHORT} bytes`,
        unit: "ns",
        work: 1,
        asks: [value(400, "ns"), times(2.5, "hash-wasm")],
        contenders: await single(short),
      },
      {
        name: `Keccak-256 of ${SHORT} bytes in pairs`,
        unit: "ns",
        work: BATCH,
        asks: [times(1.15, native.name)],
        contenders: [
          inProcess("batch in place", "cairn", (iterations) => {
            for (let i = 0; i < iterations; i++) kernels.keccak256Batch(short.rows, BATCH);
          }),
          native,
        ],
      },
      {
        name: "Keccak-256 of 64 KiB",
        unit: "GB/s",
        work: LONG,
        asks: [],
        contenders: await single(long),
      },
    ],
  };
}
