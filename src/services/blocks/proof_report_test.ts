import assert from "node:assert/strict";
import { vectorTest } from "../../../tests/vectors.ts";
import { contentsProofToJson } from "../../protocols/hiero/contents_file.ts";
import {
  type ContentsProof,
  encodeContentsProof,
  verifyContentsProof,
} from "../../protocols/hiero/contents_proof.ts";
import { BlockContents } from "../../protocols/hiero/contents_tree.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { readProofParts } from "../../protocols/hiero/proofs/proof_parts.ts";
import type { VerifiedProofKind } from "../../protocols/hiero/proofs/proof_verifier.ts";
import { proofVerifier } from "../../protocols/hiero/proofs/_vectors.ts";
import { listBlockFiles, readBlockFile } from "./block_files.ts";
import { type ProofReportOptions, toProofReport } from "./proof_report.ts";
import { makeChain } from "./_testing.ts";

const NOBODY: ProofReportOptions = {
  verifier: proofVerifier(),
  requireProofs: false,
  signedRoot: () => undefined,
};

/** Blocks 0, 4 and 5 of a real chain: block 4 carries a state proof, so no signature of its own root. */
async function openReal(vectors: string) {
  const files = await listBlockFiles([`${vectors}/block-node/CN_11_12_TSS_SCHNORR`]);
  const blocks = await Promise.all(files.map(readBlockFile));
  const tss = readProofParts(blocks[0]!, 0n).publication;
  const prove = (number: number) => new BlockContents(blocks[number]!, nativeSha384).prove(7, "16-leaf");
  return { options: { ...NOBODY, verifier: proofVerifier({ tss, addressBooks: [] }) }, prove };
}

function asJson(proof: ContentsProof): Uint8Array {
  const verdict = verifyContentsProof(proof, nativeSha384);
  assert.ok(verdict.status === "ok");
  const { kind, rule, rootHash } = verdict;
  const claims = { blockNumber: 5n, itemIndex: 7, itemKind: kind, hashRule: rule, rootHash };
  return new TextEncoder().encode(contentsProofToJson(proof, claims));
}

const VERIFIED = { status: "verified", kinds: ["tss-schnorr"] };

vectorTest(
  "toProofReport() checks the signature of a proof over the root its path leads to",
  async (vectors) => {
    const { options, prove } = await openReal(vectors);
    const proof = prove(5);
    const json = toProofReport(asJson(proof), options);
    assert.partialDeepStrictEqual(json, {
      ok: true,
      rootFrom: "signature",
      proof: VERIFIED,
      blockNumber: "5",
    });
    // The bytes alone name no root: the signature is what says that it is one.
    const bytes = toProofReport(encodeContentsProof(proof), options);
    assert.partialDeepStrictEqual(bytes, { ok: true, rootFrom: "signature", proof: VERIFIED });
    const root = Uint8Array.fromHex(json.rootHash!);
    const given = toProofReport(encodeContentsProof(proof), { ...options, root, requireProofs: true });
    assert.partialDeepStrictEqual(given, { ok: true, rootFrom: "option", proof: VERIFIED });
  },
);

vectorTest(
  "toProofReport() refuses a signature that is changed, cut, or of another root",
  async (vectors) => {
    const { options, prove } = await openReal(vectors);
    const proof = prove(5);
    const { signature } = proof;
    const changed = [
      ...[3, 700, 1_500, 2_000, 2_800].map((at) => signature.with(at, signature[at]! ^ 1)),
      signature.subarray(1),
      // Block 0 is signed under the same keys.
      prove(0).signature,
    ];
    for (const [i, other] of changed.entries()) {
      const report = toProofReport(asJson({ ...proof, signature: other }), options);
      assert.deepEqual([report.ok, report.verdict, report.detail?.["check"]], [
        false,
        "BAD_BLOCK_PROOF",
        "proof",
      ], `${i}`);
    }
    // A path to another root: another item under the same signature.
    const other = { ...proof, item: prove(4).item };
    const report = toProofReport(encodeContentsProof(other), options);
    assert.deepEqual([report.ok, report.verdict], [false, "BAD_BLOCK_PROOF"]);
  },
);

vectorTest(
  "toProofReport() takes the root of a block that was verified before for a proof without signature",
  async (vectors) => {
    const { options, prove } = await openReal(vectors);
    const proof = prove(4);
    assert.equal(proof.signature.length, 0);
    assert.partialDeepStrictEqual(toProofReport(asJson(proof), options), {
      ok: true,
      rootFrom: "file",
      proof: { status: "unverified", reason: "no-signature" },
    });
    const required = toProofReport(asJson(proof), { ...options, requireProofs: true });
    assert.deepEqual([required.ok, required.verdict], [false, "MISSING_VERIFICATION_DATA"]);
    const kinds: readonly VerifiedProofKind[] = ["state-proof-schnorr"];
    const { rootHash } = toProofReport(asJson(proof), options);
    const signedRoot = (root: string) => root === rootHash ? kinds : undefined;
    assert.partialDeepStrictEqual(toProofReport(encodeContentsProof(proof), { ...options, signedRoot }), {
      ok: true,
      rootFrom: "signature",
      proof: { status: "verified", kinds },
    });
  },
);

Deno.test("toProofReport() without keys leaves signatures unverified, unless they are required", () => {
  const proof = new BlockContents(makeChain(1)[0]!, nativeSha384).prove(3, "16-leaf");
  const unverified = { status: "unverified", reason: "no-verification-data" };
  const file = asJson({ ...proof });
  assert.partialDeepStrictEqual(toProofReport(file, NOBODY), {
    ok: true,
    rootFrom: "file",
    proof: unverified,
  });
  for (
    const [bytes, options, check] of [
      [file, { ...NOBODY, requireProofs: true }, "proof"],
      [encodeContentsProof(proof), NOBODY, "root"],
    ] as const
  ) {
    const { ok, verdict, detail } = toProofReport(bytes, options);
    assert.deepEqual([ok, verdict, detail?.["check"]], [false, "MISSING_VERIFICATION_DATA", check]);
  }
});
