/**
 * The wire of Rootstock against another implementation, @ethereumjs/devp2p: its ECIES class for the form before EIP-8,
 * which its peers no longer take, and its RLPx server and client over real sockets.
 *
 * It leaves ciphers and timers behind, so these tests do not look for such.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DISCONNECT_REASON, ECIES, type Peer, RLPx } from "@ethereumjs/devp2p";
import { RecordingLog } from "../../src/kernel/_testing.ts";
import { encodeEthStatus } from "../../src/protocols/rootstock/eth_status.ts";
import { joinBytes } from "../../src/protocols/rootstock/growing_bytes.ts";
import { FrameReader, FrameWriter } from "../../src/protocols/rootstock/rlpx_frames.ts";
import {
  type FrameSecrets,
  InitiatorHandshake,
  ReplayGuard,
  ResponderHandshake,
} from "../../src/protocols/rootstock/rlpx_handshake.ts";
import { decodeRskMessage } from "../../src/protocols/rootstock/rsk_decode.ts";
import { encodeRskMessage } from "../../src/protocols/rootstock/rsk_encode.ts";
import type { RskMessage } from "../../src/protocols/rootstock/rsk_message.ts";
import { NodeKey } from "../../src/protocols/rootstock/secp256k1.ts";
import { EventRecorder, sessionOptions } from "../../src/services/rootstock/_session_events.ts";
import { PeerConnection } from "../../src/services/rootstock/peer_connection.ts";
import { PeerListener } from "../../src/services/rootstock/peer_listener.ts";
import { snappyCompress, snappyDecompress } from "../../src/protocols/rootstock/snappy.ts";

const randomBytes = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
const plain = (bytes: Uint8Array) => new Uint8Array(bytes);

/** A key of which devp2p needs the private part. */
function makeKey(): { readonly privateKey: Uint8Array; readonly key: NodeKey } {
  const privateKey = randomBytes(32);
  return { privateKey, key: new NodeKey(privateKey) };
}

function foreignTest(name: string, fn: () => Promise<void> | void): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

/** Frames of several sizes, both ways. */
function exchangeFrames(secrets: FrameSecrets, theirs: ECIES): void {
  using writer = new FrameWriter(secrets);
  using reader = new FrameReader(secrets);
  for (const bytes of [0, 1, 15, 16, 100, 65_536, 5]) {
    const payload = randomBytes(bytes);
    const sealed = writer.seal(0x18, payload);
    assert.equal(theirs.parseHeader(sealed.subarray(0, 32)), bytes + 1);
    assert.deepEqual(
      plain(theirs.parseBody(sealed.subarray(32))!),
      joinBytes([Uint8Array.of(0x18), payload]),
    );

    const body = joinBytes([Uint8Array.of(0x10), payload]);
    const frame = joinBytes([theirs.createBlockHeader(body.length)!, theirs.createBody(body)!]);
    const [received] = reader.receive(frame);
    assert.equal(received!.code, 0x10);
    assert.deepEqual(received!.payload, payload);
  }
}

for (const form of ["eip8", "plain"] as const) {
  const isEip8 = form === "eip8";

  foreignTest(`devp2p's ECIES answers our ${form} handshake, and frames pass both ways`, () => {
    const [ours, theirs] = [makeKey(), makeKey()];
    const session = new ECIES(theirs.privateKey, theirs.key.id, ours.key.id);
    session["_gotEIP8Auth"] = isEip8;
    const handshake = new InitiatorHandshake({ key: ours.key, remoteId: theirs.key.id, randomBytes, form });
    // It checks the hash of the ephemeral key too, which rskj does not.
    if (isEip8) session.parseAuthEIP8(handshake.packet);
    else session.parseAuthPlain(handshake.packet);
    const ack = isEip8 ? session.createAckEIP8() : session.createAckOld();
    const result = handshake.receive(ack!)!;
    assert.equal(result.form, form);
    exchangeFrames(result.secrets, session);
  });

  foreignTest(`We answer the ${form} handshake of devp2p's ECIES, and frames pass both ways`, () => {
    const [ours, theirs] = [makeKey(), makeKey()];
    let session: ECIES;
    let auth: Uint8Array;
    // In the plain form it drops leading zeros of a signature, about once in 128 times.
    do {
      session = new ECIES(theirs.privateKey, theirs.key.id, ours.key.id);
      auth = isEip8 ? session.createAuthEIP8()! : session.createAuthNonEIP8()!;
    } while (!isEip8 && auth.length !== 307);
    session["_gotEIP8Ack"] = isEip8;
    const handshake = new ResponderHandshake({ key: ours.key, randomBytes, replays: new ReplayGuard() });
    const result = handshake.receive(auth)!;
    assert.equal(result.form, form);
    assert.equal(result.remoteId.toHex(), theirs.key.id.toHex());
    if (isEip8) session.parseAckEIP8(result.packet);
    else session.parseAckPlain(result.packet);
    exchangeFrames(result.secrets, session);
  });
}

/** Our sub-protocol as devp2p runs it. */
class Rsk {
  static readonly capability = { name: "rsk", version: 62, length: 9, constructor: Rsk };
  readonly received: [code: number, payload: Uint8Array][] = [];
  readonly #isCompressed: boolean;
  readonly #send: (code: number, data: Uint8Array) => void;
  #wake = () => {};

  constructor(_version: number, peer: Peer, send: (code: number, data: Uint8Array) => void) {
    this.#send = send;
    this.#isCompressed = peer.getHelloMessage()!.protocolVersion >= 5;
  }

  _handleMessage(code: number, payload: Uint8Array): void {
    this.received.push([0x10 + code, plain(payload)]);
    this.#wake();
  }

  send(code: number, payload: Uint8Array): void {
    // Compression is a sub-protocol's own business there.
    this.#send(code - 0x10, this.#isCompressed ? snappyCompress(payload) : payload);
  }

  async has(count: number): Promise<void> {
    while (this.received.length < count) await new Promise<void>((resolve) => this.#wake = resolve);
  }
}

/** An RLPx node of devp2p, and its first peer. */
class ForeignNode implements AsyncDisposable {
  readonly keys = makeKey();
  readonly rlpx: RLPx;
  readonly connected: Promise<Peer>;

  constructor() {
    this.rlpx = new RLPx(this.keys.privateKey, {
      capabilities: [Rsk.capability as never],
      listenPort: null,
      maxPeers: 5,
    } as never);
    this.connected = new Promise((resolve) => this.rlpx.events.once("peer:added", resolve));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.rlpx.events.once("listening", resolve);
      this.rlpx.listen(0, "127.0.0.1");
    });
    return (this.rlpx["_server"]!.address() as { port: number }).port;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.rlpx.destroy();
    return Promise.resolve();
  }
}

const { genesisHash, networkId, status } = sessionOptions();
const ETH_STATUS = {
  protocolVersion: 62,
  networkId,
  totalDifficulty: 1n,
  bestHash: genesisHash,
  genesisHash,
};

/** Status, requests, a large response and pings, once a peer is there. */
async function converse(peer: Peer, connection: PeerConnection, recorder: EventRecorder): Promise<void> {
  assert.equal(peer.getId()!.length, 64);
  const [rsk] = peer.getProtocols() as unknown as Rsk[];
  rsk!.send(0x10, encodeEthStatus(ETH_STATUS));
  rsk!.send(0x18, encodeRskMessage({ type: "status", status }));
  assert.equal(await connection.opened, true);
  await rsk!.has(2);
  assert.deepEqual(rsk!.received[0], [0x10, encodeEthStatus(ETH_STATUS)]);
  assert.deepEqual(decodeRskMessage(rsk!.received[1]![1]), { type: "status", status });
  const hello = peer.getHelloMessage()!;
  assert.equal(hello.clientId, "cairn/test");
  assert.deepEqual(hello.capabilities, [{ name: "rsk", version: 62 }]);

  const headers = Array.from(
    { length: 192 },
    () => new Uint8Array([0xf9, 0x04, 0x4c, ...randomBytes(1_100)]),
  );
  const response: RskMessage = { type: "block-headers-response", id: 1n, headers };
  rsk!.send(0x18, encodeRskMessage(response));
  await recorder.seen("message");
  assert.deepEqual(recorder.events.at(-1), { type: "message", message: response });
  assert(connection.send(response));
  await rsk!.has(3);
  assert.deepEqual(decodeRskMessage(rsk!.received[2]![1]), response);

  peer._sendPing();
  await recorder.seen("pong");
  assert.equal(connection.isOpen, true);
}

const SESSION_CONFIG = { pingIntervalMs: 50 };
const CONNECTION_CONFIG = { tickIntervalMs: 20 };

for (const snappy of [false, true]) {
  const how = snappy ? "version 5, with Snappy" : "version 4";

  foreignTest(`We dial a devp2p node over TCP and talk, ${how}`, async () => {
    await using node = new ForeignNode();
    const port = await node.listen();
    const recorder = new EventRecorder();
    const options = { ...sessionOptions(), role: "initiator", remoteId: node.keys.key.id } as const;
    await using connection = await PeerConnection.dial(
      { host: "127.0.0.1", port },
      { ...options, snappy, config: SESSION_CONFIG },
      { onEvent: recorder.onEvent, config: CONNECTION_CONFIG },
    );
    const peer = await node.connected;
    await converse(peer, connection, recorder);
    const event = recorder.events[1]!;
    assert.equal(event.type === "hello" && event.isCompressed, snappy);
    // It says its reason as a bare integer, and never compresses that.
    peer.disconnect(DISCONNECT_REASON.TOO_MANY_PEERS);
    assert.deepEqual(await connection.closed, { kind: "session" });
    assert.deepEqual(recorder.events.at(-1), { type: "disconnect", reason: "too-many-peers" });
  });

  foreignTest(`A devp2p node dials us over TCP and talks, ${how}`, async () => {
    await using node = new ForeignNode();
    const options = { ...sessionOptions(), role: "responder", replays: new ReplayGuard() } as const;
    const recorder = new EventRecorder();
    const accepted = Promise.withResolvers<PeerConnection>();
    await using listener = await PeerListener.open({
      host: "127.0.0.1",
      port: 0,
      section: "rootstock",
      admit: () => true,
      connect: (socket) => {
        const connection = new PeerConnection(socket, { ...options, snappy, config: SESSION_CONFIG }, {
          onEvent: recorder.onEvent,
          config: CONNECTION_CONFIG,
        });
        accepted.resolve(connection);
        return connection;
      },
      log: new RecordingLog(),
    });
    await node.rlpx.connect({ id: options.key.id, address: "127.0.0.1", tcpPort: listener.port });
    const [peer, connection] = await Promise.all([node.connected, accepted.promise]);
    await converse(peer, connection, recorder);
    const ended = new Promise((resolve) => peer.events.once("close", resolve));
    await connection.disconnect("too-many-peers");
    assert.equal(await ended, DISCONNECT_REASON.TOO_MANY_PEERS);
  });
}

Deno.test("Snappy agrees with snappyjs, both ways", async () => {
  const { compress, uncompress } = (await import("snappyjs")).default;
  const inputs = [0, 1, 59, 60, 61, 1_000, 65_535, 65_536, 65_537, 300_000].map((length) =>
    Uint8Array.from({ length }, (_, i) => (i % 97) * (i % 7 === 0 ? i >> 5 : 1))
  );
  for (const input of [...inputs, randomBytes(50_000)]) {
    assert.deepEqual(plain(uncompress(snappyCompress(input))), input);
    assert.deepEqual(snappyDecompress(plain(compress(input)), input.length), input);
  }
});
