// A node that has lost archives says so, and fetches their blocks from a peer: a real process, a real disk.

import assert from "node:assert/strict";
import { archivePath, batchOf } from "../src/protocols/hiero/archive_layout.ts";
import { makeChain } from "../src/services/blocks/_testing.ts";
import { BlockNodeClient } from "../src/services/blocks/node_client.ts";
import { publishBlocks } from "../src/services/blocks/publisher.ts";
import { startPeer } from "./support/block_peer.ts";
import { type NodeProcess, startNode, tempDirectory } from "./support/node_process.ts";

const TIERED = {
  "blocks.historic.enabled": true,
  "blocks.historic.powersOfTenPerZipFileContents": 1,
  "blocks.recent.blockRetentionThreshold": 5,
};
const CHAIN = makeChain(48);

const stored = (node: NodeProcess) => node.metric("cairn_blocks_historic_zips_stored");
const missing = (node: NodeProcess) => node.metric("cairn_blocks_missing_blocks");

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, "within 30 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function assertServed(node: NodeProcess, numbers: readonly number[]): Promise<void> {
  using client = new BlockNodeClient(node.grpc);
  const signal = AbortSignal.timeout(30_000);
  for (const number of numbers) {
    const block = await client.block({ kind: "number", number: BigInt(number) }, signal);
    assert.deepEqual(new Uint8Array(block), new Uint8Array(CHAIN[number]!), `block ${number}`);
  }
}

Deno.test("node that has lost archives names what is missing, fetches it from a peer, and archives it anew", async () => {
  await using directory = await tempDirectory();
  const archive = (first: bigint) => `${directory.path}/historic/${archivePath(batchOf(first, 1))}`;
  {
    await using node = await startNode({ dataDir: directory.path, settings: TIERED });
    using client = new BlockNodeClient(node.grpc);
    const signal = AbortSignal.timeout(30_000);
    const source = { first: 0n, block: (number: bigint) => CHAIN[Number(number)] };
    await publishBlocks(client.openPublishStream(signal), source, { signal });
    await until(async () => await node.metric("cairn_blocks_recent_blocks_stored") === 8);
    assert.equal(await node.stop(), 0);
  }
  // One gone, one cut short: two holes, with a whole archive between them.
  await Deno.remove(archive(10n));
  await Deno.truncate(archive(30n), 1_000);
  {
    await using node = await startNode({ dataDir: directory.path, settings: TIERED });
    assert.equal(await missing(node), 20);
    const said = node.logs.filter(({ message }) => message === "Blocks are missing");
    assert.deepEqual(said.map(({ first, last }) => `${first}-${last}`), ["10-19", "30-39"]);
    const ready = await fetch(`${node.admin}/readyz`);
    assert.equal(ready.status, 200);
    assert.match(await ready.text(), /blocks 10 to 19 and 1 more ranges are missing/);
    await assertServed(node, [9, 20, 29, 40]);
    assert.equal(await node.stop(), 0);
  }
  await using peer = await startPeer(CHAIN);
  {
    await using node = await startNode({
      dataDir: directory.path,
      settings: {
        ...TIERED,
        "blocks.backfill.initialDelayMs": 0,
        "blocks.backfill.delayBetweenBatchesMs": 0,
        "blocks.backfill.fetchBatchSize": 7,
        "blocks.backfill.peers": JSON.stringify([{ address: peer.address, priority: 1 }]),
      },
    });
    await until(async () => await missing(node) === 0);
    // The highest hole first, each from the top down, and nothing that is there.
    assert.deepEqual(peer.asked, ["33-39", "30-32", "13-19", "10-12"]);
    await until(async () => await stored(node) === 4);
    await assertServed(node, CHAIN.map((_, i) => i));
    assert.equal(await node.stop(), 0);
  }
  await using node = await startNode({ dataDir: directory.path });
  assert.equal(await missing(node), 0);
  assert.equal(await stored(node), 4);
  await assertServed(node, CHAIN.map((_, i) => i));
});
