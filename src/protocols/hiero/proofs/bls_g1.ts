/**
 * The first group of BLS12-381: decoding, group law in Jacobian coordinates, subgroup test.
 *
 * Layer: protocols. Imports bytes. Source: spec/block-node.md §6.5, §6.10.
 *
 * Why not the library's points: a proof check is some thousand additions of points that are public anyway. Without
 * constant-time formulas, frozen objects and repeated checks they take half the time (bench/hiero_proofs_bench.ts).
 * Coordinates may be any representative, also a negative one, between operations; only affine ones are reduced.
 *
 * @module
 */

import { badProof, bigEndian } from "./bytes.ts";

/** The base field's prime. */
export const P =
  0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn;
/** Order of the groups. */
export const ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
/** Absolute value of the curve's parameter, which is negative. */
export const Z = 0xd201000000010000n;
/** Cube root of unity: on the group, (x, y) to (BETA·x, y) multiplies by Z²−1 and twice that by −Z². */
export const BETA =
  0x1a0111ea397fe699ec02408663d4de85aa0d857d89759ad4897d29650fb85f9b409427eb4f49fffd8bfd00000000aaacn;
const BETA_SQUARED = (BETA * BETA) % P;
const B = 4n;
/** Bytes of one coordinate. */
export const COORDINATE_BYTES = 48;
/** Bytes of a point: x then y, big-endian. */
export const G1_BYTES = 96;
const COMPRESSED = 0x80;
const INFINITY = 0x40;
const LARGER_Y = 0x20;

/** A point by its coordinates, both below P; undefined stands for the point at infinity. */
export type AffineG1 = { readonly x: bigint; readonly y: bigint } | undefined;

/** A point as (X/Z², Y/Z³), infinite where Z is 0. Operations change it in place. */
export interface JacobianG1 {
  x: bigint;
  y: bigint;
  z: bigint;
}

/** The residue of any representative. */
export function reduce(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

/**
 * Decodes an uncompressed point and tests the curve equation, not the subgroup.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `encoding` or `on-curve`.
 */
export function decodeG1(bytes: Uint8Array, field: string): AffineG1 {
  const flags = bytes[0]! & 0xe0;
  if (flags === INFINITY) {
    if (bytes[0] !== INFINITY || bytes.subarray(1).some((byte) => byte !== 0)) {
      throw badProof("encoding", `${field} is no canonical point at infinity`, { field });
    }
    return undefined;
  }
  const x = bigEndian(bytes.subarray(0, COORDINATE_BYTES));
  const y = bigEndian(bytes.subarray(COORDINATE_BYTES));
  if (flags !== 0 || x >= P || y >= P) {
    throw badProof("encoding", `${field} is no canonical point`, { field });
  }
  if ((x * x % P * x + B - y * y) % P !== 0n) {
    throw badProof("on-curve", `${field} is not on the curve`, { field });
  }
  return { x, y };
}

/** The 48-byte form of a point given by its 96 bytes, without decoding it. */
export function compressG1(bytes: Uint8Array): Uint8Array {
  const compressed = bytes.slice(0, COORDINATE_BYTES);
  compressed[0]! |= COMPRESSED;
  if (!(bytes[0]! & INFINITY) && bigEndian(bytes.subarray(COORDINATE_BYTES)) > P >> 1n) {
    compressed[0]! |= LARGER_Y;
  }
  return compressed;
}

/** The point at infinity. */
export function infinity(): JacobianG1 {
  return { x: 1n, y: 1n, z: 0n };
}

/** A copy of `point` that can be changed. */
export function toJacobian(point: AffineG1): JacobianG1 {
  return point === undefined ? infinity() : { x: point.x, y: point.y, z: 1n };
}

/** -P. */
export function negate(point: AffineG1): AffineG1 {
  return point === undefined ? undefined : { x: point.x, y: P - point.y };
}

/** p := 2p. */
export function double(p: JacobianG1): void {
  const a = p.x * p.x % P;
  const b = p.y * p.y % P;
  const d = 4n * (p.x * b % P);
  const e = 3n * a;
  const x = e * e % P - 2n * d;
  p.z = 2n * p.y * p.z % P;
  p.y = (e * (d - x) - 8n * b * b) % P;
  p.x = x;
}

/** p := p + q, or p − q. */
export function addAffine(p: JacobianG1, q: AffineG1, subtract = false): void {
  if (q === undefined) return;
  const y = subtract ? -q.y : q.y;
  if (p.z === 0n) {
    p.x = q.x;
    p.y = y;
    p.z = 1n;
    return;
  }
  const zz = p.z * p.z % P;
  const h = (q.x * zz - p.x) % P;
  const r = (y * zz % P * p.z - p.y) % P;
  if (h === 0n) {
    if (r === 0n) double(p);
    else p.z = 0n;
    return;
  }
  const hh = h * h % P;
  const hhh = h * hh % P;
  const v = p.x * hh % P;
  const x = (r * r - hhh - 2n * v) % P;
  p.y = (r * (v - x) - p.y * hhh) % P;
  p.x = x;
  p.z = p.z * h % P;
}

/** p := p + q for two points in Jacobian form. */
export function add(p: JacobianG1, q: JacobianG1): void {
  if (q.z === 0n) return;
  if (p.z === 0n) {
    p.x = q.x;
    p.y = q.y;
    p.z = q.z;
    return;
  }
  const zzp = p.z * p.z % P;
  const zzq = q.z * q.z % P;
  const u = p.x * zzq % P;
  const s = p.y * zzq % P * q.z % P;
  const h = (q.x * zzp - u) % P;
  const r = (q.y * zzp % P * p.z - s) % P;
  if (h === 0n) {
    if (r === 0n) double(p);
    else p.z = 0n;
    return;
  }
  const hh = h * h % P;
  const hhh = h * hh % P;
  const v = u * hh % P;
  const x = (r * r - hhh - 2n * v) % P;
  p.y = (r * (v - x) - s * hhh) % P;
  p.x = x;
  p.z = p.z * q.z % P * h % P;
}

/** Inverse of a non-zero residue modulo P, by the extended Euclidean algorithm. */
export function invert(value: bigint): bigint {
  let a = reduce(value);
  let b = P;
  let u = 1n;
  let v = 0n;
  while (a !== 1n) {
    const q = b / a;
    [b, a] = [a, b - q * a];
    [v, u] = [u, v - q * u];
  }
  return reduce(u);
}

/** Inverses of non-zero residues modulo P with one inversion (Montgomery's trick). */
export function invertAll(values: readonly bigint[]): bigint[] {
  const products: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    products.push(product);
    product = product * value % P;
  }
  let inverse = values.length === 0 ? 1n : invert(product);
  const inverses = new Array<bigint>(values.length);
  for (let i = values.length - 1; i >= 0; i--) {
    inverses[i] = inverse * products[i]! % P;
    inverse = inverse * values[i]! % P;
  }
  return inverses;
}

/** Affine forms of many points with one inversion. */
export function toAffineAll(points: readonly JacobianG1[]): AffineG1[] {
  const inverses = invertAll(points.map(({ z }) => z === 0n ? 1n : z));
  return points.map(({ x, y, z }, i) => {
    if (z === 0n) return undefined;
    const inverse = inverses[i]!;
    const square = inverse * inverse % P;
    return { x: reduce(x * square), y: reduce(y * square % P * inverse) };
  });
}

/** p := Z·p. */
function multiplyByZ(p: JacobianG1): void {
  const base = { ...p };
  for (let bit = 62n; bit >= 0n; bit--) {
    double(p);
    if (Z >> bit & 1n) add(p, base);
  }
}

/** Whether a point of the curve is in the subgroup of prime order: exactly there (BETA²·x, y) is −Z² times it. */
export function inSubgroup(point: JacobianG1): boolean {
  if (point.z === 0n) return true;
  const p = { ...point };
  multiplyByZ(p);
  multiplyByZ(p);
  if (p.z === 0n) return false;
  const zz = point.z * point.z % P;
  const zzMultiple = p.z * p.z % P;
  const sameX = (point.x * BETA_SQUARED % P * zzMultiple - p.x * zz) % P === 0n;
  return sameX && (point.y * zzMultiple % P * p.z + p.y * zz % P * point.z) % P === 0n;
}
