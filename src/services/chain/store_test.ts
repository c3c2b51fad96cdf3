import assert from "node:assert/strict";
import { nextBlock, testChain, testMessage, testSender } from "../../protocols/kimura/_chain.ts";
import { encodeBlock, GENESIS } from "../../protocols/kimura/block.ts";
import { tipOf } from "../../protocols/kimura/rules.ts";
import { compareKeys } from "../../store/bounds.ts";
import type { Engine } from "../../store/engine.ts";
import { openMemoryEngine } from "../../store/memory_engine.ts";
import { openRocksEngine } from "../../store/rocks_engine.ts";
import { blockKey, CHAIN_FAMILIES, CHAIN_FAMILY, ChainStore, type PendingMessage } from "./store.ts";

/** Two messages in every even block. */
const CHAIN = testChain(
  6,
  (height) => height % 2 === 0 ? [testMessage(1, height / 2 - 1), testMessage(2, height / 2 - 1)] : [],
);
const TIP = tipOf(CHAIN.at(-1)!.block);

async function onDisk(body: (open: () => Promise<Engine>) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(() => openRocksEngine({ directory, families: CHAIN_FAMILIES }));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("ChainStore.append() stores blocks with messages and nonces, and a restart finds the same tip", async () => {
  await onDisk(async (open) => {
    {
      await using engine = await open();
      const store = await ChainStore.open(engine);
      assert.deepEqual(store.tip, tipOf(GENESIS));
      for (const full of CHAIN.slice(0, 4)) await store.append([full]);
      await store.append(CHAIN.slice(4));
      assert.deepEqual(store.tip, TIP);
    }
    await using engine = await open();
    const store = await ChainStore.open(engine);
    assert.deepEqual(store.tip, TIP);
    assert.deepEqual(await store.block(0n), GENESIS);
    assert.deepEqual(await store.block(3n), CHAIN[2]!.block);
    assert.equal(await store.block(7n), undefined);
    assert.deepEqual(await store.fullBlock(4n), CHAIN[3]);
    const wanted = CHAIN[3]!.messages[1]!;
    assert.deepEqual(await store.message(wanted.id), { message: wanted, height: 4n, index: 1 });
    assert.equal(await store.message(testMessage(3, 0).id), undefined);
    assert.deepEqual(
      await store.nonces([testSender(1), testSender(2), testSender(3), testSender(1)]),
      new Map([[testSender(1), 2n], [testSender(2), 2n]]),
    );
  });
});

Deno.test("ChainStore keys are the specification's, and those of blocks sort by height", async () => {
  await using engine = openMemoryEngine({ families: CHAIN_FAMILIES });
  const store = await ChainStore.open(engine);
  await store.append(CHAIN);
  const keys = async (family: string) =>
    (await Array.fromAsync(engine.family(family).scanKeys())).map((key) =>
      new TextDecoder("latin1").decode(key)
    );
  assert.deepEqual(
    await keys(CHAIN_FAMILY.blocks),
    [1, 2, 3, 4, 5, 6].map((height) => `block:${"\0".repeat(7)}${String.fromCharCode(height)}`),
  );
  assert((await keys(CHAIN_FAMILY.messages)).every((key) => /^msg:[0-9a-f]{64}$/.test(key)));
  const metadata = await keys(CHAIN_FAMILY.metadata);
  for (const key of ["meta:genesis_hash", "meta:last_hash", "meta:last_height"]) {
    assert(metadata.includes(key));
  }
  assert(compareKeys(blockKey(255n), blockKey(256n)) < 0);
});

Deno.test("ChainStore.range() gives whole blocks in order, within count and bytes", async () => {
  await using engine = openMemoryEngine({ families: CHAIN_FAMILIES });
  const store = await ChainStore.open(engine);
  await store.append(CHAIN);
  assert.deepEqual(await store.range(2n, 3, 1e9), CHAIN.slice(1, 4));
  assert.deepEqual(await store.range(5n, 100, 1e9), CHAIN.slice(4));
  assert.deepEqual(await store.range(0n, 2, 1e9), [{ block: GENESIS, messages: [] }, CHAIN[0]]);
  assert.deepEqual(await store.range(1n, 100, 1), CHAIN.slice(0, 1));
  assert.deepEqual(await store.range(7n, 100, 1e9), []);
});

const pendingOf = (message: PendingMessage["message"], order: number): PendingMessage => ({
  message,
  order,
  receivedMs: 1_700_000_000_000 + order,
});

Deno.test("ChainStore keeps pending messages in order of arrival, until a block has them or they are forgotten", async () => {
  await onDisk(async (open) => {
    const messages = [testMessage(2, 0), testMessage(1, 0), testMessage(1, 1), testMessage(2, 1)];
    const kept = messages.map(pendingOf);
    {
      await using engine = await open();
      const store = await ChainStore.open(engine);
      await store.keep(kept.slice(0, 2));
      await store.keep(kept.slice(2));
    }
    await using engine = await open();
    const store = await ChainStore.open(engine);
    assert.deepEqual(await store.pending(), kept);
    await store.append([nextBlock(store.tip, messages.slice(0, 2))]);
    assert.deepEqual(await store.pending(), kept.slice(2));
    await store.forget([messages[2]!.id]);
    assert.deepEqual(await store.pending(), kept.slice(3));
  });
});

Deno.test("ChainStore.append() stores nothing of a batch that does not follow the tip", async () => {
  await using engine = openMemoryEngine({ families: CHAIN_FAMILIES });
  const store = await ChainStore.open(engine);
  await assert.rejects(store.append(CHAIN.slice(1)), { code: "INTERNAL" });
  await assert.rejects(store.append([CHAIN[0]!, CHAIN[2]!]), { code: "INTERNAL" });
  assert.deepEqual(store.tip, tipOf(GENESIS));
  assert.equal(await store.block(1n), undefined);
  assert.equal((await ChainStore.open(engine)).tip.height, 0n);
});

Deno.test("ChainStore.open() refuses a tip whose hash is not the recorded one, and names both", async () => {
  await onDisk(async (open) => {
    await using engine = await open();
    const store = await ChainStore.open(engine);
    await store.append(CHAIN);
    const other = nextBlock(tipOf(CHAIN[4]!.block), [], { timestamp: TIP.timestamp + 1n });
    const put = (family: string, key: Uint8Array, value: Uint8Array) =>
      engine.write([{ kind: "put", family, key, value }]);
    await put(CHAIN_FAMILY.blocks, blockKey(6n), encodeBlock(other.block));
    await assert.rejects(
      ChainStore.open(engine),
      (error: Error & { code: string; hint: string }) =>
        error.code === "STORE_READ_FAILED" && error.message.includes(TIP.hash.toHex()) &&
        error.message.includes(tipOf(other.block).hash.toHex()) && /restore/.test(error.hint),
    );
    await put(CHAIN_FAMILY.blocks, blockKey(6n), Uint8Array.of(1, 2));
    await assert.rejects(ChainStore.open(engine), { code: "STORE_READ_FAILED" });
    await put(CHAIN_FAMILY.blocks, blockKey(6n), encodeBlock(CHAIN[5]!.block));
    await put(CHAIN_FAMILY.blocks, blockKey(7n), encodeBlock(CHAIN[5]!.block));
    await assert.rejects(ChainStore.open(engine), {
      code: "STORE_READ_FAILED",
      message: /ends at block 6.* at 7/,
    });
    await engine.write([{ kind: "delete", family: CHAIN_FAMILY.blocks, key: blockKey(7n) }]);
    assert.deepEqual((await ChainStore.open(engine)).tip, TIP);
    await put(CHAIN_FAMILY.metadata, new TextEncoder().encode("meta:genesis_hash"), new Uint8Array(32));
    await assert.rejects(ChainStore.open(engine), { code: "STORE_READ_FAILED", message: /genesis/ });
    await engine.write([{
      kind: "delete",
      family: CHAIN_FAMILY.metadata,
      key: new TextEncoder().encode("meta:last_hash"),
    }]);
    await assert.rejects(ChainStore.open(engine), { code: "STORE_READ_FAILED", message: /incomplete/ });
  });
});

Deno.test("ChainStore.putEvidence() keeps the same evidence once", async () => {
  await using engine = openMemoryEngine({ families: CHAIN_FAMILIES });
  const store = await ChainStore.open(engine);
  const first = CHAIN[0]!.block;
  const second = nextBlock(tipOf(GENESIS), [testMessage(1, 0)]).block;
  const third = nextBlock(tipOf(GENESIS), [testMessage(2, 0)]).block;
  for (const other of [second, second, third]) await store.putEvidence({ first, second: other });
  const found = await store.evidence(10);
  const kept = found.map((evidence) => tipOf(evidence.second).hash.toHex()).sort();
  assert.deepEqual(kept, [second, third].map((block) => tipOf(block).hash.toHex()).sort());
  assert.deepEqual(found[0]!.first, first);
  assert.equal((await store.evidence(1)).length, 1);
});

Deno.test("ChainStore keeps a block of the original without its messages", async () => {
  await using engine = openMemoryEngine({ families: CHAIN_FAMILIES });
  const store = await ChainStore.open(engine);
  const { block } = nextBlock(tipOf(GENESIS), [testMessage(1, 0)], { secret: null });
  await store.append([{ block, messages: [] }]);
  assert.deepEqual(await store.fullBlock(1n), { block, messages: [] });
});
