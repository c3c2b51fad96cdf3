/**
 * A header as rskj's JSON-RPC shows a block, as far as a header goes.
 *
 * Layer: services. Pure. Source: spec/rootstock-network.md section 7.3, whose names and order these are. What a header
 * does not tell is left out and named in `unknownFields`: no value is made up.
 *
 * @module
 */

import { RlpIndex } from "../../hot/rlp.ts";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { equalBytes } from "../../protocols/rootstock/bytes.ts";
import { EMPTY_UNCLES_HASH } from "../../protocols/rootstock/genesis.ts";
import type { RootstockHeader } from "../../protocols/rootstock/header.ts";
import type { ChainHeader } from "./chain_records.ts";
import { bytesToQuantity, toData, toQuantity } from "./quantities.ts";

/** What a view needs to know of the network's rules. */
export interface HeaderReader {
  /** Decodes the compressed form. */
  decode(header: Uint8Array, number: number): RootstockHeader;
  /** Hash that the bitcoin coinbase commits to. */
  hashForMergedMining(header: RootstockHeader): Uint8Array | undefined;
  /** Whether the block hash leaves out the proof and the bitcoin coinbase (RSKIP92). */
  hashesWithoutProof(number: number): boolean;
}

/** How blocks are shown. */
export interface BlockViewOptions {
  readonly reader: HeaderReader;
  /**
   * `empty` shows `transactions: []` for clients that fail without the field (ethers). It is still named in
   * `unknownFields`.
   */
  readonly unknownTransactions: "omit" | "empty";
}

/** A block as JSON. */
export type BlockView = Readonly<Record<string, unknown>>;

const MIX_HASH = `0x${"00".repeat(32)}`;
const NONCE = `0x${"00".repeat(8)}`;
const NONE = new Uint8Array(0);

/** Slots behind the block hash's preimage from RSKIP92 on: Merkle proof and bitcoin coinbase. */
const PROOF_SLOTS = 2;

/** Uncles of a block: none for sure, or as many as its miner says. */
export function uncleCountOf({ unclesHash, uncleCount }: RootstockHeader): number {
  return equalBytes(unclesHash, EMPTY_UNCLES_HASH) ? 0 : uncleCount;
}

/**
 * The view of a block.
 *
 * @param parent Where the total difficulty is exact and there are uncles, the block before: the difference is what
 *   block and uncles weigh.
 */
export function toBlockView(
  stored: ChainHeader,
  { reader, unknownTransactions }: BlockViewOptions,
  parent?: ChainHeader,
): BlockView {
  const header = reader.decode(stored.header, stored.number);
  const hasUncles = !equalBytes(header.unclesHash, EMPTY_UNCLES_HASH);
  const isFull = header.version === 0;
  const cumulative = hasUncles ? weightOf(stored, parent) : header.difficulty;
  const unknownFields: string[] = [];
  // In order: `undefined` is unknown, and left out by JSON.
  const known = <T>(name: string, value: T | undefined): T | undefined => {
    if (value === undefined) unknownFields.push(name);
    return value;
  };
  const mining = reader.hashForMergedMining(header);
  return {
    number: toQuantity(header.number),
    hash: toData(stored.hash),
    parentHash: toData(header.parentHash),
    mixHash: MIX_HASH,
    nonce: NONCE,
    sha3Uncles: toData(header.unclesHash),
    logsBloom: known("logsBloom", header.logsBloom && toData(header.logsBloom)),
    transactionsRoot: toData(header.transactionsRoot),
    stateRoot: toData(header.stateRoot),
    receiptsRoot: toData(header.receiptsRoot),
    miner: toData(header.coinbase),
    difficulty: toQuantity(header.difficulty),
    ...totalDifficultyView(stored, known),
    extraData: toData(header.extraData),
    size: known("size", undefined),
    gasLimit: bytesToQuantity(header.gasLimit),
    gasUsed: toQuantity(header.gasUsed),
    timestamp: toQuantity(header.timestamp),
    transactions: known("transactions", undefined) ?? (unknownTransactions === "empty" ? [] : undefined),
    uncles: known("uncles", hasUncles ? undefined : []),
    minimumGasPrice: header.minimumGasPrice === undefined ? null : toQuantity(header.minimumGasPrice),
    bitcoinMergedMiningHeader: toData(header.bitcoinMergedMiningHeader ?? NONE),
    bitcoinMergedMiningCoinbaseTransaction: toData(header.bitcoinMergedMiningCoinbaseTransaction ?? NONE),
    bitcoinMergedMiningMerkleProof: toData(header.bitcoinMergedMiningMerkleProof ?? NONE),
    hashForMergedMining: known("hashForMergedMining", mining && toData(mining)),
    paidFees: toQuantity(header.paidFees),
    cumulativeDifficulty: known(
      "cumulativeDifficulty",
      cumulative === undefined ? undefined : toQuantity(cumulative),
    ),
    rskPteEdges: known("rskPteEdges", isFull ? null : header.edges),
    baseEvent: known("baseEvent", header.version < 2 ? null : baseEventView(header.baseEvent)),
    unknownFields,
  };
}

/**
 * Total difficulty of a header and whether it is a lower bound, in the fields that views have for it.
 *
 * @param known Hears the name of a field that has no value.
 */
export function totalDifficultyView(
  { totalDifficulty }: ChainHeader,
  known: <T>(name: string, value: T | undefined) => T | undefined = (_, value) => value,
): BlockView {
  if (totalDifficulty === undefined) return { totalDifficulty: known("totalDifficulty", undefined) };
  const isExact = totalDifficulty.kind === "exact";
  return {
    totalDifficulty: toQuantity(isExact ? totalDifficulty.total : totalDifficulty.atLeast),
    totalDifficultyIsLowerBound: !isExact,
  };
}

/** Difficulty of a block and its uncles. */
function weightOf(block: ChainHeader, parent: ChainHeader | undefined): bigint | undefined {
  const [own, before] = [block.totalDifficulty, parent?.totalDifficulty];
  return own?.kind === "exact" && before?.kind === "exact" ? own.total - before.total : undefined;
}

function baseEventView(baseEvent: Uint8Array | undefined): string | null | undefined {
  return baseEvent === undefined ? undefined : baseEvent.length === 0 ? null : toData(baseEvent);
}

/**
 * The bytes that `rsk_getRawBlockHeader*` gives: the full form, from RSKIP92 on without proof and bitcoin coinbase.
 *
 * @returns `undefined` from RSKIP351 on: the full form has a bloom and an extension that the compressed form lacks.
 */
export function toRawHeader({ header, number }: ChainHeader, reader: HeaderReader): Uint8Array | undefined {
  if (reader.decode(header, number).version !== 0) return undefined;
  if (!reader.hashesWithoutProof(number)) return header;
  const fields = RlpIndex.of(header);
  return rlpEncode(Array.from({ length: fields.count - PROOF_SLOTS }, (_, i) => fields.view(i)));
}
