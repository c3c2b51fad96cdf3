/**
 * Hashing a message to the second group of BLS12-381, up to the cofactor.
 *
 * Layer: protocols. Imports the BLS files and hash_to_field. Source: RFC 9380 §6.6.3, §8.8.2, appendix E.3;
 * spec/block-node.md §6.10 (norm-based square root).
 *
 * Clearing the cofactor is left to the caller: it is linear, so a batch does it once for a sum of messages.
 *
 * @module
 */

import { type Fp2, invertAllFp2, isZero, mul, norm, ONE, reduced, square, sum } from "./bls_fp2.ts";
import { P, reduce } from "./bls_g1.ts";
import { addG2, type AffineG2, INFINITY_G2, toAffineAllG2, toJacobianG2 } from "./bls_g2.ts";
import { hashToField } from "./hash_to_field.ts";

/** Domain of the block signatures: the suite of RFC 9380 with proof of possession. */
const TAG = new TextEncoder().encode("BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_");
const ELEMENT_BYTES = 64;

/** y² = x³ + A·x + B is the curve that the map reaches first; NON_SQUARE is the map's constant Z = −(2 + u). */
const A: Fp2 = { c0: 0n, c1: 240n };
const B: Fp2 = { c0: 1012n, c1: 1012n };
const NON_SQUARE: Fp2 = { c0: P - 2n, c1: P - 1n };
/** Square root of −125, where 5 is the norm of NON_SQUARE; its sign does not matter. */
const ROOT_OF_MINUS_125 =
  0x810e5a23cbb86fd12ded1af502287a397ed25c1d6fe0444e38c48e9c7ddb3c27cfebdd464e90f201fda0eb6983f2533n;

/** Numerator of the 3-isogeny's x, constant term first. */
const X_NUM: readonly Fp2[] = [
  {
    c0: 0x5c759507e8e333ebb5b7a9a47d7ed8532c52d39fd3a042a88b58423c50ae15d5c2638e343d9c71c6238aaaaaaaa97d6n,
    c1: 0x5c759507e8e333ebb5b7a9a47d7ed8532c52d39fd3a042a88b58423c50ae15d5c2638e343d9c71c6238aaaaaaaa97d6n,
  },
  {
    c0: 0x0n,
    c1: 0x11560bf17baa99bc32126fced787c88f984f87adf7ae0c7f9a208c6b4f20a4181472aaa9cb8d555526a9ffffffffc71an,
  },
  {
    c0: 0x11560bf17baa99bc32126fced787c88f984f87adf7ae0c7f9a208c6b4f20a4181472aaa9cb8d555526a9ffffffffc71en,
    c1: 0x8ab05f8bdd54cde190937e76bc3e447cc27c3d6fbd7063fcd104635a790520c0a395554e5c6aaaa9354ffffffffe38dn,
  },
  {
    c0: 0x171d6541fa38ccfaed6dea691f5fb614cb14b4e7f4e810aa22d6108f142b85757098e38d0f671c7188e2aaaaaaaa5ed1n,
    c1: 0x0n,
  },
];
/** Denominator of x, constant term first. */
const X_DEN: readonly Fp2[] = [
  {
    c0: 0x0n,
    c1: 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaa63n,
  },
  {
    c0: 0xcn,
    c1: 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaa9fn,
  },
  {
    c0: 0x1n,
    c1: 0x0n,
  },
];
/** Numerator of y / y', constant term first. */
const Y_NUM: readonly Fp2[] = [
  {
    c0: 0x1530477c7ab4113b59a4c18b076d11930f7da5d4a07f649bf54439d87d27e500fc8c25ebf8c92f6812cfc71c71c6d706n,
    c1: 0x1530477c7ab4113b59a4c18b076d11930f7da5d4a07f649bf54439d87d27e500fc8c25ebf8c92f6812cfc71c71c6d706n,
  },
  {
    c0: 0x0n,
    c1: 0x5c759507e8e333ebb5b7a9a47d7ed8532c52d39fd3a042a88b58423c50ae15d5c2638e343d9c71c6238aaaaaaaa97ben,
  },
  {
    c0: 0x11560bf17baa99bc32126fced787c88f984f87adf7ae0c7f9a208c6b4f20a4181472aaa9cb8d555526a9ffffffffc71cn,
    c1: 0x8ab05f8bdd54cde190937e76bc3e447cc27c3d6fbd7063fcd104635a790520c0a395554e5c6aaaa9354ffffffffe38fn,
  },
  {
    c0: 0x124c9ad43b6cf79bfbf7043de3811ad0761b0f37a1e26286b0e977c69aa274524e79097a56dc4bd9e1b371c71c718b10n,
    c1: 0x0n,
  },
];
/** Denominator of y / y', constant term first. */
const Y_DEN: readonly Fp2[] = [
  {
    c0: 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffa8fbn,
    c1: 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffa8fbn,
  },
  {
    c0: 0x0n,
    c1: 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffa9d3n,
  },
  {
    c0: 0x12n,
    c1: 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaa99n,
  },
  {
    c0: 0x1n,
    c1: 0x0n,
  },
];

/** 1/2. */
const HALF = (P + 1n) / 2n;
const POWER_WINDOW_BITS = 4;
/** Hexadecimal digits of (P − 3) / 4, the exponent behind every square root. */
const POWER_DIGITS = [...((P - 3n) / 4n).toString(16)].map((digit) => parseInt(digit, 16));

/** value^((P − 3) / 4): times `value`, a square root of it or of its negative. */
function power(value: bigint): bigint {
  const powers = [1n, value];
  for (let i = 2; i < 1 << POWER_WINDOW_BITS; i++) powers.push(powers[i - 1]! * value % P);
  let result = powers[POWER_DIGITS[0]!]!;
  for (let i = 1; i < POWER_DIGITS.length; i++) {
    for (let j = 0; j < POWER_WINDOW_BITS; j++) result = result * result % P;
    const digit = POWER_DIGITS[i]!;
    if (digit !== 0) result = result * powers[digit]! % P;
  }
  return result;
}

/** Square root of a square, given a square root of its norm: one power in the base field. */
function squareRoot(value: Fp2, rootOfNorm: bigint): Fp2 {
  const half = reduce(value.c0 + rootOfNorm) * HALF % P;
  // c0 = −rootOfNorm leaves nothing to divide by: the value is a negative of the base field's, its root imaginary.
  if (half === 0n) {
    const t = power(reduce(-value.c0));
    return { c0: 0n, c1: reduce(-value.c0) * t % P };
  }
  const t = power(half);
  const root = half * t % P;
  const other = value.c1 * HALF % P * t % P;
  // (half / root)·t tells ±1: whether half is a square. If not, its counterpart −c1²/(4·half) is, with this root.
  return (root * root - half) % P === 0n ? { c0: root, c1: other } : { c0: -other, c1: root };
}

/** sgn0 of RFC 9380: the parity of the first part that is not zero. */
function isOdd({ c0, c1 }: Fp2): boolean {
  return ((c0 === 0n ? c1 : c0) & 1n) === 1n;
}

interface Unmapped {
  readonly u: Fp2;
  /** NON_SQUARE·u². */
  readonly zu2: Fp2;
  /** Zero or (NON_SQUARE·u²)² + NON_SQUARE·u². */
  readonly denominator: Fp2;
}

/** Simplified SWU (RFC 9380 §6.6.2) for one element, then the isogeny's four values at the point. */
function mapToCurve({ u, zu2 }: Unmapped, x1: Fp2): { readonly x: Fp2; readonly y: Fp2 } {
  const equation = (x: Fp2) => sum(mul(sum(square(x), A), x), B);
  const gx1 = equation(x1);
  const normOfGx1 = norm(gx1);
  const root = normOfGx1 * power(normOfGx1) % P;
  const isSquare = (root * root - normOfGx1) % P === 0n;
  const x = isSquare ? x1 : mul(zu2, x1);
  let rootOfNorm = root;
  if (!isSquare) {
    // N(g(x2)) = N(Z·u²)³·N(g(x1)) = −125·N(u)⁶·root²: its root needs no second power.
    const n = norm(u);
    rootOfNorm = root * ROOT_OF_MINUS_125 % P * (n * n % P * n % P) % P;
  }
  const y = reduced(squareRoot(isSquare ? gx1 : equation(x), rootOfNorm));
  return { x, y: isOdd(y) === isOdd(u) ? y : { c0: -y.c0, c1: -y.c1 } };
}

function polynomial(coefficients: readonly Fp2[], x: Fp2): Fp2 {
  let value = coefficients[coefficients.length - 1]!;
  for (let i = coefficients.length - 2; i >= 0; i--) value = sum(mul(value, x), coefficients[i]!);
  return value;
}

/** (−B / A), and B / (NON_SQUARE·A): where the map starts, and where for the elements without an inverse. */
const [START, EXCEPTION] = (() => {
  const [inverse, other] = invertAllFp2([A, mul(NON_SQUARE, A)]);
  return [mul({ c0: -B.c0, c1: -B.c1 }, inverse!), mul(B, other!)] as const;
})();

/**
 * For each message the point that, with the cofactor cleared, is the message's in the group; undefined, with a
 * probability of 2^−380, for the point at infinity. All messages share their inversions.
 */
export function mapMessages(messages: readonly Uint8Array[]): (AffineG2 | undefined)[] {
  const elements = messages.flatMap((message): Unmapped[] => {
    const [a, b, c, d] = hashToField(message, TAG, 4, ELEMENT_BYTES, P);
    return [{ c0: a!, c1: b! }, { c0: c!, c1: d! }].map((u) => {
      const zu2 = mul(NON_SQUARE, square(u));
      return { u, zu2, denominator: reduced(sum(square(zu2), zu2)) };
    });
  });
  const inverses = invertAllFp2(elements.map(({ denominator }) => isZero(denominator) ? ONE : denominator));
  const mapped = elements.map((element, i) =>
    mapToCurve(
      element,
      isZero(element.denominator) ? EXCEPTION : mul(START, sum(ONE, inverses[i]!)),
    )
  );
  const denominators = mapped.flatMap(({ x }) => [polynomial(X_DEN, x), polynomial(Y_DEN, x)].map(reduced));
  const inverted = invertAllFp2(denominators.map((value) => isZero(value) ? ONE : value));
  const points = mapped.map(({ x, y }, i) =>
    isZero(denominators[2 * i]!) || isZero(denominators[2 * i + 1]!) ? INFINITY_G2 : toJacobianG2({
      x: reduced(mul(polynomial(X_NUM, x), inverted[2 * i]!)),
      y: reduced(mul(mul(polynomial(Y_NUM, x), inverted[2 * i + 1]!), y)),
    })
  );
  return toAffineAllG2(messages.map((_, i) => addG2(points[2 * i]!, points[2 * i + 1]!)));
}
