/**
 * A client among eight serving nodes on loopback: two nodes of the real program, four peers of our wire that are honest,
 * and two that lie. It syncs, is killed in the middle, goes on where it was, ends at the heaviest valid chain, follows
 * it, reorganises, answers the command line and says goodbye.
 *
 * | node | chain |
 * | --- | --- |
 * | `cairn start` A, and B | the heaviest; they follow the others too |
 * | miner | the heaviest; grows and reorganises |
 * | second | the heaviest |
 * | stale | the heaviest, without its last tenth |
 * | fork | leaves the heaviest half way, and is shorter |
 * | liar 1 | longer than the heaviest, but one block in the last quarter has no proof of work |
 * | liar 2 | claims difficulty for a block that is not there |
 *
 * `CAIRN_ROOTSTOCK_BLOCKS` is the length of the chain; `deno task test:rootstock` sets 100,000.
 *
 * @module
 */

import assert from "node:assert/strict";
import { NO_BLOCK } from "./_lies.ts";
import { TestChain } from "./_chain.ts";
import { type RootstockNode, startRootstock } from "./_network.ts";
import { until } from "../support/until.ts";
import { freePort, TestPeer, type TestPeerOptions } from "./_peer.ts";
import { say } from "../../scripts/process.ts";
import { runCairn, tempDirectory } from "../support/node_process.ts";

const BLOCKS = Number(Deno.env.get("CAIRN_ROOTSTOCK_BLOCKS") ?? 8_000);
/** Resident memory of the client, in bytes: it does not grow with the chain. Mostly 330 to 450 MB. */
const MEMORY_MAX = 512 * 1_048_576;

const PEERS = 8;

interface World {
  readonly stale: TestChain;
  readonly fork: TestChain;
  readonly invalid: TestChain;
  readonly best: TestChain;
}

function makeWorld(): World {
  const trunk = TestChain.generate(Math.floor(BLOCKS / 2));
  const fork = trunk.branch(Math.floor(BLOCKS / 4), { seed: 2 });
  trunk.grow(Math.floor(BLOCKS * 0.3));
  const invalid = trunk.broken(Math.ceil(BLOCKS * 0.2) + 10, trunk.tip.number + 1, "proof-of-work");
  trunk.grow(Math.floor(BLOCKS * 0.1));
  const stale = trunk.branch(0, { seed: 1 });
  return { fork, invalid, stale, best: trunk.grow(BLOCKS - trunk.tip.number) };
}

const { best, stale, fork, invalid } = makeWorld();

/** Follows a client's height across its restarts; it must never fall. */
class Watch {
  #highest = 0;
  #memory = 0;

  get highest(): number {
    return this.#highest;
  }

  /** Highest resident memory seen, in bytes. */
  get memory(): number {
    return this.#memory;
  }

  async look(client: RootstockNode): Promise<number> {
    const height = await client.height();
    assert(height >= this.#highest, `height ${height} after ${this.#highest}`);
    this.#highest = height;
    this.#memory = Math.max(this.#memory, await client.process.metric("cairn_process_resident_memory_bytes"));
    return height;
  }
}

for (const how of ["discovery", "static peers"] as const) {
  Deno.test(`A client syncs ${BLOCKS} headers from eight nodes, two of them lying, found by ${how}`, async () => {
    await using cleanup = new AsyncDisposableStack();
    const directory = async () => cleanup.use(await tempDirectory()).path;
    const serving = async (staticPeers: readonly string[], bootNodes: readonly string[]) => {
      const dataDir = await directory();
      await best.fill(dataDir);
      const found = how === "discovery" ? { bootNodes } : { staticPeers };
      return cleanup.use(await startRootstock({ dataDir, serve: true, ...found }));
    };
    const a = await serving([], []);
    // Banned nodes are not told of: these two look for the client themselves.
    const port = freePort();
    const open = async (boot: string, options: TestPeerOptions) => {
      const bootHosts = [{ host: "127.0.0.1", port: Number(boot.split(":")[1]) }];
      return cleanup.use(await TestPeer.open(how === "discovery" ? { bootHosts, ...options } : options));
    };
    const liars = await Promise.all(
      [{ chain: invalid }, { chain: best, ...NO_BLOCK }].map((lie) => open(`127.0.0.1:${port}`, lie)),
    );
    const growing = best.branch(0, { seed: 1 });
    const honest = await Promise.all(
      [growing, best, stale, fork].map((chain) => open(a.endpoint, { chain })),
    );
    const miner = honest[0]!;
    const b = await serving([a.address, miner.address], [a.endpoint]);

    const dataDir = await directory();
    const staticPeers = [a, b, ...honest, ...liars].map(({ address }) => address);
    const found = how === "discovery" ? { bootNodes: [a.endpoint] } : { staticPeers };
    const settings = { "rootstock.p2p.targetPeers": PEERS, "rootstock.sync.requestTimeoutMs": 3_000 };
    const start = () => startRootstock({ dataDir, port, ...found, settings });
    const watch = new Watch();

    {
      await using client = await start();
      const isInTheMiddle = async () => await watch.look(client) >= BLOCKS / 4;
      await until("a quarter of the chain", isInTheMiddle, { everyMs: 1 });
      await client.process.kill9();
    }
    const killedAt = watch.highest;
    assert(killedAt < BLOCKS, `killed in the middle: at ${killedAt}`);

    await using client = await start();
    await watch.look(client);
    assert(await client.process.metric("cairn_rootstock_headers_stored_total") <= BLOCKS - killedAt);
    await until(
      () => `the heaviest chain; the client is at ${watch.highest}`,
      async () => await watch.look(client) >= BLOCKS && await client.isAt(best.tip),
      { withinMs: 240_000 },
    );
    const verified = await client.process.metric("cairn_rootstock_headers_verified_total");
    // Not anew: what was stored is not fetched again, whatever branches were looked at beside it.
    assert(verified <= BLOCKS - killedAt + BLOCKS / 2, `${verified} verified after a start at ${killedAt}`);
    await until("both liars banned", async () => {
      return await client.process.metric("cairn_rootstock_bans_in_force") === liars.length;
    });
    const connected = await client.peers();
    assert(liars.every(({ id }) => !connected.includes(id)));
    await until("six peers", async () => (await client.peers()).length === PEERS - liars.length);

    // The tip grows, block by block.
    for (let i = 0; i < 5; i++) {
      miner.serve(growing.grow(1));
      await client.reaches(growing, 10_000);
    }
    await Promise.all([a, b].filter(() => how === "discovery").map((node) => node.reaches(growing)));
    // A heavier branch appears.
    const heavier = best.branch(8, { seed: 3 });
    miner.serve(heavier);
    await client.reaches(heavier, 10_000);
    assert.equal(await client.process.metric("cairn_rootstock_reorganisations_total"), 1);
    assert.equal(await client.process.metric("cairn_rootstock_reorganised_blocks_total"), 5);
    // No other node has been told a lie that it believed.
    await Promise.all([a, b].filter(() => how === "discovery").map((node) => node.reaches(heavier)));

    await commandLine(client, heavier);
    assert.equal((await client.readiness()).status, 200);
    await watch.look(client);
    assert(watch.memory > 0 && watch.memory < MEMORY_MAX, `${watch.memory} bytes resident`);
    const { level = "none" } = client.process.logs.find(({ level }) =>
      level === "warn" || level === "error"
    ) ?? {};
    assert.equal(level, "none");
    const goodbyes = honest.map((peer) => peer.goodbyes.length);
    assert.equal(await client.process.stop(), 0);
    for (const [i, peer] of honest.entries()) {
      await until("a goodbye", () => peer.goodbyes.length > goodbyes[i]!);
      assert.equal(peer.goodbyes.at(-1), "peer-quitting");
    }
    if (Deno.env.has("CAIRN_ROOTSTOCK_BLOCKS")) {
      say(`killed at ${killedAt}, memory ${Math.round(watch.memory / 1_048_576)} MB`);
      for (const { time, level, module, message, ...facts } of client.process.logs) {
        say([time, level, module, message, JSON.stringify(facts).slice(0, 160)].join(" "));
      }
    }
  });
}

/** What a user sees of a running node. */
async function commandLine({ rpc: { url } }: RootstockNode, { tip }: TestChain): Promise<void> {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCairn("rootstock", ...args, "--url", url);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const [status, peers, header, text] = await Promise.all([
    run("status", "--json"),
    run("peers", "--json"),
    run("header", String(tip.number), "--json"),
    run("status"),
  ]);
  const { network, blockNumber, blockHash, syncing, listening, peers: count } = JSON.parse(status);
  assert.deepEqual(
    { network, blockNumber, blockHash, syncing, listening, count },
    {
      network: "regtest",
      blockNumber: tip.number,
      blockHash: `0x${tip.hash.toHex()}`,
      syncing: null,
      listening: true,
      count: 6,
    },
  );
  assert.match(text, /regtest/);
  assert.equal(JSON.parse(peers).peers.length, 6);
  assert.equal(JSON.parse(header).hash, `0x${tip.hash.toHex()}`);
}
