/**
 * Nodes on loopback for tests and benchmarks.
 *
 * Layer: p2p. Not imported by the node.
 *
 * @module
 */

import { RecordingLog } from "../kernel/_testing.ts";
import { SYSTEM_CLOCK } from "../kernel/clock.ts";
import { MetricScope } from "../kernel/metrics.ts";
import { p2pConfig } from "./config.ts";
import { P2pNode } from "./node.ts";

/** A node with a registry and log of its own. */
export interface TestNode extends AsyncDisposable {
  readonly node: P2pNode;
  readonly metrics: MetricScope;
  readonly log: RecordingLog;
}

/** A node that is not started: on a free port of loopback, heartbeats every 100 ms. */
export function testNode(options: Record<string, unknown> = {}): TestNode {
  const metrics = new MetricScope().scope("p2p");
  const log = new RecordingLog();
  const config = p2pConfig.parse({
    listen: ["/ip4/127.0.0.1/tcp/0"],
    heartbeatMs: 100,
    redialMinMs: 20,
    ...options,
  });
  const node = new P2pNode(config, { log, metrics, clock: SYSTEM_CLOCK, agent: "cairn/test" });
  return { node, metrics, log, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}

/** A signal that never aborts. */
export const NEVER = new AbortController().signal;

/** Waits until `condition` holds. @throws {Error} After ten seconds. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Cannot see within 10 s: ${what}`);
}

/** Starts nodes and connects each to the first; resolves when all see each other on `topic`. */
export async function startMesh(nodes: readonly P2pNode[], topic?: string): Promise<void> {
  const [hub, ...others] = nodes;
  for (const node of nodes) await node.start(NEVER);
  for (const node of others) await node.dial(hub!.addresses[0]!, NEVER);
  if (topic === undefined) return;
  await eventually(
    () =>
      hub!.peers().filter(({ topics }) => topics.includes(topic)).length === others.length &&
      others.every((node) => node.peers().some(({ topics }) => topics.includes(topic))),
    `every node subscribed to ${topic}`,
  );
}
