import { bls12_381 } from "@noble/curves/bls12-381.js";
import assert from "node:assert/strict";
import {
  type AffineG1,
  compressG1,
  decodeG1,
  inSubgroup,
  invertAll,
  ORDER,
  P,
  toAffineAll,
  toJacobian,
} from "./bls_g1.ts";
import { addG2, clearCofactor, compressG2, decodeG2, msmG2, toAffineAllG2, toJacobianG2 } from "./bls_g2.ts";
import { mapMessages } from "./bls_hash.ts";
import { allInSubgroup, BATCHED_SUBGROUP_TEST_FROM, msm, tableOf } from "./bls_msm.ts";
import { bigEndian, toBigEndian } from "./bytes.ts";
import { seededRandom } from "./_vectors.ts";

const { G1, G2, fields: { Fp } } = bls12_381;
const random = seededRandom(7);
const scalar = (bytes = 32) => bigEndian(random(bytes)) % ORDER;
const g1Points = Array.from({ length: 120 }, () => G1.Point.BASE.multiplyUnsafe(scalar()));
const affine = g1Points.map((point): AffineG1 => point.toAffine());

/** A point of the curve with a part outside the subgroup. */
function strayG1(): NonNullable<AffineG1> {
  for (let x = 1n;; x++) {
    try {
      const point = { x, y: Fp.sqrt(Fp.create(x * x * x + 4n)) };
      if (!inSubgroup(toJacobian(point))) return point;
    } catch {
      // No point with this x.
    }
  }
}

function encodeG1({ x, y }: NonNullable<AffineG1>): Uint8Array {
  return Uint8Array.of(...toBigEndian(x, 48), ...toBigEndian(y, 48));
}

for (const count of [0, 1, 2, 13, 49, 50, 120]) {
  Deno.test(`msm() of ${count} terms is the sum that the reference library gives`, () => {
    const terms = affine.slice(0, count).map((point, i) => ({
      point,
      scalar: i % 5 === 0 ? scalar(16) : i % 7 === 3 ? 0n : scalar(),
    }));
    const expected = terms.reduce(
      (sum, { scalar }, i) => sum.add(g1Points[i]!.multiplyUnsafe(scalar)),
      G1.Point.ZERO,
    );
    const [actual] = toAffineAll([msm(terms)]);
    assert.deepEqual(actual ?? { x: 0n, y: 0n }, expected.toAffine());
  });
}

Deno.test("msm() takes tables, the point at infinity, equal points and the largest scalars", () => {
  const point = affine[0];
  const terms = [
    { point: tableOf(point), scalar: ORDER - 1n },
    { point, scalar: ORDER - 2n },
    { point, scalar: 3n },
    { point, scalar: 3n },
    { point: undefined, scalar: 5n },
  ];
  const [sum] = toAffineAll([msm(terms)]);
  assert.deepEqual(sum, g1Points[0]!.multiplyUnsafe(3n).toAffine());
  assert.deepEqual(toAffineAll([msm([{ point, scalar: 1n }, { point, scalar: ORDER - 1n }])]), [undefined]);
});

Deno.test("inSubgroup() agrees with the reference library on points in the group and off it", () => {
  for (const point of affine.slice(0, 5)) assert.ok(inSubgroup(toJacobian(point)));
  assert.ok(inSubgroup(toJacobian(undefined)));
  const stray = strayG1();
  assert.equal(G1.Point.fromAffine(stray).isTorsionFree(), false);
});

Deno.test("inSubgroup() refuses the points of small order that the cofactor has", () => {
  // (0, 2) has order 3.
  assert.equal(inSubgroup(toJacobian({ x: 0n, y: 2n })), false);
});

Deno.test("allInSubgroup() finds one stray point among many wherever it stands, also one of order 3", () => {
  const many = affine.slice(0, BATCHED_SUBGROUP_TEST_FROM + 5);
  assert.ok(allInSubgroup(many, random));
  assert.ok(allInSubgroup([...many, undefined], random));
  for (const stray of [strayG1(), { x: 0n, y: 2n }]) {
    for (const at of [0, 41, many.length]) {
      assert.equal(allInSubgroup([...many.slice(0, at), stray, ...many.slice(at)], random), false);
    }
  }
});

Deno.test("decodeG1() gives back what the reference library encodes, and compressG1() its short form", () => {
  for (const point of g1Points.slice(0, 6)) {
    for (const signed of [point, point.negate()]) {
      const bytes = signed.toBytes(false);
      assert.deepEqual(decodeG1(bytes, "p"), signed.toAffine());
      assert.deepEqual(compressG1(bytes), signed.toBytes(true));
    }
  }
  const zero = G1.Point.ZERO.toBytes(false);
  assert.equal(decodeG1(zero, "p"), undefined);
  assert.deepEqual(compressG1(zero), G1.Point.ZERO.toBytes(true));
});

Deno.test("decodeG1() refuses every malformed encoding", () => {
  const { x, y } = affine[0]!;
  const step = (bytes: Uint8Array, expected: string) =>
    assert.throws(() => decodeG1(bytes, "p"), (error) => {
      assert.equal((error as { detail: { step: string } }).detail.step, expected);
      return true;
    });
  const good = encodeG1({ x, y });
  for (const flag of [0x80, 0x20, 0x60, 0xa0, 0xc0, 0xe0]) {
    const bytes = good.slice();
    bytes[0]! |= flag;
    step(bytes, "encoding");
  }
  step(encodeG1({ x: x + P, y }), "encoding");
  step(encodeG1({ x, y: y + P }), "encoding");
  step(encodeG1({ x, y: y ^ 1n }), "on-curve");
  step(new Uint8Array(96), "on-curve");
  const infinity = new Uint8Array(96);
  infinity[0] = 0x40;
  infinity[95] = 1;
  step(infinity, "encoding");
});

Deno.test("invertAll() inverts many numbers with one inversion", () => {
  const values = [1n, 2n, P - 1n, 12345n];
  invertAll(values).forEach((inverse, i) => assert.equal(inverse * values[i]! % P, 1n));
  assert.deepEqual(invertAll([]), []);
});

const messages = Array.from({ length: 8 }, (_, i) => random(i * 8));
const DST = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

Deno.test("mapMessages() with the cofactor cleared is the hash to the curve of RFC 9380", () => {
  mapMessages(messages).forEach((point, i) => {
    const [cleared] = toAffineAllG2([clearCofactor(toJacobianG2(point!))]);
    assert.deepEqual(cleared, { ...G2.hashToCurve(messages[i]!, { DST }).toAffine() });
  });
});

Deno.test("msmG2() and addG2() give the sums of the reference library", () => {
  const points = mapMessages(messages).map((point) => point!);
  const factors = points.map(() => scalar(16));
  const expected = points
    .map((point, i) => G2.Point.fromAffine(point).multiplyUnsafe(factors[i]!))
    .reduce((sum, point) => sum.add(point));
  assert.deepEqual(toAffineAllG2([msmG2(points, factors, 128)])[0], { ...expected.toAffine() });
  const p = toJacobianG2(points[0]!);
  const [twice, none] = toAffineAllG2([
    addG2(p, p),
    addG2(p, toJacobianG2({ x: points[0]!.x, y: { c0: P - points[0]!.y.c0, c1: P - points[0]!.y.c1 } })),
  ]);
  assert.deepEqual(twice, { ...G2.Point.fromAffine(points[0]!).double().toAffine() });
  assert.equal(none, undefined);
});

Deno.test("decodeG2() gives back what the reference library encodes and refuses the rest", () => {
  for (const point of [G2.Point.BASE, G2.Point.BASE.negate(), G2.Point.BASE.multiplyUnsafe(77n)]) {
    const bytes = point.toBytes(false);
    assert.deepEqual(decodeG2(bytes, "p"), { ...point.toAffine() });
    assert.deepEqual(compressG2(bytes), point.toBytes(true));
  }
  const step = (bytes: Uint8Array, expected: string) =>
    assert.throws(() => decodeG2(bytes, "p"), (error) => {
      assert.equal((error as { detail: { step: string } }).detail.step, expected);
      return true;
    });
  const { x, y } = mapMessages([messages[0]!])[0]!;
  const stray = Uint8Array.of(...[x.c1, x.c0, y.c1, y.c0].flatMap((part) => [...toBigEndian(part, 48)]));
  step(stray, "subgroup");
  stray[191]! ^= 1;
  step(stray, "on-curve");
  step(G2.Point.ZERO.toBytes(false), "encoding");
  const large = G2.Point.BASE.toBytes(false);
  large.set(toBigEndian(P, 48), 48);
  step(large, "encoding");
});
