// Rows of the block node's scenarios (spec §10.3, §10.4) that need no signature check, through pipeline and tiers.

import assert from "node:assert/strict";
import { block, footer, header, item, tssProof } from "../../protocols/hiero/_blocks.ts";
import { itemRanges } from "../../protocols/hiero/items.ts";
import { encodeItemsRequest } from "../../protocols/hiero/publish_messages.ts";
import { makeChain, openPipeline, withBrokenLink } from "./_testing.ts";
import { asStored, openTiers } from "./_tiers_testing.ts";
import { blockKey, BLOCKS_FAMILY, BlockStore } from "./store.ts";

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve));
}

/** The answers to a stream that sends these bytes as block 0 of an empty node. */
async function answersTo(bytes: Uint8Array): Promise<readonly string[]> {
  await using fixture = await openPipeline();
  const call = fixture.connect();
  call.block(0n, bytes);
  await until(() => call.answers.length > 0);
  return [...call.answers];
}

Deno.test("Scenario V2: a tampered item is BAD_BLOCK_PROOF as soon as something names the root, and nothing is stored", async () => {
  await using fixture = await openPipeline();
  const [first, second] = makeChain(2);
  const call = fixture.connect();
  const { start, end } = [...itemRanges(first!)][2]!;
  const tampered = first!.with(end - 1, first![end - 1]! ^ 1);
  assert.ok(end - start > 50);
  call.block(0n, tampered);
  await until(() => fixture.persisted.length === 1);
  call.block(1n, second!);
  await until(() => call.answers.includes("end-stream BAD_BLOCK_PROOF"));
  assert.deepEqual(fixture.persisted, [0n]);
});

Deno.test("Scenario V3: blocks that are completed out of order are acknowledged in order", async () => {
  await using fixture = await openPipeline();
  const [first, second, third] = makeChain(3);
  const [early, late] = [fixture.connect(), fixture.connect()];
  const split = splitAt(first!, 3);
  late.message(split[0]);
  early.block(1n, second!);
  early.block(2n, third!);
  assert.deepEqual(fixture.persisted, []);
  late.message(split[1]);
  late.message(Uint8Array.of(0x1a, 0));
  await until(() => fixture.persisted.length === 3);
  assert.deepEqual(fixture.persisted, [0n, 1n, 2n]);
  for (const { answers } of [early, late]) assert.equal(answers.at(-1), "acknowledgement 2");
});

Deno.test("Scenario V5: a future item is taken by its category, and refused where nobody can know how to hash it", async () => {
  const withItem = (field: number) => block(header(), item(field), footer(), tssProof());
  // 20 and 39 are read and not hashed, 23 is a consensus header, 35 the last extension.
  for (const field of [20, 39, 23, 35]) {
    assert.deepEqual(await answersTo(withItem(field)), ["acknowledgement 0"]);
  }
  for (const field of [21, 22, 36, 38, 13]) {
    assert.deepEqual(await answersTo(withItem(field)), ["end-stream BAD_BLOCK_PROOF"], `field ${field}`);
  }
  await using fixture = await openPipeline();
  // 13 is reserved, so it is none of the future.
  for (const items of [[item(21)], [item(13)], [item(20), item(23), item(35)]]) {
    const call = fixture.connect();
    call.block(0n, block(header(), ...items, footer(), tssProof()));
    await until(() => call.answers.length > 0);
  }
  const { values } = await fixture.metrics.futureItems.get();
  assert.deepEqual(Object.fromEntries(values.map(({ labels, value }) => [labels.handling, value])), {
    "hashed": 2,
    "not-hashed": 1,
    "refused": 1,
  });
});

Deno.test("Scenario V7: a block that was verified stays so when the same number comes again spoiled", async () => {
  await using fixture = await openPipeline();
  const [first, second] = makeChain(2);
  const call = fixture.connect();
  call.block(0n, first!);
  call.block(1n, second!);
  await until(() => fixture.persisted.length === 2);
  const other = fixture.connect();
  other.block(1n, withBrokenLink(second!));
  await until(() => other.answers.length > 0);
  assert.deepEqual(other.answers, ["skip 1"]);
  assert.equal(fixture.store.last, 1n);
  assert.deepEqual(await fixture.store.block(1n), second);
});

Deno.test("Scenario D2: blocks in rapid succession are all stored, and one that comes again replaces nothing", async () => {
  await using fixture = await openPipeline({ arenaBytes: 1_048_576 });
  const chain = makeChain(100);
  const call = fixture.connect();
  chain.forEach((block, i) => call.block(BigInt(i), block));
  await until(() => fixture.store.last === 99n);
  const other = fixture.connect();
  // Another chain's block of the same number: what is stored was acknowledged, so it stays.
  other.block(98n, makeChain(99, 2)[98]!);
  await until(() => other.answers.length > 0);
  assert.deepEqual(other.answers, ["skip 98"]);
  for (const [i, block] of chain.entries()) {
    assert.deepEqual(await fixture.store.block(BigInt(i)), block, `block ${i}`);
  }
  assert.deepEqual(fixture.persisted, chain.map((_, i) => BigInt(i)));
});

Deno.test("Scenario D3: a failed write leaves no part of a block, and every publisher is told", async () => {
  await using fixture = await openPipeline();
  const [first, second] = makeChain(2);
  const [sender, listener] = [fixture.connect(), fixture.connect()];
  sender.block(0n, first!);
  await until(() => fixture.store.last === 0n);
  fixture.engine.beforeWrite = () => {
    throw new Error("no space left on device");
  };
  sender.block(1n, second!);
  await until(() =>
    [sender, listener].every(({ answers }) => answers.at(-1) === "end-stream PERSISTENCE_FAILED")
  );
  for (const family of Object.values(BLOCKS_FAMILY).slice(0, 2)) {
    assert.equal(await fixture.engine.family(family).get(blockKey(1n)), undefined);
  }
  assert.deepEqual((await BlockStore.open(fixture.engine)).ranges(), [{ first: 0n, last: 0n }]);
  fixture.engine.beforeWrite = () => {};
  const again = fixture.connect();
  again.block(1n, second!);
  await until(() => again.answers.includes("acknowledgement 1"));
});

Deno.test("Scenario D8: blocks that fill a gap below the first one are archived with it and readable", async () => {
  // Blocks 5 to 24: the first whole archive is 10 to 19, until 0 to 4 come from a peer.
  await using tiers = await openTiers(25, 5);
  await using mover = tiers.mover({ hotBlocks: 5 });
  await mover.idle();
  const archived = () => tiers.archive.batches.map(({ first, last }) => `${first}-${last}`);
  assert.deepEqual(archived(), ["10-19"]);
  assert.equal(await tiers.store.block(4n), undefined);
  await tiers.store.fillBelow(asStored(tiers.chain.slice(0, 5)));
  mover.notify();
  await mover.idle();
  assert.deepEqual(archived(), ["0-9", "10-19"]);
  for (const { store } of [tiers, await tiers.reopen()]) {
    assert.deepEqual(store.hot, [{ first: 20n, last: 24n }]);
    assert.deepEqual(store.ranges(), [{ first: 0n, last: 24n }]);
    for (const [i, block] of tiers.chain.entries()) assert.deepEqual(await store.block(BigInt(i)), block);
  }
});

/** Two requests with the items of a block: those before one, and the rest. */
function splitAt(bytes: Uint8Array, index: number): [Uint8Array, Uint8Array] {
  const at = [...itemRanges(bytes)][index]!.recordStart;
  return [encodeItemsRequest(bytes.subarray(0, at)), encodeItemsRequest(bytes.subarray(at))];
}
