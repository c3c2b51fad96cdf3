// Rows of the block node's scenarios (spec §10) that only a whole process can show.

import assert from "node:assert/strict";
import { makeChain } from "../src/services/blocks/_testing.ts";
import { BlockNodeClient } from "../src/services/blocks/node_client.ts";
import { publishBlocks } from "../src/services/blocks/publisher.ts";
import { type NodeProcess, runCairn, startNode, tempDirectory } from "./support/node_process.ts";

const CHAIN = makeChain(6);

async function publish(node: NodeProcess, first: number, count: number): Promise<void> {
  using client = new BlockNodeClient(node.grpc);
  const signal = AbortSignal.timeout(30_000);
  const source = {
    first: BigInt(first),
    block: (number: bigint) => CHAIN.slice(0, first + count)[Number(number)],
  };
  const { acknowledged } = await publishBlocks(client.openPublishStream(signal), source, { signal });
  assert.equal(acknowledged, count);
}

const statusOf = async (node: NodeProcess) => {
  using client = new BlockNodeClient(node.grpc);
  return await client.status(AbortSignal.timeout(30_000));
};

Deno.test("Scenario P24: with earliestManagedBlock above the store, next_expected_block is unknown after a restart", async () => {
  await using directory = await tempDirectory();
  {
    await using node = await startNode({ dataDir: directory.path });
    await publish(node, 0, 3);
    assert.equal((await statusOf(node)).nextExpectedBlock, 3n);
    assert.equal(await node.stop(), 0);
  }
  await using node = await startNode({
    dataDir: directory.path,
    settings: { "blocks.earliestManagedBlock": 100 },
  });
  // The client reads uint64_max as undefined.
  assert.deepEqual(await statusOf(node), {
    firstAvailableBlock: 0n,
    lastAvailableBlock: 2n,
    nextExpectedBlock: undefined,
  });
  assert.ok(
    node.logs.some(({ level, message }) => level === "warn" && message.includes("earliestManagedBlock")),
  );
  // A hole would make the chain unprovable, so it goes on where the store ends.
  await publish(node, 3, 3);
  assert.equal((await statusOf(node)).lastAvailableBlock, 5n);
  assert.equal(await node.stop(), 0);
});

Deno.test("Scenario A10: a block node with a bad configuration does not start, names the key, and exits with 2", async () => {
  await using directory = await tempDirectory();
  const bad = [
    ["blocks.earliestManagedBlock=-1", /blocks\.earliestManagedBlock/],
    ["blocks.proofs=sometimes", /blocks\.proofs/],
    ["blocks.rpc.address=nowhere", /blocks\.rpc\.address/],
  ] as const;
  for (const [setting, expected] of bad) {
    const { code, stderr } = await runCairn("start", "--data", directory.path, "--set", setting);
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
    assert.match(stderr, /CONFIG_INVALID/);
  }
});
