/**
 * Metrics of the bus, read from shared memory when they are scraped.
 *
 * Layer: kernel. Counting costs the hot path nothing: the rings count anyway.
 *
 * @module
 */

import type { Counter } from "prom-client";
import type { MetricScope } from "../metrics.ts";
import type { Topic } from "./topic.ts";

/** A counter fed with totals: adds what a total has grown by since the last scrape. */
class TotalCounter<L extends string> {
  readonly #counter: Counter<L>;
  readonly #seen = new Map<string, number>();

  constructor(counter: Counter<L>) {
    this.#counter = counter;
  }

  set(labels: Record<L, string>, total: number): void {
    const key = Object.values(labels).join("\n");
    const seen = this.#seen.get(key) ?? 0;
    this.#seen.set(key, total);
    // A total that shrank belongs to a new subscriber of the same name.
    this.#counter.inc(labels, total >= seen ? total - seen : total);
  }
}

/** Registers the metrics of all `topics` under `scope`. */
export function registerBusMetrics(scope: MetricScope, topics: () => Iterable<Topic<unknown>>): void {
  const refresh = () => {
    for (const topic of topics()) {
      published.set({ topic: topic.name }, topic.ring.published);
      full.set({ topic: topic.name }, topic.ring.fullCount);
      for (const { name: subscriber, lost } of topic.subscribers()) {
        dropped.set({ topic: topic.name, subscriber }, lost);
      }
    }
  };
  scope.gauge({
    name: "subscriber_lag",
    help: "Events published and not yet released by the subscriber",
    labels: ["topic", "subscriber"],
    collect(gauge) {
      // Registered first and therefore collected first: the counters below are then up to date as well.
      refresh();
      gauge.reset();
      for (const topic of topics()) {
        for (const { name, behind } of topic.subscribers()) {
          gauge.set({ topic: topic.name, subscriber: name }, behind);
        }
      }
    },
  });
  scope.gauge({
    name: "subscriber_expelled",
    help: "1 if the subscriber stood still for too long and was taken out of the ring",
    labels: ["topic", "subscriber"],
    collect(gauge) {
      gauge.reset();
      for (const topic of topics()) {
        for (const { name, expelled } of topic.subscribers()) {
          gauge.set({ topic: topic.name, subscriber: name }, expelled ? 1 : 0);
        }
      }
    },
  });
  scope.gauge({
    name: "arena_used_bytes",
    help: "Bytes of the topic's arena held by events that somebody has not released",
    labels: ["topic"],
    collect(gauge) {
      for (const topic of topics()) gauge.set({ topic: topic.name }, topic.ring.arenaBytesUsed);
    },
  });
  const published = new TotalCounter(
    scope.counter({ name: "published_total", help: "Events published", labels: ["topic"] }),
  );
  const full = new TotalCounter(
    scope.counter({
      name: "producer_full_total",
      help: "Publishes that found the ring full",
      labels: ["topic"],
    }),
  );
  const dropped = new TotalCounter(
    scope.counter({
      name: "dropped_total",
      help: "Events a subscriber of a lossy topic lost because it was lapped",
      labels: ["topic", "subscriber"],
    }),
  );
}
