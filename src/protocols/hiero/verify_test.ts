import { sha384 as nobleSha384 } from "@noble/hashes/sha2.js";
import assert from "node:assert/strict";
import fc from "fast-check";
import { block, EMPTY, footer, header, item, stateProof, tssProof } from "./_blocks.ts";
import { hashLeaf, hashOne, hashTwo, type Sha384 } from "./merkle.ts";
import { nativeSha384 } from "./native_sha384.ts";
import { BlockVerifier } from "./verify.ts";
import type { BlockVerdict, VerifiedBlock } from "./verdict.ts";
import { WireWriter } from "./wire_writer.ts";

const verifier = new BlockVerifier(nativeSha384);
const noble: Sha384 = (input, out) => out.set(nobleSha384(input));

/** Type of the fault, or "ok". */
function outcome(verdict: BlockVerdict): string {
  return verdict.status === "ok" ? "ok" : verdict.fault.type;
}

function accepted(verdict: BlockVerdict): VerifiedBlock {
  assert.equal(verdict.status, "ok", verdict.status === "fault" ? verdict.fault.message : "");
  return verdict as VerifiedBlock;
}

const GOOD = block(header(), item(4, Uint8Array.of(0x0a, 0)), footer(), tssProof());

Deno.test("BlockVerifier.verify() computes the root by the definition, with an independent SHA-384", () => {
  const [head, transaction] = [header(), item(4, Uint8Array.of(0x0a, 0))];
  const two = (l: Uint8Array, r: Uint8Array) => hashTwo(noble, l, r);
  const leaves = [
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    hashLeaf(noble, transaction),
    hashLeaf(noble, head),
    EMPTY,
    EMPTY,
  ];
  const fold = (row: Uint8Array[]): Uint8Array =>
    row.length === 1
      ? row[0]!
      : fold(Array.from({ length: row.length / 2 }, (_, i) => two(row[2 * i]!, row[2 * i + 1]!)));
  const time = hashLeaf(noble, Uint8Array.of(0x08, 0x01));
  const verdict = accepted(verifier.verify(GOOD));
  assert.equal(verdict.rule, "16-leaf");
  assert.deepEqual(verdict.rootHash, two(time, fold([...leaves, ...Array<Uint8Array>(8).fill(EMPTY)])));
  assert.deepEqual(verdict.roots[1]?.hash, two(time, hashOne(noble, fold(leaves))));
});

Deno.test("BlockVerifier.verify() reports what the block says of itself", () => {
  const verdict = accepted(verifier.verify(GOOD));
  assert.equal(verdict.level, "hash-verified");
  assert.equal(verdict.number, 0n);
  assert.equal(verdict.hapiVersion, "0.78.0");
  assert.deepEqual(verdict.timestamp, { seconds: 1n, nanos: 0 });
  assert.deepEqual(verdict.itemCounts, {
    block_header: 1,
    signed_transaction: 1,
    block_footer: 1,
    block_proof: 1,
  });
  assert.deepEqual(verdict.proofs, [{ kind: "tss", field: 2, signatureBytes: 2920 }]);
  assert.equal(verdict.link.status, "unchecked");
});

Deno.test("BlockVerifier.verify() leaves the bytes as they were, owned or not", () => {
  const before = GOOD.slice();
  verifier.verify(GOOD, { ownsBytes: true });
  verifier.verify(GOOD);
  assert.deepEqual(GOOD, before);
});

Deno.test("BlockVerifier.verify() refuses a block without its mandatory items", () => {
  assert.equal(outcome(verifier.verify(block())), "MISSING_MANDATORY_ITEM");
  assert.equal(outcome(verifier.verify(block(header(), tssProof()))), "MISSING_MANDATORY_ITEM");
  assert.equal(outcome(verifier.verify(block(header(), footer()))), "MISSING_MANDATORY_ITEM");
  assert.equal(outcome(verifier.verify(block(footer(), header(), tssProof()))), "MISSING_VERIFICATION_DATA");
});

Deno.test("BlockVerifier.verify() refuses a block without its mandatory fields", () => {
  const none = new Uint8Array(0);
  for (
    const bad of [
      block(header({ minor: undefined }), footer(), tssProof()),
      block(header({ seconds: undefined }), footer(), tssProof()),
      block(header(), footer(none), tssProof()),
      block(header(), footer(EMPTY, none), tssProof()),
      block(header(), footer(EMPTY, EMPTY, none), tssProof()),
      block(header(), item(10), footer(), tssProof()),
    ]
  ) assert.equal(outcome(verifier.verify(bad)), "MISSING_MANDATORY_FIELD");
});

Deno.test("BlockVerifier.verify() holds the first two footer hashes to 48 bytes and takes the third as it is", () => {
  const short = new Uint8Array(47);
  assert.equal(outcome(verifier.verify(block(header(), footer(short), tssProof()))), "UNKNOWN_ERROR");
  assert.equal(outcome(verifier.verify(block(header(), footer(EMPTY, short), tssProof()))), "UNKNOWN_ERROR");
  assert.equal(outcome(verifier.verify(block(header(), footer(EMPTY, EMPTY, short), tssProof()))), "ok");
});

Deno.test("BlockVerifier.verify() refuses second headers, footers and record files", () => {
  const record = item(10, new WireWriter().bytes(2, new Uint8Array(3)).finish());
  for (
    const bad of [
      block(header(), header(), footer(), tssProof()),
      block(header(), footer(), footer(), tssProof()),
      block(header(), record, record, footer(), tssProof()),
    ]
  ) assert.equal(outcome(verifier.verify(bad)), "UNSUPPORTED_STREAM_FORMAT");
});

Deno.test("BlockVerifier.verify() refuses items no node can hash", () => {
  for (const field of [8, 13, 18, 19, 21, 22, 36, 38]) {
    assert.equal(
      outcome(verifier.verify(block(header(), item(field), footer(), tssProof()))),
      "UNSUPPORTED_ITEM_TYPE",
    );
  }
  const double = new Uint8Array([...item(4), ...item(5)]);
  assert.equal(
    outcome(verifier.verify(block(header(), double, footer(), tssProof()))),
    "UNSUPPORTED_STREAM_FORMAT",
  );
  assert.equal(
    outcome(verifier.verify(block(header(), new Uint8Array(0), footer(), tssProof()))),
    "UNKNOWN_ERROR",
  );
});

Deno.test("BlockVerifier.verify() hashes future items where their number says", () => {
  const roots = [20, 23, 24, 28, 35, 39].map((field) =>
    accepted(verifier.verify(block(header(), item(field), footer(), tssProof()), { subtreeRoots: true }))
  );
  const leafOf = (field: number) => hashLeaf(noble, item(field));
  assert.deepEqual(roots[1]?.subtreeRoots?.["consensusHeaders"], leafOf(23));
  assert.deepEqual(roots[2]?.subtreeRoots?.["inputs"], leafOf(24));
  assert.deepEqual(roots[3]?.subtreeRoots?.["extension0"], leafOf(28));
  assert.deepEqual(roots[4]?.subtreeRoots?.["extension7"], leafOf(35));
  assert.deepEqual(roots[3]?.roots.map(({ rule }) => rule), ["16-leaf"]);
  const plain = accepted(verifier.verify(block(header(), footer(), tssProof())));
  assert.deepEqual([roots[0]?.rootHash, roots[5]?.rootHash], [plain.rootHash, plain.rootHash]);
});

Deno.test("BlockVerifier.verify() wants readable transactions in block 0 only", () => {
  const garbage = item(4, Uint8Array.of(0xff));
  const body = item(4, Uint8Array.of(0x0a, 1, 0xff));
  assert.equal(outcome(verifier.verify(block(header(), garbage, footer(), tssProof()))), "UNABLE_TO_PARSE");
  assert.equal(outcome(verifier.verify(block(header(), body, footer(), tssProof()))), "UNABLE_TO_PARSE");
  assert.equal(outcome(verifier.verify(block(header({ number: 1n }), garbage, footer(), tssProof()))), "ok");
});

Deno.test("BlockVerifier.verify() judges the shape of proofs", () => {
  const proof = (payload: Uint8Array) =>
    outcome(verifier.verify(block(header(), footer(), item(9, payload))));
  const record = new WireWriter().bytes(
    4,
    new WireWriter().varint(1, 6).bytes(2, new Uint8Array(2)).finish(),
  );
  assert.equal(outcome(verifier.verify(block(header(), footer(), tssProof(3432)))), "ok");
  assert.equal(outcome(verifier.verify(block(header(), footer(), tssProof(2919)))), "BAD_BLOCK_PROOF");
  assert.equal(proof(new WireWriter().bytes(2, new Uint8Array(0)).finish()), "BAD_BLOCK_PROOF");
  assert.equal(proof(new WireWriter().bytes(4, new Uint8Array(0)).finish()), "BAD_BLOCK_PROOF");
  assert.equal(proof(record.finish()), "MISSING_VERIFICATION_DATA");
  assert.equal(proof(new WireWriter().bytes(7, new Uint8Array(0)).finish()), "MISSING_MANDATORY_ITEM");
  assert.equal(proof(new Uint8Array(0)), "MISSING_MANDATORY_ITEM");
  assert.equal(
    outcome(
      verifier.verify(
        block(header(), footer(), item(9, new WireWriter().bytes(7, EMPTY).finish()), tssProof()),
      ),
    ),
    "ok",
  );
});

Deno.test("BlockVerifier.verify() wants a state proof to be about this block's root, and learns the rule from it", () => {
  const { roots } = accepted(verifier.verify(block(header(), footer(), tssProof())));
  const judge = (proof: Uint8Array) => verifier.verify(block(header(), footer(), proof));
  for (const root of roots) {
    const verdict = accepted(judge(stateProof(root.hash)));
    assert.deepEqual([verdict.rule, verdict.rootHash, verdict.roots.length], [root.rule, root.hash, 1]);
  }
  const root = roots[0]!.hash;
  assert.equal(outcome(judge(stateProof(EMPTY))), "BAD_BLOCK_PROOF");
  assert.equal(outcome(judge(stateProof(root, { paths: 2 }))), "BAD_BLOCK_PROOF");
  assert.equal(outcome(judge(stateProof(root, { signed: false }))), "BAD_BLOCK_PROOF");
  const torn = block(header(), footer(), stateProof(root), stateProof(roots[1]!.hash));
  assert.equal(outcome(verifier.verify(torn)), "BAD_BLOCK_PROOF");
});

Deno.test("BlockVerifier.verify() checks number and link against the block before", () => {
  const first = accepted(verifier.verify(GOOD));
  const next = (previous: Uint8Array, number = 1n) => block(header({ number }), footer(previous), tssProof());
  for (const root of first.roots) {
    const verdict = accepted(verifier.verify(next(root.hash), { previous: first }));
    assert.deepEqual(verdict.link, { status: "confirmed", previousRule: root.rule, previousRoot: root.hash });
  }
  const broken = verifier.verify(next(EMPTY), { previous: first });
  assert.ok(broken.status === "fault");
  assert.deepEqual([broken.number, broken.fault.type, broken.fault.detail.check], [
    1n,
    "BAD_BLOCK_PROOF",
    "previous-hash",
  ]);
  const warned = accepted(verifier.verify(next(EMPTY), { previous: first, onBrokenLink: "warn" }));
  assert.deepEqual([warned.link.status, warned.warnings[0]?.detail.check], ["broken", "previous-hash"]);
  assert.equal(
    outcome(verifier.verify(next(first.roots[0]!.hash, 2n), { previous: first })),
    "MISSING_VERIFICATION_DATA",
  );
  assert.equal(outcome(verifier.verify(GOOD, { expectedNumber: 3n })), "MISSING_VERIFICATION_DATA");
  assert.equal(
    outcome(verifier.verify(block(header(), footer(new Uint8Array(48)), tssProof()))),
    "BAD_BLOCK_PROOF",
  );
});

Deno.test("BlockVerifier.verify() tries the older rule first for older HAPI versions, and keeps a rule once known", () => {
  const rule = (minor: number, options = {}) =>
    accepted(verifier.verify(block(header({ minor }), footer(), tssProof()), options)).rule;
  assert.deepEqual([72, 73, 74, 78].map((minor) => rule(minor)), [
    "8-leaf-one-child",
    "8-leaf-one-child",
    "16-leaf",
    "16-leaf",
  ]);
  assert.equal(rule(73, { knownRule: { hapiVersion: "0.73.0", rule: "16-leaf" } }), "16-leaf");
  assert.equal(rule(73, { knownRule: { hapiVersion: "0.72.0", rule: "16-leaf" } }), "8-leaf-one-child");
});

Deno.test("BlockVerifier.verify() refuses an unknown hash algorithm", () => {
  assert.equal(
    outcome(verifier.verify(block(header({ algorithm: 1 }), footer(), tssProof()))),
    "UNSUPPORTED_STREAM_FORMAT",
  );
});

Deno.test("BlockVerifier.verify() answers any bytes with a verdict", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(verifier.verify(bytes).status, "fault");
    }),
    { numRuns: 1000 },
  );
  const flips = fc.array(fc.tuple(fc.nat(GOOD.length - 1), fc.integer({ min: 1, max: 255 })), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(flips, fc.nat(GOOD.length), (changes, length) => {
      const bytes = GOOD.slice(0, length);
      for (const [at, mask] of changes) if (at < length) bytes[at]! ^= mask;
      assert.match(verifier.verify(bytes).status, /^(ok|fault)$/);
    }),
    { numRuns: 1000 },
  );
});
