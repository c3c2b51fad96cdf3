/**
 * Hashes of headers and of lists of uncles.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 2. Preimages of headers are slices of
 * their compressed form and are hashed by the kernel (`src/hot/header.ts`).
 *
 * @module
 */

import { checkHeader } from "../../hot/header.ts";
import { keccak256 } from "../../hot/keccak256.ts";
import { rulesAt } from "./block_rules.ts";
import { equalBytes } from "./bytes.ts";
import { RootstockFault } from "./fault.ts";
import type { RootstockHeader } from "./header.ts";
import { encodeHeader } from "./header_codec.ts";
import type { RootstockNetwork } from "./network.ts";

const TAG = new TextEncoder().encode("RSKBLOCK:");
/** Bytes of the base hash that a coinbase names before fork-detection data. */
const PREFIX_BYTES = 20;
const FORK_DATA_BYTES = 12;

/** Hashes of one header. */
export interface HeaderHashes {
  /** Block hash, 32 bytes. */
  readonly hash: Uint8Array;
  /** B: hash for merged mining without fork-detection data, 32 bytes. */
  readonly miningHash: Uint8Array;
}

/**
 * Hashes a header of any form.
 *
 * @throws {RootstockFault} The kernel's failure, if the header's fields are not those of the network's rules.
 */
export function hashHeader(header: RootstockHeader, network: RootstockNetwork): HeaderHashes {
  const bytes = encodeHeader(header, "compressed");
  const verdict = checkHeader({ bytes, rules: rulesAt(network, header.number) });
  const { facts } = verdict;
  if (facts !== undefined) return { hash: facts.hash, miningHash: facts.miningHash };
  const failure = verdict.valid ? "" : verdict.failure;
  throw new RootstockFault(failure, `Cannot hash header ${header.number}: ${failure}`);
}

/**
 * M: what the coinbase commits to. With fork-detection data that is cut out of the coinbase itself.
 *
 * @returns 32 bytes; `undefined` if the data are not there.
 */
export function hashForMergedMining(
  header: RootstockHeader,
  miningHash: Uint8Array,
  network: RootstockNetwork,
): Uint8Array | undefined {
  if (!rulesAt(network, header.number).forkData) return miningHash;
  const coinbase = header.bitcoinMergedMiningCoinbaseTransaction ?? new Uint8Array(0);
  const needle = new Uint8Array([...TAG, ...miningHash.subarray(0, PREFIX_BYTES)]);
  let at = coinbase.length - needle.length;
  while (at >= 0 && !equalBytes(coinbase.subarray(at, at + needle.length), needle)) at--;
  const from = at + needle.length;
  if (at < 0 || from + FORK_DATA_BYTES > coinbase.length) return undefined;
  const hash = new Uint8Array(miningHash);
  hash.set(coinbase.subarray(from, from + FORK_DATA_BYTES), PREFIX_BYTES);
  return hash;
}

/**
 * Hash of a list of uncles.
 *
 * @param uncles Full forms, each encoded again from its fields: testnet's tolerance leaves no other way.
 */
export function hashUncles(uncles: readonly RootstockHeader[]): Uint8Array {
  const encoded = uncles.map((uncle) => encodeHeader(uncle, "full"));
  return keccak256(listOf(encoded));
}

/** RLP list of what is encoded already. */
export function listOf(encoded: readonly Uint8Array[]): Uint8Array {
  let bytes = 0;
  for (const { length } of encoded) bytes += length;
  const prefix = rlpListPrefix(bytes);
  const list = new Uint8Array(prefix.length + bytes);
  list.set(prefix);
  let at = prefix.length;
  for (const part of encoded) {
    list.set(part, at);
    at += part.length;
  }
  return list;
}

/** Prefix of a list with so many bytes of payload, fewer than 2^24. */
function rlpListPrefix(bytes: number): readonly number[] {
  if (bytes < 56) return [0xc0 + bytes];
  if (bytes < 0x100) return [0xf8, bytes];
  if (bytes < 0x1_0000) return [0xf9, bytes >>> 8, bytes & 0xff];
  return [0xfa, bytes >>> 16, bytes >>> 8 & 0xff, bytes & 0xff];
}
