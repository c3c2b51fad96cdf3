/**
 * One archive file: written from front to back, read block by block.
 *
 * Layer: services. The format is protocols/hiero/archive_zip.ts. Nothing here is shared between callers: a file that is
 * open belongs to one of them.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { type Batch, entryName } from "../../protocols/hiero/archive_layout.ts";
import {
  encodeLocalHeader,
  encodeZipEnd,
  LOCAL_HEADER_BYTES,
  localHeaderBytes,
  readZipEnd,
  ZIP_TAIL_BYTES,
  type ZipEnd,
  type ZipEntry,
  ZipTable,
} from "../../protocols/hiero/archive_zip.ts";
import { packBlockFile, unpackBlockFile } from "../../protocols/hiero/block_file.ts";
import { HieroFault } from "../../protocols/hiero/fault.ts";
import { blockNumber } from "./block_files.ts";

/** Bytes gathered before they go to the file. */
const BUFFER_BYTES = 1_048_576;
/** Bytes read ahead of a central directory's first entry: its fixed part and a name. */
const FIRST_ENTRY_BYTES = 128;

/** Writes an archive, block after block. Synchronous: for a Worker. */
export class ArchiveFileWriter implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #entries: ZipEntry[] = [];
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #offset = 0;
  #closed = false;

  /** Creates the file, or empties it. */
  constructor(path: string) {
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true, mode: 0o600 });
  }

  /** Adds a serialized Block; `block` is not kept. */
  add(number: bigint, block: Uint8Array): void {
    const packed = packBlockFile(block);
    const entry = { name: entryName(number), size: packed.length, crc32: crc32(packed) };
    this.#entries.push({ ...entry, offset: this.#offset });
    this.#append(encodeLocalHeader(entry));
    this.#append(packed);
  }

  /** Ends the archive, syncs it and closes the file. @returns Its length in bytes. */
  finish(): number {
    this.#append(encodeZipEnd(this.#entries, this.#offset));
    this.#flush();
    this.#file.syncSync();
    this[Symbol.dispose]();
    return this.#offset;
  }

  /** Closes the file as it is. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }

  #append(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#offset += bytes.length;
    if (this.#waitingBytes >= BUFFER_BYTES) this.#flush();
  }

  #flush(): void {
    const all = new Uint8Array(this.#waitingBytes);
    let at = 0;
    for (const bytes of this.#waiting) {
      all.set(bytes, at);
      at += bytes.length;
    }
    for (at = 0; at < all.length;) at += this.#file.writeSync(all.subarray(at));
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

/** An archive open for reading. One call at a time: the file has one position. */
export class ArchiveFile implements Disposable {
  readonly table: ZipTable;
  /** Length of the file. */
  readonly bytes: number;
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile, bytes: number, table: ZipTable) {
    this.#file = file;
    this.bytes = bytes;
    this.table = table;
  }

  /**
   * Opens an archive and reads its central directory, unless the caller kept it.
   *
   * @throws {HieroFault} `UNABLE_TO_PARSE` if it is damaged or not of this batch; an error of the system.
   */
  static async open(path: string, batch: Batch, kept?: ZipTable): Promise<ArchiveFile> {
    const file = await Deno.open(path, { read: true });
    try {
      const { size: bytes } = await file.stat();
      if (kept !== undefined) return new ArchiveFile(file, bytes, kept);
      const end = await readEnd(file, bytes);
      const table = new ZipTable(batch, await readAt(file, end.offset, end.size), end);
      return new ArchiveFile(file, bytes, table);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * The serialized Block with this number, checked against its CRC and its own header.
   *
   * @throws {HieroFault} `UNABLE_TO_PARSE` if its bytes are damaged; an error of the system.
   */
  async block(number: bigint): Promise<Uint8Array> {
    const { offset, size, crc32: expected } = this.table.entry(number);
    // A name and extras follow the header; their lengths stand in it.
    const header = await readAt(this.#file, offset, LOCAL_HEADER_BYTES);
    const packed = await readAt(this.#file, offset + localHeaderBytes(header), size);
    if (crc32(packed) !== expected) throw damaged(number, "its CRC-32 is wrong");
    const block = unpackBlockFile(packed);
    const found = blockNumber(block);
    if (found !== number) {
      throw damaged(number, `it holds ${found === undefined ? "no block" : `block ${found}`}`);
    }
    return block;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/**
 * Looks at the end of an archive and at the first entry of its central directory, without reading the rest.
 *
 * @returns Length of the file.
 * @throws {HieroFault} `UNABLE_TO_PARSE` if the file is cut or is not the archive of this batch.
 */
export async function glanceAtArchive(path: string, batch: Batch): Promise<number> {
  using file = await Deno.open(path, { read: true });
  const { size: bytes } = await file.stat();
  const end = await readEnd(file, bytes);
  if (end.entries !== batch.count) {
    throw new HieroFault(
      "UNABLE_TO_PARSE",
      `Cannot read archive: ${end.entries} entries instead of ${batch.count}`,
      { check: "wire" },
    );
  }
  const first = await readAt(file, end.offset, Math.min(FIRST_ENTRY_BYTES, end.size));
  const text = new TextDecoder("latin1").decode(first);
  // The original may write entries in another order and unpacked; which block it is does not matter here.
  const digits = /(\d{19})\.blk/.exec(text)?.[1];
  if (digits === undefined || BigInt(digits) < batch.first || BigInt(digits) > batch.last) {
    throw new HieroFault("UNABLE_TO_PARSE", "Cannot read archive: it holds blocks of another batch", {
      check: "wire",
    });
  }
  return bytes;
}

async function readEnd(file: Deno.FsFile, bytes: number): Promise<ZipEnd> {
  const tailBytes = Math.min(bytes, ZIP_TAIL_BYTES);
  return readZipEnd(await readAt(file, bytes - tailBytes, tailBytes), bytes);
}

async function readAt(file: Deno.FsFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await file.seek(offset, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const read = await file.read(bytes.subarray(at));
    if (read === null) {
      throw new HieroFault("UNABLE_TO_PARSE", "Cannot read archive: it is cut", { check: "wire" });
    }
    at += read;
  }
  return bytes;
}

function damaged(number: bigint, reason: string): HieroFault {
  return new HieroFault("UNABLE_TO_PARSE", `Cannot read block ${number} of archive: ${reason}`, {
    check: "wire",
  });
}
