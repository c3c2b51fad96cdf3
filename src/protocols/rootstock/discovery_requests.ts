/**
 * Pings and lookups on their way: bounded, and given up in time.
 *
 * Layer: protocols/rootstock. Imports types of this room. Source: spec/rootstock-network.md sections 2.4, 2.5.
 *
 * @module
 */

import type { DiscoveryConfig } from "./discovery_events.ts";
import { endpointKey } from "./ip_address.ts";
import type { KademliaNode } from "./kademlia.ts";
import type { NodeId } from "./node_id.ts";

/** A Ping that has no Pong yet. */
export interface PendingPing {
  /** UUID; the same in every attempt, so that a late answer counts. */
  readonly check: string;
  readonly host: string;
  readonly port: number;
  /**
   * A stranger pinged first, from an address that may be forged: it gets one Ping and no second, so that whoever forges
   * addresses gains nothing. It will ping again if it is real.
   */
  readonly isStranger: boolean;
  /** Node that is expected to answer, if one is. */
  readonly id: NodeId | undefined;
  /** Takes the place of that node in its bucket if it does not answer. */
  challenger: KademliaNode | undefined;
  attempts: number;
  sentMs: number;
}

/** A FindNode that has no Neighbors yet. */
export interface PendingLookup {
  readonly check: string;
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
  readonly sentMs: number;
}

/** What to ping, beside where. */
export interface PingOptions {
  readonly isStranger?: boolean;
  readonly id?: NodeId;
  readonly challenger?: KademliaNode;
}

/** Requests by their check; at most one Ping to an address, one FindNode to a node. */
export class DiscoveryRequests {
  readonly #config: DiscoveryConfig;
  readonly #pings = new Map<string, PendingPing>();
  readonly #pingsByEndpoint = new Map<string, PendingPing>();
  readonly #strangersByHost = new Map<string, number>();
  #strangers = 0;
  readonly #lookups = new Map<string, PendingLookup>();
  readonly #lookupsById = new Map<NodeId, PendingLookup>();

  constructor(config: DiscoveryConfig) {
    this.#config = config;
  }

  get pings(): number {
    return this.#pings.size;
  }

  get lookups(): number {
    return this.#lookups.size;
  }

  /** The Ping on its way to an address. */
  pingTo(host: string, port: number): PendingPing | undefined {
    return this.#pingsByEndpoint.get(endpointKey(host, port));
  }

  /** Whether another Ping may go to a stranger; `isExempt`: loopback, where every node has the same address. */
  hasRoomForStranger(host: string, isExempt: boolean): boolean {
    const { maxPings, maxStrangerPings, maxStrangerPingsPerHost } = this.#config;
    if (this.#pings.size >= maxPings || this.#strangers >= maxStrangerPings) return false;
    return isExempt || (this.#strangersByHost.get(host) ?? 0) < maxStrangerPingsPerHost;
  }

  /** @returns The Ping to send; `undefined` if one is on its way there, or there are too many. */
  addPing(
    check: string,
    host: string,
    port: number,
    nowMs: number,
    options: PingOptions,
  ): PendingPing | undefined {
    const key = endpointKey(host, port);
    if (this.#pingsByEndpoint.has(key) || this.#pings.size >= this.#config.maxPings) return undefined;
    const { isStranger = false, id, challenger } = options;
    const ping: PendingPing = { check, host, port, isStranger, id, challenger, attempts: 1, sentMs: nowMs };
    this.#pings.set(check, ping);
    this.#pingsByEndpoint.set(key, ping);
    if (isStranger) {
      this.#strangers++;
      this.#strangersByHost.set(host, (this.#strangersByHost.get(host) ?? 0) + 1);
    }
    return ping;
  }

  /** The Ping that a Pong with this check from this address answers. */
  pingFor(check: string, host: string, port: number): PendingPing | undefined {
    const ping = this.#pings.get(check);
    return ping !== undefined && ping.host === host && ping.port === port ? ping : undefined;
  }

  endPing(ping: PendingPing): void {
    this.#pings.delete(ping.check);
    this.#pingsByEndpoint.delete(endpointKey(ping.host, ping.port));
    if (!ping.isStranger) return;
    this.#strangers--;
    const left = this.#strangersByHost.get(ping.host)! - 1;
    if (left === 0) this.#strangersByHost.delete(ping.host);
    else this.#strangersByHost.set(ping.host, left);
  }

  /** @returns The request to send; `undefined` if the node has one already, or there are too many. */
  addLookup(check: string, { id, host, port }: KademliaNode, nowMs: number): PendingLookup | undefined {
    if (this.#lookupsById.has(id) || this.#lookups.size >= this.#config.maxLookups) return undefined;
    const lookup: PendingLookup = { check, id, host, port, sentMs: nowMs };
    this.#lookups.set(check, lookup);
    this.#lookupsById.set(id, lookup);
    return lookup;
  }

  /** The FindNode that a Neighbors with this check from this address answers. */
  lookupFor(check: string, host: string, port: number): PendingLookup | undefined {
    const lookup = this.#lookups.get(check);
    return lookup !== undefined && lookup.host === host && lookup.port === port ? lookup : undefined;
  }

  endLookup(lookup: PendingLookup): void {
    this.#lookups.delete(lookup.check);
    this.#lookupsById.delete(lookup.id);
  }

  /** Drops lookups that are too old; returns pings that are, for another attempt or the end. */
  expire(nowMs: number): PendingPing[] {
    const isLate = ({ sentMs }: { readonly sentMs: number }) =>
      nowMs - sentMs > this.#config.requestTimeoutMs;
    for (const lookup of [...this.#lookups.values()]) if (isLate(lookup)) this.endLookup(lookup);
    return [...this.#pings.values()].filter(isLate);
  }
}
