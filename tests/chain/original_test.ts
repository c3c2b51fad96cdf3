// The original's JSON on kimura/blocks/1.0.0, both ways, with a node in compatibility mode.

import assert from "node:assert/strict";
import { nextBlock } from "../../src/protocols/kimura/_chain.ts";
import { blockHash, GENESIS } from "../../src/protocols/kimura/block.ts";
import { BLOCKS_TOPIC } from "../../src/protocols/kimura/gossip.ts";
import { blockFromJson } from "../../src/protocols/kimura/json.ts";
import { makeMessage } from "../../src/protocols/kimura/message.ts";
import { tipOf } from "../../src/protocols/kimura/rules.ts";
import { tempDirectory } from "../support/node_process.ts";
import { startLeader, startPeer } from "./_network.ts";
import { until } from "../support/until.ts";
import { connectVillain } from "./_villain.ts";

const UNSIGNED = { "chain.unsigned": true };

Deno.test("An unsigned leader publishes blocks in exactly the original's form", async () => {
  await using directory = await tempDirectory();
  await using leader = await startLeader({
    dataDir: directory.path,
    // Time to submit and listen within one block.
    settings: { ...UNSIGNED, "chain.production.blockIntervalMs": 1_000 },
  });
  await using original = await connectVillain(leader);
  // Messages of the original have a name for a sender, and no signature.
  const message = makeMessage({ sender: "alice", content: "hello", nonce: 0n, timestamp: 0n });
  await leader.client.submit(message);
  const parse = (data: Uint8Array) => JSON.parse(new TextDecoder().decode(data));
  const blocks = () => original.heard.filter(({ topic }) => topic === BLOCKS_TOPIC);
  await until(
    "a block with the message",
    () => blocks().some(({ data }) => parse(data).message_ids.length > 0),
  );
  const { data } = blocks().find(({ data }) => parse(data).message_ids.length > 0)!;
  const block = parse(data);
  assert.deepEqual(Object.keys(block), ["header", "message_ids"]);
  assert.deepEqual(Object.keys(block.header), ["height", "timestamp", "prev_hash", "message_root"]);
  const isBytes = (value: unknown) =>
    Array.isArray(value) && value.length === 32 &&
    value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256);
  assert(isBytes(block.header.prev_hash) && isBytes(block.header.message_root));
  assert(block.message_ids.every(isBytes));
  assert.deepEqual(block.message_ids, [[...message.id]]);
  // Its hash, by the wire rule, is what the next block names.
  const hash = blockHash(blockFromJson(data, data.length));
  await leader.reaches(block.header.height + 1);
  const next = await leader.client.block(block.header.height + 1);
  assert.equal(next.header.prev_hash, hash.toHex());
});

Deno.test("An unsigned peer takes blocks in exactly the original's form, fields it does not know included", async () => {
  await using directory = await tempDirectory();
  await using peer = await startPeer({ address: "/ip4/127.0.0.1/tcp/1", leaderKey: "" }, {
    dataDir: directory.path,
    settings: UNSIGNED,
  });
  await using original = await connectVillain(peer);
  let parent = tipOf(GENESIS);
  for (let height = 1; height <= 3; height++) {
    const message = makeMessage({ sender: "bob", content: "", nonce: BigInt(height), timestamp: 0n });
    const { block } = nextBlock(parent, [message], { secret: null });
    const { timestamp, prevHash, messageRoot } = block.header;
    // As serde_json writes it, from plain values.
    const text = JSON.stringify({
      header: {
        height,
        timestamp: Number(timestamp),
        prev_hash: [...prevHash],
        message_root: [...messageRoot],
      },
      message_ids: [[...message.id]],
      ...(height === 3 ? { extra: { nested: [null, true, "text"] } } : {}),
    });
    await original.say(BLOCKS_TOPIC, text);
    await peer.reaches(height);
    const stored = await peer.client.block(height);
    assert.equal(stored.hash, blockHash(block).toHex());
    assert.equal(stored.leader, undefined);
    parent = tipOf(block);
  }
});
