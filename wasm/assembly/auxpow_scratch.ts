/**
 * What lies where in this thread's `auxpow` area while proofs are checked.
 *
 * Layer: wasm. Offsets into the area; nothing outlives a call.
 *
 * | Offset | Bytes | What                                                        |
 * | ------ | ----- | ----------------------------------------------------------- |
 * | 0      | 256   | numbers of a calculation (limbs.ts)                          |
 * | 256    | 64    | one node's children, 16 native words                         |
 * | 320    | 64    | the same as bytes in display order                           |
 * | 384    | 64    | what each of the four lanes is working on                    |
 * | 448    | 256   | pending rows: address of the row, and of its coinbase's hash |
 * | 704    | 512   | rows of the batch that hashes the bitcoin headers            |
 * | 1216   | 1024  | hashes of the pending rows' coinbases, eight native words    |
 * | 2240   | 1024  | walk through a partial Merkle tree (auxpow_partial_tree.ts)  |
 */

import { auxpowScratch } from "./scratch";

/** Proofs that are checked side by side. */
export const WINDOW_ROWS: u32 = 32;

export function numbersAt(): usize {
  return auxpowScratch();
}

export function nodeAt(): usize {
  return auxpowScratch() + 256;
}

export function displayAt(): usize {
  return auxpowScratch() + 320;
}

export function jobsAt(): usize {
  return auxpowScratch() + 384;
}

export function pendingAt(): usize {
  return auxpowScratch() + 448;
}

export function hashRowsAt(): usize {
  return auxpowScratch() + 704;
}

/** Hash of the coinbase of a pending row. */
export function coinbaseWordsAt(index: u32): usize {
  return auxpowScratch() + 1216 + (<usize> index << 5);
}

/** Sixteen words for each height of a partial Merkle tree, at most 15; then what its walk keeps. */
export function treeAt(): usize {
  return auxpowScratch() + 2240;
}
