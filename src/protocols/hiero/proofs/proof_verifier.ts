/**
 * Verification of block proofs of every kind, one block or a batch at a time.
 *
 * Layer: protocols. Imports the proof files. Source: spec/block-node.md §6.4, §6.10.
 *
 * @module
 */

import { HieroFault } from "../fault.ts";
import type { Sha384 } from "../merkle.ts";
import type { RootCandidate } from "../root_hash.ts";
import { addressBookAt } from "./address_book.ts";
import { badProof } from "./bytes.ts";
import type { RandomBytes } from "./hints_verify.ts";
import type { ProofParts, RawProof } from "./proof_parts.ts";
import { parseRecordFileProof, type RsaVerify, verifyRecordFile } from "./record_file.ts";
import { parseStateProof, parseTssProof, startsAt, walkStateProof } from "./state_proof.ts";
import { type OpenedSignature, TssVerifier } from "./tss.ts";
import {
  checkLedgerId,
  checkPublication,
  missingData,
  NO_VERIFICATION_DATA,
  type TssData,
  type VerificationData,
} from "./verification_data.ts";

/** What proved a block; stable, for reports and metrics. */
export type VerifiedProofKind =
  | "tss-schnorr"
  | "tss-wraps"
  | "state-proof-schnorr"
  | "state-proof-wraps"
  | "record-file-2"
  | "record-file-5"
  | "record-file-6";

/** Why a block's proofs could not be checked. */
export type UnverifiedReason = "unknown-kind" | "no-verification-data";

/** What became of a block's proofs. */
export type ProofVerdict =
  | {
    readonly status: "verified";
    /** One for each proof, in the order of the block. */
    readonly kinds: readonly VerifiedProofKind[];
    /** The root that a signature is over: settles the hash rule. Undefined if record files alone were signed. */
    readonly root: RootCandidate | undefined;
  }
  /** Nothing speaks against the block, nothing proves it either. */
  | {
    readonly status: "unverified";
    readonly reason: UnverifiedReason;
    readonly fault: HieroFault;
  }
  | { readonly status: "fault"; readonly fault: HieroFault };

/** A block whose hash is known: what {@link ProofVerifier} is asked about. */
export interface ProvableBlock extends ProofParts {
  /** Roots it may have, most likely first. */
  readonly roots: readonly RootCandidate[];
}

/** Options of {@link ProofVerifier}. */
export interface ProofVerifierOptions {
  readonly sha384: Sha384;
  readonly rsaVerify: RsaVerify;
  /** Bytes from a secure generator: what holds the equations of a batch apart. */
  readonly random: RandomBytes;
  /** What is known of the network. @default {undefined} nothing; block 0 may tell */
  readonly data?: VerificationData;
  /** The ledger that blocks must be of, 32 bytes. @default {undefined} that of the block 0 that comes first */
  readonly ledgerId?: Uint8Array;
}

/** Numbers of the oneof in BlockProof. */
const PROOF_FIELD = { TSS: 2, STATE_PROOF: 3, RECORD_FILE: 4 } as const;

/** A TSS signature that waits for its pairings. */
interface PendingSignature {
  readonly opened: OpenedSignature;
  /** Roots the signature may be over, and the block's own root that goes with each. */
  readonly roots: readonly { readonly signed: Uint8Array; readonly own: RootCandidate }[];
}

/** A block on its way: what its proofs have given so far. */
interface Examined {
  readonly kinds: VerifiedProofKind[];
  readonly pending: PendingSignature[];
  root?: RootCandidate;
  publication?: TssVerifier;
  verdict?: ProofVerdict;
}

/**
 * Verifies the proofs of blocks. All proofs of a block must pass; those of unknown kinds are stepped over.
 *
 * Its data grow with the chain: the block 0 that is verified first tells the network's keys, if none are known.
 */
export class ProofVerifier {
  readonly #options: ProofVerifierOptions;
  /** Made once: a node without keys may meet it at every block of a fast stream, and a stack trace costs. */
  readonly #unknownLedger = missingData("the network's ledger id is not known");
  #data: VerificationData;
  #tss: TssVerifier | undefined;

  constructor(options: ProofVerifierOptions) {
    this.#options = options;
    this.#data = NO_VERIFICATION_DATA;
    this.data = options.data ?? NO_VERIFICATION_DATA;
  }

  /** What is known of the network; store it when it is another object than before. */
  get data(): VerificationData {
    return this.#data;
  }

  /**
   * Replaces what is known; cached verdicts under other TSS data are dropped.
   *
   * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `ledger-id`, if the data are of another ledger than the expected one.
   */
  set data(data: VerificationData) {
    if (data.tss !== undefined) checkLedgerId(data.tss, this.#options.ledgerId);
    if (data.tss !== this.#tss?.data) this.#tss = data.tss && this.#verifierOf(data.tss);
    this.#data = data;
  }

  /** Takes over TSS data that is valid from a later block than what is known. @returns Whether it did. */
  offerTss(tss: TssData): boolean {
    if (this.#data.tss !== undefined && tss.validFromBlock <= this.#data.tss.validFromBlock) return false;
    this.data = { ...this.#data, tss };
    return true;
  }

  /** Verifies one block. Never throws on bad bytes: the fault is in the verdict. */
  verify(block: ProvableBlock): ProofVerdict {
    return this.verifyAll([block])[0]!;
  }

  /** Verifies blocks that share the cost of their pairings. */
  verifyAll(blocks: readonly ProvableBlock[]): ProofVerdict[] {
    // What a first block 0 publishes holds for the blocks behind it, so it is settled before them.
    const first = this.#tss === undefined
      ? blocks.findIndex(({ publication }) => publication !== undefined)
      : -1;
    if (first >= 0 && blocks.length > 1) {
      return [
        ...this.verifyAll(blocks.slice(0, first)),
        ...this.verifyAll(blocks.slice(first, first + 1)),
        ...this.verifyAll(blocks.slice(first + 1)),
      ];
    }
    const examined = blocks.map((block) => this.#examine(block));
    this.#settle(examined);
    return examined.map((state) => this.#conclude(state));
  }

  /** Everything but the pairings of TSS signatures. */
  #examine(block: ProvableBlock): Examined {
    const state: Examined = { kinds: [], pending: [] };
    try {
      if (block.publication !== undefined && this.#data.tss === undefined) {
        checkPublication(block.publication, this.#options.ledgerId);
        state.publication = this.#verifierOf(block.publication);
      }
      for (const proof of block.proofs) this.#examineProof(proof, block, state);
      if (state.kinds.length === 0) {
        const fault = new HieroFault(
          "MISSING_MANDATORY_ITEM",
          "Cannot verify block: no proof of a known kind",
          {
            check: "proof",
          },
        );
        state.verdict = { status: "unverified", reason: "unknown-kind", fault };
      }
    } catch (thrown) {
      if (!(thrown instanceof HieroFault)) throw thrown;
      state.verdict = thrown.type === "MISSING_VERIFICATION_DATA"
        ? { status: "unverified", reason: "no-verification-data", fault: thrown }
        : { status: "fault", fault: thrown };
    }
    return state;
  }

  #examineProof(proof: RawProof, block: ProvableBlock, state: Examined): void {
    const { field } = proof;
    if (field !== PROOF_FIELD.TSS && field !== PROOF_FIELD.STATE_PROOF && field !== PROOF_FIELD.RECORD_FILE) {
      return;
    }
    if (proof.block !== block.header.number) {
      throw badProof("block-number", `it is for block ${proof.block}`, {
        expected: String(block.header.number),
        actual: String(proof.block),
      });
    }
    if (field === PROOF_FIELD.TSS) {
      const opened = this.#open(parseTssProof(proof.content), state);
      state.pending.push({ opened, roots: block.roots.map((own) => ({ signed: own.hash, own })) });
      state.kinds.push(opened.kind);
    } else if (field === PROOF_FIELD.STATE_PROOF) {
      const stateProof = parseStateProof(proof.content);
      const walked = walkStateProof(stateProof, this.#options.sha384);
      const own = block.roots.find(({ hash }) => startsAt(walked, hash));
      if (own === undefined) throw badProof("path-root", "state proof does not start at this block's root");
      const opened = this.#open(stateProof.blockSignature, state);
      state.pending.push({ opened, roots: [{ signed: walked.signedRoot, own }] });
      state.kinds.push(opened.kind === "tss-schnorr" ? "state-proof-schnorr" : "state-proof-wraps");
    } else state.kinds.push(this.#verifyRecordFile(proof, block));
  }

  #open(signature: Uint8Array, { publication }: Examined): OpenedSignature {
    const tss = this.#tss ?? publication;
    if (tss === undefined) throw this.#unknownLedger;
    return tss.open(signature);
  }

  #verifyRecordFile(proof: RawProof, { header, recordFile }: ProvableBlock): VerifiedProofKind {
    const book = addressBookAt(this.#data.addressBooks, header.number);
    if (book === undefined) throw missingData(`no address book covers block ${header.number}`);
    if (recordFile === undefined) throw missingData("record file proof without record file");
    const { version } = verifyRecordFile(
      parseRecordFileProof(proof.content),
      recordFile,
      header,
      book,
      this.#options,
    );
    return `record-file-${version as 2 | 5 | 6}`;
  }

  /** Checks all pending signatures, first against the likeliest roots, then those that failed against the others. */
  #settle(examined: readonly Examined[]): void {
    for (let attempt = 0;; attempt++) {
      const open = examined.flatMap((state) =>
        state.verdict !== undefined ? [] : state.pending.flatMap((pending) => {
          const root = pending.roots[attempt];
          return root === undefined || (state.root !== undefined && state.root !== root.own)
            ? []
            : [{ state, pending, root }];
        })
      );
      if (open.length === 0) return;
      const tss = this.#tss ?? open[0]!.state.publication!;
      const faults = tss.verifyAll(
        open.map(({ pending, root }) => ({ opened: pending.opened, root: root.signed })),
      );
      open.forEach(({ state, pending, root }, i) => {
        const fault = faults[i];
        if (fault === undefined) {
          state.root = root.own;
          state.pending.splice(state.pending.indexOf(pending), 1);
        } else if (attempt === pending.roots.length - 1) {
          state.verdict = { status: "fault", fault: fault as HieroFault };
        }
      });
    }
  }

  #conclude(state: Examined): ProofVerdict {
    if (state.verdict !== undefined) return state.verdict;
    if (state.pending.length > 0) {
      return {
        status: "fault",
        fault: badProof("hints-pairing", "two proofs are over different roots of the block"),
      };
    }
    if (state.publication !== undefined) {
      this.#tss = state.publication;
      this.#data = { ...this.#data, tss: state.publication.data };
    }
    return { status: "verified", kinds: state.kinds, root: state.root };
  }

  #verifierOf(tss: TssData): TssVerifier {
    return new TssVerifier(tss, this.#options);
  }
}
