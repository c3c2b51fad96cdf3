/**
 * Block files as they lie on disks and in archives: plain, gzip or zstd, told apart by their first bytes.
 *
 * Layer: protocols. Imports fault and node:zlib (pure functions of their input; no handle, no state).
 * Source: spec/block-node.md §7 and §11; RFC 1952, RFC 8878.
 *
 * @module
 */

import { constants, gunzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { HieroFault } from "./fault.ts";

/** How a block file is packed. */
export type Compression = "none" | "gzip" | "zstd";

/** 1 GiB: eight times the largest message a publisher may send; keeps a small file from filling the memory. */
export const MAX_BLOCK_FILE_BYTES = 1_073_741_824;

/** Tells the packing by magic bytes. A plain block starts with 0x0a (field 1), so they cannot be confused. */
export function detectCompression(bytes: Uint8Array): Compression {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gzip";
  if (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd) return "zstd";
  return "none";
}

/**
 * Serialized Block of a block file, whatever its packing.
 *
 * @param maxBytes Most bytes it may unpack to. @default {MAX_BLOCK_FILE_BYTES}
 * @returns `bytes` itself if they are not packed.
 * @throws {HieroFault} `UNABLE_TO_PARSE` if the packing is damaged or unpacks to too much.
 */
export function unpackBlockFile(bytes: Uint8Array, maxBytes: number = MAX_BLOCK_FILE_BYTES): Uint8Array {
  const compression = detectCompression(bytes);
  if (compression === "none") return bytes;
  try {
    // The runtime's zstd stops in silence at the end of the first frame and at the end of a cut file.
    if (compression === "zstd") requireOneZstdFrame(bytes);
    const unpack = compression === "gzip" ? gunzipSync : zstdDecompressSync;
    const plain = unpack(bytes, { maxOutputLength: maxBytes });
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new HieroFault("UNABLE_TO_PARSE", `Cannot unpack ${compression} block file: ${reason}`, {
      check: "wire",
      compression,
    });
  }
}

/** Level of the original's files (spec §7.1). */
const ZSTD_LEVEL = 1;

/**
 * Packs a serialized Block as one zstd frame.
 *
 * @throws {Error} If the runtime does not make one frame of it.
 */
export function packBlockFile(block: Uint8Array): Uint8Array {
  // Where the output does not fit its buffer, the runtime's zstd appends a second, empty frame. So the buffer has room
  // for the worst case, which is that nothing gets smaller (ZSTD_COMPRESSBOUND in zstd.h).
  const chunkSize = block.length + (block.length >> 8) + 1_024;
  const packed = zstdCompressSync(block, {
    chunkSize,
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
  });
  requireOneZstdFrame(packed);
  return packed;
}

/** Field sizes by the two-bit flags of a zstd frame header (RFC 8878 §3.1.1.1). */
const ZSTD_DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const ZSTD_CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/** Walks the block headers of a zstd frame and throws unless the frame ends where the file does. */
function requireOneZstdFrame(bytes: Uint8Array): void {
  const descriptor = bytes[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const contentSizeBytes = sizeFlag === 0 && single ? 1 : ZSTD_CONTENT_SIZE_BYTES[sizeFlag]!;
  let at = 5 + (single ? 0 : 1) + ZSTD_DICTIONARY_ID_BYTES[descriptor & 3]! + contentSizeBytes;
  for (let last = false; !last;) {
    if (at + 3 > bytes.length) throw new Error("unexpected end of file");
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    last = (header & 1) === 1;
    const isRunLength = ((header >> 1) & 3) === 1;
    at += 3 + (isRunLength ? 1 : header >> 3);
  }
  if ((descriptor & 4) !== 0) at += 4;
  if (at > bytes.length) throw new Error("unexpected end of file");
  if (at < bytes.length) throw new Error(`${bytes.length - at} bytes after the frame`);
}
