import assert from "node:assert/strict";
import { HistoryReader } from "./history_reader.ts";

/** A reader over blocks of 10 bytes whose reads end when told. */
function openReader({ cacheBytes = 25, maxReads = 2 } = {}) {
  const reads: { number: bigint; settle: (result: Uint8Array | undefined | Error) => void }[] = [];
  const failed: bigint[] = [];
  const reader = new HistoryReader({
    read(number) {
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
      const settle = (result: Uint8Array | undefined | Error) =>
        result instanceof Error ? reject(result) : resolve(result);
      reads.push({ number, settle });
      return promise;
    },
    cacheBytes,
    maxReads,
    onError: (number) => void failed.push(number),
  });
  return { reader, reads, failed };
}

Deno.test("HistoryReader reads a block once for those who want it at the same time, and keeps it", async () => {
  const { reader, reads } = openReader();
  const wanted = [reader.read(1n), reader.read(1n)];
  assert.equal(reads.length, 1);
  const block = new Uint8Array(10);
  reads[0]!.settle(block);
  assert.deepEqual(await Promise.all(wanted), [block, block]);
  assert.equal(reader.cached(1n), block);
  assert.equal(reader.cached(2n), undefined);
});

Deno.test("HistoryReader never reads more at a time than stated, and goes on when one is done", async () => {
  const { reader, reads } = openReader();
  const wanted = [1n, 2n, 3n, 4n].map((number) => reader.read(number));
  assert.deepEqual(reads.map(({ number }) => number), [1n, 2n]);
  reads[0]!.settle(new Uint8Array(10));
  await wanted[0];
  assert.deepEqual(reads.map(({ number }) => number), [1n, 2n, 3n]);
  reads[1]!.settle(undefined);
  reads[2]!.settle(new Error("checksum"));
  await Promise.all(wanted.slice(1, 3));
  reads[3]!.settle(new Uint8Array(10));
  await wanted[3];
  const later = reader.read(5n);
  assert.equal(reads.length, 5);
  reads[4]!.settle(new Uint8Array(10));
  await later;
});

Deno.test("HistoryReader says what is missing and what cannot be read", async () => {
  const { reader, reads, failed } = openReader();
  const [missing, unreadable] = [reader.read(1n), reader.read(2n)];
  reads[0]!.settle(undefined);
  reads[1]!.settle(new Error("checksum"));
  assert.deepEqual([await missing, await unreadable], ["missing", "unreadable"]);
  assert.deepEqual(failed, [2n]);
});

Deno.test("HistoryReader keeps no more bytes than stated, the last used ones", async () => {
  const { reader, reads } = openReader();
  for (const number of [1n, 2n, 3n]) {
    const reading = reader.read(number);
    reads.at(-1)!.settle(new Uint8Array(10));
    await reading;
    reader.cached(1n);
  }
  assert.equal(reader.cachedBytes, 20);
  assert.deepEqual([1n, 2n, 3n].map((number) => reader.cached(number) !== undefined), [true, false, true]);
  const large = reader.read(4n);
  reads.at(-1)!.settle(new Uint8Array(26));
  await large;
  assert.equal(reader.cached(4n), undefined);
  assert.equal(reader.cachedBytes, 20);
  reader.clear();
  assert.equal(reader.cachedBytes, 0);
});
