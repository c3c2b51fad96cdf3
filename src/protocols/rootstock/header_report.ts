/**
 * What can be said of one header without a node, as people and scripts read it. The keys are a contract: `cairn rootstock
 * verify --json` prints them.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 2 to 4.
 *
 * @module
 */

import { checkHeader } from "../../hot/header.ts";
import { Ancestors, type ChainTip, tipOf } from "./ancestors.ts";
import { rulesAt } from "./block_rules.ts";
import { equalBytes } from "./bytes.ts";
import { RootstockFault } from "./fault.ts";
import type { RootstockHeader } from "./header.ts";
import { decodeHeader, encodeHeader } from "./header_codec.ts";
import { type HeaderFile, readHeaderFile } from "./header_file.ts";
import { hashForMergedMining, hashHeader, hashUncles } from "./header_hash.ts";
import { judgeHeader, type RuleVerdict } from "./header_rules.ts";
import type { RootstockNetwork } from "./network.ts";

/** A rule of this page, or of headers. */
export interface ReportedRule extends Omit<RuleVerdict, "rule"> {
  readonly rule: string;
}

/** JSON-serializable. */
export interface HeaderReport {
  readonly file?: string;
  readonly network: string;
  /** Whether no rule that could be checked is broken. */
  readonly ok: boolean;
  readonly source?: HeaderFile["source"];
  readonly number?: number;
  readonly version?: number;
  /** Hexadecimal, as all that follow. */
  readonly hash?: string;
  readonly parentHash?: string;
  /** What the coinbase commits to; absent if the header has none. */
  readonly hashForMergedMining?: string;
  /** Absent for genesis, which nobody mined. */
  readonly powValid?: boolean;
  /** Decimal. */
  readonly difficulty?: string;
  readonly timestamp?: number;
  readonly uncleCount?: number;
  readonly rules: readonly ReportedRule[];
  /** Code and text of what could not be read. */
  readonly fault?: string;
  readonly message?: string;
}

/** What else is known. */
export interface ReportOptions {
  readonly network: RootstockNetwork;
  /** The time, in seconds since 1970. */
  readonly nowSeconds: number;
  /** Of the chain's newest header before it: {@link readTip}. Block 1 has genesis. */
  readonly parent?: ChainTip;
  /** Ancestors of which the parent is the newest. */
  readonly ancestors?: Ancestors;
}

/**
 * What a file with a header says to the one that follows.
 *
 * @throws {RootstockFault} As {@link readHeaderFile}.
 */
export function readTip(bytes: Uint8Array, network: RootstockNetwork): ChainTip {
  const { header } = readHeaderFile(bytes, network);
  return tipOf(header, hashHeader(header, network).hash);
}

const hex = (bytes: Uint8Array) => `0x${bytes.toHex()}`;

/** Reports on the header in a file. Never throws on bad bytes of it. */
export function reportHeader(bytes: Uint8Array, options: ReportOptions): HeaderReport {
  const { network } = options;
  try {
    const file = readHeaderFile(bytes, network);
    return file.header.number === 0 ? reportGenesis(file, network) : report(file, options);
  } catch (fault) {
    if (!(fault instanceof RootstockFault)) throw fault;
    const rules: ReportedRule[] = [{ rule: "form", status: "fail", detail: fault.code }];
    return { network: network.name, ok: false, rules, fault: fault.code, message: fault.message };
  }
}

function factsOf({ source, header }: HeaderFile, hash: Uint8Array, network: RootstockNetwork) {
  return {
    ...{ network: network.name, source, number: header.number, version: header.version, hash: hex(hash) },
    ...{ parentHash: hex(header.parentHash), difficulty: `${header.difficulty}` },
    ...{ timestamp: header.timestamp, uncleCount: header.uncleCount },
  };
}

function reportGenesis(file: HeaderFile, network: RootstockNetwork): HeaderReport {
  const { hash } = hashHeader(file.header, network);
  const isGenesis = equalBytes(hash, network.genesis.hash);
  const detail = `the genesis block of ${network.name} is ${hex(network.genesis.hash)}`;
  const rules: ReportedRule[] = [
    { rule: "form", status: "pass" },
    isGenesis ? { rule: "genesis", status: "pass" } : { rule: "genesis", status: "fail", detail },
    ...stated("hash-as-stated", file.statedHash, hash),
  ];
  return { ...factsOf(file, hash, network), ok: isOk(rules), rules };
}

function report(file: HeaderFile, options: ReportOptions): HeaderReport {
  const { network, nowSeconds, ancestors } = options;
  // Decoded again, so that headers of every source are held to the same form.
  const bytes = encodeHeader(file.header, "compressed");
  const compressed = decodeHeader(bytes, { network, form: "compressed" });
  const header: RootstockHeader = { ...compressed, ...bodyOf(file.header) };
  const verdict = checkHeader({ bytes, rules: rulesAt(network, header.number) });
  if (verdict.facts === undefined) {
    const failure = verdict.valid ? "" : verdict.failure;
    throw new RootstockFault(failure, `Cannot hash the header: ${failure}`);
  }
  const { hash, miningHash } = verdict.facts;
  const parent = options.parent ?? (header.number === 1 ? Ancestors.genesis(network).tip : undefined);
  const judged = judgeHeader({
    ...{ header, verdict, network, nowSeconds },
    ...(parent === undefined ? {} : { parent }),
    ...(ancestors === undefined ? {} : { ancestors }),
  });
  const merged = hashForMergedMining(header, miningHash, network);
  const rules: ReportedRule[] = [
    ...judged,
    ...judgeUncles(file, network),
    ...stated("hash-as-stated", file.statedHash, hash),
    ...stated("merged-mining-hash-as-stated", file.statedMiningHash, merged),
  ];
  return {
    ...factsOf(file, hash, network),
    ...(merged === undefined ? {} : { hashForMergedMining: hex(merged) }),
    powValid: judged.some(({ rule, status }) => rule === "proof-of-work" && status === "pass"),
    ok: isOk(rules),
    rules,
  };
}

const bodyOf = ({ edges, baseEvent }: RootstockHeader) => ({
  ...(edges === undefined ? {} : { edges }),
  ...(baseEvent === undefined ? {} : { baseEvent }),
});

const isOk = (rules: readonly ReportedRule[]) => rules.every(({ status }) => status !== "fail");

function judgeUncles({ uncles, header }: HeaderFile, network: RootstockNetwork): ReportedRule[] {
  if (uncles === undefined) return [];
  const hash = hashUncles(uncles.map((uncle) => decodeHeader(uncle, { network, form: "full" })));
  if (equalBytes(hash, header.unclesHash)) return [{ rule: "uncles-hash", status: "pass" }];
  return [{ rule: "uncles-hash", status: "fail", detail: `the block's uncles have ${hex(hash)}` }];
}

function stated(rule: string, text: string | undefined, hash: Uint8Array | undefined): ReportedRule[] {
  if (text === undefined) return [];
  if (hash !== undefined && text === hash.toHex()) return [{ rule, status: "pass" }];
  return [{ rule, status: "fail", detail: `the source says 0x${text}` }];
}
