// subscribeBlockStream of a real node over real connections: rows of spec/block-node.md §10.2.

import assert from "node:assert/strict";
import { splitBlock } from "../src/protocols/hiero/block_split.ts";
import { equalBytes } from "../src/protocols/hiero/fault.ts";
import { ChainGenerator } from "../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../src/protocols/hiero/native_sha384.ts";
import { encodeEndOfBlock, encodeItemsRequest } from "../src/protocols/hiero/publish_messages.ts";
import type { SubscribeRequest, SubscribeResponse } from "../src/protocols/hiero/subscribe_messages.ts";
import { UINT64_MAX } from "../src/protocols/hiero/wire.ts";
import { eventually } from "../src/rpc/_testing.ts";
import { BlockNodeClient } from "../src/services/blocks/node_client.ts";
import { withBrokenLink } from "../src/services/blocks/_testing.ts";
import type { SubscribeRange } from "../src/services/blocks/subscription.ts";
import { type NodeProcess, startNode, tempDirectory } from "./support/node_process.ts";
import { PublishStream } from "./support/publish_stream.ts";

const signal = () => AbortSignal.timeout(60_000);

function makeChain(count: number, itemBytes = 200, items = 3): Uint8Array[] {
  const generator = new ChainGenerator({ sha384: nativeSha384, items, itemBytes });
  return Array.from({ length: count }, () => generator.next().bytes);
}

/** Publishes blocks, in sets of at most `setBytes`, and waits for the acknowledgement of the last. */
async function publish(
  address: string,
  blocks: readonly Uint8Array[],
  first = 0n,
  setBytes?: number,
): Promise<void> {
  await using stream = new PublishStream(address);
  for (const [i, block] of blocks.entries()) {
    for (const run of splitBlock(block, setBytes)) stream.send(encodeItemsRequest(run));
    stream.send(encodeEndOfBlock(first + BigInt(i)));
    // Room for the acknowledgements to come in between, as with a real publisher.
    if (i % 8 === 7) await stream.acknowledged(first + BigInt(i));
  }
  if (blocks.length % 8 !== 0) await stream.acknowledged(first + BigInt(blocks.length - 1));
}

/** Checks that a subscription brings exactly these blocks; leaves an endless one after the last. */
async function requireBlocks(
  address: string,
  range: SubscribeRange,
  blocks: readonly Uint8Array[],
  { first = 0n, pauseMs = 0 } = {},
): Promise<void> {
  using client = new BlockNodeClient(address);
  let next = first;
  const end = first + BigInt(blocks.length);
  for await (const { number, bytes } of client.subscribe(range, signal())) {
    assert.equal(number, next++);
    assert.ok(equalBytes(bytes, blocks[Number(number - first)]!), `block ${number}`);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (next === end && range.last === undefined) break;
  }
  assert.equal(next, end);
}

/** Every message of one subscription. */
async function messages(address: string, request: SubscribeRequest): Promise<SubscribeResponse[]> {
  using client = new BlockNodeClient(address);
  return await Array.fromAsync(client.openSubscribeStream(request, signal()));
}

const subscribers = (node: NodeProcess, count: number) =>
  eventually(
    async () => await node.metric("cairn_blocks_subscribers") === count,
    `${count} subscribers`,
  );

Deno.test("subscribeBlockStream serves stored ranges and answers what it cannot serve (S2, S3, S6, S7, S9-S11, S14)", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({
    dataDir: directory.path,
    settings: { "blocks.earliestManagedBlock": 0, "blocks.maxChunkSizeBytes": 1_024 },
  });
  const blocks = makeChain(10, 1_500, 4);
  const empty = await messages(node.grpc, { start: 0n, end: UINT64_MAX });
  assert.deepEqual(empty, [{ kind: "status", status: "NOT_AVAILABLE" }]);
  await publish(node.grpc, blocks);

  const all = await messages(node.grpc, { start: 0n, end: 9n });
  const ends = all.flatMap((message) => message.kind === "end-of-block" ? [message.number] : []);
  assert.deepEqual(ends, Array.from({ length: 10 }, (_, i) => BigInt(i)));
  assert.deepEqual(all.at(-1), { kind: "status", status: "SUCCESS" });
  const sets = all.filter(({ kind }) => kind === "items").length;
  assert.ok(sets >= 40, `items above the chunk size go alone, got ${sets} sets`);
  await requireBlocks(node.grpc, { first: 0n, last: 9n }, blocks);
  await requireBlocks(node.grpc, { last: 9n }, blocks);
  await requireBlocks(node.grpc, { first: 4n, last: 4n }, [blocks[4]!], { first: 4n });

  const cases: [start: bigint, end: bigint, status: string][] = [
    [4_010n, UINT64_MAX, "NOT_AVAILABLE"],
    [2n ** 63n, UINT64_MAX, "INVALID_START_BLOCK_NUMBER"],
    [0n, 2n ** 63n, "INVALID_END_BLOCK_NUMBER"],
    [10n, 5n, "INVALID_END_BLOCK_NUMBER"],
  ];
  for (const [start, end, status] of cases) {
    assert.deepEqual(
      await messages(node.grpc, { start, end }),
      [{ kind: "status", status }],
      `${start}..${end}`,
    );
  }
  assert.equal(await node.metric("cairn_blocks_subscriber_sessions_total", { outcome: "NOT_AVAILABLE" }), 2);
  assert.equal(await node.metric("cairn_blocks_subscriber_blocks_total", { origin: "history" }), 31);
  assert.equal(await node.stop(), 0);
});

Deno.test("subscribeBlockStream refuses what lies before the first stored block (S3, S7)", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({
    dataDir: directory.path,
    settings: { "blocks.earliestManagedBlock": 5, "blocks.brokenLink": "warn" },
  });
  const blocks = makeChain(10).slice(5);
  await publish(node.grpc, blocks, 5n);
  const refused = [{ kind: "status", status: "NOT_AVAILABLE" }];
  assert.deepEqual(await messages(node.grpc, { start: 0n, end: UINT64_MAX }), refused);
  assert.deepEqual(await messages(node.grpc, { start: UINT64_MAX, end: 4n }), refused);
  await requireBlocks(node.grpc, { last: 9n }, blocks, { first: 5n });
});

Deno.test("subscribeBlockStream brings items as they come and the end once the block is stored (S1, S5, S15)", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  const [zero, one, two] = makeChain(3) as [Uint8Array, Uint8Array, Uint8Array];
  await publish(node.grpc, [zero]);
  await using publisher = new PublishStream(node.grpc);
  const runs = splitBlock(one, 1);
  publisher.send(encodeItemsRequest(runs[0]!));
  await eventually(async () => await node.metric("cairn_blocks_received_items_total") === 7, "a header");

  using client = new BlockNodeClient(node.grpc);
  const live = client.openSubscribeStream({ start: UINT64_MAX, end: UINT64_MAX }, signal())
    [Symbol.asyncIterator]();
  const firstLive = live.next();
  const future = requireBlocks(node.grpc, { first: 2n, last: 2n }, [two], { first: 2n });
  await subscribers(node, 2);
  // Block 1 was begun before anybody joined: nobody gets a part of it.
  for (const run of runs.slice(1)) publisher.send(encodeItemsRequest(run));
  publisher.send(encodeEndOfBlock(1n));
  await publisher.acknowledged(1n);

  const next = splitBlock(two, 1);
  const got: SubscribeResponse[] = [];
  for (const [i, run] of next.entries()) {
    publisher.send(encodeItemsRequest(run));
    // Each set is here before the next is sent, and long before the block is complete.
    const { value } = i === 0 ? await firstLive : await live.next();
    got.push(value);
  }
  assert.ok(got.every((message, i) => message.kind === "items" && equalBytes(message.records, next[i]!)));
  publisher.send(encodeEndOfBlock(2n));
  assert.deepEqual((await live.next()).value, { kind: "end-of-block", number: 2n });
  await publisher.acknowledged(2n);
  await future;
  assert.equal(await node.metric("cairn_blocks_subscriber_blocks_total", { origin: "live" }), 2);
  await live.return?.();
  await subscribers(node, 0);
});

Deno.test("subscribeBlockStream turns from history to live, for many at once, with no gap and no repeat (S4, S13, S16)", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  const blocks = makeChain(160, 300, 4);
  await publish(node.grpc, blocks.slice(0, 20));
  const following: Promise<void>[] = [];
  const publishing = publish(node.grpc, blocks.slice(20), 20n, 300);
  for (let i = 0; i < 12; i++) {
    // Joins at any moment of the publishing, at any place.
    following.push(requireBlocks(node.grpc, { first: BigInt(i) }, blocks.slice(i), { first: BigInt(i) }));
    await new Promise((resolve) => setTimeout(resolve, i));
  }
  following.push(
    requireBlocks(node.grpc, { first: 150n, last: 155n }, blocks.slice(150, 156), { first: 150n }),
  );
  await Promise.all([publishing, ...following]);
  await subscribers(node, 0);
  assert.equal(await node.metric("cairn_blocks_subscriber_live_bytes"), 0);
  assert.equal(await node.metric("cairn_blocks_subscriber_sessions_total", { outcome: "SUCCESS" }), 1);
  assert.equal(await node.metric("cairn_blocks_subscriber_sessions_total", { outcome: "GONE" }), 12);
});

Deno.test("subscribeBlockStream gives a slow subscriber every block too, and holds nobody for it (S17)", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({
    dataDir: directory.path,
    settings: { "blocks.subscriberLiveBytes": 100_000, "blocks.subscriberHistoryBytes": 100_000 },
  });
  const blocks = makeChain(40, 50_000, 4);
  await publish(node.grpc, blocks.slice(0, 1));
  const slow = requireBlocks(node.grpc, { first: 0n }, blocks, { pauseMs: 20 });
  const fast = requireBlocks(node.grpc, { first: 0n }, blocks);
  await subscribers(node, 2);
  await publish(node.grpc, blocks.slice(1), 1n);
  await Promise.all([fast, slow]);
});

Deno.test("subscribeBlockStream begins a block anew when the first one was refused, and ends it once", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  const blocks = makeChain(3);
  await publish(node.grpc, blocks.slice(0, 1));
  const following = requireBlocks(node.grpc, {}, blocks.slice(1), { first: 1n });
  const raw = messages(node.grpc, { start: 1n, end: 1n });
  await subscribers(node, 2);
  await using bad = new PublishStream(node.grpc);
  bad.sendBlock(1n, withBrokenLink(blocks[1]!));
  const answer = await bad.answer();
  assert.equal(answer.kind === "end-stream" && answer.status, "BAD_BLOCK_PROOF");
  await publish(node.grpc, blocks.slice(1), 1n);
  await following;
  const kinds = (await raw).map((message) => message.kind);
  assert.deepEqual(kinds, ["items", "items", "items", "items", "end-of-block", "status"]);
});

Deno.test("subscribeBlockStream drops a subscriber that does not read, and the others get everything", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({
    dataDir: directory.path,
    settings: { "blocks.subscriberStallMs": 1_500 },
  });
  const blocks = makeChain(120, 50_000, 4);
  await publish(node.grpc, blocks.slice(0, 1));
  using client = new BlockNodeClient(node.grpc);
  const abort = new AbortController();
  const stuck = client.openSubscribeStream({ start: 0n, end: UINT64_MAX }, abort.signal)
    [Symbol.asyncIterator]();
  await stuck.next();
  const fast = requireBlocks(node.grpc, { first: 0n }, blocks);
  await publish(node.grpc, blocks.slice(1), 1n);
  await fast;
  const dropped = () => node.metric("cairn_blocks_subscriber_sessions_total", { outcome: "SLOW" });
  await eventually(async () => await dropped() === 1, "the slow one is dropped");
  await subscribers(node, 0);
  // Once it has given its call up, its connection is as good as before.
  abort.abort(new Error("left"));
  const again = client.openSubscribeStream({ start: 3n, end: 2n }, signal());
  assert.deepEqual(await Array.fromAsync(again), [{ kind: "status", status: "INVALID_END_BLOCK_NUMBER" }]);
  await publish(node.grpc, makeChain(121, 50_000, 4).slice(120), 120n);
});

Deno.test("subscribeBlockStream leaves nothing behind after many subscribers that left in every way", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path, settings: { "blocks.maxSubscribers": 40 } });
  const blocks = makeChain(20);
  await publish(node.grpc, blocks);
  using client = new BlockNodeClient(node.grpc);
  const round = async () => {
    const abort = new AbortController();
    const endless = Array.from({ length: 20 }, async () => {
      await assert.rejects(
        Array.fromAsync(client.subscribe({ first: 0n }, abort.signal)),
        { message: "left" },
      );
    });
    const whole = Array.from(
      { length: 10 },
      () => requireBlocks(node.grpc, { first: 0n, last: 19n }, blocks),
    );
    await Promise.all(whole);
    await subscribers(node, 20);
    abort.abort(new Error("left"));
    await Promise.all(endless);
    await subscribers(node, 0);
  };
  for (let i = 0; i < 3; i++) await round();
  const heap = () => node.metric("cairn_process_heap_used_bytes");
  const before = await heap();
  for (let i = 0; i < 5; i++) await round();
  assert.ok(await heap() < before + 20_000_000, `heap grew from ${before} to ${await heap()}`);
  assert.equal(await node.metric("cairn_blocks_subscriber_live_bytes"), 0);
  assert.equal(await node.metric("cairn_blocks_rpc_open_streams"), 0);
});

Deno.test("subscribeBlockStream takes as many subscribers as configured, or none", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path, settings: { "blocks.maxSubscribers": 1 } });
  const endless = messages(node.grpc, { start: UINT64_MAX, end: UINT64_MAX });
  await subscribers(node, 1);
  await assert.rejects(messages(node.grpc, { start: UINT64_MAX, end: UINT64_MAX }), {
    code: "TOO_MANY_STREAMS",
  });
  assert.equal(await node.stop(), 0);
  await endless;
  await using closed = await startNode({
    dataDir: directory.path,
    settings: { "blocks.enableSubscribe": false },
  });
  await assert.rejects(messages(closed.grpc, { start: 0n, end: 0n }), { code: "UNIMPLEMENTED" });
});

Deno.test("subscribeBlockStream ends with SUCCESS when the node stops", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  const blocks = makeChain(3);
  await publish(node.grpc, blocks);
  const endless = messages(node.grpc, { start: 0n, end: UINT64_MAX });
  const short = assert.rejects(requireBlocks(node.grpc, { first: 0n, last: 7n }, blocks), {
    code: "PEER_UNAVAILABLE",
    message: /Cannot get block 3 by subscription from .*: it stops/,
  });
  await subscribers(node, 2);
  assert.equal(await node.stop(), 0);
  assert.deepEqual((await endless).at(-1), { kind: "status", status: "SUCCESS" });
  await short;
});
