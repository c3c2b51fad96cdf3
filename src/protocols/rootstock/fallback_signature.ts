/**
 * Blocks that were signed instead of mined: mainnet below 729,000.
 *
 * Layer: protocols/rootstock. Imports @noble/curves. Source: spec/rootstock-consensus.md section 4.5.
 *
 * @module
 */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { HotError } from "../../hot/error.ts";
import { RlpIndex } from "../../hot/rlp.ts";
import type { BlockRules } from "./block_rules.ts";
import { equalBytes } from "./bytes.ts";
import type { RootstockHeader } from "./header.ts";
import { signedBytes, signedValue } from "./quantities.ts";

/** Blocks of more difficulty have to be mined. */
const DIFFICULTY_MAX = 14_000_000_000_000_000n;
const HALF_ORDER = secp256k1.Point.CURVE().n / 2n;

/** Whether the signature alone decides about a header's proof of work. */
export function isFallbackSigned(header: RootstockHeader, rules: BlockRules): boolean {
  return !rules.rskip98 && header.number > 0 && header.difficulty <= DIFFICULTY_MAX &&
    header.bitcoinMergedMiningMerkleProof?.length === 0 &&
    header.bitcoinMergedMiningCoinbaseTransaction?.length === 0;
}

/**
 * Checks the signature in the slot of the bitcoin header.
 *
 * @param slot RLP list of v, r and s.
 * @param hash M, 32 bytes.
 * @param keys Uncompressed public keys, 65 bytes: of even blocks, of odd ones.
 */
export function verifyFallbackSignature(
  slot: Uint8Array,
  hash: Uint8Array,
  number: number,
  keys: readonly Uint8Array[],
): boolean {
  const key = keys[number % 2];
  const signature = readSignature(slot);
  if (key === undefined || signature === undefined) return false;
  try {
    const recovered = secp256k1.recoverPublicKey(signature, hash, { prehash: false });
    return equalBytes(secp256k1.Point.fromBytes(recovered).toBytes(false), key);
  } catch {
    // Not the point of any key: v, r and s do not belong together.
    return false;
  }
}

/** Recovery bit, r and s in 65 bytes; `undefined` if they are not of their form. */
function readSignature(slot: Uint8Array): Uint8Array | undefined {
  try {
    const fields = RlpIndex.of(slot);
    if (fields.count !== 3 || [0, 1, 2].some((i) => fields.isList(i))) return undefined;
    const [v, r, s] = [fields.view(0), fields.view(1), fields.view(2)];
    const recovery = v.length === 1 ? v[0]! - 27 : -1;
    if (recovery < 0 || recovery > 4) return undefined;
    const [rValue, sValue] = [signedValue(r), signedValue(s)];
    if (!equalBytes(r, signedBytes(rValue)) || !equalBytes(s, signedBytes(sValue))) return undefined;
    if (rValue <= 0n || rValue >= 2n ** 256n || sValue <= 0n || sValue >= HALF_ORDER) return undefined;
    const hex = (value: bigint) => value.toString(16).padStart(64, "0");
    return new Uint8Array([recovery, ...Uint8Array.fromHex(hex(rValue) + hex(sValue))]);
  } catch (thrown) {
    if (thrown instanceof HotError) return undefined;
    throw thrown;
  }
}
