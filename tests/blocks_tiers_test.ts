// Both tiers of a real node: blocks move to archives under traffic, under kill -9, and are served from there.

import assert from "node:assert/strict";
import { archivePath, batchOf } from "../src/protocols/hiero/archive_layout.ts";
import { equalBytes } from "../src/protocols/hiero/fault.ts";
import { ChainGenerator } from "../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../src/protocols/hiero/native_sha384.ts";
import { BlockNodeClient } from "../src/services/blocks/node_client.ts";
import { publishBlocks } from "../src/services/blocks/publisher.ts";
import { type NodeProcess, startNode, tempDirectory } from "./support/node_process.ts";

const TIERED = {
  "blocks.historic.enabled": true,
  "blocks.historic.powersOfTenPerZipFileContents": 1,
  "blocks.recent.blockRetentionThreshold": 15,
};
const ROUNDS = 12;

function makeSource(items = 4, itemBytes = 300) {
  const generator = new ChainGenerator({ sha384: nativeSha384, items, itemBytes, template: true });
  const chain: Uint8Array[] = [];
  return (number: bigint) => {
    while (chain.length <= Number(number)) chain.push(generator.next().bytes);
    return chain[Number(number)]!;
  };
}

/** Asks until `read` gives `wanted`; archiving goes on in the background. */
async function until<T>(wanted: T, read: () => Promise<T>): Promise<void> {
  const deadline = performance.now() + 30_000;
  let seen = await read();
  while (seen !== wanted && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    seen = await read();
  }
  assert.equal(seen, wanted);
}

const zips = (node: NodeProcess) => node.metric("cairn_blocks_historic_zips_stored");
const hot = (node: NodeProcess) => node.metric("cairn_blocks_recent_blocks_stored");

async function publishUpTo(node: NodeProcess, block: (number: bigint) => Uint8Array, last: bigint) {
  using client = new BlockNodeClient(node.grpc);
  const signal = AbortSignal.timeout(60_000);
  const first = ((await client.status(signal)).lastAvailableBlock ?? -1n) + 1n;
  const result = await publishBlocks(client.openPublishStream(signal), {
    first,
    block: (number) => number > last ? undefined : block(number),
  }, { signal });
  assert.equal(result.lastAcknowledged, last);
}

async function requireAll(node: NodeProcess, block: (number: bigint) => Uint8Array, last: bigint) {
  using client = new BlockNodeClient(node.grpc);
  const signal = AbortSignal.timeout(60_000);
  const status = await client.status(signal);
  assert.equal(status.firstAvailableBlock, 0n);
  assert.ok(status.lastAvailableBlock! >= last, `${status.lastAvailableBlock} stored, ${last} acknowledged`);
  for (let number = 0n; number <= last; number++) {
    const got = await client.block({ kind: "number", number }, signal);
    assert.ok(equalBytes(got, block(number)), `block ${number}`);
  }
}

Deno.test("node moves blocks from hot to cold and serves them byte for byte, also after a restart without archiving", async () => {
  await using directory = await tempDirectory();
  const block = makeSource();
  {
    await using node = await startNode({ dataDir: directory.path, settings: TIERED });
    await publishUpTo(node, block, 47n);
    await until(4, () => zips(node));
    // 33 is the last block older than the 15 kept, so whole archives up to 29 have left the store.
    await until(18, () => hot(node));
    await requireAll(node, block, 47n);
    assert.equal(await node.metric("cairn_blocks_historic_blocks_read_total", { result: "ok" }), 30);
    assert.equal(await node.metric("cairn_blocks_recent_blocks_deleted_total"), 30);
    assert.equal(await node.stop(), 0);
  }
  await Deno.stat(`${directory.path}/historic/${archivePath(batchOf(12n, 1))}`);
  await using node = await startNode({ dataDir: directory.path });
  assert.equal(await zips(node), 4);
  await requireAll(node, block, 47n);
  await publishUpTo(node, block, 60n);
  await requireAll(node, block, 60n);
  assert.equal(await zips(node), 4);
});

Deno.test("node without blocks.historic makes no archive and keeps every block hot", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({
    dataDir: directory.path,
    settings: { "blocks.historic.powersOfTenPerZipFileContents": 1 },
  });
  await publishUpTo(node, makeSource(), 30n);
  assert.equal(await hot(node), 31);
  assert.equal(await node.stop(), 0);
  const names = (await Array.fromAsync(Deno.readDir(directory.path))).map(({ name }) => name);
  assert.deepEqual(names.sort(), ["FORMAT", "LOCK", "db"]);
});

Deno.test("node with a store in memory refuses to archive", async () => {
  await using directory = await tempDirectory();
  const starting = startNode({
    dataDir: directory.path,
    settings: { ...TIERED, "store.engine": "memory" },
  });
  await assert.rejects(starting, /Node ended with 2/);
});

Deno.test("node names damaged archives in log, metric and readiness, and serves everything else", async () => {
  await using directory = await tempDirectory();
  const block = makeSource();
  const path = archivePath(batchOf(10n, 1));
  {
    await using node = await startNode({ dataDir: directory.path, settings: TIERED });
    await publishUpTo(node, block, 47n);
    await until(18, () => hot(node));
    assert.equal(await node.stop(), 0);
  }
  await Deno.truncate(`${directory.path}/historic/${path}`, 1_000);
  // A bit of block 0, which a start reads to learn the network's keys.
  const genesis = `${directory.path}/historic/${archivePath(batchOf(0n, 1))}`;
  const bytes = await Deno.readFile(genesis);
  bytes[200]! ^= 1;
  await Deno.writeFile(genesis, bytes);
  await using node = await startNode({ dataDir: directory.path, settings: TIERED });
  assert.ok(node.logs.some((line) => line.level === "error" && line["path"] === path));
  assert.equal(await node.metric("cairn_blocks_historic_zips_damaged"), 2);
  const ready = await fetch(`${node.admin}/readyz`);
  assert.equal(ready.status, 200);
  assert.ok((await ready.text()).includes(path));
  using client = new BlockNodeClient(node.grpc);
  const signal = AbortSignal.timeout(60_000);
  for (const number of [1n, 9n, 20n, 47n]) {
    assert.ok(equalBytes(await client.block({ kind: "number", number }, signal), block(number)));
  }
  for (const number of [0n, 12n]) {
    await assert.rejects(client.block({ kind: "number", number }, signal), /NOT_FOUND/);
  }
});

Deno.test(`node killed with SIGKILL while it archives ${ROUNDS} times loses no block and leaves no half archive`, async () => {
  await using directory = await tempDirectory();
  const block = makeSource(10, 2_000);
  let acknowledged = -1n;
  for (let round = 0; round < ROUNDS; round++) {
    await using node = await startNode({ dataDir: directory.path, settings: TIERED });
    using client = new BlockNodeClient(node.grpc);
    const signal = AbortSignal.timeout(60_000);
    const { lastAvailableBlock = -1n } = await client.status(signal);
    assert.ok(lastAvailableBlock >= acknowledged);
    const killAfter = BigInt(11 + (round * 7) % 30);
    const killed = Promise.withResolvers<void>();
    let isDue = false;
    const publication = publishBlocks(
      client.openPublishStream(signal),
      { first: lastAvailableBlock + 1n, block },
      {
        signal,
        onProgress({ lastAcknowledged }) {
          if (lastAcknowledged === undefined) return;
          acknowledged = lastAcknowledged;
          if (isDue || acknowledged < lastAvailableBlock + killAfter) return;
          isDue = true;
          // Another moment of archiving each round, from the first block of a batch to the removal from the store.
          setTimeout(() => node.kill9().then(killed.resolve, killed.reject), (round * 13) % 50);
        },
      },
    );
    await assert.rejects(publication);
    await killed.promise;
  }
  await using node = await startNode({ dataDir: directory.path, settings: TIERED });
  const complete = Number(((await lastOf(node)) + 1n) / 10n);
  await until(complete, () => zips(node));
  assert.equal(await node.metric("cairn_blocks_historic_zips_damaged"), 0);
  await requireAll(node, block, acknowledged);
  const left = await Array.fromAsync(Deno.readDir(`${directory.path}/historic`));
  assert.ok(left.every(({ name }) => name !== "corrupted"), "a good archive was replaced");
});

async function lastOf(node: NodeProcess): Promise<bigint> {
  using client = new BlockNodeClient(node.grpc);
  return (await client.status(AbortSignal.timeout(60_000))).lastAvailableBlock!;
}
