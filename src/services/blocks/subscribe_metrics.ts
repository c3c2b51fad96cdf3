/**
 * Metrics of the subscribe service.
 *
 * Layer: services. Source: spec/block-node.md §8.1 (subscriber_open_connections, subscriber_errors), §8.3.
 *
 * @module
 */

import type { Counter, Gauge } from "prom-client";
import type { MetricScope } from "../../kernel/metrics.ts";
import type { SubscribeSnapshot } from "../../protocols/hiero/subscribe_events.ts";

/** Every metric of the subscribe service. */
export interface SubscribeMetrics {
  readonly subscribers: Gauge;
  readonly liveBytes: Gauge;
  readonly lag: Gauge;
  readonly blocksSent: Counter<"origin">;
  readonly sessions: Counter<"outcome">;
}

/** @param snapshot Read by the gauges when they are scraped. */
export function createSubscribeMetrics(
  scope: MetricScope,
  snapshot: () => SubscribeSnapshot,
): SubscribeMetrics {
  return {
    subscribers: scope.gauge({
      name: "subscribers",
      help: "Open subscribe streams",
      collect: (gauge) => gauge.set(snapshot().subscribers),
    }),
    liveBytes: scope.gauge({
      name: "subscriber_live_bytes",
      help: "Bytes of live blocks held for subscribers",
      collect: (gauge) => gauge.set(snapshot().liveBytes),
    }),
    lag: scope.gauge({
      name: "subscriber_lag_blocks",
      help: "Stored blocks that the slowest subscriber has not been sent",
      collect: (gauge) => gauge.set(snapshot().lag),
    }),
    blocksSent: scope.counter({
      name: "subscriber_blocks_total",
      help: "Whole blocks sent to subscribers, by where they came from: live or history",
      labels: ["origin"],
    }),
    sessions: scope.counter({
      name: "subscriber_sessions_total",
      help:
        "Subscriptions that ended, by status; SLOW: dropped for not reading; GONE: left by the subscriber",
      labels: ["outcome"],
    }),
  };
}
