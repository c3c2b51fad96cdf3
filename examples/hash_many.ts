// deno-lint-ignore-file no-console -- an example speaks to whoever ran it
/**
 * Hashes many records that lie in shared memory: one by one, as a batch, and by two Workers that copy nothing.
 *
 *     deno run --no-prompt --ignore-env --allow-read=. \
 *       examples/hash_many.ts
 *
 * @module
 */

import { blake3, HotMemory, keccak256, KernelPool } from "../mod.ts";

const RECORDS = 10_000;
const RECORD_BYTES = 120;
const DIGEST_BYTES = 32;

if (import.meta.main) {
  const memory = await HotMemory.create({ bytes: 8 << 20 });
  const records = memory.allocate(RECORDS * RECORD_BYTES, "records");
  const digests = memory.allocate(RECORDS * DIGEST_BYTES, "digests");
  // One row an input: its address, its length, where its digest goes.
  const rows = memory.allocate(RECORDS * 16, "rows");
  for (let i = 0; i < RECORDS; i++) {
    const at = records + i * RECORD_BYTES;
    memory.u32[at >>> 2] = i;
    memory.u32.set([at, RECORD_BYTES, digests + i * DIGEST_BYTES], (rows >>> 2) + i * 4);
  }
  const digestOf = (i: number) =>
    memory.u8.slice(digests + i * DIGEST_BYTES, digests + (i + 1) * DIGEST_BYTES);

  // One, where it lies.
  keccak256.at(memory, records, RECORD_BYTES, digests);
  console.log(`record 0      ${new Uint8Array(digestOf(0)).toHex()}`);

  // All of them on this thread: neighbours share the lanes of a vector.
  keccak256.batchAt(memory, rows, RECORDS);
  console.log(`record 9999   ${new Uint8Array(digestOf(9_999)).toHex()}`);

  // All of them on two Workers, and then everything as one input.
  await using pool = await KernelPool.start(memory, { workers: 2 });
  await pool.batch("keccak256", rows, RECORDS);
  await pool.blake3(records, RECORDS * RECORD_BYTES, digests);
  const whole = memory.u8.slice(records, records + RECORDS * RECORD_BYTES);
  const agrees = blake3(whole).toHex() === new Uint8Array(digestOf(0)).toHex();
  console.log(`two Workers ${agrees ? "agree" : "do not agree"} with one thread`);
}
