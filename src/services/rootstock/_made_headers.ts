/**
 * Linked headers for tests and benches of the store and the JSON-RPC: the layout and size of mainnet's (V0 with
 * ummRoot, 20 slots, about 1.1 kB), without proof of work.
 *
 * Layer: services. Not imported by the node.
 *
 * @module
 */

import { keccak256 } from "../../hot/keccak256.ts";
import { RlpIndex } from "../../hot/rlp.ts";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { EMPTY_UNCLES_HASH } from "../../protocols/rootstock/genesis.ts";
import { Prng } from "../../protocols/rootstock/prng.ts";
import { exactly, type TotalDifficulty } from "../../protocols/rootstock/total_difficulty.ts";
import type { HeaderReader } from "./block_view.ts";
import type { ChainHeader } from "./chain_records.ts";

/** Difficulty of every made header. */
export const MADE_DIFFICULTY = 7_388_898_250_588_046_058_941n;

/** Options of {@link makeHeaders}. */
export interface MakeOptions {
  readonly count: number;
  /** The header they follow. @default none: the first is number 0 */
  readonly parent?: ChainHeader;
  /** Other seeds give other headers. @default {1} */
  readonly seed?: number;
  readonly uncleCount?: number;
  /** @default {true} */
  readonly exact?: boolean;
}

/** Headers that link, ascending, with total difficulties. */
export function makeHeaders(options: MakeOptions): ChainHeader[] {
  const { count, seed = 1, uncleCount = 0, exact = true } = options;
  const prng = new Prng(seed);
  const random = (length: number) => prng.bytes(length);
  const headers: ChainHeader[] = [];
  let parent = options.parent;
  for (let i = 0; i < count; i++) {
    const number = parent === undefined ? 0 : parent.number + 1;
    const proof = random(386);
    const slots = [
      parent?.hash ?? new Uint8Array(32), // parent
      uncleCount === 0 ? EMPTY_UNCLES_HASH : random(32), // uncles
      random(20), // coinbase
      random(32), // state
      random(32), // transactions
      random(32), // receipts
      sparse(256, random(24)), // bloom: a few bits
      new Uint8Array([0x01, 0x90, 0x8d, 0x64, 0x3b, 0x5f, 0x63, 0x16, 0x0d, 0xfd]), // difficulty
      number,
      Uint8Array.fromHex("00989680"), // gas limit
      1_000_000 + (seed * 7_919 + number) % 100_000, // gas used
      1_600_000_000 + number * 30, // timestamp
      random(8), // extra data
      123_456, // paid fees
      new Uint8Array([0x01, 0x6a, 0xe3, 0x60]), // minimum gas price
      uncleCount,
      new Uint8Array(0), // ummRoot
      random(80), // bitcoin header
      proof,
      random(190), // compressed coinbase
    ];
    const header = rlpEncode(slots);
    const value = MADE_DIFFICULTY * BigInt(number + 1);
    const totalDifficulty: TotalDifficulty = exact ? exactly(value) : { kind: "at-least", atLeast: value };
    const made = { number, hash: keccak256(header), header, totalDifficulty };
    headers.push(made);
    parent = made;
  }
  return headers;
}

function sparse(bytes: number, places: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes);
  for (const [i, place] of places.entries()) out[place] = 1 << (i % 8);
  return out;
}

/** Reads what {@link makeHeaders} makes. */
export const MADE_READER: HeaderReader = {
  decode(bytes, number) {
    const fields = RlpIndex.of(bytes);
    const view = (i: number) => fields.view(i);
    const integer = (i: number) => view(i).length === 0 ? 0n : BigInt(`0x${view(i).toHex()}`);
    return {
      version: 0,
      parentHash: view(0),
      unclesHash: view(1),
      coinbase: view(2),
      stateRoot: view(3),
      transactionsRoot: view(4),
      receiptsRoot: view(5),
      logsBloom: view(6),
      difficulty: integer(7),
      number,
      gasLimit: view(9),
      gasUsed: integer(10),
      timestamp: Number(integer(11)),
      extraData: view(12),
      paidFees: integer(13),
      minimumGasPrice: integer(14),
      uncleCount: Number(integer(15)),
      ummRoot: view(16),
      bitcoinMergedMiningHeader: view(17),
      bitcoinMergedMiningMerkleProof: view(18),
      bitcoinMergedMiningCoinbaseTransaction: view(19),
    };
  },
  hashForMergedMining: () => new Uint8Array(32).fill(0xab),
  hashesWithoutProof: () => true,
};
