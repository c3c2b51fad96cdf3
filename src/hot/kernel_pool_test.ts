import assert from "node:assert/strict";
import { blake3 as nobleBlake3 } from "@noble/hashes/blake3.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { HASH_ROW_BYTES, HEADER_OUT_BYTES, HEADER_ROW_BYTES } from "../../wasm/layout.ts";
import { randomBytes } from "./_kernel_rig.ts";
import { makeHeader, RULES } from "./_header_reference.ts";
import { HotError } from "./error.ts";
import { sha256d } from "./sha256d.ts";
import { headerFlags } from "./header.ts";
import { KernelPool } from "./kernel_pool.ts";
import { HotMemory } from "./memory.ts";

const hex = (bytes: Uint8Array) => new Uint8Array(bytes).toHex();
const isStopped = (error: unknown) => error instanceof HotError && error.code === "HOT_POOL_STOPPED";

Deno.test("KernelPool.blake3() agrees with one thread for inputs of every shape of tree", async () => {
  const memory = await HotMemory.create({ bytes: 8 << 20 });
  const [input, out] = [memory.allocate(5 << 20, "input"), memory.allocate(32, "digest")];
  memory.u8.set(randomBytes(5 << 20), input);
  await using pool = await KernelPool.start(memory, { workers: 3 });
  assert.equal(pool.size, 3);
  const sizes = [
    0,
    1,
    1024,
    262_143,
    262_144,
    262_145,
    1 << 20,
    (1 << 20) + 1,
    1_500_000,
    3 << 20,
    (4 << 20) + 1023,
  ];
  for (const bytes of [...sizes, 5 << 20]) {
    await pool.blake3(input, bytes, out);
    const digest = hex(memory.u8.subarray(out, out + 32));
    memory.kernels.blake3(input, bytes, out);
    assert.equal(digest, hex(memory.u8.subarray(out, out + 32)), `${bytes} bytes`);
  }
});

Deno.test("KernelPool.batch(): several Workers at once agree with one thread, whoever takes which row", async () => {
  const ROWS = 3_000;
  const memory = await HotMemory.create({ bytes: 4 << 20 });
  const rows = memory.allocate(ROWS * HASH_ROW_BYTES, "rows");
  const inputs = memory.allocate(ROWS * 300, "inputs");
  const digests = memory.allocate(ROWS * 32, "digests");
  memory.u8.set(randomBytes(ROWS * 300), inputs);
  const lengths = Array.from({ length: ROWS }, (_, i) => (i * i >> 3) % 6 * 60);
  lengths.forEach((bytes, i) =>
    memory.u32.set([inputs + i * 300, bytes, digests + i * 32], (rows >>> 2) + i * 4)
  );
  await using pool = await KernelPool.start(memory, { workers: 4 });
  for (
    const [kernel, reference] of [["keccak256", keccak_256], ["blake3", nobleBlake3], [
      "sha256d",
      sha256d,
    ]] as const
  ) {
    // Jobs given at once run one after the other.
    memory.u8.fill(0, digests, digests + ROWS * 32);
    await Promise.all([
      pool.batch(kernel, rows, ROWS),
      pool.batch(kernel, rows, 10),
      pool.batch(kernel, rows, 0),
    ]);
    for (let i = 0; i < ROWS; i++) {
      const expected = reference(memory.u8.slice(inputs + i * 300, inputs + i * 300 + lengths[i]!));
      assert.equal(
        hex(memory.u8.subarray(digests + i * 32, digests + i * 32 + 32)),
        hex(expected),
        `row ${i}`,
      );
    }
  }
});

Deno.test("KernelPool.batch(): headers and proofs of work get the verdicts that one thread gives", async () => {
  const HEADERS = 200;
  const memory = await HotMemory.create({ bytes: 4 << 20 });
  void memory.scratch;
  const rows = memory.allocate(HEADERS * HEADER_ROW_BYTES, "rows");
  const results = memory.allocate(HEADERS * HEADER_OUT_BYTES, "results");
  for (let i = 0; i < HEADERS; i++) {
    const { bytes } = makeHeader(RULES, { depth: i % 5 });
    // Every seventh is damaged, somewhere else each time.
    if (i % 7 === 0) bytes[(i * 31) % bytes.length]! ^= 1;
    const address = memory.allocate(bytes.length, "header");
    memory.u8.set(bytes, address);
    const row = [address, bytes.length, headerFlags(RULES), results + i * HEADER_OUT_BYTES];
    memory.u32.set(row, (rows + i * HEADER_ROW_BYTES) >>> 2);
  }
  const valid = memory.kernels.headerBatch(rows, HEADERS);
  assert.ok(valid >= HEADERS * 6 / 7 - 1 && valid < HEADERS, `${valid} of ${HEADERS} are valid`);
  const expected = memory.u8.slice(results, results + HEADERS * HEADER_OUT_BYTES);
  memory.u8.fill(0, results, results + expected.length);
  await using pool = await KernelPool.start(memory, { workers: 3 });
  await pool.batch("header", rows, HEADERS);
  assert.equal(hex(memory.u8.subarray(results, results + expected.length)), hex(expected));
});

Deno.test("KernelPool: a stopped pool ends its jobs and refuses more", async () => {
  const memory = await HotMemory.create({ bytes: 4 << 20 });
  const [input, out] = [memory.allocate(2 << 20, "input"), memory.allocate(32, "digest")];
  const pool = await KernelPool.start(memory, { workers: 2 });
  const last = pool.blake3(input, 2 << 20, out);
  await pool[Symbol.asyncDispose]();
  await last;
  assert.equal(hex(memory.u8.subarray(out, out + 32)), hex(nobleBlake3(new Uint8Array(2 << 20))));
  await assert.rejects(pool.blake3(input, 1, out), isStopped);
});

Deno.test("KernelPool: a region outside of the memory fails its job, and the pool goes on", async () => {
  const memory = await HotMemory.create({ bytes: 2 << 20 });
  const out = memory.allocate(32, "digest");
  await using pool = await KernelPool.start(memory, { workers: 2 });
  const isOutside = (error: unknown) => error instanceof HotError && error.code === "HOT_OUT_OF_BOUNDS";
  for (const bytes of [1_001, 1 << 20]) {
    await assert.rejects(pool.blake3(memory.bytes - 1_000, bytes, out), isOutside);
    await assert.rejects(pool.blake3(0, bytes, memory.bytes - 31), isOutside);
  }
  await assert.rejects(pool.batch("keccak256", memory.bytes, 1), isOutside);
  await pool.blake3(0, 0, out);
  assert.equal(hex(memory.u8.subarray(out, out + 4)), "af1349b9");
});

Deno.test("KernelPool.start() refuses a number of Workers that is none", async () => {
  const memory = await HotMemory.create({ bytes: 1 << 20 });
  for (const workers of [0, -1, 1.5, 65, NaN]) {
    await assert.rejects(KernelPool.start(memory, { workers }), RangeError);
  }
});
