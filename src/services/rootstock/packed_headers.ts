/**
 * Headers and verdicts as they cross to the verify Worker and back: one transferable buffer instead of a thousand
 * objects to clone.
 *
 * Layer: services.
 *
 * @module
 */

import type { HeaderRule } from "../../protocols/rootstock/header_rules.ts";
import type { SegmentVerdict, VerifiedHeader } from "../../protocols/rootstock/verify_segment.ts";

const HASH_BYTES = 32;
/** Larger numbers are rare, and go by way of hexadecimal digits. */
const NUMBER_BYTES = 16;
const WORD_BITS = 64n;
/**
 * hash 32, parentHash 32, number f64, timestamp f64, uncleCount u32, hasUncles u8, bytes of difficulty u16 and of fees u16
 * beyond their u128, these two.
 */
const FIXED_BYTES = 2 * HASH_BYTES + 8 + 8 + 4 + 1 + 2 * (2 + NUMBER_BYTES);
const DIFFICULTY_AT = 85;
const FEES_AT = DIFFICULTY_AT + 2 + NUMBER_BYTES;

/** Byte strings one behind the other, each after its length as u32. */
export function packBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 4 * parts.length;
  for (const part of parts) length += part.length;
  const packed = new Uint8Array(length);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    packed.set(part, at + 4);
    at += 4 + part.length;
  }
  return packed;
}

/** Views of what {@link packBytes} packed. */
export function unpackBytes(packed: Uint8Array): Uint8Array[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < packed.length;) {
    const length = view.getUint32(at);
    parts.push(packed.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
}

/** A verdict whose headers are packed. */
export type PackedVerdict =
  | { readonly valid: true; readonly headers: Uint8Array<ArrayBuffer> }
  | {
    readonly valid: false;
    readonly headers: Uint8Array<ArrayBuffer>;
    readonly index: number;
    readonly rule: HeaderRule;
    readonly detail: string;
  };

/** Packs a verdict; {@link unpackVerdict} reads it. */
export function packVerdict(verdict: SegmentVerdict): PackedVerdict {
  const headers = packVerified(verdict.headers);
  return verdict.valid ? { valid: true, headers } : { ...verdict, headers };
}

/** Reads what {@link packVerdict} made. */
export function unpackVerdict(packed: PackedVerdict): SegmentVerdict {
  const headers = unpackVerified(packed.headers);
  return packed.valid ? { valid: true, headers } : { ...packed, headers };
}

function packVerified(headers: readonly VerifiedHeader[]): Uint8Array<ArrayBuffer> {
  let length = headers.length * FIXED_BYTES;
  for (const { difficulty, paidFees } of headers) length += bytesBeyond(difficulty) + bytesBeyond(paidFees);
  const packed = new Uint8Array(length);
  const view = new DataView(packed.buffer);
  let at = 0;
  // Runs once for every header there is.
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!;
    packed.set(header.hash, at);
    packed.set(header.parentHash, at + 32);
    view.setFloat64(at + 64, header.number);
    view.setFloat64(at + 72, header.timestamp);
    view.setUint32(at + 80, header.uncleCount);
    view.setUint8(at + 84, header.hasUncles ? 1 : 0);
    let end = at + FIXED_BYTES;
    end += packNumber(header.difficulty, view, at + DIFFICULTY_AT, end);
    end += packNumber(header.paidFees, view, at + FEES_AT, end);
    at = end;
  }
  return packed;
}

function unpackVerified(packed: Uint8Array): VerifiedHeader[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const headers: VerifiedHeader[] = [];
  for (let at = 0; at < packed.length;) {
    const difficultyEnd = at + FIXED_BYTES + view.getUint16(at + DIFFICULTY_AT);
    headers.push({
      hash: packed.subarray(at, at + 32),
      parentHash: packed.subarray(at + 32, at + 64),
      number: view.getFloat64(at + 64),
      timestamp: view.getFloat64(at + 72),
      uncleCount: view.getUint32(at + 80),
      hasUncles: view.getUint8(at + 84) !== 0,
      difficulty: unpackNumber(view, at + DIFFICULTY_AT, at + FIXED_BYTES),
      paidFees: unpackNumber(view, at + FEES_AT, difficultyEnd),
    });
    at = difficultyEnd + view.getUint16(at + FEES_AT);
  }
  return headers;
}

/** Bytes of a number above u128, else 0. */
function bytesBeyond(value: bigint): number {
  return value >> WORD_BITS >> WORD_BITS === 0n ? 0 : hexOf(value).length / 2;
}

/** @returns Bytes written at `beyond`. */
function packNumber(value: bigint, view: DataView, at: number, beyond: number): number {
  const bytes = bytesBeyond(value);
  view.setUint16(at, bytes);
  if (bytes > 0) {
    new Uint8Array(view.buffer, view.byteOffset + beyond, bytes).setFromHex(hexOf(value));
  } else {
    // Both keep the lowest 64 bits.
    view.setBigUint64(at + 2, value >> WORD_BITS);
    view.setBigUint64(at + 10, value);
  }
  return bytes;
}

function unpackNumber(view: DataView, at: number, beyond: number): bigint {
  const bytes = view.getUint16(at);
  if (bytes > 0) return BigInt(`0x${new Uint8Array(view.buffer, view.byteOffset + beyond, bytes).toHex()}`);
  const high = view.getBigUint64(at + 2);
  const low = view.getBigUint64(at + 10);
  return high === 0n ? low : high << WORD_BITS | low;
}

/** A header has at most 4 kB, so has any number in it. */
function hexOf(value: bigint): string {
  const hex = value.toString(16);
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}
