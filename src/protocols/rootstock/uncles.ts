/**
 * The uncles of a block: whether it commits to them, and whether each may be one.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 7. Uncles come in their full form with bodies;
 * with them a total difficulty is exact.
 *
 * @module
 */

import { checkHeader } from "../../hot/header.ts";
import type { Ancestors, ChainTip } from "./ancestors.ts";
import { rulesAt } from "./block_rules.ts";
import { equalBytes } from "./bytes.ts";
import { RootstockFault } from "./fault.ts";
import type { RootstockHeader } from "./header.ts";
import { decodeHeader, encodeHeader } from "./header_codec.ts";
import { hashUncles } from "./header_hash.ts";
import { type HeaderRule, judgeHeader } from "./header_rules.ts";
import type { RootstockNetwork } from "./network.ts";
import { UNCLES_MAX } from "./rules.ts";

/** An uncle's parent is at most so far below the block. */
export const UNCLE_GENERATIONS = 7;

/** A block of the chain before the one whose uncles are checked. */
export interface UncleAncestor extends ChainTip {
  /** Hashes of its own uncles; `undefined` if they are not known, and nothing can be said of those used twice. */
  readonly uncleHashes: readonly Uint8Array[] | undefined;
}

/** A block with its uncles. */
export interface UncleCase {
  readonly number: number;
  /** 32 bytes. */
  readonly unclesHash: Uint8Array;
  /** Full forms, in their order. */
  readonly uncles: readonly Uint8Array[];
  /** The blocks before it, at least seven or down to genesis: the parent first. */
  readonly recent: readonly UncleAncestor[];
  /** Ancestors of which the block's parent is the newest. */
  readonly ancestors: Ancestors;
  readonly network: RootstockNetwork;
  /** The time, in seconds since 1970. */
  readonly nowSeconds: number;
}

/** Rules of uncles that no other header has. */
export type UncleRule =
  | "uncles-count"
  | "uncles-hash"
  | "uncle-height"
  | "uncle-parent"
  | "uncle-duplicate"
  | "uncle-ancestor"
  | "uncle-used";

/** An uncle that may be one. */
export interface VerifiedUncle {
  readonly number: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly difficulty: bigint;
}

/** Outcome of a check. */
export type UnclesVerdict =
  | {
    readonly valid: true;
    readonly uncles: readonly VerifiedUncle[];
    /** Some ancestor's uncles are not known: an uncle could have been used before. */
    readonly maybeUsed: boolean;
  }
  | {
    readonly valid: false;
    readonly rule: UncleRule | HeaderRule;
    /** Which uncle; absent if it is the list. */
    readonly index?: number;
    readonly detail: string;
  };

/** Rules of headers that uncles have too, and among them one that other blocks only should keep. */
const RULES: ReadonlySet<HeaderRule> = new Set<HeaderRule>([
  "number",
  "proof-of-work",
  "difficulty",
  "timestamp-future",
  "timestamp-bitcoin",
  "timestamp-parent",
  "fork-detection",
  "gas-limit-parent",
  "gas-used",
  "minimum-gas-price",
]);

/** Checks a block's list of uncles. */
export function checkUncles(block: UncleCase): UnclesVerdict {
  const { uncles, network } = block;
  if (uncles.length > UNCLES_MAX) {
    return { valid: false, rule: "uncles-count", detail: `${uncles.length} uncles, at most ${UNCLES_MAX}` };
  }
  const headers: RootstockHeader[] = [];
  for (const [index, bytes] of uncles.entries()) {
    try {
      headers.push(decodeHeader(bytes, { network, form: "full" }));
    } catch (fault) {
      if (!(fault instanceof RootstockFault)) throw fault;
      return { valid: false, rule: "form", index, detail: fault.message };
    }
  }
  const hash = hashUncles(headers);
  if (!equalBytes(hash, block.unclesHash)) {
    return { valid: false, rule: "uncles-hash", detail: `the list has ${hash.toHex()}` };
  }
  const near = block.recent.slice(0, UNCLE_GENERATIONS);
  const found: VerifiedUncle[] = [];
  for (const [index, header] of headers.entries()) {
    const verdict = checkUncle(block, near, header, found);
    if ("rule" in verdict) return { valid: false, index, ...verdict };
    found.push(verdict);
  }
  return { valid: true, uncles: found, maybeUsed: near.some(({ uncleHashes }) => uncleHashes === undefined) };
}

type Refusal = { readonly rule: UncleRule | HeaderRule; readonly detail: string };

function checkUncle(
  block: UncleCase,
  near: readonly UncleAncestor[],
  header: RootstockHeader,
  before: readonly VerifiedUncle[],
): VerifiedUncle | Refusal {
  const { network, nowSeconds, ancestors } = block;
  const { number } = header;
  const bytes = encodeHeader(header, "compressed");
  const verdict = checkHeader({ bytes, rules: rulesAt(network, number) });
  if (verdict.facts === undefined) return { rule: "form", detail: verdict.valid ? "" : verdict.failure };
  const { hash } = verdict.facts;
  const isHash = (other: Uint8Array) => equalBytes(other, hash);
  if (number < block.number - UNCLE_GENERATIONS + 1 || number >= block.number) {
    return { rule: "uncle-height", detail: `${number} is not in the six below ${block.number}` };
  }
  if (before.some((other) => isHash(other.hash))) {
    return { rule: "uncle-duplicate", detail: "twice in the list" };
  }
  if (near.some((ancestor) => isHash(ancestor.hash))) {
    return { rule: "uncle-ancestor", detail: "it is an ancestor of the block" };
  }
  if (near.some(({ uncleHashes }) => uncleHashes?.some(isHash))) {
    return { rule: "uncle-used", detail: "an ancestor of the block has it" };
  }
  const parent = near.find((ancestor) => equalBytes(ancestor.hash, header.parentHash));
  if (parent === undefined) return { rule: "uncle-parent", detail: "its parent is not among the last seven" };
  const verdicts = judgeHeader({ header, verdict, network, nowSeconds, parent, ancestors });
  // Of an uncle that is not later than its parent, nodes do say that it is invalid.
  const failed = verdicts.find(({ rule, status }) =>
    RULES.has(rule) && (status === "fail" || status === "suspicious")
  );
  if (failed !== undefined) return { rule: failed.rule, detail: failed.detail ?? "" };
  return { number, hash, difficulty: header.difficulty };
}
