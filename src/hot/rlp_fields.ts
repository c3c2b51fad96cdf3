/**
 * The fields of one RLP list, by number: nothing is decoded before it is asked for.
 *
 * Layer: hot. Source: wasm/layout.ts (rows).
 *
 * @module
 */

import { HotError } from "./error.ts";
import { walkPayload } from "./rlp_walk.ts";

const LENGTH_MASK = 0x7fff_ffff;
/** Above this, setting up a copy of shared memory costs less than copying byte by byte. */
const LOOP_BYTES = 48;

/** Where a list lies and where its rows are. */
export interface RlpSource {
  /** Holds the input. */
  readonly u8: Uint8Array;
  /** Index in `u8` from which offsets count. */
  base: number;
  /** Holds offset and length of each field, as in a table of `wasm/layout.ts`. */
  readonly rows: ArrayLike<number>;
  /** Index in `rows` of the first one. */
  readonly rowsAt: number;
  count: number;
  /** Offset of the list's payload. */
  start: number;
}

/**
 * Fields of one list. Offsets count from the first byte of the input; the payload of a field is what follows its
 * prefix. Numbers of fields must be below `count`, or a RangeError is thrown.
 */
export class RlpFields {
  protected readonly source: RlpSource;

  protected constructor(source: RlpSource) {
    this.source = source;
  }

  /** Number of fields. */
  get count(): number {
    return this.source.count;
  }

  #row(i: number): number {
    const { rowsAt, count } = this.source;
    if (i >>> 0 !== i || i >= count) throw new RangeError(`Cannot read RLP field ${i}: there are ${count}`);
    return rowsAt + 2 * i;
  }

  /** Offset of the field's payload. */
  offset(i: number): number {
    return this.source.rows[this.#row(i)]!;
  }

  /** Bytes of the field's payload. */
  length(i: number): number {
    return this.source.rows[this.#row(i) + 1]! & LENGTH_MASK;
  }

  /** Whether the field is itself a list. */
  isList(i: number): boolean {
    return (this.source.rows[this.#row(i) + 1]! | 0) < 0;
  }

  /** Offset of the field's encoding, prefix included; it reaches to {@link end}. */
  start(i: number): number {
    this.#row(i);
    return i === 0 ? this.source.start : this.end(i - 1);
  }

  /** Offset behind the field. */
  end(i: number): number {
    return this.offset(i) + this.length(i);
  }

  /** Payload of the field where it lies; in shared memory only good until that is used for something else. */
  view(i: number): Uint8Array {
    const { u8, base } = this.source;
    return u8.subarray(base + this.offset(i), base + this.end(i));
  }

  /** Payload of the field, copied. */
  bytes(i: number): Uint8Array<ArrayBuffer> {
    const { u8, base } = this.source;
    const length = this.length(i);
    const from = base + this.offset(i);
    const copy = new Uint8Array(length);
    // slice() of shared memory costs more than either.
    if (length > LOOP_BYTES) copy.set(u8.subarray(from, from + length));
    else for (let b = 0; b < length; b++) copy[b] = u8[from + b]!;
    return copy;
  }

  /**
   * The field as an unsigned big-endian integer.
   *
   * @throws {HotError} `RLP_NOT_AN_INTEGER` if it is a list, has a leading zero byte or is above 2^53 - 1.
   */
  number(i: number): number {
    const length = this.#integerBytes(i);
    let value = 0;
    if (length <= 7) {
      const from = this.source.base + this.offset(i);
      for (let b = 0; b < length; b++) value = value * 256 + this.source.u8[from + b]!;
    }
    if (length > 7 || value > Number.MAX_SAFE_INTEGER) throw this.#notAnInteger(i, "is above 2^53 - 1");
    return value;
  }

  /**
   * As {@link number}, of any size.
   *
   * @throws {HotError} `RLP_NOT_AN_INTEGER` if it is a list or has a leading zero byte.
   */
  bigint(i: number): bigint {
    return this.#integerBytes(i) <= 6 ? BigInt(this.number(i)) : BigInt(`0x${this.bytes(i).toHex()}`);
  }

  #integerBytes(i: number): number {
    if (this.isList(i)) throw this.#notAnInteger(i, "is a list");
    const length = this.length(i);
    if (length > 0 && this.source.u8[this.source.base + this.offset(i)] === 0) {
      throw this.#notAnInteger(i, "has a leading zero");
    }
    return length;
  }

  #notAnInteger(i: number, why: string): HotError {
    const at = `at offset ${this.offset(i)}`;
    return new HotError("RLP_NOT_AN_INTEGER", `Cannot read RLP field ${i} as an integer: it ${why}, ${at}`);
  }

  /**
   * Fields of a nested list; their offsets count from the first byte of the outermost input.
   *
   * @param maxFields Most fields the list may have.
   * @throws {HotError} `RLP_NOT_A_LIST` if the field is an item; any other `RLP_` if its content is malformed or has
   *   more fields.
   */
  nested(i: number, maxFields: number = Infinity): RlpFields {
    assertNested(this, i);
    const { u8, base } = this.source;
    const start = this.offset(i);
    const rows = walkPayload(base === 0 ? u8 : u8.subarray(base), start, this.end(i), maxFields);
    return new RlpFields({ u8, base, rows, rowsAt: 0, count: rows.length / 2, start });
  }
}

/** Throws unless the field is a list. */
export function assertNested(fields: RlpFields, i: number): void {
  if (fields.isList(i)) return;
  const at = `at offset ${fields.offset(i)}`;
  throw new HotError("RLP_NOT_A_LIST", `Cannot read RLP field ${i} as a list: it is an item, ${at}`);
}
