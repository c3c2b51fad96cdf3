/**
 * Renders the reference page of the metrics from what the rooms register, without starting a node.
 *
 * @module
 */

import { Counter, Gauge, Histogram } from "prom-client";
import { createAdminMetrics } from "../src/http/admin.ts";
import { createJsonRpcMetrics } from "../src/http/json_rpc.ts";
import { registerBusMetrics } from "../src/kernel/bus/metrics.ts";
import { PROFILES } from "../src/node.ts";
import { SYSTEM_CLOCK } from "../src/kernel/clock.ts";
import { Health } from "../src/kernel/health.ts";
import { MetricScope } from "../src/kernel/metrics.ts";
import { startProcessMetrics } from "../src/kernel/process_metrics.ts";
import { P2pMetrics } from "../src/p2p/metrics.ts";
import { RpcMetrics } from "../src/rpc/metrics.ts";
import { createBackfillMetrics } from "../src/services/blocks/backfill_metrics.ts";
import { createTierMetrics } from "../src/services/blocks/archive_metrics.ts";
import { createBlocksMetrics } from "../src/services/blocks/metrics.ts";
import { createSubscribeMetrics } from "../src/services/blocks/subscribe_metrics.ts";
import { createChainMetrics } from "../src/services/chain/metrics.ts";
import { createRootstockMetrics } from "../src/services/rootstock/metrics.ts";
import { createStoreMetrics } from "../src/store/metrics.ts";

const INTRODUCTION = `# Metrics reference

<!-- Generated from the code by scripts/docs.ts. Do not edit. -->

Every metric that \`/metrics\` of a node shows: those of the first sections always, the others where the profile runs
the service. A histogram \`X\` is shown as \`X_bucket\`, \`X_sum\` and \`X_count\`. How to read those of the block node:
[blocks.md](../blocks.md).
\`cairn_process_open_fds\` is there only where the process may read \`/proc\`, which Deno grants with all permissions
alone.
`;

/** One metric as the page shows it. */
export interface MetricInfo {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
  /** Values of its first label that are shown before anything happened. @default none */
  readonly initial?: readonly string[];
}

/**
 * Metrics by the section of the page they stand in.
 *
 * @param profile Those of a node of this profile. @default those of all
 */
export function nodeMetrics(profile?: string): ReadonlyMap<string, readonly MetricInfo[]> {
  const metrics = new MetricScope();
  const build = { version: "", commit: "", deno: "", wasmDigest: "" };
  const none = { publishers: () => 0, queuedBytes: () => 0 };
  const range = {
    lastPersisted: () => undefined,
    firstAvailable: () => undefined,
    nextExpected: () => undefined,
    blocks: () => ({ queued: 0, inFlight: 0, resend: 0 }),
  };
  const tiers = {
    missing: () => 0,
    hotBlocks: () => 0,
    archived: () => ({ zips: 0, blocks: 0, bytes: 0, damaged: 0 }),
  };
  const idle = { sync: () => undefined, peers: () => undefined, discovery: () => undefined };
  const chain = { height: () => 0n, target: () => 0n, pending: () => 0, pooled: () => 0 };
  const rooms: readonly (readonly [title: string, register: () => void, owner?: string])[] = [
    ["Node and process", () => {
      new Health({ build }, { metrics, clock: SYSTEM_CLOCK });
      using _sampling = startProcessMetrics({ eventLoopSampleMs: 60_000 }, { metrics, build });
    }],
    ["Admin listener", () => createAdminMetrics(metrics.scope("admin"))],
    ["Store", () => createStoreMetrics(metrics.scope("store"), () => ({ batches: 0, bytes: 0 }))],
    ["Bus", () => registerBusMetrics(metrics.scope("bus"), () => [])],
    ["Block node", () => {
      createBlocksMetrics(metrics.scope("blocks"), { ...none, ...range });
      createSubscribeMetrics(metrics.scope("blocks"), () => ({ subscribers: 0, liveBytes: 0, lag: 0 }));
    }, "default"],
    [
      "Backfill of the block node",
      () => createBackfillMetrics(metrics.scope("blocks").scope("backfill"), () => 0),
      "default",
    ],
    ["Tiers of the block store", () => createTierMetrics(metrics.scope("blocks"), tiers), "default"],
    ["gRPC of the block node", () => new RpcMetrics(metrics.scope("blocks").scope("rpc")), "default"],
    ["Rootstock light client", () => createRootstockMetrics(metrics.scope("rootstock"), idle), "rootstock"],
    [
      "JSON-RPC of the Rootstock light client",
      () => createJsonRpcMetrics(metrics.scope("rootstock").scope("jsonrpc")),
      "rootstock",
    ],
    ["Message chain", () => createChainMetrics(metrics.scope("chain"), chain), "chain"],
    ["Peer to peer of the message chain", () => new P2pMetrics(metrics.scope("chain").scope("p2p")), "chain"],
    [
      "HTTP and JSON-RPC of the message chain",
      () => createJsonRpcMetrics(metrics.scope("chain").scope("jsonrpc")),
      "chain",
    ],
  ];
  const sections = new Map<string, readonly MetricInfo[]>();
  let known = 0;
  for (const [title, register, owner = profile] of rooms) {
    if (profile !== undefined && owner !== profile && !PROFILES[profile]?.includes(owner!)) continue;
    register();
    const all = metrics.registry.getMetricsAsArray();
    sections.set(
      title,
      all.slice(known).map(describe).filter(({ name }) => name !== "cairn_process_open_fds"),
    );
    known = all.length;
  }
  return sections;
}

/** The page as Markdown, ending with a newline. */
export function renderMetricsReference(sections: ReadonlyMap<string, readonly MetricInfo[]>): string {
  const parts = [...sections].map(([title, metrics]) => {
    const rows = metrics.map(({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${
        help.replaceAll("|", "\\|")
      } |`
    );
    return `## ${title}\n\n| Metric | Type | Labels | What it says |\n| --- | --- | --- | --- |\n${
      rows.join("\n")
    }\n`;
  });
  return [INTRODUCTION, ...parts].join("\n");
}

/** The library keeps these facts on the metric, beside its types. */
function describe(metric: unknown): MetricInfo {
  const { name, help, labelNames, hashMap } = metric as {
    name: string;
    help: string;
    labelNames: readonly string[];
    hashMap: Readonly<Record<string, { labels: Readonly<Record<string, string>> }>>;
  };
  const type = metric instanceof Counter
    ? "counter"
    : metric instanceof Gauge
    ? "gauge"
    : metric instanceof Histogram
    ? "histogram"
    : undefined;
  if (type === undefined) {
    throw new TypeError(`Cannot describe metric '${name}': neither counter, gauge nor histogram`);
  }
  const initial = Object.values(hashMap).flatMap(({ labels }) => Object.values(labels).slice(0, 1));
  return { name, type, labels: labelNames.filter((label) => label !== "le"), help, initial };
}
