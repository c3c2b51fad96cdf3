import assert from "node:assert/strict";
import { vectorTest } from "../../../tests/vectors.ts";
import { ConnectionSearch } from "./sync_connection.ts";
import { skeletonFault, skeletonHeights, skeletonStart } from "./skeleton.ts";

interface SyncCase {
  readonly name: string;
  readonly kind: string;
  readonly from: number;
  readonly to: number;
  readonly steps: readonly { readonly height: number; readonly answer: "found" | "notFound" }[];
  readonly result: number;
  readonly best: number;
  readonly start: number;
  readonly numbers: readonly number[];
}

async function readCases(dir: string, kind: string): Promise<SyncCase[]> {
  const { cases } = JSON.parse(await Deno.readTextFile(`${dir}/rootstock/sync.json`)) as {
    cases: SyncCase[];
  };
  const found = cases.filter((entry) => entry.kind === kind);
  assert.ok(found.length > 0, `no case of ${kind}`);
  return found;
}

vectorTest("ConnectionSearch asks for the heights of rskj's traces, and ends where they end", async (dir) => {
  for (const { name, from, to, steps, result } of await readCases(dir, "connectionPoint")) {
    const search = new ConnectionSearch(from, to);
    for (const { height, answer } of steps) {
      assert.equal(search.result, undefined, name);
      assert.equal(search.height, height, name);
      search.answer(answer === "found");
    }
    assert.equal(search.result, result, name);
  }
});

vectorTest("skeletonHeights() gives the heights that rskj gives", async (dir) => {
  for (const { name, best, start, numbers } of await readCases(dir, "skeleton")) {
    assert.deepEqual(skeletonHeights(start, best), numbers, name);
  }
});

Deno.test("ConnectionSearch takes its start at once where the chains are at most one block apart", () => {
  assert.equal(new ConnectionSearch(0, 1).result, 0);
  assert.equal(new ConnectionSearch(7, 7).result, 7);
});

Deno.test("ConnectionSearch finds every fork point between its bounds", () => {
  for (let end = 1; end < 70; end++) {
    for (let shared = 0; shared < end; shared++) {
      const search = new ConnectionSearch(0, end);
      while (search.result === undefined) {
        assert.notEqual(search.height, 0, "height 0 is never answered");
        search.answer(search.height <= shared);
      }
      assert.equal(search.result, shared);
    }
  }
});

Deno.test("skeletonHeights() ends at the 21st height, or at the best block", () => {
  const far = skeletonHeights(400, 1_000_000);
  assert.deepEqual([far.length, far[0], far.at(-1)], [21, 384, 384 + 3_840]);
  assert.deepEqual(skeletonHeights(384, 384), [384]);
  assert.deepEqual(skeletonHeights(0, 384), [0, 192, 384]);
  assert.equal(skeletonStart(191), 0);
});

Deno.test("skeletonFault() refuses fewer than two entries, more than 21, and heights off the step", () => {
  const blocks = (...numbers: number[]) => numbers.map((number) => ({ number, hash: new Uint8Array(32) }));
  for (const best of [1, 191, 192, 193, 3_839, 3_840, 9_999]) {
    assert.equal(skeletonFault(blocks(...skeletonHeights(0, best)), 0), undefined, `${best}`);
  }
  assert.match(skeletonFault([], 0)!, /0 entries/);
  assert.match(skeletonFault(blocks(0), 0)!, /1 entries/);
  assert.match(skeletonFault(blocks(...Array.from({ length: 22 }, (_, i) => i * 192)), 0)!, /at most 21/);
  assert.match(skeletonFault(blocks(0, 192), 192)!, /height 0, not 192/);
  assert.match(skeletonFault(blocks(0, 100, 192), 0)!, /height 100, not 192/);
  assert.match(skeletonFault(blocks(0, 192, 192), 0)!, /height 192, not 384/);
  assert.match(skeletonFault(blocks(0, 192, 385), 0)!, /height 385, not 384/);
});
