/**
 * What the tests of the gRPC shell share.
 *
 * Layer: rpc. Imported by tests only.
 *
 * @module
 */

import { type RecordedLine, RecordingLog } from "../kernel/_testing.ts";
import { MetricScope } from "../kernel/metrics.ts";
import { rpcConfig } from "./config.ts";
import { RpcServer } from "./server.ts";

/** A server on a free port with a registry and log of its own; not listening yet. */
export function testServer(options: Record<string, unknown> = {}): {
  server: RpcServer;
  metrics: MetricScope;
  lines: RecordedLine[];
} {
  const log = new RecordingLog();
  const metrics = new MetricScope().scope("rpc");
  const config = rpcConfig.parse({ address: "127.0.0.1:0", ...options });
  return { server: new RpcServer(config, { log, metrics }), metrics, lines: log.lines };
}

/** Sum of a metric over the series whose labels include `labels`; 0 when there is none. */
export async function metricValue(
  scope: MetricScope,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const metric = await scope.registry.getSingleMetric(`${scope.prefix}${name}`)?.get();
  if (metric === undefined) throw new Error(`Cannot find metric '${name}'`);
  const wanted = Object.entries(labels);
  return metric.values
    .filter((value) => wanted.every(([key, text]) => (value.labels as Record<string, unknown>)[key] === text))
    .reduce((sum, value) => sum + value.value, 0);
}

/** Waits until `condition` holds. @throws {Error} After five seconds. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Cannot see within 5 s: ${what}`);
}
