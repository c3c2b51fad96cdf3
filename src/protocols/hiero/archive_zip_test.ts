import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { batchOf, entryName } from "./archive_layout.ts";
import {
  encodeLocalHeader,
  encodeZipEnd,
  localHeaderBytes,
  readZipEnd,
  ZIP_TAIL_BYTES,
  type ZipEntry,
  ZipTable,
} from "./archive_zip.ts";
import { HieroFault } from "./fault.ts";

const FAR = 2 ** 32;

/** An archive of ten entries, each its number ten times over; `gap` bytes before the sixth are only thought of. */
function makeEntries(gap = 0): { entries: ZipEntry[]; data: Uint8Array; dataEnd: number } {
  const parts: number[] = [];
  const entries: ZipEntry[] = [];
  for (let i = 0; i < 10; i++) {
    const content = new Uint8Array(10).fill(i);
    const entry = { name: entryName(10n + BigInt(i)), size: content.length, crc32: crc32(content) };
    entries.push({ ...entry, offset: parts.length + (i > 5 ? gap : 0) });
    parts.push(...encodeLocalHeader(entry), ...content);
  }
  return { entries, data: Uint8Array.from(parts), dataEnd: parts.length + gap };
}

const BATCH = batchOf(10n, 1);
const isFault = (error: unknown) => error instanceof HieroFault && error.type === "UNABLE_TO_PARSE";

function tableOf(end: Uint8Array, dataEnd: number): ZipTable {
  const found = readZipEnd(end.subarray(Math.max(0, end.length - ZIP_TAIL_BYTES)), dataEnd + end.length);
  assert.equal(found.offset, dataEnd);
  return new ZipTable(BATCH, end.subarray(0, found.size), found);
}

Deno.test("ZipTable finds every entry that encodeZipEnd() lists, beyond 4 GiB too", () => {
  for (const gap of [0, FAR]) {
    const { entries, dataEnd } = makeEntries(gap);
    const table = tableOf(encodeZipEnd(entries, dataEnd), dataEnd);
    for (const [i, { name: _name, ...place }] of entries.entries()) {
      assert.deepEqual(table.entry(10n + BigInt(i)), place);
    }
  }
});

Deno.test("ZipTable takes blocks that are not packed, and numbers up to 2^63 - 1", () => {
  const batch = batchOf(2n ** 63n - 8n, 1);
  const entries = Array.from({ length: 10 }, (_, i) => ({
    name: entryName(batch.first + BigInt(i)).replace(".zstd", i % 2 === 0 ? "" : ".zstd"),
    offset: i * 100,
    size: 1,
    crc32: i,
  }));
  const end = encodeZipEnd(entries, 2_000);
  const found = readZipEnd(end.subarray(-ZIP_TAIL_BYTES), 2_000 + end.length);
  const table = new ZipTable(batch, end.subarray(0, found.size), found);
  assert.deepEqual(table.entry(batch.last), { offset: 900, size: 1, crc32: 9 });
});

Deno.test("encodeZipEnd() writes zip64 records for 65,535 entries and more", () => {
  const entries = Array.from({ length: 100_000 }, (_, i) => ({
    name: entryName(BigInt(i)),
    offset: i * 100,
    size: 1,
    crc32: i,
  }));
  const end = encodeZipEnd(entries, 10_000_000);
  const found = readZipEnd(end.subarray(-ZIP_TAIL_BYTES), 10_000_000 + end.length);
  assert.equal(found.entries, 100_000);
  const table = new ZipTable(batchOf(0n, 5), end.subarray(0, found.size), found);
  assert.deepEqual(table.entry(99_999n), { offset: 9_999_900, size: 1, crc32: 99_999 });
});

Deno.test("localHeaderBytes() is where the data begin, and refuses what is no header", () => {
  const header = encodeLocalHeader({ name: entryName(1n), size: 3, crc32: 4 });
  assert.equal(localHeaderBytes(header), header.length);
  const bad = header.slice();
  bad[0] = 0;
  assert.throws(() => localHeaderBytes(bad), isFault);
  assert.throws(() => localHeaderBytes(header.subarray(0, 20)), isFault);
});

Deno.test("readZipEnd() and ZipTable refuse an archive cut anywhere, and one with bytes after it", () => {
  const { entries, dataEnd } = makeEntries();
  const end = encodeZipEnd(entries, dataEnd);
  for (let length = 0; length < end.length; length++) {
    assert.throws(() => tableOf(end.subarray(0, length), dataEnd), isFault, `${length} bytes`);
  }
  assert.throws(() => tableOf(Uint8Array.from([...end, 0]), dataEnd), isFault);
});

Deno.test("ZipTable refuses entries of another batch, doubled, missing, packed, or outside the file", () => {
  const { entries, dataEnd } = makeEntries();
  const change = (index: number, part: Partial<ZipEntry>) =>
    entries.map((entry, i) => i === index ? { ...entry, ...part } : entry);
  const cases = {
    "another batch": change(3, { name: entryName(30n) }),
    "a letter": change(3, { name: "000000000000000001x.blk.zstd" }),
    "another suffix": change(3, { name: "0000000000000000013.blk.gz" }),
    "no block": change(3, { name: "0000000000000000013.txt     " }),
    doubled: change(3, { name: entryName(12n) }),
    missing: entries.slice(1),
    outside: change(3, { offset: dataEnd - 5 }),
  };
  for (const [what, listed] of Object.entries(cases)) {
    assert.throws(() => tableOf(encodeZipEnd(listed, dataEnd), dataEnd), isFault, what);
  }
  const deflated = encodeZipEnd(entries, dataEnd);
  deflated[10] = 8;
  assert.throws(() => tableOf(deflated, dataEnd), isFault);
});

for (
  const [program, args] of [
    ["unzip", ["-tqq"]],
    ["python3", [
      "-c",
      "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); sys.exit(z.testzip() is not None)",
    ]],
  ] as const
) {
  Deno.test({
    name: `encodeZipEnd() makes archives that ${program} reads (needs ${program})`,
    ignore: !await runs(program, ["--help"]),
    async fn() {
      const { entries, data, dataEnd } = makeEntries();
      const path = await Deno.makeTempFile({ suffix: ".zip" });
      try {
        await Deno.writeFile(path, Uint8Array.from([...data, ...encodeZipEnd(entries, dataEnd)]));
        assert.ok(await runs(program, [...args, path]));
      } finally {
        await Deno.remove(path);
      }
    },
  });
}

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch {
    return false;
  }
}
