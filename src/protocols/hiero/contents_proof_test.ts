import assert from "node:assert/strict";
import fc from "fast-check";
import { block, EMPTY, footer, header, item, stateProof, tssProof } from "./_blocks.ts";
import {
  type ContentsProof,
  encodeContentsProof,
  MAX_PATH_STEPS,
  parseContentsProof,
  verifyContentsProof,
} from "./contents_proof.ts";
import { BlockContents } from "./contents_tree.ts";
import { HieroFault } from "./fault.ts";
import { ChainGenerator } from "./generate.ts";
import { ITEM } from "./items.ts";
import { nativeSha384 } from "./native_sha384.ts";

const RULES = ["16-leaf", "8-leaf-one-child"] as const;

/** A block with items in every sub-tree that both rules know, and its contents. */
function smallBlock(): BlockContents {
  const kinds = [2, 4, 5, 4, 5, 6, 7, 4, 11, 3, 4, 4];
  const items = kinds.map((kind, i) => item(kind, Uint8Array.of(0x0a, 1, i)));
  return new BlockContents(block(header({ number: 7n }), ...items, footer(), tssProof()), nativeSha384);
}

function proofOf(contents: BlockContents, index: number, rule: (typeof RULES)[number] = "16-leaf") {
  const root = contents.roots.find((candidate) => candidate.rule === rule)!.hash;
  return { proof: contents.prove(index, rule), root };
}

function check(proof: ContentsProof, root?: Uint8Array): string {
  const verdict = verifyContentsProof(proof, nativeSha384, root);
  return verdict.status === "ok" ? "ok" : verdict.fault.detail.check;
}

Deno.test("verifyContentsProof() leads from every item of a block to its root under both rules", () => {
  const contents = smallBlock();
  for (const rule of RULES) {
    for (let index = 0; index < contents.length - 2; index++) {
      const { proof, root } = proofOf(contents, index, rule);
      const verdict = verifyContentsProof(proof, nativeSha384, root);
      assert.deepEqual(verdict, { status: "ok", kind: contents.kindAt(index), rootHash: root, rule });
      assert.equal(proof.signature.length, 2920);
      assert.deepEqual(parseContentsProof(encodeContentsProof(proof)), proof);
    }
  }
});

Deno.test("verifyContentsProof() refuses every flipped bit of item, siblings and root of a small block", () => {
  const contents = smallBlock();
  for (const rule of RULES) {
    const { proof, root } = proofOf(contents, 4, rule);
    const bytes = encodeContentsProof({ ...proof, signature: new Uint8Array(0) });
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3]! ^= 1 << (bit % 8);
      let outcome: string;
      try {
        outcome = check(parseContentsProof(changed), root);
      } catch (thrown) {
        assert.ok(thrown instanceof HieroFault);
        outcome = thrown.detail.check;
      }
      assert.notEqual(outcome, "ok", `bit ${bit} under ${rule}`);
    }
    for (let bit = 0; bit < 384; bit++) {
      const other = root.slice();
      other[bit >> 3]! ^= 1 << (bit % 8);
      assert.equal(check(proof, other), "root");
    }
  }
});

Deno.test("verifyContentsProof() refuses a path of another item, and an item moved to another sub-tree", () => {
  const contents = smallBlock();
  const { proof, root } = proofOf(contents, 2);
  for (let index = 0; index < contents.length - 2; index++) {
    if (index === 2) continue;
    const { siblings } = contents.prove(index, "16-leaf");
    assert.match(check({ ...proof, siblings }, root), /^(path|root)$/);
  }
  const moved = proof.item.slice();
  moved[0] = ITEM.STATE_CHANGES * 8 + 2;
  assert.equal(check({ ...proof, item: moved }), "path");
});

Deno.test("verifyContentsProof() refuses a node of the tree in the place of an item", () => {
  const contents = smallBlock();
  const { proof, root } = proofOf(contents, 2);
  // The parent of two leaves, with the rest of the path: its bytes are no BlockItem.
  const [first, ...rest] = proof.siblings;
  assert.equal(check({ ...proof, item: first!.hash, siblings: rest }, root), "wire");
});

Deno.test("verifyContentsProof() names what is wrong with a path by its check", () => {
  const { proof, root } = proofOf(smallBlock(), 2);
  const { siblings } = proof;
  const at = (i: number, sibling: Partial<ContentsProof["siblings"][number]>) => ({
    ...proof,
    siblings: siblings.with(i, { ...siblings.at(i)!, ...sibling }),
  });
  const none = new Uint8Array(0);
  const cases: [ContentsProof, string][] = [
    [{ ...proof, siblings: [] }, "path"],
    [{ ...proof, siblings: siblings.slice(-4) }, "path"],
    [{ ...proof, siblings: Array(MAX_PATH_STEPS + 1).fill(siblings[0]) }, "path"],
    [at(-1, { isFirst: false }), "path"],
    [at(-1, { hash: none }), "path"],
    [at(-3, { hash: none }), "path"],
    [at(0, { hash: none }), "path"],
    [at(0, { hash: new Uint8Array(47) }), "path"],
    [at(0, { isFirst: true }), "root"],
    [{ ...proof, item: none }, "structure"],
    [{ ...proof, item: footer() }, "structure"],
    [{ ...proof, item: tssProof() }, "structure"],
    [{ ...proof, item: item(ITEM.REDACTED_ITEM) }, "structure"],
    [{ ...proof, item: Uint8Array.of(0x22, 5) }, "wire"],
    // Extension trees came with the sixteen leaves: the older rule cannot have this item.
    [{ ...proofOf(smallBlock(), 2, "8-leaf-one-child").proof, item: item(28) }, "path"],
  ];
  cases.forEach(([changed, expected], i) => assert.equal(check(changed, root), expected, `case ${i}`));
});

Deno.test("parseContentsProof() refuses what is doubled, missing or unknown", () => {
  const { proof } = proofOf(smallBlock(), 2);
  const bytes = encodeContentsProof(proof);
  const join = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /no item/],
    [join(bytes, item(1)), /unexpected field 1/],
    [join(bytes, item(3)), /unexpected field 3/],
    [join(bytes, item(4)), /unexpected field 4/],
    [join(item(1), Uint8Array.of(0x12, 2, 0x08, 2)), /is_first must be 0 or 1/],
    [join(item(1), Uint8Array.of(0x12, 2, 0x18, 1)), /field 3 in a sibling/],
    [join(item(1), ...Array<Uint8Array>(MAX_PATH_STEPS + 1).fill(item(2))), /more than 58 siblings/],
    [bytes.subarray(0, -1), /beyond the end/],
  ];
  for (const [changed, message] of cases) assert.throws(() => parseContentsProof(changed), message);
});

Deno.test("verifyContentsProof() and parseContentsProof() take any bytes without throwing anything but a fault", () => {
  const { proof, root } = proofOf(smallBlock(), 3);
  const bytes = encodeContentsProof({ ...proof, signature: new Uint8Array(0) });
  const hash = fc.uint8Array({ maxLength: 49 });
  fc.assert(fc.property(
    fc.uint8Array({ maxLength: 40 }),
    fc.array(fc.record({ isFirst: fc.boolean(), hash }), { maxLength: 8 }),
    (item, siblings) => {
      assert.notEqual(check({ item, siblings, signature: new Uint8Array(0) }, root), "ok");
    },
  ));
  fc.assert(fc.property(
    fc.nat({ max: bytes.length - 1 }),
    fc.nat({ max: bytes.length }),
    fc.uint8Array({ maxLength: 20 }),
    (from, length, inserted) => {
      const changed = Uint8Array.from([...bytes.slice(0, from), ...inserted, ...bytes.slice(from + length)]);
      try {
        if (check(parseContentsProof(changed), root) === "ok") assert.deepEqual(changed, bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof HieroFault);
      }
    },
  ));
});

Deno.test("BlockContents proves any item of any generated block to the generator's root", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), (items, seed) => {
      const generator = new ChainGenerator({ sha384: nativeSha384, items, itemBytes: 40, seed: seed + 1 });
      const { bytes, rootHash } = generator.next();
      const contents = new BlockContents(bytes, nativeSha384);
      for (let index = 0; index <= items; index++) {
        assert.equal(check(contents.prove(index, "16-leaf"), rootHash), "ok");
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("BlockContents finds items by kind, by bytes and by leaf hash, equal ones all", () => {
  const twin = item(4, Uint8Array.of(0x0a, 1, 9));
  const bytes = block(header({ number: 1n }), twin, item(5), twin, footer(), tssProof());
  const contents = new BlockContents(bytes, nativeSha384);
  assert.deepEqual(contents.find(twin), [1, 3]);
  assert.deepEqual(contents.find(tssProof()), [5]);
  assert.deepEqual(contents.find(item(6)), []);
  assert.deepEqual([contents.indexOf("signed_transaction", 1), contents.indexOf("signed_transaction", 2)], [
    3,
    undefined,
  ]);
  const { siblings } = contents.prove(1, "16-leaf");
  assert.deepEqual(contents.findHash(siblings[0]!.hash), [1, 3]);
  assert.deepEqual(contents.findHash(EMPTY), []);
  assert.deepEqual([contents.number, contents.length, contents.kindAt(6)], [1n, 6, undefined]);
});

Deno.test("BlockContents.hashing() pauses, and gives the same proofs as hashing at once", () => {
  const items = Array.from({ length: 1_000 }, (_, i) => item(4, Uint8Array.of(0x0a, 2, i >> 8, i & 255)));
  const bytes = block(header({ number: 1n }), ...items, footer(), tssProof());
  const [paused, atOnce] = [0, 1].map(() => new BlockContents(bytes, nativeSha384));
  const pauses = [...paused!.hashing()].length;
  assert.ok(pauses >= 3, `${pauses} pauses`);
  assert.deepEqual([...paused!.hashing()], []);
  assert.deepEqual(paused!.prove(999, "16-leaf"), atOnce!.prove(999, "16-leaf"));
});

Deno.test("BlockContents.prove() refuses what has no path, and says why", () => {
  const contents = smallBlock();
  const last = contents.length - 1;
  for (const index of [last, last - 1]) {
    assert.throws(() => contents.prove(index, "16-leaf"), { type: "UNSUPPORTED_ITEM_TYPE" });
  }
  assert.throws(() => contents.prove(last + 1, "16-leaf"), RangeError);
  const extended = new BlockContents(block(header(), item(28), footer(), tssProof()), nativeSha384);
  assert.equal(check(extended.prove(1, "16-leaf"), extended.roots[0]!.hash), "ok");
  assert.throws(() => extended.prove(1, "8-leaf-one-child"), /no root by rule 8-leaf-one-child/);
  const odd = new BlockContents(
    block(header(), footer(EMPTY, EMPTY, EMPTY.slice(1)), tssProof()),
    nativeSha384,
  );
  assert.throws(() => odd.prove(0, "16-leaf"), /its state root has 47 bytes/);
  const legacy = block(header({ minor: 69 }), footer(), item(ITEM.BLOCK_PROOF, item(5)));
  assert.throws(() => new BlockContents(legacy, nativeSha384), { type: "MISSING_VERIFICATION_DATA" });
  assert.throws(() => new BlockContents(block(header()), nativeSha384), { type: "MISSING_MANDATORY_ITEM" });
});

Deno.test("BlockContents.prove() has no signature for a block whose proof signs another root", () => {
  const contents = new BlockContents(block(header(), footer(), stateProof(EMPTY)), nativeSha384);
  assert.equal(contents.prove(0, "16-leaf").signature.length, 0);
});
