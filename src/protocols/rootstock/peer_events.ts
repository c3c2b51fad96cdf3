/**
 * What goes into the peer machine and what comes out: plain data.
 *
 * Layer: protocols/rootstock. Imports types of this room. Source: spec/rootstock-network.md sections 5.4, 6.
 *
 * @module
 */

import type { KademliaNode } from "./kademlia.ts";
import type { NodeId } from "./node_id.ts";
import type { Ban, PeerScoreConfig, ScoreEvent } from "./peer_score.ts";

/** Names a TCP connection; the driver chooses it and never gives it twice. */
export type ConnectionId = number;

/** Limits and times of the peer machine. */
export interface PeerConfig extends PeerScoreConfig {
  /** Healthy peers wanted; at least half of them dialled, so that who dials us cannot be all we see. @default {10} */
  readonly targetPeers: number;
  /** Most peers that we dialled, static ones beside. @default {16} */
  readonly maxOutbound: number;
  /** Most peers that dialled us, trusted ones beside. @default {16} */
  readonly maxInbound: number;
  /** Connections that dialled us and have not said who they are, of all and of one address. @default {16, 4} */
  readonly maxHandshakes: number;
  readonly maxHandshakesPerHost: number;
  /** Most connections with one /16 (IPv6: /32), as rskj's `peer.filter`; loopback is exempt. @default {16} */
  readonly maxPerRange: number;
  /** Most of them that we dialled. @default {2} */
  readonly maxOutboundPerRange: number;
  /** Dials on their way. @default {4} */
  readonly maxDials: number;
  /** A dial that nobody reports on is forgotten. @default {30_000} */
  readonly dialTimeoutMs: number;
  /** Known nodes; the one that failed most is forgotten. @default {1_000} */
  readonly maxCandidates: number;
  /** Known nodes of one /24 (IPv6: /48). @default {16} */
  readonly maxCandidatesPerRange: number;
  /** Failures in a row after which a node is forgotten. @default {10} */
  readonly maxFailures: number;
  /** Before a node is dialled again: after a failure, doubled by each further one. @default {10_000} */
  readonly backoffMs: number;
  /** Longest time before a node is dialled again; of a static one. @default {1_800_000, 60_000} */
  readonly maxBackoffMs: number;
  readonly maxStaticBackoffMs: number;
  /** A peer that has not shown a fitting Status by then is cut off. @default {30_000} */
  readonly statusTimeoutMs: number;
  /** Time-outs in a row, with nothing served in between, that make a peer useless. @default {3} */
  readonly maxTimeouts: number;
  /** At most one slow peer is replaced in this time. @default {60_000} */
  readonly replaceMs: number;
  /** A peer is slow that serves less than this part of the median. @default {0.25} */
  readonly slowRatio: number;
}

/** See {@link PeerConfig} for each value. */
export const DEFAULT_PEER_CONFIG: PeerConfig = {
  maxIds: 100,
  maxAddresses: 1_000,
  targetPeers: 10,
  maxOutbound: 16,
  maxInbound: 16,
  maxHandshakes: 16,
  maxHandshakesPerHost: 4,
  maxPerRange: 16,
  maxOutboundPerRange: 2,
  maxDials: 4,
  dialTimeoutMs: 30_000,
  maxCandidates: 1_000,
  maxCandidatesPerRange: 16,
  maxFailures: 10,
  backoffMs: 10_000,
  maxBackoffMs: 1_800_000,
  maxStaticBackoffMs: 60_000,
  statusTimeoutMs: 30_000,
  maxTimeouts: 3,
  replaceMs: 60_000,
  slowRatio: 0.25,
};

/** A node as the store keeps it. */
export interface PeerRecord extends KademliaNode {
  /** When it last answered or was connected; milliseconds since 1970. */
  readonly seenMs: number;
  /** When it was last a healthy peer. */
  readonly healthyMs?: number;
  /** Failures in a row. */
  readonly failures: number;
}

/** Why a connection ends, by the names of Disconnect's reasons (section 3.6). */
export type PeerDisconnect =
  | "bad-protocol"
  | "useless-peer"
  | "too-many-peers"
  | "duplicate-peer"
  | "local-identity"
  | "peer-quitting";

/** Who dialled. */
export type PeerDirection = "inbound" | "outbound";

/** Something that happened. Times are milliseconds since 1970. */
export type PeerEvent =
  /** The node answered there: discovery's effect of this name. */
  | { readonly type: "node-found"; readonly id: NodeId; readonly host: string; readonly port: number }
  /** What the store kept. */
  | { readonly type: "restore"; readonly peers: readonly PeerRecord[]; readonly bans: readonly Ban[] }
  /** Somebody connected; who it is the handshake will tell. */
  | { readonly type: "incoming"; readonly connection: ConnectionId; readonly host: string }
  /** The handshake is done. `port`: the one dialled, or the one the peer listens on if its Hello says so. */
  | {
    readonly type: "connected";
    readonly connection: ConnectionId;
    readonly peer: NodeId;
    readonly host: string;
    readonly port: number;
    readonly direction: PeerDirection;
  }
  /** A dial came to nothing before the handshake was done. */
  | { readonly type: "dial-failed"; readonly peer: NodeId }
  /** A connection is gone, whoever ended it; `reason`: what the peer's Disconnect said. */
  | { readonly type: "gone"; readonly connection: ConnectionId; readonly reason?: string }
  /** The peer's Status names our network and genesis. */
  | { readonly type: "healthy"; readonly peer: NodeId }
  /** The peer answered a request with this many headers. */
  | { readonly type: "served"; readonly peer: NodeId; readonly headers: number; readonly elapsedMs: number }
  | { readonly type: "scored"; readonly peer: NodeId; readonly event: ScoreEvent }
  /** Time goes by; once a second is often enough. */
  | { readonly type: "tick" }
  /** Says goodbye to all; afterwards nobody is dialled or taken in. */
  | { readonly type: "stop" };

/** What the driver must do, in order. */
export type PeerEffect =
  /** Answer `connected` or `dial-failed`. */
  | { readonly type: "dial"; readonly peer: NodeId; readonly host: string; readonly port: number }
  /**
   * Say why, if the handshake got so far, and close; the connection is forgotten, and `gone` may come or not. `peer` is
   * absent if nobody was told of it as a peer: a refused newcomer.
   */
  | {
    readonly type: "disconnect";
    readonly connection: ConnectionId;
    readonly peer?: NodeId;
    readonly reason: PeerDisconnect;
  }
  /** A ban begins: for the store, and for discovery's event `banned`. */
  | { readonly type: "ban"; readonly ban: Ban }
  | { readonly type: "ban-ended"; readonly kind: Ban["kind"]; readonly key: string }
  /** For the store. */
  | { readonly type: "remember"; readonly record: PeerRecord }
  | { readonly type: "forget"; readonly id: NodeId };

/** A connected peer, for status pages. */
export interface PeerView {
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
  readonly direction: PeerDirection;
  readonly healthy: boolean;
  readonly connectedMs: number;
  readonly score: number;
  /** Headers a second while it answers; absent if it has served none. */
  readonly headersPerSecond?: number;
}

/** State for gauges. */
export interface PeerSnapshot {
  readonly inbound: number;
  readonly outbound: number;
  readonly healthy: number;
  /** Inbound connections whose handshake is not done. */
  readonly handshakes: number;
  readonly dials: number;
  readonly candidates: number;
  readonly bans: number;
}
