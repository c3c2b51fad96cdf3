// Nodes of the chain killed in the middle of what they do, again and again.

import assert from "node:assert/strict";
import { tempDirectory } from "../support/node_process.ts";
import {
  assertSameChain,
  type ChainNode,
  freshMessage,
  IS_LONG,
  startLeader,
  startPeer,
} from "./_network.ts";
import { until } from "../support/until.ts";

const KILLS = IS_LONG ? 20 : 3;
const SENDERS = 4;

/** Submits messages until it is stopped, from several senders at once; says which were accepted. */
function submitting(leader: () => ChainNode | undefined) {
  const accepted: string[] = [];
  let isOver = false;
  const run = async (sender: number) => {
    let nonce = 0;
    while (!isOver) {
      const message = freshMessage(sender, nonce);
      try {
        await leader()!.client.submit(message);
        accepted.push(message.id.toHex());
        nonce++;
      } catch (error) {
        // The leader is gone, or it had stored the message before it could say so.
        if ((error as { code?: unknown }).code === "NONCE_REPLAYED") nonce++;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const all = Promise.all(Array.from({ length: SENDERS }, (_, i) => run(i)));
  return {
    accepted,
    async stop() {
      isOver = true;
      await all;
    },
  };
}

Deno.test(`A leader killed ${KILLS} times in the middle of production leaves no gap, no double, and loses no message it accepted`, async () => {
  await using directory = await tempDirectory();
  const dataDir = `${directory.path}/leader`;
  // Blocks so often that a kill hits one being written.
  const settings = { "chain.production.blockIntervalMs": 50 };
  let leader = await startLeader({ dataDir, settings });
  const listen = JSON.stringify([leader.address.replace(/\/p2p\/.*$/, "")]);
  await using peer = await startPeer(leader, { dataDir: `${directory.path}/peer` });
  const load = submitting(() => leader);
  const heights: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const from = await leader.height();
    await leader.reaches(from + 3);
    await new Promise((resolve) => setTimeout(resolve, (kill * 17) % 50));
    heights.push(await leader.height());
    await leader.process.kill9();
    leader = await startLeader({ dataDir, settings: { ...settings, "chain.p2p.listen": listen } });
    assert((await leader.height()) >= heights.at(-1)!, "a block that was shown is gone");
  }
  await load.stop();
  assert(load.accepted.length > KILLS, `${load.accepted.length} accepted`);
  await using _ = leader;
  await until(
    "nothing pending",
    async () => await leader.metric("waiting_messages", { where: "pending" }) === 0,
  );
  const blocks = await assertSameChain(leader, peer);
  const found = new Set(blocks.flatMap(({ message_ids: ids }) => ids));
  assert.deepEqual(load.accepted.filter((id) => !found.has(id)), [], "accepted and lost");
  assert.equal(await peer.metric("conflicts_total"), 0);
});

Deno.test(`A peer killed ${KILLS} times while it follows ends with the leader's chain`, async () => {
  await using directory = await tempDirectory();
  const settings = { "chain.production.blockIntervalMs": 50 };
  await using leader = await startLeader({ dataDir: `${directory.path}/leader`, settings });
  const load = submitting(() => leader);
  const dataDir = `${directory.path}/peer`;
  let peer = await startPeer(leader, { dataDir });
  for (let kill = 0; kill < KILLS; kill++) {
    await peer.reaches((await peer.height()) + 3);
    await new Promise((resolve) => setTimeout(resolve, (kill * 17) % 50));
    const before = await peer.height();
    await peer.process.kill9();
    peer = await startPeer(leader, { dataDir });
    assert((await peer.height()) >= before, "a block that was shown is gone");
  }
  await load.stop();
  await using _ = peer;
  await assertSameChain(leader, peer);
});
