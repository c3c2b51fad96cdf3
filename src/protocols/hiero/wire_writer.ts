/**
 * Protobuf wire format on plain bytes: a small writer.
 *
 * Layer: protocols. Imports wire. Source: protobuf.dev/programming-guides/encoding.
 *
 * @module
 */

import { WIRE_TYPE } from "./wire.ts";

/** A 64-bit number in groups of 7 bits. */
const VARINT_MAX_BYTES = 10;

/**
 * Growing output buffer. Default values are written like any other: proto3's "absent when zero" is the caller's
 * choice, because in a oneof the zero must be on the wire (spec §11).
 */
export class WireWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Writes a varint field. Negative numbers become their 64-bit two's complement. */
  varint(field: number, value: bigint | number): this {
    this.#put(field * 8 + WIRE_TYPE.VARINT);
    return this.#putBig(BigInt.asUintN(64, BigInt(value)));
  }

  /** Writes a length-delimited field. */
  bytes(field: number, payload: Uint8Array): this {
    this.header(field, payload.length);
    return this.raw(payload);
  }

  /** Writes only the tag and length of a length-delimited field; the payload follows by {@link raw}. */
  header(field: number, length: number): this {
    this.#put(field * 8 + WIRE_TYPE.BYTES);
    this.#put(length);
    return this;
  }

  /** Writes bytes as they are. */
  raw(payload: Uint8Array): this {
    this.#reserve(payload.length);
    this.#bytes.set(payload, this.#length);
    this.#length += payload.length;
    return this;
  }

  /** What was written: a view on this writer's memory, so the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #put(value: number): void {
    this.#reserve(VARINT_MAX_BYTES);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  #putBig(value: bigint): this {
    this.#reserve(VARINT_MAX_BYTES);
    let rest = value;
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
    return this;
  }

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
