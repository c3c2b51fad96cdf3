/**
 * Verification of hinTS aggregate signatures, one or many, by a single product of pairings.
 *
 * Layer: protocols. Imports the BLS and hinTS files. Source: spec/block-node.md §6.5 (steps 2, 5-7, 9), §6.10.
 *
 * Every equation is raised to a random power of 128 bits and all are multiplied: if one of them does not hold, the
 * product is 1 with probability 2^−128. Multiples of the fixed point h0 move to the other side of the pairing, so six
 * points of the second group remain: the message, the signature and four of the key.
 *
 * @module
 */

import { badProof, bigEndian } from "./bytes.ts";
import { type AffineG1, negate, ORDER, toJacobian } from "./bls_g1.ts";
import {
  type AffineG2,
  clearCofactor,
  type JacobianG2,
  msmG2,
  toAffineAllG2,
  toJacobianG2,
} from "./bls_g2.ts";
import { mapMessages } from "./bls_hash.ts";
import { allInSubgroup, msm, type MsmTerm } from "./bls_msm.ts";
import { type Lines, linesOf, type PairingTerm, productIsOne } from "./bls_pairing.ts";
import type { HintsKey } from "./hints_key.ts";
import type { HintsSignature } from "./hints_signature.ts";

/** Gives that many bytes nobody can foresee: the chance that the checks of a batch need. */
export type RandomBytes = (bytes: number) => Uint8Array;

/** What is claimed: `signature`, decoded under `key`, signs `message`. */
export interface HintsClaim {
  readonly key: HintsKey;
  readonly signature: HintsSignature;
  /** The 48 bytes of a block root. */
  readonly message: Uint8Array;
}

const FACTOR_BYTES = 16;
const FACTOR_BITS = 8 * FACTOR_BYTES;
/** Random factors of a claim: its BLS equation, the two openings, and steps 7 and 9. */
const FACTORS = 5;

/**
 * Verifies claims that share their cost, and tells which do not hold: a batch that fails is halved until they are
 * found.
 *
 * @returns For each claim undefined, or the fault.
 */
export function verifyHints(claims: readonly HintsClaim[], random: RandomBytes): (Error | undefined)[] {
  if (claims.length === 0) return [];
  const inSubgroup = allInSubgroup(claims.flatMap(({ signature }) => pointsOf(signature)), random);
  if (inSubgroup && equationsHold(claims, random)) return claims.map(() => undefined);
  if (claims.length === 1) {
    return [
      inSubgroup
        ? badProof("hints-pairing", "hinTS signature does not match the block root")
        : badProof("subgroup", "a point of the hinTS signature is not in the subgroup"),
    ];
  }
  const half = claims.length >> 1;
  return [...verifyHints(claims.slice(0, half), random), ...verifyHints(claims.slice(half), random)];
}

function pointsOf({ aggregateKey, points }: HintsSignature): AffineG1[] {
  return [aggregateKey, ...Object.values(points)];
}

/** Factors for the first group, per fixed point of a key's second group. */
interface KeySums {
  readonly key: HintsKey;
  readonly h0: MsmTerm[];
  readonly h1: MsmTerm[];
  readonly sk: MsmTerm[];
  readonly z: MsmTerm[];
  /** Summed factors of the key's own three points. */
  g0: bigint;
  w: bigint;
  lagrange: bigint;
  readonly signatures: AffineG2[];
  readonly signatureFactors: bigint[];
}

/** Messages that one aggregate key signed. */
interface SignerSums {
  readonly aggregateKey: NonNullable<AffineG1>;
  readonly points: AffineG2[];
  readonly factors: bigint[];
}

function equationsHold(claims: readonly HintsClaim[], random: RandomBytes): boolean {
  const factors = random(claims.length * FACTORS * FACTOR_BYTES);
  const keys = new Map<HintsKey, KeySums>();
  const signers = new Map<bigint, SignerSums>();
  const mapped = mapMessages(claims.map(({ message }) => message));
  claims.forEach(({ key, signature }, i) => {
    const factor = (j: number) => {
      const at = (i * FACTORS + j) * FACTOR_BYTES;
      return bigEndian(factors.subarray(at, at + FACTOR_BYTES));
    };
    // One product of equations may leave one of them unfactored: it saves a lone claim two multiplications.
    const factorOfBls = claims.length === 1 ? 1n : factor(0);
    let sums = keys.get(key);
    if (sums === undefined) {
      sums = {
        key,
        h0: [],
        h1: [],
        sk: [],
        z: [],
        g0: 0n,
        w: 0n,
        lagrange: 0n,
        signatures: [],
        signatureFactors: [],
      };
      keys.set(key, sums);
    }
    addEquations(sums, signature, [factor(1), factor(2), factor(3), factor(4)]);
    sums.signatures.push(signature.aggregateSignature);
    sums.signatureFactors.push(factorOfBls);
    const { aggregateKey } = signature;
    const id = 2n * aggregateKey.x + (aggregateKey.y & 1n);
    let signer = signers.get(id);
    if (signer === undefined) {
      signer = { aggregateKey, points: [], factors: [] };
      signers.set(id, signer);
    }
    const point = mapped[i];
    if (point === undefined) return;
    signer.points.push(point);
    signer.factors.push(factorOfBls);
  });
  return productIsOne([
    ...[...signers.values()].map(signerTerm),
    ...[...keys.values()].flatMap(keyTerms),
  ]);
}

/** Adds steps 5, 6, 7 and 9, raised to the factors, to the sums for the key. */
function addEquations(
  sums: KeySums,
  { aggregateKey, aggregateWeight, points, scalars, challenge: r }: HintsSignature,
  [merged, shifted, aggregation, degree]: readonly [bigint, bigint, bigint, bigint],
): void {
  const { b, qx, qxTau, qz, parSum, q1, q3, q2, q4, openingR, openingROmega } = points;
  const { parSumR, parSumROmega, wR, bR, q1R, q3R, q2R, q4R } = scalars;
  const times = (x: bigint, y: bigint) => x * y % ORDER;
  const minus = (x: bigint) => ORDER - x % ORDER;
  // merged · r^k for the seven commitments of step 5, in its order.
  const powers = [merged];
  for (let k = 1; k < 7; k++) powers.push(times(powers[k - 1]!, r));
  const values = [parSumR, wR, bR, q1R, q3R, q2R, q4R];
  const opened = values.reduce(
    (sum, value, k) => sum + times(value, powers[k]!),
    times(parSumROmega, shifted),
  );
  sums.g0 += minus(opened);
  sums.w += powers[1]!;
  sums.lagrange += minus(times(powers[1]!, aggregateWeight));
  sums.h0.push(
    { point: parSum, scalar: powers[0]! + shifted },
    { point: b, scalar: powers[2]! },
    { point: q1, scalar: powers[3]! },
    { point: q3, scalar: powers[4]! },
    { point: q2, scalar: powers[5]! },
    { point: q4, scalar: powers[6]! },
    { point: openingR, scalar: powers[1]! },
    { point: openingROmega, scalar: times(times(r, sums.key.inverseOmega), shifted) },
    { point: negate(aggregateKey), scalar: aggregation },
    { point: negate(qxTau), scalar: degree },
  );
  sums.h1.push(
    { point: negate(openingR), scalar: merged },
    { point: negate(openingROmega), scalar: shifted },
    { point: qx, scalar: (degree - aggregation + ORDER) % ORDER },
  );
  sums.sk.push({ point: b, scalar: aggregation });
  sums.z.push({ point: negate(qz), scalar: aggregation });
}

/** e(agg_pk, Σ factor·HashToG2(message)). */
function signerTerm({ aggregateKey, points, factors }: SignerSums): PairingTerm {
  // The factor of a lone message is cheaper on the side of the first group.
  const lone = points.length === 1;
  const sum = lone ? toJacobianG2(points[0]!) : msmG2(points, factors, FACTOR_BITS);
  const g1 = lone && factors[0] !== 1n
    ? msm([{ point: aggregateKey, scalar: factors[0]! }])
    : toJacobian(aggregateKey);
  return { g1, g2: linesOfJacobian(clearCofactor(sum)) };
}

function linesOfJacobian(point: JacobianG2): Lines | undefined {
  const [affine] = toAffineAllG2([point]);
  return affine === undefined ? undefined : linesOf(affine);
}

/** The four fixed points of the key, and e(−g0, Σ factor·agg_sig). */
function keyTerms(sums: KeySums): PairingTerm[] {
  const { key, signatures, signatureFactors } = sums;
  sums.h0.push(
    { point: key.g0, scalar: sums.g0 % ORDER },
    { point: key.w, scalar: sums.w % ORDER },
    { point: key.lagrange, scalar: sums.lagrange % ORDER },
  );
  const aggregate = signatures.length === 1 && signatureFactors[0] === 1n
    ? toJacobianG2(signatures[0]!)
    : msmG2(signatures, signatureFactors, FACTOR_BITS);
  return [
    { g1: toJacobian(negate(key.g0.multiples[0])), g2: linesOfJacobian(aggregate) },
    { g1: msm(sums.h0), g2: key.h0 },
    { g1: msm(sums.h1), g2: key.h1 },
    { g1: msm(sums.sk), g2: key.sk },
    { g1: msm(sums.z), g2: key.z },
  ];
}
