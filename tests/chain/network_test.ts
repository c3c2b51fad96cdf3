// A leader and two peers in processes of their own: what they hold, when, and what a stop leaves.

import assert from "node:assert/strict";
import { tempDirectory } from "../support/node_process.ts";
import { assertSameChain, freshMessage, IS_LONG, startLeader, startPeer } from "./_network.ts";
import { until } from "../support/until.ts";

Deno.test("A leader and two peers hold all blocks, and 100 messages through the API are all in them", async () => {
  await using directory = await tempDirectory();
  await using leader = await startLeader({ dataDir: `${directory.path}/leader` });
  await using a = await startPeer(leader, { dataDir: `${directory.path}/a` });
  await using b = await startPeer(leader, { dataDir: `${directory.path}/b` });
  const sent = Array.from({ length: 100 }, (_, i) => freshMessage(i % 10, Math.floor(i / 10)));
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(
      sent.slice(round * 10, round * 10 + 10).map((message) => leader.client.submit(message)),
    );
    assert(answers.every(({ status }) => status === "accepted"));
  }
  await until("100 messages in blocks", async () => await leader.metric("messages_stored_total") === 100);
  const blocks = await assertSameChain(leader, a, b);
  const found = new Set(blocks.flatMap(({ message_ids: ids }) => ids));
  assert.deepEqual(sent.filter(({ id }) => !found.has(id.toHex())), []);
  // Peers have the messages themselves, not their names alone.
  for (const { id, content } of sent) {
    const view = await b.client.message(id.toHex());
    assert.deepEqual([view.status, view.content], ["stored", content]);
  }

  // A message given to a peer reaches a block by gossip.
  const forwarded = freshMessage(50, 0);
  assert.equal((await a.client.submit(forwarded)).status, "forwarded");
  const id = forwarded.id.toHex();
  await until("the forwarded message in a block", async () => {
    const view = await b.client.message(id).catch(() => undefined);
    return view?.status === "stored";
  });

  // A stop at any moment leaves a whole chain, and the start goes on with it.
  const height = await leader.height();
  for (const node of [b, a, leader]) assert.equal(await node.process.stop(), 0);
  await using again = await startLeader({
    dataDir: `${directory.path}/leader`,
    settings: { "chain.leaderKey": leader.leaderKey },
  });
  assert.equal(again.leaderKey, leader.leaderKey);
  assert.equal(again.address.split("/").at(-1), leader.address.split("/").at(-1), "the identity stays");
  await again.reaches(height + 2);
  await using late = await startPeer(again, { dataDir: `${directory.path}/a` });
  const [first] = await assertSameChain(again, late);
  assert.deepEqual(first, blocks[0]);

  // If the leader's machine is lost: its key on the data of a peer goes on with the same chain.
  const [tip] = [await late.height(), await again.process.stop(), await late.process.stop()];
  await Deno.copyFile(`${directory.path}/leader/chain_leader.key`, `${directory.path}/a/chain_leader.key`);
  await using successor = await startLeader({ dataDir: `${directory.path}/a` });
  assert.equal(successor.leaderKey, leader.leaderKey);
  await successor.reaches(tip + 2);
  const kept = await assertSameChain(successor);
  assert.deepEqual(kept.slice(0, blocks.length), blocks);
});

const INTERVAL_MS = IS_LONG ? 5_000 : 500;
const INTERVALS = IS_LONG ? 20 : 8;
/** Two cores with other tests on them: the bound of the quiet machine is the benchmark's business. */
const TOLERANCE_MS = IS_LONG ? 50 : 250;

Deno.test(`A leader makes a block every ${INTERVAL_MS} ms`, async () => {
  await using directory = await tempDirectory();
  await using leader = await startLeader({
    dataDir: `${directory.path}/leader`,
    settings: { "chain.production.blockIntervalMs": INTERVAL_MS, "log.level": "debug" },
  });
  const stored = () => leader.process.logs.filter(({ message }) => message === "Block stored");
  await until(`${INTERVALS + 1} blocks`, () => stored().length > INTERVALS, {
    withinMs: 60_000 + INTERVALS * INTERVAL_MS * 2,
  });
  const times = stored().slice(0, INTERVALS + 1).map((line) => Date.parse(String(line["time"])));
  // From the first on: a block that is late is not made up for by one that is early.
  const late = times.map((time, i) => Math.abs(time - times[0]! - i * INTERVAL_MS));
  assert(Math.max(...late) <= TOLERANCE_MS, `late by ${late.join(", ")} ms`);
});

Deno.test("A chain node refuses to start where its configuration makes no sense", async () => {
  await using directory = await tempDirectory();
  await using leader = await startLeader({ dataDir: `${directory.path}/leader` });
  const { address } = leader;
  const dataDir = `${directory.path}/peer`;
  await assert.rejects(
    startPeer({ address, leaderKey: "" }, { dataDir }),
    /chain\.leaderKey is not a leader's/,
  );
  await assert.rejects(
    startPeer({ address: "/ip4/nowhere", leaderKey: leader.leaderKey }, { dataDir }),
    /P2P_MULTIADDR_INVALID/,
  );
  await leader.process.stop();
  const settings = { "chain.leaderKey": `02${"ab".repeat(32)}` };
  await assert.rejects(
    startLeader({ dataDir: `${directory.path}/leader`, settings }),
    /this node's key is another.*NODE_KEY_INVALID|NODE_KEY_INVALID/s,
  );
});
