import assert from "node:assert/strict";
import { equalBytes } from "./fault.ts";
import { HASH_BYTES, hashLeaf, hashTwo, StreamingTree } from "./merkle.ts";
import { PathTree } from "./merkle_path.ts";
import { nativeSha384 } from "./native_sha384.ts";

function leavesOf(count: number): Uint8Array {
  const leaves = new Uint8Array(count * HASH_BYTES);
  for (let i = 0; i < count; i++) {
    leaves.set(hashLeaf(nativeSha384, Uint8Array.of(i, i >> 8)), i * HASH_BYTES);
  }
  return leaves;
}

Deno.test("PathTree has the root of a StreamingTree, and every leaf's path leads to it", () => {
  for (const count of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 100, 255, 257]) {
    const leaves = leavesOf(count);
    const streaming = new StreamingTree(nativeSha384);
    const tree = new PathTree(leaves, nativeSha384);
    for (const _ of tree.growing());
    for (let i = 0; i < count; i++) streaming.push(leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
    const root = streaming.root();
    assert.deepEqual(tree.root(), root, `${count} leaves`);
    for (let i = 0; i < count; i++) {
      const siblings = tree.path(i);
      assert.ok(siblings.length <= Math.ceil(Math.log2(count)));
      const end = siblings.reduce(
        (hash, sibling) =>
          sibling.isFirst
            ? hashTwo(nativeSha384, sibling.hash, hash)
            : hashTwo(nativeSha384, hash, sibling.hash),
        leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
      );
      assert.ok(equalBytes(end, root), `leaf ${i} of ${count}`);
    }
  }
});

Deno.test("PathTree.path() has no path for a leaf that is not there", () => {
  const tree = new PathTree(leavesOf(3), nativeSha384);
  for (const leaf of [-1, 3, NaN]) assert.throws(() => tree.path(leaf), RangeError);
});
