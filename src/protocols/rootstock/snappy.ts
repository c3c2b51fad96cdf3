/**
 * Snappy, the block format: what devp2p compresses messages with from version 5 on.
 *
 * Layer: protocols/rootstock. Source: google/snappy format_description.txt; EIP-706. rskj never compresses, so this is
 * off unless a peer of another kind negotiates it; hence small rather than fast.
 *
 * @module
 */

import { WireFault } from "./wire_fault.ts";

/** Matches reach back within a block, so their offsets have 16 bits. */
const BLOCK_BYTES = 0x1_0000;
const HASH_BITS = 12;
const MATCH_BYTES_MIN = 4;
/** A copy element's longest, and a literal's longest without length bytes. */
const COPY_BYTES_MAX = 64;
const LITERAL_BYTES_MAX = 60;

const malformed = (why: string) => new WireFault("malformed", `Cannot decompress: ${why}`);

/** A little-endian integer of `width` bytes. */
function readInteger(input: Uint8Array, at: number, width: number): number {
  if (at + width > input.length) throw malformed("it ends within an element");
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + input[at + i]!;
  return value;
}

/** The length that the input begins with, and where its elements begin. */
function readLength(input: Uint8Array): readonly [length: number, at: number] {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = readInteger(input, i, 1);
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [length, i + 1];
  }
  throw malformed("its length has more than 32 bits");
}

/**
 * Decompresses a block.
 *
 * @param maxBytes Most bytes it may become: checked before memory is taken.
 * @throws {WireFault} `oversize` or `malformed`.
 */
export function snappyDecompress(input: Uint8Array, maxBytes: number): Uint8Array<ArrayBuffer> {
  const [length, start] = readLength(input);
  if (length > maxBytes) {
    throw new WireFault("oversize", `Cannot decompress: ${length} bytes, at most ${maxBytes} are taken`);
  }
  // Three bytes become 64 at most.
  if (length > (input.length - start) * COPY_BYTES_MAX) throw malformed("it is too short for its length");
  const output = new Uint8Array(length);
  let at = start;
  let done = 0;
  while (at < input.length) {
    const tag = input[at++]!;
    const kind = tag & 3;
    const high = tag >>> 2;
    if (kind === 0) {
      const width = Math.max(0, high - LITERAL_BYTES_MAX + 1);
      const bytes = 1 + (width === 0 ? high : readInteger(input, at, width));
      at += width;
      if (bytes > input.length - at || bytes > length - done) throw malformed("a literal is too long");
      output.set(input.subarray(at, at + bytes), done);
      at += bytes;
      done += bytes;
      continue;
    }
    const width = kind === 3 ? 4 : kind;
    const bytes = kind === 1 ? 4 + (high & 7) : 1 + high;
    const offset = readInteger(input, at, width) + (kind === 1 ? (tag >>> 5) * 256 : 0);
    at += width;
    if (offset === 0 || offset > done || bytes > length - done) throw malformed("a copy points outside");
    // Byte by byte: a copy may overlap what it writes.
    for (const end = done + bytes; done < end; done++) output[done] = output[done - offset]!;
  }
  if (done !== length) throw malformed("it is shorter than its length");
  return output;
}

/** Writes elements of one block. */
class BlockWriter {
  readonly out: Uint8Array;
  at: number;

  constructor(out: Uint8Array, at: number) {
    this.out = out;
    this.at = at;
  }

  literal(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const last = bytes.length - 1;
    const width = last < LITERAL_BYTES_MAX ? 0 : last < 0x100 ? 1 : 2;
    this.out[this.at++] = (width === 0 ? last : LITERAL_BYTES_MAX - 1 + width) << 2;
    for (let i = 0; i < width; i++) this.out[this.at++] = last >>> (8 * i);
    this.out.set(bytes, this.at);
    this.at += bytes.length;
  }

  copy(offset: number, bytes: number): void {
    for (let left = bytes; left > 0;) {
      const piece = Math.min(left, COPY_BYTES_MAX);
      this.out[this.at++] = 2 | ((piece - 1) << 2);
      this.out[this.at++] = offset;
      this.out[this.at++] = offset >>> 8;
      left -= piece;
    }
  }
}

const word = (bytes: Uint8Array, at: number) =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

function compressBlock(block: Uint8Array, writer: BlockWriter): void {
  /** Where a word with this hash was seen last, plus one. */
  const seen = new Uint32Array(1 << HASH_BITS);
  let literalFrom = 0;
  for (let at = 0; at + MATCH_BYTES_MIN <= block.length;) {
    const value = word(block, at);
    const slot = Math.imul(value, 0x1e35a7bd) >>> (32 - HASH_BITS);
    const candidate = seen[slot]! - 1;
    seen[slot] = at + 1;
    if (candidate < 0 || word(block, candidate) !== value) {
      at++;
      continue;
    }
    let bytes = MATCH_BYTES_MIN;
    while (at + bytes < block.length && block[candidate + bytes] === block[at + bytes]) bytes++;
    writer.literal(block.subarray(literalFrom, at));
    writer.copy(at - candidate, bytes);
    at += bytes;
    literalFrom = at;
  }
  writer.literal(block.subarray(literalFrom));
}

/** Compresses to a block that any Snappy reads. */
export function snappyCompress(input: Uint8Array): Uint8Array<ArrayBuffer> {
  // Literals cost at most 3 bytes each, and each but the last of a block is followed by a copy that saves at least one.
  const out = new Uint8Array(5 + input.length + Math.ceil(input.length / 2) + 8);
  let at = 0;
  let length = input.length;
  for (; length >= 0x80; length = Math.floor(length / 128)) out[at++] = 0x80 | (length & 0x7f);
  out[at++] = length;
  const writer = new BlockWriter(out, at);
  for (let from = 0; from < input.length; from += BLOCK_BYTES) {
    compressBlock(input.subarray(from, from + BLOCK_BYTES), writer);
  }
  return out.slice(0, writer.at);
}
