// A network cut in two, and healed.

import assert from "node:assert/strict";
import { tempDirectory } from "../support/node_process.ts";
import { assertSameChain, freshMessage, IS_LONG, startLeader, startPeer } from "./_network.ts";
import { until } from "../support/until.ts";
import { openProxy } from "./_proxy.ts";

const BLOCKS = IS_LONG ? 50 : 20;
const INTERVAL_MS = 100;

for (const how of ["bytes no longer come through", "connections end"] as const) {
  Deno.test(`Two peers cut off for ${BLOCKS} blocks, where ${how}, end in the leader's chain`, async () => {
    await using directory = await tempDirectory();
    await using leader = await startLeader({
      dataDir: `${directory.path}/leader`,
      settings: { "chain.production.blockIntervalMs": INTERVAL_MS },
    });
    const [, port] = /\/tcp\/(\d+)/.exec(leader.address)!;
    await using proxy = openProxy(Number(port));
    const via = leader.address.replace(`/tcp/${port}`, `/tcp/${proxy.port}`);
    await using a = await startPeer(leader, { dataDir: `${directory.path}/a`, via });
    await using b = await startPeer(leader, {
      dataDir: `${directory.path}/b`,
      via,
      settings: { "chain.peers": JSON.stringify([a.address]) },
    });
    await Promise.all([a.reaches(3), b.reaches(3)]);
    if (how === "connections end") proxy.sever();
    else proxy.block();
    const cutAt = await leader.height();
    const message = freshMessage(1, 0);
    await leader.client.submit(message);
    await leader.reaches(cutAt + BLOCKS);
    for (const peer of [a, b]) {
      // What was on its way may still have come.
      assert(await peer.height() <= cutAt + 2, "the network was not cut");
    }
    proxy.heal();
    await assertSameChain(leader, a, b);
    await until(
      "the message of that time",
      async () => (await b.client.message(message.id.toHex()).catch(() => undefined))?.status === "stored",
    );
    for (const node of [leader, a, b]) assert.equal(await node.metric("conflicts_total"), 0);
  });
}
