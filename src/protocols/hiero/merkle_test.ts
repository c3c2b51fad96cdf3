import { sha384 as nobleSha384 } from "@noble/hashes/sha2.js";
import assert from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "./fault.ts";
import {
  emptyTreeHash,
  HASH_BYTES,
  hashLeaf,
  hashOne,
  hashTwo,
  type Sha384,
  StreamingTree,
} from "./merkle.ts";
import { nativeSha384 } from "./native_sha384.ts";

const noble: Sha384 = (input, out) => out.set(nobleSha384(input));

/** The definition: a perfect tree of the largest power of two on the left, the rest on the right. */
function rootByDefinition(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return emptyTreeHash(noble);
  if (leaves.length === 1) return leaves[0]!;
  let left = 1;
  while (left * 2 < leaves.length) left *= 2;
  return hashTwo(noble, rootByDefinition(leaves.slice(0, left)), rootByDefinition(leaves.slice(left)));
}

function makeLeaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => hashLeaf(noble, Uint8Array.of(i, i >> 8)));
}

Deno.test("nativeSha384() agrees with @noble/hashes at every length around the block edges", () => {
  const [a, b] = [new Uint8Array(HASH_BYTES), new Uint8Array(HASH_BYTES)];
  for (const length of [0, 1, 48, 97, 111, 112, 127, 128, 129, 239, 240, 255, 256, 2000, 70_000]) {
    const input = Uint8Array.from({ length }, (_, i) => i * 7);
    nativeSha384(input, a);
    noble(input, b);
    assert.equal(toHex(a), toHex(b), `length ${length}`);
  }
});

Deno.test("emptyTreeHash() is the constant of the specification", () => {
  assert.equal(
    toHex(emptyTreeHash(nativeSha384)),
    "bec021b4f368e3069134e012c2b4307083d3a9bdd206e24e5f0d86e13d6636655933ec2b413465966817a9c208a11717",
  );
});

Deno.test("hashLeaf(), hashOne() and hashTwo() put their prefix before the data", () => {
  const [x, y] = [new Uint8Array(48).fill(1), new Uint8Array(48).fill(2)];
  assert.deepEqual(hashLeaf(nativeSha384, x), nobleSha384(Uint8Array.of(0, ...x)));
  assert.deepEqual(hashOne(nativeSha384, x), nobleSha384(Uint8Array.of(1, ...x)));
  assert.deepEqual(hashTwo(nativeSha384, x, y), nobleSha384(Uint8Array.of(2, ...x, ...y)));
});

Deno.test("StreamingTree.root() follows the definition for 0 to 70 leaves, also while it grows", () => {
  const tree = new StreamingTree(nativeSha384);
  const leaves = makeLeaves(70);
  for (let n = 0; n <= leaves.length; n++) {
    assert.equal(toHex(tree.root()), toHex(rootByDefinition(leaves.slice(0, n))), `${n} leaves`);
    if (n < leaves.length) tree.push(leaves[n]!);
  }
  assert.equal(tree.count, 70);
});

Deno.test("StreamingTree.finishInto() gives the same root and leaves the tree empty", () => {
  const leaves = makeLeaves(11);
  const tree = new StreamingTree(nativeSha384);
  const out = new Uint8Array(HASH_BYTES);
  const empty = emptyTreeHash(nativeSha384);
  for (const leaf of leaves) tree.push(leaf);
  tree.finishInto(out, empty);
  assert.deepEqual(out, rootByDefinition(leaves));
  tree.finishInto(out, empty);
  assert.deepEqual(out, empty);
  assert.equal(tree.count, 0);
});

Deno.test("StreamingTree goes on from a snapshot at any point as if never interrupted", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 20 }), (before, after) => {
      const leaves = makeLeaves(before + after);
      const first = new StreamingTree(nativeSha384);
      for (const leaf of leaves.slice(0, before)) first.push(leaf);
      const second = new StreamingTree(nativeSha384, first.snapshot());
      for (const leaf of leaves.slice(before)) second.push(leaf);
      assert.equal(second.count, leaves.length);
      assert.deepEqual(second.root(), rootByDefinition(leaves));
    }),
    { numRuns: 60 },
  );
});

Deno.test("StreamingTree refuses a snapshot whose roots do not belong to its count", () => {
  const roots = new Uint8Array(HASH_BYTES);
  for (const count of [0, 3, -1, 1.5, NaN, 2 ** 53]) {
    assert.throws(() => new StreamingTree(nativeSha384, { count, roots }), RangeError, `count ${count}`);
  }
  assert.equal(new StreamingTree(nativeSha384, { count: 4, roots }).count, 4);
});
