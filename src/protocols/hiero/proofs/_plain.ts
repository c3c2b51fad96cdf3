/**
 * The hinTS check as the specification writes it, one pairing at a time on the library's points: what the fast form
 * is tested against and measured beside.
 *
 * Layer: protocols, tests and benches only. Source: spec/block-node.md §6.5.
 *
 * @module
 */

import { bls12_381 } from "@noble/curves/bls12-381.js";
import { Cursor } from "./bytes.ts";
import { ORDER } from "./bls_g1.ts";
import { prepareHintsKey } from "./hints_key.ts";
import { decodeHintsSignature } from "./hints_signature.ts";

const { pairing, fields: { Fp12 }, G1, G2 } = bls12_381;

/** Whether a hinTS signature (1632 bytes) under a key (1096 bytes) is over `message`; 12 pairings. */
export function verifyHintsPlainly(
  keyBytes: Uint8Array,
  signatureBytes: Uint8Array,
  message: Uint8Array,
): boolean {
  const { challenge: r, aggregateWeight, scalars } = decodeHintsSignature(
    signatureBytes,
    preparedFor(keyBytes),
  );
  const { inverseOmega } = preparedFor(keyBytes);
  const key = new Cursor(keyBytes.subarray(40));
  const g1 = (cursor: Cursor) => G1.Point.fromBytes(cursor.take(96));
  const g2 = (cursor: Cursor) => G2.Point.fromBytes(cursor.take(192));
  const [g0, h0, h1, lagrange, w, sk, z] = [g1(key), g2(key), g2(key), g1(key), g1(key), g2(key), g2(key)];
  const signature = new Cursor(signatureBytes);
  const aggregateKey = g1(signature);
  signature.take(32);
  const aggregateSignature = g2(signature);
  const [b, qx, qxTau, qz, parSum, q1, q3, q2, q4, openingR, openingROmega] = Array.from(
    { length: 11 },
    () => g1(signature),
  ) as InstanceType<typeof G1.Point>[];
  const times = (point: InstanceType<typeof G1.Point>, scalar: bigint) =>
    point.multiplyUnsafe((scalar % ORDER + ORDER) % ORDER);
  const minus = (c: InstanceType<typeof G1.Point>, e: bigint) => c!.subtract(times(g0, e));
  const hashed = G2.hashToCurve(message, { DST: "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_" });
  const shift = (power: bigint) => h1.subtract(h0.multiplyUnsafe(power));
  const wMoved = w.subtract(times(lagrange, aggregateWeight));
  const { parSumR, parSumROmega, wR, bR, q1R, q3R, q2R, q4R } = scalars;
  const claims: [InstanceType<typeof G1.Point>, bigint][] = [
    [parSum!, parSumR],
    [wMoved, wR],
    [b!, bR],
    [q1!, q1R],
    [q3!, q3R],
    [q2!, q2R],
    [q4!, q4R],
  ];
  let factor = 1n;
  let merged = G1.Point.ZERO;
  for (const [commitment, value] of claims) {
    merged = merged.add(times(minus(commitment, value), factor));
    factor = factor * r % ORDER;
  }
  const same = (left: ReturnType<typeof pairing>, right: ReturnType<typeof pairing>) => Fp12.eql(left, right);
  const rOmega = r * inverseOmega % ORDER;
  return same(pairing(aggregateKey, hashed), pairing(g0, aggregateSignature)) &&
    same(pairing(merged, h0), pairing(openingR!, shift(r))) &&
    same(pairing(minus(parSum!, parSumROmega), h0), pairing(openingROmega!, shift(rOmega))) &&
    same(
      pairing(b!, sk),
      Fp12.mul(Fp12.mul(pairing(qz!, z), pairing(qx!, h1)), pairing(aggregateKey, h0)),
    ) &&
    same(pairing(qx!, h1), pairing(qxTau!, h0));
}

/** Only the transcript's parts are taken of it; kept, so that a bench measures the pairings. */
const prepared = new Map<string, ReturnType<typeof prepareHintsKey>>();
function preparedFor(bytes: Uint8Array): ReturnType<typeof prepareHintsKey> {
  const id = bytes.toHex();
  const known = prepared.get(id) ?? prepareHintsKey(bytes);
  prepared.set(id, known);
  return known;
}
