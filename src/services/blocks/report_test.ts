import assert from "node:assert/strict";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { BlockVerifier } from "../../protocols/hiero/verify.ts";
import { makeChain, withBrokenLink } from "./_testing.ts";
import { toVerdictReport } from "./report.ts";

const OK_KEYS = [
  "number",
  "verdict",
  "ok",
  "rootHash",
  "previousHash",
  "hashRule",
  "hapiVersion",
  "consensusTime",
  "items",
  "bytes",
  "proofs",
  "link",
  "proof",
];

Deno.test("toVerdictReport() has the same keys for every block that passed and for every one that did not", () => {
  const verifier = new BlockVerifier(nativeSha384);
  const [block] = makeChain(1);
  const report = toVerdictReport(verifier.verify(block!));
  assert.deepEqual(Object.keys(report), OK_KEYS);
  assert.partialDeepStrictEqual(report, {
    number: "0",
    verdict: "hash-verified",
    ok: true,
    consensusTime: "1767225600.000000000",
    bytes: block!.length,
    link: "unchecked",
    proof: { status: "unchecked" },
  });
  assert.deepEqual(report.proofs, [{ kind: "tss", signatureBytes: 2920 }]);
  for (const bad of [withBrokenLink(block!), new Uint8Array(0)]) {
    const refused = toVerdictReport(verifier.verify(bad));
    assert.deepEqual(Object.keys(refused), ["number", "verdict", "ok", "message", "detail"]);
    assert.equal(refused.ok, false);
  }
});
