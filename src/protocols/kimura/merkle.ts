/**
 * The Merkle tree behind message_root, and proofs that a message is in a block.
 *
 * Layer: protocols. Imports src/hot. Source: spec/kimura.md §4: BLAKE3, leaf and node prefixes, an odd node goes up
 * unchanged, zero when there is nothing.
 *
 * @module
 */

import { blake3 } from "../../hot/blake3.ts";
import { zeroHash } from "./block.ts";
import { ByteWriter, equalBytes, HASH_BYTES } from "./bytes.ts";

/** Prefix of a leaf, so that no leaf can pass for a node. */
export const LEAF_PREFIX = 0x00;
/** Prefix of an inner node. */
export const NODE_PREFIX = 0x01;
/** Siblings of the longest path through 2^16 leaves. */
export const MAX_PATH_STEPS = 16;

/** Hash of a leaf: BLAKE3 of 0x00 · canonical bytes. */
export function leafHash(canonical: Uint8Array): Uint8Array<ArrayBuffer> {
  return blake3(new ByteWriter(canonical.length + 1).u8(LEAF_PREFIX).raw(canonical).finish());
}

function nodeInput(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  return new ByteWriter(1 + 2 * HASH_BYTES).u8(NODE_PREFIX).raw(left).raw(right).finish();
}

function split(digests: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  return Array.from(
    { length: digests.length / HASH_BYTES },
    (_, i) => digests.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}

/** All levels, leaves first, root last. */
function levelsOf(canonical: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[][] {
  const leaves = canonical.map((bytes) =>
    new ByteWriter(bytes.length + 1).u8(LEAF_PREFIX).raw(bytes).finish()
  );
  let level = split(blake3.batch(leaves));
  const levels = [level];
  while (level.length > 1) {
    const pairs: Uint8Array[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) pairs.push(nodeInput(level[i]!, level[i + 1]!));
    const above = split(blake3.batch(pairs));
    if (level.length % 2 === 1) above.push(level.at(-1)!);
    levels.push(above);
    level = above;
  }
  return levels;
}

/** Root over canonical messages, in inclusion order; 32 zero bytes for none. */
export function messageRoot(canonical: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return canonical.length === 0 ? zeroHash() : levelsOf(canonical).at(-1)![0]!.slice();
}

/**
 * Siblings from the leaf at `index` upwards; levels where the node goes up unchanged have none.
 *
 * @throws {RangeError} If there is no leaf at `index`.
 */
export function merklePath(canonical: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!(Number.isInteger(index) && index >= 0 && index < canonical.length)) {
    throw new RangeError(`Cannot make path: no leaf ${index} among ${canonical.length}`);
  }
  const path: Uint8Array[] = [];
  for (const level of levelsOf(canonical)) {
    const sibling = level[index ^ 1];
    if (sibling !== undefined) path.push(sibling.slice());
    index >>= 1;
  }
  return path;
}

/** Whether `canonical` is leaf `index` of `count` under `root`. The path's length follows from index and count. */
export function verifyPath(
  canonical: Uint8Array,
  index: number,
  count: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!(Number.isInteger(index) && index >= 0 && index < count)) return false;
  let hash = leafHash(canonical);
  let used = 0;
  for (let [at, width] = [index, count]; width > 1; at >>= 1, width = (width + 1) >> 1) {
    if ((at ^ 1) >= width) continue;
    const sibling = path[used++];
    if (sibling === undefined || sibling.length !== HASH_BYTES) return false;
    hash = blake3(at % 2 === 0 ? nodeInput(hash, sibling) : nodeInput(sibling, hash));
  }
  return used === path.length && equalBytes(hash, root);
}
