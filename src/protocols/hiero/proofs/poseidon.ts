/**
 * The Poseidon sponge over the scalar field of BN254 that hashes verification keys and rosters.
 *
 * Layer: protocols. Imports bytes and @noble/curves. Source: spec/block-node.md §6.5 (Poseidon, ledger id).
 *
 * @module
 */

import { grainGenConstants, poseidon, type PoseidonFn } from "@noble/curves/abstract/poseidon.js";
import { bn254_Fr as Fr } from "@noble/curves/bn254.js";
import { littleEndian } from "./bytes.ts";

/** Order of BN254's groups, and of the field that Poseidon and the Schnorr curve are over. */
export const BN254_ORDER: bigint = Fr.ORDER;

const RATE = 4;
const SHAPE = { Fp: Fr, t: RATE + 1, roundsFull: 8, roundsPartial: 60, sboxPower: 5 };
const CHUNK_BYTES = 32;

let permutation: PoseidonFn | undefined;

/** The permutation of five elements. Its constants come out of a shift register: some 20 ms, once. */
export function permute(state: readonly bigint[]): bigint[] {
  permutation ??= poseidon({ ...SHAPE, ...grainGenConstants(SHAPE) });
  return permutation([...state]);
}

/** Hash of field elements: four are added into the state at a time. */
export function poseidonHash(elements: readonly bigint[]): bigint {
  let state = new Array<bigint>(RATE + 1).fill(0n);
  for (let i = 0; i < elements.length; i += RATE) {
    if (i > 0) state = permute(state);
    elements.slice(i, i + RATE).forEach((element, j) =>
      state[j + 1] = (state[j + 1]! + element) % BN254_ORDER
    );
  }
  return permute(state)[1]!;
}

/** Hash of bytes, cut into little-endian numbers of 32 bytes that are reduced. */
export function poseidonHashBytes(bytes: Uint8Array): bigint {
  const elements: bigint[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    elements.push(littleEndian(bytes.subarray(at, at + CHUNK_BYTES)) % BN254_ORDER);
  }
  return poseidonHash(elements);
}
