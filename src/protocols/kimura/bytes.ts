/**
 * Byte strings of fixed layout: big-endian numbers, texts behind their length.
 *
 * Layer: protocols. Source: spec/kimura.md §1 (numbers are u64 big-endian wherever they are hashed).
 *
 * @module
 */

import { KimuraFault } from "./fault.ts";

/** Largest u64. */
export const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Bytes of a hash and of a message id. */
export const HASH_BYTES = 32;

/** Whether two byte strings are equal. Not constant-time: nothing compared in this room is a secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** UTF-8 of a text. @throws {RangeError} If it has a lone surrogate, which UTF-8 cannot say. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  if (!text.isWellFormed()) throw new RangeError("Cannot encode text: it has a lone surrogate");
  return new TextEncoder().encode(text);
}

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text of UTF-8. @throws {KimuraFault} `MALFORMED_BYTES`. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return TEXT.decode(bytes);
  } catch {
    throw new KimuraFault("MALFORMED_BYTES", "Cannot read text: it is not UTF-8");
  }
}

/** Appends to one growing array. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  /** @param capacity Bytes expected; more is allowed. */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(Math.max(capacity, 16));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#claim(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#claim(4);
    this.#view.setUint32(at, value);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#claim(8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#claim(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Behind a u32 length. */
  sized(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** The bytes, in an array of their own. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room, which may replace array and view: so before either is touched. */
  #claim(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

/** Reads what {@link ByteWriter} wrote; every read is checked against the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not read yet. */
  get rest(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** A copy of the next `count` bytes. */
  raw(count: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(count);
    return this.#bytes.slice(at, at + count) as Uint8Array<ArrayBuffer>;
  }

  /** Bytes behind a u32 length of at most `max`. @throws {KimuraFault} `OVERSIZE`. */
  sized(max: number, what: string): Uint8Array<ArrayBuffer> {
    return this.raw(this.count(max, what));
  }

  /** A u32 of at most `max`. @throws {KimuraFault} `OVERSIZE`. */
  count(max: number, what: string): number {
    const count = this.u32();
    if (count > max) throw new KimuraFault("OVERSIZE", `Cannot read ${what}: ${count} is more than ${max}`);
    return count;
  }

  /** @throws {KimuraFault} `MALFORMED_BYTES` unless everything was read. */
  end(what: string): void {
    if (this.rest > 0) {
      throw new KimuraFault("MALFORMED_BYTES", `Cannot read ${what}: ${this.rest} bytes are left over`);
    }
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.rest) {
      throw new KimuraFault("MALFORMED_BYTES", `Cannot read ${count} bytes: ${this.rest} are left`);
    }
    this.#at += count;
    return at;
  }
}
