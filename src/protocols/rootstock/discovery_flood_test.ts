import assert from "node:assert/strict";
import { countingBytes, NETWORK_ID } from "./_discovery_script.ts";
import type { DiscoveryEffect, Endpoint } from "./discovery_events.ts";
import { DiscoveryMachine } from "./discovery_machine.ts";
import { checkFrom, encodePacket, inspectPacket, SECP256K1_SIGNATURES } from "./discovery_packet.ts";
import { nodeDistance } from "./kademlia.ts";
import { PacketBudget } from "./packet_budget.ts";
import { parseIpAddress } from "./ip_address.ts";
import { NodeKey } from "./secp256k1.ts";

/** A machine that counts the signatures it looks at. */
function makeMachine() {
  const counts = { recovered: 0 };
  const machine = new DiscoveryMachine({
    key: new NodeKey(new Uint8Array(32).fill(0xee)),
    networkId: NETWORK_ID,
    self: { host: "203.0.113.1", port: 30_303 },
    randomBytes: countingBytes(),
    random: () => 0,
    signatures: {
      ...SECP256K1_SIGNATURES,
      recover: (hash, signature) => {
        counts.recovered++;
        return SECP256K1_SIGNATURES.recover(hash, signature);
      },
    },
  });
  return { machine, counts };
}

const keyAt = (n: number) => {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(28, n + 1);
  return new NodeKey(key);
};
const check = checkFrom(new Uint8Array(16).fill(0xab));
const pingOf = (key: NodeKey) =>
  encodePacket({ type: "ping", check, host: "192.0.2.1", port: 5_050, networkId: NETWORK_ID }, key);

/** Answers the Ping among the effects, if there is one. */
function answer(
  machine: DiscoveryMachine,
  key: NodeKey,
  effects: readonly DiscoveryEffect[],
  nowMs: number,
) {
  for (const effect of effects) {
    if (effect.type !== "send") continue;
    const seen = inspectPacket(effect.bytes);
    if (!seen.ok || seen.packet.message.type !== "ping") continue;
    const pong = { ...seen.packet.message, type: "pong" } as const;
    return machine.handle({ type: "packet", from: effect.to, bytes: encodePacket(pong, key) }, nowMs);
  }
  return [];
}

const meet = (machine: DiscoveryMachine, key: NodeKey, from: Endpoint, nowMs: number) =>
  answer(machine, key, machine.handle({ type: "packet", from, bytes: pingOf(key) }, nowMs), nowMs);

Deno.test("DiscoveryMachine: thousands of packets from one address cost 32 signatures, and keep nobody else out", () => {
  const { machine, counts } = makeMachine();
  const packets = Array.from({ length: 20 }, (_, n) => pingOf(keyAt(n)));
  for (let i = 0; i < 5_000; i++) {
    const from = { host: "198.51.100.9", port: 1_024 + i };
    machine.handle({ type: "packet", from, bytes: packets[i % packets.length]! }, 0);
  }
  assert.equal(counts.recovered, 32);
  const { packetsDropped, pings, senders } = machine.snapshot();
  assert.deepEqual(packetsDropped, { "sender-budget": 5_000 - 32 });
  assert.equal(pings, 4);
  assert.equal(senders, 1);
  const key = keyAt(1_000);
  const found = meet(machine, key, { host: "192.0.2.1", port: 5_050 }, 0);
  assert.equal(found[0]?.type, "node-found");
});

Deno.test("DiscoveryMachine: a flood from forged addresses stays in its budget, and known nodes go on", () => {
  const { machine, counts } = makeMachine();
  const friend = keyAt(1_000);
  const home = { host: "192.0.2.1", port: 5_050 };
  meet(machine, friend, home, 0);
  const before = counts.recovered;
  const bytes = pingOf(keyAt(1));
  let sentBytes = 0;
  for (let i = 0; i < 20_000; i++) {
    const host = `${11 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}.1`;
    for (const effect of machine.handle({ type: "packet", from: { host, port: 5_050 }, bytes }, 1_000)) {
      if (effect.type === "send") sentBytes += effect.bytes.length;
    }
  }
  // What the friend took came back in the second since: the whole burst, and no more.
  assert.equal(counts.recovered - before, 60);
  const { senders, pings, packetsDropped, guests } = machine.snapshot();
  assert.equal(senders, 4_096);
  assert(pings <= 128 && guests === 0);
  assert.equal(packetsDropped["global-budget"], 20_000 - 60);
  assert(sentBytes < bytes.length * 20_000 / 50, "a fiftieth of what came in");
  const ask = encodePacket(
    { type: "find-node", check, target: new Uint8Array(64), networkId: NETWORK_ID },
    friend,
  );
  const [reply] = machine.handle({ type: "packet", from: home, bytes: ask }, 1_000);
  assert(reply?.type === "send" && reply.to.host === home.host);
  // Nor does it come back: those addresses are not pinged again.
  let later = 0;
  for (let s = 2; s < 60; s++) later += machine.handle({ type: "tick" }, s * 1_000).length;
  assert(later <= 2, `${later} packets`);
  assert.equal(machine.snapshot().pings, 0);
});

Deno.test("DiscoveryMachine: a forged Ping costs its victim two packets of its own size, and no more", () => {
  const { machine } = makeMachine();
  const bytes = pingOf(keyAt(1));
  const victim = { host: "198.51.100.1", port: 53 };
  let sentBytes = 0;
  const count = (effects: readonly DiscoveryEffect[]) => {
    for (const effect of effects) if (effect.type === "send") sentBytes += effect.bytes.length;
  };
  count(machine.handle({ type: "packet", from: victim, bytes }, 0));
  for (let s = 1; s < 120; s++) count(machine.handle({ type: "tick" }, s * 1_000));
  assert(sentBytes <= 2.1 * bytes.length, `${sentBytes} of ${bytes.length}`);
});

Deno.test("DiscoveryMachine: replayed packets prove nothing", () => {
  const { machine } = makeMachine();
  const key = keyAt(1);
  const home = { host: "192.0.2.1", port: 5_050 };
  const elsewhere = { host: "198.51.100.1", port: 5_050 };
  const ping = machine.handle({ type: "packet", from: home, bytes: pingOf(key) }, 0)[1];
  assert(ping?.type === "send");
  const seen = inspectPacket(ping.bytes);
  assert(seen.ok && seen.packet.message.type === "ping");
  const pong = encodePacket({ ...seen.packet.message, type: "pong" }, key);
  assert.deepEqual(machine.handle({ type: "packet", from: elsewhere, bytes: pong }, 0), []);
  assert.equal(machine.handle({ type: "packet", from: home, bytes: pong }, 0)[0]?.type, "node-found");
  for (const from of [home, elsewhere]) {
    assert.deepEqual(machine.handle({ type: "packet", from, bytes: pong }, 1), []);
  }
  // A Ping of a node that is established, from another address: it is asked there, and stays where it is.
  const effects = machine.handle({ type: "packet", from: elsewhere, bytes: pingOf(key) }, 2);
  assert.deepEqual(effects.map(({ type }) => type), ["send", "send"]);
  assert.deepEqual(machine.nodes(), [{ id: machine.nodes()[0]!.id, ...home }]);
});

Deno.test("DiscoveryMachine: one address fills no bucket, however many ids it makes", () => {
  const { machine } = makeMachine();
  for (let n = 0; n < 100; n++) meet(machine, keyAt(n), { host: "198.51.100.9", port: 2_000 + n }, n * 1_000);
  const nodes = machine.nodes();
  assert(nodes.length <= 10);
  const buckets = new Map<number, number>();
  for (const { id } of nodes) {
    const bucket = nodeDistance(machine.id, id);
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
  }
  assert([...buckets.values()].every((count) => count <= 2));
  assert(machine.snapshot().guests <= 100);
  // On loopback, where a test network lives, it may.
  for (let n = 0; n < 40; n++) {
    meet(machine, keyAt(1_000 + n), { host: "127.0.0.1", port: 2_000 + n }, 200_000 + n);
  }
  assert(machine.nodes().filter(({ host }) => host === "127.0.0.1").length >= 16);
});

Deno.test("DiscoveryMachine: malformed packets of every kind cost no signature", () => {
  const { machine, counts } = makeMachine();
  const good = pingOf(keyAt(1));
  const from = { host: "192.0.2.1", port: 5_050 };
  let at = 0;
  for (
    const bytes of [good.subarray(0, 90), new Uint8Array(9_000), good.with(0, 1 ^ good[0]!), good.with(97, 9)]
  ) {
    at += 1_000;
    assert.deepEqual(machine.handle({ type: "packet", from, bytes }, at), []);
  }
  assert.equal(counts.recovered, 0);
  assert.deepEqual(machine.snapshot().packetsDropped, { short: 1, long: 1, digest: 1, type: 1 });
});

Deno.test("PacketBudget gives a sender its rate, IPv6 a budget for each /64, loopback one for each port", () => {
  const budget = new PacketBudget({ perSender: { burst: 2, perSecond: 1 }, maxSenders: 3 });
  const admit = (host: string, port: number, nowMs: number) =>
    budget.admit(parseIpAddress(host)!, port, nowMs) === undefined;
  assert.deepEqual([admit("192.0.2.1", 1, 0), admit("192.0.2.1", 2, 0), admit("192.0.2.1", 3, 0)], [
    true,
    true,
    false,
  ]);
  assert.deepEqual([admit("192.0.2.1", 1, 999), admit("192.0.2.1", 1, 1_000)], [false, true]);
  assert.deepEqual([admit("2001:db8::1", 1, 0), admit("2001:db8::2", 1, 0), admit("2001:db8::3", 1, 0)], [
    true,
    true,
    false,
  ]);
  assert(admit("2001:db8:0:1::1", 1, 0));
  for (let port = 1; port <= 9; port++) assert(admit("127.0.0.1", port, 0));
  assert.equal(budget.senders, 3);
  // A clock that is set back gives nothing and takes nothing.
  assert.deepEqual([admit("192.0.2.9", 1, 5_000), admit("192.0.2.9", 1, 0), admit("192.0.2.9", 1, 0)], [
    true,
    true,
    false,
  ]);
});
