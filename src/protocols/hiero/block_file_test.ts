import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { detectCompression, packBlockFile, unpackBlockFile } from "./block_file.ts";
import { HieroFault } from "./fault.ts";

/** Half run-length, half noise, so that packed files have blocks of several kinds. */
const PLAIN = Uint8Array.from({ length: 10_000 }, (_, i) => i < 5_000 ? 0x0a : (i * i * 31) >> 3);
const PACKED = { gzip: new Uint8Array(gzipSync(PLAIN)), zstd: new Uint8Array(zstdCompressSync(PLAIN)) };

Deno.test("unpackBlockFile() undoes gzip and zstd and leaves plain blocks as they are", () => {
  assert.equal(unpackBlockFile(PLAIN), PLAIN);
  for (const [name, bytes] of Object.entries(PACKED)) {
    assert.equal(detectCompression(bytes), name);
    assert.deepEqual(unpackBlockFile(bytes), PLAIN);
  }
  assert.equal(detectCompression(new Uint8Array(0)), "none");
});

Deno.test("unpackBlockFile() refuses damaged files and files that unpack to too much", () => {
  for (const bytes of Object.values(PACKED)) {
    const isFault = (error: unknown) => error instanceof HieroFault && error.type === "UNABLE_TO_PARSE";
    for (let length = 5; length < bytes.length; length++) {
      assert.throws(() => unpackBlockFile(bytes.subarray(0, length)), isFault, `${length} bytes`);
    }
    assert.throws(() => unpackBlockFile(Uint8Array.from([...bytes, 1, 2, 3])), isFault);
    assert.throws(() => unpackBlockFile(bytes, 9_999), isFault);
  }
});

Deno.test("packBlockFile() makes one frame of blocks of every size, also of those that do not get smaller", () => {
  const noise = new Uint8Array(400_000);
  for (let at = 0; at < noise.length; at += 50_000) crypto.getRandomValues(noise.subarray(at, at + 50_000));
  for (const source of [noise, new Uint8Array(400_000)]) {
    for (const length of [0, 1, 1_000, 16_370, 16_384, 20_000, 131_071, 131_072, 131_073, 400_000]) {
      const block = source.subarray(0, length);
      const packed = packBlockFile(block);
      assert.equal(detectCompression(packed), "zstd");
      assert.deepEqual(unpackBlockFile(packed), block);
    }
  }
});
