/**
 * Persistent ordered map from bytes to bytes: an update makes a new map and leaves the old one as it was, so a
 * reader holds a consistent view for as long as it likes.
 *
 * Layer: store. Pure.
 *
 * @module
 */

import type { Range } from "./bounds.ts";
import { compareKeys } from "./bounds.ts";
import type { Entry } from "./engine.ts";

/** Entries a leaf holds before it is split: an update copies one leaf and the list of leaves. */
const LEAF_ENTRIES_MAX = 256;

type Leaf = readonly Entry[];

/** Leaves in key order, none of them empty. Keys and values are shared between versions and never written to. */
export class SortedMap {
  readonly #leaves: readonly Leaf[];
  /** Bytes of all keys and values. */
  readonly bytes: number;

  constructor(leaves: readonly Leaf[] = [], bytes = 0) {
    this.#leaves = leaves;
    this.bytes = bytes;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const leaf = this.#leaves[this.#leafOf(key)];
    if (!leaf) return undefined;
    const entry = leaf[firstNotBelow(leaf, key)];
    return entry && compareKeys(entry[0], key) === 0 ? entry[1] : undefined;
  }

  /** Owns `key` and `value` from here on. */
  set(key: Uint8Array, value: Uint8Array): SortedMap {
    const at = Math.max(0, this.#leafOf(key));
    const leaf = this.#leaves[at] ?? [];
    const i = firstNotBelow(leaf, key);
    const found = leaf[i];
    const replaced = found && compareKeys(found[0], key) === 0 ? found : undefined;
    const next = leaf.toSpliced(i, replaced ? 1 : 0, [key, value]);
    const bytes = this.bytes + key.length + value.length - entryBytes(replaced);
    return new SortedMap(this.#leaves.toSpliced(at, 1, ...split(next)), bytes);
  }

  delete(key: Uint8Array): SortedMap {
    const at = this.#leafOf(key);
    const leaf = this.#leaves[at];
    if (!leaf) return this;
    const i = firstNotBelow(leaf, key);
    const found = leaf[i];
    if (!found || compareKeys(found[0], key) !== 0) return this;
    const next = leaf.toSpliced(i, 1);
    return new SortedMap(
      this.#leaves.toSpliced(at, 1, ...(next.length > 0 ? [next] : [])),
      this.bytes - entryBytes(found),
    );
  }

  *entries(range: Range): Generator<Entry> {
    const step = range.reverse ? -1 : 1;
    let left = range.limit;
    let at = range.reverse ? this.#leaves.length - 1 : 0;
    const edge = range.reverse ? range.upper : range.lower;
    if (edge) at = Math.max(0, this.#leafOf(edge));
    for (; at >= 0 && at < this.#leaves.length; at += step) {
      const leaf = this.#leaves[at]!;
      for (let i = range.reverse ? leaf.length - 1 : 0; i >= 0 && i < leaf.length; i += step) {
        const entry = leaf[i]!;
        const above = !range.lower || compareKeys(entry[0], range.lower) >= 0;
        const below = !range.upper || compareKeys(entry[0], range.upper) < 0;
        if (above && below) {
          if (left-- <= 0) return;
          yield entry;
        } else if (range.reverse ? !above : !below) return;
      }
    }
  }

  /** The last leaf whose first key is not above `key`; -1 if there is none. */
  #leafOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#leaves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#leaves[middle]![0]![0], key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function firstNotBelow(leaf: Leaf, key: Uint8Array): number {
  let low = 0;
  let high = leaf.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(leaf[middle]![0], key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function split(leaf: Leaf): Leaf[] {
  if (leaf.length <= LEAF_ENTRIES_MAX) return [leaf];
  const middle = leaf.length >>> 1;
  return [leaf.slice(0, middle), leaf.slice(middle)];
}

function entryBytes(entry: Entry | undefined): number {
  return entry ? entry[0].length + entry[1].length : 0;
}
