import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { makeChain } from "./_testing.ts";
import { blockNumber, listBlockFiles, readBlockFile } from "./block_files.ts";

Deno.test("listBlockFiles() expands directories in the order of their numbers, and takes named files as they are", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (const name of ["10.blk.gz", "9.blk", "notes.txt", "11.blk.zstd", "100.blk.zst"]) {
      await Deno.writeTextFile(`${dir}/${name}`, "");
    }
    await Deno.mkdir(`${dir}/1.blk`);
    const files = await listBlockFiles([`${dir}/notes.txt`, `${dir}//`]);
    assert.deepEqual(
      files,
      ["notes.txt", "9.blk", "10.blk.gz", "11.blk.zstd", "100.blk.zst"].map((f) => `${dir}/${f}`),
    );
    await assert.rejects(listBlockFiles([`${dir}/1.blk`]), { code: "FILE_UNREADABLE", message: /no \.blk/ });
    await assert.rejects(listBlockFiles([`${dir}/absent`]), { code: "FILE_UNREADABLE" });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("readBlockFile() unpacks a block, and says what is wrong with a damaged file", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const [block] = makeChain(1);
    const packed = gzipSync(block!);
    await Deno.writeFile(`${dir}/0.blk.gz`, packed);
    assert.deepEqual(await readBlockFile(`${dir}/0.blk.gz`), block);
    await Deno.writeFile(`${dir}/cut.blk.gz`, packed.subarray(0, packed.length >> 1));
    await assert.rejects(readBlockFile(`${dir}/cut.blk.gz`), { code: "BLOCK_MALFORMED" });
    await assert.rejects(readBlockFile(`${dir}/absent.blk`), { code: "FILE_UNREADABLE" });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("blockNumber() reads the header, or nothing where there is none", () => {
  assert.equal(blockNumber(makeChain(3)[2]!), 2n);
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0xff), Uint8Array.of(0x0a, 0x02, 0x22, 0x00)]) {
    assert.equal(blockNumber(bytes), undefined);
  }
});
