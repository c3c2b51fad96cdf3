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
/** hash 32, parentHash 32, number f64, timestamp f64, uncleCount u32, length of difficulty u16, of fees u16, hasUncles u8. */
const FIXED_BYTES = 2 * HASH_BYTES + 8 + 8 + 4 + 2 + 2 + 1;

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
  const numbers = headers.map(({ difficulty, paidFees }) =>
    [toBytes(difficulty), toBytes(paidFees)] as const
  );
  let length = headers.length * FIXED_BYTES;
  for (const [difficulty, fees] of numbers) length += difficulty.length + fees.length;
  const packed = new Uint8Array(length);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const [i, header] of headers.entries()) {
    const [difficulty, fees] = numbers[i]!;
    packed.set(header.hash, at);
    packed.set(header.parentHash, at + 32);
    view.setFloat64(at + 64, header.number);
    view.setFloat64(at + 72, header.timestamp);
    view.setUint32(at + 80, header.uncleCount);
    view.setUint16(at + 84, difficulty.length);
    view.setUint16(at + 86, fees.length);
    view.setUint8(at + 88, header.hasUncles ? 1 : 0);
    packed.set(difficulty, at + FIXED_BYTES);
    packed.set(fees, at + FIXED_BYTES + difficulty.length);
    at += FIXED_BYTES + difficulty.length + fees.length;
  }
  return packed;
}

function unpackVerified(packed: Uint8Array): VerifiedHeader[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const headers: VerifiedHeader[] = [];
  for (let at = 0; at < packed.length;) {
    const difficultyEnd = at + FIXED_BYTES + view.getUint16(at + 84);
    const end = difficultyEnd + view.getUint16(at + 86);
    headers.push({
      hash: packed.subarray(at, at + 32),
      parentHash: packed.subarray(at + 32, at + 64),
      number: view.getFloat64(at + 64),
      timestamp: view.getFloat64(at + 72),
      uncleCount: view.getUint32(at + 80),
      hasUncles: view.getUint8(at + 88) !== 0,
      difficulty: toNumber(packed.subarray(at + FIXED_BYTES, difficultyEnd)),
      paidFees: toNumber(packed.subarray(difficultyEnd, end)),
    });
    at = end;
  }
  return headers;
}

/** Big-endian; a header has at most 4 kB, so has any number in it. */
function toBytes(value: bigint): Uint8Array {
  const hex = value.toString(16);
  return Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytes.toHex()}`);
}
