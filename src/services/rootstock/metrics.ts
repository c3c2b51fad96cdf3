/**
 * Metrics of the Rootstock light client.
 *
 * Layer: services.
 *
 * @module
 */

import type { Counter, Histogram } from "prom-client";
import { LATENCY_BUCKETS_SECONDS, type MetricScope } from "../../kernel/metrics.ts";
import { HEADER_RULES } from "../../protocols/rootstock/header_rules.ts";
import type { DiscoverySnapshot } from "../../protocols/rootstock/discovery_events.ts";
import type { PeerSnapshot } from "../../protocols/rootstock/peer_events.ts";
import type { SyncProgress } from "../../protocols/rootstock/sync_events.ts";
import type { DiscoverySocketCounts } from "./discovery_socket.ts";

/** Every metric of the service that is counted as it happens. */
export interface RootstockMetrics {
  readonly headersVerified: Counter;
  readonly headersRefused: Counter<"rule">;
  readonly headersStored: Counter<"chain">;
  readonly verifySeconds: Histogram;
  readonly storeSeconds: Histogram;
  readonly requestSeconds: Histogram<"type">;
  readonly requestsServed: Counter<"type">;
  readonly requestsIgnored: Counter;
  readonly reorganisations: Counter;
  readonly reorganisedBlocks: Counter;
  readonly contradictions: Counter;
  readonly messagesReceived: Counter<"type">;
  readonly messagesSent: Counter<"type">;
  readonly roundTripSeconds: Histogram;
  readonly dials: Counter<"outcome">;
  readonly connectionsRefused: Counter<"reason">;
  readonly sessionFaults: Counter<"code">;
  readonly goodbyes: Counter<"reason">;
  readonly peerEvents: Counter<"event">;
  readonly bans: Counter<"kind">;
}

/** What the gauges read when they are scraped; `undefined` before the start and after the stop. */
export interface RootstockGaugeSource {
  sync(): SyncProgress | undefined;
  peers(): PeerSnapshot | undefined;
  discovery(): (DiscoverySnapshot & DiscoverySocketCounts) | undefined;
}

/** Registers the service's metrics in `scope`, such as `cairn_rootstock_`. */
export function createRootstockMetrics(scope: MetricScope, source: RootstockGaugeSource): RootstockMetrics {
  const gauge = (name: string, help: string, value: () => number | undefined) =>
    void scope.gauge({ name, help, collect: (gauge) => gauge.set(value() ?? 0) });

  gauge("tip_number", "Height of the best chain that is verified", () => source.sync()?.tip.number);
  gauge(
    "stored_number",
    "Height of the best chain that is on disk; that of a checkpoint to begin at before it is fetched",
    () => source.sync()?.stored,
  );
  gauge(
    "highest_number",
    "Highest block that a peer which may be believed has claimed; the distance to the tip is what is missing",
    () => source.sync()?.highest,
  );
  gauge(
    "window_headers",
    "Headers asked for, received, being verified or being stored",
    () => source.sync()?.windowHeaders,
  );
  gauge(
    "window_bytes",
    "Bytes of received headers that are not stored yet",
    () => source.sync()?.windowBytes,
  );
  gauge(
    "requests_in_flight",
    "Requests to peers that are not answered yet",
    () => source.sync()?.requestsInFlight,
  );
  scope.gauge({
    name: "peers",
    help: "Connected peers; outbound is who this node dialled. None: nothing is learned of the chain",
    labels: ["direction"],
    collect(gauge) {
      const { inbound = 0, outbound = 0 } = source.peers() ?? {};
      gauge.set({ direction: "inbound" }, inbound);
      gauge.set({ direction: "outbound" }, outbound);
    },
  });
  gauge("peer_candidates", "Nodes that could be dialled", () => source.peers()?.candidates);
  gauge("bans_in_force", "Node ids and addresses that are banned now", () => source.peers()?.bans);
  gauge(
    "discovery_nodes",
    "Nodes that answer over UDP",
    () => source.discovery()?.nodes,
  );
  gauge(
    "discovery_send_failures",
    "Datagrams that could not be sent since the start",
    () => source.discovery()?.sendFailures,
  );

  const metrics: RootstockMetrics = {
    headersVerified: scope.counter({
      name: "headers_verified_total",
      help: "Headers that every rule passed",
    }),
    headersRefused: scope.counter({
      name: "headers_refused_total",
      help: "Headers that broke a rule, by the rule; whoever sent one is banned",
      labels: ["rule"],
    }),
    headersStored: scope.counter({
      name: "headers_stored_total",
      help: "Headers written to disk: of the canonical chain, and of forks",
      labels: ["chain"],
    }),
    verifySeconds: scope.histogram({
      name: "verify_duration_seconds",
      help: "Time from handing a segment to the verify Worker to its verdict",
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    storeSeconds: scope.histogram({
      name: "store_duration_seconds",
      help: "Time until a segment is on disk",
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    requestSeconds: scope.histogram({
      name: "request_duration_seconds",
      help: "Time until a peer answers, by type of the answer",
      labels: ["type"],
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    requestsServed: scope.counter({
      name: "requests_served_total",
      help: "Requests of peers that were answered",
      labels: ["type"],
    }),
    requestsIgnored: scope.counter({
      name: "requests_ignored_total",
      help: "Requests of peers met with silence: beyond their rate, or nothing to answer",
    }),
    reorganisations: scope.counter({
      name: "reorganisations_total",
      help: "Times another branch became the canonical chain",
    }),
    reorganisedBlocks: scope.counter({
      name: "reorganised_blocks_total",
      help: "Blocks that reorganisations took from the canonical chain",
    }),
    contradictions: scope.counter({
      name: "checkpoint_contradictions_total",
      help: "Chains of valid headers that do not agree with a checkpoint: an attack, or a wrong checkpoint",
    }),
    messagesReceived: scope.counter({
      name: "messages_received_total",
      help: "Messages of peers, without Status",
      labels: ["type"],
    }),
    messagesSent: scope.counter({
      name: "messages_sent_total",
      help: "Messages handed to peers' connections",
      labels: ["type"],
    }),
    roundTripSeconds: scope.histogram({
      name: "ping_duration_seconds",
      help: "Time until a ping comes back",
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    dials: scope.counter({
      name: "dials_total",
      help: "Connections tried, by whether there was somebody",
      labels: ["outcome"],
    }),
    connectionsRefused: scope.counter({
      name: "connections_refused_total",
      help: "Connections of others that were closed unread, by why",
      labels: ["reason"],
    }),
    sessionFaults: scope.counter({
      name: "session_faults_total",
      help: "Connections that this node ended because of what came over them, or did not",
      labels: ["code"],
    }),
    goodbyes: scope.counter({
      name: "goodbyes_total",
      help: "Connections that a peer ended, by the reason it gave",
      labels: ["reason"],
    }),
    peerEvents: scope.counter({
      name: "peer_events_total",
      help: "What peers did that counts for or against them",
      labels: ["event"],
    }),
    bans: scope.counter({
      name: "bans_total",
      help: "Bans begun; id is a node, address all nodes behind it",
      labels: ["kind"],
    }),
  };
  // increase() sees nothing of a series that appears with its first event.
  for (const rule of HEADER_RULES) metrics.headersRefused.inc({ rule }, 0);
  for (const chain of ["canonical", "fork"]) metrics.headersStored.inc({ chain }, 0);
  for (const kind of ["id", "address"]) metrics.bans.inc({ kind }, 0);
  return metrics;
}
