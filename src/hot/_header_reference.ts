/**
 * The header check once more, for comparison: plain TypeScript written from the specification. And headers to check.
 *
 * Layer: hot, tests only. Source: spec/rootstock-consensus.md sections 1, 2 and 4.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { keccak_256 as keccak256 } from "@noble/hashes/sha3.js";
import { makeProof, type ProofOptions } from "./_auxpow_proof.ts";
import { verifyReference } from "./_auxpow_reference.ts";
import { randomBytes } from "./_kernel_rig.ts";
import { attempt, referenceFields } from "./_rlp_reference.ts";
import type { HeaderFacts, HeaderFailure, HeaderInput, HeaderRules, HeaderVerdict } from "./header.ts";

/** Canonical RLP of an item. */
export function encodeItem(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 1 && bytes[0]! < 0x80) return bytes;
  return withPrefix(0x80, bytes);
}

/** Canonical RLP of a list of encoded fields. */
export function encodeList(encoded: readonly Uint8Array[]): Uint8Array {
  return withPrefix(0xc0, Buffer.concat(encoded));
}

function withPrefix(kind: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const size = length < 256 ? [length] : [length >> 8, length & 255];
  const prefix = length < 56 ? [kind + length] : [kind + 55 + size.length, ...size];
  return new Uint8Array([...prefix, ...payload]);
}

/** The least bytes of an unsigned number; none for 0. */
export function minimal(value: bigint): Uint8Array {
  const hex = value.toString(16);
  return value === 0n
    ? new Uint8Array(0)
    : new Uint8Array(Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex"));
}

/** The least bytes of a signed number that is not negative: a zero byte before a set top bit. */
export function signed(value: bigint): Uint8Array {
  const bytes = minimal(value);
  return bytes.length === 0 || bytes[0]! >= 0x80 ? new Uint8Array([0, ...bytes]) : bytes;
}

/** Rules of mainnet today. */
export const RULES: HeaderRules = { rskip92: true, forkData: true, rskip180: true, umm: true, version: 0 };

/** Slots before those of mining, of random content. */
export function makeFields(rules: HeaderRules, number = 9_000_000n, difficulty = 1n): Uint8Array[] {
  const sixth = rules.version === 0
    ? randomBytes(256)
    : new Uint8Array([0xe2, rules.version, 0xa0, ...randomBytes(32)]);
  return [
    ...[randomBytes(32), randomBytes(32), randomBytes(20), randomBytes(32), randomBytes(32), randomBytes(32)],
    ...[
      sixth,
      signed(difficulty),
      minimal(number),
      new Uint8Array([0, 0x98, 0x96, 0x80]),
      minimal(6_000_000n),
    ],
    ...[minimal(1_700_000_000n), new Uint8Array([1, 2, 3]), minimal(12_345_678_901n), signed(0x387ee40n)],
    ...[minimal(1n), ...(rules.umm ? [new Uint8Array(0)] : [])],
  ];
}

/** B of section 2. */
export function miningHash(bare: readonly Uint8Array[], umm: Uint8Array | undefined): Uint8Array {
  const hash = keccak256(encodeList(bare.map(encodeItem)));
  return umm?.length === 20 ? keccak256(new Uint8Array([...hash.subarray(0, 20), ...umm])) : hash;
}

/** A header with a proof of work that passes. */
export function makeHeader(
  rules: HeaderRules = RULES,
  options: ProofOptions = {},
  fields = makeFields(rules),
): { bytes: Uint8Array; fields: Uint8Array[] } {
  const hash = miningHash(fields, rules.umm ? fields[16] : undefined);
  const { forkData, rskip180 } = rules;
  const proof = makeProof({ depth: 3, ...options, forkData, rskip180, hash, difficulty: fields[7]! });
  const all = [...fields, proof.btcHeader, proof.merkleProof!, proof.coinbase];
  return { bytes: encodeList(all.map(encodeItem)), fields: all };
}

const isMinimalSigned = (bytes: Uint8Array) =>
  bytes.length < 2 || !(bytes[0] === 0 && bytes[1]! < 0x80) && !(bytes[0] === 255 && bytes[1]! >= 0x80);
const numberOf = (bytes: Uint8Array) => BigInt(`0x0${Buffer.from(bytes).toString("hex")}`);
const isUnsigned = (bytes: Uint8Array, below: bigint) => bytes[0] !== 0 && numberOf(bytes) < below;

/** Whether each of the slots before those of mining is of its form. */
function wellFormed(fields: readonly Uint8Array[], rules: HeaderRules): boolean[] {
  const f = (slot: number) => fields[slot]!;
  const isHash = (slot: number) => f(slot).length === 32;
  const isAddress = (slot: number) => f(slot).length === 0 || f(slot).length === 20;
  const extension = f(6).length === 35 &&
    Buffer.from(f(6).subarray(0, 3)).equals(Buffer.from([0xe2, rules.version, 0xa0]));
  const difficulty = (f(7)[0] ?? 0) < 0x80 && (f(8).length === 0 || isMinimalSigned(f(7))) &&
    numberOf(f(7)) < 2n ** 256n && f(7).length <= 33;
  return [
    ...[isHash(0), isHash(1), isAddress(2), isHash(3), isHash(4), isHash(5)],
    ...[rules.version === 0 ? f(6).length === 256 : extension, difficulty, isUnsigned(f(8), 1n << 63n)],
    ...[f(9).length > 0, isUnsigned(f(10), 1n << 63n), isUnsigned(f(11), 1n << 63n), true, f(13)[0] !== 0],
    ...[isMinimalSigned(f(14)), isUnsigned(f(15), 1n << 31n), ...(rules.umm ? [isAddress(16)] : [])],
  ];
}

/** The whole check. */
export function checkReference({ bytes, rules }: HeaderInput): HeaderVerdict {
  const invalid = (failure: HeaderFailure): HeaderVerdict => ({ valid: false, failure });
  if (bytes.length > 4096) return invalid("header-too-large");
  const spans = attempt(() => referenceFields(bytes));
  if (spans === undefined) return invalid("not-canonical");
  const bareCount = 16 + (rules.umm ? 1 : 0);
  if (spans.length !== bareCount && spans.length !== bareCount + 3) return invalid("field-count");
  const fields = spans.map(({ from, to }) => bytes.slice(from, to));
  const list = spans.findIndex(({ isList }) => isList);
  const malformed = list >= 0 ? list : wellFormed(fields, rules).indexOf(false);
  if (malformed >= 0) return { valid: false, failure: "field-malformed", field: malformed };
  const mining = fields.slice(bareCount);
  if (mining.length > 0 && mining.every(({ length }) => length === 0)) return invalid("mining-fields-empty");
  const bare = fields.slice(0, bareCount);
  const preimage = rules.rskip92 ? fields.slice(0, bareCount + 1) : fields;
  // Genesis alone may have numbers that encoding again would shorten: slices, not numbers, are hashed.
  const [btcHeader, merkleProof, coinbase] = mining;
  const difficulty = new Uint8Array(32);
  const digits = minimal(numberOf(fields[7]!));
  difficulty.set(digits, 32 - digits.length);
  const facts: HeaderFacts = {
    hash: keccak256(encodeList(preimage.map(encodeItem))),
    miningHash: miningHash(bare, rules.umm ? fields[16] : undefined),
    difficulty,
    number: numberOf(fields[8]!),
    timestamp: numberOf(fields[11]!),
    uncleCount: Number(numberOf(fields[15]!)),
    btcTime: btcHeader?.length === 80 ? Buffer.from(btcHeader).readUInt32LE(68) : 0,
  };
  const verdict = verifyReference({
    rules,
    hash: facts.miningHash,
    difficulty,
    btcHeader: btcHeader ?? new Uint8Array(0),
    merkleProof,
    coinbase: coinbase ?? new Uint8Array(0),
  });
  if (!verdict.valid) return { valid: false, failure: verdict.failure, facts };
  const { powHash, forkData } = verdict;
  return forkData === undefined ? { valid: true, facts, powHash } : { valid: true, facts, powHash, forkData };
}
