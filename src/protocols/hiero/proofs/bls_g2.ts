/**
 * The second group of BLS12-381: decoding, group law in Jacobian coordinates, subgroup test, cofactor.
 *
 * Layer: protocols. Imports the BLS files and bytes. Source: spec/block-node.md §6.5, §6.10; RFC 9380 appendix G.3.
 *
 * @module
 */

import { badProof, bigEndian } from "./bytes.ts";
import {
  conjugate,
  difference,
  type Fp2,
  invertAllFp2,
  isZero,
  mul,
  ONE,
  reduced,
  scale,
  square,
  sum,
} from "./bls_fp2.ts";
import { COORDINATE_BYTES, P, Z } from "./bls_g1.ts";

/** A finite point of the curve over the quadratic field. */
export interface AffineG2 {
  readonly x: Fp2;
  readonly y: Fp2;
}

/** A point as (X/Z², Y/Z³), infinite where Z is 0. */
export interface JacobianG2 {
  readonly x: Fp2;
  readonly y: Fp2;
  readonly z: Fp2;
}

/** Bytes of a point: x.c1, x.c0, y.c1, y.c0, big-endian. */
export const G2_BYTES = 192;
const FLAGS = 0xe0;
const COMPRESSED = 0x80;
const LARGER_Y = 0x20;
const ZERO: Fp2 = { c0: 0n, c1: 0n };
const B: Fp2 = { c0: 4n, c1: 4n };
/** (1 + u)^((1 − P) / 3) and (1 + u)^((1 − P) / 2): what the twist adds to the P-th power of x and y. */
const PSI_X: Fp2 = {
  c0: 0n,
  c1: 0x1a0111ea397fe699ec02408663d4de85aa0d857d89759ad4897d29650fb85f9b409427eb4f49fffd8bfd00000000aaadn,
};
const PSI_Y: Fp2 = {
  c0: 0x135203e60180a68ee2e9c448d77a2cd91c3dedd930b1cf60ef396489f61eb45e304466cf3e67fa0af1ee7b04121bdea2n,
  c1: 0x6af0e0437ff400b6831e36d6bd17ffe48395dabc2d3435e77f76e17009241c5ee67992f72ec05f4c81084fbede3cc09n,
};
/** The same for two P-th powers of x; y is only negated. */
const PSI2_X: bigint =
  0x1a0111ea397fe699ec02408663d4de85aa0d857d89759ad4897d29650fb85f9b409427eb4f49fffd8bfd00000000aaacn;

/** The point at infinity. */
export const INFINITY_G2: JacobianG2 = { x: ONE, y: ONE, z: ZERO };

/**
 * Decodes an uncompressed point and tests that it is in the subgroup and finite.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `encoding`, `on-curve` or `subgroup`.
 */
export function decodeG2(bytes: Uint8Array, field: string): AffineG2 {
  const parts = [0, 1, 2, 3].map((i) =>
    bigEndian(bytes.subarray(i * COORDINATE_BYTES, (i + 1) * COORDINATE_BYTES))
  );
  if ((bytes[0]! & FLAGS) !== 0 || parts.some((part) => part >= P)) {
    throw badProof("encoding", `${field} is no canonical finite point`, { field });
  }
  const point = { x: { c0: parts[1]!, c1: parts[0]! }, y: { c0: parts[3]!, c1: parts[2]! } };
  const { x, y } = point;
  if (!isZero(difference(sum(mul(square(x), x), B), square(y)))) {
    throw badProof("on-curve", `${field} is not on the curve`, { field });
  }
  if (!inSubgroupG2(point)) throw badProof("subgroup", `${field} is not in the subgroup`, { field });
  return point;
}

/** The 96-byte form of a finite point given by its 192 bytes, without decoding it. */
export function compressG2(bytes: Uint8Array): Uint8Array {
  const compressed = bytes.slice(0, 2 * COORDINATE_BYTES);
  compressed[0]! |= COMPRESSED;
  const c1 = bigEndian(bytes.subarray(2 * COORDINATE_BYTES, 3 * COORDINATE_BYTES));
  const deciding = c1 === 0n ? bigEndian(bytes.subarray(3 * COORDINATE_BYTES)) : c1;
  if (deciding > P >> 1n) compressed[0]! |= LARGER_Y;
  return compressed;
}

/** A point in Jacobian form. */
export function toJacobianG2({ x, y }: AffineG2): JacobianG2 {
  return { x, y, z: ONE };
}

/** 2p. */
export function doubleG2(p: JacobianG2): JacobianG2 {
  const a = square(p.x);
  const b = square(p.y);
  const d = mul(p.x, b);
  const e = { c0: 3n * a.c0, c1: 3n * a.c1 };
  const ee = square(e);
  const x = { c0: ee.c0 - 8n * d.c0, c1: ee.c1 - 8n * d.c1 };
  const c = square(b);
  const ey = mul(e, { c0: 4n * d.c0 - x.c0, c1: 4n * d.c1 - x.c1 });
  const yz = mul(p.y, p.z);
  return {
    x,
    y: { c0: ey.c0 - 8n * c.c0, c1: ey.c1 - 8n * c.c1 },
    z: { c0: 2n * yz.c0, c1: 2n * yz.c1 },
  };
}

/** p + q. */
export function addG2(p: JacobianG2, q: JacobianG2): JacobianG2 {
  if (isZero(q.z)) return p;
  if (isZero(p.z)) return q;
  const zzq = square(q.z);
  const u = mul(p.x, zzq);
  const s = mul(mul(p.y, zzq), q.z);
  return addScaled(p, q, u, s, mul(p.z, q.z));
}

/** p + q for a point in affine form. */
export function addAffineG2(p: JacobianG2, q: AffineG2): JacobianG2 {
  return isZero(p.z) ? toJacobianG2(q) : addScaled(p, toJacobianG2(q), p.x, p.y, p.z);
}

/** The sum, given p.x·q.z², p.y·q.z³ and p.z·q.z. */
function addScaled(p: JacobianG2, q: JacobianG2, u: Fp2, s: Fp2, zz: Fp2): JacobianG2 {
  const zzp = square(p.z);
  const h = difference(mul(q.x, zzp), u);
  const r = difference(mul(mul(q.y, zzp), p.z), s);
  if (isZero(h)) return isZero(r) ? doubleG2(p) : INFINITY_G2;
  const hh = square(h);
  const hhh = mul(h, hh);
  const v = mul(u, hh);
  const rr = square(r);
  const x = { c0: (rr.c0 - hhh.c0 - 2n * v.c0) % P, c1: (rr.c1 - hhh.c1 - 2n * v.c1) % P };
  return { x, y: difference(mul(r, difference(v, x)), mul(s, hhh)), z: mul(zz, h) };
}

function negateG2({ x, y, z }: JacobianG2): JacobianG2 {
  return { x, y: { c0: -y.c0, c1: -y.c1 }, z };
}

/** −Z·p: the multiple by the curve's parameter. */
function multiplyByParameter(p: JacobianG2): JacobianG2 {
  let multiple = p;
  for (let bit = 62n; bit >= 0n; bit--) {
    multiple = doubleG2(multiple);
    if (Z >> bit & 1n) multiple = addG2(multiple, p);
  }
  return negateG2(multiple);
}

/** The endomorphism that takes P-th powers on the curve before the twist; in the subgroup, −Z times the point. */
function psi({ x, y, z }: JacobianG2): JacobianG2 {
  return { x: mul(conjugate(x), PSI_X), y: mul(conjugate(y), PSI_Y), z: conjugate(z) };
}

function equalG2(p: JacobianG2, q: JacobianG2): boolean {
  if (isZero(p.z) || isZero(q.z)) return isZero(p.z) && isZero(q.z);
  const zzp = square(p.z);
  const zzq = square(q.z);
  return isZero(difference(mul(p.x, zzq), mul(q.x, zzp))) &&
    isZero(difference(mul(mul(p.y, zzq), q.z), mul(mul(q.y, zzp), p.z)));
}

function inSubgroupG2(point: AffineG2): boolean {
  const p = toJacobianG2(point);
  return equalG2(psi(p), multiplyByParameter(p));
}

/** Moves a point of the curve into the subgroup (RFC 9380 appendix G.3). */
export function clearCofactor(p: JacobianG2): JacobianG2 {
  const t1 = multiplyByParameter(p);
  const t2 = psi(p);
  const twice = doubleG2(p);
  const t3: JacobianG2 = {
    x: scale(twice.x, PSI2_X),
    y: { c0: -twice.y.c0, c1: -twice.y.c1 },
    z: twice.z,
  };
  const t4 = addG2(addG2(t3, negateG2(t2)), multiplyByParameter(addG2(t1, t2)));
  return addG2(addG2(t4, negateG2(t1)), negateG2(p));
}

/** Affine forms of points with one inversion; undefined for the point at infinity. */
export function toAffineAllG2(points: readonly JacobianG2[]): (AffineG2 | undefined)[] {
  return invertAllFp2(points.map(({ z }) => isZero(z) ? ONE : reduced(z))).map((inverse, i) => {
    const { x, y, z } = points[i]!;
    if (isZero(z)) return undefined;
    const squared = square(inverse);
    return { x: reduced(mul(x, squared)), y: reduced(mul(mul(y, squared), inverse)) };
  });
}

/** Width of the windows of {@link msmG2}: near the best from 8 to 500 points. */
const WINDOW_BITS = 5;

/** Sum of factor·point, by Pippenger's method, for factors below 2^`bits`. */
export function msmG2(points: readonly AffineG2[], factors: readonly bigint[], bits: number): JacobianG2 {
  let total = INFINITY_G2;
  const windows = Math.ceil(bits / WINDOW_BITS);
  const mask = (1n << BigInt(WINDOW_BITS)) - 1n;
  for (let window = windows - 1; window >= 0; window--) {
    for (let i = 0; i < WINDOW_BITS; i++) total = doubleG2(total);
    const buckets = new Array<JacobianG2>(1 << WINDOW_BITS).fill(INFINITY_G2);
    points.forEach((point, i) => {
      const digit = Number(factors[i]! >> BigInt(window * WINDOW_BITS) & mask);
      if (digit !== 0) buckets[digit] = addAffineG2(buckets[digit]!, point);
    });
    let running = INFINITY_G2;
    for (let digit = buckets.length - 1; digit > 0; digit--) {
      running = addG2(running, buckets[digit]!);
      total = addG2(total, running);
    }
  }
  return total;
}
