/**
 * Metrics of the gRPC shell, one child set a method so that counting on the hot path looks nothing up.
 *
 * Layer: rpc.
 *
 * @module
 */

import { LATENCY_BUCKETS_SECONDS } from "../kernel/metrics.ts";
import type { MetricScope } from "../kernel/metrics.ts";
import { grpcStatusName } from "./status.ts";

/** Why a connection was closed before its first call. */
export type RefusalReason = "limit" | "not_http2" | "timeout" | "tls" | "stopping";

/** Why a call was refused before its handler. */
export type CallRefusalReason = "limit" | "not_grpc" | "stopping";

/** Counts of one method. */
export interface MethodMetrics {
  started(): void;
  /** @param seconds From the headers of the request to the end of the call. */
  ended(grpcCode: number, seconds: number): void;
  received(bytes: number): void;
  sent(bytes: number): void;
}

/** All metrics of one server. */
export class RpcMetrics {
  readonly #started;
  readonly #handled;
  readonly #duration;
  readonly #received;
  readonly #sent;
  readonly #receivedBytes;
  readonly #sentBytes;
  readonly #openStreams;
  readonly #openConnections;
  readonly #connections;
  readonly #refused;
  readonly #callsRefused;

  constructor(scope: MetricScope) {
    const labels = ["method"] as const;
    this.#started = scope.counter({ name: "calls_started_total", help: "Calls that arrived", labels });
    this.#handled = scope.counter({
      name: "calls_handled_total",
      help: "Calls that ended, by gRPC status",
      labels: ["method", "code"] as const,
    });
    this.#duration = scope.histogram({
      name: "call_duration_seconds",
      help: "Time from the request's headers to the end of the call",
      labels,
      buckets: LATENCY_BUCKETS_SECONDS,
    });
    this.#received = scope.counter({ name: "messages_received_total", help: "Messages received", labels });
    this.#sent = scope.counter({ name: "messages_sent_total", help: "Messages sent", labels });
    this.#receivedBytes = scope.counter({
      name: "received_bytes_total",
      help: "Bytes of messages received, without framing",
      labels,
    });
    this.#sentBytes = scope.counter({
      name: "sent_bytes_total",
      help: "Bytes of messages sent, without framing",
      labels,
    });
    this.#openStreams = scope.gauge({ name: "open_streams", help: "Calls in flight", labels });
    this.#openConnections = scope.gauge({ name: "open_connections", help: "Open connections" });
    this.#connections = scope.counter({
      name: "connections_total",
      help: "Connections accepted from the network, refused ones included",
    });
    this.#refused = scope.counter({
      name: "connections_refused_total",
      help: "Connections closed before their first call, by reason",
      labels: ["reason"] as const,
    });
    this.#callsRefused = scope.counter({
      name: "calls_refused_total",
      help: "Calls refused before their handler, by reason",
      labels: ["reason"] as const,
    });
    // An alert counts these: shown with 0 from the start, a first event is a rise.
    for (const counter of [this.#refused, this.#callsRefused]) counter.inc({ reason: "limit" }, 0);
  }

  /** @param method Full name without leading slash, such as `org.example.Service/get`. */
  method(method: string): MethodMetrics {
    const [started, received, sent] = [this.#started, this.#received, this.#sent].map((m) =>
      m.labels(method)
    );
    const [receivedBytes, sentBytes] = [this.#receivedBytes, this.#sentBytes].map((m) => m.labels(method));
    const open = this.#openStreams.labels(method);
    const duration = this.#duration.labels(method);
    return {
      started: () => {
        started!.inc();
        open.inc();
      },
      ended: (grpcCode, seconds) => {
        open.dec();
        duration.observe(seconds);
        this.#handled.labels(method, grpcStatusName(grpcCode)).inc();
      },
      received: (bytes) => {
        received!.inc();
        receivedBytes!.inc(bytes);
      },
      sent: (bytes) => {
        sent!.inc();
        sentBytes!.inc(bytes);
      },
    };
  }

  connectionOpened(): void {
    this.#connections.inc();
    this.#openConnections.inc();
  }

  connectionClosed(): void {
    this.#openConnections.dec();
  }

  connectionRefused(reason: RefusalReason): void {
    this.#refused.labels(reason).inc();
  }

  callRefused(reason: CallRefusalReason): void {
    this.#callsRefused.labels(reason).inc();
  }
}
