import { bn254 } from "@noble/curves/bn254.js";
import assert from "node:assert/strict";
import { vectorTest } from "../../../../tests/vectors.ts";
import type { HieroFault } from "../fault.ts";
import { decodeBn254G1, decodeBn254G2 } from "./bn254.ts";
import { littleEndian, toLittleEndian } from "./bytes.ts";
import { readProofParts } from "./proof_parts.ts";
import { prepareWrapsKey, verifyWraps } from "./wraps.ts";
import { readRaw, readVector, seededRandom, SETS } from "./_vectors.ts";

function readWraps(dir: string) {
  const { other } = JSON.parse(Deno.readTextFileSync(`${dir}/block-node/index.json`));
  const { z0_0_ledgerId_le, z_i_1_hintsVkHash_le } = other[0].expected;
  return {
    proof: readRaw(dir, "WRAPS_PROOF/genesis-wraps-proof.bin"),
    keyBytes: readRaw(dir, "WRAPS_PROOF/wraps-verification-key.bin"),
    statement: {
      ledgerId: Uint8Array.fromHex(z0_0_ledgerId_le),
      keyHash: littleEndian(Uint8Array.fromHex(z_i_1_hintsVkHash_le)),
    },
  };
}

vectorTest("verifyWraps() accepts the real proof under the real key", (dir) => {
  const { proof, keyBytes, statement } = readWraps(dir);
  verifyWraps(proof, prepareWrapsKey(keyBytes), statement, seededRandom());
  const published = readProofParts(readVector(dir, `${SETS.TSS}/0.blk.gz`), 0n).publication!;
  assert.deepEqual(published.wrapsVerificationKey, keyBytes);
});

vectorTest("verifyWraps() refuses the proof under the key of the other network", (dir) => {
  const { proof, statement } = readWraps(dir);
  const other = readProofParts(readVector(dir, `${SETS.OLDER}/0.blk.gz`), 0n).publication!;
  const key = prepareWrapsKey(other.wrapsVerificationKey);
  assert.throws(() => verifyWraps(proof, key, statement, seededRandom()), (error) => {
    assert.equal((error as HieroFault).detail.step, "wraps-groth16");
    return true;
  });
});

vectorTest(
  "verifyWraps() refuses one flipped bit in every cell of 16 bytes, and says in which step",
  (dir) => {
    const { proof, keyBytes, statement } = readWraps(dir);
    const key = prepareWrapsKey(keyBytes);
    const steps = new Set<unknown>();
    for (let at = 3; at < proof.length; at += 16) {
      const flipped = proof.slice();
      flipped[at]! ^= 1 << at % 8;
      assert.throws(() => verifyWraps(flipped, key, statement, seededRandom()), (error) => {
        steps.add((error as HieroFault).detail.step);
        return (error as Error).name === "HieroFault";
      }, `byte ${at}`);
    }
    for (const step of ["encoding", "on-curve", "wraps-ledger-id", "wraps-key-hash", "wraps-groth16"]) {
      assert.ok(steps.has(step), `${step} in ${[...steps]}`);
    }
  },
);

vectorTest(
  "verifyWraps() refuses another ledger, another key, and an opening that is not of the commitment",
  (dir) => {
    const { proof, keyBytes, statement } = readWraps(dir);
    const key = prepareWrapsKey(keyBytes);
    const step = (expected: string, bytes: Uint8Array, changed = statement, wraps = key) =>
      assert.throws(() => verifyWraps(bytes, wraps, changed, seededRandom()), (error) => {
        assert.equal((error as HieroFault).detail.step, expected);
        return true;
      });
    step("wraps-ledger-id", proof, { ...statement, ledgerId: new Uint8Array(32) });
    step("wraps-key-hash", proof, { ...statement, keyHash: 1n });
    step("length", proof.subarray(1));
    const oneStep = proof.slice();
    oneStep.fill(0, 0, 32);
    oneStep[0] = 1;
    step("wraps-steps", oneStep);
    // The witness of an opening is no public input, so only the opening itself can show that it is wrong.
    const witness = proof.slice();
    witness.set(witness.subarray(576 - 32, 576), 448 + 32);
    step("wraps-opening", witness);
    const errorTerm = proof.slice();
    errorTerm.set(errorTerm.subarray(256, 288), 288);
    step("wraps-commitment", errorTerm);
  },
);

vectorTest("prepareWrapsKey() refuses a length, a number of inputs and a point that do not fit", (dir) => {
  const { keyBytes } = readWraps(dir);
  assert.throws(() => prepareWrapsKey(keyBytes.subarray(1)), { message: /must be 1768 bytes/ });
  const inputs = keyBytes.slice();
  inputs[256]! ^= 1;
  assert.throws(() => prepareWrapsKey(inputs), { message: /for 40 inputs/ });
  const infinite = keyBytes.slice();
  infinite[63]! |= 0x40;
  assert.throws(() => prepareWrapsKey(infinite), { message: /no canonical point at infinity/ });
});

Deno.test("decodeBn254G1() and decodeBn254G2() read both signs and the point at infinity", () => {
  const { G1, G2, fields: { Fp } } = bn254;
  const encode = (x: readonly bigint[], larger: boolean) => {
    const bytes = Uint8Array.from(x.flatMap((part) => [...toLittleEndian(part, 32)]));
    if (larger) bytes[bytes.length - 1]! |= 0x80;
    return bytes;
  };
  for (const point of [G1.Point.BASE, G1.Point.BASE.negate(), G1.Point.BASE.multiplyUnsafe(5n)]) {
    const { x, y } = point.toAffine();
    assert.ok(decodeBn254G1(encode([x], y > Fp.ORDER >> 1n), "p").equals(point));
  }
  for (const point of [G2.Point.BASE, G2.Point.BASE.negate(), G2.Point.BASE.multiplyUnsafe(5n)]) {
    const { x, y } = point.toAffine();
    const larger = (y.c1 === 0n ? y.c0 : y.c1) > Fp.ORDER >> 1n;
    assert.ok(decodeBn254G2(encode([x.c0, x.c1], larger), "p").equals(point));
  }
  const infinity = new Uint8Array(32);
  infinity[31] = 0x40;
  assert.ok(decodeBn254G1(infinity, "p").is0());
  assert.throws(() => decodeBn254G1(encode([Fp.ORDER], false), "p"), { message: /not reduced/ });
  // x = 4 and the curve have no point in common.
  assert.throws(() => decodeBn254G1(encode([4n], false), "p"), { message: /not on the curve/ });
});
