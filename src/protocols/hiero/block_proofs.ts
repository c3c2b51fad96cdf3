/**
 * From a block whose hash is known to its proofs, and from their verdict back to the block's.
 *
 * Layer: protocols. Imports types of this room and proof_parts. Source: spec/block-node.md §6.4.
 *
 * @module
 */

import { readProofParts } from "./proofs/proof_parts.ts";
import type { ProofVerdict, UnverifiedReason } from "./proofs/proof_verifier.ts";
import type { BlockVerdict, ProofCheck, VerifiedBlock } from "./verdict.ts";

/** A block with the bytes it came from, which must stay as they are until its proofs are checked. */
export interface HashedBlock {
  readonly bytes: Uint8Array;
  readonly block: VerifiedBlock;
}

/** Checks the proofs of blocks that passed so far, all in one batch. */
export function checkProofs(hashed: readonly HashedBlock[], check: ProofCheck): BlockVerdict[] {
  const verdicts = check.verifier.verifyAll(
    hashed.map(({ bytes, block }) => ({ ...readProofParts(bytes, block.number), roots: block.roots })),
  );
  return hashed.map(({ block }, i) => withProof(block, verdicts[i]!, check));
}

function withProof(block: VerifiedBlock, verdict: ProofVerdict, check: ProofCheck): BlockVerdict {
  if (
    verdict.status === "fault" || (verdict.status === "unverified" && !accepts(check, block, verdict.reason))
  ) {
    return { status: "fault", number: block.number, fault: verdict.fault.toFault() };
  }
  if (verdict.status === "unverified") {
    return { ...block, proof: { status: "unverified", reason: verdict.reason } };
  }
  const { kinds, root } = verdict;
  return {
    ...block,
    ...(root === undefined ? {} : { roots: [root], rule: root.rule, rootHash: root.hash }),
    proof: { status: "verified", kinds },
  };
}

function accepts(check: ProofCheck, { level }: VerifiedBlock, reason: UnverifiedReason): boolean {
  if (reason === "no-verification-data") return check.onMissingData === "accept";
  // Whether such a block may pass at all was decided before (spec §6.2.5): nobody could check its proof.
  return level === "not-verifiable" || check.onUnknownKind === "accept";
}
