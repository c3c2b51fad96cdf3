/**
 * The suffix of a settled signature: a compressed WRAPS proof that the hinTS key descends from the ledger id.
 *
 * Layer: protocols. Imports bn254, bytes and poseidon. Source: spec/block-node.md §6.5 (WRAPS suffix).
 *
 * @module
 */

import { badProof, bigEndian, Cursor, littleEndian } from "./bytes.ts";
import {
  BN254_G1_BYTES,
  BN254_G2_BYTES,
  type Bn254G1,
  type Bn254G2,
  bn254ProductIsOne,
  decodeBn254G1,
  decodeBn254G2,
} from "./bn254.ts";
import type { RandomBytes } from "./hints_verify.ts";
import { BN254_ORDER } from "./poseidon.ts";

/** Bytes of the suffix and of the verification key. */
export const WRAPS_SUFFIX_BYTES = 704;
export const WRAPS_KEY_BYTES = 1768;
/** State words of the folded computation, and commitments of each folded instance. */
const STATE_WORDS = 2n;
const PUBLIC_INPUTS = 40;
/** Coordinates enter the public inputs as five limbs of 55 bits, least first. */
const LIMBS = 5;
const LIMB_BITS = 55n;
const FACTOR_BYTES = 16;

/** A decoded verification key. */
export interface WrapsKey {
  readonly ppHash: bigint;
  readonly alpha: Bn254G1;
  readonly beta: Bn254G2;
  readonly gamma: Bn254G2;
  readonly delta: Bn254G2;
  /** A point for the constant, and one for each public input. */
  readonly gammaAbc: readonly Bn254G1[];
  readonly g: Bn254G1;
  readonly h: Bn254G2;
  readonly betaH: Bn254G2;
}

/**
 * Decodes a WRAPS verification key. Some 30 ms: keep the result.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `length`, `encoding`, `on-curve` or `subgroup`.
 */
export function prepareWrapsKey(bytes: Uint8Array): WrapsKey {
  if (bytes.length !== WRAPS_KEY_BYTES) {
    throw badProof("length", `WRAPS key must be ${WRAPS_KEY_BYTES} bytes, got ${bytes.length}`);
  }
  const cursor = new Cursor(bytes);
  const g1 = (field: string) => decodeBn254G1(cursor.take(BN254_G1_BYTES), field);
  const g2 = (field: string) => decodeBn254G2(cursor.take(BN254_G2_BYTES), field);
  const ppHash = cursor.scalar(BN254_ORDER, "pp_hash");
  const alpha = g1("alpha");
  const [beta, gamma, delta] = [g2("beta"), g2("gamma"), g2("delta")];
  const count = cursor.uint64();
  if (count !== BigInt(PUBLIC_INPUTS + 1)) {
    throw badProof("encoding", `WRAPS key must be for ${PUBLIC_INPUTS} inputs, has ${count - 1n}`, {
      field: "gamma_abc",
    });
  }
  const gammaAbc = Array.from({ length: PUBLIC_INPUTS + 1 }, (_, i) => g1(`gamma_abc[${i}]`));
  const g = g1("g");
  // γg is for provers; decoded all the same, so that a damaged key shows.
  g1("gamma_g");
  return { ppHash, alpha, beta, gamma, delta, gammaAbc, g, h: g2("h"), betaH: g2("beta_h") };
}

interface WrapsProof {
  readonly steps: bigint;
  readonly z0: readonly bigint[];
  readonly zi: readonly bigint[];
  readonly running: readonly Bn254G1[];
  readonly incoming: readonly Bn254G1[];
  readonly a: Bn254G1;
  readonly b: Bn254G2;
  readonly c: Bn254G1;
  readonly openings: readonly { readonly evaluation: bigint; readonly witness: Bn254G1 }[];
  readonly cmT: Bn254G1;
  readonly rho: bigint;
  readonly challenges: readonly bigint[];
}

function decodeProof(bytes: Uint8Array): WrapsProof {
  if (bytes.length !== WRAPS_SUFFIX_BYTES) {
    throw badProof("length", `WRAPS proof must be ${WRAPS_SUFFIX_BYTES} bytes, got ${bytes.length}`);
  }
  const cursor = new Cursor(bytes);
  const scalar = (field: string) => cursor.scalar(BN254_ORDER, field);
  const g1 = (field: string) => decodeBn254G1(cursor.take(BN254_G1_BYTES), field);
  const two = <T>(field: string, read: (field: string) => T): T[] => {
    if (cursor.uint64() !== STATE_WORDS) {
      throw badProof("encoding", `${field} must have two parts`, { field });
    }
    return [read(`${field}[0]`), read(`${field}[1]`)];
  };
  const steps = scalar("i");
  const z0 = two("z_0", scalar);
  const zi = two("z_i", scalar);
  const running = two("running", g1);
  const incoming = two("incoming", g1);
  const a = g1("A");
  const b = decodeBn254G2(cursor.take(BN254_G2_BYTES), "B");
  const c = g1("C");
  const openings = ["opening[0]", "opening[1]"].map((field) => ({
    evaluation: scalar(field),
    witness: g1(field),
  }));
  const cmT = g1("cmT");
  const rho = scalar("rho");
  return {
    steps,
    z0,
    zi,
    running,
    incoming,
    a,
    b,
    c,
    openings,
    cmT,
    rho,
    challenges: [scalar("challenge[0]"), scalar("challenge[1]")],
  };
}

function limbsOf(point: Bn254G1): bigint[] {
  const { x, y } = point.is0() ? { x: 0n, y: 0n } : point.toAffine();
  return [x, y].flatMap((coordinate) =>
    Array.from(
      { length: LIMBS },
      (_, i) => coordinate >> BigInt(i) * LIMB_BITS & (1n << LIMB_BITS) - 1n,
    )
  );
}

/** What a proof must be about. */
export interface WrapsStatement {
  /** 32 bytes, little-endian. */
  readonly ledgerId: Uint8Array;
  /** Poseidon hash of the hinTS key. */
  readonly keyHash: bigint;
}

/**
 * Verifies a WRAPS proof: the Groth16 equation and both KZG openings, in one product of six pairings.
 *
 * @param random For the factors that keep the three equations apart.
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `length`, `encoding`, `on-curve`, `subgroup`, `wraps-steps`,
 *   `wraps-ledger-id`, `wraps-key-hash`, `wraps-commitment`, `wraps-groth16` or `wraps-opening`.
 */
export function verifyWraps(
  suffix: Uint8Array,
  key: WrapsKey,
  statement: WrapsStatement,
  random: RandomBytes,
): void {
  const proof = decodeProof(suffix);
  if (proof.steps <= 1n) throw badProof("wraps-steps", `WRAPS proof of ${proof.steps} steps`);
  if (proof.z0[0] !== littleEndian(statement.ledgerId)) {
    throw badProof("wraps-ledger-id", "WRAPS proof is for another ledger id");
  }
  if (proof.zi[1] !== statement.keyHash) {
    throw badProof("wraps-key-hash", "WRAPS proof is for another verification key");
  }
  if (!proof.incoming[1]!.is0()) {
    throw badProof("wraps-commitment", "incoming instance of the WRAPS proof has an error term");
  }
  const commitments = [
    proof.running[0]!.add(proof.incoming[0]!.multiplyUnsafe(proof.rho)),
    proof.running[1]!.add(proof.cmT.multiplyUnsafe(proof.rho)),
  ];
  const groth16 = groth16Pairs(key, proof, publicInputs(key, proof, commitments));
  const openings = commitments.map((commitment, i) => openingPairs(key, proof, commitment, i));
  // The factors make one product of three: it is 1 by chance with probability 2^−128.
  const factors = [0, 1].map(() => bigEndian(random(FACTOR_BYTES)) % BN254_ORDER);
  const scaled = openings.map((pairs, i) =>
    pairs.map(({ g1, g2 }) => ({ g1: g1.multiplyUnsafe(factors[i]!), g2 }))
  );
  const product = [
    ...groth16,
    // Both openings are against h and βh.
    { g1: scaled[0]![0]!.g1.add(scaled[1]![0]!.g1), g2: key.h },
    { g1: scaled[0]![1]!.g1.add(scaled[1]![1]!.g1), g2: key.betaH },
  ];
  if (bn254ProductIsOne(product)) return;
  if (!bn254ProductIsOne(groth16)) {
    throw badProof("wraps-groth16", "Groth16 equation of the WRAPS proof does not hold");
  }
  throw badProof("wraps-opening", "KZG opening of the WRAPS proof does not hold");
}

function publicInputs(key: WrapsKey, proof: WrapsProof, commitments: readonly Bn254G1[]): bigint[] {
  return [
    key.ppHash,
    proof.steps,
    ...proof.z0,
    ...proof.zi,
    ...commitments.flatMap(limbsOf),
    ...proof.challenges,
    ...proof.openings.map(({ evaluation }) => evaluation),
    ...limbsOf(proof.cmT),
  ];
}

/** e(A, B) = e(α, β)·e(Σ, γ)·e(C, δ), as pairs whose product is 1. */
function groth16Pairs(key: WrapsKey, { a, b, c }: WrapsProof, inputs: readonly bigint[]) {
  const sum = inputs.reduce(
    (sum, input, i) => sum.add(key.gammaAbc[i + 1]!.multiplyUnsafe(input)),
    key.gammaAbc[0]!,
  );
  return [
    { g1: a, g2: b },
    { g1: key.alpha.negate(), g2: key.beta },
    { g1: sum.negate(), g2: key.gamma },
    { g1: c.negate(), g2: key.delta },
  ];
}

/** e(cm − eval·g, h) = e(w, βh − challenge·h), moved to e(cm − eval·g + challenge·w, h)·e(−w, βh) = 1. */
function openingPairs(key: WrapsKey, proof: WrapsProof, commitment: Bn254G1, index: number) {
  const { evaluation, witness } = proof.openings[index]!;
  const moved = commitment.subtract(key.g.multiplyUnsafe(evaluation))
    .add(witness.multiplyUnsafe(proof.challenges[index]!));
  return [{ g1: moved, g2: key.h }, { g1: witness.negate(), g2: key.betaH }];
}
