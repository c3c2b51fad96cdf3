import assert from "node:assert/strict";
import { vectorTest } from "../../../../tests/vectors.ts";
import { ChainVerifier } from "../chain.ts";
import { ChainGenerator } from "../generate.ts";
import { nativeSha384 } from "../native_sha384.ts";
import { BlockVerifier } from "../verify.ts";
import type { BlockVerdict, VerifiedBlock } from "../verdict.ts";
import { type RawProof, readProofParts } from "./proof_parts.ts";
import type { ProofVerifier } from "./proof_verifier.ts";
import {
  decodeVerificationData,
  encodeVerificationData,
  NO_VERIFICATION_DATA,
  type TssData,
} from "./verification_data.ts";
import { dataFor, proofVerifier, readProofIndex, readVector, seededRandom, SETS } from "./_vectors.ts";

const blockVerifier = new BlockVerifier(nativeSha384);

function verify(bytes: Uint8Array, verifier: ProofVerifier): BlockVerdict {
  return blockVerifier.verify(bytes, {
    proofs: { verifier, onMissingData: "refuse", onUnknownKind: "refuse" },
  });
}

function accepted(verdict: BlockVerdict, what: string): VerifiedBlock {
  assert.ok(verdict.status === "ok", `${what}: ${verdict.status === "fault" && verdict.fault.message}`);
  return verdict;
}

function readSet(dir: string, set: string): Uint8Array[] {
  return readProofIndex(dir).filter((entry) => entry.set === set).map(({ file }) => readVector(dir, file));
}

vectorTest(
  "ProofVerifier.verify() accepts every real block of a known generation by its proper proof",
  (dir) => {
    const kinds: Record<string, number> = {};
    for (const entry of readProofIndex(dir).filter(({ set }) => !set.startsWith("SIM"))) {
      const verdict = accepted(
        verify(readVector(dir, entry.file), proofVerifier(dataFor(dir, entry))),
        entry.file,
      );
      assert.equal(verdict.rootHash?.toHex(), entry.blockRootHash, entry.file);
      assert.ok(verdict.proof.status === "verified");
      for (const kind of verdict.proof.kinds) kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    assert.deepEqual(kinds, {
      "tss-schnorr": 7,
      "state-proof-schnorr": 4,
      "record-file-2": 2,
      "record-file-5": 1,
      "record-file-6": 2,
    });
  },
);

for (const set of [SETS.TSS, SETS.OLDER]) {
  vectorTest(`ChainVerifier.verifyAll() verifies ${set} from nothing: block 0 tells the keys`, (dir) => {
    const blocks = readSet(dir, set);
    const verifier = proofVerifier();
    assert.equal(verifier.data, NO_VERIFICATION_DATA);
    const chain = new ChainVerifier({
      sha384: nativeSha384,
      proofs: { verifier, onMissingData: "refuse", onUnknownKind: "refuse" },
    });
    const verdicts = chain.verifyAll(blocks).map(({ verdict }) => verdict);
    assert.equal(verdicts.length, blocks.length);
    verdicts.forEach((verdict, i) => assert.equal(accepted(verdict, `block ${i}`).proof.status, "verified"));
    const one = new ChainVerifier({
      sha384: nativeSha384,
      proofs: { verifier: proofVerifier(), onMissingData: "refuse", onUnknownKind: "refuse" },
    });
    for (const bytes of blocks) accepted(one.verify(bytes), "one by one");
    assert.deepEqual(one.head, chain.head);
    // What was learned survives storage.
    const stored = decodeVerificationData(encodeVerificationData(verifier.data));
    assert.deepEqual(stored, verifier.data);
    accepted(verify(blocks.at(-1)!, proofVerifier(stored)), "after storage");
  });
}

vectorTest(
  "ChainVerifier.verifyAll() stops at the block whose proof is bad and goes on with its replacement",
  (dir) => {
    const blocks = readSet(dir, SETS.OLDER);
    const chain = new ChainVerifier({
      sha384: nativeSha384,
      proofs: { verifier: proofVerifier(), onMissingData: "refuse", onUnknownKind: "refuse" },
    });
    const bad = blocks[2]!.slice();
    // The last byte of the block: the challenge of the Schnorr suffix.
    bad[bad.length - 1]! ^= 1;
    const verdicts = chain.verifyAll(blocks.with(2, bad)).map(({ verdict }) => verdict);
    assert.deepEqual(verdicts.map(({ status }) => status), ["ok", "ok", "fault"]);
    const last = verdicts[2]!;
    assert.ok(last.status === "fault");
    assert.equal(last.fault.type, "BAD_BLOCK_PROOF");
    assert.equal(last.number, 2n);
    assert.equal(chain.head?.number, 1n);
    const replaced = chain.verifyAll(blocks.slice(2));
    assert.deepEqual(replaced.map(({ verdict, head }) => `${verdict.status} ${head?.number}`), [
      "ok 2",
      "ok 3",
      "ok 4",
    ]);
  },
);

vectorTest("ProofVerifier.verify() refuses a proof that names another block", (dir) => {
  const [, bytes] = readSet(dir, SETS.OLDER) as [Uint8Array, Uint8Array];
  const parts = readProofParts(bytes, 1n);
  const entry = readProofIndex(dir).find(({ set, blockNumber }) => set === SETS.OLDER && blockNumber === 1)!;
  const roots = [{ rule: "8-leaf-one-child", hash: Uint8Array.fromHex(entry.blockRootHash) }] as const;
  const verifier = proofVerifier(dataFor(dir, entry));
  assert.equal(verifier.verify({ ...parts, roots }).status, "verified");
  const proofs = [{ ...parts.proofs[0]!, block: 2n }];
  const verdict = verifier.verify({ ...parts, roots, proofs });
  assert.ok(verdict.status === "fault");
  assert.equal(verdict.fault.detail.step, "block-number");
});

vectorTest(
  "ProofVerifier.verify() wants all proofs to pass, and steps over kinds it does not know",
  (dir) => {
    const entry = readProofIndex(dir).find(({ set, blockNumber }) => set === SETS.TSS && blockNumber === 5)!;
    const verifier = proofVerifier(dataFor(dir, entry));
    const parts = readProofParts(readVector(dir, entry.file), 5n);
    const [good] = parts.proofs;
    const bad = { ...good!, content: good!.content.with(700, good!.content[700]! ^ 1) };
    const unknown = { block: 5n, field: 9, content: new Uint8Array(3) };
    const roots = [{ rule: "16-leaf", hash: Uint8Array.fromHex(entry.blockRootHash) }] as const;
    const status = (...proofs: readonly RawProof[]) => verifier.verify({ ...parts, roots, proofs });
    assert.deepEqual(status(unknown, good!), { status: "verified", kinds: ["tss-schnorr"], root: roots[0] });
    assert.equal(status(good!, bad).status, "fault");
    const verdict = status(unknown);
    assert.ok(verdict.status === "unverified");
    assert.equal(verdict.reason, "unknown-kind");
  },
);

vectorTest(
  "ProofVerifier takes the older hash rule when the signature is over that root, whatever came first",
  (dir) => {
    const entry = readProofIndex(dir).find(({ set, blockNumber }) =>
      set === SETS.OLDER && blockNumber === 3
    )!;
    const bytes = readVector(dir, entry.file);
    const roots = blockVerifier.verify(bytes) as VerifiedBlock;
    const verdict = proofVerifier(dataFor(dir, entry)).verify({
      ...readProofParts(bytes, 3n),
      roots: roots.roots.toReversed(),
    });
    assert.ok(verdict.status === "verified");
    assert.equal(verdict.root?.hash.toHex(), entry.blockRootHash);
  },
);

vectorTest(
  "ProofVerifier refuses a block 0 of another ledger, and one whose roster is not its ledger's",
  (dir) => {
    const [bytes] = readSet(dir, SETS.TSS) as [Uint8Array];
    const parts = readProofParts(bytes, 0n);
    const { ledgerId } = parts.publication!;
    const verdict = verify(bytes, proofVerifier(undefined, ledgerId.map((byte) => byte ^ 1)));
    assert.ok(verdict.status === "fault");
    assert.equal(verdict.fault.detail.step, "ledger-id");
    accepted(verify(bytes, proofVerifier(undefined, ledgerId)), "the expected ledger");

    const roster = parts.publication!.roster.map((entry) => ({ ...entry, weight: entry.weight + 1n }));
    const changed = proofVerifier().verify({
      ...parts,
      publication: { ...parts.publication!, roster },
      roots: [],
    });
    assert.ok(changed.status === "fault");
    assert.equal(changed.fault.detail.step, "ledger-id");
  },
);

vectorTest(
  "ProofVerifier.offerTss() takes data only from a later block, and only of the same ledger if one is set",
  (dir) => {
    const [bytes] = readSet(dir, SETS.TSS) as [Uint8Array];
    const known = readProofParts(bytes, 0n).publication!;
    const verifier = proofVerifier(undefined, known.ledgerId);
    const at = (validFromBlock: bigint): TssData => ({ ...known, validFromBlock });
    assert.ok(verifier.offerTss(at(5n)));
    assert.equal(verifier.offerTss(at(5n)), false);
    assert.equal(verifier.offerTss(at(4n)), false);
    assert.ok(verifier.offerTss(at(6n)));
    assert.equal(verifier.data.tss?.validFromBlock, 6n);
    assert.throws(() => verifier.offerTss({ ...at(7n), ledgerId: new Uint8Array(32) }), {
      message: /not the expected/,
    });
  },
);

Deno.test("ProofVerifier leaves blocks unverified whose keys it does not know, and the policy decides", () => {
  const { bytes } = new ChainGenerator({ sha384: nativeSha384, items: 2, itemBytes: 50 }).next();
  const refused = blockVerifier.verify(bytes, {
    proofs: { verifier: proofVerifier(), onMissingData: "refuse", onUnknownKind: "refuse" },
  });
  assert.ok(refused.status === "fault");
  assert.equal(refused.fault.type, "MISSING_VERIFICATION_DATA");
  const stored = blockVerifier.verify(bytes, {
    proofs: { verifier: proofVerifier(), onMissingData: "accept", onUnknownKind: "refuse" },
  });
  assert.deepEqual(accepted(stored, "accept").proof, {
    status: "unverified",
    reason: "no-verification-data",
  });
});

vectorTest("ProofVerifier.verify() never throws, whatever a proof's bytes are", (dir) => {
  const entries = readProofIndex(dir).filter(({ set }) => !set.startsWith("SIM"));
  const random = seededRandom(99);
  const number = (below: number) => new DataView(random(4).buffer).getUint32(0) % below;
  for (const entry of entries) {
    const verifier = proofVerifier(dataFor(dir, entry));
    const parts = readProofParts(readVector(dir, entry.file), BigInt(entry.blockNumber));
    const roots = [{ rule: "16-leaf", hash: Uint8Array.fromHex(entry.blockRootHash) }] as const;
    const { content } = parts.proofs[0]!;
    for (let i = 0; i < 60; i++) {
      const bytes = i % 3 === 0
        ? random(number(content.length))
        : content.slice(0, content.length - number(200));
      for (let j = 0; j < 3; j++) bytes[number(bytes.length + 1)] = number(256);
      const proofs = [{ block: parts.header.number, field: 2 + i % 3, content: bytes }];
      const { status } = verifier.verify({ ...parts, proofs, roots });
      assert.notEqual(status, "verified");
    }
  }
});
