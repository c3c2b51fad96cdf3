import assert from "node:assert/strict";
import { vectorTest } from "../../../../tests/vectors.ts";
import type { HieroFault } from "../fault.ts";
import { HINTS_KEY_BYTES, type HintsKey, prepareHintsKey } from "./hints_key.ts";
import { decodeHintsSignature, HINTS_SIGNATURE_BYTES } from "./hints_signature.ts";
import { type HintsClaim, verifyHints } from "./hints_verify.ts";
import { verifyHintsPlainly } from "./_plain.ts";
import { readProofParts } from "./proof_parts.ts";
import { type IndexedProof, readProofIndex, readVector, seededRandom, signatureOf } from "./_vectors.ts";

interface Signed extends HintsClaim {
  readonly entry: IndexedProof;
  readonly keyBytes: Uint8Array;
  readonly signatureBytes: Uint8Array;
}

function readSigned(dir: string): Signed[] {
  const keys = new Map<string, HintsKey>();
  return readProofIndex(dir).filter(({ proofs }) => proofs[0]!.kind === "tss").map((entry) => {
    const bytes = signatureOf(readProofParts(readVector(dir, entry.file), BigInt(entry.blockNumber)));
    const keyBytes = bytes.subarray(0, HINTS_KEY_BYTES);
    const signatureBytes = bytes.subarray(HINTS_KEY_BYTES, HINTS_KEY_BYTES + HINTS_SIGNATURE_BYTES);
    const key = keys.get(keyBytes.toHex()) ?? prepareHintsKey(keyBytes);
    keys.set(keyBytes.toHex(), key);
    return {
      entry,
      key,
      keyBytes,
      signatureBytes,
      signature: decodeHintsSignature(signatureBytes, key),
      message: Uint8Array.fromHex(entry.blockRootHash),
    };
  });
}

vectorTest("decodeHintsSignature() derives the challenge of every real signature", (dir) => {
  for (const { entry, key, signature } of readSigned(dir)) {
    const { n, totalWeight, aggregateWeight, fiatShamirR_be } = entry.tss!;
    assert.equal(key.n, BigInt(n!), entry.file);
    assert.equal(key.totalWeight, BigInt(totalWeight!), entry.file);
    assert.equal(signature.aggregateWeight, BigInt(aggregateWeight!), entry.file);
    assert.equal(signature.challenge.toString(16).padStart(64, "0"), fiatShamirR_be, entry.file);
  }
});

vectorTest(
  "verifyHints() accepts every real signature alone, all together, and as the plain form does",
  (dir) => {
    const signed = readSigned(dir);
    assert.deepEqual(verifyHints(signed, seededRandom()), signed.map(() => undefined));
    for (const claim of signed) {
      assert.deepEqual(
        verifyHints([claim], seededRandom()),
        [undefined],
        claim.entry.file,
      );
    }
    const { keyBytes, signatureBytes, message } = signed[1]!;
    assert.ok(verifyHintsPlainly(keyBytes, signatureBytes, message));
    assert.equal(verifyHintsPlainly(keyBytes, signatureBytes, signed[0]!.message), false);
  },
);

vectorTest("verifyHints() finds the bad ones in a batch, wherever they stand", (dir) => {
  const signed = readSigned(dir);
  const batch = Array.from({ length: 12 }, (_, i) => signed[i % signed.length]!);
  for (const bad of [[0], [11], [4, 5], [2, 9]]) {
    const claims = batch.map((claim, i) =>
      bad.includes(i) ? { ...claim, message: new Uint8Array(48) } : claim
    );
    const faults = verifyHints(claims, seededRandom(bad[0]! + 3));
    assert.deepEqual(faults.flatMap((fault, i) => fault === undefined ? [] : [i]), bad);
    for (const at of bad) assert.equal((faults[at] as HieroFault).detail.step, "hints-pairing");
  }
});

vectorTest(
  "verifyHints() refuses two signatures that hold only together: each has a factor of its own",
  (dir) => {
    const [, , a, b] = readSigned(dir) as [Signed, Signed, Signed, Signed];
    const withSignatureOf = (claim: Signed, other: Signed) => ({
      ...claim,
      signature: { ...claim.signature, aggregateSignature: other.signature.aggregateSignature },
    });
    // The sum of both is what it was, and no challenge depends on it.
    const faults = verifyHints([withSignatureOf(a, b), withSignatureOf(b, a)], seededRandom());
    assert.deepEqual(faults.map((fault) => (fault as HieroFault | undefined)?.detail.step), [
      "hints-pairing",
      "hints-pairing",
    ]);
  },
);

vectorTest("verifyHints() refuses commitments, openings and evaluations that are exchanged", (dir) => {
  const [{ key, signature, message }] = readSigned(dir) as [Signed];
  const { points } = signature;
  const names = Object.keys(points) as (keyof typeof points)[];
  names.forEach((name, i) => {
    const other = names[(i + 1) % names.length]!;
    const exchanged = { ...signature, points: { ...points, [name]: points[other], [other]: points[name] } };
    const [fault] = verifyHints([{ key, signature: exchanged, message }], seededRandom(i + 1));
    assert.equal((fault as HieroFault).detail.step, "hints-pairing", `${name} and ${other}`);
  });
});

vectorTest(
  "decodeHintsSignature() and verifyHints() refuse one flipped bit in every cell of 32 bytes",
  (dir) => {
    const [, { key, signatureBytes, message }] = readSigned(dir) as [Signed, Signed];
    for (let at = 0; at < signatureBytes.length; at += 32) {
      const flipped = signatureBytes.slice();
      flipped[at + (at / 32) % 32]! ^= 1 << at % 7;
      assert.throws(
        () => {
          const [fault] = verifyHints(
            [{ key, signature: decodeHintsSignature(flipped, key), message }],
            seededRandom(),
          );
          if (fault !== undefined) throw fault;
        },
        { name: "HieroFault" },
        `byte ${at}`,
      );
    }
  },
);

vectorTest("decodeHintsSignature() names what is wrong with an encoding", (dir) => {
  const [{ key, signatureBytes }] = readSigned(dir) as [Signed];
  const step = (expected: string, change: (bytes: Uint8Array) => Uint8Array | void) => {
    const bytes = signatureBytes.slice();
    assert.throws(() => decodeHintsSignature(change(bytes) ?? bytes, key), (error) => {
      assert.equal((error as HieroFault).detail.step, expected);
      return true;
    });
  };
  step("length", (bytes) => bytes.subarray(1));
  step("encoding", (bytes) => {
    // The aggregate key as the point at infinity.
    bytes.fill(0, 0, 96);
    bytes[0] = 0x40;
  });
  step("encoding", (bytes) => bytes.fill(0xff, 96, 128));
  step("hints-weight", (bytes) => bytes.fill(0, 96, 128));
  step("hints-identity", (bytes) => bytes.fill(0, 1376 + 3 * 32, 1376 + 4 * 32));
  step("encoding", (bytes) => bytes.fill(0xff, 1600));
  step("on-curve", (bytes) => {
    bytes[96 + 32 + 191]! ^= 1;
  });
});

vectorTest(
  "prepareHintsKey() refuses one flipped bit in every point and a size without roots of unity",
  (dir) => {
    const [{ keyBytes }] = readSigned(dir) as [Signed];
    for (const at of [0, 7, 40 + 95, 136 + 191, 328 + 191, 520 + 95, 616 + 95, 712 + 191, 904 + 191]) {
      const flipped = keyBytes.slice();
      flipped[at]! ^= 1;
      assert.throws(() => prepareHintsKey(flipped), { name: "HieroFault" }, `byte ${at}`);
    }
    assert.throws(() => prepareHintsKey(keyBytes.subarray(1)), { message: /must be 1096 bytes/ });
    const flipped = keyBytes.slice();
    flipped[39] = 0xff;
    assert.throws(() => prepareHintsKey(flipped), { message: /total_weight is not reduced/ });
  },
);

Deno.test("verifyHints() of no claims has nothing to say", () => {
  assert.deepEqual(verifyHints([], seededRandom()), []);
});
