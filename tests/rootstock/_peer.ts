/**
 * A peer of the Rootstock network inside a test: our own wire on real sockets, a chain in memory, and one deviation, if
 * it is to lie.
 *
 * @module
 */

import type { Socket } from "node:net";
import { RecordingLog } from "../../src/kernel/_testing.ts";
import { SYSTEM_CLOCK } from "../../src/kernel/clock.ts";
import { answerOf, planAnswer } from "../../src/protocols/rootstock/header_server.ts";
import type { DisconnectReason } from "../../src/protocols/rootstock/p2p_messages.ts";
import { ReplayGuard } from "../../src/protocols/rootstock/rlpx_handshake.ts";
import type { RskMessage, RskStatus } from "../../src/protocols/rootstock/rsk_message.ts";
import { NodeKey } from "../../src/protocols/rootstock/secp256k1.ts";
import type { RskSessionOptions, SessionEvent } from "../../src/protocols/rootstock/session_events.ts";
import { Discovery } from "../../src/services/rootstock/discovery.ts";
import { PeerConnection } from "../../src/services/rootstock/peer_connection.ts";
import { PeerListener } from "../../src/services/rootstock/peer_listener.ts";
import type { TestChain } from "./_chain.ts";

const HOST = "127.0.0.1";
const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));

/** An answer, and after how long it goes out. */
export interface SlowAnswer {
  readonly message: RskMessage;
  readonly afterMs: number;
}

/** How a peer deviates from an honest one. */
export interface Deviation {
  /** What it says of its chain. */
  readonly status?: (honest: Required<RskStatus>) => Required<RskStatus>;
  /** What it answers in place of the honest answer; undefined is silence. */
  readonly answer?: (
    request: RskMessage,
    honest: RskMessage | undefined,
  ) => RskMessage | SlowAnswer | undefined;
  readonly genesisHash?: Uint8Array;
}

/** Options of {@link TestPeer.open}. */
export interface TestPeerOptions extends Deviation {
  readonly chain: TestChain;
  /** Where nodes are asked for over UDP; none: no discovery. */
  readonly bootHosts?: readonly { readonly host: string; readonly port: number }[];
}

/** A peer. */
export class TestPeer implements AsyncDisposable {
  readonly key: NodeKey = NodeKey.generate(randomBytes);
  /** Reasons that others gave when they left. */
  readonly goodbyes: DisconnectReason[] = [];
  /** Requests by type. */
  readonly requests = new Map<string, number>();
  #chain: TestChain;
  readonly #options: TestPeerOptions;
  readonly #replays = new ReplayGuard();
  readonly #connections = new Map<PeerConnection, Socket>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #listener: PeerListener | undefined;
  #discovery: Discovery | undefined;

  private constructor(options: TestPeerOptions) {
    this.#options = options;
    this.#chain = options.chain;
  }

  static async open(options: TestPeerOptions): Promise<TestPeer> {
    const peer = new TestPeer(options);
    const port = freePort();
    const log = new RecordingLog();
    peer.#listener = await PeerListener.open({
      ...{ host: HOST, port, section: "test", admit: () => true, log },
      connect: (socket) => peer.#connect(socket),
      config: { maxHandshakesPerAddress: 16 },
    });
    if (options.bootHosts !== undefined) {
      const { networkId } = options.chain.network;
      peer.#discovery = await Discovery.open(
        { key: peer.key, networkId, host: HOST, port, bootHosts: options.bootHosts },
        { clock: SYSTEM_CLOCK, log, onFound: () => {} },
      );
    }
    return peer;
  }

  /** Node id in hexadecimal digits. */
  get id(): string {
    return this.key.id.toHex();
  }

  get port(): number {
    return this.#listener!.port;
  }

  /** As `rootstock.p2p.staticPeers` wants it. */
  get address(): string {
    return `${this.id}@${HOST}:${this.port}`;
  }

  /** Connections that are open. */
  get connections(): number {
    return [...this.#connections.keys()].filter(({ isOpen }) => isOpen).length;
  }

  get chain(): TestChain {
    return this.#chain;
  }

  /** Serves another chain, or the same one that has grown, and tells everybody. */
  serve(chain: TestChain): void {
    this.#chain = chain;
    const { number, hash } = chain.tip;
    for (const connection of this.#connections.keys()) {
      connection.send({ type: "new-block-hashes", blocks: [{ number, hash }] });
      connection.send({ type: "status", status: this.#status });
    }
  }

  /** Sends a message to everybody. */
  broadcast(message: RskMessage): void {
    for (const connection of this.#connections.keys()) connection.send(message);
  }

  /** Sends bytes that no session has sealed. */
  garble(): void {
    for (const socket of this.#connections.values()) socket.write(randomBytes(512));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#discovery?.[Symbol.asyncDispose]();
    await this.#listener?.[Symbol.asyncDispose]();
    await Promise.all(
      [...this.#connections.keys()].map((connection) => connection.disconnect("peer-quitting")),
    );
  }

  get #status(): Required<RskStatus> {
    const { status = (honest) => honest } = this.#options;
    return status(this.#chain.status);
  }

  #session(): RskSessionOptions {
    const { networkId, genesis } = this.#chain.network;
    return {
      ...{ role: "responder", key: this.key, randomBytes, clientId: "test-peer", replays: this.#replays },
      ...{ listenPort: this.port, networkId, status: this.#status },
      genesisHash: this.#options.genesisHash ?? genesis.hash,
    };
  }

  #connect(socket: Socket): PeerConnection {
    const connection: PeerConnection = new PeerConnection(socket, this.#session(), {
      onEvent: (event) => this.#heard(event, connection),
      config: { messagesPerWindow: 100_000 },
    });
    this.#connections.set(connection, socket);
    void connection.closed.then(() => this.#connections.delete(connection));
    return connection;
  }

  #heard(event: SessionEvent, connection: PeerConnection): void {
    if (event.type === "disconnect") this.goodbyes.push(event.reason);
    if (event.type !== "message") return;
    const { message } = event;
    this.requests.set(message.type, (this.requests.get(message.type) ?? 0) + 1);
    const honest = this.#honestAnswer(message);
    const { answer = (_, honest) => honest } = this.#options;
    const chosen = answer(message, honest);
    if (chosen === undefined) return;
    if (!("afterMs" in chosen)) return void connection.send(chosen);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      connection.send(chosen.message);
    }, chosen.afterMs);
    this.#timers.add(timer);
  }

  #honestAnswer(request: RskMessage): RskMessage | undefined {
    const chain = this.#chain;
    const plan = planAnswer(request, chain.tip.number);
    if (plan === undefined) return undefined;
    return answerOf(
      plan,
      plan.lookup === "headers"
        ? chain.down(plan.hash, plan.count).map(({ header }) => header)
        : plan.heights.map((height) => chain.at(height).hash),
    );
  }
}

/** A port that is free for TCP and UDP now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
