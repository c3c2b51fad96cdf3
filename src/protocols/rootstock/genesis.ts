/**
 * The header of a genesis block.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 6.
 *
 * @module
 */

import { rlpEncode } from "../../hot/rlp_encode.ts";
import type { Genesis } from "./network.ts";

/** K(0xc0), the hash of an empty list of uncles. */
export const EMPTY_UNCLES_HASH: Uint8Array = Uint8Array.fromHex(
  "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
);

/** K(0x80), the root of an empty trie. */
export const EMPTY_TRIE_ROOT: Uint8Array = Uint8Array.fromHex(
  "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
);

/** Bytes of a bloom. */
export const BLOOM_BYTES = 256;

/** What differs between networks, in hexadecimal as their files have it; empty for zero. */
export interface GenesisFields {
  readonly stateRoot: string;
  /** Kept with its leading zeros. */
  readonly difficulty: string;
  readonly gasLimit: string;
  readonly timestamp: string;
  readonly extraData: string;
  /** Zero is one byte. */
  readonly minimumGasPrice: string;
  /** Hash of the header: 19 slots before RSKIP92, 17 with it. */
  readonly hash: string;
}

/** Puts a header together. The mining slots hold one zero byte each, so that they count as present. */
export function makeGenesis(fields: GenesisFields): Genesis {
  const none = new Uint8Array(0);
  const zero = new Uint8Array(1);
  const hex = (name: keyof GenesisFields) => Uint8Array.fromHex(fields[name]);
  const header = rlpEncode([
    ...[new Uint8Array(32), EMPTY_UNCLES_HASH, new Uint8Array(20).fill(0x33), hex("stateRoot")],
    ...[
      EMPTY_TRIE_ROOT,
      EMPTY_TRIE_ROOT,
      new Uint8Array(BLOOM_BYTES),
      hex("difficulty"),
      none,
      hex("gasLimit"),
    ],
    ...[none, hex("timestamp"), hex("extraData"), none, hex("minimumGasPrice"), none, zero, zero, zero],
  ]);
  return { header, hash: hex("hash"), totalDifficulty: BigInt(`0x${fields.difficulty}`) };
}
