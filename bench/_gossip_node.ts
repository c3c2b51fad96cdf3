/**
 * One of the three processes that gossip in `chain_report.ts`: a bare node of the libp2p shell.
 *
 * Says its address as the first line. Then takes orders as lines of JSON, and answers each with one.
 *
 * @module
 */

import process from "node:process";
import { NEVER, testNode } from "../src/p2p/_testing.ts";

/** What it is told. */
export type GossipOrder =
  | { readonly kind: "dial"; readonly address: string }
  /** Publishes `count` messages, `perSecond` of them a second; 0: as fast as it can. */
  | { readonly kind: "publish"; readonly count: number; readonly perSecond: number; readonly bytes: number }
  | { readonly kind: "report" };

/** What it answers to `report`. */
export interface GossipReport {
  readonly received: number;
  /** From the first message to the last. */
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const TOPIC = "bench/1";
/** Messages on their way out at a time, where no rate is asked for. */
const IN_FLIGHT = 64;

await using test = testNode({ heartbeatMs: 1_000 });
const { node } = test;
let [received, firstMs, lastMs] = [0, 0, 0];
node.subscribe(TOPIC, () => {
  lastMs = performance.now();
  if (received++ === 0) firstMs = lastMs;
  return "accept";
});
await node.start(NEVER);
say({ address: node.addresses[0] });

const decoder = new TextDecoder();
let rest = "";
for await (const chunk of Deno.stdin.readable) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
  rest = lines.pop()!;
  for (const line of lines) say(await obey(JSON.parse(line)));
}

async function obey(order: GossipOrder): Promise<unknown> {
  switch (order.kind) {
    case "dial":
      return { peer: await node.dial(order.address, NEVER) };
    case "publish":
      return { seconds: await publish(order) };
    case "report": {
      const { user, system } = process.cpuUsage();
      const report: GossipReport = {
        received,
        seconds: (lastMs - firstMs) / 1_000,
        cpuSeconds: (user + system) / 1e6,
      };
      received = 0;
      return report;
    }
  }
}

async function publish({ count, perSecond, bytes }: GossipOrder & { kind: "publish" }): Promise<number> {
  const beganMs = performance.now();
  let sent = 0;
  const flying = new Set<Promise<unknown>>();
  while (sent < count) {
    const due = perSecond === 0
      ? count
      : Math.min(count, Math.ceil((performance.now() - beganMs) / 1_000 * perSecond));
    for (; sent < due; sent++) {
      if (flying.size >= IN_FLIGHT) await Promise.race(flying);
      const flight = node.publish(TOPIC, crypto.getRandomValues(new Uint8Array(bytes)));
      flying.add(flight);
      flight.finally(() => flying.delete(flight));
    }
    if (sent < count) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(flying);
  return (performance.now() - beganMs) / 1_000;
}

function say(value: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}
