/**
 * From a block whose hash is known to its proofs, and from their verdict back to the block's.
 *
 * Layer: protocols. Imports types of this room and proof_parts. Source: spec/block-node.md §6.4.
 *
 * @module
 */

import { readProofParts } from "./proofs/proof_parts.ts";
import type { ProofVerdict, ProofVerifier } from "./proofs/proof_verifier.ts";
import type { BlockVerdict, ProofCheck, VerifiedBlock } from "./verdict.ts";

/** A block with the bytes it came from, which must stay as they are until its proofs are checked. */
export interface HashedBlock {
  readonly bytes: Uint8Array;
  readonly block: VerifiedBlock;
}

/** Checks the proofs of blocks that passed so far, all in one batch. */
export function checkProofs(
  hashed: readonly HashedBlock[],
  { verifier, onUnverified }: ProofCheck,
): BlockVerdict[] {
  const verdicts = verifyAll(hashed, verifier);
  return hashed.map(({ block }, i) => withProof(block, verdicts[i]!, onUnverified));
}

function verifyAll(hashed: readonly HashedBlock[], verifier: ProofVerifier): ProofVerdict[] {
  return verifier.verifyAll(
    hashed.map(({ bytes, block }) => ({ ...readProofParts(bytes, block.number), roots: block.roots })),
  );
}

function withProof(
  block: VerifiedBlock,
  verdict: ProofVerdict,
  onUnverified: ProofCheck["onUnverified"],
): BlockVerdict {
  if (verdict.status !== "verified") {
    return verdict.status === "unverified" && onUnverified === "accept"
      ? { ...block, proof: { status: "unverified", reason: verdict.reason } }
      : { status: "fault", number: block.number, fault: verdict.fault.toFault() };
  }
  const { kinds, root } = verdict;
  return {
    ...block,
    ...(root === undefined ? {} : { roots: [root], rule: root.rule, rootHash: root.hash }),
    proof: { status: "verified", kinds },
  };
}
