/**
 * The hinTS verification key: the network's roster as one key, carried in every signature.
 *
 * Layer: protocols. Imports the BLS files and bytes. Source: spec/block-node.md §6.5 (layout, steps 3-5), §6.10.
 *
 * @module
 */

import { badProof, concatBytes, Cursor } from "./bytes.ts";
import { type AffineG1, compressG1, decodeG1, G1_BYTES, inSubgroup, ORDER, toJacobian } from "./bls_g1.ts";
import { compressG2, decodeG2, G2_BYTES } from "./bls_g2.ts";
import { type OddMultiples, tableOf } from "./bls_msm.ts";
import { type Lines, linesOf } from "./bls_pairing.ts";

/** Bytes of a verification key. */
export const HINTS_KEY_BYTES = 1096;
/** The scalar field has 2^32-th roots of unity and no more. */
const MAX_DOMAIN_LOG2 = 32;
/** 7^((ORDER − 1) / 2^32): a root of unity of that order. */
const ROOT_OF_UNITY = power(7n, (ORDER - 1n) >> BigInt(MAX_DOMAIN_LOG2));

/** A key with all that can be computed once for it: it stays the same until the roster changes. */
export interface HintsKey {
  /** The 1096 bytes, owned. */
  readonly bytes: Uint8Array;
  /** Size of the domain; at most n − 1 parties. */
  readonly n: bigint;
  readonly totalWeight: bigint;
  /** Primitive n-th root of unity ω of the scalar field, its inverse, and that of n. */
  readonly inverseOmega: bigint;
  readonly inverseN: bigint;
  /** [1]₁, [W(τ)]₁ and [L_{n−1}(τ)]₁. */
  readonly g0: OddMultiples;
  readonly w: OddMultiples;
  readonly lagrange: OddMultiples;
  /** Lines of [1]₂, [τ]₂, [SK(τ)]₂ and [Z(τ)]₂. */
  readonly h0: Lines;
  readonly h1: Lines;
  readonly sk: Lines;
  readonly z: Lines;
  /** Compressed [SK(τ)]₂, [τ]₂ and [W(τ)]₁, as the transcript takes them. */
  readonly transcript: { readonly skAndH1: Uint8Array; readonly w: Uint8Array };
}

/** value^exponent in the scalar field. */
export function power(value: bigint, exponent: bigint): bigint {
  let result = 1n;
  let base = value % ORDER;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = result * base % ORDER;
    base = base * base % ORDER;
  }
  return result;
}

/** Decodes a point of the first group that must be finite and in the subgroup. */
function decodeFinite(bytes: Uint8Array, field: string): NonNullable<AffineG1> {
  const point = decodeG1(bytes, field);
  if (point === undefined) throw badProof("encoding", `${field} is the point at infinity`, { field });
  if (!inSubgroup(toJacobian(point))) {
    throw badProof("subgroup", `${field} is not in the subgroup`, { field });
  }
  return point;
}

/**
 * Decodes a key and prepares it. About 8 ms: keep the result.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `length`, `encoding`, `on-curve` or `subgroup`.
 */
export function prepareHintsKey(bytes: Uint8Array): HintsKey {
  if (bytes.length !== HINTS_KEY_BYTES) {
    throw badProof("length", `verification key must be ${HINTS_KEY_BYTES} bytes, got ${bytes.length}`);
  }
  const own = bytes.slice();
  const cursor = new Cursor(own);
  const n = cursor.uint64();
  if (n < 2n || n > 1n << BigInt(MAX_DOMAIN_LOG2) || (n & (n - 1n)) !== 0n) {
    throw badProof("encoding", "verification key's n is no power of two the field has roots for", {
      field: "n",
    });
  }
  const totalWeight = cursor.scalar(ORDER, "total_weight");
  const g0 = decodeFinite(cursor.take(G1_BYTES), "g0");
  const h0 = decodeG2(cursor.take(G2_BYTES), "h0");
  const h1Bytes = cursor.take(G2_BYTES);
  const lagrange = decodeFinite(cursor.take(G1_BYTES), "l_n_minus_1");
  const wBytes = cursor.take(G1_BYTES);
  const skBytes = cursor.take(G2_BYTES);
  const z = decodeG2(cursor.take(G2_BYTES), "z");
  let omega = ROOT_OF_UNITY;
  for (let size = 1n << BigInt(MAX_DOMAIN_LOG2); size > n; size >>= 1n) omega = omega * omega % ORDER;
  return {
    bytes: own,
    n,
    totalWeight,
    inverseOmega: power(omega, n - 1n),
    inverseN: power(n, ORDER - 2n),
    g0: tableOf(g0),
    w: tableOf(decodeFinite(wBytes, "w")),
    lagrange: tableOf(lagrange),
    h0: linesOf(h0),
    h1: linesOf(decodeG2(h1Bytes, "h1")),
    sk: linesOf(decodeG2(skBytes, "sk")),
    z: linesOf(z),
    transcript: { skAndH1: concatBytes(compressG2(skBytes), compressG2(h1Bytes)), w: compressG1(wBytes) },
  };
}
