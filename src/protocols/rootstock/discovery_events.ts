/**
 * What goes into the discovery machine and what comes out: plain data.
 *
 * Layer: protocols/rootstock. Imports types of this room. Source: spec/rootstock-network.md section 2.
 *
 * @module
 */

import type { PacketFault } from "./discovery_packet.ts";
import { DEFAULT_KADEMLIA_CONFIG, type KademliaConfig, type KademliaNode } from "./kademlia.ts";
import type { NodeId } from "./node_id.ts";
import {
  type BudgetRefusal,
  DEFAULT_PACKET_BUDGET_CONFIG,
  type PacketBudgetConfig,
} from "./packet_budget.ts";

/** Where a packet comes from or goes to. */
export interface Endpoint {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/** Times and bounds of the discovery; the first four are rskj's (section 2.5). */
export interface DiscoveryConfig extends KademliaConfig, PacketBudgetConfig {
  /** A request that is older is lost. @default {14_999} */
  readonly requestTimeoutMs: number;
  /** Pings without an answer before a node is given up. @default {3} */
  readonly pingAttempts: number;
  /** Nodes are asked for others, and whether they are there, this often. @default {60_000} */
  readonly refreshMs: number;
  /** A new node is asked this long after it was established: by then it should know us too. @default {2_000} */
  readonly firstLookupMs: number;
  /** Most pings on their way. @default {512} */
  readonly maxPings: number;
  /** Most of them to strangers who pinged first, and to one address of theirs. @default {128, 4} */
  readonly maxStrangerPings: number;
  readonly maxStrangerPingsPerHost: number;
  /** Most FindNode requests on their way. @default {128} */
  readonly maxLookups: number;
  /** Nodes whose questions are answered although the table has no room for them; the one that answered longest ago is
   * forgotten. @default {1_024} */
  readonly maxGuests: number;
  /** With fewer established nodes than this, boot nodes are pinged at every refresh. @default {8} */
  readonly sparseNodes: number;
}

/** See {@link DiscoveryConfig} for each value. */
export const DEFAULT_DISCOVERY_CONFIG: DiscoveryConfig = {
  ...DEFAULT_KADEMLIA_CONFIG,
  ...DEFAULT_PACKET_BUDGET_CONFIG,
  requestTimeoutMs: 14_999,
  pingAttempts: 3,
  refreshMs: 60_000,
  firstLookupMs: 2_000,
  maxPings: 512,
  maxStrangerPings: 128,
  maxStrangerPingsPerHost: 4,
  maxLookups: 128,
  maxGuests: 1_024,
  sparseNodes: 8,
};

/** Something that happened. */
export type DiscoveryEvent =
  /** Borrows the bytes. */
  | { readonly type: "packet"; readonly from: Endpoint; readonly bytes: Uint8Array }
  /** Addresses of the boot nodes, in place of those known before. */
  | { readonly type: "boot"; readonly endpoints: readonly Endpoint[] }
  /** Nodes that were established before a restart: they are pinged, and count once they answer. */
  | { readonly type: "restore"; readonly nodes: readonly KademliaNode[] }
  /** A node id or an address is no longer welcome. */
  | { readonly type: "banned"; readonly id?: NodeId; readonly host?: string }
  /** Time goes by; once a second is often enough. */
  | { readonly type: "tick" };

/** What the driver must do, in order. */
export type DiscoveryEffect =
  | { readonly type: "send"; readonly to: Endpoint; readonly bytes: Uint8Array }
  /** The node has just answered there; whether the table had room for it does not matter. May come again. */
  | { readonly type: "node-found"; readonly id: NodeId; readonly host: string; readonly port: number }
  /** The node has left the table: it no longer answers there. */
  | { readonly type: "node-lost"; readonly id: NodeId };

/** Why a packet changed nothing. */
export type PacketDrop =
  | PacketFault
  | BudgetRefusal
  /** From an address that nobody can answer. */
  | "address"
  | "banned"
  /** Of another network. */
  | "network"
  /** An answer that was not asked for, or not of this sender. */
  | "unsolicited"
  | "signature"
  /** Our own. */
  | "self"
  /** A question of a node that is not established. */
  | "stranger";

/** State for status pages and gauges; the counters only grow. */
export interface DiscoverySnapshot {
  /** Established nodes that are in the table. */
  readonly nodes: number;
  /** Nodes that have answered and found no room there. */
  readonly guests: number;
  readonly buckets: number;
  readonly pings: number;
  readonly lookups: number;
  /** Senders whose budget is kept. */
  readonly senders: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsDropped: Readonly<Partial<Record<PacketDrop, number>>>;
}
