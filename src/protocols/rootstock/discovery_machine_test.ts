import assert from "node:assert/strict";
import { check, DiscoveryScript, NETWORK_ID, scriptPeer } from "./_discovery_script.ts";
import { encodePacket } from "./discovery_packet.ts";
import { nodeDistance } from "./kademlia.ts";
import { NodeKey } from "./secp256k1.ts";

Deno.test("DiscoveryMachine pings boot nodes whose id it does not know, and asks them once they answer", () => {
  check(`
    > boot a b
    to a: ping #1
    to b: ping #2
    > at 100
    > a pong #1
    found a
    > tick
    > at 2100
    > tick
    to a: find-node #3
    > a neighbors #3 c d
    to c: ping #4
    to d: ping #5
    > c pong #4
    found c
  `);
});

Deno.test("DiscoveryMachine answers a Ping with its check, and pings a stranger back before it believes it", () => {
  check(`
    > a ping @7
    to a: pong @7
    to a: ping #1
    > a ping @8
    to a: pong @8
    > a find @9
    dropped: stranger
    > a pong #1
    found a
    > a ping @10
    to a: pong @10
    > a find @11
    to a: neighbors @11
  `);
});

Deno.test("DiscoveryMachine counts a Pong only with its check and from the address that was pinged", () => {
  check(`
    > a ping @1
    to a: pong @1
    to a: ping #1
    > a pong #2
    dropped: unsolicited
    > a pong #1 from b
    dropped: unsolicited
    > a pong #1
    found a
    > a pong #1
    dropped: unsolicited
  `);
});

Deno.test("DiscoveryMachine sends Neighbors to the established address, whatever address asks", () => {
  check(`
    > a meets
    found a
    > b meets
    found b
    > a find @5 from c
    to a: neighbors @5 b
  `);
});

Deno.test("DiscoveryMachine honours Neighbors of the node it asked alone, and once", () => {
  check(`
    > a meets
    found a
    > b meets
    found b
    > at 2000
    > tick
    to a: find-node #3
    to b: find-node #4
    > b neighbors #3 c
    dropped: unsolicited
    > b neighbors #3 c from a
    dropped: unsolicited
    > a neighbors #3 b a c
    to c: ping #5
    > a neighbors #3 d
    dropped: unsolicited
    > at 17000
    > tick
    to c: ping #5
    > b neighbors #4 e
    dropped: unsolicited
  `);
});

Deno.test("DiscoveryMachine ignores another network, and takes a message without one", () => {
  const script = check(`
    > a ping @1 net 7772
    dropped: network
    > a ping @1 net ${2 ** 31}
    dropped: network
  `);
  const { key, ...from } = scriptPeer("a");
  const bytes = encodePacket({
    type: "ping",
    check: "0a967855-cfba-4b1b-9890-f6c931a4a7a0",
    host: "",
    port: 0,
  }, key);
  assert.equal(script.machine.handle({ type: "packet", from, bytes }, 0).length, 2);
});

Deno.test("DiscoveryMachine pings three times, 15 seconds apart, then gives a node up", () => {
  check(`
    > a meets
    found a
    > at 2000
    > tick
    to a: find-node #2
    > at 62000
    > tick
    to a: find-node #3
    to a: ping #4
    > at 76999
    > tick
    > at 77000
    > tick
    to a: ping #4
    > at 92000
    > tick
    to a: ping #4
    > at 107000
    > tick
    lost a
    > a find @1
    dropped: stranger
  `);
});

Deno.test("DiscoveryMachine takes a late Pong, and pings a stranger once", () => {
  check(`
    > restore a b
    to a: ping #1
    to b: ping #2
    > c ping @1
    to c: pong @1
    to c: ping #3
    > at 15000
    > tick
    to a: ping #1
    to b: ping #2
    > a pong #1
    found a
    > c pong #3
    dropped: unsolicited
  `);
});

Deno.test("DiscoveryMachine goes back to the boot nodes only when it knows and expects nobody", () => {
  check(`
    > boot a
    to a: ping #1
    > at 15000
    > tick
    to a: ping #1
    > at 30000
    > tick
    to a: ping #1
    > at 45000
    > tick
    to a: ping #2
    > a pong #2
    found a
    > boot a b
    to b: ping #3
    > at 46000
    > tick
  `);
});

Deno.test("DiscoveryMachine challenges the oldest of a full bucket: an answer keeps it", () => {
  const [first, second, third] = sameBucket();
  check(
    `
    > ${first} meets
    found ${first}
    > ${second} meets
    found ${second}
    > ${third} ping @1
    to ${third}: pong @1
    to ${third}: ping #3
    > ${third} pong #3
    to ${first}: ping #4
    found ${third}
    > ${third} find @2
    to ${third}: neighbors @2 ${[first, second].join(" ")}
    > ${first} pong #4
    > ${third} meets
    to ${second}: ping #6
    found ${third}
  `,
    { bucketSize: 2 },
  );
});

Deno.test("DiscoveryMachine puts the newcomer in the place of an oldest entry that misses three pings", () => {
  const [first, second, third] = sameBucket();
  const script = check(
    `
    > ${first} meets
    found ${first}
    > ${second} meets
    found ${second}
    > ${third} meets
    to ${first}: ping #4
    found ${third}
    > at 15000
    > tick
    to ${first}: ping #4
    to ${first}: find-node #5
    to ${second}: find-node #6
    > at 30000
    > tick
    to ${first}: ping #4
    > at 45000
    > tick
    lost ${first}
    to ${third}: ping #7
    > ${third} pong #7
    found ${third}
  `,
    { bucketSize: 2 },
  );
  assert.equal(script.machine.snapshot().nodes, 2);
});

Deno.test("DiscoveryMachine follows a node to another address, and drops one whose address has another key", () => {
  check(`
    > a meets
    found a
    > a ping @1 from b
    to b: pong @1
    to b: ping #2
    > a pong #2 from b
    found a
    > a find @2 from b
    to b: neighbors @2
    > restore c
    to c: ping #3
    > c pong #3
    found c
    > at 62000
    > tick
    to b: find-node #4
    to c: find-node #5
    > at 122000
    > tick
    to c: find-node #6
    to b: find-node #7
    to c: ping #8
    to b: ping #9
    > c1 pong #8 from c
    lost c
    found c1
  `);
});

Deno.test("DiscoveryMachine has nothing to do with who is banned", () => {
  const banned = new Set<string>();
  const script = new DiscoveryScript({}, {
    isBanned: (id, host) => banned.has(id ?? "") || banned.has(host),
  });
  assert.deepEqual(script.run("a meets"), ["found a"]);
  assert.deepEqual(script.run("b meets"), ["found b"]);
  banned.add(script.peer("a").id).add(script.peer("c").host).add(script.peer("d").id);
  assert.deepEqual(script.run("ban a"), ["lost a"]);
  assert.deepEqual(script.run("a ping @1"), ["dropped: banned"]);
  assert.deepEqual(script.run("c ping @1"), ["dropped: banned"]);
  assert.deepEqual(script.run("restore a c d e"), ["to e: ping #3"]);
});

Deno.test("DiscoveryMachine drops its own packets and addresses that cannot be answered", () => {
  const script = new DiscoveryScript();
  const own = { key: new NodeKey(new Uint8Array(32).fill(0xee)) };
  const ping = { type: "ping", check: "0a967855-cfba-4b1b-9890-f6c931a4a7a0", host: "", port: 0 } as const;
  const bytes = encodePacket({ ...ping, networkId: NETWORK_ID }, own.key);
  const from = (host: string, port = 5050) =>
    script.machine.handle({ type: "packet", from: { host, port }, bytes }, 0);
  assert.deepEqual(from("192.0.2.1"), []);
  for (const host of ["0.0.0.0", "224.0.0.1", "name.example", "::"]) assert.deepEqual(from(host), []);
  assert.deepEqual(from("192.0.2.1", 0), []);
  assert.deepEqual(script.machine.snapshot().packetsDropped, { self: 1, address: 5 });
});

Deno.test("DiscoveryMachine believes no addresses that the teller cannot know, and tells none", () => {
  const script = new DiscoveryScript();
  script.run("a meets");
  script.run("at 2000");
  assert.deepEqual(script.run("tick"), ["to a: find-node #2"]);
  const { key, ...from } = scriptPeer("a");
  const nodes = ["127.0.0.1", "10.1.2.3", "0.0.0.0", "ff02::1", "name.example", "8.8.8.8"]
    .map((host, i) => ({ id: scriptPeer(`k${i}`).id, host, port: 5050 }));
  const bytes = encodePacket(
    { type: "neighbors", check: "00000000-0000-4000-8000-000000000002", nodes, networkId: NETWORK_ID },
    key,
  );
  const effects = script.machine.handle({ type: "packet", from, bytes }, 2_100);
  assert.deepEqual(effects.map((effect) => effect.type === "send" && effect.to.host), ["8.8.8.8"]);
});

/** Names of three peers that lie in one bucket of the script's machine. */
function sameBucket(): [string, string, string] {
  const { id } = new DiscoveryScript().machine;
  const names = [..."abcdefghijklmno"].filter((name) => nodeDistance(id, scriptPeer(name).id) === 256);
  assert(names.length >= 3);
  return names.slice(0, 3) as [string, string, string];
}
