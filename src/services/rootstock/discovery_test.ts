import assert from "node:assert/strict";
import { RecordingLog } from "../../kernel/_testing.ts";
import { SYSTEM_CLOCK } from "../../kernel/clock.ts";
import { CairnError } from "../../kernel/errors.ts";
import { MAX_PACKET_BYTES } from "../../protocols/rootstock/discovery_packet.ts";
import type { Endpoint } from "../../protocols/rootstock/discovery_events.ts";
import { NodeKey } from "../../protocols/rootstock/secp256k1.ts";
import { Discovery, type DiscoveryOptions } from "./discovery.ts";
import { DiscoverySocket } from "./discovery_socket.ts";

interface Opened {
  readonly discovery: Discovery;
  readonly found: Map<string, Endpoint>;
}

async function open(key: number, options: Partial<DiscoveryOptions> = {}): Promise<Opened> {
  const found = new Map<string, Endpoint>();
  const discovery = await Discovery.open({
    key: new NodeKey(new Uint8Array(32).fill(key)),
    networkId: 7_771,
    host: "127.0.0.1",
    port: 0,
    bootHosts: [],
    config: { firstLookupMs: 100 },
    ...options,
  }, {
    clock: SYSTEM_CLOCK,
    log: new RecordingLog(),
    onFound: ({ id, host, port }) => found.set(id, { host, port }),
  });
  return { discovery, found };
}

async function until(isTrue: () => boolean, timeoutMs = 20_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!isTrue()) {
    assert(Date.now() < endMs, "waited too long");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether this machine has the address; a sandbox may lack IPv6. */
async function hasAddress(host: string): Promise<boolean> {
  try {
    await using _socket = await DiscoverySocket.open({ host, port: 0 }, {
      log: new RecordingLog(),
      onPacket: () => {},
    });
    return true;
  } catch {
    return false;
  }
}

const hasV6 = await hasAddress("::1");

Deno.test("Discovery: three nodes find each other over real sockets, through one of them", async () => {
  const a = await open(1);
  await using _a = a.discovery;
  const bootHosts = [{ host: "localhost", port: a.discovery.endpoint.port }];
  const b = await open(2, { bootHosts });
  await using _b = b.discovery;
  const c = await open(3, { bootHosts });
  await using _c = c.discovery;
  const all = [a, b, c];
  await until(() => all.every(({ discovery }) => discovery.nodes().length === 2));
  for (const { discovery, found } of all) {
    for (const { discovery: other } of all) {
      if (other.id !== discovery.id) assert.deepEqual(found.get(other.id), other.endpoint);
    }
    const { packetsDropped, sendFailures } = discovery.snapshot();
    assert.equal(sendFailures, 0);
    // What is asked before the other side has its Pong is asked again later.
    assert.deepEqual(Object.keys(packetsDropped).filter((reason) => reason !== "stranger"), []);
  }
});

Deno.test("Discovery takes up a known table without a boot node, and lets go of who is banned", async () => {
  const a = await open(1);
  await using _a = a.discovery;
  const b = await open(2, { known: [{ id: a.discovery.id, ...a.discovery.endpoint }] });
  await using _b = b.discovery;
  await until(() => b.discovery.nodes().length === 1 && a.discovery.nodes().length === 1);
  b.discovery.banned({ id: a.discovery.id });
  assert.equal(b.discovery.nodes().length, 0);
});

Deno.test("Discovery closes at once, and twice", async () => {
  const { discovery } = await open(1, {
    bootHosts: [{ host: "127.0.0.1", port: 9 }, { host: "localhost", port: 9 }],
  });
  await discovery[Symbol.asyncDispose]();
  await discovery[Symbol.asyncDispose]();
});

for (const [host, to] of [["127.0.0.1", "127.0.0.1"], ["::1", "::1"]] as const) {
  Deno.test({
    name: `DiscoverySocket carries packets of up to ${MAX_PACKET_BYTES} bytes over ${host}`,
    ignore: host === "::1" && !hasV6,
    fn: async () => {
      const received: { readonly from: Endpoint; readonly bytes: Uint8Array }[] = [];
      const log = new RecordingLog();
      await using b = await DiscoverySocket.open({ host, port: 0 }, {
        log,
        onPacket: (from, bytes) => received.push({ from, bytes: bytes.slice() }),
      });
      await using a = await DiscoverySocket.open({ host, port: 0 }, { log, onPacket: () => {} });
      for (const [i, size] of [98, 1_280, 2_400, MAX_PACKET_BYTES].entries()) {
        a.send({ host: to, port: b.endpoint.port }, new Uint8Array(size).fill(i + 1));
        await until(() => received.length === i + 1);
        assert.deepEqual(received[i], { from: a.endpoint, bytes: new Uint8Array(size).fill(i + 1) });
      }
      assert.deepEqual(a.counts, { sendFailures: 0, sendOverflows: 0 });
      assert.deepEqual(log.lines, []);
    },
  });
}

Deno.test("DiscoverySocket counts what it cannot send, and stays open", async () => {
  const log = new RecordingLog();
  let packets = 0;
  await using b = await DiscoverySocket.open({ host: "127.0.0.1", port: 0 }, {
    log,
    onPacket: () => packets++,
  });
  await using a = await DiscoverySocket.open({ host: "127.0.0.1", port: 0 }, { log, onPacket: () => {} });
  a.send({ host: "::1", port: 5050 }, new Uint8Array(98));
  a.send({ host: "127.0.0.1", port: b.endpoint.port }, new Uint8Array(70_000));
  await until(() => a.counts.sendFailures === 2);
  for (let i = 0; i < 300; i++) a.send({ host: "127.0.0.1", port: b.endpoint.port }, new Uint8Array(98));
  assert.equal(a.counts.sendOverflows, 44);
  await until(() => packets === 256);
});

Deno.test("DiscoverySocket.open() says which address is taken, and which is none", async () => {
  const deps = { log: new RecordingLog(), onPacket: () => {} };
  await using a = await DiscoverySocket.open({ host: "127.0.0.1", port: 0 }, deps);
  const code = async (host: string, port: number) => {
    try {
      await using _socket = await DiscoverySocket.open({ host, port }, deps);
      return "open";
    } catch (error) {
      assert(error instanceof CairnError);
      return error.code;
    }
  };
  assert.equal(await code("127.0.0.1", a.endpoint.port), "ADDRESS_IN_USE");
  assert.equal(await code("localhost", 0), "SERVICE_START_FAILED");
});

Deno.test({
  name: "DiscoverySocket.open() refuses an address that is not permitted",
  permissions: { net: ["127.0.0.1"] },
  fn: async () => {
    const open = DiscoverySocket.open({ host: "0.0.0.0", port: 0 }, {
      log: new RecordingLog(),
      onPacket: () => {},
    });
    await assert.rejects(open, { code: "SERVICE_START_FAILED" });
  },
});
