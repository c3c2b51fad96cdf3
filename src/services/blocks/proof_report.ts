/**
 * Verdicts on contents proofs as people and scripts read them. The keys are a contract: `cairn blocks verify --json`
 * prints them.
 *
 * Layer: services.
 *
 * @module
 */

import {
  type ContentsProofFile,
  readContentsProof,
  verifyContentsFile,
} from "../../protocols/hiero/contents_file.ts";
import { type ContentsVerdict, verifyContentsProof } from "../../protocols/hiero/contents_proof.ts";
import { type SignatureStatus, verifyContentsSignature } from "../../protocols/hiero/contents_signature.ts";
import { type Fault, HieroFault, toHex } from "../../protocols/hiero/fault.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import type { ProofVerifier, VerifiedProofKind } from "../../protocols/hiero/proofs/proof_verifier.ts";

/** One verified proof file, JSON-serializable. */
export interface ProofReport {
  readonly file?: string;
  readonly kind: "contents-proof";
  /** `leads-to-root`, or the fault type of spec §6.9. */
  readonly verdict: string;
  readonly ok: boolean;
  readonly itemKind?: string;
  readonly hashRule?: string;
  readonly rootHash?: string;
  /** Whose root the path leads to: the one that was given, the one the network signed, or only the one the file names. */
  readonly rootFrom?: "option" | "signature" | "file";
  /** Whether the network has signed that root, and by which kind of proof, or why that is not known. */
  readonly proof?: SignatureStatus;
  /** Where the file says the item was taken from; no path shows it. */
  readonly blockNumber?: string;
  readonly itemIndex?: number;
  readonly message?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** What a proof file is held against. */
export interface ProofReportOptions {
  /** What the path must lead to. @default {undefined} the root that is signed, or the one that the file names */
  readonly root?: Uint8Array | undefined;
  /** Knows the network's keys, or not. */
  readonly verifier: ProofVerifier;
  /** Refuse proofs of a root that is not known to be signed. */
  readonly requireProofs: boolean;
  /** The kinds of proof that a block with this root, in hexadecimal, was verified by before. */
  readonly signedRoot: (root: string) => readonly VerifiedProofKind[] | undefined;
}

/** Verifies a proof file and says so in the words and keys of `cairn blocks verify --json`. Never throws on bad bytes. */
export function toProofReport(bytes: Uint8Array, options: ProofReportOptions): ProofReport {
  let file: ContentsProofFile;
  try {
    file = readContentsProof(bytes);
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    return refused(thrown.toFault());
  }
  const { root, requireProofs } = options;
  const contents = followPath(file, root);
  if (contents.status === "fault") return refused(contents.fault);
  const rootHash = toHex(contents.rootHash);
  const proof = verifyContentsSignature(file.proof, contents, options.verifier);
  if (proof.status === "fault") return refused(proof.fault);
  const known = proof.status === "verified" ? undefined : options.signedRoot(rootHash);
  const status: SignatureStatus = known === undefined ? proof : { status: "verified", kinds: known };
  const namesRoot = root !== undefined || file.claims !== undefined;
  if (status.status === "unverified" && (requireProofs || !namesRoot)) {
    return refused(unsigned(status.reason, namesRoot));
  }
  return {
    kind: "contents-proof",
    verdict: "leads-to-root",
    ok: true,
    itemKind: contents.kind,
    hashRule: contents.rule,
    rootHash,
    rootFrom: root !== undefined ? "option" : status.status === "verified" ? "signature" : "file",
    proof: status,
    ...(file.claims === undefined
      ? {}
      : { blockNumber: file.claims.blockNumber.toString(), itemIndex: file.claims.itemIndex }),
  };
}

/** A file that names no root leads to whatever root it leads to: then the signature must say that it is one. */
function followPath(file: ContentsProofFile, root: Uint8Array | undefined): ContentsVerdict {
  return root === undefined && file.claims === undefined
    ? verifyContentsProof(file.proof, nativeSha384)
    : verifyContentsFile(file, nativeSha384, root);
}

function unsigned(reason: string, namesRoot: boolean): Fault {
  const why = namesRoot ? "" : ": it names no root and none was given to compare with";
  return {
    type: "MISSING_VERIFICATION_DATA",
    message: `Cannot verify contents proof${why}${
      namesRoot ? ":" : ","
    } its root is not known to be signed (${reason})`,
    detail: { check: namesRoot ? "proof" : "root", reason },
  };
}

function refused({ type, message, detail }: Fault): ProofReport {
  return { kind: "contents-proof", verdict: type, ok: false, message, detail };
}
