/**
 * The peers of this node: runs the peer machine on a listener, on dials and on discovery, and hands what peers say to
 * whoever syncs.
 *
 * Layer: services.
 *
 * @module
 */

import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/log.ts";
import type { NodeId } from "../../protocols/rootstock/node_id.ts";
import type { KademliaNode } from "../../protocols/rootstock/kademlia.ts";
import type {
  ConnectionId,
  PeerConfig,
  PeerDirection,
  PeerEffect,
  PeerEvent,
  PeerSnapshot,
  PeerView,
} from "../../protocols/rootstock/peer_events.ts";
import { PeerMachine } from "../../protocols/rootstock/peer_machine.ts";
import type { ScoreEvent } from "../../protocols/rootstock/peer_score.ts";
import { ReplayGuard } from "../../protocols/rootstock/rlpx_handshake.ts";
import type { RskMessage, RskStatus } from "../../protocols/rootstock/rsk_message.ts";
import type { NodeKey } from "../../protocols/rootstock/secp256k1.ts";
import type { SessionEvent } from "../../protocols/rootstock/session_events.ts";
import type { Discovery } from "./discovery.ts";
import { PeerConnection, type PeerConnectionConfig } from "./peer_connection.ts";
import { PeerListener } from "./peer_listener.ts";
import type { RootstockMetrics } from "./metrics.ts";
import type { PeerStore } from "./peer_store.ts";

const TICK_MS = 1_000;

/** Any message but Status, which comes as an event of its own. */
export type PeerMessage = Exclude<RskMessage, { type: "status" }>;

/** Who hears of peers. */
export interface PeerObserver {
  /** The peer is on our network; messages may be sent from here on. */
  joined(peer: NodeId): void;
  status(peer: NodeId, status: RskStatus): void;
  /** Nothing more is read of the peer before what this returns resolves. */
  message(peer: NodeId, message: PeerMessage): void | Promise<void>;
  gone(peer: NodeId): void;
}

/** Options of {@link Peers}. */
export interface PeersOptions {
  readonly key: NodeKey;
  readonly clientId: string;
  readonly networkId: number;
  readonly genesisHash: Uint8Array;
  readonly host: string;
  /** Where peers reach this node; 0 takes a free port. */
  readonly port: number;
  readonly listen: boolean;
  readonly machine: Partial<PeerConfig>;
  readonly staticPeers: readonly KademliaNode[];
  readonly connection: Partial<PeerConnectionConfig>;
}

/** What {@link Peers} works with. */
export interface PeersDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: RootstockMetrics;
  readonly store: PeerStore;
  /** What this node says of its chain to a peer that it meets now. */
  readonly status: () => Required<RskStatus>;
  readonly events: PeerObserver;
}

interface Link {
  readonly id: ConnectionId;
  readonly direction: PeerDirection;
  readonly connection: PeerConnection;
  /** Once the machine has taken it in. */
  peer: NodeId | undefined;
  /** Status fits. */
  isJoined: boolean;
  goodbye: string | undefined;
}

/** Runs connections. */
export class Peers implements AsyncDisposable {
  readonly #options: PeersOptions;
  readonly #deps: PeersDeps;
  readonly #machine: PeerMachine;
  readonly #replays = new ReplayGuard();
  readonly #links = new Map<ConnectionId, Link>();
  readonly #linkOfPeer = new Map<NodeId, Link>();
  readonly #closing = new Set<Promise<unknown>>();
  #nextConnection = 1;
  #listener: PeerListener | undefined;
  #discovery: Discovery | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #isStopped = false;

  constructor(options: PeersOptions, deps: PeersDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#machine = new PeerMachine({
      ownId: options.key.id.toHex(),
      random: Math.random,
      staticPeers: options.staticPeers,
      config: options.machine,
    });
  }

  /**
   * Listens, and begins to dial.
   *
   * @throws {CairnError} `ADDRESS_IN_USE`, `SERVICE_START_FAILED`.
   */
  async start(): Promise<void> {
    const { host, port, listen, machine } = this.#options;
    const { store, log, metrics } = this.#deps;
    this.#handle({ type: "restore", peers: store.peers, bans: store.bans });
    if (listen) {
      this.#listener = await PeerListener.open({
        host,
        port,
        section: "rootstock.p2p",
        log,
        admit: ({ host }) => !this.isBanned(undefined, host),
        onRefused: (reason) => metrics.connectionsRefused.inc({ reason }),
        connect: (socket) => {
          const id = this.#nextConnection++;
          const connection = new PeerConnection(
            socket,
            { ...this.#session(), role: "responder", replays: this.#replays },
            this.#connectionOptions(id),
          );
          this.#attach(id, "inbound", connection);
          this.#handle({ type: "incoming", connection: id, host: connection.remote.host });
          return connection;
        },
        // The machine has limits of its own; sockets that it has not judged yet come on top.
        config: { maxConnections: 2 * (machine.maxInbound ?? 16) + 16 },
      });
    }
    this.#ticker = setInterval(() => this.#handle({ type: "tick" }), TICK_MS);
    this.#handle({ type: "tick" });
  }

  /** Tells discovery of bans from here on. */
  follow(discovery: Discovery): void {
    this.#discovery = discovery;
  }

  /** Node id of this node. */
  get id(): NodeId {
    return this.#options.key.id.toHex();
  }

  /** Port that it listens on. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  /** Discovery has found a node. */
  found({ id, host, port }: KademliaNode): void {
    this.#handle({ type: "node-found", id, host, port });
  }

  isBanned(id: NodeId | undefined, host: string): boolean {
    return this.#machine.isBanned(id, host, this.#deps.clock.nowMs());
  }

  /**
   * Sends a message.
   *
   * @returns `false` if the peer has gone or does not take any more.
   */
  send(peer: NodeId, message: RskMessage): boolean {
    const link = this.#linkOfPeer.get(peer);
    if (link === undefined || !link.connection.send(message)) return false;
    this.#deps.metrics.messagesSent.inc({ type: message.type });
    return true;
  }

  /** Sends a message to every peer. */
  broadcast(message: RskMessage): void {
    for (const { peer, isJoined } of this.#links.values()) {
      if (peer !== undefined && isJoined) this.send(peer, message);
    }
  }

  /** Reports what a peer has done. */
  score(peer: NodeId, event: ScoreEvent): void {
    this.#deps.metrics.peerEvents.inc({ event });
    this.#handle({ type: "scored", peer, event });
  }

  /** Reports what a peer has delivered. */
  served(peer: NodeId, headers: number, elapsedMs: number): void {
    this.#handle({ type: "served", peer, headers, elapsedMs });
  }

  /** Peers whose Status fits. */
  views(): PeerView[] {
    return this.#machine.peers().filter(({ healthy }) => healthy);
  }

  snapshot(): PeerSnapshot {
    return this.#machine.snapshot();
  }

  /** Says goodbye to all. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopped) return;
    clearInterval(this.#ticker);
    await this.#listener?.[Symbol.asyncDispose]();
    this.#handle({ type: "stop" });
    this.#isStopped = true;
    await Promise.all(
      [...this.#links.values()].map(({ connection }) => connection.disconnect("peer-quitting")),
    );
    await Promise.all(this.#closing);
  }

  #session() {
    const { key, clientId, networkId, genesisHash } = this.#options;
    const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));
    const listenPort = this.#listener?.port ?? this.#options.port;
    return { key, clientId, networkId, genesisHash, randomBytes, listenPort, status: this.#deps.status() };
  }

  #connectionOptions(id: ConnectionId) {
    const onEvent = (event: SessionEvent) => this.#heard(id, event);
    return { onEvent, config: this.#options.connection };
  }

  #attach(id: ConnectionId, direction: PeerDirection, connection: PeerConnection): void {
    const link: Link = { id, direction, connection, peer: undefined, isJoined: false, goodbye: undefined };
    this.#links.set(id, link);
    const closed = connection.closed.then((end) => {
      this.#links.delete(id);
      this.#closing.delete(closed);
      this.#leave(link);
      const reason = link.goodbye;
      this.#deps.log.debug("Connection ended", {
        peer: link.peer,
        remote: connection.remote.host,
        end,
        reason,
      });
      this.#handle({ type: "gone", connection: id, ...(reason === undefined ? {} : { reason }) });
    });
    this.#closing.add(closed);
  }

  #leave(link: Link): void {
    const { peer } = link;
    if (peer === undefined || this.#linkOfPeer.get(peer) !== link) return;
    this.#linkOfPeer.delete(peer);
    if (link.isJoined) this.#deps.events.gone(peer);
  }

  /** Dials; both ends of a failure are told to the machine. */
  async #dial(peer: NodeId, host: string, port: number): Promise<void> {
    const id = this.#nextConnection++;
    const { metrics, log } = this.#deps;
    try {
      const session = { ...this.#session(), role: "initiator" as const, remoteId: Uint8Array.fromHex(peer) };
      const connection = await PeerConnection.dial({ host, port }, session, this.#connectionOptions(id));
      if (this.#isStopped) return await connection.disconnect("peer-quitting");
      this.#attach(id, "outbound", connection);
      metrics.dials.inc({ outcome: "connected" });
      await connection.opened;
      if (this.#links.get(id)?.peer === undefined) this.#handle({ type: "dial-failed", peer });
    } catch (error) {
      metrics.dials.inc({ outcome: "failed" });
      log.debug("Cannot reach a peer", { peer, host, port, error: (error as Error).message });
      this.#handle({ type: "dial-failed", peer });
    }
  }

  #heard(id: ConnectionId, event: SessionEvent): void | Promise<void> {
    const link = this.#links.get(id);
    if (link === undefined) return;
    const { metrics, events } = this.#deps;
    switch (event.type) {
      case "hello": {
        const { connection, direction } = link;
        const { host, port } = connection.remote;
        const { listenPort, clientId } = event.hello;
        link.peer = connection.remoteId!.toHex();
        const at = direction === "outbound" || listenPort === 0 || listenPort > 65_535 ? port : listenPort;
        this.#deps.log.debug("Peer said hello", { peer: link.peer, host, direction, clientId });
        this.#handle({ type: "connected", connection: id, peer: link.peer, host, port: at, direction });
        break;
      }
      case "eth-status":
        this.#join(link);
        break;
      case "status":
        if (link.isJoined) events.status(link.peer!, event.status);
        break;
      case "message":
        metrics.messagesReceived.inc({ type: event.message.type });
        if (link.isJoined) return events.message(link.peer!, event.message);
        break;
      case "pong":
        metrics.roundTripSeconds.observe(event.roundTripMs / 1_000);
        break;
      case "disconnect":
        link.goodbye = event.reason;
        metrics.goodbyes.inc({ reason: event.reason });
        break;
      case "fault":
        metrics.sessionFaults.inc({ code: event.code });
        this.#deps.log.debug("Peer broke the protocol", {
          peer: link.peer,
          code: event.code,
          message: event.message,
        });
    }
  }

  /** A refused newcomer has been disconnected by now, and is no link of its peer. */
  #join(link: Link): void {
    const peer = link.peer!;
    if (!this.#machine.peers().some(({ id }) => id === peer) || this.#linkOfPeer.has(peer)) return;
    link.isJoined = true;
    this.#linkOfPeer.set(peer, link);
    this.#handle({ type: "healthy", peer });
    this.#deps.events.joined(peer);
  }

  #handle(event: PeerEvent): void {
    if (this.#isStopped) return;
    for (const effect of this.#machine.handle(event, this.#deps.clock.nowMs())) this.#perform(effect);
  }

  #perform(effect: PeerEffect): void {
    const { store, metrics, log } = this.#deps;
    switch (effect.type) {
      case "dial":
        void this.#dial(effect.peer, effect.host, effect.port);
        break;
      case "disconnect": {
        const link = this.#links.get(effect.connection);
        if (link === undefined) break;
        this.#leave(link);
        void link.connection.disconnect(effect.reason);
        break;
      }
      case "ban": {
        store.ban(effect.ban);
        metrics.bans.inc({ kind: effect.ban.kind });
        const { kind, key, untilMs } = effect.ban;
        log.info("Peer banned", { kind, key, until: new Date(untilMs).toISOString() });
        this.#discovery?.banned(kind === "id" ? { id: key } : { host: key });
        break;
      }
      case "ban-ended":
        store.unban(effect);
        break;
      case "remember":
        store.remember(effect.record);
        break;
      case "forget":
        store.forget(effect.id);
    }
  }
}
