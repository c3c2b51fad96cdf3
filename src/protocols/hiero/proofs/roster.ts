/**
 * The network's signing roster: Schnorr keys with weights, and the ledger id that commits to them.
 *
 * Layer: protocols. Imports bytes, hash_to_field, poseidon and @noble/curves. Source: spec/block-node.md §6.5
 * (Schnorr suffix, ledger id).
 *
 * @module
 */

import { edwards, type EdwardsPoint } from "@noble/curves/abstract/edwards.js";
import { badProof, concatBytes, Cursor, littleEndian, toLittleEndian } from "./bytes.ts";
import { hashToField } from "./hash_to_field.ts";
import { BN254_ORDER as FIELD, poseidonHash } from "./poseidon.ts";

/** Order of the Schnorr group. */
export const SCHNORR_ORDER = 2736030358979909402780800718157159386076813972158567259200215660948447373041n;
/** 168696 / 168700. */
const D = 9706598848417545097372247223557719406784115219466060233080913168975159366771n;

/** Schnorr keys live on a twisted Edwards curve over the scalar field of BN254. */
export const SchnorrPoint: ReturnType<typeof edwards> = edwards({
  p: FIELD,
  n: SCHNORR_ORDER,
  h: 8n,
  a: 1n,
  d: D,
  Gx: 19698561148652590122159747500897617769866003486955115824547446575314762165298n,
  Gy: 19298250018296453272277890825869354524455968081175474282777126169995084727839n,
});

/** One party: which node it is, what its signature weighs, and its 192 bytes of key and proof of knowledge. */
export interface RosterEntry {
  readonly nodeId: bigint;
  readonly weight: bigint;
  readonly schnorrKey: Uint8Array;
}

/** A roster with decoded keys. */
export interface Roster {
  readonly keys: readonly EdwardsPoint[];
  readonly weights: readonly bigint[];
  readonly totalWeight: bigint;
}

/** Slots of a roster; those without a node are filled with a dummy. */
export const ROSTER_SLOTS = 128;
/** Bytes of a key entry: key, then commitment, challenge and response of its proof of knowledge. */
export const ROSTER_KEY_BYTES = 192;
/** Bytes of a point: x then y, little-endian. */
export const SCHNORR_POINT_BYTES = 64;
/** What the library fills free slots with: nobody knows a private key for it. */
const DUMMY = {
  x: 12242143994000228932794072931472805933014698661472621875120544547182037447307n,
  y: 18632581597336484007639911068407412014942769995951822776505801470647807372989n,
  weight: 0n,
  nodeId: FIELD - 1n,
};
const NO_TAG = new Uint8Array(0);
const CHALLENGE_BYTES = 48;
const SIGN_BIT = 0x80;

/** The 64 bytes of a point. */
export function encodeSchnorrPoint(point: EdwardsPoint): Uint8Array {
  const { x, y } = point.toAffine();
  return concatBytes(toLittleEndian(x, 32), toLittleEndian(y, 32));
}

function decodePoint(bytes: Uint8Array, nodeId: bigint): EdwardsPoint {
  const x = littleEndian(bytes.subarray(0, 32));
  const y = littleEndian(bytes.subarray(32));
  const wrong = (reason: string) =>
    badProof("roster-key", `key of node ${nodeId} ${reason}`, { nodeId: String(nodeId) });
  if (x >= FIELD || y >= FIELD) throw wrong("is not reduced");
  const point = SchnorrPoint.fromAffine({ x, y });
  try {
    point.assertValidity();
  } catch {
    throw wrong("is not on the curve");
  }
  if (point.is0() || !point.isTorsionFree()) throw wrong("is not in the prime-order subgroup");
  return point;
}

/** y with the sign of x in the top bit. */
function compress(point: EdwardsPoint): Uint8Array {
  const { x, y } = point.toAffine();
  const bytes = toLittleEndian(y, 32);
  if (x > (FIELD - 1n) / 2n) bytes[31]! |= SIGN_BIT;
  return bytes;
}

/** z·G = C + c·key with c from G, key and C: whoever entered the key knows its private part. */
function checkProofOfKnowledge(key: EdwardsPoint, proof: Uint8Array, nodeId: bigint): void {
  const commitment = decodePoint(proof.subarray(0, SCHNORR_POINT_BYTES), nodeId);
  const scalars = new Cursor(proof.subarray(SCHNORR_POINT_BYTES));
  const challenge = scalars.scalar(SCHNORR_ORDER, "challenge");
  const response = scalars.scalar(SCHNORR_ORDER, "response");
  const transcript = concatBytes(compress(SchnorrPoint.BASE), compress(key), compress(commitment));
  const [expected] = hashToField(transcript, NO_TAG, 1, CHALLENGE_BYTES, SCHNORR_ORDER);
  const left = SchnorrPoint.BASE.multiplyUnsafe(response);
  if (challenge !== expected || !left.equals(commitment.add(key.multiplyUnsafe(challenge)))) {
    throw badProof("roster-key", `proof of knowledge of node ${nodeId} does not hold`, {
      nodeId: String(nodeId),
    });
  }
}

/**
 * Decodes a roster and checks every proof of knowledge, as the network's library does at each call. About 2 ms a
 * key: keep the result.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `roster-key`, if a key is malformed or unproven.
 */
export function prepareRoster(entries: readonly RosterEntry[]): Roster {
  if (entries.length === 0 || entries.length > ROSTER_SLOTS) {
    throw badProof("roster-key", `roster must have 1 to ${ROSTER_SLOTS} entries, got ${entries.length}`);
  }
  const keys = entries.map(({ nodeId, schnorrKey }) => {
    if (schnorrKey.length !== ROSTER_KEY_BYTES) {
      throw badProof(
        "roster-key",
        `key of node ${nodeId} must be ${ROSTER_KEY_BYTES} bytes, got ${schnorrKey.length}`,
        { nodeId: String(nodeId) },
      );
    }
    const key = decodePoint(schnorrKey.subarray(0, SCHNORR_POINT_BYTES), nodeId);
    checkProofOfKnowledge(key, schnorrKey.subarray(SCHNORR_POINT_BYTES), nodeId);
    return key;
  });
  const weights = entries.map(({ weight }) => weight);
  return { keys, weights, totalWeight: weights.reduce((sum, weight) => sum + weight, 0n) };
}

/** The ledger id of a genesis roster, 32 bytes: its Poseidon hash, columns one after the other. About 50 ms. */
export function ledgerIdOf(entries: readonly RosterEntry[]): Uint8Array {
  const rows = entries.map(({ nodeId, weight, schnorrKey }) => ({
    x: littleEndian(schnorrKey.subarray(0, 32)),
    y: littleEndian(schnorrKey.subarray(32, SCHNORR_POINT_BYTES)),
    weight,
    nodeId,
  }));
  while (rows.length < ROSTER_SLOTS) rows.push(DUMMY);
  const columns = (["x", "y", "weight", "nodeId"] as const).flatMap((column) =>
    rows.map((row) => row[column])
  );
  return toLittleEndian(poseidonHash(columns), 32);
}
