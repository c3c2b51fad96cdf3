/**
 * Metrics of the libp2p shell.
 *
 * Layer: p2p.
 *
 * @module
 */

import { LATENCY_BUCKETS_SECONDS, type MetricScope } from "../kernel/metrics.ts";
import type { AdmissionRefusal } from "./admission.ts";
import type { Verdict } from "./types.ts";

/** How an attempt to reach a peer ended. */
export type DialResult = "ok" | "failed";
/** How a request ended; `refused` before its handler. */
export type RequestResult = "ok" | "failed" | "timeout" | "oversize" | "refused";

/** All metrics of one node. */
export class P2pMetrics {
  readonly #connections;
  readonly #refused;
  readonly #dials;
  readonly #received;
  readonly #receivedBytes;
  readonly #published;
  readonly #publishedBytes;
  readonly #validation;
  readonly #requests;
  readonly #duration;
  readonly #penalties;
  readonly #bans;

  constructor(scope: MetricScope) {
    this.#connections = scope.gauge({
      name: "open_connections",
      help: "Open connections, by who dialled",
      labels: ["direction"] as const,
    });
    this.#refused = scope.counter({
      name: "connections_refused_total",
      help: "Incoming connections closed before their handshake, by reason",
      labels: ["reason"] as const,
    });
    this.#dials = scope.counter({
      name: "dials_total",
      help: "Attempts to reach a peer that is kept connected, by result",
      labels: ["result"] as const,
    });
    this.#received = scope.counter({
      name: "gossip_received_total",
      help: "Gossip messages received, by topic and verdict; each message once",
      labels: ["topic", "verdict"] as const,
    });
    this.#receivedBytes = scope.counter({
      name: "gossip_received_bytes_total",
      help: "Bytes of gossip messages received, without envelope",
      labels: ["topic"] as const,
    });
    this.#published = scope.counter({
      name: "gossip_published_total",
      help: "Gossip messages published by this node",
      labels: ["topic"] as const,
    });
    this.#publishedBytes = scope.counter({
      name: "gossip_published_bytes_total",
      help: "Bytes of gossip messages published by this node, without envelope",
      labels: ["topic"] as const,
    });
    this.#validation = scope.histogram({
      name: "gossip_validation_duration_seconds",
      help: "Time from a message's arrival to its verdict",
      labels: ["topic"] as const,
      buckets: LATENCY_BUCKETS_SECONDS,
    });
    this.#requests = scope.counter({
      name: "requests_total",
      help: "Requests over streams, by protocol, who asked, and result",
      labels: ["protocol", "direction", "result"] as const,
    });
    this.#duration = scope.histogram({
      name: "request_duration_seconds",
      help: "Time of a request over a stream, by protocol and who asked",
      labels: ["protocol", "direction"] as const,
      buckets: LATENCY_BUCKETS_SECONDS,
    });
    this.#penalties = scope.counter({
      name: "penalties_total",
      help: "Penalties that services gave peers, by reason",
      labels: ["reason"] as const,
    });
    this.#bans = scope.counter({
      name: "bans_total",
      help: "Peers disconnected and kept away for their score",
    });
  }

  connections(inbound: number, outbound: number): void {
    this.#connections.set({ direction: "inbound" }, inbound);
    this.#connections.set({ direction: "outbound" }, outbound);
  }

  refused(reason: AdmissionRefusal): void {
    this.#refused.inc({ reason });
  }

  dialled(result: DialResult): void {
    this.#dials.inc({ result });
  }

  received(topic: string, verdict: Verdict, bytes: number, seconds: number): void {
    this.#received.inc({ topic, verdict });
    this.#receivedBytes.inc({ topic }, bytes);
    this.#validation.observe({ topic }, seconds);
  }

  published(topic: string, bytes: number): void {
    this.#published.inc({ topic });
    this.#publishedBytes.inc({ topic }, bytes);
  }

  requested(protocol: string, direction: "in" | "out", result: RequestResult, seconds: number): void {
    this.#requests.inc({ protocol, direction, result });
    this.#duration.observe({ protocol, direction }, seconds);
  }

  penalised(reason: string): void {
    this.#penalties.inc({ reason });
  }

  banned(): void {
    this.#bans.inc();
  }
}
