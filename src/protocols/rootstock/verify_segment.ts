/**
 * The whole rule set over linked headers: the hot path of the sync.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 3. Hashes and proofs of work come from the
 * kernels, for a batch at a time. Of the other rules each has a test that is cheap and never wrong when it says yes:
 * bytes equal to the parent's, small numbers. Where one says no, {@link judgeHeader} decides, from the decoded fields.
 *
 * @module
 */

import { headerFlags } from "../../hot/header.ts";
import { HeaderBatch } from "../../hot/header_batch.ts";
import { type Ancestors, type ChainTip, tipOf } from "./ancestors.ts";
import { type BlockRules, rulesAt } from "./block_rules.ts";
import { RootstockFault } from "./fault.ts";
import { FORK_DATA_BYTES } from "./fork_detection.ts";
import { EMPTY_UNCLES_HASH } from "./genesis.ts";
import { decodeHeader } from "./header_codec.ts";
import { firstFailure, type HeaderRule, judgeHeader } from "./header_rules.ts";
import { HeaderSlots } from "./header_slots.ts";
import type { RootstockNetwork } from "./network.ts";
import { EXTRA_DATA_BYTES_MAX, isInTime, isNearBitcoin, UNCLES_MAX } from "./rules.ts";

/** A header that every rule has passed. */
export interface VerifiedHeader {
  readonly number: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** 32 bytes. */
  readonly parentHash: Uint8Array;
  readonly difficulty: bigint;
  /** Seconds. */
  readonly timestamp: number;
  /** As the miner says; no header shows it. */
  readonly uncleCount: number;
  /** Its unclesHash is not that of an empty list. A block without uncles has no weight but its own. */
  readonly hasUncles: boolean;
  readonly paidFees: bigint;
}

/** Outcome of a segment. */
export type SegmentVerdict =
  | { readonly valid: true; readonly headers: readonly VerifiedHeader[] }
  | {
    readonly valid: false;
    /** Which header is refused. */
    readonly index: number;
    readonly rule: HeaderRule;
    readonly detail: string;
    /** Those before it. */
    readonly headers: readonly VerifiedHeader[];
  };

/** What {@link verifySegment} needs to know. */
export interface SegmentOptions {
  readonly network: RootstockNetwork;
  /** The time, in seconds since 1970. */
  readonly nowSeconds: number;
}

/** What is wrong with a header. */
interface Refusal {
  readonly rule: HeaderRule;
  readonly detail: string;
}

/** A reply of header sync. */
const BATCH_HEADERS = 192;
const BATCH_BYTES = 262_144;

let batch: HeaderBatch | undefined;

const forkData = new Uint8Array(FORK_DATA_BYTES);

/**
 * Verifies headers that follow each other by every rule. Those that pass are appended to `ancestors`, also where a
 * later one is refused.
 *
 * @param headers Compressed forms, ascending; the first one's parent is the tip of `ancestors`.
 *
 * @example A chain of three, from genesis
 * ```ts
 * import { Ancestors } from "./ancestors.ts";
 * import { generateChain } from "./generate.ts";
 * import { REGTEST } from "./networks/regtest.ts";
 * import { verifySegment } from "./verify_segment.ts";
 * const headers = generateChain({ network: REGTEST, count: 3 }).map(({ header }) => header);
 * const ancestors = Ancestors.genesis(REGTEST);
 * const verdict = verifySegment(ancestors, headers, { network: REGTEST, nowSeconds: 0 });
 * if (!verdict.valid || ancestors.tip.number !== 3) throw new Error("expected three valid headers");
 * ```
 */
export function verifySegment(
  ancestors: Ancestors,
  headers: readonly Uint8Array[],
  options: SegmentOptions,
): SegmentVerdict {
  batch ??= new HeaderBatch({ headers: BATCH_HEADERS, bytes: BATCH_BYTES });
  const run = new SegmentRun(ancestors, headers, options, batch);
  return run.verify();
}

/** One run over a segment. */
class SegmentRun {
  readonly #ancestors: Ancestors;
  readonly #headers: readonly Uint8Array[];
  readonly #options: SegmentOptions;
  readonly #batch: HeaderBatch;
  readonly #verified: VerifiedHeader[] = [];
  /** Number of the header at index 0. */
  readonly #first: number;
  #slots = new HeaderSlots();
  #before = new HeaderSlots();
  /** Rules and their flags at the last height asked for. */
  #rules: BlockRules;
  #flags = 0;

  constructor(
    ancestors: Ancestors,
    headers: readonly Uint8Array[],
    options: SegmentOptions,
    batch: HeaderBatch,
  ) {
    this.#ancestors = ancestors;
    this.#headers = headers;
    this.#options = options;
    this.#batch = batch;
    this.#first = ancestors.tip.number + 1;
    this.#rules = rulesAt(options.network, this.#first);
    this.#flags = headerFlags(this.#rules);
  }

  verify(): SegmentVerdict {
    const { difficulty, timestamp } = this.#ancestors.tip;
    this.#batch.next();
    this.#batch.setParent(difficulty, timestamp);
    for (let begin = 0; begin < this.#headers.length;) {
      let end = begin;
      while (end < this.#headers.length) {
        this.#useRulesAt(this.#first + end);
        if (!this.#batch.add(this.#headers[end]!, this.#flags)) break;
        end++;
      }
      this.#batch.check();
      for (let index = begin; index < end; index++) {
        const refused = this.#take(index, index - begin);
        if (refused === undefined) continue;
        this.#setTip();
        return { valid: false, index, ...refused, headers: this.#verified };
      }
      this.#batch.next();
      begin = end;
    }
    this.#setTip();
    return { valid: true, headers: this.#verified };
  }

  #useRulesAt(number: number): void {
    if (number >= this.#rules.from && number < this.#rules.to) return;
    this.#rules = rulesAt(this.#options.network, number);
    this.#flags = headerFlags(this.#rules);
  }

  /** Takes a header over, or says what is wrong with it. */
  #take(index: number, i: number): Refusal | undefined {
    const slots = this.#slots;
    const valid = this.#batch.isValid(i);
    // Without its form there is nothing to read.
    if (valid) {
      this.#useRulesAt(this.#first + index);
      slots.read(this.#headers[index]!, this.#rules.version);
    }
    if (!valid || !this.#isPlainlyRight(index, i)) {
      const refused = this.#judge(index, i);
      if (refused !== undefined) return refused;
      if (!valid) slots.read(this.#headers[index]!, this.#rules.version);
    }
    const uncleCount = this.#batch.uncleCount(i);
    const number = this.#first + index;
    this.#verified.push({
      number,
      hash: this.#batch.hash(i),
      parentHash: this.#parentHash(index),
      difficulty: this.#batch.difficulty(i),
      timestamp: this.#batch.timestamp(i),
      uncleCount,
      hasUncles: !slots.hasUnclesHash(EMPTY_UNCLES_HASH),
      paidFees: slots.paidFees,
    });
    this.#ancestors.advance(number, this.#batch.powByte(i), uncleCount);
    this.#slots = this.#before;
    this.#before = slots;
    return undefined;
  }

  /** Whether every rule is kept so plainly that nothing has to be decoded. */
  #isPlainlyRight(index: number, i: number): boolean {
    // The parent's bytes are at hand from the second header on.
    if (index === 0) return false;
    const batch = this.#batch;
    const { network, nowSeconds } = this.#options;
    const slots = this.#slots;
    const rules = this.#rules;
    const number = this.#first + index;
    if (batch.number(i) !== number || !slots.hasParent(this.#verified[index - 1]!.hash)) return false;
    const timestamp = batch.timestamp(i);
    if (!Number.isSafeInteger(timestamp)) return false;
    if (network.maxFutureSeconds > 0 && !isInTime(timestamp, nowSeconds, network.maxFutureSeconds)) {
      return false;
    }
    const window = rules.btcWindowSeconds;
    if (window !== undefined && !isNearBitcoin(timestamp, batch.btcTime(i), window)) return false;
    if (batch.uncleCount(i) > UNCLES_MAX || slots.extraDataBytes > EXTRA_DATA_BYTES_MAX) return false;
    // Equal to what the header before passed with, they pass too.
    if (!slots.hasGasOf(this.#before)) return false;
    if (!(slots.gasUsed <= slots.gasLimit)) return false;
    if (rules.forkDataChecked) {
      if (!this.#ancestors.forkData(number, forkData) || !batch.hasForkData(i, forkData)) return false;
    }
    return batch.difficultyFollows(i, rules.difficulty);
  }

  /** Judges a header by its decoded fields. */
  #judge(index: number, i: number): Refusal | undefined {
    const { network, nowSeconds } = this.#options;
    const verdict = this.#batch.verdict(i);
    if (verdict.facts === undefined) {
      const slot = verdict.valid || verdict.field === undefined ? "" : `, slot ${verdict.field}`;
      return { rule: "form", detail: `${verdict.valid ? "" : verdict.failure}${slot}` };
    }
    try {
      const header = decodeHeader(this.#headers[index]!, { network, form: "compressed" });
      const parent = this.#tipAt(index);
      const ancestors = this.#ancestors;
      const failed = firstFailure(judgeHeader({ header, verdict, network, nowSeconds, parent, ancestors }));
      return failed && { rule: failed.rule, detail: failed.detail ?? "" };
    } catch (fault) {
      if (!(fault instanceof RootstockFault)) throw fault;
      return {
        rule: "form",
        detail: fault.field === undefined ? fault.code : `${fault.code}, ${fault.field}`,
      };
    }
  }

  #parentHash(index: number): Uint8Array {
    return index === 0 ? this.#ancestors.tip.hash : this.#verified[index - 1]!.hash;
  }

  /** What the header at this index is compared with. */
  #tipAt(index: number): ChainTip {
    if (index === 0) return this.#ancestors.tip;
    const { network } = this.#options;
    const header = decodeHeader(this.#headers[index - 1]!, { network, form: "compressed" });
    return tipOf(header, this.#verified[index - 1]!.hash);
  }

  #setTip(): void {
    this.#ancestors.setTip(this.#tipAt(this.#verified.length));
  }
}
