/**
 * Cuts a serialized block into requests a publisher may send.
 *
 * Layer: protocols. Imports items. Source: spec/block-node.md §3.1, §3.8.
 *
 * @module
 */

import { ITEM, itemRanges, peekItemKind } from "./items.ts";

/** Largest request a consensus node aims at (spec §3.8); a single larger item goes in a request of its own. */
export const SOFT_REQUEST_BYTES = 2_097_152;

/**
 * Cuts a block between items into runs of at most `maxBytes`, where items allow. The trailing proofs stay in one
 * run, because a node takes all proofs from the set that ends with one. Unknown fields of the block are left out.
 *
 * @returns Views on `block`, each the payload of a BlockItemSet.
 * @throws {HieroFault} `UNABLE_TO_PARSE` if the block is not well formed.
 */
export function splitBlock(block: Uint8Array, maxBytes: number = SOFT_REQUEST_BYTES): Uint8Array[] {
  const runs: Uint8Array[] = [];
  let runStart = 0;
  let runEnd = 0;
  /** Where the proofs at the end of the run so far begin; runEnd if there are none. */
  let proofsStart = 0;
  const cut = (at: number) => {
    if (at > runStart) runs.push(block.subarray(runStart, at));
    runStart = at;
  };
  for (const { recordStart, start, end } of itemRanges(block)) {
    const isProof = peekItemKind(block, start, end) === ITEM.BLOCK_PROOF;
    if (recordStart !== runEnd) {
      cut(runEnd);
      runStart = proofsStart = recordStart;
    } else if (end - runStart > maxBytes) cut(isProof ? proofsStart : runEnd);
    runEnd = end;
    if (!isProof) proofsStart = end;
  }
  cut(runEnd);
  return runs;
}
