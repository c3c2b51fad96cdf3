/**
 * A Merkle tree with all its nodes, for paths from leaves to the root.
 *
 * Layer: protocols. Imports merkle. Source: spec/block-node.md §6.1: the tree is that of {@link StreamingTree}, whose
 * left half is always the largest perfect tree that leaves something for the right.
 *
 * @module
 */

import { emptyTreeHash, HASH_BYTES, hashTwo, type Sha384 } from "./merkle.ts";

/** One step of a path, bottom to top: MerkleSiblingHash. */
export interface MerkleSibling {
  /** Whether the sibling is the first (left) child. */
  readonly isFirst: boolean;
  /** 48 bytes, or none for a node with a single child. */
  readonly hash: Uint8Array;
}

/** Prefix of a node with two children. */
const TWO = 0x02;

/** A tree over ready leaf hashes. Holds twice their bytes. */
export class PathTree {
  readonly #sha384: Sha384;
  /** Nodes side by side, level by level from the leaves: node j of level k covers the 2^k leaves from j × 2^k on. */
  readonly #levels: Uint8Array[];

  /** @param leaves u8[48 × leaves], which this object keeps. */
  constructor(leaves: Uint8Array, sha384: Sha384) {
    this.#sha384 = sha384;
    this.#levels = [leaves];
  }

  /** Leaves of the tree. */
  get count(): number {
    return this.#levels[0]!.length / HASH_BYTES;
  }

  /** Hashes the perfect sub-trees; yields after each node, so that whoever drives it can pause. */
  *growing(): Generator<void> {
    // One buffer for all nodes: children lie side by side, so their parent's input is one copy.
    const input = new Uint8Array(1 + 2 * HASH_BYTES);
    input[0] = TWO;
    for (let below = this.#levels[0]!; below.length >= 2 * HASH_BYTES;) {
      const level = new Uint8Array(Math.floor(below.length / HASH_BYTES / 2) * HASH_BYTES);
      for (let at = 0; at < level.length; at += HASH_BYTES) {
        input.set(below.subarray(2 * at, 2 * at + 2 * HASH_BYTES), 1);
        this.#sha384(input, level.subarray(at, at + HASH_BYTES));
        yield;
      }
      this.#levels.push(level);
      below = level;
    }
  }

  /** Root of the grown tree; H(0x00) if it has no leaf. */
  root(): Uint8Array {
    return this.count === 0 ? emptyTreeHash(this.#sha384) : this.#root(0, this.count);
  }

  /** Siblings of a leaf in the grown tree, bottom to top. @throws {RangeError} If there is no such leaf. */
  path(leaf: number): MerkleSibling[] {
    if (!(leaf >= 0 && leaf < this.count)) {
      throw new RangeError(`Cannot find path of leaf ${leaf}: the tree has ${this.count}`);
    }
    const siblings: MerkleSibling[] = [];
    let from = 0;
    let count = this.count;
    while (count > 1) {
      const half = leftHalf(count);
      const isFirst = leaf >= from + half;
      siblings.push({
        isFirst,
        hash: (isFirst ? this.#root(from, half) : this.#root(from + half, count - half)).slice(),
      });
      if (isFirst) from += half;
      count = isFirst ? count - half : half;
    }
    return siblings.reverse();
  }

  /** Root of the sub-tree over `count` leaves from `from` on. */
  #root(from: number, count: number): Uint8Array {
    const level = Math.log2(count);
    if (Number.isInteger(level)) {
      const at = (from / count) * HASH_BYTES;
      return this.#levels[level]!.subarray(at, at + HASH_BYTES);
    }
    const half = leftHalf(count);
    return hashTwo(this.#sha384, this.#root(from, half), this.#root(from + half, count - half));
  }
}

/** Largest power of two below `count`, which is at least 2. */
function leftHalf(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1));
}
