import assert from "node:assert/strict";
import { vectorTest } from "../../../../tests/vectors.ts";
import { nativeSha384 } from "../native_sha384.ts";
import { WireWriter } from "../wire_writer.ts";
import { readProofParts } from "./proof_parts.ts";
import { parseStateProof, startsAt, walkStateProof } from "./state_proof.ts";
import { readProofIndex, readVector, SETS } from "./_vectors.ts";

vectorTest("walkStateProof() leads from blocks 1 to 4 to the root of block 5", (dir) => {
  const entries = readProofIndex(dir).filter(({ set }) => set === SETS.TSS);
  const signed = entries.find(({ blockNumber }) => blockNumber === 5)!.blockRootHash;
  for (const entry of entries.filter(({ proofs }) => proofs[0]!.kind === "stateProof")) {
    const { proofs } = readProofParts(readVector(dir, entry.file), BigInt(entry.blockNumber));
    const walked = walkStateProof(parseStateProof(proofs[0]!.content), nativeSha384);
    assert.equal(walked.signedRoot.toHex(), signed, entry.file);
    assert.ok(startsAt(walked, Uint8Array.fromHex(entry.blockRootHash)), entry.file);
    assert.equal(startsAt(walked, new Uint8Array(48)), false);
  }
});

const ROOT = 0xffff_ffff;
const hash = (fill: number) => new Uint8Array(48).fill(fill);

interface PathParts {
  readonly hash?: Uint8Array;
  readonly timestamp?: Uint8Array;
  readonly next?: number;
  readonly siblings?: readonly (readonly [left: boolean, hash: Uint8Array])[];
}

function proofOf(...paths: readonly PathParts[]): ReturnType<typeof parseStateProof> {
  const proof = new WireWriter();
  for (const { hash, timestamp, next, siblings = [] } of paths) {
    const path = new WireWriter();
    for (const [left, sibling] of siblings) {
      const node = new WireWriter();
      if (left) node.varint(1, 1);
      path.bytes(1, node.bytes(2, sibling).finish());
    }
    if (next !== undefined) path.varint(2, next);
    if (hash !== undefined) path.bytes(3, hash);
    if (timestamp !== undefined) path.bytes(6, timestamp);
    proof.bytes(1, path.finish());
  }
  return parseStateProof(proof.finish());
}

function h(...parts: readonly (number | Uint8Array)[]): Uint8Array {
  const bytes = Uint8Array.from(parts.flatMap((part) => typeof part === "number" ? [part] : [...part]));
  const out = new Uint8Array(48);
  nativeSha384(bytes, out);
  return out;
}

Deno.test("walkStateProof() puts the branch with the lower start left, hashes leaves and folds siblings upwards", () => {
  const { signedRoot } = walkStateProof(
    proofOf(
      { next: 2, timestamp: Uint8Array.of(8, 1) },
      { next: 2, hash: hash(1), siblings: [[false, hash(2)], [true, hash(3)], [false, new Uint8Array(0)]] },
      { next: ROOT, siblings: [[true, hash(4)]] },
    ),
    nativeSha384,
  );
  const right = h(1, h(2, hash(3), h(2, hash(1), hash(2))));
  assert.deepEqual(signedRoot, h(2, hash(4), h(2, h(0, Uint8Array.of(8, 1)), right)));
});

Deno.test("walkStateProof() needs no leaf in front: an empty content is none, and an absent index is 0", () => {
  const { signedRoot } = walkStateProof(
    proofOf({ next: ROOT, hash: new Uint8Array(0) }, { hash: hash(1) }, { hash: hash(2) }),
    nativeSha384,
  );
  assert.deepEqual(signedRoot, h(2, hash(1), hash(2)));
});

for (
  const [reason, paths] of [
    ["needs 3 paths", [{ next: ROOT, hash: hash(1) }, { next: ROOT }]],
    ["points at path 9", [{ next: 9, hash: hash(1) }, { next: 2, hash: hash(2) }, { next: ROOT }]],
    ["which is a leaf", [{ next: 1, hash: hash(1) }, { next: 2, hash: hash(2) }, { next: ROOT }]],
    ["path 2 is left over", [{ next: ROOT, hash: hash(1) }, { next: ROOT }, { next: 1, hash: hash(2) }]],
    ["leaves a branch alone", [{ next: 2, hash: hash(1) }, { next: ROOT, hash: hash(2) }, { next: ROOT }]],
    ["reaches no root", [{ next: 2, hash: hash(1) }, { next: 2, hash: hash(2) }, { next: 3 }, {
      next: ROOT,
    }]],
    ["joins path 2 twice", [{ next: 2, hash: hash(1) }, { next: 2, hash: hash(2) }, { next: 2 }]],
    ["a path nobody visits", [
      { next: 2, hash: hash(1) },
      { next: 2, hash: hash(2) },
      { next: ROOT },
      { next: ROOT },
    ]],
    ["starts from 47 bytes", [{ next: 2, hash: hash(1).subarray(1) }, { next: 2, hash: hash(2) }, {
      next: ROOT,
    }]],
    ["a sibling of 5 bytes", [
      { next: 2, hash: hash(1), siblings: [[true, hash(1).subarray(43)]] },
      { next: 2, hash: hash(2) },
      { next: ROOT },
    ]],
  ] as readonly (readonly [string, readonly PathParts[]])[]
) {
  Deno.test(`walkStateProof() refuses paths of which one ${reason}`, () => {
    assert.throws(() => walkStateProof(proofOf(...paths), nativeSha384), { message: new RegExp(reason) });
  });
}
