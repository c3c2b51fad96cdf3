/**
 * The root hash of a block from its sub-trees, under the current rule and the older one.
 *
 * Layer: protocols. Imports items and merkle. Source: spec/block-node.md §6.2, §6.2.4.
 *
 * @module
 */

import { SUBTREES } from "./items.ts";
import { HASH_BYTES, type Sha384, StreamingTree } from "./merkle.ts";

/**
 * How a block root is put together: sixteen leaves (current), eight leaves under a single-child node (HAPI 0.72 and
 * 0.73), or unknown to this node (HAPI 0.69 and before).
 */
export type HashRule = "16-leaf" | "8-leaf-one-child" | "opaque";

/** A root a block may have, and the rule that gives it. */
export interface RootCandidate {
  readonly rule: Exclude<HashRule, "opaque">;
  readonly hash: Uint8Array;
}

/** Sub-trees that the older rule knows: leaves 4-8. The extension trees came with the sixteen leaves. */
const OLD_SUBTREES = 5;

const LEAF = 0x00;
const ONE = 0x01;
const TWO = 0x02;

/** Leaves 1-3 and the timestamp: what the root takes from header and footer. */
export interface RootParts {
  /** Serialized Timestamp message of the header. */
  readonly timestamp: Uint8Array;
  readonly previousBlockRootHash: Uint8Array;
  readonly allBlocksRootHash: Uint8Array;
  /** Any length but 0: it is hashed as it is. */
  readonly startOfBlockStateRootHash: Uint8Array;
}

/**
 * Hashes one block after the other without allocating per item. Not re-entrant: one block at a time.
 *
 * @example The leaf of an item is its whole serialized BlockItem
 * ```ts
 * import { RootHasher } from "./root_hash.ts";
 * import { nativeSha384 } from "./native_sha384.ts";
 * const hasher = new RootHasher(nativeSha384);
 * hasher.addItem(1, Uint8Array.of(0, 0x22, 0x00), 1, 3);
 * if (hasher.subtreeRoots()["inputs"]?.length !== 48) throw new Error("expected a SHA-384 root");
 * ```
 */
export class RootHasher {
  readonly #sha384: Sha384;
  readonly #trees: readonly StreamingTree[];
  readonly #roots = new Uint8Array(SUBTREES.length * HASH_BYTES);
  readonly #emptyRoot = new Uint8Array(HASH_BYTES);
  /** Root of leaves 9-16 when no extension tree has an item, as in every block of today: 7 hashes saved. */
  readonly #emptyExtensions = new Uint8Array(HASH_BYTES);
  /** Input of a two-child node: prefix, left, right. */
  readonly #pair = new Uint8Array(1 + 2 * HASH_BYTES);
  #finished = false;

  constructor(sha384: Sha384) {
    this.#sha384 = sha384;
    this.#trees = SUBTREES.map(() => new StreamingTree(sha384));
    sha384(Uint8Array.of(LEAF), this.#emptyRoot);
    const extensions = new StreamingTree(sha384);
    for (let i = OLD_SUBTREES; i < SUBTREES.length; i++) extensions.push(this.#emptyRoot);
    this.#emptyExtensions.set(extensions.root());
  }

  /** H(0x00): root of an empty sub-tree, and all three footer hashes of block 0. */
  get emptyRoot(): Uint8Array {
    return this.#emptyRoot;
  }

  /** Forgets all items. */
  clear(): void {
    for (const tree of this.#trees) tree.clear();
    this.#finished = false;
  }

  /**
   * Adds the item at `bytes[start, end)` to a sub-tree.
   *
   * Writes to the byte before the item while it hashes and puts it back: the leaf prefix is then in place and no
   * item is ever copied. So the caller must own `bytes` alone, and `start` must be at least 1.
   */
  addItem(subtree: number, bytes: Uint8Array, start: number, end: number): void {
    const tree = this.#trees[subtree]!;
    const kept = bytes[start - 1]!;
    bytes[start - 1] = LEAF;
    this.#sha384(bytes.subarray(start - 1, end), tree.nextSlot());
    bytes[start - 1] = kept;
    tree.commit();
  }

  /** Gives an empty sub-tree a root computed before: for blocks that share their items. */
  setRoot(subtree: number, root: Uint8Array): void {
    this.#trees[subtree]!.push(root);
  }

  /** Roots of the sub-trees as of now, by name; the extension trees only where they have items. Copies. */
  subtreeRoots(): Record<string, Uint8Array> {
    const roots: Record<string, Uint8Array> = {};
    this.#trees.forEach((tree, i) => {
      if (i < OLD_SUBTREES || tree.count > 0) roots[SUBTREES[i]!] = tree.root();
    });
    return roots;
  }

  /**
   * Root of the block under both rules, current rule first. An item in an extension tree leaves only that one. Ends
   * the block: {@link clear} before the next.
   */
  finish(parts: RootParts): RootCandidate[] {
    if (this.#finished) throw new Error("Cannot finish block root: already finished");
    this.#finished = true;
    const extended = this.#trees.some((tree, i) => i >= OLD_SUBTREES && tree.count > 0);
    const root = (i: number) => this.#roots.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
    this.#trees.forEach((tree, i) => {
      if (i < OLD_SUBTREES || extended) tree.finishInto(root(i), this.#emptyRoot);
    });

    const state = parts.startOfBlockStateRootHash;
    const left = this.#two(
      this.#two(
        this.#two(parts.previousBlockRootHash, parts.allBlocksRootHash),
        this.#two(state, root(0)),
      ),
      this.#two(this.#two(root(1), root(2)), this.#two(root(3), root(4))),
    );
    const right = extended ? this.#extensionRoot(root) : this.#emptyExtensions;
    const time = this.#prefixed(LEAF, parts.timestamp);
    const current = { rule: "16-leaf", hash: this.#two(time, this.#two(left, right)) } as const;
    if (extended) return [current];
    return [current, { rule: "8-leaf-one-child", hash: this.#two(time, this.#prefixed(ONE, left)) }];
  }

  #extensionRoot(root: (i: number) => Uint8Array): Uint8Array {
    const tree = new StreamingTree(this.#sha384);
    for (let i = OLD_SUBTREES; i < SUBTREES.length; i++) tree.push(root(i));
    return tree.root();
  }

  #two(left: Uint8Array, right: Uint8Array): Uint8Array {
    const length = 1 + left.length + right.length;
    // Only the state hash may have another length than 48 (spec §6.2).
    const input = length === this.#pair.length ? this.#pair : new Uint8Array(length);
    input[0] = TWO;
    input.set(left, 1);
    input.set(right, 1 + left.length);
    const out = new Uint8Array(HASH_BYTES);
    this.#sha384(input, out);
    return out;
  }

  #prefixed(prefix: number, data: Uint8Array): Uint8Array {
    const input = new Uint8Array(1 + data.length);
    input[0] = prefix;
    input.set(data, 1);
    const out = new Uint8Array(HASH_BYTES);
    this.#sha384(input, out);
    return out;
  }
}
