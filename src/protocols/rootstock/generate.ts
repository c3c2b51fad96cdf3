/**
 * Chains of headers that keep every rule, made from a seed: real proofs of work, forks, uncles, chosen times.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md. For test networks, benchmarks and whoever needs a
 * chain without a network. What is mined is the compressed form; blooms and extensions are empty, so {@link
 * toFullHeader} can give the other. The network's difficulty has to be one that a thread can mine.
 *
 * @module
 */

import { nextDifficulty } from "../../hot/header.ts";
import { keccak256 } from "../../hot/keccak256.ts";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { Ancestors, type ChainTip, tipOf } from "./ancestors.ts";
import { type BlockRules, rulesAt } from "./block_rules.ts";
import { type BreakableRule, BREAKS } from "./breaks.ts";
import { extensionData } from "./extension.ts";
import { FORK_DATA_BYTES } from "./fork_detection.ts";
import { BLOOM_BYTES, EMPTY_UNCLES_HASH } from "./genesis.ts";
import type { RootstockHeader } from "./header.ts";
import { decodeHeader, encodeHeader } from "./header_codec.ts";
import { hashUncles, listOf } from "./header_hash.ts";
import { mine } from "./miner.ts";
import type { RootstockNetwork } from "./network.ts";
import { Prng } from "./prng.ts";
import { signedBytes, unsignedValue } from "./quantities.ts";

/** How a chain is to be. */
export interface ChainGeneratorOptions {
  readonly network: RootstockNetwork;
  /** Chains of other seeds differ in every header. @default 1 */
  readonly seed?: number;
  /** Seconds from the parent to the block of this number, above 0. @default the network's time of a block */
  readonly secondsTo?: (number: number) => number;
  /** Uncles of the block of this number, at most 10; none in blocks 0 and 1. @default none */
  readonly unclesOf?: (number: number) => number;
  /** Siblings of the Merkle branches. @default 1 */
  readonly merkleDepth?: number;
  /** Gas limits and prices wander as the rules allow; otherwise they stay as genesis has them. @default false */
  readonly wander?: boolean;
  /** Bytes of extra data. @default 0 */
  readonly extraDataBytes?: number;
  /** One header that breaks one rule; those behind it build on it and break none. */
  readonly broken?: { readonly number: number; readonly rule: BreakableRule };
}

/** A header with what is known of it. */
export interface GeneratedHeader {
  readonly number: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Compressed form. */
  readonly header: Uint8Array;
  /** Full forms. */
  readonly uncles: readonly Uint8Array[];
  /** Of the header itself. */
  readonly difficulty: bigint;
  /** Of its uncles together. */
  readonly uncleDifficulty: bigint;
}

const NO_BLOOM = new Uint8Array(BLOOM_BYTES);
const NONE = new Uint8Array(0);
/** Time of block 1 where genesis has none: 1 January 2025. */
const FIRST_TIMESTAMP = 1_735_689_600;

const EXTENSIONS = new Map<string, Uint8Array>();

/** Extension data of a header whose bloom, edges and event are empty. */
function emptyExtension({ version, edges }: BlockRules): Uint8Array {
  const key = `${version} ${edges}`;
  let data = EXTENSIONS.get(key);
  if (data === undefined) {
    data = extensionData({
      version,
      logsBloom: NO_BLOOM,
      ...(version === 2 ? { baseEvent: NONE } : {}),
      ...(edges ? { edges: [] } : {}),
    });
    EXTENSIONS.set(key, data);
  }
  return data;
}

/**
 * The full form of a generated header.
 *
 * @throws {RootstockFault} If the bytes are not a header of the network.
 */
export function toFullHeader(bytes: Uint8Array, network: RootstockNetwork): Uint8Array {
  const header = decodeHeader(bytes, { network, form: "compressed" });
  return encodeHeader(withBody(header, rulesAt(network, header.number)), "full");
}

function withBody(header: RootstockHeader, rules: BlockRules): RootstockHeader {
  return {
    ...header,
    logsBloom: NO_BLOOM,
    ...(rules.edges ? { edges: [] } : {}),
    ...(rules.version === 2 ? { baseEvent: NONE } : {}),
  };
}

/** Payload of a list: what follows its prefix. */
const payloadOf = (list: Uint8Array) => list.subarray(list[0]! < 0xf8 ? 1 : list[0]! - 0xf6);

/**
 * Makes one header after the other.
 *
 * @example Two chains that part at block 3
 * ```ts
 * import { ChainGenerator } from "./generate.ts";
 * import { REGTEST } from "./networks/regtest.ts";
 * const one = new ChainGenerator({ network: REGTEST });
 * for (let i = 0; i < 2; i++) one.next();
 * const other = one.fork({ seed: 7 });
 * const [a, b] = [one.next(), other.next()];
 * if (a.number !== 3 || b.number !== 3 || a.hash.toHex() === b.hash.toHex()) throw new Error("expected two blocks 3");
 * ```
 */
export class ChainGenerator {
  readonly #options: ChainGeneratorOptions;
  readonly #prng: Prng;
  readonly #ancestors: Ancestors;
  /** The block before the tip, whose other children can be uncles. */
  #grandparent: ChainTip | undefined;

  constructor(options: ChainGeneratorOptions, from: Ancestors = Ancestors.genesis(options.network)) {
    this.#options = options;
    this.#prng = new Prng(options.seed ?? 1);
    this.#ancestors = from;
  }

  /** What the next header builds on. */
  get tip(): ChainTip {
    return this.#ancestors.tip;
  }

  /** What the next header is checked against: a copy. */
  get ancestors(): Ancestors {
    return this.#ancestors.clone();
  }

  /** Goes on from the tip with other options. The two share what they have, and nothing more. */
  fork(options: Partial<ChainGeneratorOptions> & { readonly seed: number }): ChainGenerator {
    const fork = new ChainGenerator({ ...this.#options, ...options }, this.#ancestors.clone());
    fork.#grandparent = this.#grandparent;
    return fork;
  }

  /** The next header. */
  next(): GeneratedHeader {
    const { unclesOf, network } = this.#options;
    const parent = this.#ancestors.tip;
    const number = parent.number + 1;
    const wanted = this.#grandparent === undefined ? 0 : unclesOf?.(number) ?? 0;
    const uncles = Array.from({ length: wanted }, () => this.#mine(this.#grandparent!, []));
    const { header, encoded, hash, powHash } = this.#mine(parent, uncles.map(({ header }) => header));
    this.#grandparent = parent;
    this.#ancestors.push(tipOf(header, hash), powHash[0]!, header.uncleCount);
    const full = (uncle: RootstockHeader) =>
      encodeHeader(withBody(uncle, rulesAt(network, uncle.number)), "full");
    return {
      number,
      hash,
      header: encoded,
      uncles: uncles.map(({ header }) => full(header)),
      difficulty: header.difficulty,
      uncleDifficulty: uncles.reduce((sum, { header }) => sum + header.difficulty, 0n),
    };
  }

  /** A mined header on a parent. */
  #mine(parent: ChainTip, uncles: readonly RootstockHeader[]) {
    const { network, broken, merkleDepth = 1 } = this.#options;
    const number = parent.number + 1;
    const rules = rulesAt(network, number);
    let draft = this.#draft(parent, rules, uncles);
    const forkData = new Uint8Array(rules.forkData ? FORK_DATA_BYTES : 0);
    if (rules.forkData) this.#ancestors.forkData(number, forkData);
    const break_ = broken?.number === number && parent === this.#ancestors.tip
      ? BREAKS[broken.rule]
      : undefined;
    if (break_?.header !== undefined) draft = { ...draft, ...break_.header(draft, parent, network) };
    if (break_?.forkData === true) forkData[0]! ^= 1;
    const bare = encodeHeader(draft, "compressed");
    const hash = keccak256(bare);
    hash.set(forkData, 20);
    const work = { hash, difficulty: signedBytes(draft.difficulty), depth: merkleDepth };
    const timestamp = draft.timestamp + (break_?.btcSeconds ?? 0);
    const fill = (bytes: Uint8Array) => this.#prng.fill(bytes);
    const { powHash, ...mined } = mine({ ...work, timestamp, fill, miss: break_?.miss ?? false });
    if (break_?.proof !== undefined) break_.proof(mined.bitcoinMergedMiningMerkleProof);
    const btcHeader = mined.bitcoinMergedMiningHeader;
    const slots = [
      btcHeader,
      mined.bitcoinMergedMiningMerkleProof,
      mined.bitcoinMergedMiningCoinbaseTransaction,
    ];
    const encoded = listOf([payloadOf(bare), payloadOf(rlpEncode(slots))]);
    const preimage = rules.rskip92 ? listOf([payloadOf(bare), rlpEncode(btcHeader)]) : encoded;
    return { header: { ...draft, ...mined }, encoded, hash: keccak256(preimage), powHash };
  }

  /** A header without its proof of work. */
  #draft(parent: ChainTip, rules: BlockRules, uncles: readonly RootstockHeader[]): RootstockHeader {
    const { network, secondsTo, extraDataBytes = 0 } = this.#options;
    const prng = this.#prng;
    const number = parent.number + 1;
    const seconds = secondsTo?.(number) ?? network.difficulty.blockSeconds;
    const timestamp = (parent.timestamp || FIRST_TIMESTAMP) + seconds;
    const full = uncles.map((uncle) => withBody(uncle, rulesAt(network, uncle.number)));
    const difficulty = nextDifficulty(
      signedBytes(parent.difficulty).slice(-32),
      BigInt(timestamp - parent.timestamp),
      uncles.length,
      rules.difficulty,
    );
    if (difficulty === undefined) {
      throw new RangeError("Cannot generate a header: its difficulty is above 2^256");
    }
    const gasLimit = this.#gasLimit(parent.gasLimit);
    return {
      version: rules.version,
      parentHash: parent.hash,
      unclesHash: uncles.length === 0 ? EMPTY_UNCLES_HASH : hashUncles(full),
      coinbase: prng.bytes(20),
      stateRoot: prng.bytes(32),
      transactionsRoot: prng.bytes(32),
      receiptsRoot: prng.bytes(32),
      ...(rules.version === 0 ? { logsBloom: NO_BLOOM } : { extensionData: emptyExtension(rules) }),
      difficulty: unsignedValue(difficulty),
      number,
      gasLimit: signedBytes(gasLimit),
      gasUsed: BigInt(prng.below(Number(gasLimit))),
      timestamp,
      extraData: prng.bytes(extraDataBytes),
      paidFees: BigInt(prng.below(1_000_000)),
      minimumGasPrice: this.#gasPrice(parent.minimumGasPrice ?? 0n),
      uncleCount: uncles.length,
      ...(rules.umm ? { ummRoot: NONE } : {}),
    };
  }

  #gasLimit(parent: bigint): bigint {
    if (this.#options.wander !== true) return parent;
    const step = parent / 1024n;
    const moved = parent - step + BigInt(this.#prng.below(Number(2n * step) + 1));
    return moved < 3_000_000n ? 3_000_000n : moved;
  }

  #gasPrice(parent: bigint): bigint {
    if (this.#options.wander !== true) return parent;
    const step = parent >= 200n ? parent / 100n : 1n;
    const moved = parent - step + BigInt(this.#prng.below(Number(2n * step) + 1));
    return moved < 0n ? 0n : moved;
  }
}

/** {@link ChainGenerator} for so many headers at once. */
export function generateChain(
  { count, ...options }: ChainGeneratorOptions & { readonly count: number },
): GeneratedHeader[] {
  const generator = new ChainGenerator(options);
  return Array.from({ length: count }, () => generator.next());
}
