/**
 * The signature in a contents proof: whether the network has signed the root that its path leads to.
 *
 * Layer: protocols. Imports contents_proof, the proof files and wire_writer. Source: spec/block-node.md §1.8
 * (block_signature), §6.5.
 *
 * @module
 */

import type { ContentsProof, VerifiedContents } from "./contents_proof.ts";
import type { Fault } from "./fault.ts";
import type { ProofVerifier, UnverifiedReason, VerifiedProofKind } from "./proofs/proof_verifier.ts";
import { WireWriter } from "./wire_writer.ts";

/** What is known of the signature of a contents proof. */
export type SignatureStatus =
  | { readonly status: "verified"; readonly kinds: readonly VerifiedProofKind[] }
  /** `no-signature`: the block's own proof signs something else, the root of a later block or a record file. */
  | { readonly status: "unverified"; readonly reason: UnverifiedReason | "no-signature" };

/** Field of BlockProof that holds a TssSignedBlockProof. */
const TSS_FIELD = 2;

/**
 * Checks the signature of a proof over the root that its path leads to.
 *
 * @param verifier What is known of the network; it learns nothing here.
 * @param contents What verifyContentsProof() found.
 * @returns The status, or the fault of a signature that is wrong. Never throws on bad bytes.
 */
export function verifyContentsSignature(
  { signature }: ContentsProof,
  { rootHash, rule }: VerifiedContents,
  verifier: ProofVerifier,
): SignatureStatus | { readonly status: "fault"; readonly fault: Fault } {
  if (signature.length === 0) return { status: "unverified", reason: "no-signature" };
  const none = new Uint8Array(0);
  const content = new WireWriter(signature.length + 8).bytes(1, signature).finish();
  const verdict = verifier.verify({
    // No part of a block but its root is signed, so the rest may stay empty; the number only ties proof to header.
    header: { number: 0n, timestamp: none, hapiVersion: none },
    proofs: [{ block: 0n, field: TSS_FIELD, content }],
    recordFile: undefined,
    publication: undefined,
    roots: [{ rule, hash: rootHash }],
  });
  if (verdict.status === "fault") return { status: "fault", fault: verdict.fault.toFault() };
  return verdict.status === "verified"
    ? { status: "verified", kinds: verdict.kinds }
    : { status: "unverified", reason: verdict.reason };
}
