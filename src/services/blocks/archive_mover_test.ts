import assert from "node:assert/strict";
import { archivePath, batchOf } from "../../protocols/hiero/archive_layout.ts";
import { ArchiveMover } from "./archive_mover.ts";
import { makeChain } from "./_testing.ts";
import { asStored, openTiers } from "./_tiers_testing.ts";

Deno.test("ArchiveMover archives only whole aligned batches and, by default, leaves the hot tier alone", async () => {
  await using tiers = await openTiers(25);
  await using mover = tiers.mover();
  await mover.idle();
  assert.deepEqual(tiers.archive.batches.map(({ first, last }) => [first, last]), [[0n, 9n], [10n, 19n]]);
  assert.deepEqual(tiers.store.hot, [{ first: 0n, last: 24n }]);
  // Archives are not written again.
  const { mtime } = await Deno.stat(`${tiers.root}/${archivePath(batchOf(0n, 1))}`);
  mover.notify();
  await mover.idle();
  assert.deepEqual((await Deno.stat(`${tiers.root}/${archivePath(batchOf(0n, 1))}`)).mtime, mtime);
  // The batch that blocks complete is archived then.
  await tiers.store.append(asStored(makeChain(30).slice(25), 25n));
  mover.notify();
  await mover.idle();
  assert.equal(tiers.archive.batches.length, 3);
});

Deno.test("ArchiveMover keeps at least the configured blocks hot, and readers see no difference", async () => {
  await using tiers = await openTiers(45);
  const { store, chain } = tiers;
  await using mover = tiers.mover({ hotBlocks: 12 });
  const reading = (async () => {
    for (let number = 0; number < 45; number++) {
      assert.deepEqual(await store.block(BigInt(number)), chain[number]);
    }
  })();
  await Promise.all([mover.idle(), reading]);
  for (const seen of [store, (await tiers.reopen()).store]) {
    assert.deepEqual(seen.hot, [{ first: 30n, last: 44n }]);
    assert.deepEqual([seen.first, seen.last], [0n, 44n]);
    assert.deepEqual(seen.ranges(), [{ first: 0n, last: 44n }]);
    for (let number = 0; number < 45; number++) {
      assert.deepEqual(await seen.block(BigInt(number)), chain[number]);
    }
    assert.equal(await seen.hotBlock(29n), undefined);
    assert.equal(await seen.record(29n), undefined);
    assert.equal(await seen.block(45n), undefined);
  }
  await store.append(asStored(makeChain(46).slice(45), 45n));
  assert.deepEqual(store.ranges(), [{ first: 0n, last: 45n }]);
});

Deno.test("ArchiveMover never removes blocks whose archive cannot be read back, and archives them anew", async () => {
  await using tiers = await openTiers(25);
  await tiers.mover()[Symbol.asyncDispose]();
  await using first = tiers.mover();
  await first.idle();
  await first[Symbol.asyncDispose]();
  const path = `${tiers.root}/${archivePath(batchOf(0n, 1))}`;
  const bytes = await Deno.readFile(path);
  bytes[500]! ^= 1;
  await Deno.writeFile(path, bytes);
  // No second try: what one job did can be looked at.
  await using mover = tiers.mover({ hotBlocks: 1, retryMs: 600_000 });
  await mover.idle();
  assert.match(mover.failure ?? "", /CRC-32/);
  assert.deepEqual(tiers.store.hot, [{ first: 0n, last: 24n }]);
  await mover[Symbol.asyncDispose]();
  await using second = tiers.mover({ hotBlocks: 1 });
  await second.idle();
  assert.equal(second.failure, undefined);
  assert.deepEqual(tiers.store.hot, [{ first: 20n, last: 24n }]);
  assert.deepEqual(await tiers.store.block(0n), tiers.chain[0]);
  await Deno.stat(`${tiers.root}/corrupted/0000000000000000000.zip`);
});

Deno.test("ArchiveMover goes on with a removal that failed or was cut off in the middle", async () => {
  await using tiers = await openTiers(25);
  tiers.engine.beforeWrite = () => {
    throw new Error("no space");
  };
  await using mover = tiers.mover({ hotBlocks: 1, retryMs: 600_000 });
  await mover.idle();
  assert.match(mover.failure ?? "", /no space/);
  assert.deepEqual(tiers.store.hot, [{ first: 0n, last: 24n }]);
  assert.deepEqual(await tiers.store.block(0n), tiers.chain[0]);
  await mover[Symbol.asyncDispose]();
  // What a kill leaves: an archived batch of which the lower half is gone from the store.
  tiers.engine.beforeWrite = () => {};
  await tiers.store.removeHot({ ...batchOf(0n, 1), last: 4n, path: "", bytes: 0 });
  const { store } = await tiers.reopen();
  assert.deepEqual(store.hot, [{ first: 5n, last: 24n }]);
  assert.deepEqual(store.ranges(), [{ first: 0n, last: 24n }]);
  await using second = tiers.mover({ hotBlocks: 1 });
  await second.idle();
  assert.deepEqual((await tiers.reopen()).store.hot, [{ first: 20n, last: 24n }]);
});

Deno.test("ArchiveMover keeps the last block hot whatever the retention", async () => {
  await using tiers = await openTiers(20);
  await using mover = tiers.mover({ hotBlocks: 1 });
  await mover.idle();
  assert.deepEqual(tiers.store.hot, [{ first: 10n, last: 19n }]);
  assert.equal((await tiers.reopen()).store.last, 19n);
});

Deno.test("ArchiveMover removes the oldest archives beyond their number and does not bring them back", async () => {
  await using tiers = await openTiers(55);
  await using mover = tiers.mover({ archives: 2, hotBlocks: 15 });
  await mover.idle();
  assert.deepEqual(tiers.archive.batches.map(({ first }) => first), [30n, 40n]);
  assert.equal(tiers.store.first, 0n);
  mover.notify();
  await mover.idle();
  assert.equal(tiers.archive.batches.length, 2);
});

Deno.test("ArchiveMover tries a failed archive removal again", async () => {
  await using tiers = await openTiers(35);
  await using filling = tiers.mover();
  await filling.idle();
  // What cannot be removed: a directory that is not empty.
  const path = `${tiers.root}/${tiers.archive.batches[0]!.path}`;
  await Deno.remove(path);
  await Deno.mkdir(path);
  await Deno.writeTextFile(`${path}/x`, "");
  await using mover = tiers.mover({ archives: 2, retryMs: 600_000 });
  await mover.idle();
  assert.match(mover.failure ?? "", /Cannot remove archive/);
  assert.equal(tiers.archive.batches.length, 3);
  await Deno.remove(`${path}/x`);
  await using second = tiers.mover({ archives: 2 });
  await second.idle();
  assert.deepEqual(tiers.archive.batches.map(({ first }) => first), [10n, 20n]);
});

Deno.test("ArchiveMover gives a batch up when it is stopped, and leaves nothing of it", async () => {
  await using tiers = await openTiers(25);
  // A rate that a batch of ten blocks needs minutes for.
  await using mover = tiers.mover({ maxBytesPerSecond: 100 });
  await mover[Symbol.asyncDispose]();
  assert.deepEqual(tiers.archive.batches, []);
  const left = await Array.fromAsync(Deno.readDir(`${tiers.root}/zipwork`)).catch(() => []);
  assert.deepEqual(left, []);
});

Deno.test("BlockStore.ranges() names the hole of a lost archive, and block() has nothing there", async () => {
  await using tiers = await openTiers(45);
  await using mover = tiers.mover({ hotBlocks: 5 });
  await mover.idle();
  await mover[Symbol.asyncDispose]();
  await Deno.remove(`${tiers.root}/${archivePath(batchOf(10n, 1))}`);
  const { store } = await tiers.reopen();
  assert.deepEqual(store.ranges(), [{ first: 0n, last: 9n }, { first: 20n, last: 44n }]);
  assert.equal(await store.block(12n), undefined);
  assert.deepEqual(await store.block(3n), tiers.chain[3]);
});

Deno.test("BlockStore.fillBelow() fills the hole of a lost archive from above, also over a restart, and it is archived anew", async () => {
  await using tiers = await openTiers(45);
  await using mover = tiers.mover({ hotBlocks: 5 });
  await mover.idle();
  await mover[Symbol.asyncDispose]();
  for (const first of [10n, 20n]) await Deno.remove(`${tiers.root}/${archivePath(batchOf(first, 1))}`);
  const stored = asStored(tiers.chain);
  const before = (await tiers.reopen()).store;
  assert.deepEqual(before.holes(), [{ first: 10n, last: 29n }]);
  for (const wrong of [stored.slice(9, 30), stored.slice(10, 29), stored.slice(28, 31)]) {
    await assert.rejects(before.fillBelow(wrong), { code: "INTERNAL" });
  }
  await before.fillBelow(stored.slice(25, 30));
  assert.deepEqual(before.holes(), [{ first: 10n, last: 24n }]);
  const { store, archive } = await tiers.reopen();
  assert.deepEqual(store.holes(), [{ first: 10n, last: 24n }]);
  await store.fillBelow(stored.slice(10, 25));
  assert.deepEqual(store.ranges(), [{ first: 0n, last: 44n }]);
  assert.deepEqual(store.chainState, stored[44]!.chainState);
  const again = new ArchiveMover({
    powersOfTenPerZipFileContents: 1,
    hotBlocks: 5,
    archives: 0,
    maxBytesPerSecond: 0,
  }, { ...tiers, store, archive });
  await again.idle();
  await again[Symbol.asyncDispose]();
  assert.deepEqual(store.hot, [{ first: 40n, last: 44n }]);
  const { store: last } = await tiers.reopen();
  for (const [i, block] of tiers.chain.entries()) assert.deepEqual(await last.block(BigInt(i)), block);
});
