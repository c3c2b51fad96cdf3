/**
 * Makes proofs of work that pass, from scratch: with the least difficulty a header is found in a few tries.
 *
 * Layer: hot, tests only. Source: spec/rootstock-consensus.md section 4; BIP37.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { double, TAG, target } from "./_auxpow_reference.ts";
import { randomBytes } from "./_kernel_rig.ts";
import { midstate } from "./_sha256_reference.ts";
import type { AuxPow } from "./auxpow.ts";

/** What a proof is to look like. */
export interface ProofOptions {
  /** What is to be proven, B. @default random */
  readonly hash?: Uint8Array;
  readonly depth?: number;
  readonly forkData?: boolean;
  readonly rskip180?: boolean;
  /** Big-endian. */
  readonly difficulty?: Uint8Array;
  /** Bytes of the tail before the tag, and after the commitment. */
  readonly before?: number;
  readonly after?: number;
  /** Whole blocks before the tail. */
  readonly blocks?: number;
  /** Makes the Merkle proof for the coinbase's hash; without it a list of random siblings. */
  readonly tree?: (coinbase: Uint8Array) => { proof: Uint8Array; root: Uint8Array };
}

/** A compressed coinbase with a commitment, and the hash of the transaction. */
function makeCoinbase(commitment: Uint8Array, options: ProofOptions) {
  const head = randomBytes(64 * (options.blocks ?? 2));
  const tail = Buffer.concat([
    randomBytes(options.before ?? 57),
    commitment,
    randomBytes(options.after ?? 4),
  ]);
  const count = new Uint8Array(8);
  new DataView(count.buffer).setBigUint64(0, BigInt(head.length));
  const sha256 = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest();
  return {
    coinbase: new Uint8Array(Buffer.concat([count, midstate(head), tail])),
    hash: sha256(sha256(head, tail)),
  };
}

/** A bitcoin header over a root whose hash meets the difficulty. */
export function mine(root: Uint8Array, difficulty: Uint8Array): Uint8Array {
  const header = randomBytes(80);
  header.set(root, 36);
  const limit = target(difficulty);
  for (let nonce = 0;; nonce++) {
    new DataView(header.buffer).setUint32(76, nonce);
    if (BigInt(`0x${Buffer.from(double(header)).reverse().toString("hex")}`) <= limit) return header;
  }
}

/** A proof that passes. */
export function makeProof(options: ProofOptions = {}): AuxPow {
  const hash = options.hash ?? randomBytes(32);
  const { forkData = false, rskip180 = true, depth = 0, difficulty = new Uint8Array([1]) } = options;
  const m = forkData ? Buffer.concat([hash.subarray(0, 20), randomBytes(12)]) : hash;
  const { coinbase, hash: leaf } = makeCoinbase(Buffer.concat([TAG, m]), options);
  let merkleProof: Uint8Array;
  let root: Uint8Array = leaf;
  if (options.tree === undefined) {
    merkleProof = randomBytes(32 * depth);
    for (let at = 0; at < merkleProof.length; at += 32) {
      root = double(root, merkleProof.slice(at, at + 32).reverse());
    }
  } else ({ proof: merkleProof, root } = options.tree(leaf));
  return {
    rules: { rskip92: options.tree === undefined, forkData, rskip180 },
    hash,
    difficulty,
    btcHeader: mine(root, difficulty),
    merkleProof,
    coinbase,
  };
}

/** Serializes a partial Merkle tree over `leaves` that matches the leaf at `match`. */
export function makePartialTree(leaves: readonly Uint8Array[], match: number) {
  const levels: Uint8Array[][] = [[...leaves]];
  while (levels.at(-1)!.length > 1) {
    const below = levels.at(-1)!;
    levels.push(
      Array.from(
        { length: Math.ceil(below.length / 2) },
        (_, i) => double(below[2 * i]!, below[2 * i + 1] ?? below[2 * i]!),
      ),
    );
  }
  const bits: number[] = [];
  const hashes: Uint8Array[] = [];
  const walk = (height: number, position: number) => {
    const above = match >> height === position;
    bits.push(above ? 1 : 0);
    if (height === 0 || !above) {
      hashes.push(levels[height]![position]!);
      return;
    }
    walk(height - 1, 2 * position);
    if (2 * position + 1 < levels[height - 1]!.length) walk(height - 1, 2 * position + 1);
  };
  walk(levels.length - 1, 0);
  return { root: levels.at(-1)![0]!, proof: serializePartialTree(leaves.length, hashes, bits) };
}

/** Transaction count, hashes and flags as bytes; counts below 253. */
export function serializePartialTree(
  transactions: number,
  hashes: readonly Uint8Array[],
  bits: readonly number[],
): Uint8Array {
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, transactions, true);
  const flags = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) flags[i >> 3]! |= bit << (i & 7);
  return new Uint8Array(
    Buffer.concat([count, new Uint8Array([hashes.length]), ...hashes, new Uint8Array([flags.length]), flags]),
  );
}
