import assert from "node:assert/strict";
import fc from "fast-check";
import { check, peerNode, PeerScript } from "./_peer_script.ts";
import type { PeerEvent } from "./peer_events.ts";
import { PeerMachine } from "./peer_machine.ts";

Deno.test("PeerMachine dials until it has its target of peers, so many at a time", () => {
  check(
    `
    > found a b c d
    > tick
    dial a
    dial b
    > tick
    > 1 out a
    > tick
    dial c
    > 2 out b
    > 3 out c
    > tick
    > 2 gone
    > tick
    dial d
  `,
    { targetPeers: 3, maxDials: 2 },
  );
});

Deno.test("PeerMachine waits longer after each failure, and forgets who fails too often", () => {
  // random() is 0: three quarters of the back-off.
  check(
    `
    > found a
    > tick
    dial a
    > a failed
    > at 7499
    > tick
    > at 7500
    > tick
    dial a
    > a failed
    > at 22499
    > tick
    > at 22500
    > tick
    dial a
    > a failed
    forget a
    > at 99999
    > tick
  `,
    { maxFailures: 3 },
  );
});

Deno.test("PeerMachine gives up a dial that nobody reports on", () => {
  check(`
    > found a
    > tick
    dial a
    > at 29999
    > tick
    > at 30000
    > tick
    > at 37500
    > tick
    dial a
  `);
});

Deno.test("PeerMachine stays away for long from peers of another network or genesis, and a while from full ones", () => {
  const again = (reason: string) => {
    const script = check(`
      > found a
      > tick
      dial a
      > 1 out a
      > 1 gone ${reason}
    `);
    for (let s = 1; s <= 3_600; s++) {
      script.nowMs = s * 1_000;
      if (script.run("tick").length > 0) return s;
    }
    return Infinity;
  };
  assert.equal(again(""), 8);
  assert.equal(again("too-many-peers"), 45);
  assert.equal(again("unexpected-genesis"), 1_350);
  assert.equal(again("null-identity"), 1_350);
});

Deno.test("PeerMachine cuts off who shows no fitting Status, and who stops answering", () => {
  check(`
    > found a b
    > tick
    dial a
    dial b
    > 1 out a
    > 2 meets b
    > at 30000
    > tick
    close 1 a: useless-peer
    > b scored timeout-message
    > b scored timeout-message
    > b served 192 1000
    > b scored timeout-message
    > b scored timeout-message
    > b scored timeout-message
    close 2 b: useless-peer
    > b scored timeout-message
  `);
});

Deno.test("PeerMachine dials two of a range and takes sixteen connections with it; loopback is exempt", () => {
  const script = check(
    `
    > found a a1 a2 a3 b
    > tick
    dial a
    dial a1
    dial b
  `,
    { maxDials: 8, maxInbound: 40, maxHandshakes: 40 },
  );
  const node = peerNode("q");
  const effects = (n: number, host: string) => {
    const { machine } = script;
    const connection = 100 + n;
    const peer = n.toString(16).padStart(128, "0");
    return [
      ...machine.handle({ type: "incoming", connection, host }, 0),
      ...machine.handle({ type: "connected", connection, peer, host, port: 1, direction: "inbound" }, 0),
    ];
  };
  for (let n = 0; n < 16; n++) assert.deepEqual(effects(n, `198.17.${n}.1`), []);
  const refused = effects(16, node.host);
  assert(
    refused.length > 0 &&
      refused.every((one) => one.type === "disconnect" && one.reason === "too-many-peers"),
  );
  for (let n = 20; n < 40; n++) assert.deepEqual(effects(n, "127.0.0.1"), []);
});

Deno.test("PeerMachine bounds inbound connections before and after they say who they are", () => {
  check(
    `
    > 1 incoming a
    > 2 incoming a
    > 3 incoming a
    close 3: too-many-peers
    > 4 incoming b
    > 5 incoming c
    close 5: too-many-peers
    > 1 gone
    > 5 incoming c
    > 2 in a
    > 4 in b
    close 4: too-many-peers
    > 5 in t
    > 6 incoming d
  `,
    { maxHandshakes: 3, maxHandshakesPerHost: 2, maxInbound: 1 },
    { trustedPeers: [peerNode("t").id] },
  );
});

Deno.test("PeerMachine refuses a second connection with a peer, and one with itself", () => {
  const script = check(`
    > found a
    > tick
    dial a
    > 1 incoming a
    > 1 in a
    > 2 out a
    close 2: duplicate-peer
    > 2 gone
    > 1 gone
    > at 7500
    > tick
    dial a
  `);
  const peer = "ff".repeat(64);
  const [effect] = script.machine.handle(
    { type: "connected", connection: 9, peer, host: "198.51.100.1", port: 1, direction: "outbound" },
    0,
  );
  assert.deepEqual(effect, { type: "disconnect", connection: 9, reason: "local-identity" });
});

Deno.test("PeerMachine dials half of its peers itself, however many dial it", () => {
  check(
    `
    > found a b c d
    > 1 in m
    > 2 in n
    > 3 in o
    > 4 in p
    > tick
    dial a
    dial b
  `,
    { targetPeers: 4 },
  );
});

Deno.test("PeerMachine bans id and address of a peer that sends an invalid header, and everybody behind that address", () => {
  check(`
    > found a b
    > tick
    dial a
    dial b
    > 1 meets a
    > 2 meets b
    > a scored invalid-header
    ban id a until 720000
    ban address a until 720000
    close 1 a: bad-protocol
    > 3 incoming a
    close 3: bad-protocol
    > 4 in a
    close 4: bad-protocol
    > found a
    > at 719999
    > tick
    > at 720000
    > tick
    unban id a
    unban address a
    > at 1350000
    > tick
    dial a
  `);
});

Deno.test("PeerMachine bans no loopback address: a test network shares it", () => {
  const script = new PeerScript();
  const connect = (connection: number, peer: string) =>
    script.machine.handle(
      { type: "connected", connection, peer, host: "127.0.0.1", port: 5_050, direction: "inbound" },
      0,
    );
  assert.deepEqual(connect(1, "aa".repeat(64)), []);
  assert.deepEqual(connect(2, "bb".repeat(64)), []);
  const effects = script.machine.handle({ type: "scored", peer: "aa".repeat(64), event: "invalid-block" }, 0);
  assert.deepEqual(effects.map(({ type }) => type), ["ban", "disconnect"]);
  assert.equal(script.machine.peers().length, 1);
});

Deno.test("PeerMachine replaces a peer that serves less than a quarter of the median, if there is another to try", () => {
  check(
    `
    > found a b c
    > tick
    dial a
    dial b
    dial c
    > 1 meets a
    > 2 meets b
    > 3 meets c
    > a served 192 100
    > b served 192 120
    > c served 192 2000
    > at 60000
    > tick
    > found d
    > tick
    close 3 c: useless-peer
    dial d
    > 4 meets d
    > at 120000
    > tick
  `,
    { targetPeers: 3 },
  );
});

Deno.test("PeerMachine always dials static peers, keeps them, and never waits long for them", () => {
  const nodes = ["s", "t"].map(peerNode);
  const script = check(
    `
    > found a b
    > tick
    dial s
    dial t
    > 1 meets s
    > 2 meets t
    > at 60000
    > tick
    > 1 gone too-many-peers
    > at 104999
    > tick
    dial a
    > at 105000
    > tick
    dial s
  `,
    { targetPeers: 2, maxOutbound: 2, maxInbound: 0 },
    { staticPeers: nodes },
  );
  assert.equal(script.machine.snapshot().candidates, 4);
});

Deno.test("PeerMachine says goodbye to all at stop, and nothing happens afterwards", () => {
  const script = check(`
    > found a b
    > tick
    dial a
    dial b
    > 1 meets a
    > 2 incoming m
    > stop
    close 1 a: peer-quitting
    close 2: peer-quitting
    > 1 gone
    > 3 out b
    close 3: peer-quitting
    > 4 incoming n
    close 4: peer-quitting
    > at 999999
    > tick
  `);
  assert.deepEqual({ ...script.machine.snapshot(), candidates: 0 }, {
    inbound: 0,
    outbound: 0,
    healthy: 0,
    handshakes: 0,
    dials: 0,
    candidates: 0,
    bans: 0,
  });
});

Deno.test("PeerMachine takes up where it was after a restart", () => {
  const before = new PeerScript();
  before.run("found a b");
  before.run("tick");
  before.run("1 meets a");
  const effects = [
    ...before.machine.handle({ type: "healthy", peer: peerNode("a").id }, 5_000),
    ...before.machine.handle({ type: "dial-failed", peer: peerNode("b").id }, 5_000),
    ...before.machine.handle({ type: "scored", peer: peerNode("a").id, event: "invalid-header" }, 6_000),
  ];
  const peers = effects.flatMap((effect) => effect.type === "remember" ? [effect.record] : []);
  const bans = effects.flatMap((effect) => effect.type === "ban" ? [effect.ban] : []);
  assert.deepEqual(peers.map(({ healthyMs, failures }) => [healthyMs, failures]), [
    [5_000, 0],
    [undefined, 1],
    [5_000, 1],
  ]);
  const after = new PeerScript();
  after.machine.handle({ type: "restore", peers, bans }, 7_000);
  after.nowMs = 7_000;
  assert.deepEqual(after.run("tick"), ["dial b"]);
  assert(after.machine.isBanned(peerNode("a").id, "198.51.100.1", 7_000));
  assert(after.machine.isBanned(undefined, peerNode("a").host, 7_000));
});

Deno.test("PeerMachine knows a thousand nodes, and of each range sixteen", () => {
  const machine = new PeerMachine({ ownId: "ff".repeat(64), random: () => 0.5 });
  const found = (n: number, host: string, nowMs: number) =>
    machine.handle({ type: "node-found", id: n.toString(16).padStart(128, "0"), host, port: 5_050 }, nowMs);
  for (let n = 0; n < 100; n++) found(n, `192.0.2.${n}`, 1);
  assert.equal(machine.snapshot().candidates, 16);
  for (let n = 1_000; n < 6_000; n++) found(n, `10.${n >>> 8}.${n & 255}.1`, n);
  assert.equal(machine.snapshot().candidates, 1_000);
  for (const host of ["0.0.0.0", "name.example", "224.1.1.1"]) assert.deepEqual(found(9, host, 9_000), []);
});

const node = fc.constantFrom(..."abcdefgh").chain((letter) =>
  fc.constantFrom("", "1", "2", "3").map((digit) => peerNode(letter + digit))
);
const connection = fc.nat(30);
const events: fc.Arbitrary<PeerEvent> = fc.oneof(
  node.map((found) => ({ type: "node-found" as const, ...found })),
  fc.tuple(connection, node).map(([id, { host }]) => ({ type: "incoming" as const, connection: id, host })),
  fc.tuple(connection, node, fc.boolean()).map(([id, { id: peer, host, port }, isInbound]) => ({
    type: "connected" as const,
    connection: id,
    peer,
    host,
    port,
    direction: isInbound ? "inbound" as const : "outbound" as const,
  })),
  node.map(({ id }) => ({ type: "dial-failed" as const, peer: id })),
  connection.map((id) => ({ type: "gone" as const, connection: id })),
  node.map(({ id }) => ({ type: "healthy" as const, peer: id })),
  fc.tuple(
    node,
    fc.constantFrom("invalid-header" as const, "timeout-message" as const, "valid-block" as const),
  )
    .map(([{ id }, event]) => ({ type: "scored" as const, peer: id, event })),
  fc.constant({ type: "tick" as const }),
);

Deno.test("PeerMachine stays within its limits whatever happens", () => {
  const config = {
    targetPeers: 6,
    maxOutbound: 4,
    maxInbound: 3,
    maxPerRange: 3,
    maxHandshakes: 5,
    maxDials: 2,
  };
  fc.assert(fc.property(fc.array(fc.tuple(events, fc.nat(20_000)), { maxLength: 200 }), (steps) => {
    const machine = new PeerMachine({ ownId: "ff".repeat(64), random: () => 0.5, config });
    const dialled = new Set<string>();
    const used = new Set<number>();
    let nowMs = 0;
    for (const [event, elapsedMs] of steps) {
      // The driver gives each connection a number of its own, and connects only whom it was told to dial.
      if (event.type === "connected") {
        if (used.has(event.connection)) continue;
        if (event.direction === "outbound" && !dialled.delete(event.peer)) continue;
        used.add(event.connection);
      }
      nowMs += elapsedMs;
      for (const effect of machine.handle(event, nowMs)) if (effect.type === "dial") dialled.add(effect.peer);
      const { inbound, outbound, dials, handshakes } = machine.snapshot();
      assert(inbound <= 3 && outbound <= 4 && dials <= 2 && handshakes <= 5);
      const ranges = new Map<string, number>();
      for (const { host, id } of machine.peers()) {
        const range = host.split(".")[1]!;
        ranges.set(range, (ranges.get(range) ?? 0) + 1);
        assert(ranges.get(range)! <= 3);
        assert(!machine.isBanned(id, host, nowMs));
      }
    }
  }));
});
