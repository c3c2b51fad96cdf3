// A node that is behind its peers catches up with them: real processes, real sockets, byte-identical blocks.

import assert from "node:assert/strict";
import { splitBlock } from "../src/protocols/hiero/block_split.ts";
import {
  encodeEndStream,
  encodeItemsRequest,
  END_STREAM_CODE,
} from "../src/protocols/hiero/publish_messages.ts";
import { parsePublishResponse } from "../src/protocols/hiero/publish_responses.ts";
import { makeChain, withBrokenLink } from "../src/services/blocks/_testing.ts";
import { BlockNodeClient } from "../src/services/blocks/node_client.ts";
import { publishBlocks } from "../src/services/blocks/publisher.ts";
import { blockMessages, startPeer, type TestPeer } from "./support/block_peer.ts";
import { type NodeProcess, startNode, tempDirectory } from "./support/node_process.ts";

/** As quick as the settings go, so that tests need not wait. */
const QUICK = {
  "blocks.backfill.initialDelayMs": 0,
  "blocks.backfill.scanIntervalMs": 200,
  "blocks.backfill.delayBetweenBatchesMs": 0,
  "blocks.backfill.initialRetryDelayMs": 100,
};

const peersOf = (...peers: readonly { readonly address: string; readonly priority?: number }[]) =>
  JSON.stringify(peers.map(({ address, priority = 1 }) => ({ address, priority })));

/** Waits until the node has stored blocks up to one, and from one on. */
async function stored(node: NodeProcess, last: bigint, first?: bigint): Promise<void> {
  using client = new BlockNodeClient(node.grpc);
  const signal = AbortSignal.timeout(60_000);
  for (;;) {
    const { firstAvailableBlock, lastAvailableBlock = -1n } = await client.status(signal);
    if (lastAvailableBlock >= last && (first === undefined || firstAvailableBlock === first)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function assertBlocks(node: NodeProcess, chain: readonly Uint8Array[]): Promise<void> {
  using client = new BlockNodeClient(node.grpc);
  const signal = AbortSignal.timeout(60_000);
  for (const [i, block] of chain.entries()) {
    const found = await client.block({ kind: "number", number: BigInt(i) }, signal);
    assert.deepEqual(new Uint8Array(found), new Uint8Array(block), `block ${i}`);
  }
}

Deno.test("node that starts empty catches up with its peer, byte for byte, and follows it over a restart", async () => {
  const chain = makeChain(120);
  const blocks = chain.slice(0, 100);
  await using directory = await tempDirectory();
  await using peer: TestPeer = await startPeer(blocks);
  const settings = { ...QUICK, "blocks.backfill.greedy": true, "blocks.backfill.peers": peersOf(peer) };
  {
    await using node = await startNode({ dataDir: directory.path, settings });
    await stored(node, 99n);
    await assertBlocks(node, blocks);
    using client = new BlockNodeClient(node.grpc);
    const status = await client.status(AbortSignal.timeout(10_000));
    assert.deepEqual(status, { firstAvailableBlock: 0n, lastAvailableBlock: 99n, nextExpectedBlock: 100n });
    assert.equal(await node.stop(), 0);
  }
  blocks.push(...chain.slice(100));
  await using node = await startNode({ dataDir: directory.path, settings });
  await stored(node, 119n);
  await assertBlocks(node, chain);
  assert.equal(peer.asked[10], "100-109", "the restarted node goes on where it was");
});

Deno.test("node goes on with another peer when one is killed in the middle, past a dead one and a lying one", async () => {
  const chain = makeChain(60);
  await using directory = await tempDirectory();
  const killed = Promise.withResolvers<void>();
  const first = await startPeer(chain);
  const { subscribe } = first;
  first.subscribe = async (request, sender) => {
    if (request.first < 20n) return await subscribe(request, sender);
    for (const message of blockMessages(20n, chain[20]!)) sender.send(message);
    killed.resolve();
    await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
  };
  await using liar = await startPeer(chain.map(withBrokenLink));
  const dead = await startPeer([]);
  await dead[Symbol.asyncDispose]();
  await using last = await startPeer(chain);
  const peers = peersOf(
    { address: dead.address, priority: 0 },
    { address: first.address, priority: 1 },
    { address: liar.address, priority: 2 },
    { address: last.address, priority: 3 },
  );
  const settings = { ...QUICK, "blocks.backfill.greedy": true, "blocks.backfill.peers": peers };
  await using node = await startNode({ dataDir: directory.path, settings });
  await killed.promise;
  await first[Symbol.asyncDispose]();
  await stored(node, 59n);
  await assertBlocks(node, chain);
  const failures = (peer: TestPeer, reason: string) =>
    node.metric("cairn_blocks_backfill_peer_failures_total", { peer: peer.address, reason });
  assert.ok(await failures(dead, "unavailable") > 0);
  assert.ok(await failures(first, "unavailable") > 0);
  assert.ok(await failures(liar, "refused") > 0);
  assert.equal(await failures(last, "refused"), 0);
  assert.equal(await node.stop(), 0);
});

Deno.test("node without greedy fetches what a publisher says it lacks (TOO_FAR_BEHIND)", async () => {
  const chain = makeChain(120);
  await using directory = await tempDirectory();
  await using peer = await startPeer(chain);
  const settings = { ...QUICK, "blocks.backfill.peers": peersOf(peer) };
  await using node = await startNode({ dataDir: directory.path, settings });
  using client = new BlockNodeClient(node.grpc);
  const publisher = client.openPublishStream(AbortSignal.timeout(60_000));
  for (const run of splitBlock(chain[101]!)) publisher.send(encodeItemsRequest(run));
  const answers = publisher.responses[Symbol.asyncIterator]();
  const { value } = await answers.next();
  assert.equal(parsePublishResponse(value!)?.kind, "behind");
  publisher.send(encodeEndStream(END_STREAM_CODE.TOO_FAR_BEHIND, 0n, 100n));
  await stored(node, 100n);
  await assertBlocks(node, chain.slice(0, 101));
  assert.equal(peer.asked.at(-1), "100-100", "no more than the publisher has told of");
  const status = await client.status(AbortSignal.timeout(10_000));
  assert.equal(status.nextExpectedBlock, 101n);
  publisher.cancel();
});

Deno.test("node that began at a later block fetches its history, and nothing of another chain", async () => {
  const chain = makeChain(80);
  await using directory = await tempDirectory();
  await using late = await startPeer(chain.slice(35), { first: 35n });
  const begun = { ...QUICK, "blocks.backfill.greedy": true, "blocks.earliestManagedBlock": 45 };
  {
    const settings = { ...begun, "blocks.backfill.peers": peersOf(late) };
    await using node = await startNode({ dataDir: directory.path, settings });
    await stored(node, 79n);
    assert.equal(await node.stop(), 0);
  }
  await using other = await startPeer(makeChain(80, 2));
  await using peer = await startPeer(chain);
  const peers = peersOf(
    { address: late.address, priority: 0 },
    { address: other.address, priority: 1 },
    { address: peer.address, priority: 2 },
  );
  const settings = { ...begun, "blocks.earliestManagedBlock": 0, "blocks.backfill.peers": peers };
  for (const stage of ["filled", "found again after a restart"]) {
    await using node = await startNode({ dataDir: directory.path, settings });
    await stored(node, 79n, 0n);
    await assertBlocks(node, chain);
    if (stage === "filled") {
      assert.equal(await node.metric("cairn_blocks_backfill_blocks_total", { lane: "history" }), 45);
      assert.ok(await node.metric("cairn_blocks_backfill_peer_failures_total", { reason: "unlinked" }) > 0);
    }
    assert.equal(await node.stop(), 0);
  }
  assert.equal(late.asked.at(-1), "35-44", "the best peer gives what it has");
  assert.equal(peer.asked[0], "25-34");
});

Deno.test("node catches up with another node, which is killed in the middle, and then with a third", async () => {
  const chain = makeChain(100);
  const source = { first: 0n, block: (number: bigint) => chain[Number(number)] };
  await using directories = new AsyncDisposableStack();
  const directory = async () => directories.use(await tempDirectory()).path;
  const full = async (): Promise<NodeProcess> => {
    const node = await startNode({ dataDir: await directory() });
    using client = new BlockNodeClient(node.grpc);
    const signal = AbortSignal.timeout(60_000);
    await publishBlocks(client.openPublishStream(signal), source, { signal });
    return node;
  };
  await using killed = await full();
  await using other = await full();
  const settings = {
    ...QUICK,
    "blocks.backfill.greedy": true,
    "blocks.backfill.delayBetweenBatchesMs": 100,
    "blocks.backfill.peers": peersOf({ address: killed.grpc, priority: 0 }, { address: other.grpc }),
  };
  await using node = await startNode({ dataDir: await directory(), settings });
  await stored(node, 19n);
  await killed.kill9();
  await stored(node, 99n);
  await assertBlocks(node, chain);
  assert.equal(await node.stop(), 0);
});
