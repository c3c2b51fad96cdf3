import assert from "node:assert/strict";
import fc from "fast-check";
import { archivePath, batchAt, batchOf, entryName } from "./archive_layout.ts";

Deno.test("archivePath() nests by three digits down to the zip's own, as the Java block node does", () => {
  const path = (number: bigint, power: number) => archivePath(batchOf(number, power));
  assert.equal(path(0n, 4), "000/000/000/000/00/00000.zip");
  assert.equal(path(123_456_789n, 4), "000/000/000/012/34/50000.zip");
  assert.equal(path(123_456_789n, 1), "000/000/000/012/345/67/80.zip");
  assert.equal(path(123_456_789n, 6), "000/000/000/012/3000000.zip");
  assert.equal(path(2n ** 63n - 1n, 4), "922/337/203/685/47/70000.zip");
});

Deno.test("batchOf() gives the aligned batch of a block", () => {
  assert.deepEqual(batchOf(12_345n, 3), { first: 12_000n, last: 12_999n, count: 1_000, power: 3 });
});

Deno.test("batchAt() undoes archivePath() for every power and number", () => {
  fc.assert(fc.property(
    fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    fc.integer({ min: 1, max: 6 }),
    (number, power) => assert.deepEqual(batchAt(archivePath(batchOf(number, power))), batchOf(number, power)),
  ));
});

Deno.test("batchAt() knows no other path", () => {
  const others = [
    "",
    "00000.zip",
    "000/000/000/000/00/00001.zip",
    "000/000/000/000/00/00000s.zip",
    "000/000/000/0000/00/0000.zip",
    "000000/000/000/00/00000.zip",
    "000/000/000/000/00/00000.zip.tmp",
    "000/000/000/000/0x/00000.zip",
    "zipwork/0000000000000000000.zip",
  ];
  for (const path of others) assert.equal(batchAt(path), undefined, path);
});

Deno.test("entryName() has 19 digits", () => {
  assert.equal(entryName(42n), "0000000000000000042.blk.zstd");
  assert.equal(entryName(2n ** 63n - 1n), "9223372036854775807.blk.zstd");
});
