/**
 * Starts from a checkpoint against peers on loopback: the 449 headers below it and all above, a restart, a wrong hash, and
 * what happens to a chain that contradicts a checkpoint. Regtest has none of its own: all are configured.
 *
 * @module
 */

import assert from "node:assert/strict";
import { tempDirectory } from "../support/node_process.ts";
import { TestChain } from "./_chain.ts";
import { type ClientOptions, TestClient } from "./_client.ts";
import { startRootstock } from "./_network.ts";
import { until } from "../support/until.ts";
import { TestPeer } from "./_peer.ts";

const BLOCKS = 3_000;
const BASE = 2_000;
const ANCESTORS = 449;

const trunk = TestChain.generate(2_500);
/** Leaves the trunk below the checkpoints that tests set. */
const other = TestChain.generate(1_400).branch(BLOCKS, { seed: 4 });
const chain = trunk.branch(BLOCKS - 2_500, { seed: 1 });

const checkpointAt = (number: number, of = chain) => `${number}:${of.at(number).hash.toHex()}`;

async function withPeers(
  chains: readonly TestChain[],
  run: (
    start: (sync: ClientOptions["sync"]) => Promise<TestClient>,
    peers: readonly TestPeer[],
  ) => Promise<void>,
): Promise<void> {
  await using directory = await tempDirectory();
  await using stack = new AsyncDisposableStack();
  const peers = await Promise.all(chains.map(async (chain) => stack.use(await TestPeer.open({ chain }))));
  const staticPeers = peers.map(({ address }) => address);
  await run((sync = {}) => TestClient.start({ dataDir: directory.path, staticPeers, sync }), peers);
}

const said = (client: TestClient, level: string) =>
  client.log.lines.filter((line) => line.level === level).map(({ message }) => message);

Deno.test("A node starts from a checkpoint: 449 headers below it and all above, and goes on from there", async () => {
  await using directory = await tempDirectory();
  await using honest = await TestPeer.open({ chain: trunk });
  await using grown = await TestPeer.open({ chain });
  const start = (peer: TestPeer) =>
    startRootstock({
      dataDir: directory.path,
      staticPeers: [peer.address],
      settings: { "rootstock.sync.mode": "checkpoint", "rootstock.sync.checkpoint": checkpointAt(BASE) },
    });
  const stored = "cairn_rootstock_headers_stored_total";
  {
    await using node = await start(honest);
    await until("the checkpoint", async () => (await node.readiness()).status === 200);
    await node.reaches(trunk);
    assert.equal(await node.process.metric(stored), ANCESTORS + 1 + trunk.tip.number - BASE);
    const at = async (number: number) =>
      await node.rpc.call("eth_getBlockByNumber", `0x${number.toString(16)}`, false) as { hash: string };
    assert.equal((await at(BASE - ANCESTORS)).hash, `0x${chain.at(BASE - ANCESTORS).hash.toHex()}`);
    await assert.rejects(at(BASE - ANCESTORS - 1), /this node's chain begins at block 1551/);
    assert.equal((await node.readiness()).status, 200);
    await node.process.kill9();
  }
  await using node = await start(grown);
  await node.reaches(chain);
  assert.equal(await node.process.metric(stored), BLOCKS - trunk.tip.number);
  assert.equal(await node.process.stop(), 0);
});

for (const onContradiction of ["refuse", "stop", "follow"]) {
  Deno.test(`A checkpoint whose hash is wrong is said to be, and begins no chain (${onContradiction})`, async () => {
    await withPeers([chain, chain], async (start) => {
      await using client = await start({
        mode: "checkpoint",
        checkpoint: checkpointAt(BASE, other),
        onContradiction,
      });
      await until("the report", () => said(client, "warn").length > 0, { everyMs: 10 });
      assert.deepEqual(said(client, "warn"), ["A peer denies the block that the sync begins from"]);
      const readiness = client.service.readiness();
      assert.deepEqual(readiness, {
        ready: false,
        reason: `has not reached its checkpoint yet: a peer denies block ${BASE}, which the sync begins from`,
      });
      const { phase, stored, contradictions } = client.status;
      assert.deepEqual({ phase, stored }, { phase: "anchoring", stored: BASE });
      assert.equal(contradictions[0].found, chain.at(BASE).hash.toHex());
      assert.equal(await client.metric("headers_stored_total"), 0);
    });
  });
}

Deno.test("Of two chains the one with the checkpoint is followed, though the other is heavier", async () => {
  await withPeers([other, chain], async (start) => {
    await using client = await start({ mode: "checkpoint", checkpoint: checkpointAt(BASE) });
    await client.reaches(chain);
    await until("the report", () => client.status.contradictions.length > 0, { everyMs: 10 });
    // That a peer has another chain is no reason to ban it: forks happen.
    assert.equal(client.status.connections.bans, 0);
    assert.deepEqual(client.service.readiness(), {
      ready: true,
      note: `a peer denies block ${BASE}, which the sync begins from`,
    });
  });
});

/** A chain up to 1,400, then a checkpoint above it that the only peer's chain does not agree with. */
async function contradicted(
  onContradiction: string,
  run: (client: TestClient, start: () => Promise<TestClient>) => Promise<void>,
): Promise<void> {
  const short = TestChain.generate(1_400);
  await withPeers([short], async (start, [peer]) => {
    {
      await using client = await start({});
      await client.reaches(short);
    }
    peer!.serve(chain);
    const sync = { mode: "checkpoint", checkpoint: checkpointAt(BASE, other), onContradiction };
    const again = () => start(sync);
    await using client = await again();
    await until("the report", () => said(client, "error").length > 0, { everyMs: 10 });
    assert.deepEqual(said(client, "error"), ["A chain of valid headers contradicts a checkpoint"]);
    assert.equal(await client.metric("checkpoint_contradictions_total"), 1);
    await run(client, again);
  });
}

Deno.test("onContradiction=refuse: a chain that contradicts a checkpoint is reported and not followed past it", async () => {
  await contradicted("refuse", async (client) => {
    await until("the end of the walk", () => client.status.phase === "waiting", { everyMs: 10 });
    assert(client.status.stored < BASE, `stored ${client.status.stored}`);
  });
});

Deno.test("onContradiction=stop: the sync ends, and the node is not ready", async () => {
  await contradicted("stop", (client) => {
    assert.equal(client.status.phase, "stopped");
    assert(client.status.stored < BASE);
    const reason = `the chain of a peer contradicts the checkpoint at block ${BASE}`;
    assert.deepEqual(client.service.readiness(), { ready: false, reason });
    return Promise.resolve();
  });
});

Deno.test("onContradiction=follow: the chain is followed, and said to contradict; also after a restart", async () => {
  await contradicted("follow", async (client, start) => {
    await client.reaches(chain);
    const note = `the chain of a peer contradicts the checkpoint at block ${BASE}`;
    assert.deepEqual(client.service.readiness(), { ready: true, note });
    await client[Symbol.asyncDispose]();
    await using again = await start();
    assert.equal(again.status.stored, BLOCKS);
  });
});

Deno.test("A stored chain that contradicts a checkpoint configured later keeps the node from starting", async () => {
  await withPeers([chain], async (start) => {
    {
      await using client = await start({});
      await client.reaches(chain);
    }
    await assert.rejects(start({ mode: "checkpoint", checkpoint: checkpointAt(BASE, other) }), {
      code: "CONFIG_INVALID",
      message: new RegExp(`the stored chain has block ${chain.at(BASE).hash.toHex()} at height ${BASE}`),
    });
    await using client = await start({ mode: "checkpoint", checkpoint: checkpointAt(BASE) });
    assert.equal(client.status.stored, BLOCKS);
  });
});

Deno.test("totalDifficulty=exact: a heavier branch is adopted although no peer gives bodies, and the log says how", async () => {
  const fork = trunk.branch(60, { seed: 7, unclesOf: (number) => number % 5 === 0 ? 1 : 0 });
  const tip = trunk.branch(52, { seed: 8, unclesOf: (number) => number % 5 === 0 ? 1 : 0 });
  await withPeers([tip, tip, trunk], async (start, [first, second]) => {
    await using client = await start({ totalDifficulty: "exact" });
    await client.reaches(tip);
    second!.serve(fork);
    await client.reaches(fork);
    const message = "No peer gives the uncles of two branches: they are compared by their headers alone";
    assert(said(client, "info").includes(message));
    assert(first!.requests.has("body-request"));
    // Nobody was blamed for it.
    assert.equal(client.status.connections.healthy, 3);
    assert.equal(await client.metric("peer_events_total", { event: "timeout-message" }), 0);
    // From here on it does not wait for them again.
    const asked = first!.requests.get("body-request");
    first!.serve(tip.grow(20));
    await client.reaches(tip, 5_000);
    assert.equal(first!.requests.get("body-request"), asked);
  });
});
