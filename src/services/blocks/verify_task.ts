/**
 * What the verify Worker does with a block: hash it, link it, and say so in bytes that fit.
 *
 * Layer: services. Pure of threads, so that tests can drive it. Source: spec/block-node.md §6.
 *
 * @module
 */

import { ChainVerifier, decodeChainHead, encodeChainHead } from "../../protocols/hiero/chain.ts";
import type { Fault } from "../../protocols/hiero/fault.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import type { MismatchPolicy } from "../../protocols/hiero/verdict.ts";
import { toBlockRecord } from "./report.ts";
import { encodeVerdict, type VerdictBody } from "./verdict_codec.ts";

/** A verdict is some 600 bytes. One with text of the publisher's choice (a version, a hash of any length, a million
 * proofs) must not outgrow the topic's arena. */
const MAX_VERDICT_BYTES = 65_536;
const MAX_MESSAGE_CHARACTERS = 500;
/** Private memory for a block's bytes; grows to the largest block seen. */
const SCRATCH_BYTES = 1_048_576;

/** Options of {@link VerifyTask}. */
export interface VerifyTaskOptions {
  /** Chain state of the last stored block; empty for none. */
  readonly chainState: Uint8Array;
  readonly brokenLink: MismatchPolicy;
  readonly unverifiable: "refuse" | "store";
}

/** Verifies block after block. Nothing that a publisher can send makes it throw. */
export class VerifyTask {
  readonly #chain: ChainVerifier;
  readonly #unverifiable: VerifyTaskOptions["unverifiable"];
  #scratch = new Uint8Array(SCRATCH_BYTES);
  /** With nothing stored, the first block announced is where the chain begins: no other may take its place. */
  #base: bigint | undefined;

  constructor({ chainState, brokenLink, unverifiable }: VerifyTaskOptions) {
    this.#unverifiable = unverifiable;
    this.#chain = new ChainVerifier({
      sha384: nativeSha384,
      onBrokenLink: brokenLink,
      onWrongAllBlocksRoot: brokenLink,
    });
    this.rebase(chainState);
  }

  /** Goes on after the block with this state; empty to begin anew. */
  rebase(chainState: Uint8Array): void {
    this.#base = undefined;
    this.#chain.rebase(chainState.length === 0 ? undefined : decodeChainHead(chainState.slice()));
  }

  /** The encoded verdict on a block, which becomes the head if it passes. */
  verify(number: bigint, block: Uint8Array): Uint8Array {
    const before = this.#chain.head;
    let fault: Fault;
    try {
      const verdict = encodeVerdict(this.#verify(number, block));
      if (verdict.length <= MAX_VERDICT_BYTES) return verdict;
      fault = {
        type: "UNSUPPORTED_STREAM_FORMAT",
        message: `Cannot accept block ${number}: what is to be kept of it is ${verdict.length} bytes`,
        detail: { check: "structure" },
      };
    } catch (thrown) {
      fault = {
        type: "UNKNOWN_ERROR",
        message: `Cannot verify block ${number}: ${String(thrown).slice(0, MAX_MESSAGE_CHARACTERS)}`,
        detail: { check: "structure" },
      };
    }
    this.#chain.rebase(before);
    return encodeVerdict({ status: "fault", fault });
  }

  #verify(number: bigint, block: Uint8Array): VerdictBody {
    const before = this.#chain.head;
    if (before === undefined && number !== (this.#base ??= number)) {
      return { status: "fault", fault: notTheBase(number, this.#base) };
    }
    // Hashing writes into the bytes for a moment (RootHasher.addItem), so it needs memory nobody else reads.
    if (this.#scratch.length < block.length) this.#scratch = new Uint8Array(block.length);
    this.#scratch.set(block);
    const verdict = this.#chain.verify(this.#scratch.subarray(0, block.length), true);
    if (verdict.status === "fault") return { status: "fault", fault: verdict.fault };
    const fault = this.#objection(number, verdict.number, verdict.level);
    if (fault === undefined) {
      return {
        status: "ok",
        record: toBlockRecord(verdict),
        warnings: verdict.warnings,
        chainState: encodeChainHead(this.#chain.head!),
      };
    }
    this.#chain.rebase(before);
    return { status: "fault", fault };
  }

  #objection(announced: bigint, number: bigint, level: string): Fault | undefined {
    if (announced !== number) {
      return {
        type: "MISSING_VERIFICATION_DATA",
        message: `Cannot accept block ${number}: it was announced as ${announced}`,
        detail: { check: "number", expected: String(announced), actual: String(number) },
      };
    }
    if (level === "not-verifiable" && this.#unverifiable === "refuse") {
      return {
        type: "UNSUPPORTED_HAPI_VERSION",
        message: `Cannot accept block ${number}: the root hash of its generation cannot be computed`,
        detail: { check: "structure" },
      };
    }
    return undefined;
  }
}

function notTheBase(number: bigint, base: bigint): Fault {
  return {
    type: "MISSING_VERIFICATION_DATA",
    message: `Cannot verify block ${number}: the chain begins with block ${base}, which has not passed yet`,
    detail: { check: "number", expected: String(base), actual: String(number) },
  };
}
