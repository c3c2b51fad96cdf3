/**
 * The part of an integrity scan that checks signatures, in batches.
 *
 * Layer: services. Source: spec/block-node.md §6.4, §6.10.
 *
 * @module
 */

import { checkProofs, type HashedBlock } from "../../protocols/hiero/block_proofs.ts";
import type { Fault } from "../../protocols/hiero/fault.ts";
import type { ProofVerifier } from "../../protocols/hiero/proofs/proof_verifier.ts";
import type { VerifiedBlock } from "../../protocols/hiero/verdict.ts";

/** Blocks whose signatures are checked together: a larger batch saves little. */
const BATCH_BLOCKS = 64;
/** Bytes of blocks in a batch, unless one alone is larger. */
const BATCH_BYTES = 16_777_216;

/** What became of the proofs of scanned blocks. */
export interface ProofCounts {
  readonly verified: number;
  /** Blocks whose keys are not known, or whose proofs are of unknown kinds. */
  readonly unverified: number;
  readonly refused: number;
}

/** Collects blocks that passed so far, and checks their proofs whenever enough have come. */
export class ProofScan {
  readonly #verifier: ProofVerifier;
  readonly #onRefused: (number: bigint, fault: Fault) => void;
  readonly #unverified = new Map<string, number>();
  #batch: HashedBlock[] = [];
  #batchBytes = 0;
  #verified = 0;
  #refused = 0;

  /** @param onRefused Told of each block with a bad proof, in order. */
  constructor(verifier: ProofVerifier, onRefused: (number: bigint, fault: Fault) => void) {
    this.#verifier = verifier;
    this.#onRefused = onRefused;
  }

  /** Adds a block; `bytes` belong to the scan from here on. */
  add(bytes: Uint8Array, block: VerifiedBlock): void {
    this.#batch.push({ bytes, block });
    this.#batchBytes += bytes.length;
    if (this.#batch.length >= BATCH_BLOCKS || this.#batchBytes >= BATCH_BYTES) this.flush();
  }

  /** Checks what has been collected. */
  flush(): void {
    if (this.#batch.length === 0) return;
    // What cannot be checked is counted and not refused: a scan says what is wrong, not what is unknown.
    const verdicts = checkProofs(this.#batch, {
      verifier: this.#verifier,
      onMissingData: "accept",
      onUnknownKind: "accept",
    });
    this.#batch = [];
    this.#batchBytes = 0;
    for (const verdict of verdicts) {
      if (verdict.status === "fault") {
        this.#refused++;
        this.#onRefused(verdict.number!, verdict.fault);
      } else if (verdict.proof.status === "unverified") {
        const { reason } = verdict.proof;
        this.#unverified.set(reason, (this.#unverified.get(reason) ?? 0) + 1);
      } else this.#verified++;
    }
  }

  /** Blocks that could not be checked, by reason. */
  get unverified(): ReadonlyMap<string, number> {
    return this.#unverified;
  }

  get counts(): ProofCounts {
    const unverified = [...this.#unverified.values()].reduce((sum, count) => sum + count, 0);
    return { verified: this.#verified, unverified, refused: this.#refused };
  }
}
