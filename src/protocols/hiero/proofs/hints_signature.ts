/**
 * The hinTS aggregate signature: decoding, and the checks that need no pairing.
 *
 * Layer: protocols. Imports the BLS files, bytes and hints_key. Source: spec/block-node.md §6.5 (layout, steps 1-4, 8).
 *
 * @module
 */

import { badProof, concatBytes, Cursor } from "./bytes.ts";
import { type AffineG1, compressG1, decodeG1, G1_BYTES, ORDER } from "./bls_g1.ts";
import { type AffineG2, decodeG2, G2_BYTES } from "./bls_g2.ts";
import { type HintsKey, power } from "./hints_key.ts";
import { hashToField } from "./hash_to_field.ts";

/** Bytes of an aggregate signature. */
export const HINTS_SIGNATURE_BYTES = 1632;
const TRANSCRIPT_TAG = new TextEncoder().encode("HINTS_SIG_BLS12381:FIAT_SHAMIR");
/** Bytes hashed for the challenge, and so also the transcript's zero pad. */
const CHALLENGE_BYTES = 48;

/** Commitments in the order of the bytes; Q3 stands before Q2 there. */
const POINTS = [
  "b",
  "qx",
  "qxTau",
  "qz",
  "parSum",
  "q1",
  "q3",
  "q2",
  "q4",
  "openingR",
  "openingROmega",
] as const;
const SCALARS = ["parSumR", "parSumROmega", "wR", "bR", "q1R", "q3R", "q2R", "q4R"] as const;

/** A decoded signature with its challenge. Points of the first group are on the curve, not yet known to be in the
 * subgroup. */
export interface HintsSignature {
  readonly aggregateKey: NonNullable<AffineG1>;
  readonly aggregateWeight: bigint;
  readonly aggregateSignature: AffineG2;
  readonly points: Readonly<Record<typeof POINTS[number], AffineG1>>;
  readonly scalars: Readonly<Record<typeof SCALARS[number], bigint>>;
  /** The Fiat-Shamir challenge r. */
  readonly challenge: bigint;
}

/**
 * Decodes a signature and holds it to its weight and to the identities between its evaluations.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `length`, `encoding`, `on-curve`, `subgroup` (second group only),
 *   `hints-weight` or `hints-identity`.
 */
export function decodeHintsSignature(bytes: Uint8Array, key: HintsKey): HintsSignature {
  if (bytes.length !== HINTS_SIGNATURE_BYTES) {
    throw badProof("length", `hinTS signature must be ${HINTS_SIGNATURE_BYTES} bytes, got ${bytes.length}`);
  }
  const cursor = new Cursor(bytes);
  const aggregateKeyBytes = cursor.take(G1_BYTES);
  const aggregateKey = decodeG1(aggregateKeyBytes, "agg_pk");
  if (aggregateKey === undefined) {
    throw badProof("encoding", "agg_pk is the point at infinity", { field: "agg_pk" });
  }
  const weightBytes = cursor.take(32);
  const aggregateWeight = new Cursor(weightBytes).scalar(ORDER, "agg_weight");
  const aggregateSignature = decodeG2(cursor.take(G2_BYTES), "agg_sig");
  const pointBytes = Object.fromEntries(POINTS.map((name) => [name, cursor.take(G1_BYTES)])) as Record<
    typeof POINTS[number],
    Uint8Array
  >;
  const points = Object.fromEntries(POINTS.map((name) => [name, decodeG1(pointBytes[name], name)]));
  const scalars = Object.fromEntries(SCALARS.map((name) => [name, cursor.scalar(ORDER, name)]));
  const { b, parSum, qx, qz, qxTau, q1, q2, q3, q4 } = pointBytes;
  const transcript = concatBytes(
    key.transcript.skAndH1,
    compressG1(aggregateKeyBytes),
    weightBytes,
    key.transcript.w,
    ...[b, parSum, qx, qz, qxTau, q1, q2, q3, q4].map(compressG1),
  );
  const signature = {
    aggregateKey,
    aggregateWeight,
    aggregateSignature,
    points: points as HintsSignature["points"],
    scalars: scalars as HintsSignature["scalars"],
    challenge: hashToField(transcript, TRANSCRIPT_TAG, 1, CHALLENGE_BYTES, ORDER)[0]!,
  };
  // Strictly more than half; weights are far below half the order, so nothing wraps around.
  if (2n * aggregateWeight <= key.totalWeight) {
    throw badProof("hints-weight", "signers have no more than half of the weight", {
      weight: String(aggregateWeight),
      totalWeight: String(key.totalWeight),
    });
  }
  checkIdentities(signature, key);
  return signature;
}

/** The polynomials that the evaluations at r claim to be of are divisible by the domain's (step 8). */
function checkIdentities({ scalars, challenge: r }: HintsSignature, key: HintsKey): void {
  const { parSumR, parSumROmega, wR, bR, q1R, q2R, q3R, q4R } = scalars;
  const vanishing = power(r, key.n) - 1n;
  const last = key.inverseOmega;
  // L_{n−1}(r), multiplied out: r is no root of unity for any transcript that can be found.
  const lagrange = last * key.inverseN % ORDER * vanishing % ORDER * power(r - last + ORDER, ORDER - 2n) %
    ORDER;
  const identities = [
    parSumR - parSumROmega - wR * bR - q1R * vanishing,
    bR * bR - bR - q2R * vanishing,
    lagrange * parSumR - q3R * vanishing,
    lagrange * (bR - 1n) - q4R * vanishing,
  ];
  identities.forEach((difference, i) => {
    if (difference % ORDER !== 0n) {
      throw badProof("hints-identity", `identity ${i + 1} between the evaluations does not hold`, {
        identity: i + 1,
      });
    }
  });
}
