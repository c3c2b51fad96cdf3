import assert from "node:assert/strict";
import { archivePath, batchOf } from "../../protocols/hiero/archive_layout.ts";
import { openTiers, type TiersFixture } from "./_tiers_testing.ts";

const FIRST = batchOf(0n, 1);
const SECOND = batchOf(10n, 1);

async function fill({ archive, store, chain }: TiersFixture): Promise<void> {
  for (let number = 0n; number + 9n <= store.last!; number += 10n) {
    await archive.put(batchOf(number, 1), (wanted) => Promise.resolve(chain[Number(wanted)]!.slice()));
  }
}

async function listFiles(root: string, below = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${root}/${below}`)) {
    if (isDirectory) found.push(...await listFiles(root, `${below}${name}/`));
    else found.push(below + name);
  }
  return found.sort();
}

Deno.test("DirectoryArchive.put() writes one zip with the original's name, and read() gives back every block", async () => {
  await using tiers = await openTiers(25);
  await fill(tiers);
  assert.deepEqual(await listFiles(tiers.root), [
    "000/000/000/000/000/00/00.zip",
    "000/000/000/000/000/00/10.zip",
  ]);
  for (const { archive } of [tiers, await tiers.reopen()]) {
    assert.deepEqual(archive.batches.map(({ first, last }) => [first, last]), [[0n, 9n], [10n, 19n]]);
    for (let number = 0; number < 20; number++) {
      assert.deepEqual(await archive.read(BigInt(number)), tiers.chain[number], `block ${number}`);
    }
    assert.equal(await archive.read(20n), undefined);
    await archive.verify(archive.batches[0]!);
  }
});

Deno.test("DirectoryArchive.put() leaves nothing behind when the blocks or the disk fail", async () => {
  await using tiers = await openTiers(25);
  const { archive, root, chain } = tiers;
  await assert.rejects(
    archive.put(FIRST, (number) => {
      if (number === 7n) return Promise.reject(new Error("gone"));
      return Promise.resolve(chain[Number(number)]!.slice());
    }),
    /gone/,
  );
  assert.deepEqual([await listFiles(root), archive.batches.length], [[], 0]);
  // A file where a directory has to be.
  await Deno.writeTextFile(`${root}/000`, "");
  await assert.rejects(
    archive.put(FIRST, (number) => Promise.resolve(chain[Number(number)]!.slice())),
    { code: "STORE_WRITE_FAILED" },
  );
  assert.deepEqual([await listFiles(root), archive.batches.length], [["000"], 0]);
  await Deno.remove(`${root}/000`);
  await fill(tiers);
  assert.equal(archive.batches.length, 2);
});

Deno.test("DirectoryArchive.open() removes what a killed process left and ignores what is no archive", async () => {
  await using tiers = await openTiers(25);
  await fill(tiers);
  await Deno.writeTextFile(`${tiers.root}/zipwork/0000000000000000020.zip`, "half");
  await Deno.writeTextFile(`${tiers.root}/notes.txt`, "");
  const { archive } = await tiers.reopen();
  assert.deepEqual([archive.batches.length, archive.damaged], [2, []]);
  assert.deepEqual(await listFiles(tiers.root), [
    "000/000/000/000/000/00/00.zip",
    "000/000/000/000/000/00/10.zip",
    "notes.txt",
  ]);
});

Deno.test("DirectoryArchive.open() names truncated, renamed, empty and foreign archives, skips them and goes on", async () => {
  const path = archivePath(SECOND);
  const damages: Record<string, (file: string, root: string) => Promise<void>> = {
    truncated: async (file) => Deno.truncate(file, (await Deno.stat(file)).size - 30),
    empty: (file) => Deno.truncate(file, 0),
    "a copy of another batch": (file, root) => Deno.copyFile(`${root}/${archivePath(FIRST)}`, file),
    "something else": (file) => Deno.writeTextFile(file, "no zip at all, but of some length"),
  };
  for (const [what, damage] of Object.entries(damages)) {
    await using tiers = await openTiers(25);
    await fill(tiers);
    await damage(`${tiers.root}/${path}`, tiers.root);
    const { archive } = await tiers.reopen();
    assert.deepEqual(archive.batches.map(({ first }) => first), [0n], what);
    assert.deepEqual(archive.damaged.map((damaged) => damaged.path), [path], what);
    assert.ok(
      tiers.log.lines.some(({ level, fields }) => level === "error" && fields["path"] === path),
      what,
    );
    assert.deepEqual(await archive.read(3n), tiers.chain[3]);
    // The batch is archived anew; what stood there is kept aside.
    await archive.put(SECOND, (number) => Promise.resolve(tiers.chain[Number(number)]!.slice()));
    assert.deepEqual(archive.damaged, []);
    assert.deepEqual(await archive.read(13n), tiers.chain[13]);
    assert.ok((await listFiles(tiers.root)).includes("corrupted/0000000000000000010.zip"), what);
  }
});

Deno.test("DirectoryArchive.open() takes the longer of two archives that overlap, and none above the last block", async () => {
  await using tiers = await openTiers(100);
  const { archive, chain, root } = tiers;
  await fill(tiers);
  const hundred = batchOf(0n, 2);
  await archive.put(hundred, (number) => Promise.resolve(chain[Number(number)]!.slice()));
  const { archive: again } = await tiers.reopen();
  assert.deepEqual(again.batches.map(({ count }) => count), [100]);
  assert.equal(again.damaged.length, 10);
  assert.deepEqual(await again.read(55n), chain[55]);
  const above = archivePath(batchOf(100n, 2));
  await Deno.copyFile(`${root}/${archivePath(hundred)}`, `${root}/${above}`);
  const { archive: third } = await tiers.reopen();
  assert.ok(third.damaged.some(({ path }) => path === above));
});

Deno.test("DirectoryArchive.read() refuses a block with a flipped bit and reads the others; verify() gives the archive up", async () => {
  await using tiers = await openTiers(25);
  await fill(tiers);
  const path = `${tiers.root}/${archivePath(FIRST)}`;
  const bytes = await Deno.readFile(path);
  bytes[200]! ^= 1;
  await Deno.writeFile(path, bytes);
  const { archive } = await tiers.reopen();
  assert.deepEqual(archive.damaged, []);
  await assert.rejects(archive.read(0n), { code: "STORE_READ_FAILED" });
  assert.deepEqual(await archive.read(1n), tiers.chain[1]);
  assert.equal(archive.damaged.length, 1);
  await assert.rejects(archive.verify(archive.batches[0]!), { code: "STORE_READ_FAILED" });
  assert.equal(await archive.read(1n), undefined);
});

Deno.test("DirectoryArchive.remove() removes an archive for good", async () => {
  await using tiers = await openTiers(25);
  await fill(tiers);
  const { archive } = tiers;
  await archive.remove(archive.batches[0]!);
  assert.equal(await archive.read(0n), undefined);
  assert.deepEqual(await listFiles(tiers.root), ["000/000/000/000/000/00/10.zip"]);
});
