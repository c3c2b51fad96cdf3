/**
 * Verdicts and records as people and scripts read them. The keys are a contract: `cairn blocks verify --json`
 * and `cairn blocks get --json` print them.
 *
 * Layer: services.
 *
 * @module
 */

import { toHex } from "../../protocols/hiero/fault.ts";
import type { BlockVerdict, ProofStatus, VerifiedBlock } from "../../protocols/hiero/verdict.ts";
import type { BlockRecord } from "./store.ts";

/** What is kept beside a stored block. */
export function toBlockRecord(verified: VerifiedBlock): BlockRecord {
  return {
    rootHash: verified.rootHash && toHex(verified.rootHash),
    previousHash: toHex(verified.previousHash),
    rule: verified.rule,
    level: verified.level,
    hapiVersion: verified.hapiVersion,
    items: verified.itemCount,
    bytes: verified.bytes,
    proofs: verified.proofs.map((proof) => proof.kind),
    proof: verified.proof,
  };
}

/** One verified file or block, JSON-serializable. */
export interface VerdictReport {
  readonly file?: string;
  readonly number: string | undefined;
  /** `hash-verified`, `not-verifiable`, or the fault type of spec §6.9. */
  readonly verdict: string;
  readonly ok: boolean;
  readonly rootHash?: string | undefined;
  readonly previousHash?: string;
  readonly hashRule?: string;
  readonly hapiVersion?: string;
  readonly consensusTime?: string;
  readonly items?: number;
  readonly bytes?: number;
  readonly proofs?: readonly { readonly kind: string; readonly signatureBytes?: number }[];
  readonly link?: string;
  /** Whether signatures were checked, and by which kind of proof the block is verified, or why not. */
  readonly proof?: ProofStatus;
  readonly message?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** A verdict in the words and keys of `cairn blocks verify --json`. */
export function toVerdictReport(verdict: BlockVerdict): VerdictReport {
  if (verdict.status === "fault") {
    const { type, message, detail } = verdict.fault;
    return { number: verdict.number?.toString(), verdict: type, ok: false, message, detail };
  }
  const { seconds, nanos } = verdict.timestamp;
  return {
    number: verdict.number.toString(),
    verdict: verdict.level,
    ok: true,
    rootHash: verdict.rootHash && toHex(verdict.rootHash),
    previousHash: toHex(verdict.previousHash),
    hashRule: verdict.rule,
    hapiVersion: verdict.hapiVersion,
    consensusTime: `${seconds}.${String(nanos).padStart(9, "0")}`,
    items: verdict.itemCount,
    bytes: verdict.bytes,
    proofs: verdict.proofs.map((proof) => ({
      kind: proof.kind,
      ...("signatureBytes" in proof ? { signatureBytes: proof.signatureBytes } : {}),
    })),
    link: verdict.link.status,
    proof: verdict.proof,
  };
}
