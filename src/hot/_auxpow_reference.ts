/**
 * The proof-of-work check once more, for comparison: plain TypeScript with big integers, written from the
 * specification and not from the kernels.
 *
 * Layer: hot, tests only. Source: spec/rootstock-consensus.md section 4.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { resume } from "./_sha256_reference.ts";
import type { AuxPow, AuxPowFailure, AuxPowVerdict } from "./auxpow.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

/** SHA-256 twice. */
export const double = (...parts: Uint8Array[]) => sha256(sha256(Buffer.concat(parts)));

export const TAG: Buffer = Buffer.from("RSKBLOCK:");

/** Where `needle` begins for the last time, or -1. Deno 2.9.3's `Buffer.lastIndexOf` misses some. */
export function lastIndexOf(bytes: Uint8Array, needle: Uint8Array): number {
  for (let at = bytes.length - needle.length; at >= 0; at--) {
    if (needle.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

const reversed = (bytes: Uint8Array) => Buffer.from(bytes).reverse();
const invalid = (failure: AuxPowFailure): AuxPowVerdict => ({ valid: false, failure });

/** Step 1 and 11 before RSKIP92. `undefined`: not the format. Otherwise root and matches, or what is wrong. */
function partialTree(proof: Buffer): undefined | { root: Buffer; matched: string[] } | "rejected" {
  let at = 4;
  if (proof.length < 4) return;
  const varint = (): bigint | undefined => {
    const first = proof[at];
    if (first === undefined) return;
    at++;
    if (first < 253) return BigInt(first);
    const bytes = first === 253 ? 2 : first === 254 ? 4 : 8;
    if (at + bytes > proof.length) return;
    at += bytes;
    return BigInt(`0x${reversed(proof.subarray(at - bytes, at)).toString("hex")}`);
  };
  const transactions = proof.readUInt32LE(0);
  const count = varint();
  if (count === undefined || BigInt(at) + 32n * count > BigInt(proof.length)) return;
  const hashes = Array.from(
    { length: Number(count) },
    (_, i) => proof.subarray(at + 32 * i, at + 32 * i + 32),
  );
  at += 32 * hashes.length;
  const flagBytes = varint();
  if (flagBytes === undefined || BigInt(at) + flagBytes !== BigInt(proof.length)) return;
  const flags = proof.subarray(at);
  if (transactions < 1 || transactions > 16_666 || hashes.length > transactions) return "rejected";
  if (8 * flags.length < hashes.length) return "rejected";
  const width = (height: number) => Math.ceil(transactions / 2 ** height);
  let height = 0;
  while (width(height) > 1) height++;
  let bits = 0;
  let used = 0;
  const matched: string[] = [];
  const walk = (height: number, position: number): Buffer => {
    if (bits >= 8 * flags.length) throw new RangeError("bits");
    const flag = flags[bits >> 3]! >> (bits & 7) & 1;
    bits++;
    if (height === 0 || flag === 0) {
      const hash = hashes[used++];
      if (hash === undefined) throw new RangeError("hashes");
      if (height === 0 && flag === 1) matched.push(hash.toString("hex"));
      return hash;
    }
    const left = walk(height - 1, 2 * position);
    if (2 * position + 1 >= width(height - 1)) return double(left, left);
    const right = walk(height - 1, 2 * position + 1);
    if (left.equals(right)) throw new RangeError("equal");
    return double(left, right);
  };
  try {
    const root = walk(height, 0);
    if (used !== hashes.length || Math.ceil(bits / 8) !== flags.length) return "rejected";
    return { root, matched };
  } catch (error) {
    if (error instanceof RangeError) return "rejected";
    throw error;
  }
}

/** Section 4.3: the guard, on display order. */
function isTransaction(x: Buffer): boolean {
  const inRange = (length: number) => length >= 0 && length <= 4;
  if (x[4] !== 1) return false;
  const index = x.readUInt32LE(37);
  if (index > 1_000_000 && index !== 0xffffffff) return false;
  const a = x.readInt8(41);
  if (!inRange(a) || x[46 + a] !== 1) return false;
  const value = x.readBigInt64LE(47 + a);
  if (value < 1n || value > 2_100_000_000_000_000n) return false;
  const b = x.readInt8(55 + a);
  return inRange(b) && a + b === 4;
}

/** Step 4, by division. */
export function target(difficulty: Uint8Array): bigint {
  const d = BigInt(`0x0${Buffer.from(difficulty).toString("hex")}`);
  return 2n ** 256n / (d <= 2n ? 3n : d);
}

/** The whole check, with the failures in the order of section 4.2. */
export function verifyReference(proof: AuxPow): AuxPowVerdict {
  const { rules, hash } = proof;
  const tree = proof.merkleProof === undefined || rules.rskip92
    ? undefined
    : partialTree(Buffer.from(proof.merkleProof));
  if (proof.merkleProof === undefined) return invalid("merkle-proof-format");
  if (rules.rskip92) {
    const { length } = proof.merkleProof;
    if (length % 32 !== 0 || (rules.rskip180 && length > 960)) return invalid("merkle-proof-format");
  } else if (tree === undefined) return invalid("merkle-proof-format");
  if (proof.coinbase.length === 0) return invalid("coinbase-missing");
  if (proof.btcHeader.length === 0) return invalid("btc-header-missing");
  if (proof.btcHeader.length !== 80) return invalid("btc-header-size");
  const powHash = double(proof.btcHeader);
  if (BigInt(`0x${reversed(powHash).toString("hex")}`) > target(proof.difficulty)) {
    return invalid("above-target");
  }
  if (proof.coinbase.length < 40) return invalid("coinbase-too-short");
  const coinbase = Buffer.from(proof.coinbase);
  const tail = coinbase.subarray(40);
  let forkData: Buffer | undefined;
  if (rules.forkData) {
    const at = lastIndexOf(coinbase, Buffer.concat([TAG, hash.subarray(0, 20)]));
    if (at < 0 || coinbase.length - at - 29 < 12) return invalid("fork-data-missing");
    forkData = coinbase.subarray(at + 29, at + 41);
  }
  const m = forkData === undefined ? hash : Buffer.concat([hash.subarray(0, 20), forkData]);
  const position = lastIndexOf(tail, Buffer.concat([TAG, m]));
  if (position < 0) return invalid("tag-not-found");
  if (position > 63) return invalid("tag-too-far");
  if (lastIndexOf(tail, TAG) !== position) return invalid("not-last-tag");
  if (tail.length - position - 41 > 128) return invalid("too-many-bytes-after");
  const count = coinbase.readBigUInt64BE(0);
  if (BigInt.asIntN(64, count + BigInt(tail.length)) <= 64n) return invalid("coinbase-too-small");
  let current: Buffer = sha256(resume(coinbase.subarray(8, 40), count, tail));
  const root = Buffer.from(proof.btcHeader.subarray(36, 68));
  if (rules.rskip92) {
    for (let at = 0; at < proof.merkleProof.length; at += 32) {
      const sibling = Buffer.from(proof.merkleProof.subarray(at, at + 32));
      if (isTransaction(Buffer.concat([reversed(current), sibling]))) {
        return invalid("inner-node-is-transaction");
      }
      current = double(current, reversed(sibling));
    }
    if (!current.equals(root)) return invalid("merkle-root-mismatch");
  } else {
    if (tree === "rejected" || tree === undefined) return invalid("merkle-root-mismatch");
    if (!tree.root.equals(root) || !tree.matched.includes(current.toString("hex"))) {
      return invalid("merkle-root-mismatch");
    }
  }
  const verdict = { valid: true, powHash: new Uint8Array(powHash) } as const;
  return forkData === undefined ? verdict : { ...verdict, forkData: new Uint8Array(forkData) };
}
