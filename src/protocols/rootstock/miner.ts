/**
 * Merged mining at low difficulty: the three slots that prove the work on a header.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 4. The coinbase is whole in its tail, with
 * nothing folded into the midstate, and the Merkle branch is made of random siblings: whoever checks a proof sees no
 * difference. Not for pools: it looks for a nonce in one thread.
 *
 * @module
 */

import { auxPowTarget } from "../../hot/auxpow.ts";
import { sha256d } from "../../hot/sha256d.ts";

/** What is to be proven, and how the proof is to look. */
export interface MiningWork {
  /** M, 32 bytes. */
  readonly hash: Uint8Array;
  /** Big-endian. */
  readonly difficulty: Uint8Array;
  /** Of the bitcoin header, in seconds. */
  readonly timestamp: number;
  /** Siblings of the Merkle branch. */
  readonly depth: number;
  /** Fills bytes; two miners with other bytes find other blocks. */
  readonly fill: (bytes: Uint8Array) => void;
  /** Looks for a hash that misses the target. */
  readonly miss?: boolean;
}

/** The three mining slots. */
export interface MinedSlots {
  readonly bitcoinMergedMiningHeader: Uint8Array;
  readonly bitcoinMergedMiningMerkleProof: Uint8Array;
  readonly bitcoinMergedMiningCoinbaseTransaction: Uint8Array;
  /** Hash of the bitcoin header in wire order. */
  readonly powHash: Uint8Array;
}

const TAG = new TextEncoder().encode("RSKBLOCK:");
/** Chaining words before the first block, big-endian. */
const SHA256_START = Uint8Array.fromHex("6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19");
const COUNT_BYTES = 8;
/** Bytes of a coinbase before its tag: fewer than 64. */
const BEFORE_BYTES = 58;
/** Sequence, outputs and lock time. */
const AFTER_BYTES = 48;
const BTC_HEADER_BYTES = 80;
const NONCE_AT = 76;

let target: { difficulty: string; bytes: Uint8Array } | undefined;

/** The target in wire order, kept for the next block: it changes seldom. */
function targetOf(difficulty: Uint8Array): Uint8Array {
  const hex = difficulty.toHex();
  if (target?.difficulty !== hex) target = { difficulty: hex, bytes: auxPowTarget(difficulty).reverse() };
  return target.bytes;
}

/** Whether a hash is at most a target, both little-endian. */
function meets(hash: Uint8Array, most: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) if (hash[i] !== most[i]) return hash[i]! < most[i]!;
  return true;
}

/** Finds a proof. The time it takes is that of as many double hashes as the difficulty says. */
export function mine({ hash, difficulty, timestamp, depth, fill, miss = false }: MiningWork): MinedSlots {
  const tailAt = COUNT_BYTES + SHA256_START.length;
  const coinbase = new Uint8Array(tailAt + BEFORE_BYTES + TAG.length + hash.length + AFTER_BYTES);
  coinbase.set(SHA256_START, COUNT_BYTES);
  // The coinbase's random bytes are 0x80 and above, so that none of them can begin another tag.
  fill(coinbase.subarray(tailAt, tailAt + BEFORE_BYTES));
  for (let i = tailAt; i < tailAt + BEFORE_BYTES; i++) coinbase[i]! |= 0x80;
  coinbase.set(TAG, tailAt + BEFORE_BYTES);
  coinbase.set(hash, tailAt + BEFORE_BYTES + TAG.length);
  const proof = new Uint8Array(32 * depth);
  fill(proof);
  let root: Uint8Array = sha256d(coinbase.subarray(tailAt));
  const node = new Uint8Array(64);
  for (let at = 0; at < proof.length; at += 32) {
    node.set(root);
    for (let i = 0; i < 32; i++) node[32 + i] = proof[at + 31 - i]!;
    root = sha256d(node);
  }
  const header = new Uint8Array(BTC_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x2000_0000, true);
  fill(header.subarray(4, 36));
  header.set(root, 36);
  view.setUint32(68, timestamp, true);
  view.setUint32(72, 0x207f_ffff, true);
  const most = targetOf(difficulty);
  let powHash: Uint8Array;
  let nonce = 0;
  do {
    view.setUint32(NONCE_AT, nonce++, true);
    powHash = sha256d(header);
  } while (meets(powHash, most) === miss);
  return {
    bitcoinMergedMiningHeader: header,
    bitcoinMergedMiningMerkleProof: proof,
    bitcoinMergedMiningCoinbaseTransaction: coinbase,
    powHash,
  };
}
