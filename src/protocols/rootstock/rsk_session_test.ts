import assert from "node:assert/strict";
import fc from "fast-check";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { connect, pump, RawPeer, seededBytes, sessionOptions } from "./_wire.ts";
import { encodeEthStatus } from "./eth_status.ts";
import { decodeDisconnect, decodeHello, encodeDisconnect, encodeHello } from "./p2p_messages.ts";
import { joinBytes } from "./growing_bytes.ts";
import { InitiatorHandshake, ReplayGuard } from "./rlpx_handshake.ts";
import { encodeRskMessage } from "./rsk_encode.ts";
import type { RskMessage } from "./rsk_message.ts";
import { RskSession } from "./rsk_session.ts";
import { NodeKey } from "./secp256k1.ts";
import type { SessionEvent } from "./session_events.ts";
import { snappyCompress } from "./snappy.ts";

const types = (events: readonly SessionEvent[]) => events.map(({ type }) => type);
const HELLO = {
  p2pVersion: 4,
  clientId: "raw",
  capabilities: [{ name: "rsk", version: 62 }],
  listenPort: 1,
  nodeId: new Uint8Array(64),
};
const { genesisHash, status } = sessionOptions(1);
const ETH_STATUS = {
  protocolVersion: 62,
  networkId: 7771,
  totalDifficulty: 1n,
  bestHash: genesisHash,
  genesisHash,
};
const REQUEST: RskMessage = { type: "block-hash-request", id: 1n, height: 25 };
const WELCOME = ["handshaken", "hello", "eth-status", "status"];

/** A raw peer whose session is open. */
function openPeer(overrides: Parameters<typeof sessionOptions>[1] = {}): RawPeer {
  const peer = new RawPeer(overrides);
  assert.deepEqual(types(peer.send(0, encodeHello(HELLO))), ["hello"]);
  assert.deepEqual(types(peer.send(0x10, encodeEthStatus(ETH_STATUS))), ["eth-status"]);
  assert.equal(peer.session.state, "open");
  return peer;
}

for (const form of ["eip8", "plain"] as const) {
  Deno.test(`RskSession, ${form}: two sessions open, talk and part`, () => {
    using pair = connect({ form });
    const { initiator, responder, said } = pair;
    assert.deepEqual(types(said.a), WELCOME);
    assert.deepEqual(types(said.b), WELCOME);
    assert.deepEqual(said.b[3], { type: "status", status });
    assert.equal(initiator.remoteId!.toHex(), sessionOptions(2).key.id.toHex());
    assert.equal(responder.remoteId!.toHex(), sessionOptions(1).key.id.toHex());
    assert(initiator.send(REQUEST));
    assert.deepEqual(pump(initiator, responder).b, [{ type: "message", message: REQUEST }]);
    responder.disconnect("peer-quitting");
    assert.deepEqual(pump(initiator, responder).a, [{ type: "disconnect", reason: "peer-quitting" }]);
    assert.deepEqual([initiator.state, responder.state], ["closed", "closed"]);
    assert.equal(initiator.send(REQUEST), false);
    assert.deepEqual(initiator.receive(new Uint8Array(100), 0), []);
  });

  Deno.test(`RskSession, ${form}: bytes that come one at a time say the same`, () => {
    const responderOptions = sessionOptions(2);
    const initiator = new RskSession(
      { ...sessionOptions(1), role: "initiator", remoteId: responderOptions.key.id, form },
      0,
    );
    const responder = new RskSession(
      { ...responderOptions, role: "responder", replays: new ReplayGuard() },
      0,
    );
    const said = { a: [] as SessionEvent[], b: [] as SessionEvent[] };
    while (initiator.outputBytes + responder.outputBytes > 0) {
      for (const byte of initiator.takeOutput()) said.b.push(...responder.receive(Uint8Array.of(byte), 0));
      for (const byte of responder.takeOutput()) said.a.push(...initiator.receive(Uint8Array.of(byte), 0));
    }
    assert.deepEqual(types(said.a), WELCOME);
    assert.deepEqual(types(said.b), WELCOME);
    initiator.close();
    responder.close();
  });
}

Deno.test("RskSession: what we send to stay with rskj: Hello at once, then both Status, and Pong", () => {
  using peer = new RawPeer();
  assert.deepEqual(peer.received.map(({ code }) => code), [0]);
  const hello = decodeHello(peer.received[0]!.payload);
  assert.equal(hello.p2pVersion, 4);
  assert.deepEqual(hello.capabilities, [{ name: "rsk", version: 62 }]);
  peer.send(0, encodeHello({ ...HELLO, clientId: "Ethereum(J)/v9.1.0/Linux/Dev/Java/RegTest" }));
  const [eth, rsk] = peer.received.slice(1);
  assert.equal(eth!.code, 0x10);
  assert.equal(eth!.payload.toHex(), encodeEthStatus(ETH_STATUS).toHex());
  assert.equal(rsk!.code, 0x18);
  assert.equal(rsk!.payload.toHex(), encodeRskMessage({ type: "status", status }).toHex());
  peer.send(0x10, encodeEthStatus(ETH_STATUS));
  peer.send(0x18, encodeRskMessage({ type: "status", status }));
  assert.equal(peer.received.length, 3);
  peer.send(2, Uint8Array.of(0xc0));
  assert.deepEqual([peer.received[3]!.code, peer.received[3]!.payload.toHex()], [3, "c0"]);
});

Deno.test("RskSession: what ends a connection, how it is called, and what the peer is told", () => {
  const hello = (overrides: Partial<typeof HELLO>) => encodeHello({ ...HELLO, ...overrides });
  const cases: [open: boolean, code: number, payload: Uint8Array, fault: string, told: string | undefined][] =
    [
      [false, 0x10, encodeEthStatus(ETH_STATUS), "unexpected-message", "bad-protocol"],
      [false, 2, Uint8Array.of(0xc0), "unexpected-message", "bad-protocol"],
      [false, 0, hello({ p2pVersion: 3 }), "incompatible-version", "incompatible-protocol"],
      [false, 0, hello({ p2pVersion: 6 }), "incompatible-version", "incompatible-protocol"],
      [
        false,
        0,
        hello({ capabilities: [{ name: "rsk", version: 61 }] }),
        "incompatible-version",
        "incompatible-protocol",
      ],
      [
        false,
        0,
        hello({ capabilities: [{ name: "eth", version: 62 }] }),
        "incompatible-version",
        "incompatible-protocol",
      ],
      [false, 0, Uint8Array.of(0xc0), "malformed", "bad-protocol"],
      [true, 0, hello({}), "unexpected-message", "bad-protocol"],
      [true, 6, Uint8Array.of(0xc0), "unexpected-message", "bad-protocol"],
      [true, 15, Uint8Array.of(0xc0), "unexpected-message", "bad-protocol"],
      [true, 0x11, Uint8Array.of(0xc0), "unexpected-message", "bad-protocol"],
      [true, 0x17, Uint8Array.of(0xc0), "unexpected-message", "bad-protocol"],
      [true, 0x19, Uint8Array.of(0xc0), "unexpected-message", "bad-protocol"],
      [true, 0x18, Uint8Array.of(0xc0), "malformed", "bad-protocol"],
      [true, 0x18, rlpEncode([[26, Uint8Array.of(0xc0)]]), "unexpected-message", "bad-protocol"],
      [true, 0x10, encodeEthStatus({ ...ETH_STATUS, networkId: 775 }), "wrong-network", "null-identity"],
      [
        true,
        0x10,
        encodeEthStatus({ ...ETH_STATUS, protocolVersion: 63 }),
        "incompatible-version",
        "incompatible-protocol",
      ],
      [
        true,
        0x10,
        encodeEthStatus({ ...ETH_STATUS, genesisHash: new Uint8Array(32) }),
        "wrong-genesis",
        "unexpected-genesis",
      ],
      [true, 0x10, Uint8Array.of(0xc0), "malformed", "bad-protocol"],
      [true, 0x18, new Uint8Array(2_000), "oversize", "bad-protocol"],
      [true, 1, Uint8Array.of(0xc1), "malformed", "bad-protocol"],
    ];
  for (const [isOpen, code, payload, fault, told] of cases) {
    const overrides = { config: { maxMessageBytes: 1_500 } };
    using peer = isOpen ? openPeer(overrides) : new RawPeer(overrides);
    const [event, ...more] = peer.send(code, payload);
    assert.equal(event?.type === "fault" && event.code, fault, `${code} ${fault}`);
    assert.deepEqual(more, []);
    assert.equal(peer.session.state, "closed");
    const last = peer.received.at(-1)!;
    assert.equal(last.code === 1 ? decodeDisconnect(last.payload) : undefined, told, `${code} ${fault}`);
    assert.deepEqual(peer.send(2, Uint8Array.of(0xc0)), []);
  }
});

Deno.test("RskSession: a message before the eth-style Status is refused", () => {
  using peer = new RawPeer();
  peer.send(0, encodeHello(HELLO));
  assert.equal(peer.session.send(REQUEST), false);
  assert.deepEqual(types(peer.send(0x18, encodeRskMessage(REQUEST))), ["fault"]);
});

Deno.test("RskSession: Disconnect ends it in every state, and nothing behind it is read", () => {
  for (const open of [true, false]) {
    using peer = open ? openPeer() : new RawPeer();
    const bytes = joinBytes([
      peer.seal(1, encodeDisconnect("too-many-peers")),
      peer.seal(0x18, encodeRskMessage(REQUEST)),
    ]);
    assert.deepEqual(peer.sendBytes(bytes), [{ type: "disconnect", reason: "too-many-peers" }]);
    assert.equal(peer.session.state, "closed");
  }
});

Deno.test("RskSession: a damaged frame ends it without a word", () => {
  using peer = openPeer();
  const bytes = peer.seal(2, Uint8Array.of(0xc0));
  bytes[40]! ^= 1;
  const [event] = peer.sendBytes(bytes);
  assert.equal(event?.type === "fault" && event.code, "bad-mac");
  assert.equal(peer.received.at(-1)!.code, 0x18);
});

Deno.test("RskSession: GetPeers, Peers and a Pong nobody asked for are ignored", () => {
  using peer = openPeer();
  for (const [code, payload] of [[4, "c104"], [5, "c105"], [3, "c0"]] as const) {
    assert.deepEqual(peer.send(code, Uint8Array.fromHex(payload)), []);
  }
  assert.equal(peer.session.state, "open");
});

Deno.test("RskSession: pings at its pace, measures the answer, and gives up after silence", () => {
  using pair = connect();
  const { initiator, responder } = pair;
  assert.deepEqual(initiator.tick(29_999), []);
  assert.equal(initiator.outputBytes, 0);
  initiator.tick(30_000);
  assert(initiator.outputBytes > 0);
  responder.receive(initiator.takeOutput(), 30_000);
  assert.deepEqual(initiator.receive(responder.takeOutput(), 30_042), [{ type: "pong", roundTripMs: 42 }]);
  initiator.tick(59_999);
  assert.equal(initiator.outputBytes, 0);
  assert.deepEqual(initiator.tick(330_041), []);
  const [event] = initiator.tick(330_042);
  assert.equal(event?.type === "fault" && event.code, "idle-timeout");
  // Two pings, and the goodbye behind them.
  assert.deepEqual(responder.receive(initiator.takeOutput(), 330_042), [{
    type: "disconnect",
    reason: "ping-timeout",
  }]);
  assert.deepEqual(initiator.tick(999_999), []);
});

Deno.test("RskSession: slow drip does not keep a handshake open", () => {
  const options = sessionOptions(2);
  for (const isShaken of [false, true]) {
    const peer = isShaken ? new RawPeer() : undefined;
    const session = peer?.session ??
      new RskSession({ ...options, role: "responder", replays: new ReplayGuard() }, 0);
    for (let second = 1; second < 10; second++) {
      assert.deepEqual(session.receive(Uint8Array.of(2), second * 1_000), []);
      assert.deepEqual(session.tick(second * 1_000), []);
    }
    const [event] = session.tick(10_000);
    assert.equal(event?.type === "fault" && event.code, "handshake-timeout");
    assert.equal(session.state, "closed");
    peer?.[Symbol.dispose]();
  }
});

Deno.test("RskSession: a recorded connection played again is refused, and so is our own key", () => {
  const randomBytes = seededBytes(8);
  const options = sessionOptions(2);
  const replays = new ReplayGuard();
  const packet =
    new InitiatorHandshake({ key: NodeKey.generate(randomBytes), remoteId: options.key.id, randomBytes })
      .packet;
  const own = new InitiatorHandshake({ key: options.key, remoteId: options.key.id, randomBytes }).packet;
  const answers = [packet, packet, own].map((bytes) => {
    const session = new RskSession({ ...options, role: "responder", replays }, 0);
    const [event] = session.receive(bytes, 0);
    const sent = session.outputBytes;
    session.close();
    return event?.type === "fault" ? [event.code, sent] : [event?.type, sent > 0];
  });
  assert.deepEqual(answers, [["handshaken", true], ["replayed-auth", 0], ["own-identity", 0]]);
});

Deno.test("RskSession: a response of 192 headers goes in one frame; in chunks, as rskj splits it, it comes out whole", () => {
  const headers = Array.from({ length: 192 }, (_, i) => rlpEncode([new Uint8Array(1_100).fill(i)]));
  const message: RskMessage = { type: "block-headers-response", id: 9n, headers };
  using pair = connect();
  const { initiator, responder } = pair;
  assert(initiator.send(message));
  assert.deepEqual(pump(initiator, responder).b, [{ type: "message", message }]);

  using peer = openPeer();
  const payload = encodeRskMessage(message);
  const events: SessionEvent[] = [];
  for (let at = 0; at < payload.length; at += 32_768) {
    const headerData = rlpEncode(at === 0 ? [0, 5, payload.length] : [0, 5]);
    events.push(...peer.sendBytes(peer.seal(0x18, payload.subarray(at, at + 32_768), headerData)));
  }
  assert.deepEqual(events, [{ type: "message", message }]);
});

Deno.test("RskSession: Snappy only if both sides say version 5, and never with rskj", () => {
  const compressed = (a: object, b: object) => {
    using pair = connect({ a, b });
    const { initiator, responder, said } = pair;
    assert.deepEqual(types(said.a), WELCOME);
    const hash = new Uint8Array(32).fill(7);
    initiator.send({
      type: "new-block-hashes",
      blocks: Array.from({ length: 100 }, (_, number) => ({ number, hash })),
    });
    const isSmall = initiator.outputBytes < 1_500;
    assert.deepEqual(types(pump(initiator, responder).b), ["message"]);
    const event = said.a[1]!;
    assert.equal(event.type === "hello" && event.isCompressed, isSmall);
    return isSmall;
  };
  assert.equal(compressed({ snappy: true }, { snappy: true }), true);
  assert.equal(compressed({ snappy: true }, {}), false);
  assert.equal(compressed({}, { snappy: true }), false);
  using peer = new RawPeer({ snappy: true });
  const rskj = { ...HELLO, p2pVersion: 5, clientId: "Ethereum(J)/v9.1.0/Linux/Dev/Java/RegTest" };
  const [event] = peer.send(0, encodeHello(rskj));
  assert.equal(event?.type === "hello" && event.isCompressed, false);
  assert.equal(peer.received[1]!.payload.toHex(), encodeEthStatus(ETH_STATUS).toHex());
});

Deno.test("RskSession: a compressed message that would be too large is refused before it is", () => {
  using peer = new RawPeer({ snappy: true, config: { maxMessageBytes: 2_000 } });
  peer.send(0, encodeHello({ ...HELLO, p2pVersion: 5 }));
  const [event] = peer.send(0x10, snappyCompress(new Uint8Array(2_001)));
  assert.equal(event?.type === "fault" && event.code, "oversize");
});

Deno.test("RskSession: garbage in any state gives one fault or none, never an exception, and no more bytes than a Disconnect", () => {
  const options = sessionOptions(2);
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 5 }),
      fc.constantFrom(0, 1, 2),
      (pieces, kind) => {
        const peer = kind === 0 ? undefined : kind === 1 ? new RawPeer() : openPeer();
        const session = peer?.session ??
          new RskSession({ ...options, role: "responder", replays: new ReplayGuard() }, 0);
        const events = pieces.flatMap((piece) => session.receive(piece, 0));
        assert(events.length <= 1);
        if (events.length === 1) {
          assert.equal(events[0]!.type, "fault");
          assert.equal(session.state, "closed");
        }
        assert(session.outputBytes <= 64);
        session.close();
        peer?.[Symbol.dispose]();
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("RskSession: payloads of chance from a peer with the right keys never make it throw", () => {
  fc.assert(
    fc.property(fc.nat(0x7f), fc.uint8Array({ maxLength: 300 }), fc.boolean(), (code, payload, isOpen) => {
      using peer = isOpen ? openPeer() : new RawPeer();
      const events = peer.send(code, payload);
      assert(events.length <= 1);
      if (types(events)[0] === "fault") assert.equal(peer.session.state, "closed");
    }),
    { numRuns: 200 },
  );
});
