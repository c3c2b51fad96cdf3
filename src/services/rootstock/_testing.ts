/**
 * Linked headers for tests and benches of the store and the JSON-RPC: the layout and size of mainnet's (V0 with
 * ummRoot, 20 slots, about 1.1 kB), without proof of work.
 *
 * Layer: services. Not imported by the node.
 *
 * @module
 */

import { keccak256 } from "../../hot/keccak256.ts";
import { rlpEncode } from "../../hot/rlp_encode.ts";
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
  const random = generator(seed);
  const headers: ChainHeader[] = [];
  let parent = options.parent;
  for (let i = 0; i < count; i++) {
    const number = parent === undefined ? 0 : parent.number + 1;
    const proof = random(386);
    const slots = [
      parent?.hash ?? new Uint8Array(32), // parent
      Uint8Array.fromHex("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"), // uncles
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
    const value = (parent?.totalDifficulty?.value ?? 0n) + MADE_DIFFICULTY;
    const made = { number, hash: keccak256(header), header, totalDifficulty: { value, exact } };
    headers.push(made);
    parent = made;
  }
  return headers;
}

/** xorshift32: the same bytes in every run, and not compressible. */
function generator(seed: number): (bytes: number) => Uint8Array {
  let state = (seed * 2_654_435_769) >>> 0 || 1;
  return (bytes) => {
    const words = new Uint32Array(Math.ceil(bytes / 4));
    for (let i = 0; i < words.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = state;
    }
    return new Uint8Array(words.buffer, 0, bytes);
  };
}

function sparse(bytes: number, places: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes);
  for (const [i, place] of places.entries()) out[place] = 1 << (i % 8);
  return out;
}
