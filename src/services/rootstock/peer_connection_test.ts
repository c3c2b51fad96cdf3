import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { CairnError } from "../../kernel/errors.ts";
import { RecordingLog } from "../../kernel/_testing.ts";
import { ReplayGuard } from "../../protocols/rootstock/rlpx_handshake.ts";
import type { RskMessage } from "../../protocols/rootstock/rsk_message.ts";
import { RskSession } from "../../protocols/rootstock/rsk_session.ts";
import type { RskSessionOptions, SessionConfig } from "../../protocols/rootstock/session_events.ts";
import { eventually } from "../../rpc/_testing.ts";
import { EventRecorder, sessionOptions } from "./_session_events.ts";
import { type PeerAddress, PeerConnection, type PeerConnectionConfig, remoteOf } from "./peer_connection.ts";
import { PeerListener, type PeerListenerConfig, type RefusalReason } from "./peer_listener.ts";

const WELCOME = ["handshaken", "hello", "eth-status", "status"];
const request = (id: number): RskMessage => ({ type: "block-hash-request", id: BigInt(id), height: id });

interface RigOptions {
  readonly admit?: (address: PeerAddress) => boolean;
  readonly listener?: Partial<PeerListenerConfig>;
  readonly connection?: Partial<PeerConnectionConfig>;
  readonly session?: Partial<SessionConfig>;
  readonly onEvent?: EventRecorder["onEvent"];
  /** Clock of the connections that are accepted. */
  readonly nowMs?: () => number;
}

/** A listener, and whoever it accepted. */
class Rig implements AsyncDisposable {
  readonly server = sessionOptions();
  readonly recorder = new EventRecorder();
  readonly accepted: PeerConnection[] = [];
  readonly refused: RefusalReason[] = [];
  #listener: PeerListener | undefined;
  readonly #dialled: PeerConnection[] = [];

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig();
    await rig.#listen(options);
    return rig;
  }

  async #listen(options: RigOptions): Promise<void> {
    const replays = new ReplayGuard();
    const { connection: config = {}, session = {} } = options;
    this.#listener = await PeerListener.open({
      host: "127.0.0.1",
      port: 0,
      section: "rootstock",
      admit: options.admit ?? (() => true),
      connect: (socket) => {
        const responder = { ...this.server, role: "responder", replays, config: session } as const;
        const onEvent = options.onEvent ?? this.recorder.onEvent;
        const { nowMs } = options;
        const clock = nowMs === undefined ? {} : { nowMs };
        this.accepted.push(new PeerConnection(socket, responder, { onEvent, config, ...clock }));
        return this.accepted.at(-1)!;
      },
      onRefused: (reason) => this.refused.push(reason),
      log: new RecordingLog(),
      ...(options.listener === undefined ? {} : { config: options.listener }),
    });
  }

  get listener(): PeerListener {
    return this.#listener!;
  }

  get address() {
    return { host: this.listener.host, port: this.listener.port };
  }

  async dial(
    { config = {}, session = {} }: {
      readonly config?: Partial<PeerConnectionConfig>;
      readonly session?: Partial<RskSessionOptions>;
    } = {},
  ) {
    const recorder = new EventRecorder();
    const options = { ...sessionOptions(), role: "initiator", remoteId: this.server.key.id, ...session };
    const connection = await PeerConnection.dial(this.address, options as RskSessionOptions, {
      onEvent: recorder.onEvent,
      config,
    });
    this.#dialled.push(connection);
    return { connection, recorder };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener[Symbol.asyncDispose]();
    for (const connection of [...this.#dialled, ...this.accepted]) {
      await connection.disconnect("peer-quitting");
    }
  }
}

Deno.test("PeerConnection: two ends over TCP open, talk both ways and part with a goodbye", async () => {
  await using rig = await Rig.start();
  const { connection, recorder } = await rig.dial();
  assert.equal(await connection.opened, true);
  await recorder.seen("status");
  await rig.recorder.seen("status");
  assert.deepEqual(recorder.types, WELCOME);
  assert.deepEqual(rig.recorder.types, WELCOME);
  assert.equal(connection.remoteId!.toHex(), rig.server.key.id.toHex());
  assert.equal(rig.listener.connections, 1);

  const headers = Array.from(
    { length: 192 },
    (_, i) => new Uint8Array([0xf9, 0x04, 0x4c, ...new Uint8Array(1_100).fill(i)]),
  );
  assert(connection.send(request(7)));
  assert(rig.accepted[0]!.send({ type: "block-headers-response", id: 7n, headers }));
  await rig.recorder.seen("message");
  await recorder.seen("message");
  assert.deepEqual(rig.recorder.events.at(-1), { type: "message", message: request(7) });
  const answer = recorder.events.at(-1)!;
  assert(answer.type === "message" && answer.message.type === "block-headers-response");
  assert.deepEqual(answer.message.headers, headers);

  await rig.accepted[0]!.disconnect("too-many-peers");
  assert.deepEqual(await rig.accepted[0]!.closed, { kind: "local", reason: "too-many-peers" });
  assert.deepEqual(await connection.closed, { kind: "session" });
  assert.deepEqual(recorder.events.at(-1), { type: "disconnect", reason: "too-many-peers" });
  assert.equal(connection.send(request(8)), false);
  assert.equal(rig.listener.connections, 0);
});

Deno.test("PeerConnection: messages given before the connection is open are sent when it is", async () => {
  await using rig = await Rig.start();
  const { connection } = await rig.dial();
  for (let id = 0; id < 5; id++) assert(connection.send(request(id)));
  assert.equal(connection.queuedMessages, 5);
  await rig.recorder.seen("message", 5);
  const ids = rig.recorder.events.flatMap((event) =>
    event.type === "message" && event.message.type === "block-hash-request" ? [event.message.height] : []
  );
  assert.deepEqual(ids, [0, 1, 2, 3, 4]);
});

Deno.test("PeerConnection: the queue is bounded in messages and in bytes", async () => {
  await using rig = await Rig.start();
  const { connection } = await rig.dial({ config: { maxQueuedMessages: 3, maxQueuedBytes: 2_000 } });
  assert.deepEqual([1, 2, 3, 4].map((id) => connection.send(request(id))), [true, true, true, false]);
  await eventually(() => connection.queuedMessages === 0, "the queue is empty");

  const { connection: other } = await rig.dial({ config: { maxQueuedMessages: 100, maxQueuedBytes: 2_000 } });
  const block = new Uint8Array(1_500).fill(0xc0);
  const sent = [1, 2].map((id) => other.send({ type: "block-response", id: BigInt(id), block }));
  assert.deepEqual(sent, [true, false]);
  await eventually(() => other.queuedMessages === 0, "the other queue is empty");
});

Deno.test("PeerConnection: no more messages than the pace allows; the rest waits", async () => {
  await using rig = await Rig.start();
  const { connection } = await rig.dial({ config: { messagesPerWindow: 10, paceWindowMs: 150 } });
  await connection.opened;
  const startMs = performance.now();
  for (let id = 0; id < 25; id++) assert(connection.send(request(id)));
  assert.equal(connection.queuedMessages, 15);
  await rig.recorder.seen("message", 25);
  assert(performance.now() - startMs >= 300);
});

Deno.test("PeerConnection: a peer that does not read is not sent more than the bounds, nor read", async () => {
  const block = new Uint8Array(1_000_000).fill(0xc0);
  let release = () => {};
  const stuck = new Promise<void>((resolve) => release = resolve);
  // The listener's end is told of its first message and goes no further.
  await using rig = await Rig.start({
    onEvent: ((event: { type: string }) =>
      event.type === "message" ? stuck : undefined) as EventRecorder["onEvent"],
  });
  const { connection } = await rig.dial();
  await connection.opened;
  let accepted = 0;
  for (let i = 0; i < 100; i++) {
    if (connection.send({ type: "block", block })) accepted++;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert(accepted < 30, `${accepted} MB were taken`);
  assert.equal(connection.isOpen, true);
  await connection.disconnect("peer-quitting");
  release();
});

/** A socket that takes no more when told so; no kernel between, whose buffers are megabytes. */
class StallingSocket extends Duplex {
  readonly remoteAddress = "192.0.2.1";
  readonly remotePort = 1;
  isStalled = false;
  readonly written: Uint8Array[] = [];

  setNoDelay(): void {}
  override _read(): void {}
  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    if (!this.isStalled) done();
  }
}

Deno.test("PeerConnection: a peer that asks and reads no answer is not read any more", async () => {
  const server = sessionOptions();
  const socket = new StallingSocket();
  const responder = { ...server, role: "responder", replays: new ReplayGuard() } as const;
  const connection = new PeerConnection(socket as unknown as Socket, responder, { onEvent: () => {} });
  const config = { pingIntervalMs: 0 };
  const peer = new RskSession({ ...sessionOptions(), role: "initiator", remoteId: server.key.id, config }, 0);
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
  while (peer.state !== "open" || !connection.isOpen) {
    if (peer.outputBytes > 0) socket.push(peer.takeOutput());
    await turn();
    for (const bytes of socket.written.splice(0)) peer.receive(bytes, 0);
  }
  assert.equal(socket.isPaused(), false);
  socket.isStalled = true;
  // Each answer has 64 bytes.
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 1_000; i++) peer.tick(0);
    socket.push(peer.takeOutput());
    await turn();
  }
  assert.equal(socket.isPaused(), true);
  assert(socket.readableLength > 3 * 64_000, `${socket.readableLength} bytes were left unread`);
  await connection.disconnect("peer-quitting");
  peer.close();
});

Deno.test("PeerConnection: a handler may end the connection that it is told of", async () => {
  await using rig = await Rig.start();
  const ended = Promise.withResolvers<void>();
  const options = { ...sessionOptions(), role: "initiator", remoteId: rig.server.key.id } as const;
  await using connection = await PeerConnection.dial(rig.address, options, {
    onEvent: async (event, connection) => {
      if (event.type !== "status") return;
      await connection.disconnect("useless-peer");
      ended.resolve();
    },
  });
  await ended.promise;
  assert.deepEqual(await connection.closed, { kind: "local", reason: "useless-peer" });
  await rig.accepted[0]!.closed;
  assert.deepEqual(rig.recorder.events.at(-1), { type: "disconnect", reason: "useless-peer" });
});

Deno.test("PeerConnection: silence before Status ends it in time, and pings keep it after", async () => {
  let nowMs = 0;
  const session = { handshakeTimeoutMs: 60, idleTimeoutMs: 120, pingIntervalMs: 30 };
  await using rig = await Rig.start({ session, connection: { tickIntervalMs: 10 }, nowMs: () => nowMs });
  const silent = await Deno.connect({ hostname: rig.address.host, port: rig.address.port });
  await eventually(() => rig.accepted.length === 1, "the connection is accepted");
  nowMs += session.handshakeTimeoutMs;
  await rig.recorder.seen("fault");
  const [event] = rig.recorder.events;
  assert.equal(event?.type === "fault" && event.code, "handshake-timeout");
  assert.equal(await silent.read(new Uint8Array(10)), null);
  silent.close();

  const { connection } = await rig.dial();
  assert.equal(await rig.accepted[1]!.opened, true);
  // The other end says nothing by itself but answers: longer than silence may last.
  for (let pong = 1; pong <= 5; pong++) {
    nowMs += session.pingIntervalMs;
    await rig.recorder.seen("pong", pong);
  }
  assert.equal(connection.isOpen, true);
});

Deno.test("PeerConnection: another network is told why, and garbage gets no answer", async () => {
  await using rig = await Rig.start();
  const { connection, recorder } = await rig.dial({ session: { networkId: 775 } });
  await connection.closed;
  const last = recorder.events.at(-1)!;
  assert(
    (last.type === "fault" && last.code === "wrong-network") ||
      (last.type === "disconnect" && last.reason === "null-identity"),
    JSON.stringify(last),
  );
  await rig.accepted[0]!.closed;

  const garbage = await Deno.connect({ hostname: rig.address.host, port: rig.address.port });
  await garbage.write(new Uint8Array(600).fill(0x99));
  const answer = await garbage.read(new Uint8Array(10)).catch(() => null);
  assert.equal(answer, null);
  garbage.close();
  await rig.accepted[1]!.closed;
  const fault = rig.recorder.events.at(-1)!;
  assert.equal(fault.type === "fault" && fault.code, "handshake");
});

Deno.test("PeerConnection: nobody there is PEER_UNAVAILABLE", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const options = { ...sessionOptions(), role: "initiator", remoteId: sessionOptions().key.id } as const;
  await assert.rejects(
    PeerConnection.dial({ host: "127.0.0.1", port }, options, { onEvent: () => {} }),
    (error) => error instanceof CairnError && error.code === "PEER_UNAVAILABLE",
  );
});

Deno.test("remoteOf() gives an IPv4 address as such, also over an IPv6 socket", () => {
  const host = (remoteAddress: string) => remoteOf({ remoteAddress, remotePort: 7 } as Socket);
  assert.deepEqual(host("::ffff:192.0.2.7"), { host: "192.0.2.7", port: 7 });
  assert.deepEqual(host("192.0.2.7"), { host: "192.0.2.7", port: 7 });
  assert.deepEqual(host("2001:db8::1"), { host: "2001:db8::1", port: 7 });
});

/** Resolves once the other side has closed. */
async function untilClosed(conn: Deno.TcpConn): Promise<void> {
  try {
    while (await conn.read(new Uint8Array(1_000)) !== null);
  } catch {
    // Reset: closed as well.
  }
  conn.close();
}

Deno.test("PeerListener: refuses by filter and by its bounds before it reads a byte", async () => {
  let isBanned = true;
  await using rig = await Rig.start({
    admit: () => !isBanned,
    listener: { maxConnections: 4, maxHandshakes: 3, maxHandshakesPerAddress: 2 },
  });
  const knock = () => Deno.connect({ hostname: rig.address.host, port: rig.address.port });
  await untilClosed(await knock());
  assert.deepEqual(rig.refused, ["filter"]);
  isBanned = false;
  const waiting = [await knock(), await knock()];
  await untilClosed(await knock());
  assert.deepEqual(rig.refused, ["filter", "handshakes-of-address"]);
  for (const conn of waiting) conn.close();
  while (rig.listener.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  for (let i = 0; i < 4; i++) assert.equal(await (await rig.dial()).connection.opened, true);
  await untilClosed(await knock());
  assert.deepEqual(rig.refused.slice(2), ["connections"]);
});

Deno.test("PeerListener: no more handshakes at a time than it may, whoever they are of", async () => {
  await using rig = await Rig.start({ listener: { maxHandshakes: 2, maxHandshakesPerAddress: 9 } });
  const knock = () => Deno.connect({ hostname: rig.address.host, port: rig.address.port });
  const waiting = [await knock(), await knock()];
  await untilClosed(await knock());
  assert.deepEqual(rig.refused, ["handshakes"]);
  for (const conn of waiting) conn.close();
});

Deno.test("PeerListener: an address in use fails by name", async () => {
  await using rig = await Rig.start();
  await assert.rejects(
    () =>
      PeerListener.open({
        ...rig.address,
        section: "rootstock",
        admit: () => true,
        connect: () => assert.fail("not reached"),
        log: new RecordingLog(),
      }),
    (error) =>
      error instanceof CairnError && error.code === "ADDRESS_IN_USE" &&
      error.hint!.includes("rootstock.port"),
  );
});
