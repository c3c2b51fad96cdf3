/**
 * What the verify Worker does with blocks: hash them, link them, check their proofs, and say so in bytes that fit.
 *
 * Layer: services. Pure of threads, so that tests can drive it. Source: spec/block-node.md §6.
 *
 * @module
 */

import {
  type ChainStep,
  ChainVerifier,
  decodeChainHead,
  encodeChainHead,
} from "../../protocols/hiero/chain.ts";
import type { Fault } from "../../protocols/hiero/fault.ts";
import { countFutureItems } from "../../protocols/hiero/items.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import type { ProofVerifier } from "../../protocols/hiero/proofs/proof_verifier.ts";
import {
  decodeVerificationData,
  encodeVerificationData,
  NO_VERIFICATION_DATA,
  type VerificationData,
} from "../../protocols/hiero/proofs/verification_data.ts";
import type { MismatchPolicy } from "../../protocols/hiero/verdict.ts";
import { blockNumber } from "./block_files.ts";
import type { ProofPolicy } from "./config.ts";
import { createProofVerifier } from "./proof_verifier.ts";
import { toBlockRecord } from "./report.ts";
import { encodeVerdict, type VerdictBody } from "./verdict_codec.ts";

/** A verdict is some 600 bytes. One with text of the publisher's choice (a version, a hash of any length, a million
 * proofs) must not outgrow the topic's arena. */
const MAX_VERDICT_BYTES = 65_536;
const MAX_MESSAGE_CHARACTERS = 500;
/** Private memory for blocks' bytes; grows to the largest batch seen. */
const SCRATCH_BYTES = 1_048_576;
/** Bytes of blocks that are checked as one batch, unless one alone is larger. */
const BATCH_BYTES = 16_777_216;

/** Options of {@link VerifyTask}. */
export interface VerifyTaskOptions {
  /** Chain state of the last stored block; empty for none. */
  readonly chainState: Uint8Array;
  readonly brokenLink: MismatchPolicy;
  readonly unverifiable: "refuse" | "store";
  readonly proofs: ProofPolicy;
  readonly unknownProofs: "refuse" | "store";
  /** What proofs are checked against, as encodeVerificationData() writes it. */
  readonly verificationData: Uint8Array;
  /** The ledger that blocks must be of, 32 bytes; empty for the first that comes. */
  readonly ledgerId: Uint8Array;
}

/** A block as it was announced. */
export interface AnnouncedBlock {
  readonly number: bigint;
  readonly block: Uint8Array;
}

/** Verifies block after block. Nothing that a publisher can send makes it throw. */
export class VerifyTask {
  readonly #chain: ChainVerifier;
  readonly #proofs: ProofVerifier | undefined;
  /** What was known before any block of this chain, and what was reported last. */
  #initial: VerificationData;
  #reported: VerificationData;
  #scratch = new Uint8Array(SCRATCH_BYTES);
  /** With nothing stored, the first block announced is where the chain begins: no other may take its place. */
  #base: bigint | undefined;

  constructor(options: VerifyTaskOptions) {
    const { chainState, brokenLink, unverifiable, proofs, unknownProofs, verificationData, ledgerId } =
      options;
    this.#initial = decodeVerificationData(verificationData);
    this.#reported = this.#initial;
    this.#proofs = proofs === "off"
      ? undefined
      : createProofVerifier(this.#initial, ledgerId.length === 0 ? undefined : ledgerId);
    const onUnknownKind = unknownProofs === "store" ? "accept" : "refuse";
    this.#chain = new ChainVerifier({
      sha384: nativeSha384,
      onBrokenLink: brokenLink,
      onWrongAllBlocksRoot: brokenLink,
      onNotVerifiable: unverifiable === "refuse" ? "refuse" : "accept",
      unknownProofs: onUnknownKind,
      proofs: this.#proofs && {
        verifier: this.#proofs,
        onMissingData: proofs === "require" ? "refuse" : "accept",
        onUnknownKind,
      },
    });
    this.rebase(chainState);
  }

  /** Whether blocks that wait should be verified together: their signatures then share most of their cost. */
  get batches(): boolean {
    return this.#proofs?.data.tss !== undefined;
  }

  /** Goes on after the block with this state; empty to begin anew, which also forgets what blocks have told. */
  rebase(chainState: Uint8Array): void {
    this.#base = undefined;
    this.#chain.rebase(chainState.length === 0 ? undefined : decodeChainHead(chainState.slice()));
    if (chainState.length > 0 || this.#proofs === undefined) return;
    this.#proofs.data = this.#initial;
    this.#reported = this.#initial;
  }

  /** Takes keys over that another part of the node has learned and stored, unless it knows some already. */
  learn(verificationData: Uint8Array): void {
    const proofs = this.#proofs;
    if (proofs === undefined || proofs.data.tss !== undefined) return;
    proofs.data = { ...proofs.data, tss: decodeVerificationData(verificationData.slice()).tss };
    this.#initial = this.#reported = proofs.data;
  }

  /** The encoded verdict on a block, which becomes the head if it passes. */
  verify(number: bigint, block: Uint8Array): Uint8Array {
    return this.verifyAll([{ number, block }])[0]!;
  }

  /** The encoded verdicts on blocks, each as {@link verify} would give it, with their proofs checked in batches. */
  verifyAll(blocks: readonly AnnouncedBlock[]): Uint8Array[] {
    const verdicts: Uint8Array[] = [];
    while (verdicts.length < blocks.length) {
      const objection = this.#objection(blocks[verdicts.length]!);
      if (objection === undefined) verdicts.push(...this.#verifyRun(this.#runFrom(blocks, verdicts.length)));
      else verdicts.push(encodeVerdict({ status: "fault", fault: objection }));
    }
    return verdicts;
  }

  /** Blocks from one on whose announcements are in order, as far as one batch goes. */
  #runFrom(blocks: readonly AnnouncedBlock[], first: number): readonly AnnouncedBlock[] {
    let end = first + 1;
    let bytes = blocks[first]!.block.length;
    for (; end < blocks.length; end++) {
      const { number, block } = blocks[end]!;
      bytes += block.length;
      if (bytes > BATCH_BYTES || blockNumber(block) !== number) break;
    }
    return blocks.slice(first, end);
  }

  /** Verdicts up to and with the first refusal. */
  #verifyRun(run: readonly AnnouncedBlock[]): Uint8Array[] {
    const before = this.#chain.head;
    let steps: ChainStep[];
    try {
      steps = this.#chain.verifyAll(this.#copy(run), true);
    } catch (thrown) {
      this.#chain.rebase(before);
      // Nobody knows which one it was.
      if (run.length > 1) return this.#verifyRun(run.slice(0, 1));
      const { number } = run[0]!;
      const message = `Cannot verify block ${number}: ${String(thrown).slice(0, MAX_MESSAGE_CHARACTERS)}`;
      return [encodeVerdict({
        status: "fault",
        fault: { type: "UNKNOWN_ERROR", message, detail: { check: "structure" } },
      })];
    }
    const verdicts: Uint8Array[] = [];
    let head = before;
    for (const step of steps) {
      const verdict = encodeVerdict(this.#bodyOf(step));
      if (verdict.length > MAX_VERDICT_BYTES) {
        this.#chain.rebase(head);
        verdicts.push(
          encodeVerdict({ status: "fault", fault: tooLong(run[verdicts.length]!.number, verdict.length) }),
        );
        break;
      }
      verdicts.push(verdict);
      head = step.head;
    }
    return verdicts;
  }

  /** Hashing writes into the bytes for a moment (RootHasher.addItem), so it needs memory nobody else reads. */
  #copy(run: readonly AnnouncedBlock[]): Uint8Array[] {
    const bytes = run.reduce((sum, { block }) => sum + block.length, 0);
    if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(bytes);
    let at = 0;
    return run.map(({ block }) => {
      const copy = this.#scratch.subarray(at, at += block.length);
      copy.set(block);
      return copy;
    });
  }

  #bodyOf({ verdict, head }: ChainStep): VerdictBody {
    if (verdict.status === "fault") return { status: "fault", fault: verdict.fault };
    const futureItems = countFutureItems(verdict.itemCounts);
    return {
      status: "ok",
      record: toBlockRecord(verdict),
      warnings: verdict.warnings,
      ...(futureItems.hashed + futureItems.notHashed === 0 ? {} : { futureItems }),
      chainState: encodeChainHead(head!),
      verificationData: this.#news(),
    };
  }

  /** What block 0 has told, once: to be stored with it. */
  #news(): Uint8Array | undefined {
    const data = this.#proofs?.data;
    if (data === undefined || data === this.#reported) return undefined;
    this.#reported = data;
    // Address books are the operator's word: they are not stored, so that they end with the setting.
    return encodeVerificationData({ ...NO_VERIFICATION_DATA, tss: data.tss });
  }

  #objection({ number: announced, block }: AnnouncedBlock): Fault | undefined {
    if (this.#chain.head === undefined && announced !== (this.#base ??= announced)) {
      return notTheBase(announced, this.#base);
    }
    const number = blockNumber(block);
    if (number === undefined || number === announced) return undefined;
    return {
      type: "MISSING_VERIFICATION_DATA",
      message: `Cannot accept block ${number}: it was announced as ${announced}`,
      detail: { check: "number", expected: String(announced), actual: String(number) },
    };
  }
}

function tooLong(number: bigint, bytes: number): Fault {
  return {
    type: "UNSUPPORTED_STREAM_FORMAT",
    message: `Cannot accept block ${number}: what is to be kept of it is ${bytes} bytes`,
    detail: { check: "structure" },
  };
}

function notTheBase(number: bigint, base: bigint): Fault {
  return {
    type: "MISSING_VERIFICATION_DATA",
    message: `Cannot verify block ${number}: the chain begins with block ${base}, which has not passed yet`,
    detail: { check: "number", expected: String(base), actual: String(number) },
  };
}
