/**
 * Products of pairings on BLS12-381, with the line tables of fixed points computed once.
 *
 * Layer: protocols. Imports the BLS files and @noble/curves. Source: spec/block-node.md §6.10 (one multi-pairing).
 *
 * @module
 */

import { bls12_381 } from "@noble/curves/bls12-381.js";
import { type AffineG1, type JacobianG1, toAffineAll } from "./bls_g1.ts";
import type { AffineG2 } from "./bls_g2.ts";

/** The lines of the Miller loop for one point of the second group. */
export type Lines = ReturnType<typeof bls12_381.utils.calcPairingPrecomputes>;

/** Computes the lines for a finite point of the subgroup. */
export function linesOf(point: AffineG2): Lines {
  return bls12_381.utils.calcPairingPrecomputes(bls12_381.G2.Point.fromAffine(point));
}

/** One pairing of a product; without lines it is one with the point at infinity, which is 1. */
export interface PairingTerm {
  readonly g1: JacobianG1;
  readonly g2: Lines | undefined;
}

/** Whether the product of all pairings is 1: one Miller loop with shared squarings, one final exponentiation. */
export function productIsOne(terms: readonly PairingTerm[]): boolean {
  const { Fp12 } = bls12_381.fields;
  const affine: readonly AffineG1[] = toAffineAll(terms.map(({ g1 }) => g1));
  const pairs = terms.flatMap(({ g2 }, i): [Lines, bigint, bigint][] => {
    const point = affine[i];
    return point === undefined || g2 === undefined ? [] : [[g2, point.x, point.y]];
  });
  return Fp12.eql(Fp12.finalExponentiate(bls12_381.millerLoopBatch(pairs)), Fp12.ONE);
}
