/**
 * The part of the zip format that archives of blocks need: entries STORED as they are, sizes before the data, zip64.
 *
 * Layer: protocols. Imports the layout and fault. Pure: bytes in, bytes out; who reads and writes files is elsewhere.
 * Source: spec/block-node.md §7.2; PKWARE APPNOTE 6.3.10 §4.3 and §4.5.3. Equal blocks give equal archives: entries
 * carry a fixed date.
 *
 * @module
 */

import type { Batch } from "./archive_layout.ts";
import { HieroFault } from "./fault.ts";

const LOCAL_SIGNATURE = 0x04034b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const END_SIGNATURE = 0x06054b50;
const END64_SIGNATURE = 0x06064b50;
const LOCATOR64_SIGNATURE = 0x07064b50;

/** Fixed parts of the records, in bytes. */
export const LOCAL_HEADER_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR64_BYTES = 20;
const ZIP64_OFFSET_EXTRA_BYTES = 12;

/** What {@link readZipEnd} wants to see of the end of a file: the end records, no comment. */
export const ZIP_TAIL_BYTES: number = END_BYTES + LOCATOR64_BYTES + END64_BYTES;
/** Entries of a central directory whose name and extras are short, in bytes, at most: see {@link readZipEnd}. */
const MAX_CENTRAL_ENTRY_BYTES = 1_024;

const VERSION = 20;
const VERSION_ZIP64 = 45;
/** 1980-01-01 00:00, the first date the format knows. */
const DOS_DATE = 0x0021;
const MAX_UINT16 = 0xffff;
const MAX_UINT32 = 0xffff_ffff;
const ZIP64_EXTRA_ID = 1;

/** Where one block lies in its archive. */
export interface ZipEntry {
  readonly name: string;
  /** Of the local header, in bytes from the start of the file. */
  readonly offset: number;
  /** Of the data, in bytes. */
  readonly size: number;
  /** CRC-32 of the data. */
  readonly crc32: number;
}

/** Where the central directory lies. */
export interface ZipEnd {
  readonly entries: number;
  readonly offset: number;
  readonly size: number;
}

/** Header that stands before the data of a stored entry. */
export function encodeLocalHeader({ name, size, crc32 }: Omit<ZipEntry, "offset">): Uint8Array {
  const bytes = new Uint8Array(LOCAL_HEADER_BYTES + name.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, LOCAL_SIGNATURE, true);
  view.setUint16(4, VERSION, true);
  view.setUint16(12, DOS_DATE, true);
  view.setUint32(14, crc32, true);
  view.setUint32(18, size, true);
  view.setUint32(22, size, true);
  view.setUint16(26, name.length, true);
  bytes.set(new TextEncoder().encode(name), LOCAL_HEADER_BYTES);
  return bytes;
}

/**
 * Bytes from the start of a local header to its data.
 *
 * @param header At least {@link LOCAL_HEADER_BYTES}.
 * @throws {HieroFault} `UNABLE_TO_PARSE` if it is no such header.
 */
export function localHeaderBytes(header: Uint8Array): number {
  const view = viewOf(header);
  if (header.length < LOCAL_HEADER_BYTES || view.getUint32(0, true) !== LOCAL_SIGNATURE) {
    throw damaged("no entry where the central directory says");
  }
  return LOCAL_HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
}

/** Central directory and end records of an archive whose data end at `offset`. */
export function encodeZipEnd(entries: readonly ZipEntry[], offset: number): Uint8Array {
  const names = entries.reduce((sum, { name }) => sum + name.length, 0);
  const far = entries.filter((entry) => entry.offset >= MAX_UINT32).length;
  const size = entries.length * CENTRAL_BYTES + names + far * ZIP64_OFFSET_EXTRA_BYTES;
  const zip64 = entries.length >= MAX_UINT16 || offset >= MAX_UINT32 || size >= MAX_UINT32;
  const bytes = new Uint8Array(size + (zip64 ? END64_BYTES + LOCATOR64_BYTES : 0) + END_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const entry of entries) at = putCentral(bytes, view, at, entry);
  if (zip64) {
    view.setUint32(at, END64_SIGNATURE, true);
    view.setBigUint64(at + 4, BigInt(END64_BYTES - 12), true);
    view.setUint16(at + 12, VERSION_ZIP64, true);
    view.setUint16(at + 14, VERSION_ZIP64, true);
    view.setBigUint64(at + 24, BigInt(entries.length), true);
    view.setBigUint64(at + 32, BigInt(entries.length), true);
    view.setBigUint64(at + 40, BigInt(size), true);
    view.setBigUint64(at + 48, BigInt(offset), true);
    at += END64_BYTES;
    view.setUint32(at, LOCATOR64_SIGNATURE, true);
    view.setBigUint64(at + 8, BigInt(offset + size), true);
    view.setUint32(at + 16, 1, true);
    at += LOCATOR64_BYTES;
  }
  view.setUint32(at, END_SIGNATURE, true);
  view.setUint16(at + 8, Math.min(entries.length, MAX_UINT16), true);
  view.setUint16(at + 10, Math.min(entries.length, MAX_UINT16), true);
  view.setUint32(at + 12, Math.min(size, MAX_UINT32), true);
  view.setUint32(at + 16, Math.min(offset, MAX_UINT32), true);
  return bytes;
}

function putCentral(bytes: Uint8Array, view: DataView, at: number, entry: ZipEntry): number {
  const { name, offset, size, crc32 } = entry;
  const far = offset >= MAX_UINT32;
  view.setUint32(at, CENTRAL_SIGNATURE, true);
  view.setUint16(at + 4, far ? VERSION_ZIP64 : VERSION, true);
  view.setUint16(at + 6, far ? VERSION_ZIP64 : VERSION, true);
  view.setUint16(at + 14, DOS_DATE, true);
  view.setUint32(at + 16, crc32, true);
  view.setUint32(at + 20, size, true);
  view.setUint32(at + 24, size, true);
  view.setUint16(at + 28, name.length, true);
  view.setUint16(at + 30, far ? ZIP64_OFFSET_EXTRA_BYTES : 0, true);
  view.setUint32(at + 42, Math.min(offset, MAX_UINT32), true);
  at += CENTRAL_BYTES;
  bytes.set(new TextEncoder().encode(name), at);
  at += name.length;
  if (!far) return at;
  view.setUint16(at, ZIP64_EXTRA_ID, true);
  view.setUint16(at + 2, ZIP64_OFFSET_EXTRA_BYTES - 4, true);
  view.setBigUint64(at + 4, BigInt(offset), true);
  return at + ZIP64_OFFSET_EXTRA_BYTES;
}

/**
 * Where the central directory of a file lies.
 *
 * @param tail The last {@link ZIP_TAIL_BYTES} of the file, or all of a shorter one.
 * @param fileBytes Length of the file.
 * @throws {HieroFault} `UNABLE_TO_PARSE` if the file does not end as a whole zip file without a comment does.
 */
export function readZipEnd(tail: Uint8Array, fileBytes: number): ZipEnd {
  const view = viewOf(tail);
  const at = tail.length - END_BYTES;
  if (at < 0 || view.getUint32(at, true) !== END_SIGNATURE) throw damaged("no end of central directory");
  let entries = view.getUint16(at + 10, true);
  let size = view.getUint32(at + 12, true);
  let offset = view.getUint32(at + 16, true);
  let endBytes = END_BYTES;
  if (entries === MAX_UINT16 || size === MAX_UINT32 || offset === MAX_UINT32) {
    const end64 = at - LOCATOR64_BYTES - END64_BYTES;
    if (end64 < 0 || view.getUint32(end64, true) !== END64_SIGNATURE) throw damaged("no zip64 end record");
    entries = Number(view.getBigUint64(end64 + 32, true));
    size = Number(view.getBigUint64(end64 + 40, true));
    offset = Number(view.getBigUint64(end64 + 48, true));
    endBytes += LOCATOR64_BYTES + END64_BYTES;
  }
  if (offset + size + endBytes !== fileBytes || size > entries * MAX_CENTRAL_ENTRY_BYTES) {
    throw damaged("its central directory is not where its end says");
  }
  return { entries, offset, size };
}

/** Entries of an archive by the place of their number in the batch; a compact table, 16 bytes a block. */
export class ZipTable {
  readonly batch: Batch;
  readonly #offsets: Float64Array<ArrayBuffer>;
  readonly #sizes: Uint32Array<ArrayBuffer>;
  readonly #crcs: Uint32Array<ArrayBuffer>;

  /**
   * Reads a central directory.
   *
   * @throws {HieroFault} `UNABLE_TO_PARSE` if it is damaged, compresses, or has other entries than the batch's blocks.
   */
  constructor(batch: Batch, central: Uint8Array, end: ZipEnd) {
    this.batch = batch;
    if (end.entries !== batch.count) throw damaged(`${end.entries} entries instead of ${batch.count}`);
    this.#offsets = new Float64Array(batch.count).fill(-1);
    this.#sizes = new Uint32Array(batch.count);
    this.#crcs = new Uint32Array(batch.count);
    const view = viewOf(central);
    const high = Number(batch.first / LOW_DIGITS);
    const low = Number(batch.first % LOW_DIGITS);
    let at = 0;
    for (let seen = 0; seen < batch.count; seen++) {
      if (at + CENTRAL_BYTES > central.length || view.getUint32(at, true) !== CENTRAL_SIGNATURE) {
        throw damaged("central directory cut or overwritten");
      }
      const nameBytes = view.getUint16(at + 28, true);
      const extraBytes = view.getUint16(at + 30, true);
      const next = at + CENTRAL_BYTES + nameBytes + extraBytes + view.getUint16(at + 32, true);
      if (next > central.length) throw damaged("central directory cut or overwritten");
      const index = entryPlace(central, at + CENTRAL_BYTES, nameBytes, high, low);
      if (!(index >= 0 && index < batch.count)) throw damaged("an entry that is no block of its batch");
      if (this.#offsets[index] !== -1) throw damaged(`two entries of block ${batch.first + BigInt(index)}`);
      const size = view.getUint32(at + 24, true);
      if (view.getUint16(at + 10, true) !== 0 || view.getUint32(at + 20, true) !== size) {
        throw damaged("an entry that is not stored");
      }
      let offset = view.getUint32(at + 42, true);
      if (offset === MAX_UINT32) {
        const extra = at + CENTRAL_BYTES + nameBytes;
        offset = farOffset(central.subarray(extra, extra + extraBytes));
      }
      if (offset + LOCAL_HEADER_BYTES + size > end.offset) throw damaged("an entry outside the file");
      this.#offsets[index] = offset;
      this.#sizes[index] = size;
      this.#crcs[index] = view.getUint32(at + 16, true);
      at = next;
    }
    if (at !== central.length) throw damaged("bytes after the central directory");
  }

  /** Where a block of the batch lies. */
  entry(number: bigint): Omit<ZipEntry, "name"> {
    const index = Number(number - this.batch.first);
    return {
      offset: this.#offsets[index]!,
      size: this.#sizes[index]!,
      crc32: this.#crcs[index]!,
    };
  }
}

/** Digits of a number in an entry's name, and those of them that a double adds up without loss beside the others. */
const NAME_DIGITS = 19;
const HIGH_DIGITS = 10;
const LOW_DIGITS = 1_000_000_000n;
/** What follows the digits: packed, or as the original may write them, not. */
const SUFFIXES = [".blk.zstd", ".blk"].map((suffix) => new TextEncoder().encode(suffix));

/**
 * Distance of the block that an entry names to the first of its batch; NaN if it names none. Without strings and bigints:
 * the event loop waits for a million of these.
 */
function entryPlace(bytes: Uint8Array, at: number, length: number, high: number, low: number): number {
  const suffix = SUFFIXES.find((candidate) => candidate.length === length - NAME_DIGITS);
  if (suffix === undefined) return NaN;
  for (let i = 0; i < suffix.length; i++) if (bytes[at + NAME_DIGITS + i] !== suffix[i]) return NaN;
  return (decimal(bytes, at, HIGH_DIGITS) - high) * Number(LOW_DIGITS) +
    decimal(bytes, at + HIGH_DIGITS, NAME_DIGITS - HIGH_DIGITS) - low;
}

function decimal(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const digit = bytes[i]! - 0x30;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

function farOffset(extra: Uint8Array): number {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length;) {
    const size = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === ZIP64_EXTRA_ID && size >= 8 && at + 12 <= extra.length) {
      return Number(view.getBigUint64(at + 4, true));
    }
    at += 4 + size;
  }
  throw damaged("an entry without its zip64 offset");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(reason: string): HieroFault {
  return new HieroFault("UNABLE_TO_PARSE", `Cannot read archive: ${reason}`, { check: "wire" });
}
