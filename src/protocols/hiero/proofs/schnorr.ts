/**
 * The suffix of a genesis signature: a Schnorr multi-signature of the roster over the hinTS key.
 *
 * Layer: protocols. Imports bytes, poseidon and roster. Source: spec/block-node.md §6.5 (Schnorr suffix).
 *
 * @module
 */

import { blake2s } from "@noble/hashes/blake2.js";
import { badProof, concatBytes, Cursor, littleEndian } from "./bytes.ts";
import { encodeSchnorrPoint, type Roster, ROSTER_SLOTS, SCHNORR_ORDER, SchnorrPoint } from "./roster.ts";

/** Bytes of the suffix: a flag for each slot, then s and e. */
export const SCHNORR_SUFFIX_BYTES = 192;
/** Bytes of the hash that are taken for the challenge. */
const CHALLENGE_BYTES = 31;

/**
 * Verifies that parties of at least half the roster's weight signed `message`.
 *
 * A set flag beyond the roster is refused, where the network's library does not look at it: nobody stands for it,
 * and a block would have more than one valid form.
 *
 * @param message Ledger id and hash of the hinTS key, 64 bytes.
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `length`, `encoding`, `schnorr-flags`, `schnorr-weight` or
 *   `schnorr-challenge`.
 */
export function verifySchnorr(suffix: Uint8Array, roster: Roster, message: Uint8Array): void {
  if (suffix.length !== SCHNORR_SUFFIX_BYTES) {
    throw badProof("length", `Schnorr suffix must be ${SCHNORR_SUFFIX_BYTES} bytes, got ${suffix.length}`);
  }
  const cursor = new Cursor(suffix);
  let aggregateKey = SchnorrPoint.ZERO;
  let weight = 0n;
  cursor.take(ROSTER_SLOTS).forEach((flag, slot) => {
    if (flag > 1 || (flag === 1 && slot >= roster.keys.length)) {
      throw badProof("schnorr-flags", `signer flag ${slot} is ${flag}`, { slot });
    }
    if (flag === 0) return;
    aggregateKey = aggregateKey.add(roster.keys[slot]!);
    weight += roster.weights[slot]!;
  });
  const response = cursor.scalar(SCHNORR_ORDER, "s");
  const challenge = cursor.scalar(SCHNORR_ORDER, "e");
  // At least half here, where the hinTS check wants more than half.
  if (weight === 0n || 2n * weight < roster.totalWeight) {
    throw badProof("schnorr-weight", "signers of the verification key have less than half of the weight", {
      weight: String(weight),
      totalWeight: String(roster.totalWeight),
    });
  }
  const commitment = SchnorrPoint.BASE.multiplyUnsafe(response).add(aggregateKey.multiplyUnsafe(challenge));
  const hash = blake2s(
    concatBytes(encodeSchnorrPoint(aggregateKey), encodeSchnorrPoint(commitment), message),
  );
  if (littleEndian(hash.subarray(0, CHALLENGE_BYTES)) % SCHNORR_ORDER !== challenge) {
    throw badProof("schnorr-challenge", "Schnorr signature of the verification key does not match");
  }
}
