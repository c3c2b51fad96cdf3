/**
 * Whom to dial, whom to take in, whom to let go: peers as a state machine, events in, effects out.
 *
 * Layer: protocols/rootstock. Imports the peer files of this room. Source: spec/rootstock-network.md sections 5.4, 6.
 *
 * @module
 */

import { parseIpAddress } from "./ip_address.ts";
import type { KademliaNode } from "./kademlia.ts";
import type { NodeId } from "./node_id.ts";
import { type Candidate, dialRange, PeerBook, toRecord } from "./peer_book.ts";
import {
  type ConnectionId,
  DEFAULT_PEER_CONFIG,
  type PeerConfig,
  type PeerDirection,
  type PeerDisconnect,
  type PeerEffect,
  type PeerEvent,
  type PeerSnapshot,
  type PeerView,
} from "./peer_events.ts";
import { type Ban, PeerScores } from "./peer_score.ts";

/** Reasons of a Disconnect after which it makes no sense to come back soon, and how soon it does. */
const COME_BACK_MS: Readonly<Record<string, number>> = {
  "too-many-peers": 60_000,
  "duplicate-peer": 60_000,
  "incompatible-protocol": 1_800_000,
  // What rskj says to a peer of another network.
  "null-identity": 1_800_000,
  "unexpected-genesis": 1_800_000,
};
/** A peer that was useful and left is dialled again after this. */
const REDIAL_MS = 30_000;
/** Weight of the newest answer in a peer's rate. */
const RATE_WEIGHT = 0.3;
/** Peers that must have served before one of them counts as slow. */
const MEASURED_PEERS = 3;

/** Options of {@link PeerMachine}. */
export interface PeerMachineOptions {
  /** Id of this node. */
  readonly ownId: NodeId;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
  /** Peers that are always dialled, above the limits. */
  readonly staticPeers?: readonly KademliaNode[];
  /** Peers that are taken in above the limits. Bans hold for them too. */
  readonly trustedPeers?: readonly NodeId[];
  /** Overrides of {@link DEFAULT_PEER_CONFIG}. */
  readonly config?: Partial<PeerConfig>;
}

interface Peer {
  readonly connection: ConnectionId;
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
  readonly range: string | undefined;
  readonly direction: PeerDirection;
  readonly connectedMs: number;
  /** Neither the limits nor slowness end it. */
  readonly isKept: boolean;
  healthy: boolean;
  timeouts: number;
  headersPerSecond: number | undefined;
}

/** Keeps a number of healthy peers. Deterministic: same events, times and randomness, same effects. */
export class PeerMachine {
  readonly #options: PeerMachineOptions;
  readonly #config: PeerConfig;
  readonly #book: PeerBook;
  readonly #scores: PeerScores;
  readonly #trusted: ReadonlySet<NodeId>;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #peerOfConnection = new Map<ConnectionId, NodeId>();
  /** Inbound connections whose handshake is not done, with their address. */
  readonly #handshakes = new Map<ConnectionId, string>();
  /** Dials on their way, and when they began. */
  readonly #dials = new Map<NodeId, number>();
  #replacedMs = 0;
  #stopping = false;
  #nowMs = 0;
  #effects: PeerEffect[] = [];

  constructor(options: PeerMachineOptions) {
    this.#options = options;
    this.#config = { ...DEFAULT_PEER_CONFIG, ...options.config };
    this.#book = new PeerBook(this.#config, options.random);
    this.#scores = new PeerScores(this.#config);
    this.#trusted = new Set(options.trustedPeers);
    for (const node of options.staticPeers ?? []) this.#book.addStatic(node);
  }

  /** Takes one event; `nowMs` counts from 1970, for bans outlive the process. */
  handle(event: PeerEvent, nowMs: number): PeerEffect[] {
    this.#nowMs = nowMs;
    this.#effects = [];
    switch (event.type) {
      case "node-found":
        this.#found(event);
        break;
      case "restore":
        for (const ban of event.bans) this.#scores.restore(ban, nowMs);
        for (const record of event.peers) this.#book.add(record);
        break;
      case "incoming":
        this.#incoming(event.connection, event.host);
        break;
      case "connected":
        this.#connected(event);
        break;
      case "dial-failed":
        if (this.#dials.delete(event.peer)) this.#failed(event.peer);
        break;
      case "gone":
        this.#gone(event.connection, event.reason);
        break;
      case "healthy":
        this.#with(event.peer, (peer) => this.#becameHealthy(peer));
        break;
      case "served":
        this.#with(event.peer, (peer) => this.#served(peer, event.headers, event.elapsedMs));
        break;
      case "scored":
        this.#with(event.peer, (peer) => this.#scored(peer, event));
        break;
      case "tick":
        this.#tick();
        break;
      case "stop":
        this.#stopping = true;
        for (const peer of [...this.#peers.values()]) this.#disconnect(peer, "peer-quitting");
        for (const connection of this.#handshakes.keys()) this.#refuse(connection, "peer-quitting");
        this.#handshakes.clear();
        this.#dials.clear();
    }
    return this.#effects;
  }

  /** Whether an id or an address is banned; what discovery asks. */
  isBanned(id: NodeId | undefined, host: string, nowMs: number): boolean {
    return this.#scores.isBanned(id, addressOf(host), nowMs);
  }

  /** Connected peers. */
  peers(): PeerView[] {
    return Array.from(this.#peers.values(), (peer) => {
      const { id, host, port, direction, healthy, connectedMs, headersPerSecond } = peer;
      const view = { id, host, port, direction, healthy, connectedMs, score: this.#scores.scoreOf(id) };
      return { ...view, ...(headersPerSecond === undefined ? {} : { headersPerSecond }) };
    });
  }

  /** Bans in force. */
  bans(nowMs: number): Ban[] {
    return this.#scores.bans(nowMs);
  }

  /** State for gauges. */
  snapshot(): PeerSnapshot {
    return {
      inbound: this.#count(({ direction }) => direction === "inbound"),
      outbound: this.#count(({ direction }) => direction === "outbound"),
      healthy: this.#count(({ healthy }) => healthy),
      handshakes: this.#handshakes.size,
      dials: this.#dials.size,
      candidates: this.#book.size,
      bans: this.#scores.bans(this.#nowMs).length,
    };
  }

  #found({ id, host, port }: KademliaNode): void {
    if (id === this.#options.ownId || this.isBanned(id, host, this.#nowMs)) return;
    const { isNews, forgotten } = this.#book.add({ id, host, port, seenMs: this.#nowMs, failures: 0 });
    if (forgotten !== undefined) this.#effects.push({ type: "forget", id: forgotten });
    if (isNews) this.#remember(this.#book.get(id));
  }

  #incoming(connection: ConnectionId, host: string): void {
    const { maxHandshakes, maxHandshakesPerHost, maxPerRange } = this.#config;
    if (this.#stopping) return this.#refuse(connection, "peer-quitting");
    if (this.isBanned(undefined, host, this.#nowMs)) return this.#refuse(connection, "bad-protocol");
    const range = dialRange(host);
    const ofHost = [...this.#handshakes.values()].filter((other) => other === host).length;
    const isCrowded = range !== undefined &&
      (ofHost >= maxHandshakesPerHost || this.#count((peer) => peer.range === range) >= maxPerRange);
    if (isCrowded || this.#handshakes.size >= maxHandshakes) {
      return this.#refuse(connection, "too-many-peers");
    }
    this.#handshakes.set(connection, host);
  }

  #connected(event: PeerEvent & { readonly type: "connected" }): void {
    const { connection, peer: id, host, port, direction } = event;
    this.#handshakes.delete(connection);
    this.#dials.delete(id);
    const candidate = this.#book.get(id);
    const isKept = this.#trusted.has(id) || candidate?.isStatic === true;
    const refusal = this.#refusal(id, host, direction, isKept);
    if (refusal !== undefined) {
      this.#refuse(connection, refusal);
      // As if it had failed, or the same would be dialled at once.
      if (direction === "outbound" && refusal !== "duplicate-peer") this.#failed(id);
      return;
    }
    this.#peers.set(id, {
      connection,
      id,
      host,
      port,
      range: dialRange(host),
      direction,
      connectedMs: this.#nowMs,
      isKept,
      healthy: false,
      timeouts: 0,
      headersPerSecond: undefined,
    });
    this.#peerOfConnection.set(connection, id);
  }

  #refusal(id: NodeId, host: string, direction: PeerDirection, isKept: boolean): PeerDisconnect | undefined {
    if (this.#stopping) return "peer-quitting";
    if (id === this.#options.ownId) return "local-identity";
    if (this.isBanned(id, host, this.#nowMs)) return "bad-protocol";
    if (this.#peers.has(id)) return "duplicate-peer";
    if (isKept) return undefined;
    const { maxInbound, maxOutbound, maxPerRange } = this.#config;
    const most = direction === "inbound" ? maxInbound : maxOutbound;
    const range = dialRange(host);
    const isFull = this.#count((peer) => peer.direction === direction && !peer.isKept) >= most;
    const isCrowded = range !== undefined && this.#count((peer) => peer.range === range) >= maxPerRange;
    return isFull || isCrowded ? "too-many-peers" : undefined;
  }

  #gone(connection: ConnectionId, reason: string | undefined): void {
    this.#handshakes.delete(connection);
    const id = this.#peerOfConnection.get(connection);
    if (id === undefined) return;
    const peer = this.#peers.get(id)!;
    this.#drop(peer);
    const comeBackMs = COME_BACK_MS[reason ?? ""];
    const candidate = this.#book.get(id);
    if (candidate === undefined) return;
    if (peer.healthy && comeBackMs === undefined) this.#book.postpone(candidate, this.#nowMs, REDIAL_MS);
    else this.#failed(id, comeBackMs);
  }

  #becameHealthy(peer: Peer): void {
    peer.healthy = true;
    if (peer.direction === "inbound" && this.#book.get(peer.id) === undefined) {
      // Whether it listens there, a dial will show.
      const { id, host, port } = peer;
      const { forgotten } = this.#book.add({ id, host, port, seenMs: this.#nowMs, failures: 0 });
      if (forgotten !== undefined) this.#effects.push({ type: "forget", id: forgotten });
    }
    const candidate = this.#book.get(peer.id);
    if (candidate === undefined) return;
    candidate.failures = 0;
    candidate.seenMs = candidate.healthyMs = this.#nowMs;
    this.#remember(candidate);
  }

  #served(peer: Peer, headers: number, elapsedMs: number): void {
    const rate = headers * 1_000 / Math.max(1, elapsedMs);
    const before = peer.headersPerSecond ?? rate;
    peer.headersPerSecond = before + RATE_WEIGHT * (rate - before);
    peer.timeouts = 0;
  }

  #scored(peer: Peer, { event }: PeerEvent & { readonly type: "scored" }): void {
    const { id, host } = peer;
    for (const ban of this.#scores.record(id, addressOf(host), event, this.#nowMs)) {
      this.#effects.push({ type: "ban", ban });
    }
    for (const other of [...this.#peers.values()]) {
      if (this.isBanned(other.id, other.host, this.#nowMs)) this.#cut(other, "bad-protocol");
    }
    if (event === "timeout-message" && ++peer.timeouts >= this.#config.maxTimeouts) {
      if (this.#peers.get(id) === peer) this.#cut(peer, "useless-peer");
    }
  }

  #tick(): void {
    for (const { kind, key } of this.#scores.expire(this.#nowMs)) {
      this.#effects.push({ type: "ban-ended", kind, key });
    }
    if (this.#stopping) return;
    const { statusTimeoutMs, dialTimeoutMs } = this.#config;
    for (const [id, atMs] of [...this.#dials]) {
      if (this.#nowMs - atMs < dialTimeoutMs) continue;
      this.#dials.delete(id);
      this.#failed(id);
    }
    for (const peer of [...this.#peers.values()]) {
      if (!peer.healthy && this.#nowMs - peer.connectedMs >= statusTimeoutMs) this.#cut(peer, "useless-peer");
    }
    for (const candidate of this.#book.all()) {
      if (candidate.isStatic && this.#book.isDue(candidate, this.#nowMs) && this.#isFree(candidate)) {
        this.#dial(candidate);
      }
    }
    this.#replaceSlow();
    while (this.#wantsDial()) {
      const candidate = this.#book.pick(this.#nowMs, (one) => this.#isWanted(one));
      if (candidate === undefined) break;
      this.#dial(candidate);
    }
  }

  #wantsDial(): boolean {
    const { targetPeers, maxOutbound, maxDials } = this.#config;
    const dials = this.#dials.size;
    const outbound = this.#count(({ direction }) => direction === "outbound") + dials;
    if (dials >= maxDials || outbound >= maxOutbound) return false;
    return this.#peers.size + dials < targetPeers || outbound < Math.ceil(targetPeers / 2);
  }

  #isFree({ id, host }: Candidate): boolean {
    return !this.#peers.has(id) && !this.#dials.has(id) && !this.isBanned(id, host, this.#nowMs);
  }

  #isWanted(candidate: Candidate): boolean {
    if (candidate.isStatic || !this.#isFree(candidate)) return false;
    const { range } = candidate;
    if (range === undefined) return true;
    const { maxPerRange, maxOutboundPerRange } = this.#config;
    let [all, outbound] = [0, 0];
    for (const peer of this.#peers.values()) {
      if (peer.range !== range) continue;
      all++;
      if (peer.direction === "outbound") outbound++;
    }
    for (const id of this.#dials.keys()) {
      if (this.#book.get(id)?.range === range) outbound++;
    }
    return all < maxPerRange && outbound < maxOutboundPerRange;
  }

  #dial({ id, host, port }: Candidate): void {
    this.#dials.set(id, this.#nowMs);
    this.#effects.push({ type: "dial", peer: id, host, port });
  }

  /** A slow peer makes room once there is somebody to try instead. */
  #replaceSlow(): void {
    const { replaceMs, slowRatio, targetPeers } = this.#config;
    if (this.#nowMs - this.#replacedMs < replaceMs || this.#peers.size < targetPeers) return;
    const rates = [...this.#peers.values()].map(({ headersPerSecond }) => headersPerSecond)
      .filter((rate) => rate !== undefined).sort((a, b) => a - b);
    if (rates.length < MEASURED_PEERS) return;
    const limit = rates[rates.length >>> 1]! * slowRatio;
    const slow =
      [...this.#peers.values()].filter(({ isKept, headersPerSecond }) =>
        !isKept && headersPerSecond !== undefined && headersPerSecond < limit
      ).sort((a, b) => a.headersPerSecond! - b.headersPerSecond!)[0];
    if (slow === undefined) return;
    if (this.#book.pick(this.#nowMs, (one) => this.#isWanted(one)) === undefined) return;
    this.#replacedMs = this.#nowMs;
    this.#cut(slow, "useless-peer");
  }

  /** Ends a connection for a fault of the peer. */
  #cut(peer: Peer, reason: PeerDisconnect): void {
    this.#disconnect(peer, reason);
    this.#failed(peer.id, this.#config.maxBackoffMs);
  }

  #failed(id: NodeId, leastMs?: number): void {
    const candidate = this.#book.get(id);
    if (candidate === undefined) return;
    if (this.#book.failed(candidate, this.#nowMs, leastMs)) this.#effects.push({ type: "forget", id });
    else this.#remember(candidate);
  }

  #remember(candidate: Candidate | undefined): void {
    if (candidate === undefined || candidate.isStatic) return;
    this.#effects.push({ type: "remember", record: toRecord(candidate) });
  }

  #disconnect(peer: Peer, reason: PeerDisconnect): void {
    this.#drop(peer);
    this.#effects.push({ type: "disconnect", connection: peer.connection, peer: peer.id, reason });
  }

  #refuse(connection: ConnectionId, reason: PeerDisconnect): void {
    this.#effects.push({ type: "disconnect", connection, reason });
  }

  #drop(peer: Peer): void {
    this.#peers.delete(peer.id);
    this.#peerOfConnection.delete(peer.connection);
  }

  #count(isCounted: (peer: Peer) => boolean): number {
    let count = 0;
    for (const peer of this.#peers.values()) if (isCounted(peer)) count++;
    return count;
  }

  /** Events may cross: what is heard of a peer that has gone counts for nothing. */
  #with(id: NodeId, act: (peer: Peer) => void): void {
    const peer = this.#peers.get(id);
    if (peer !== undefined) act(peer);
  }
}

/** The address that answers for what happens there; none for loopback, which many nodes of a test network share. */
function addressOf(host: string): string | undefined {
  return dialRange(host) === undefined ? undefined : parseIpAddress(host)?.text;
}
