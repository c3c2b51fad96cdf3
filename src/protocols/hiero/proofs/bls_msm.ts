/**
 * Sums of multiples of G1 points, and the subgroup test of many points at once.
 *
 * Layer: protocols. Imports bls_g1. Source: spec/block-node.md §6.10 (MSM, batched subgroup test).
 *
 * @module
 */

import {
  add,
  addAffine,
  type AffineG1,
  BETA,
  double,
  infinity,
  inSubgroup,
  type JacobianG1,
  P,
  toAffineAll,
  toJacobian,
  Z,
} from "./bls_g1.ts";

/** Eigenvalue of (x, y) to (BETA·x, y), and where scalars are cut in two. */
const LAMBDA = Z * Z - 1n;
/** Bits of each half of a scalar. */
const HALF_BITS = 128;
/** Width of the signed windows for points seen once: 8 odd multiples. */
const WINDOW_BITS = 5;
/** The same for points of a prepared key: 64 odd multiples. */
const TABLE_WINDOW_BITS = 8;
/** Half-size terms from which buckets beat windows. */
const BUCKETS_FROM_TERMS = 100;

/** Odd multiples 1P, 3P, 5P… of a point in the subgroup, affine. */
export interface OddMultiples {
  readonly multiples: readonly AffineG1[];
  readonly windowBits: number;
}

/** One summand: a point in the subgroup, or its table, and a factor from 0 to the group order. */
export interface MsmTerm {
  readonly point: AffineG1 | OddMultiples;
  readonly scalar: bigint;
}

function oddMultiplesOf(points: readonly AffineG1[], windowBits: number): OddMultiples[] {
  const count = 1 << (windowBits - 2);
  // Affine doubles make each further multiple a mixed addition; both steps share one inversion for all points.
  const doubles = toAffineAll(points.map((point) => {
    const twice = toJacobian(point);
    double(twice);
    return twice;
  }));
  const all: JacobianG1[] = [];
  points.forEach((point, i) => {
    const multiple = toJacobian(point);
    for (let j = 0; j < count; j++) {
      all.push({ ...multiple });
      addAffine(multiple, doubles[i]);
    }
  });
  const affine = toAffineAll(all);
  return points.map((_, i) => ({ multiples: affine.slice(i * count, (i + 1) * count), windowBits }));
}

/** Table of a point that many sums have in common, such as one of a prepared key. */
export function tableOf(point: AffineG1): OddMultiples {
  return oddMultiplesOf([point], TABLE_WINDOW_BITS)[0]!;
}

/** Signed digits, least significant first: each odd or zero, of `windowBits` bits with the sign, zeros between. */
function signedDigits(scalar: bigint, windowBits: number): number[] {
  const digits: number[] = [];
  const size = 1 << windowBits;
  let rest = scalar;
  while (rest !== 0n) {
    const low = Number(rest & BigInt(size - 1));
    if ((low & 1) === 0) {
      digits.push(0);
      rest >>= 1n;
      continue;
    }
    const digit = low >= size >> 1 ? low - size : low;
    digits.push(digit);
    rest = (rest - BigInt(digit)) >> 1n;
  }
  return digits;
}

function isTable(point: MsmTerm["point"]): point is OddMultiples {
  return point !== undefined && "multiples" in point;
}

function endomorphism(point: AffineG1): AffineG1 {
  return point === undefined ? undefined : { x: point.x * BETA % P, y: point.y };
}

/** Sum of scalar·point over all terms, in Jacobian form. */
export function msm(terms: readonly MsmTerm[]): JacobianG1 {
  const used = terms.filter(({ point, scalar }) => point !== undefined && scalar !== 0n);
  return 2 * used.length < BUCKETS_FROM_TERMS ? byWindows(used) : byBuckets(used);
}

/** Straus' method: one run of doublings for all terms, signed windows, both halves of a scalar on one table. */
function byWindows(terms: readonly MsmTerm[]): JacobianG1 {
  const once = terms.flatMap(({ point }) => isTable(point) ? [] : [point]);
  const tables = oddMultiplesOf(once, WINDOW_BITS);
  let next = 0;
  const additions: { readonly multiples: readonly AffineG1[]; readonly digits: readonly number[] }[] = [];
  for (const { point, scalar } of terms) {
    const { multiples, windowBits } = isTable(point) ? point : tables[next++]!;
    const high = scalar / LAMBDA;
    additions.push({ multiples, digits: signedDigits(high === 0n ? scalar : scalar % LAMBDA, windowBits) });
    if (high === 0n) continue;
    additions.push({ multiples: multiples.map(endomorphism), digits: signedDigits(high, windowBits) });
  }
  const sum = infinity();
  const length = additions.reduce((most, { digits }) => Math.max(most, digits.length), 0);
  for (let i = length - 1; i >= 0; i--) {
    double(sum);
    for (const { multiples, digits } of additions) {
      const digit = digits[i] ?? 0;
      if (digit !== 0) addAffine(sum, multiples[Math.abs(digit) >> 1], digit < 0);
    }
  }
  return sum;
}

/** Pippenger's method with signed digits: additions into buckets, no tables. */
function byBuckets(terms: readonly MsmTerm[]): JacobianG1 {
  const halves: { readonly point: AffineG1; readonly scalar: bigint }[] = [];
  for (const { point, scalar } of terms) {
    const affine = isTable(point) ? point.multiples[0] : point;
    const high = scalar / LAMBDA;
    halves.push({ point: affine, scalar: high === 0n ? scalar : scalar % LAMBDA });
    if (high !== 0n) halves.push({ point: endomorphism(affine), scalar: high });
  }
  const bits = bucketBits(halves.length);
  const size = 1 << bits;
  const windows = Math.ceil((HALF_BITS + 2) / bits);
  const digits = halves.map(({ scalar }) => fixedDigits(scalar, bits, windows));
  const sum = infinity();
  for (let window = windows - 1; window >= 0; window--) {
    for (let i = 0; i < bits; i++) double(sum);
    const buckets: (JacobianG1 | undefined)[] = new Array((size >> 1) + 1).fill(undefined);
    halves.forEach(({ point }, i) => {
      const digit = digits[i]![window]!;
      if (digit !== 0) addAffine(buckets[Math.abs(digit)] ??= infinity(), point, digit < 0);
    });
    const running = infinity();
    const total = infinity();
    for (let i = size >> 1; i > 0; i--) {
      if (buckets[i] !== undefined) add(running, buckets[i]!);
      add(total, running);
    }
    add(sum, total);
  }
  return sum;
}

/** Window that makes additions into buckets and over them the least, measured from 100 to 5,000 terms. */
function bucketBits(terms: number): number {
  return Math.max(5, Math.min(10, Math.round(Math.log2(terms)) - 2));
}

function fixedDigits(scalar: bigint, bits: number, windows: number): Int32Array {
  const digits = new Int32Array(windows);
  const mask = (1n << BigInt(bits)) - 1n;
  let rest = scalar;
  let carry = 0;
  for (let i = 0; i < windows; i++) {
    let digit = Number(rest & mask) + carry;
    rest >>= BigInt(bits);
    carry = digit > 1 << (bits - 1) ? 1 : 0;
    digit -= carry << bits;
    digits[i] = digit;
  }
  return digits;
}

/** Rounds of the batched test: each lets a stray point pass with probability 1/2 at most. */
export const SUBGROUP_ROUNDS = 40;
/** Points a table of subset sums is made of. */
const SUBSET_POINTS = 4;
/** From this many points on sums of subsets are cheaper than a test for each. */
export const BATCHED_SUBGROUP_TEST_FROM = 80;

/**
 * Whether all points of the curve are in the subgroup: {@link SUBGROUP_ROUNDS} sums of random subsets are tested.
 * A sum leaves the subgroup with probability 1/2 or more if any point does, so a stray one is missed with 2^−40.
 *
 * @param random Gives that many unpredictable bytes.
 */
export function allInSubgroup(points: readonly AffineG1[], random: (bytes: number) => Uint8Array): boolean {
  if (points.length < BATCHED_SUBGROUP_TEST_FROM) {
    return points.every((point) => inSubgroup(toJacobian(point)));
  }
  const sums: JacobianG1[] = [];
  const groups = Math.ceil(points.length / SUBSET_POINTS);
  for (let group = 0; group < groups; group++) {
    const first = sums.length;
    sums.push(infinity());
    for (let i = 0; i < SUBSET_POINTS; i++) {
      const point = points[group * SUBSET_POINTS + i];
      for (let subset = 0; subset < 1 << i; subset++) {
        const sum = { ...sums[first + subset]! };
        addAffine(sum, point);
        sums.push(sum);
      }
    }
  }
  const table = toAffineAll(sums);
  const bytesPerRound = Math.ceil(groups / 2);
  const choice = random(SUBGROUP_ROUNDS * bytesPerRound);
  for (let round = 0; round < SUBGROUP_ROUNDS; round++) {
    const sum = infinity();
    for (let group = 0; group < groups; group++) {
      const byte = choice[round * bytesPerRound + (group >> 1)]!;
      addAffine(sum, table[(group << SUBSET_POINTS) + ((group & 1) === 0 ? byte & 15 : byte >> 4)]);
    }
    if (!inSubgroup(sum)) return false;
  }
  return true;
}
