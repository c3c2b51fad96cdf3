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
import { type Fault, HieroFault, toHex } from "../../protocols/hiero/fault.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";

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
  /** Whose root the path leads to: the one that was given, or only the one the file names. */
  readonly rootFrom?: "option" | "file";
  /** Where the file says the item was taken from; no path shows it. */
  readonly blockNumber?: string;
  readonly itemIndex?: number;
  readonly message?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/**
 * Verifies a proof file and says so in the words and keys of `cairn blocks verify --json`. Never throws on bad bytes.
 *
 * @param root What the path must lead to; undefined leaves it at the root that the file names.
 */
export function toProofReport(bytes: Uint8Array, root: Uint8Array | undefined): ProofReport {
  let file: ContentsProofFile;
  try {
    file = readContentsProof(bytes);
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    return refused(thrown.toFault());
  }
  const verdict = verifyContentsFile(file, nativeSha384, root);
  if (verdict.status === "fault") return refused(verdict.fault);
  return {
    kind: "contents-proof",
    verdict: "leads-to-root",
    ok: true,
    itemKind: verdict.kind,
    hashRule: verdict.rule,
    rootHash: toHex(verdict.rootHash),
    rootFrom: root === undefined ? "file" : "option",
    ...(file.claims === undefined
      ? {}
      : { blockNumber: file.claims.blockNumber.toString(), itemIndex: file.claims.itemIndex }),
  };
}

function refused({ type, message, detail }: Fault): ProofReport {
  return { kind: "contents-proof", verdict: type, ok: false, message, detail };
}
