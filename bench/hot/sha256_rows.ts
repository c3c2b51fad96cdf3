/**
 * SHA-256: twice over bitcoin headers in batches, and long, where the runtime's instructions for it win. And SHA-384,
 * which the node leaves to the runtime.
 *
 * @module
 */

import { createHash, hash } from "node:crypto";
import { sha256, sha384 } from "@noble/hashes/sha2.js";
import { createSHA256, createSHA384 } from "hash-wasm";
import { nativeSha384 } from "../../src/protocols/hiero/native_sha384.ts";
import { BATCH, openRig, type Rig } from "./_batch.ts";
import { nodeProcess, openssl } from "./_programs.ts";
import {
  assertSame,
  type Contender,
  type Family,
  inProcess,
  repeat,
  type Row,
  times,
  value,
} from "./_rows.ts";

const HEADER_BYTES = 80;
const LONG = 1 << 16;
/** A typical item of a block stream. */
const ITEM_BYTES = 2_000;

/** Double hashes of headers. Peers hash one after the other, which is what they offer. */
async function doubleRow({ memory, rows, ordinary, digest }: Rig): Promise<Row> {
  const { kernels } = memory;
  const into = new Uint8Array(32);
  const hasher = await createSHA256();
  const once = (input: Uint8Array) => hasher.init().update(input).digest("binary");
  kernels.sha256dBatch(rows, BATCH);
  assertSame("hash-wasm", once(once(ordinary)), digest());
  assertSame("@noble/hashes", sha256(sha256(ordinary)), digest());
  const timesBatch = (name: string, kind: Contender["kind"], job: () => unknown) =>
    inProcess(name, kind, (iterations) => {
      for (let i = 0; i < iterations * BATCH; i++) job();
    });
  return {
    name: `double SHA-256 of ${HEADER_BYTES}-byte headers, batches of ${BATCH}`,
    unit: "M/s",
    work: BATCH,
    asks: [value(3, "M/s"), times(8, "node:crypto")],
    contenders: [
      inProcess("batch in place", "cairn", (iterations) => {
        for (let i = 0; i < iterations; i++) kernels.sha256dBatch(rows, BATCH);
      }),
      timesBatch("hash-wasm", "npm", () => once(once(ordinary))),
      timesBatch("@noble/hashes", "npm", () => sha256(sha256(ordinary))),
      timesBatch("node:crypto", "runtime", () => {
        into.setFromHex(hash("sha256", ordinary, "hex"));
        into.setFromHex(hash("sha256", into, "hex"));
      }),
      timesBatch("node:crypto createHash()", "runtime", () => {
        createHash("sha256").update(createHash("sha256").update(ordinary).digest()).digest();
      }),
      nodeProcess("sha256", HEADER_BYTES, BATCH, 2),
    ],
  };
}

/** One long input. */
async function longRow({ memory, input, out, ordinary, digest }: Rig): Promise<Row> {
  const { kernels } = memory;
  const into = new Uint8Array(32);
  const hasher = await createSHA256();
  const hashWasm = () => hasher.init().update(ordinary).digest("binary");
  kernels.sha256(input, LONG, out);
  assertSame("hash-wasm", hashWasm(), digest());
  assertSame("@noble/hashes", sha256(ordinary), digest());
  return {
    name: "SHA-256 of 64 KiB",
    unit: "GB/s",
    work: LONG,
    asks: [],
    contenders: [
      inProcess("in place", "cairn", (iterations) => {
        for (let i = 0; i < iterations; i++) kernels.sha256(input, LONG, out);
      }),
      repeat("hash-wasm", "npm", hashWasm),
      repeat("@noble/hashes", "npm", () => sha256(ordinary)),
      repeat("node:crypto", "runtime", () => into.setFromHex(hash("sha256", ordinary, "hex"))),
      openssl("sha256", LONG),
    ],
  };
}

async function sha384Row(): Promise<Row> {
  const input = new Uint8Array(ITEM_BYTES).fill(7);
  const out = new Uint8Array(48);
  const hasher = await createSHA384();
  const hashWasm = () => hasher.init().update(input).digest("binary");
  nativeSha384(input, out);
  assertSame("hash-wasm", hashWasm(), out);
  assertSame("@noble/hashes", sha384(input), out);
  return {
    name: `SHA-384 of ${ITEM_BYTES} bytes, native`,
    unit: "GB/s",
    work: ITEM_BYTES,
    asks: [],
    contenders: [
      repeat("nativeSha384() by node:crypto", "cairn", () => nativeSha384(input, out)),
      repeat("hash-wasm", "npm", hashWasm),
      repeat("@noble/hashes", "npm", () => sha384(input)),
    ],
  };
}

/** Rows of SHA-2. */
export async function sha256Rows(): Promise<Family> {
  return {
    name: "SHA-2",
    rows: [
      await doubleRow(await openRig(HEADER_BYTES)),
      await longRow(await openRig(LONG, 1)),
      await sha384Row(),
    ],
  };
}
