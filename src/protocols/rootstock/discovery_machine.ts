/**
 * The UDP discovery as a state machine: packets and time in, packets and found nodes out.
 *
 * Layer: protocols/rootstock. Imports the discovery files of this room. Source: spec/rootstock-network.md section 2.
 *
 * Stricter than rskj where strictness costs no node of the network: an answer counts only if it was asked for, and of
 * the address that was asked; addresses that a peer tells of must be ones that it can know (no loopback from the
 * internet); one range has a limited part of each bucket (kademlia.ts); strangers are pinged once, not three times.
 * More generous in two: a node that has answered may ask although its bucket is full (rskj does not answer it, so a
 * newcomer whose one boot node is full would never find anybody), and whoever knows few nodes keeps on asking the boot
 * nodes.
 *
 * @module
 */

import {
  DEFAULT_DISCOVERY_CONFIG,
  type DiscoveryConfig,
  type DiscoveryEffect,
  type DiscoveryEvent,
  type DiscoverySnapshot,
  type Endpoint,
  type PacketDrop,
} from "./discovery_events.ts";
import {
  checkFrom,
  type DiscoveryMessage,
  encodePacket,
  type InspectedPacket,
  inspectPacket,
  type PacketSignatures,
  signerOf,
} from "./discovery_packet.ts";
import { DiscoveryRequests, type PendingPing, type PingOptions } from "./discovery_requests.ts";
import { addressKind, endpointKey, type IpAddress, parseIpAddress } from "./ip_address.ts";
import { type KademliaNode, KademliaTable, pickNodes } from "./kademlia.ts";
import { isNodeId, type NodeId } from "./node_id.ts";
import type { NodeKey } from "./secp256k1.ts";
import { PacketBudget } from "./packet_budget.ts";

/** Nodes asked for others when the table is refreshed, nodes pinged then, and nodes told to others (section 2.5). */
const LOOKUP_TARGETS = { all: 24, closest: 18, others: 5 } as const;
const PING_TARGETS = { all: 16, closest: 5, others: 10 } as const;
const NEIGHBORS_SENT = { all: 20, closest: 14, others: 5 } as const;

/** Options of {@link DiscoveryMachine}. */
export interface DiscoveryMachineOptions {
  /** Signs what the machine sends. */
  readonly key: NodeKey;
  readonly networkId: number;
  /** What this node says of itself in its packets; rskj does not rely on it. */
  readonly self: Endpoint;
  /** Unpredictable bytes: whoever can guess them can answer in another's place. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Numbers from 0 to below 1, to pick nodes. */
  readonly random: () => number;
  /** Whether a node or an address is banned. @default {() => false} */
  readonly isBanned?: (id: NodeId | undefined, host: string, nowMs: number) => boolean;
  /** @default {SECP256K1_SIGNATURES} */
  readonly signatures?: PacketSignatures;
  /** Overrides of {@link DEFAULT_DISCOVERY_CONFIG}. */
  readonly config?: Partial<DiscoveryConfig>;
}

/** Sender of a packet. */
interface Sender {
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
  readonly address: IpAddress;
}

/** Finds the nodes of a network. Deterministic: same events, times and randomness, same effects. */
export class DiscoveryMachine {
  /** Id of this node. */
  readonly id: NodeId;
  readonly #options: DiscoveryMachineOptions;
  readonly #config: DiscoveryConfig;
  readonly #table: KademliaTable;
  readonly #requests: DiscoveryRequests;
  readonly #budget: PacketBudget;
  /** Nodes by the address they are established at. */
  readonly #established = new Map<string, NodeId>();
  /** Nodes that have answered and found no room in the table; in the order they answered. */
  readonly #guests = new Map<NodeId, KademliaNode>();
  /** New nodes, and when to ask them. */
  readonly #firstLookups = new Map<NodeId, number>();
  readonly #dropped: Partial<Record<PacketDrop, number>> = {};
  #boot: readonly Endpoint[] = [];
  #received = 0;
  #sent = 0;
  #nowMs = 0;
  #refreshedMs: number | undefined;
  #effects: DiscoveryEffect[] = [];

  constructor(options: DiscoveryMachineOptions) {
    this.#options = options;
    this.#config = { ...DEFAULT_DISCOVERY_CONFIG, ...options.config };
    this.id = options.key.id.toHex();
    this.#table = new KademliaTable(this.id, this.#config);
    this.#requests = new DiscoveryRequests(this.#config);
    this.#budget = new PacketBudget(this.#config);
  }

  /** Takes one event; `nowMs` is any clock that does not run backwards. */
  handle(event: DiscoveryEvent, nowMs: number): DiscoveryEffect[] {
    this.#nowMs = nowMs;
    this.#effects = [];
    switch (event.type) {
      case "packet": {
        this.#received++;
        const drop = this.#packet(event.from, event.bytes);
        if (drop !== undefined) this.#dropped[drop] = (this.#dropped[drop] ?? 0) + 1;
        break;
      }
      case "boot":
        this.#boot = event.endpoints.slice(0, this.#config.maxPings / 2);
        if (this.#table.size < this.#config.sparseNodes) this.#pingBootNodes();
        break;
      case "restore":
        for (const { id, host, port } of event.nodes) {
          if (isNodeId(id)) this.#pingNode(id, host, port);
        }
        break;
      case "banned":
        for (const { id, host } of [...this.#table.nodes(), ...this.#guests.values()]) {
          if (id === event.id || host === event.host) this.#lose(id);
        }
        break;
      case "tick":
        this.#tick();
    }
    return this.#effects;
  }

  /** Established nodes. */
  nodes(): KademliaNode[] {
    return Array.from(this.#table.nodes(), ({ id, host, port }) => ({ id, host, port }));
  }

  /** State for gauges and status. */
  snapshot(): DiscoverySnapshot {
    return {
      nodes: this.#table.size,
      guests: this.#guests.size,
      buckets: this.#table.buckets,
      pings: this.#requests.pings,
      lookups: this.#requests.lookups,
      senders: this.#budget.senders,
      packetsReceived: this.#received,
      packetsSent: this.#sent,
      packetsDropped: { ...this.#dropped },
    };
  }

  /** @returns Why the packet changes nothing, if it does not. */
  #packet(from: Endpoint, bytes: Uint8Array): PacketDrop | undefined {
    const address = parseIpAddress(from.host);
    if (address === undefined || addressKind(address) === "unusable" || from.port === 0) return "address";
    const { text: host } = address;
    const { port } = from;
    const refusal = this.#budget.admit(address, port, this.#nowMs);
    if (refusal !== undefined) return refusal;
    if (this.#isBanned(undefined, host)) return "banned";
    const seen = inspectPacket(bytes);
    if (!seen.ok) return seen.fault;
    const { packet } = seen;
    const { networkId } = packet.message;
    if (networkId !== undefined && networkId !== (this.#options.networkId | 0)) return "network";
    // Before the signature, which is what costs.
    const isAnswer = packet.message.type === "pong" || packet.message.type === "neighbors";
    if (isAnswer && !this.#isSolicited(packet.message, host, port)) return "unsolicited";
    const isKnown = isAnswer || this.#established.has(endpointKey(host, port));
    return this.#budget.spend(isKnown, this.#nowMs) ?? this.#signed(packet, host, port, address);
  }

  #isSolicited({ type, check }: DiscoveryMessage, host: string, port: number): boolean {
    const request = type === "pong"
      ? this.#requests.pingFor(check, host, port)
      : this.#requests.lookupFor(check, host, port);
    return request !== undefined;
  }

  #signed(packet: InspectedPacket, host: string, port: number, address: IpAddress): PacketDrop | undefined {
    const id = signerOf(packet, this.#options.signatures);
    if (id === undefined) return "signature";
    if (id === this.id) return "self";
    if (this.#isBanned(id, host)) return "banned";
    const sender: Sender = { id, host, port, address };
    const { message } = packet;
    switch (message.type) {
      case "ping":
        return this.#onPing(sender, message.check);
      case "pong":
        return this.#onPong(sender, message.check);
      case "find-node":
        return this.#onFindNode(sender, message.check);
      case "neighbors":
        return this.#onNeighbors(sender, message);
    }
  }

  #onPing({ id, host, port, address }: Sender, check: string): undefined {
    this.#send({ host, port }, { type: "pong", check, ...this.#options.self });
    const known = this.#table.get(id);
    if (known?.host === host && known.port === port) return;
    if (this.#requests.hasRoomForStranger(host, addressKind(address) === "loopback")) {
      this.#ping(host, port, { isStranger: true });
    }
  }

  #onPong({ id, host, port }: Sender, check: string): PacketDrop | undefined {
    const ping = this.#requests.pingFor(check, host, port);
    if (ping === undefined) return "unsolicited";
    this.#requests.endPing(ping);
    // Another key answers there now: the node that was expected is gone from this address.
    if (ping.id !== undefined && ping.id !== id) this.#loseAt(ping.id, host, port);
    this.#establish({ id, host, port });
    return undefined;
  }

  #establish(node: KademliaNode): void {
    const before = this.#table.get(node.id);
    const outcome = this.#table.add(node);
    if (outcome.type === "added" || (outcome.type === "known" && outcome.moved)) {
      if (before !== undefined) this.#forgetEndpoint(before);
      this.#established.set(endpointKey(node.host, node.port), node.id);
      if (outcome.type === "added") this.#firstLookups.set(node.id, this.#nowMs + this.#config.firstLookupMs);
    } else if (outcome.type === "bucket-full") {
      const { id, host, port } = outcome.oldest;
      const pending = this.#requests.pingTo(host, port);
      if (pending === undefined) this.#ping(host, port, { id, challenger: node });
      else if (pending.id === id) pending.challenger ??= node;
    }
    this.#guests.delete(node.id);
    if (this.#table.get(node.id) === undefined) this.#receive(node);
    const isNews = outcome.type !== "known" || outcome.moved;
    if (isNews) this.#effects.push({ type: "node-found", ...node });
  }

  #receive(guest: KademliaNode): void {
    this.#guests.set(guest.id, guest);
    if (this.#guests.size <= this.#config.maxGuests) return;
    for (const oldest of this.#guests.keys()) {
      this.#guests.delete(oldest);
      break;
    }
  }

  #onFindNode({ id }: Sender, check: string): PacketDrop | undefined {
    const asking = this.#table.get(id) ?? this.#guests.get(id);
    if (asking === undefined) return "stranger";
    const { host, port } = asking;
    const told = pickNodes(this.#table, id, NEIGHBORS_SENT, this.#options.random);
    const nodes = told.filter((node) => isTellable(node.host, host));
    this.#send({ host, port }, { type: "neighbors", check, nodes });
    return undefined;
  }

  #onNeighbors(
    { id, host, port }: Sender,
    { check, nodes }: DiscoveryMessage & { readonly type: "neighbors" },
  ): PacketDrop | undefined {
    const lookup = this.#requests.lookupFor(check, host, port);
    if (lookup?.id !== id) return "unsolicited";
    this.#requests.endLookup(lookup);
    for (const node of nodes) {
      const address = parseIpAddress(node.host);
      if (address === undefined || node.id === this.id || !isTellable(address.text, host)) continue;
      const known = this.#table.get(node.id);
      if (known?.host === address.text && known.port === node.port) continue;
      this.#pingNode(node.id, address.text, node.port);
    }
    return undefined;
  }

  #tick(): void {
    for (const ping of this.#requests.expire(this.#nowMs)) this.#late(ping);
    for (const [id, atMs] of this.#firstLookups) {
      if (atMs > this.#nowMs) continue;
      this.#firstLookups.delete(id);
      this.#lookUp(id);
    }
    this.#refreshedMs ??= this.#nowMs;
    if (this.#nowMs - this.#refreshedMs >= this.#config.refreshMs) {
      this.#refreshedMs = this.#nowMs;
      const { random } = this.#options;
      for (const { id } of pickNodes(this.#table, this.id, LOOKUP_TARGETS, random)) this.#lookUp(id);
      for (const { id, host, port } of pickNodes(this.#table, this.id, PING_TARGETS, random)) {
        this.#ping(host, port, { id });
      }
      if (this.#table.size < this.#config.sparseNodes) this.#pingBootNodes();
    }
    if (this.#table.size === 0 && this.#requests.pings === 0) this.#pingBootNodes();
  }

  #late(ping: PendingPing): void {
    if (!ping.isStranger && ping.attempts < this.#config.pingAttempts) {
      ping.attempts++;
      ping.sentMs = this.#nowMs;
      this.#sendPing(ping);
      return;
    }
    this.#requests.endPing(ping);
    if (ping.id !== undefined) this.#loseAt(ping.id, ping.host, ping.port);
    if (ping.challenger !== undefined) {
      const { id, host, port } = ping.challenger;
      this.#pingNode(id, host, port);
    }
  }

  #pingBootNodes(): void {
    for (const { host, port } of this.#boot) {
      const address = parseIpAddress(host);
      if (address === undefined || this.#established.has(endpointKey(address.text, port))) continue;
      if (!this.#isBanned(undefined, address.text)) this.#ping(address.text, port, {});
    }
  }

  #pingNode(id: NodeId, host: string, port: number): void {
    if (id !== this.id && !this.#isBanned(id, host)) this.#ping(host, port, { id });
  }

  #ping(host: string, port: number, options: PingOptions): void {
    const check = checkFrom(this.#options.randomBytes(16));
    const ping = this.#requests.addPing(check, host, port, this.#nowMs, options);
    if (ping !== undefined) this.#sendPing(ping);
  }

  #sendPing({ host, port, check }: PendingPing): void {
    this.#send({ host, port }, { type: "ping", check, ...this.#options.self });
  }

  #lookUp(id: NodeId): void {
    const node = this.#table.get(id);
    if (node === undefined) return;
    const lookup = this.#requests.addLookup(checkFrom(this.#options.randomBytes(16)), node, this.#nowMs);
    if (lookup === undefined) return;
    const { host, port, check } = lookup;
    this.#send({ host, port }, { type: "find-node", check, target: Uint8Array.fromHex(this.id) });
  }

  #send(to: Endpoint, message: DiscoveryMessage): void {
    const { networkId, key, signatures } = this.#options;
    this.#sent++;
    const bytes = encodePacket({ ...message, networkId }, key, signatures);
    this.#effects.push({ type: "send", to, bytes });
  }

  #loseAt(id: NodeId, host: string, port: number): void {
    const node = this.#table.get(id);
    if (node?.host === host && node.port === port) this.#lose(id);
  }

  #lose(id: NodeId): void {
    this.#guests.delete(id);
    const node = this.#table.get(id);
    if (node === undefined) return;
    this.#forgetEndpoint(node);
    this.#table.remove(id);
    this.#firstLookups.delete(id);
    this.#effects.push({ type: "node-lost", id });
  }

  #forgetEndpoint({ id, host, port }: KademliaNode): void {
    const key = endpointKey(host, port);
    // Two keys may answer at one address; rskj allows it by default.
    if (this.#established.get(key) === id) this.#established.delete(key);
  }

  #isBanned(id: NodeId | undefined, host: string): boolean {
    return this.#options.isBanned?.(id, host, this.#nowMs) ?? false;
  }
}

/** Whether a node at `to` can make use of the address `host`, or can know it: loopback stays on the machine, private
 * networks stay private. */
function isTellable(host: string, to: string): boolean {
  const [told, peer] = [parseIpAddress(host), parseIpAddress(to)];
  if (told === undefined || peer === undefined) return false;
  const [toldKind, peerKind] = [addressKind(told), addressKind(peer)];
  if (toldKind === "loopback") return peerKind === "loopback";
  if (toldKind === "private") return peerKind !== "public";
  return toldKind === "public";
}
