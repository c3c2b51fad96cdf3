import assert from "node:assert/strict";
import fc from "fast-check";
import { block, footer, header, item, tssProof } from "./_blocks.ts";
import {
  contentsProofToJson,
  isContentsProof,
  readContentsProof,
  verifyContentsFile,
} from "./contents_file.ts";
import { encodeContentsProof } from "./contents_proof.ts";
import { BlockContents } from "./contents_tree.ts";
import { HieroFault } from "./fault.ts";
import { nativeSha384 } from "./native_sha384.ts";

const BLOCK = block(header({ number: 7n }), item(4), item(5), item(4, item(2)), footer(), tssProof());

function proofFile(itemIndex: number) {
  const contents = new BlockContents(BLOCK, nativeSha384);
  const proof = { ...contents.prove(itemIndex, "16-leaf"), signature: new Uint8Array(0) };
  const rootHash = contents.roots[0]!.hash;
  const itemKind = contents.kindAt(itemIndex)!;
  const claims = { blockNumber: 7n, itemIndex, itemKind, hashRule: "16-leaf", rootHash };
  return { proof, claims, rootHash, json: contentsProofToJson(proof, claims) };
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** `ok`, or the check that refuses this file. */
function outcome(bytes: Uint8Array, root?: Uint8Array): string {
  try {
    const verdict = verifyContentsFile(readContentsProof(bytes), nativeSha384, root);
    return verdict.status === "ok" ? "ok" : verdict.fault.detail.check;
  } catch (thrown) {
    assert.ok(thrown instanceof HieroFault);
    return thrown.detail.check;
  }
}

Deno.test("readContentsProof() reads back both forms of a proof", () => {
  const { proof, claims, json, rootHash } = proofFile(3);
  assert.deepEqual(readContentsProof(bytesOf(json)), { proof, claims });
  assert.deepEqual(readContentsProof(encodeContentsProof(proof)), { proof, claims: undefined });
  assert.equal(outcome(bytesOf(json)), "ok");
  assert.equal(outcome(encodeContentsProof(proof), rootHash), "ok");
  assert.equal(outcome(encodeContentsProof(proof)), "root");
});

Deno.test("isContentsProof() tells proofs from blocks, by content", () => {
  const { proof, json } = proofFile(0);
  assert.equal(isContentsProof(bytesOf(json)), true);
  assert.equal(isContentsProof(encodeContentsProof(proof)), true);
  for (const other of [BLOCK, BLOCK.subarray(0, 20), new Uint8Array(0), Uint8Array.of(0xff), item(1)]) {
    assert.equal(isContentsProof(other), false);
  }
});

Deno.test("verifyContentsFile() refuses every changed character of a JSON proof but its place in the chain", () => {
  const { json } = proofFile(3);
  const bytes = bytesOf(json);
  const passed: number[] = [];
  for (let at = 1; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    if (outcome(changed) === "ok") passed.push(at);
  }
  // No path shows these two; all else is held to it.
  const unproven = ['"7"', '"itemIndex":3'].map((text) =>
    json.indexOf(text) + text.length - (text === '"7"' ? 2 : 1)
  );
  assert.deepEqual(passed, unproven);
});

Deno.test("verifyContentsFile() holds a file to what it claims and to the root it is given", () => {
  const { proof, claims, rootHash } = proofFile(0);
  const other = rootHash.with(0, rootHash[0]! ^ 1);
  const cases: [Partial<typeof claims>, Uint8Array | undefined, string][] = [
    [{}, undefined, "ok"],
    [{}, rootHash, "ok"],
    [{}, other, "root"],
    [{ rootHash: other }, undefined, "root"],
    [{ rootHash: other }, rootHash, "root"],
    [{ itemKind: "state_changes" }, undefined, "structure"],
    [{ hashRule: "8-leaf-one-child" }, undefined, "path"],
    [{ blockNumber: 8n }, undefined, "number"],
    [{ itemIndex: 1 }, undefined, "number"],
  ];
  for (const [changed, root, expected] of cases) {
    assert.equal(outcome(bytesOf(contentsProofToJson(proof, { ...claims, ...changed })), root), expected);
  }
});

Deno.test("readContentsProof() refuses JSON of another shape", () => {
  const good = JSON.parse(proofFile(3).json);
  const cases: [unknown, RegExp][] = [
    [{ ...good, more: 1 }, /unknown key/],
    [{ ...good, rootHash: undefined }, /no rootHash/],
    [{ ...good, rootHash: "00" }, /rootHash must be 48 bytes/],
    [{ ...good, rootHash: 5 }, /rootHash is no lower-case/],
    [{ ...good, blockItem: "ABCD" }, /blockItem is no lower-case/],
    [{ ...good, blockItem: "abc" }, /blockItem is no lower-case/],
    [{ ...good, blockNumber: 7 }, /blockNumber/],
    [{ ...good, blockNumber: "-1" }, /blockNumber/],
    [{ ...good, itemIndex: 1.5 }, /itemIndex/],
    [{ ...good, itemIndex: "1" }, /itemIndex/],
    [{ ...good, itemKind: 4 }, /itemKind/],
    [{ ...good, hashRule: null }, /hashRule/],
    [{ ...good, siblingHashes: {} }, /no list/],
    [{ ...good, siblingHashes: Array(59).fill(good.siblingHashes[0]) }, /more than 58/],
    [{ ...good, siblingHashes: [null] }, /sibling 0 is no object/],
    [{ ...good, siblingHashes: [{ isFirst: 1, siblingHash: "" }] }, /isFirst/],
    [{ ...good, siblingHashes: [{ isFirst: true }] }, /no siblingHash/],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => readContentsProof(bytesOf(JSON.stringify(value))), message);
  }
  assert.throws(() => readContentsProof(bytesOf("{")), { type: "UNABLE_TO_PARSE" });
  assert.throws(() => readContentsProof(Uint8Array.of(0x7b, 0xff)), { type: "UNABLE_TO_PARSE" });
});

Deno.test("readContentsProof() and isContentsProof() take any bytes without throwing anything but a fault", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, json) => {
    const file = json ? Uint8Array.from([0x7b, ...bytes]) : bytes;
    isContentsProof(file);
    assert.notEqual(outcome(file), "ok");
  }));
});
