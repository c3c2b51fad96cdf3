/**
 * Chains of toy headers for tests of the sync machine: a header is its own hash and its parent's, so that any block of a
 * chain of millions is there at once.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import { equalBytes } from "./bytes.ts";
import type { ChainPosition, HeaderIdentity } from "./sync_events.ts";
import type { SegmentVerdict, VerifiedHeader } from "./verify_segment.ts";

/** Bytes of a toy header: hash, parent's hash. */
export const TOY_BYTES = 64;

/** A chain, or what one leaves another from. */
export interface ToyBranch {
  /** Shares the blocks of this one up to `forkAt`. */
  readonly parent?: number;
  readonly forkAt?: number;
  /** Of each block above `forkAt`. */
  readonly difficulty: number;
  /** Blocks from here on break a rule. */
  readonly invalidFrom?: number;
  /** Uncles of each block. */
  readonly uncleCount?: number;
}

/** Branches by number, and the blocks of each. Block 0 is the same in all. */
export class ToyWorld {
  readonly #branches: readonly ToyBranch[];

  constructor(branches: readonly ToyBranch[]) {
    this.#branches = branches;
  }

  /** The branch that block `number` of `branch` really is of. */
  #ownerOf(branch: number, number: number): number {
    let owner = branch;
    while (owner > 0 && number <= (this.#branches[owner]!.forkAt ?? 0)) {
      owner = this.#branches[owner]!.parent ?? 0;
    }
    return owner;
  }

  #writeHash(out: DataView, at: number, branch: number, number: number): void {
    const owner = number <= 0 ? 0 : this.#ownerOf(branch, number);
    const { difficulty, invalidFrom = Infinity, uncleCount = 0 } = this.#branches[owner]!;
    out.setUint32(at, number);
    out.setUint32(at + 4, owner);
    out.setUint32(at + 8, number === 0 ? 1 : difficulty);
    out.setUint32(at + 12, number >= invalidFrom ? 1 : 0);
    out.setUint32(at + 16, number === 0 ? 0 : uncleCount);
  }

  hash(branch: number, number: number): Uint8Array {
    const bytes = new Uint8Array(32);
    this.#writeHash(new DataView(bytes.buffer), 0, branch, number);
    return bytes;
  }

  header(branch: number, number: number): Uint8Array {
    const bytes = new Uint8Array(TOY_BYTES);
    const view = new DataView(bytes.buffer);
    this.#writeHash(view, 0, branch, number);
    if (number > 0) this.#writeHash(view, 32, branch, number - 1);
    return bytes;
  }

  /** Total difficulty of a chain, with each uncle as heavy as its block. */
  totalDifficulty(branch: number, number: number): bigint {
    let total = 1n;
    let top = number;
    for (let at = branch; top > 0; at = this.#branches[at]!.parent ?? 0) {
      const { forkAt = 0, difficulty, uncleCount = 0 } = this.#branches[at]!;
      if (top > forkAt) {
        total += BigInt(top - forkAt) * BigInt(difficulty * (1 + uncleCount));
        top = forkAt;
      }
      if (at === 0) break;
    }
    return total;
  }

  /** A block of a chain as fork choice sees it, all of its uncles known. */
  position(branch: number, number: number): ChainPosition {
    const difficulty = number === 0 ? 1 : this.#branches[this.#ownerOf(branch, number)]!.difficulty;
    const totalDifficulty = this.totalDifficulty(branch, number);
    return {
      number,
      hash: this.hash(branch, number),
      difficulty: BigInt(difficulty),
      paidFees: 0n,
      totalDifficulty,
      totalDifficultyCeiling: totalDifficulty,
    };
  }
}

/** Branch and number that a toy hash says. */
export function readToyHash(hash: Uint8Array): { number: number; branch: number } {
  const view = new DataView(hash.buffer, hash.byteOffset);
  return { number: view.getUint32(0), branch: view.getUint32(4) };
}

/** A toy header without its ancestors; undefined if it is none. */
export function identifyToy(bytes: Uint8Array): HeaderIdentity | undefined {
  if (bytes.length !== TOY_BYTES) return undefined;
  return {
    number: readToyHash(bytes).number,
    hash: bytes.subarray(0, 32),
    parentHash: bytes.subarray(32, 64),
  };
}

/** Checks links and the mark of an invalid block. */
export function verifyToy(after: Uint8Array, headers: readonly Uint8Array[]): SegmentVerdict {
  const verified: VerifiedHeader[] = [];
  let parent = after;
  for (let index = 0; index < headers.length; index++) {
    const bytes = headers[index]!;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const hash = bytes.subarray(0, 32);
    const parentHash = bytes.subarray(32, 64);
    const rule = !equalBytes(parentHash, parent)
      ? "parent-hash"
      : view.getUint32(12) !== 0
      ? "proof-of-work"
      : undefined;
    if (rule !== undefined) return { valid: false, index, rule, detail: "", headers: verified };
    const number = view.getUint32(0);
    verified.push({
      number,
      hash,
      parentHash,
      difficulty: BigInt(view.getUint32(8)),
      timestamp: number,
      uncleCount: view.getUint32(16),
      hasUncles: view.getUint32(16) > 0,
      paidFees: 0n,
    });
    parent = hash;
  }
  return { valid: true, headers: verified };
}

/** Fork choice without fees: the heavier, or the first seen. */
export function isHeavierToy(candidate: ChainPosition, best: ChainPosition): boolean {
  return candidate.totalDifficulty > best.totalDifficulty;
}

/** Difficulty of up to 2000, which does not grow on its own. */
export const TOY_GROWTH = { divisorFrom: () => 1_000_000n, minimumFrom: () => 2_000n };
