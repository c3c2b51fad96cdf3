/**
 * The quadratic field of BLS12-381. As in bls_g1.ts, parts may be any representative until they are reduced.
 *
 * Layer: protocols. Imports bls_g1. Source: spec/block-node.md §6.5.
 *
 * @module
 */

import { invertAll, P, reduce } from "./bls_g1.ts";

/** c0 + c1·u with u² = −1. */
export interface Fp2 {
  readonly c0: bigint;
  readonly c1: bigint;
}

/** 1. */
export const ONE: Fp2 = { c0: 1n, c1: 0n };

/** a·b. */
export function mul(a: Fp2, b: Fp2): Fp2 {
  const t0 = a.c0 * b.c0;
  const t1 = a.c1 * b.c1;
  return { c0: (t0 - t1) % P, c1: ((a.c0 + a.c1) * (b.c0 + b.c1) - t0 - t1) % P };
}

/** a². */
export function square(a: Fp2): Fp2 {
  return { c0: (a.c0 + a.c1) * (a.c0 - a.c1) % P, c1: 2n * a.c0 * a.c1 % P };
}

/** a + b, not reduced. */
export function sum(a: Fp2, b: Fp2): Fp2 {
  return { c0: a.c0 + b.c0, c1: a.c1 + b.c1 };
}

/** The norm into the base field, not normalized. */
export function norm(a: Fp2): bigint {
  return (a.c0 * a.c0 + a.c1 * a.c1) % P;
}

/** Both parts from 0 to P − 1. */
export function reduced({ c0, c1 }: Fp2): Fp2 {
  return { c0: reduce(c0), c1: reduce(c1) };
}

/** Inverses of non-zero elements with one inversion in the base field. */
export function invertAllFp2(values: readonly Fp2[]): Fp2[] {
  const inverses = invertAll(values.map(norm));
  return values.map(({ c0, c1 }, i) => ({ c0: c0 * inverses[i]! % P, c1: -c1 * inverses[i]! % P }));
}

/** a − b, not reduced. */
export function difference(a: Fp2, b: Fp2): Fp2 {
  return { c0: a.c0 - b.c0, c1: a.c1 - b.c1 };
}

/** a·k for a number of the base field. */
export function scale(a: Fp2, k: bigint): Fp2 {
  return { c0: a.c0 * k % P, c1: a.c1 * k % P };
}

/** The conjugate, which is also the P-th power. */
export function conjugate(a: Fp2): Fp2 {
  return { c0: a.c0, c1: -a.c1 };
}

/** Whether reduced or not, a is 0. */
export function isZero(a: Fp2): boolean {
  return a.c0 % P === 0n && a.c1 % P === 0n;
}
