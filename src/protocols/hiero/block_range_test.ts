import assert from "node:assert/strict";
import fc from "fast-check";
import { BlockRangeError, type BlockRangeProblem, BlockRangeReader } from "./block_range.ts";
import { splitBlock } from "./block_split.ts";
import { ChainGenerator } from "./generate.ts";
import { nativeSha384 } from "./native_sha384.ts";
import { WireWriter } from "./wire_writer.ts";

const generator = new ChainGenerator({ sha384: nativeSha384, items: 3, itemBytes: 100 });
const CHAIN = Array.from({ length: 4 }, () => generator.next().bytes);

const numberMessage = (number: bigint) => new WireWriter().varint(1, number).finish();
const items = (records: Uint8Array) => new WireWriter(records.length + 16).bytes(2, records).finish();
const end = (number: bigint) => new WireWriter().bytes(3, numberMessage(number)).finish();
const status = (code: number) => new WireWriter().varint(1, code).finish();
const runs = (number: number, maxBytes = 150) => splitBlock(CHAIN[number]!, maxBytes);

const reader = (first: bigint, last: bigint, maxBlockBytes = 100_000) =>
  new BlockRangeReader({ first, last, maxBlockBytes });

function throwsProblem(read: () => unknown, problem: BlockRangeProblem): void {
  assert.throws(read, (error) => error instanceof BlockRangeError && error.problem === problem);
}

Deno.test("BlockRangeReader reads a range of blocks whose sets, put together, are the blocks", () => {
  const range = reader(1n, 2n);
  for (const number of [1, 2]) {
    const records: Uint8Array[] = [];
    for (const [i, run] of runs(number).entries()) {
      const part = range.read(items(run));
      assert.ok(part.kind === "items");
      assert.deepEqual([part.number, part.opens], [BigInt(number), i === 0]);
      records.push(part.set.records);
    }
    assert.ok(records.length > 1);
    assert.deepEqual(Uint8Array.from(records.flatMap((run) => [...run])), Uint8Array.from(CHAIN[number]!));
    assert.equal(range.complete, false);
    throwsProblem(() => range.end(), "incomplete");
    assert.deepEqual(range.read(end(BigInt(number))), { kind: "end-of-block", number: BigInt(number) });
  }
  assert.equal(range.complete, true);
  range.end();
});

Deno.test("BlockRangeReader refuses a block it did not ask for, in whatever place", () => {
  throwsProblem(() => reader(1n, 2n).read(items(CHAIN[2]!)), "wrong-block");
  throwsProblem(() => reader(1n, 2n).read(items(runs(1)[1]!)), "wrong-block");
  throwsProblem(() => reader(1n, 2n).read(end(1n)), "wrong-block");
  const range = reader(1n, 2n);
  range.read(items(CHAIN[1]!));
  throwsProblem(() => range.read(end(2n)), "wrong-block");
  throwsProblem(() => range.read(items(CHAIN[2]!)), "wrong-block");
});

Deno.test("BlockRangeReader refuses a block above its bound with the set that goes past it", () => {
  const range = reader(1n, 2n, CHAIN[1]!.length - 1);
  const [first, ...rest] = runs(1);
  range.read(items(first!));
  throwsProblem(() => rest.forEach((run) => range.read(items(run))), "too-large");
  reader(1n, 1n, CHAIN[1]!.length).read(items(CHAIN[1]!));
});

Deno.test("BlockRangeReader says what the peer answers in place of blocks", () => {
  for (const [code, name] of [[6, "NOT_AVAILABLE"], [1, "SUCCESS"], [99, "UNKNOWN"]] as const) {
    const range = reader(1n, 2n);
    throwsProblem(() => range.read(status(code)), "status");
    assert.throws(() => range.read(status(code)), new RegExp(name));
  }
});

Deno.test("BlockRangeReader throws nothing but its own errors, whatever the bytes", () => {
  const good = items(CHAIN[1]!);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => good.with(at, value)),
    fc.nat(good.length).map((length) => good.subarray(0, length)),
  );
  fc.assert(fc.property(bytes, (message) => {
    try {
      reader(1n, 2n).read(message);
    } catch (error) {
      assert.ok(error instanceof BlockRangeError, String(error));
    }
  }));
  throwsProblem(() => reader(1n, 2n).read(new Uint8Array(0)), "malformed");
  throwsProblem(() => reader(1n, 2n).read(items(new Uint8Array(0))), "malformed");
});
