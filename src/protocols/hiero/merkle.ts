/**
 * SHA-384 Merkle nodes and the streaming tree that everything in a Hiero block is hashed with.
 *
 * Layer: protocols. Imports nothing. Source: spec/block-node.md §6.1.
 *
 * @module
 */

/** Bytes of a SHA-384 digest. */
export const HASH_BYTES = 48;

/**
 * The hash function this room is given: writes SHA-384 of `input` into `out` (exactly 48 bytes). `out` may overlap
 * `input`, so an implementation must have read all of `input` before it writes.
 */
export type Sha384 = (input: Uint8Array, out: Uint8Array) => void;

const LEAF = 0x00;
const ONE = 0x01;
const TWO = 0x02;

/** H(0x00 ‖ data): a leaf. Copies `data`; the hot path in root_hash.ts does not. */
export function hashLeaf(sha384: Sha384, data: Uint8Array): Uint8Array {
  return prefixed(sha384, LEAF, data);
}

/** H(0x01 ‖ child): a node with a single child. */
export function hashOne(sha384: Sha384, child: Uint8Array): Uint8Array {
  return prefixed(sha384, ONE, child);
}

/** H(0x02 ‖ left ‖ right): a node with two children. */
export function hashTwo(sha384: Sha384, left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return prefixed(sha384, TWO, both);
}

/** H(0x00): the root of a tree without leaves. */
export function emptyTreeHash(sha384: Sha384): Uint8Array {
  return prefixed(sha384, LEAF, new Uint8Array(0));
}

function prefixed(sha384: Sha384, prefix: number, data: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + data.length);
  input[0] = prefix;
  input.set(data, 1);
  const out = new Uint8Array(HASH_BYTES);
  sha384(input, out);
  return out;
}

/** A {@link StreamingTree} at rest: enough to go on after a restart, at most 64 hashes. */
export interface TreeSnapshot {
  /** Leaves pushed so far. */
  readonly count: number;
  /** Roots of the perfect sub-trees, largest first: u8[48 × number of one-bits in `count`]. */
  readonly roots: Uint8Array;
}

/** 2^53 leaves at most, because the count is a number; one slot more for the leaf being pushed. */
const MAX_SLOTS = 54;

/**
 * Merkle tree that keeps only the roots of its perfect sub-trees (spec §6.1). No padding, no single-child nodes.
 *
 * The roots lie side by side behind one spare byte, so the two topmost together with the byte before them are the
 * input of their parent: a merge is one hash call on a view made once, and nothing is copied or allocated.
 */
export class StreamingTree {
  readonly #sha384: Sha384;
  readonly #memory = new Uint8Array(1 + MAX_SLOTS * HASH_BYTES);
  readonly #slots: readonly Uint8Array[];
  readonly #pairs: readonly Uint8Array[];
  #depth = 0;
  #count = 0;

  constructor(sha384: Sha384, snapshot?: TreeSnapshot) {
    this.#sha384 = sha384;
    const slots: Uint8Array[] = [];
    const pairs: Uint8Array[] = [];
    for (let i = 0; i < MAX_SLOTS; i++) {
      const at = 1 + i * HASH_BYTES;
      slots.push(this.#memory.subarray(at, at + HASH_BYTES));
      pairs.push(this.#memory.subarray(at - 1, at + 2 * HASH_BYTES));
    }
    this.#slots = slots;
    this.#pairs = pairs;
    if (snapshot !== undefined) this.restore(snapshot);
  }

  /** Leaves pushed so far. */
  get count(): number {
    return this.#count;
  }

  /** Forgets all leaves. */
  clear(): void {
    this.#depth = 0;
    this.#count = 0;
  }

  /** Pushes a ready leaf hash; copies it. */
  push(hash: Uint8Array): void {
    this.nextSlot().set(hash);
    this.commit();
  }

  /** Where the next leaf hash belongs: write 48 bytes there, then {@link commit}. Saves a copy per leaf. */
  nextSlot(): Uint8Array {
    return this.#slots[this.#depth]!;
  }

  /** Takes what was written to {@link nextSlot} as the next leaf. */
  commit(): void {
    this.#depth++;
    // Not a shift: counts may pass 32 bits.
    for (let bits = this.#count; bits % 2 === 1; bits = Math.floor(bits / 2)) this.#merge();
    this.#count++;
  }

  /** Root as of now; the tree can grow on. */
  root(): Uint8Array {
    const saved = this.#memory.slice(0, 1 + this.#depth * HASH_BYTES);
    const depth = this.#depth;
    const root = this.#fold();
    this.#memory.set(saved);
    this.#depth = depth;
    return root;
  }

  /** Root as of now, written to `out`; leaves the tree empty. One copy cheaper than {@link root}. */
  finishInto(out: Uint8Array, emptyRoot: Uint8Array): void {
    if (this.#depth === 0) out.set(emptyRoot);
    else {
      while (this.#depth > 1) this.#merge();
      out.set(this.#slots[0]!);
    }
    this.clear();
  }

  /** The state to persist; a copy. */
  snapshot(): TreeSnapshot {
    return { count: this.#count, roots: this.#memory.slice(1, 1 + this.#depth * HASH_BYTES) };
  }

  /**
   * Takes up a persisted state.
   *
   * @throws {RangeError} If the number of roots does not belong to the count.
   */
  restore(snapshot: TreeSnapshot): void {
    let ones = 0;
    for (let bits = snapshot.count; bits > 0; bits = Math.floor(bits / 2)) ones += bits % 2;
    if (!Number.isSafeInteger(snapshot.count) || snapshot.roots.length !== ones * HASH_BYTES) {
      throw new RangeError(
        `Cannot restore tree of ${snapshot.count} leaves: got ${snapshot.roots.length} bytes of roots`,
      );
    }
    this.#memory.set(snapshot.roots, 1);
    this.#depth = ones;
    this.#count = snapshot.count;
  }

  #fold(): Uint8Array {
    if (this.#depth === 0) return emptyTreeHash(this.#sha384);
    while (this.#depth > 1) this.#merge();
    return this.#slots[0]!.slice();
  }

  #merge(): void {
    const left = this.#depth - 2;
    const before = left * HASH_BYTES;
    const kept = this.#memory[before]!;
    this.#memory[before] = TWO;
    this.#sha384(this.#pairs[left]!, this.#slots[left]!);
    this.#memory[before] = kept;
    this.#depth--;
  }
}
