/**
 * Reads the few shapes of JSON this protocol has, straight from bytes and with every bound checked on the way.
 *
 * Layer: protocols. Source: RFC 8259; spec/kimura.md §1. `JSON.parse` would round heights above 2^53, build an object
 * for every byte string and let the last of two equal fields win, where the original refuses both.
 *
 * @module
 */

import { fromUtf8, U64_MAX } from "./bytes.ts";
import { KimuraFault } from "./fault.ts";

/** Deepest nesting of a field that is skipped. */
const MAX_DEPTH = 32;

const [QUOTE, BACKSLASH, COMMA, COLON, MINUS] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const [ZERO, NINE] = [0x30, 0x39];
/** Where a number or a literal ends. */
const SCALAR = /^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)$/;

/** One reader a document. */
export class JsonReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @throws {KimuraFault} `OVERSIZE` if the document has more than `maxBytes`. */
  constructor(bytes: Uint8Array, maxBytes: number) {
    if (bytes.length > maxBytes) {
      throw new KimuraFault("OVERSIZE", `Cannot read JSON: ${bytes.length} bytes are more than ${maxBytes}`);
    }
    this.#bytes = bytes;
  }

  /**
   * An object. `fields` reads those it knows; others are skipped.
   *
   * @throws {KimuraFault} `MALFORMED_JSON`, also when a known field comes twice.
   */
  object(fields: Readonly<Record<string, () => void>>): void {
    const seen = new Set<string>();
    this.#take(OPEN_OBJECT);
    if (this.#takeIf(CLOSE_OBJECT)) return;
    do {
      const name = this.#string(256);
      this.#take(COLON);
      const read = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (read === undefined) this.#skip(0);
      else if (seen.has(name)) throw this.#fault(`field '${name}' comes twice`);
      else read();
      seen.add(name);
    } while (this.#takeIf(COMMA));
    this.#take(CLOSE_OBJECT);
  }

  /** A list of at most `max` elements, each read by `element`. @throws {KimuraFault} `MALFORMED_JSON`, `OVERSIZE`. */
  list(max: number, element: () => void): void {
    this.#take(OPEN_LIST);
    if (this.#takeIf(CLOSE_LIST)) return;
    let count = 0;
    do {
      if (++count > max) {
        throw new KimuraFault("OVERSIZE", `Cannot read JSON: a list has more than ${max} elements`);
      }
      element();
    } while (this.#takeIf(COMMA));
    this.#take(CLOSE_LIST);
  }

  /** A byte string of exactly `count` bytes, as a list of numbers. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(count);
    let at = 0;
    this.list(count, () => bytes[at++] = this.#byte());
    if (at !== count) throw this.#fault(`expected ${count} numbers, got ${at}`);
    return bytes;
  }

  /** A whole number from 0 to 2^64 - 1. */
  u64(): bigint {
    const digits = this.#digits();
    const value = BigInt(digits);
    if (digits.length > 20 || value > U64_MAX) throw this.#fault("a number is more than 2^64 - 1");
    return value;
  }

  /** A whole number up to `max`, which is a safe integer. */
  integer(max: number): number {
    const value = this.u64();
    if (value > BigInt(max)) throw this.#fault(`${value} is more than ${max}`);
    return Number(value);
  }

  /** A text of at most `maxBytes` of JSON. */
  text(maxBytes: number): string {
    const text = this.#string(maxBytes);
    if (!text.isWellFormed()) throw this.#fault("a text has a lone surrogate");
    return text;
  }

  /** @throws {KimuraFault} `MALFORMED_JSON` unless nothing but white space is left. */
  end(): void {
    this.#space();
    if (this.#at < this.#bytes.length) throw this.#fault("something follows the value");
  }

  /** As `integer(255)`; a block is nearly all bytes, so this makes no text of them. */
  #byte(): number {
    this.#space();
    const bytes = this.#bytes;
    const from = this.#at;
    let value = 0;
    let digit = bytes[from]! - ZERO;
    while (digit >= 0 && digit <= 9 && value <= 255) {
      value = value * 10 + digit;
      digit = bytes[++this.#at]! - ZERO;
    }
    const length = this.#at - from;
    if (length === 0 || value > 255 || (length > 1 && bytes[from] === ZERO)) {
      throw this.#fault("expected a byte");
    }
    return value;
  }

  #digits(): string {
    this.#space();
    const from = this.#at;
    const bytes = this.#bytes;
    let text = "";
    while (this.#at < bytes.length && bytes[this.#at]! >= ZERO && bytes[this.#at]! <= NINE) {
      if (this.#at - from >= 24) throw this.#fault("a number has too many digits");
      text += String.fromCharCode(bytes[this.#at++]!);
    }
    if (text === "") throw this.#fault("expected a whole number");
    if (text.length > 1 && text[0] === "0") throw this.#fault("a number starts with 0");
    const next = bytes[this.#at];
    if (next === 0x2e || next === 0x65 || next === 0x45) throw this.#fault("expected a whole number");
    return text;
  }

  #string(maxBytes: number): string {
    this.#space();
    const from = this.#at;
    if (this.#bytes[from] !== QUOTE) throw this.#fault("expected a text");
    let end = from + 1;
    while (this.#bytes[end] !== QUOTE) {
      if (end >= this.#bytes.length) throw this.#fault("a text does not end");
      if (end - from > maxBytes) {
        throw new KimuraFault("OVERSIZE", `Cannot read JSON: a text has more than ${maxBytes} bytes`);
      }
      end += this.#bytes[end] === BACKSLASH ? 2 : 1;
    }
    this.#at = end + 1;
    try {
      return JSON.parse(fromUtf8(this.#bytes.subarray(from, end + 1)));
    } catch {
      throw this.#fault("a text is malformed");
    }
  }

  #skip(depth: number): void {
    if (depth > MAX_DEPTH) {
      throw new KimuraFault("OVERSIZE", `Cannot read JSON: nested deeper than ${MAX_DEPTH}`);
    }
    this.#space();
    switch (this.#bytes[this.#at]) {
      case QUOTE:
        this.#string(this.#bytes.length);
        return;
      case OPEN_LIST:
        this.list(this.#bytes.length, () => this.#skip(depth + 1));
        return;
      case OPEN_OBJECT:
        this.#take(OPEN_OBJECT);
        if (this.#takeIf(CLOSE_OBJECT)) return;
        do {
          this.#string(this.#bytes.length);
          this.#take(COLON);
          this.#skip(depth + 1);
        } while (this.#takeIf(COMMA));
        this.#take(CLOSE_OBJECT);
        return;
      default:
        this.#scalar();
    }
  }

  #scalar(): void {
    let text = "";
    for (let byte = this.#bytes[this.#at]; byte !== undefined; byte = this.#bytes[++this.#at]) {
      const isPart = (byte >= ZERO && byte <= NINE) || (byte >= 0x61 && byte <= 0x7a) || byte === MINUS ||
        byte === 0x2b || byte === 0x2e || byte === 0x45;
      if (!isPart || text.length > 64) break;
      text += String.fromCharCode(byte);
    }
    if (!SCALAR.test(text)) throw this.#fault("expected a value");
  }

  #space(): void {
    for (let byte = this.#bytes[this.#at]; byte !== undefined; byte = this.#bytes[++this.#at]) {
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
    }
  }

  #take(byte: number): void {
    if (!this.#takeIf(byte)) throw this.#fault(`expected '${String.fromCharCode(byte)}'`);
  }

  #takeIf(byte: number): boolean {
    this.#space();
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #fault(message: string): KimuraFault {
    return new KimuraFault("MALFORMED_JSON", `Cannot read JSON at byte ${this.#at}: ${message}`);
  }
}
