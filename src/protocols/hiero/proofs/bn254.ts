/**
 * Points of BN254 in their compressed form.
 *
 * Layer: protocols. Imports bytes and @noble/curves. Source: spec/block-node.md §6.5 (WRAPS suffix, BN254 compressed).
 *
 * @module
 */

import { bn254 } from "@noble/curves/bn254.js";
import { badProof, littleEndian } from "./bytes.ts";

/** A point of the first group. */
export type Bn254G1 = InstanceType<typeof bn254.G1.Point>;
/** A point of the second group. */
export type Bn254G2 = InstanceType<typeof bn254.G2.Point>;

/** Bytes of a compressed point: little-endian x with two flags in the last byte; c0 before c1. */
export const BN254_G1_BYTES = 32;
export const BN254_G2_BYTES = 64;

const { Fp, Fp2 } = bn254.fields;
const LARGER_Y = 0x80;
const INFINITY = 0x40;
const FLAGS = LARGER_Y | INFINITY;
const COORDINATE_BYTES = 32;

interface Compressed {
  /** x.c0 and, in the second group, x.c1; undefined for the point at infinity. */
  readonly x: readonly bigint[] | undefined;
  readonly largerY: boolean;
}

function open(bytes: Uint8Array, field: string): Compressed {
  const own = bytes.slice();
  const flags = own[own.length - 1]! & FLAGS;
  own[own.length - 1]! &= ~FLAGS;
  if (flags & INFINITY) {
    if (flags !== INFINITY || own.some((byte) => byte !== 0)) {
      throw badProof("encoding", `${field} is no canonical point at infinity`, { field });
    }
    return { x: undefined, largerY: false };
  }
  const x: bigint[] = [];
  for (let at = 0; at < own.length; at += COORDINATE_BYTES) {
    x.push(littleEndian(own.subarray(at, at + COORDINATE_BYTES)));
  }
  if (x.some((part) => part >= Fp.ORDER)) throw badProof("encoding", `${field} is not reduced`, { field });
  return { x, largerY: flags === LARGER_Y };
}

function rootOf<T>(field: string, root: () => T): T {
  try {
    return root();
  } catch {
    throw badProof("on-curve", `${field} is not on the curve`, { field });
  }
}

/**
 * Decodes a point of the first group, which is the whole curve.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `encoding` or `on-curve`.
 */
export function decodeBn254G1(bytes: Uint8Array, field: string): Bn254G1 {
  const { x: parts, largerY } = open(bytes, field);
  if (parts === undefined) return bn254.G1.Point.ZERO;
  const x = parts[0]!;
  const y = rootOf(field, () => Fp.sqrt(Fp.create(x * x * x + bn254.G1.Point.CURVE().b)));
  if (y === 0n) throw badProof("encoding", `${field} has no sign`, { field });
  return bn254.G1.Point.fromAffine({ x, y: y > Fp.ORDER >> 1n === largerY ? y : Fp.neg(y) });
}

/**
 * Decodes a point of the second group and tests the subgroup.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `encoding`, `on-curve` or `subgroup`.
 */
export function decodeBn254G2(bytes: Uint8Array, field: string): Bn254G2 {
  const { x: parts, largerY } = open(bytes, field);
  if (parts === undefined) return bn254.G2.Point.ZERO;
  const x = { c0: parts[0]!, c1: parts[1]! };
  const y = rootOf(field, () => Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b)));
  const isLarger = (y.c1 === 0n ? y.c0 : y.c1) > Fp.ORDER >> 1n;
  const point = bn254.G2.Point.fromAffine({ x, y: isLarger === largerY ? y : Fp2.neg(y) });
  if (!point.isTorsionFree()) throw badProof("subgroup", `${field} is not in the subgroup`, { field });
  return point;
}

/** Whether the product of pairings is 1; one with the point at infinity counts as 1. */
export function bn254ProductIsOne(pairs: readonly { readonly g1: Bn254G1; readonly g2: Bn254G2 }[]): boolean {
  const { Fp12 } = bn254.fields;
  return Fp12.eql(bn254.pairingBatch(pairs.filter(({ g1, g2 }) => !g1.is0() && !g2.is0())), Fp12.ONE);
}
