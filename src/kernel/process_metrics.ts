/**
 * Metrics of the process: memory, CPU, descriptors, event-loop lag, uptime, build.
 *
 * Layer: kernel.
 *
 * @module
 */

import process from "node:process";
import { Counter } from "prom-client";
import type { MetricScope } from "./metrics.ts";
import type { BuildInfo } from "./version.ts";

/** Options of {@link startProcessMetrics}. */
export interface ProcessMetricsOptions {
  /** Interval at which event-loop lag is measured, in milliseconds. */
  readonly eventLoopSampleMs: number;
}

/** What {@link startProcessMetrics} needs. */
export interface ProcessMetricsDeps {
  readonly metrics: MetricScope;
  readonly build: BuildInfo;
}

/** Lag from a tenth of a millisecond (idle) to a second (clients notice), in seconds. */
const LAG_BUCKETS_SECONDS: readonly number[] = [
  0.000_1,
  0.000_5,
  0.001,
  0.002_5,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.5,
  1,
];

/** Registers the metrics; dispose to stop sampling. The sampling timer does not keep the process alive. */
export function startProcessMetrics(options: ProcessMetricsOptions, deps: ProcessMetricsDeps): Disposable {
  const { metrics, build } = deps;
  const scope = metrics.scope("process");
  const startedMs = performance.now();

  metrics.gauge({
    name: "build_info",
    help: "Build of the node; the value is always 1",
    labels: ["version", "commit", "deno"],
  })
    .set({ version: build.version, commit: build.commit, deno: build.deno }, 1);
  scope.gauge({
    name: "resident_memory_bytes",
    help: "Memory the process holds in RAM",
    collect: (gauge) => gauge.set(Deno.memoryUsage().rss),
  });
  scope.gauge({
    name: "heap_used_bytes",
    help: "JavaScript heap in use",
    collect: (gauge) => gauge.set(Deno.memoryUsage().heapUsed),
  });
  scope.gauge({
    name: "uptime_seconds",
    help: "Time since the node started",
    collect: (gauge) => gauge.set((performance.now() - startedMs) / 1_000),
  });
  new Counter({
    name: `${scope.prefix}cpu_seconds_total`,
    help: "User and system CPU time of the process",
    registers: [metrics.registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1_000_000);
    },
  });
  registerOpenFds(scope);

  const lag = scope.histogram({
    name: "event_loop_lag_seconds",
    help: "How late a timer of the main thread fires",
    buckets: LAG_BUCKETS_SECONDS,
  });
  let expectedMs = performance.now() + options.eventLoopSampleMs;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    lag.observe(Math.max(0, nowMs - expectedMs) / 1_000);
    expectedMs = nowMs + options.eventLoopSampleMs;
  }, options.eventLoopSampleMs);
  Deno.unrefTimer(timer);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Deno opens /proc only to a process with all permissions, so under least privilege there is no such metric. */
function registerOpenFds(scope: MetricScope): void {
  const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
  try {
    if (Deno.permissions.querySync({ name: "read", path: "/proc/self/fd" }).state !== "granted") return;
    count();
  } catch {
    return;
  }
  scope.gauge({
    name: "open_fds",
    help: "Open file descriptors",
    collect: (gauge) => gauge.set(count()),
  });
}
