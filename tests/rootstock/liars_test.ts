/**
 * Peers that lie, each with one lie, beside two honest ones and one that has less of the chain. Whatever they do, the
 * client gets to the honest tip; what rskj punishes ends in a ban that outlives a restart.
 *
 * The client is the real service on real sockets and a real store. Its requests wait one second instead of thirty.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import type { BreakableRule } from "../../src/protocols/rootstock/breaks.ts";
import { checkFrom, encodePacket } from "../../src/protocols/rootstock/discovery_packet.ts";
import { InitiatorHandshake } from "../../src/protocols/rootstock/rlpx_handshake.ts";
import { NodeKey } from "../../src/protocols/rootstock/secp256k1.ts";
import { tempDirectory } from "../support/node_process.ts";
import { TestChain } from "./_chain.ts";
import { TestClient } from "./_client.ts";
import {
  ENDLESS_SKELETON,
  NO_ANSWER_ABOUT_CLAIM,
  NO_BLOCK,
  SILENCE,
  SLOW_DRIP,
  TOO_MUCH_DIFFICULTY,
  WRONG_LINKS,
} from "./_lies.ts";
import { until } from "../support/until.ts";
import { TestPeer, type TestPeerOptions } from "./_peer.ts";

const BLOCKS = 2_000;
const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));

/** Chains are made once; nobody changes them. */
const trunk = TestChain.generate(1_500);
const shorter = trunk.branch(0, { seed: 1 });
const chain = trunk.branch(BLOCKS - 1_500, { seed: 1 });

/** What is known of a liar in the end. */
interface Outcome {
  readonly client: TestClient;
  readonly liar: TestPeer;
}

/** A liar that is reached first, so that it has its say, then the honest peers. */
async function withLiar(
  lie: Partial<TestPeerOptions>,
  check: (outcome: Outcome) => Promise<void> | void,
  { bans }: { readonly bans: boolean },
): Promise<void> {
  await using directory = await tempDirectory();
  await using stack = new AsyncDisposableStack();
  const open = async (options: TestPeerOptions) => stack.use(await TestPeer.open(options));
  const liar = await open({ chain, ...lie });
  const honest = await Promise.all([chain, chain, shorter].map((chain) => open({ chain })));
  const options = {
    dataDir: directory.path,
    staticPeers: [liar, ...honest].map(({ address }) => address),
  };
  {
    await using client = await TestClient.start(options);
    await client.reaches(chain);
    if (bans) {
      await until(
        () => `a ban\n${JSON.stringify(client.log.lines.slice(-30))}`,
        async () => await client.metric("bans_total", { kind: "id" }) === 1,
        { withinMs: 15_000, everyMs: 20 },
      );
      await until("the end of the connection", () => liar.connections === 0);
    }
    await check({ client, liar });
    const { windowHeaders, windowBytes, connections } = client.status;
    assert.deepEqual({ windowHeaders, windowBytes }, { windowHeaders: 0, windowBytes: 0 });
    assert.equal(connections.bans, bans ? 1 : 0);
    const banned = client.log.lines.filter(({ message }) => message === "Peer banned");
    assert.deepEqual(banned.map(({ fields }) => fields["key"]), bans ? [liar.id] : []);
    assert.deepEqual(client.log.lines.filter(({ level }) => level === "warn" || level === "error"), []);
  }
  await using again = await TestClient.start(options);
  assert.equal(again.status.stored, BLOCKS);
  assert.equal(again.status.connections.bans, bans ? 1 : 0);
  if (bans) {
    await until("the honest peers", () => again.status.connections.healthy === 3, { everyMs: 10 });
    assert.equal(liar.connections, 0);
  }
}

const INVALID: readonly BreakableRule[] = [
  "proof-of-work",
  "merkle-proof",
  "parent-hash",
  "difficulty",
  "fork-detection",
];

for (const rule of INVALID) {
  Deno.test(`A longer chain with a block that breaks ${rule} is refused, and its peer banned`, async () => {
    const invalid = trunk.broken(BLOCKS, 1_800, rule);
    await withLiar({ chain: invalid }, async ({ client }) => {
      assert.notEqual((await client.stored(1_800))?.toHex(), invalid.at(1_800).hash.toHex());
    }, { bans: true });
  });
}

Deno.test("Chunks that do not link are refused, and their peer banned", async () => {
  await withLiar(WRONG_LINKS, () => {}, { bans: true });
});

Deno.test("A best block that is not the one it was said to be ends in a ban", async () => {
  await withLiar(NO_BLOCK, () => {}, { bans: true });
});

Deno.test("A total difficulty above what the block can have ends in a ban", async () => {
  await withLiar(TOO_MUCH_DIFFICULTY, () => {}, { bans: true });
});

Deno.test("A claim about which a peer then is silent leads nowhere and keeps nobody waiting", async () => {
  await withLiar(NO_ANSWER_ABOUT_CLAIM, async ({ client }) => {
    await until(
      "a time-out",
      async () => await client.metric("peer_events_total", { event: "timeout-message" }) > 0,
    );
  }, { bans: false });
});

Deno.test("A skeleton without end leads nowhere, and is not asked for without end", async () => {
  await withLiar(
    { chain: trunk.branch(BLOCKS, { seed: 9 }), ...ENDLESS_SKELETON },
    async ({ client, liar }) => {
      await until("a skeleton", () => liar.requests.has("skeleton-request"));
      await until("the walk's end", () => client.status.phase !== "downloading", { withinMs: 15_000 });
      assert(
        liar.requests.get("skeleton-request")! < 20,
        `${liar.requests.get("skeleton-request")} requests`,
      );
    },
    { bans: false },
  );
});

Deno.test("A peer that answers nothing keeps nobody waiting, and is let go", async () => {
  await withLiar(SILENCE, async ({ client, liar }) => {
    await until(
      "time-outs",
      async () => await client.metric("peer_events_total", { event: "timeout-message" }) > 0,
    );
    assert(liar.requests.size > 0);
  }, { bans: false });
});

Deno.test("A peer whose answers drip in too late keeps nobody waiting", async () => {
  await withLiar(SLOW_DRIP, async ({ client }) => {
    await until(
      "time-outs",
      async () => await client.metric("peer_events_total", { event: "timeout-message" }) > 0,
    );
  }, { bans: false });
});

Deno.test("A peer with another genesis block is not used", async () => {
  await withLiar({ genesisHash: new Uint8Array(32).fill(1) }, async ({ client, liar }) => {
    assert.equal(await client.metric("session_faults_total", { code: "wrong-genesis" }), 1);
    await until("the end of the connection", () => liar.connections === 0);
    assert.equal(liar.requests.size, 0);
  }, { bans: false });
});

Deno.test("Bytes that no session sealed end the connection", async () => {
  await withLiar({}, async ({ client, liar }) => {
    liar.garble();
    await until("a fault", async () => await client.metric("session_faults_total") === 1);
    await until("the end of the connection", () => liar.connections === 0);
  }, { bans: false });
});

/** A client that others can reach, with an honest peer to sync from. */
async function withVictim(
  discovery: boolean,
  check: (client: TestClient, key: { readonly id: Uint8Array }) => Promise<void>,
): Promise<void> {
  await using directory = await tempDirectory();
  await using honest = await TestPeer.open({ chain });
  await using client = await TestClient.start({
    dataDir: directory.path,
    staticPeers: [honest.address],
    listen: true,
    discovery,
  });
  await Promise.all([check(client, { id: Uint8Array.fromHex(client.status.id) }), client.reaches(chain)]);
}

Deno.test("A recorded handshake that is sent again is not answered", async () => {
  await withVictim(false, async (client, { id }) => {
    const { packet } = new InitiatorHandshake({
      key: NodeKey.generate(randomBytes),
      remoteId: id,
      randomBytes,
    });
    // The answer to the first, and nothing to the others.
    assert(await say(client.port, packet) > 0);
    for (let i = 0; i < 20; i++) assert.equal(await say(client.port, packet), 0);
    assert.equal(await client.metric("session_faults_total", { code: "replayed-auth" }), 20);
  });
});

/** Sends bytes over a connection of its own, and counts what comes until the other side closes or a second is over. */
function say(port: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    let received = 0;
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(), 1_000);
    socket.on("data", (chunk) => {
      received += chunk.length;
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(received);
    });
  });
}

Deno.test("Thousands of discovery packets from one address cost little and are mostly dropped", async () => {
  await withVictim(true, async (client) => {
    const socket = createSocket("udp4");
    const keys = Array.from({ length: 20 }, () => NodeKey.generate(randomBytes));
    const networkId = 7771;
    const pings = Array.from({ length: 200 }, (_, i) => {
      const message = {
        type: "ping",
        check: checkFrom(randomBytes(16)),
        host: "127.0.0.1",
        port: 9,
        networkId,
      } as const;
      return encodePacket(message, keys[i % keys.length]!);
    });
    const packets = [...pings, ...Array.from({ length: 200 }, () => randomBytes(200))];
    const memory = Deno.memoryUsage().rss;
    let [answers, sent] = [0, 0];
    socket.on("message", () => answers++);
    for (; sent < 10_000; sent++) {
      socket.send(packets[sent % packets.length]!, client.port, "127.0.0.1");
      if (sent % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until("an answer", () => answers > 0);
    socket.close();
    assert(answers < sent / 10, `${answers} answers to ${sent} packets`);
    assert(await client.metric("discovery_nodes") === 0);
    const grown = Deno.memoryUsage().rss - memory;
    assert(grown < 100 * 1_048_576, `${grown} bytes more`);
  });
});
