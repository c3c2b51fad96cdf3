import assert from "node:assert/strict";
import { BrittleEngine, makeChain, TEST_VERIFY_OPTIONS } from "./_testing.ts";
import { blockKey, BLOCKS_FAMILY, BlockStore, type StoredBlock } from "./store.ts";
import { decodeVerdict } from "./verdict_codec.ts";
import { VerifyTask } from "./verify_task.ts";

function storedBlocks(count: number): StoredBlock[] {
  const task = new VerifyTask({
    chainState: new Uint8Array(0),
    ...TEST_VERIFY_OPTIONS,
  });
  return makeChain(count).map((block, i) => {
    const verdict = decodeVerdict(task.verify(BigInt(i), block));
    assert.ok(verdict.status === "ok");
    return { number: BigInt(i), block, record: verdict.record, chainState: verdict.chainState };
  });
}

Deno.test("BlockStore.append() stores blocks with record and chain state, and open() finds them again", async () => {
  await using engine = new BrittleEngine();
  const store = await BlockStore.open(engine);
  assert.deepEqual([store.first, store.last, store.chainState], [undefined, undefined, undefined]);
  const blocks = storedBlocks(3);
  await store.append([]);
  await store.append(blocks.slice(0, 2));
  await store.append(blocks.slice(2));
  for (const seen of [store, await BlockStore.open(engine)]) {
    assert.deepEqual([seen.first, seen.last, seen.chainState], [0n, 2n, blocks[2]!.chainState]);
    assert.deepEqual(await seen.block(1n), blocks[1]!.block);
    assert.deepEqual(await seen.record(1n), blocks[1]!.record);
    assert.deepEqual([await seen.block(3n), await seen.record(3n)], [undefined, undefined]);
  }
});

Deno.test("BlockStore.append() changes nothing when the write fails", async () => {
  await using engine = new BrittleEngine();
  const store = await BlockStore.open(engine);
  engine.beforeWrite = () => {
    throw new Error("no space");
  };
  await assert.rejects(store.append(storedBlocks(1)), /no space/);
  assert.deepEqual([store.first, store.last, store.chainState], [undefined, undefined, undefined]);
});

Deno.test("BlockStore.fillBelow() puts blocks below the first one and leaves the chain state as it is", async () => {
  await using engine = new BrittleEngine();
  const store = await BlockStore.open(engine);
  const blocks = storedBlocks(6);
  await store.append(blocks.slice(4));
  await store.fillBelow([]);
  await store.fillBelow(blocks.slice(2, 4));
  engine.beforeWrite = () => {
    throw new Error("no space");
  };
  await assert.rejects(store.fillBelow(blocks.slice(0, 2)), /no space/);
  engine.beforeWrite = () => {};
  for (const seen of [store, await BlockStore.open(engine)]) {
    assert.deepEqual([seen.first, seen.last, seen.chainState], [2n, 5n, blocks[5]!.chainState]);
    assert.deepEqual(await seen.block(2n), blocks[2]!.block);
    assert.deepEqual(await seen.record(3n), blocks[3]!.record);
  }
  const told = Uint8Array.of(1, 2, 3);
  await store.fillBelow([{ ...blocks[0]!, verificationData: told }, blocks[1]!]);
  assert.deepEqual([store.first, store.verificationData], [0n, told]);
  assert.deepEqual((await BlockStore.open(engine)).verificationData, told);
});

Deno.test("BlockStore.fillBelow() refuses blocks that do not end right below a stored one", async () => {
  await using engine = new BrittleEngine();
  const store = await BlockStore.open(engine);
  const blocks = storedBlocks(4);
  await assert.rejects(store.fillBelow(blocks.slice(0, 1)), { code: "INTERNAL" });
  await store.append(blocks.slice(3));
  for (const wrong of [blocks.slice(0, 2), blocks.slice(2), blocks.slice(3)]) {
    await assert.rejects(store.fillBelow(wrong), { code: "INTERNAL" });
  }
  assert.equal(store.first, 3n);
});

Deno.test("BlockStore.open() refuses blocks and chain state that do not belong together", async () => {
  const blocks = storedBlocks(3);
  const { state } = BLOCKS_FAMILY;
  const key = new TextEncoder().encode("chain");
  const damages = {
    "no chain state": { kind: "delete", family: state, key },
    "the state of another block": { kind: "put", family: state, key, value: blocks[1]!.chainState },
    "a state that cannot be read": { kind: "put", family: state, key, value: Uint8Array.of(0xff) },
    "a block behind the state": { kind: "delete", family: BLOCKS_FAMILY.record, key: blockKey(2n) },
  } as const;
  for (const [what, damage] of Object.entries(damages)) {
    await using engine = new BrittleEngine();
    await (await BlockStore.open(engine)).append(blocks);
    await engine.write([damage]);
    await assert.rejects(BlockStore.open(engine), { code: "STORE_READ_FAILED" }, what);
  }
  await using empty = new BrittleEngine();
  await empty.write([{ kind: "put", family: state, key, value: blocks[0]!.chainState }]);
  await assert.rejects(BlockStore.open(empty), { code: "STORE_READ_FAILED" });
});

Deno.test("blockKey() sorts by number up to 2^64 - 1", () => {
  const numbers = [0n, 1n, 255n, 256n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 64n - 1n];
  const keys = numbers.map((number) => blockKey(number).join());
  const sorted = numbers.map(blockKey).toSorted((a, b) => {
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at < 0 ? 0 : a[at]! - b[at]!;
  });
  assert.deepEqual(sorted.map((key) => key.join()), keys);
});
