/**
 * A block as a tree of its items: finds an item and makes the proof that it is part of the block.
 *
 * Layer: protocols. Imports the cores of this room. Source: spec/block-node.md §1.8, §6.1-6.3.
 *
 * @module
 */

import { scanBlock, type ScannedBlock } from "./block_scan.ts";
import { type ContentsProof, FIRST_SUBTREE_LEAF, notHashed } from "./contents_proof.ts";
import { equalBytes, HieroFault } from "./fault.ts";
import { ITEM, itemKindName, itemRanges, NOT_HASHED, peekItemKind, subtreeOf, SUBTREES } from "./items.ts";
import { HASH_BYTES, hashLeaf, type Sha384 } from "./merkle.ts";
import { type MerkleSibling, PathTree } from "./merkle_path.ts";
import { type RootCandidate, RootHasher } from "./root_hash.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";

/** Bytes hashed between two pauses of {@link BlockContents.hashing}: about a millisecond of work. */
const PAUSE_BYTES = 524_288;
/** Counted for every item beside its bytes: hashing a small one costs about as much as 1 kB of a large one. */
const ITEM_COST_BYTES = 1_024;
/** Leaves of the block root under each rule. */
const LEAVES = { "16-leaf": 16, "8-leaf-one-child": 8 } as const;

/** BlockProof.signed_block_proof and TssSignedBlockProof.block_signature. */
const SIGNED_BLOCK_PROOF = 2;
const BLOCK_SIGNATURE = 1;

interface Item {
  readonly kind: number;
  readonly start: number;
  readonly end: number;
  readonly subtree: number;
  /** Place among the leaves of its sub-tree; -1 if it is in none. */
  readonly position: number;
}

/**
 * The items of one block with their hashes. Reading it checks the block's structure, not its proofs: verify a block
 * that comes from elsewhere first.
 */
export class BlockContents {
  readonly #bytes: Uint8Array;
  readonly #sha384: Sha384;
  readonly #scanned: ScannedBlock;
  readonly #items: readonly Item[];
  /** Leaf hashes side by side, by sub-tree: u8[48 × leaves]. */
  readonly #leaves: readonly Uint8Array[];
  readonly #trees: readonly PathTree[];
  #roots: readonly RootCandidate[] | undefined;

  /**
   * @param bytes Serialized Block; must not change while this object is used.
   * @throws {HieroFault} What is wrong with the structure; `MISSING_VERIFICATION_DATA` for a block of HAPI 0.69 and
   *   before, whose root nobody can compute, so there is no path to it.
   */
  constructor(bytes: Uint8Array, sha384: Sha384) {
    this.#bytes = bytes;
    this.#sha384 = sha384;
    this.#scanned = scanBlock(bytes, { addItem: () => {} });
    if (this.#scanned.proofs.every(({ kind }) => kind === "legacy" || kind === "unknown")) {
      throw this.#unprovable("how blocks of its age make their root is not known");
    }
    const counts = SUBTREES.map(() => 0);
    this.#items = Array.from(itemRanges(bytes), ({ start, end }) => {
      const kind = peekItemKind(bytes, start, end);
      const subtree = subtreeOf(kind);
      return { kind, start, end, subtree, position: subtree === NOT_HASHED ? -1 : counts[subtree]!++ };
    });
    this.#leaves = counts.map((count) => new Uint8Array(count * HASH_BYTES));
    this.#trees = this.#leaves.map((leaves) => new PathTree(leaves, sha384));
  }

  /** Number in the header. */
  get number(): bigint {
    return this.#scanned.header.number;
  }

  /** Items of the block, those that are not hashed included. */
  get length(): number {
    return this.#items.length;
  }

  /** Kind of an item, such as `signed_transaction`; undefined past the end. */
  kindAt(index: number): string | undefined {
    const item = this.#items[index];
    return item && itemKindName(item.kind);
  }

  /** Whether an item is a leaf of the block's root: footer and proofs are not. */
  isHashed(index: number): boolean {
    const item = this.#items[index];
    return item !== undefined && item.subtree !== NOT_HASHED;
  }

  /** Position of the `ordinal`-th item of a kind, both from 0; undefined if there are fewer. */
  indexOf(kind: string, ordinal: number): number | undefined {
    let seen = 0;
    const index = this.#items.findIndex((item) => itemKindName(item.kind) === kind && seen++ === ordinal);
    return index === -1 ? undefined : index;
  }

  /** Positions of the items that are these bytes. */
  find(serializedItem: Uint8Array): number[] {
    return this.#positions(({ start, end }) => equalBytes(this.#bytes.subarray(start, end), serializedItem));
  }

  /** Positions of the items with this leaf hash, H(0x00 ‖ item). Hashes the block if that was not done yet. */
  findHash(leafHash: Uint8Array): number[] {
    this.#hashed();
    return this.#positions((item) =>
      item.subtree !== NOT_HASHED && equalBytes(this.#leaf(item.subtree, item.position), leafHash)
    );
  }

  /** Roots this block may have, current rule first. Hashes the block if that was not done yet. */
  get roots(): readonly RootCandidate[] {
    return this.#hashed();
  }

  /**
   * Hashes the block in steps of about a millisecond: a server lets others run between them. Whoever does not
   * call this gets the same work at once with the first question that needs it.
   */
  *hashing(): Generator<void> {
    if (this.#roots !== undefined) return;
    let budget = PAUSE_BYTES;
    for (const cost of this.#hashingOneByOne()) {
      budget -= cost;
      if (budget > 0) continue;
      budget = PAUSE_BYTES;
      yield;
    }
    const { header, footer } = this.#scanned;
    const hasher = new RootHasher(this.#sha384);
    this.#trees.forEach((tree, subtree) => tree.count > 0 && hasher.setRoot(subtree, tree.root()));
    this.#roots = hasher.finish({
      timestamp: this.#bytes.subarray(header.timestampStart, header.timestampEnd),
      previousBlockRootHash: footer.previousBlockRootHash,
      allBlocksRootHash: footer.allBlocksRootHash,
      startOfBlockStateRootHash: footer.startOfBlockStateRootHash,
    });
  }

  /**
   * Proves that an item is part of the block.
   *
   * @param index Position in the block, from 0.
   * @param rule The rule that made the block's root, one of {@link BlockContents.roots}.
   * @returns The item and the signature are views on the block's bytes.
   * @throws {RangeError} If there is no such item.
   * @throws {HieroFault} `UNSUPPORTED_ITEM_TYPE` for footer and proofs, which are no leaves;
   *   `MISSING_VERIFICATION_DATA` if the block has no root under this rule, or a state root that is not 48 bytes long.
   */
  prove(index: number, rule: RootCandidate["rule"]): ContentsProof {
    const item = this.#items[index];
    if (item === undefined) throw new RangeError(`Cannot prove item ${index}: the block has ${this.length}`);
    const { start, end, subtree, position } = item;
    if (subtree === NOT_HASHED) throw notHashed(itemKindName(item.kind));
    if (!this.roots.some((root) => root.rule === rule)) {
      throw this.#unprovable(`it has no root by rule ${rule}`);
    }
    return {
      item: this.#bytes.subarray(start, end),
      siblings: [...this.#trees[subtree]!.path(position), ...this.#upper(subtree, rule)],
      signature: this.#signature(),
    };
  }

  /** Hashes leaves, then nodes; yields the cost of each. */
  *#hashingOneByOne(): Generator<number> {
    // Zero in front is the prefix of a leaf.
    let input = new Uint8Array(4_096);
    for (const { start, end, subtree, position } of this.#items) {
      if (subtree === NOT_HASHED) continue;
      const length = 1 + end - start;
      if (input.length < length) input = new Uint8Array(length);
      input.set(this.#bytes.subarray(start, end), 1);
      this.#sha384(input.subarray(0, length), this.#leaf(subtree, position));
      yield end - start + ITEM_COST_BYTES;
    }
    for (const tree of this.#trees) {
      for (const _ of tree.growing()) yield ITEM_COST_BYTES;
    }
  }

  #hashed(): readonly RootCandidate[] {
    for (const _ of this.hashing());
    return this.#roots!;
  }

  #leaf(subtree: number, position: number): Uint8Array {
    return this.#leaves[subtree]!.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES);
  }

  #positions(wanted: (item: Item) => boolean): number[] {
    return this.#items.flatMap((item, index) => wanted(item) ? [index] : []);
  }

  /** The path from a sub-tree's root to the block's. */
  #upper(subtree: number, rule: RootCandidate["rule"]): MerkleSibling[] {
    const { header, footer } = this.#scanned;
    const { previousBlockRootHash, allBlocksRootHash, startOfBlockStateRootHash } = footer;
    // Such a hash is legal as a leaf (spec §6.2), but beside a path it would let bytes move from leaf to leaf.
    if (startOfBlockStateRootHash.length !== HASH_BYTES) {
      throw this.#unprovable(`its state root has ${startOfBlockStateRootHash.length} bytes`);
    }
    const leaves = new Uint8Array(LEAVES[rule] * HASH_BYTES);
    [
      previousBlockRootHash,
      allBlocksRootHash,
      startOfBlockStateRootHash,
      ...this.#trees.map((tree) => tree.root()),
    ]
      .slice(0, LEAVES[rule])
      .forEach((hash, leaf) => leaves.set(hash, leaf * HASH_BYTES));
    const tree = new PathTree(leaves, this.#sha384);
    for (const _ of tree.growing());
    const path = tree.path(FIRST_SUBTREE_LEAF + subtree);
    if (rule === "8-leaf-one-child") path.push({ isFirst: false, hash: new Uint8Array(0) });
    const time = this.#bytes.subarray(header.timestampStart, header.timestampEnd);
    path.push({ isFirst: true, hash: hashLeaf(this.#sha384, time) });
    return path;
  }

  /** The TSS signature of this block's own root; empty if its proofs are of another kind. */
  #signature(): Uint8Array {
    for (const { kind, start, end } of this.#items) {
      if (kind !== ITEM.BLOCK_PROOF) continue;
      const proof = field(this.#bytes.subarray(start, end), ITEM.BLOCK_PROOF)!;
      const signed = field(proof, SIGNED_BLOCK_PROOF);
      if (signed !== undefined) return field(signed, BLOCK_SIGNATURE) ?? new Uint8Array(0);
    }
    return new Uint8Array(0);
  }

  #unprovable(why: string): HieroFault {
    return new HieroFault(
      "MISSING_VERIFICATION_DATA",
      `Cannot prove contents of block ${this.number}: ${why}`,
      {
        check: "structure",
      },
    );
  }
}

/** The last length-delimited field of a message with this number. */
function field(message: Uint8Array, number: number): Uint8Array | undefined {
  const reader = new WireReader(message);
  let found: Uint8Array | undefined;
  while (reader.nextTag()) {
    if (reader.is(number, WIRE_TYPE.BYTES)) found = reader.view();
    else reader.skip();
  }
  return found;
}
