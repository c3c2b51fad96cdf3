/**
 * Every rule of a header with its verdict.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 3: the rules of block import, gasUsed <=
 * gasLimit, and at most ten uncles. This is the one statement of the rules; `verify_segment.ts` only skips what is
 * plainly right.
 *
 * @module
 */

import { type HeaderVerdict, nextDifficulty } from "../../hot/header.ts";
import { type Ancestors, ANCESTORS_NEEDED, type ChainTip } from "./ancestors.ts";
import { type BlockRules, FORK_DATA_FROM, rulesAt } from "./block_rules.ts";
import { equalBytes } from "./bytes.ts";
import { isFallbackSigned, verifyFallbackSignature } from "./fallback_signature.ts";
import { FORK_DATA_BYTES } from "./fork_detection.ts";
import type { RootstockHeader } from "./header.ts";
import type { RootstockNetwork } from "./network.ts";
import { signedBytes, unsignedValue } from "./quantities.ts";
import {
  areEdgesOrdered,
  EDGES_MAX,
  EXTRA_DATA_BYTES_MAX,
  GAS_LIMIT_MINIMUM,
  isGasLimitNear,
  isGasPriceNear,
  isInTime,
  isNearBitcoin,
  UNCLES_MAX,
} from "./rules.ts";

/** Names of the rules, in the order in which they are judged; `form` is the decoder's. */
export const HEADER_RULES = [
  "form",
  "parent-hash",
  "number",
  "proof-of-work",
  "difficulty",
  "timestamp-future",
  "timestamp-bitcoin",
  "timestamp-parent",
  "fork-detection",
  "gas-limit-parent",
  "gas-limit-minimum",
  "gas-used",
  "minimum-gas-price",
  "extra-data",
  "uncle-count",
  "edges",
] as const;

/** Name of a rule. */
export type HeaderRule = (typeof HEADER_RULES)[number];

/** What became of a rule; `suspicious` is what miners do not do, and nodes let pass. */
export type RuleStatus = "pass" | "fail" | "suspicious" | "not-checked" | "not-active";

/** A rule with what became of it. */
export interface RuleVerdict {
  readonly rule: HeaderRule;
  readonly status: RuleStatus;
  /** Why, unless it passed. */
  readonly detail?: string;
}

/** A header with all that is known about it. */
export interface HeaderCase {
  readonly header: RootstockHeader;
  /** Verdict of the kernels on the compressed form. */
  readonly verdict: HeaderVerdict;
  readonly network: RootstockNetwork;
  /** Without it the rules that need a clock are not checked. */
  readonly nowSeconds?: number;
  /** Without it the rules that need a parent are not checked. */
  readonly parent?: ChainTip;
  /** Ancestors of which the parent is the newest, or a little below that. */
  readonly ancestors?: Ancestors;
}

const pass = (rule: HeaderRule): RuleVerdict => ({ rule, status: "pass" });
const fail = (rule: HeaderRule, detail: string): RuleVerdict => ({ rule, status: "fail", detail });
const notChecked = (rule: HeaderRule, needs: string): RuleVerdict => ({
  rule,
  status: "not-checked",
  detail: `needs ${needs}`,
});
const notActive = (rule: HeaderRule, detail: string): RuleVerdict => ({ rule, status: "not-active", detail });
const check = (rule: HeaderRule, holds: boolean, detail: () => string): RuleVerdict =>
  holds ? pass(rule) : fail(rule, detail());

/** Judges a header of its form by every rule. */
export function judgeHeader(about: HeaderCase): RuleVerdict[] {
  const { header } = about;
  const rules = rulesAt(about.network, header.number);
  const { gasUsed, extraData, uncleCount } = header;
  const gasLimit = unsignedValue(header.gasLimit);
  return [
    pass("form"),
    ...judgeLink(about),
    judgeProofOfWork(about, rules),
    judgeDifficulty(about, rules),
    ...judgeTimestamp(about, rules),
    judgeForkDetection(about, rules),
    ...judgeGas(about, gasLimit),
    check("gas-used", gasUsed <= gasLimit, () => `${gasUsed} is above the limit of ${gasLimit}`),
    judgeGasPrice(about),
    check("extra-data", extraData.length <= EXTRA_DATA_BYTES_MAX, () => `${extraData.length} bytes`),
    check("uncle-count", uncleCount <= UNCLES_MAX, () => `${uncleCount} uncles`),
    judgeEdges(header, rules),
  ];
}

/** The first rule that is broken. */
export function firstFailure(verdicts: readonly RuleVerdict[]): RuleVerdict | undefined {
  return verdicts.find(({ status }) => status === "fail");
}

const PARENT = "the parent";

function judgeLink({ header, parent }: HeaderCase): RuleVerdict[] {
  if (parent === undefined) return [notChecked("parent-hash", PARENT), notChecked("number", PARENT)];
  return [
    check(
      "parent-hash",
      equalBytes(header.parentHash, parent.hash),
      () => `the parent is ${parent.hash.toHex()}`,
    ),
    check("number", header.number === parent.number + 1, () => `the parent is block ${parent.number}`),
  ];
}

function judgeProofOfWork({ header, verdict, network }: HeaderCase, rules: BlockRules): RuleVerdict {
  if (isFallbackSigned(header, rules)) {
    const slot = header.bitcoinMergedMiningHeader ?? new Uint8Array(0);
    const hash = verdict.facts?.miningHash;
    const isSigned = hash !== undefined &&
      verifyFallbackSignature(slot, hash, header.number, network.fallbackKeys);
    return check("proof-of-work", isSigned, () => "fallback-signature");
  }
  return verdict.valid ? pass("proof-of-work") : fail("proof-of-work", verdict.failure);
}

function judgeDifficulty({ header, parent }: HeaderCase, rules: BlockRules): RuleVerdict {
  if (parent === undefined) return notChecked("difficulty", PARENT);
  const seconds = BigInt(header.timestamp - parent.timestamp);
  const next = nextDifficulty(
    signedBytes(parent.difficulty).slice(-32),
    seconds,
    header.uncleCount,
    rules.difficulty,
  );
  const expected = next === undefined ? undefined : unsignedValue(next);
  const detail = () => `${header.difficulty} where ${expected ?? "more than 2^256"} is expected`;
  return check("difficulty", header.difficulty === expected, detail);
}

function judgeTimestamp(
  { header, network, nowSeconds, parent }: HeaderCase,
  rules: BlockRules,
): RuleVerdict[] {
  const { timestamp } = header;
  const { maxFutureSeconds } = network;
  if (maxFutureSeconds === 0) {
    const none = "this network has no rule on timestamps";
    return (["timestamp-future", "timestamp-bitcoin", "timestamp-parent"] as const)
      .map((rule) => notActive(rule, none));
  }
  const btc = header.bitcoinMergedMiningHeader;
  const btcTime = btc?.length === 80
    ? new DataView(btc.buffer, btc.byteOffset).getUint32(68, true)
    : undefined;
  const window = rules.btcWindowSeconds;
  return [
    nowSeconds === undefined ? notChecked("timestamp-future", "the time") : check(
      "timestamp-future",
      isInTime(timestamp, nowSeconds, maxFutureSeconds),
      () => `${timestamp - nowSeconds} s ahead, at most ${maxFutureSeconds}`,
    ),
    window === undefined ? notActive("timestamp-bitcoin", "before RSKIP179") : check(
      "timestamp-bitcoin",
      btcTime !== undefined && isNearBitcoin(timestamp, btcTime, window),
      () =>
        btcTime === undefined
          ? "no bitcoin header"
          : `${Math.abs(btcTime - timestamp)} s apart, has to be < ${window}`,
    ),
    parent === undefined
      ? notChecked("timestamp-parent", PARENT)
      : timestamp > parent.timestamp
      ? pass("timestamp-parent")
      : { rule: "timestamp-parent", status: "suspicious", detail: "not later than the parent's" },
  ];
}

function judgeForkDetection(
  { header, verdict, parent, ancestors }: HeaderCase,
  rules: BlockRules,
): RuleVerdict {
  const rule = "fork-detection";
  if (!rules.forkDataChecked) {
    return notActive(
      rule,
      rules.forkData ? `block ${FORK_DATA_FROM} is not checked` : "no data at this height",
    );
  }
  if (ancestors === undefined) return notChecked(rule, `${ANCESTORS_NEEDED} ancestors`);
  // The data stand for the place in the chain: of a header that is elsewhere they say nothing.
  if (header.number !== (parent ?? ancestors.tip).number + 1) return notChecked(rule, "its ancestors");
  const expected = new Uint8Array(FORK_DATA_BYTES);
  if (!ancestors.forkData(header.number, expected)) {
    return fail(rule, `${ANCESTORS_NEEDED} ancestors are needed, ${ancestors.size} are known`);
  }
  const data = verdict.valid ? verdict.forkData : undefined;
  if (data === undefined) return notChecked(rule, "a valid proof of work");
  return check(
    rule,
    equalBytes(data, expected),
    () => `${data.toHex()} where ${expected.toHex()} is expected`,
  );
}

function judgeGas({ parent }: HeaderCase, gasLimit: bigint): RuleVerdict[] {
  return [
    parent === undefined ? notChecked("gas-limit-parent", PARENT) : check(
      "gas-limit-parent",
      isGasLimitNear(parent.gasLimit, gasLimit),
      () => `${gasLimit} is too far from the parent's ${parent.gasLimit}`,
    ),
    check(
      "gas-limit-minimum",
      gasLimit >= GAS_LIMIT_MINIMUM,
      () => `${gasLimit} is below ${GAS_LIMIT_MINIMUM}`,
    ),
  ];
}

function judgeGasPrice({ header, parent }: HeaderCase): RuleVerdict {
  const rule = "minimum-gas-price";
  const { minimumGasPrice: price } = header;
  if (price === undefined) return fail(rule, "absent");
  if (parent === undefined) return price < 0n ? fail(rule, "negative") : notChecked(rule, PARENT);
  const { minimumGasPrice: before } = parent;
  return check(
    rule,
    isGasPriceNear(before, price),
    () => `${price} is too far from the parent's ${before ?? "none"}`,
  );
}

function judgeEdges({ edges, version }: RootstockHeader, rules: BlockRules): RuleVerdict {
  if (!rules.edges || version === 0) return notActive("edges", "no edges at this height");
  if (edges === undefined) return notChecked("edges", "the full form");
  return check("edges", areEdgesOrdered(edges), () => `${edges}: at most ${EDGES_MAX}, ascending, above 0`);
}
