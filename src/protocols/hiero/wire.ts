/**
 * Protobuf wire format on plain bytes: a strict reader.
 *
 * Layer: protocols. Imports fault. Source: protobuf.dev/programming-guides/encoding.
 *
 * The generated message classes are not used on the hot path because a block must be hashed, stored and served
 * as the bytes it arrived as (spec/block-node.md §11): this reader hands out ranges and never re-encodes.
 *
 * @module
 */

import { HieroFault } from "./fault.ts";

/** Wire types that occur in proto3. Groups (3, 4) are refused: no message of this API has one. */
export const WIRE_TYPE = { VARINT: 0, FIXED64: 1, BYTES: 2, FIXED32: 5 } as const;

/** -1 as the wire shows it: "no block" in statuses and "endless" in requests. */
export const UINT64_MAX = 0xffff_ffff_ffff_ffffn;

const TWO_32 = 0x1_0000_0000;
/** ceil(64 / 7): a longer varint cannot be a 64-bit number. */
const VARINT_MAX_BYTES = 10;

function malformed(message: string, offset: number): HieroFault {
  return new HieroFault("UNABLE_TO_PARSE", `Cannot parse protobuf: ${message} at offset ${offset}`, {
    check: "wire",
    offset,
  });
}

/**
 * Cursor over one message. It borrows the bytes and never copies; payloads come out as ranges or as views.
 *
 * @example Read field 1 of a two-byte message
 * ```ts
 * import { WireReader } from "./wire.ts";
 * const reader = new WireReader(Uint8Array.of(0x08, 0x07));
 * reader.nextTag();
 * if (reader.field !== 1 || reader.uint64() !== 7n) throw new Error("expected 7 in field 1");
 * ```
 */
export class WireReader {
  readonly bytes: Uint8Array;
  /** Offset of the next unread byte in `bytes`. */
  pos: number;
  /** First offset past this message. */
  end: number;
  /** Field number of the last tag. */
  field = 0;
  /** Wire type of the last tag. */
  wireType = 0;
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
  }

  /** Moves the cursor to another range of the same bytes: nested messages without a second reader. */
  reset(start: number, end: number): void {
    this.pos = start;
    this.end = end;
  }

  /**
   * Reads the next tag into `field` and `wireType`.
   *
   * @returns false at the end of the message.
   * @throws {HieroFault} `UNABLE_TO_PARSE` for a truncated tag, field number 0 or a group.
   */
  nextTag(): boolean {
    if (this.pos >= this.end) return false;
    const at = this.pos;
    const tag = this.#number();
    if (tag >= TWO_32) throw malformed("tag over 32 bits", at);
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (this.field === 0) throw malformed("field number 0", at);
    const type = this.wireType;
    if (type > 5 || type === 3 || type === 4) throw malformed(`wire type ${type}`, at);
    return true;
  }

  /** Reads a varint as an unsigned 64-bit number. */
  uint64(): bigint {
    this.#varint();
    return this.#high === 0 ? BigInt(this.#low) : (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** Reads a varint as int64 (two's complement, as protobuf writes negative numbers). */
  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  /** Reads a varint as int32: the low 32 bits, as protobuf does. */
  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  /** Reads a varint as uint32: the low 32 bits. */
  uint32(): number {
    this.#varint();
    return this.#low;
  }

  /**
   * Reads the length of a length-delimited field. The payload starts at `pos` afterwards; the caller moves on.
   *
   * @throws {HieroFault} `UNABLE_TO_PARSE` if the payload would reach past the end of the message.
   */
  length(): number {
    const at = this.pos;
    const length = this.#number();
    // Compared as a difference: `pos + length` could pass 2^53 and round.
    if (length > this.end - this.pos) throw malformed(`length ${length} beyond the end`, at);
    return length;
  }

  /** Reads a length-delimited payload as a view on the same memory. */
  view(): Uint8Array {
    const length = this.length();
    const start = this.pos;
    this.pos = start + length;
    return this.bytes.subarray(start, this.pos);
  }

  /** Whether the last tag is this field with this wire type. A known field of another type counts as unknown. */
  is(field: number, wireType: number): boolean {
    return this.field === field && this.wireType === wireType;
  }

  /** Steps over the value that belongs to the last tag. */
  skip(): void {
    const at = this.pos;
    switch (this.wireType) {
      case WIRE_TYPE.VARINT:
        this.#varint();
        return;
      case WIRE_TYPE.BYTES: {
        const length = this.length();
        this.pos += length;
        return;
      }
      default: {
        const width = this.wireType === WIRE_TYPE.FIXED64 ? 8 : 4;
        if (width > this.end - this.pos) throw malformed("truncated fixed-width value", at);
        this.pos += width;
      }
    }
  }

  #number(): number {
    // One-byte fast path: nearly every tag and many lengths.
    const first = this.pos < this.end ? this.bytes[this.pos]! : 0x80;
    if (first < 0x80) {
      this.pos++;
      return first;
    }
    this.#varint();
    return this.#high * TWO_32 + this.#low;
  }

  #varint(): void {
    const { bytes, end } = this;
    const start = this.pos;
    let low = 0;
    let high = 0;
    for (let i = 0; i < VARINT_MAX_BYTES; i++) {
      if (start + i >= end) throw malformed("truncated varint", start);
      const byte = bytes[start + i]!;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        if (i === VARINT_MAX_BYTES - 1 && byte > 1) throw malformed("varint over 64 bits", start);
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        this.pos = start + i + 1;
        return;
      }
    }
    throw malformed("varint over 10 bytes", start);
  }
}
