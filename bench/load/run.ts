/**
 * Load test: one client publishes generated blocks to a node, then to a bare gRPC server on Node, at the same rates.
 *
 * Writes `bench/results/load.json` and `docs/benchmarks/load.md`. `--seconds N` shortens the paced runs.
 *
 * @module
 */

import { ChainGenerator } from "../../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../../src/protocols/hiero/native_sha384.ts";
import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";
import { publishBlocks } from "../../src/services/blocks/publisher.ts";
import { startNode, tempDirectory } from "../../tests/support/node_process.ts";
import { currentCommit, describeMachine, readOutput } from "../_report.ts";
import { processUse } from "../_process.ts";
import { type LoadReport, type LoadResult, writeReport } from "./report.ts";
import { readStages } from "./stages.ts";

/** Blocks in flight: enough to keep a group commit busy. */
const WINDOW = 256;

/** What is published. Without a rate: as fast as it goes. */
interface Scenario {
  readonly name: string;
  readonly items: number;
  readonly itemBytes: number;
  readonly blocksPerSecond?: number;
  readonly seconds: number;
}

/** A server under load. */
interface Target extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly grpc: string;
  /** Text of /metrics; empty where there is none. */
  metrics(): Promise<string>;
}

function scenarios(seconds: number): Scenario[] {
  const short = Math.min(seconds, 20);
  const small = { items: 10, itemBytes: 200 };
  const large = { items: 10, itemBytes: 2_000 };
  const real = { items: 200, itemBytes: 2_000 };
  return [
    { name: "2 kB of items, 1,000 blocks/s", ...small, blocksPerSecond: 1_000, seconds },
    { name: "10 items of 2 kB, 1,000 blocks/s", ...large, blocksPerSecond: 1_000, seconds },
    { name: "0.4 MB, 20 blocks/s", ...real, blocksPerSecond: 20, seconds: short },
    { name: "2 kB of items, highest rate", ...small, seconds: short },
    { name: "10 items of 2 kB, highest rate", ...large, seconds: short },
    { name: "0.4 MB, highest rate", ...real, seconds: short },
  ];
}

async function startCairn(): Promise<Target> {
  const directory = await tempDirectory();
  const node = await startNode({ dataDir: directory.path });
  return {
    name: "cairn",
    pid: node.pid,
    grpc: node.grpc,
    metrics: async () => await (await fetch(`${node.admin}/metrics`)).text(),
    async [Symbol.asyncDispose]() {
      await node.stop();
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function startEcho(): Promise<Target> {
  const script = new URL("./echo_server.mjs", import.meta.url).pathname;
  const child = new Deno.Command("node", { args: [script], stdout: "piped", stdin: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const { port } = JSON.parse(value!);
  return {
    name: "bare grpc-js on Node",
    pid: child.pid,
    grpc: `127.0.0.1:${port}`,
    metrics: () => Promise.resolve(""),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    },
  };
}

async function measure(target: Target, scenario: Scenario): Promise<LoadResult> {
  const { items, itemBytes, blocksPerSecond, seconds } = scenario;
  const generator = new ChainGenerator({ sha384: nativeSha384, items, itemBytes, template: true });
  using client = new BlockNodeClient(target.grpc);
  const signal = AbortSignal.timeout((seconds + 120) * 1_000);
  const before = await processUse(target.pid);
  const metricsBefore = await target.metrics();
  const startedMs = performance.now();
  // A server that cannot keep the pace is given up on after half as long again.
  const blocks = blocksPerSecond === undefined ? Infinity : blocksPerSecond * seconds;
  const limitMs = (blocksPerSecond === undefined ? seconds : seconds * 1.5) * 1_000;
  const isOver = (number: bigint) => Number(number) >= blocks || performance.now() - startedMs > limitMs;
  const result = await publishBlocks(client.openPublishStream(signal), {
    first: 0n,
    block: (number) => isOver(number) ? undefined : generator.next().bytes,
  }, { signal, window: WINDOW, ...(blocksPerSecond === undefined ? {} : { blocksPerSecond }) });
  if (result.ended !== undefined || result.acknowledged < result.sent) {
    throw new Error(`Lost blocks at '${scenario.name}' with ${target.name}: ${JSON.stringify(result.ended)}`);
  }
  const after = await processUse(target.pid);
  const stages = readStages(metricsBefore, await target.metrics());
  const sorted = result.latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return {
    scenario: scenario.name,
    target: target.name,
    blocks: result.acknowledged,
    blockBytes: Math.round(result.bytes / Math.max(1, result.sent)),
    seconds: result.seconds,
    blocksPerSecond: result.acknowledged / result.seconds,
    megabytesPerSecond: result.bytes / result.seconds / 1e6,
    cores: (after.cpuSeconds - before.cpuSeconds) / result.seconds,
    residentMegabytes: after.residentBytes / 1e6,
    acknowledgedMs: { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? NaN },
    stages,
  };
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--seconds");
  const seconds = at < 0 ? 60 : Number(Deno.args[at + 1]);
  const results: LoadResult[] = [];
  const machine = describeMachine();
  for (const scenario of scenarios(seconds)) {
    for (const start of [startCairn, startEcho]) {
      await using target = await start();
      results.push(await measure(target, scenario));
      // deno-lint-ignore no-console -- progress of a script
      console.error(
        `${scenario.name}, ${target.name}: ${results.at(-1)!.blocksPerSecond.toFixed(0)} blocks/s`,
      );
    }
  }
  const report: LoadReport = {
    date: new Date().toISOString().slice(0, 10),
    commit: await currentCommit(),
    command: `deno task bench:load${at < 0 ? "" : ` --seconds ${seconds}`}`,
    machine: { ...machine, node: await readOutput("node", "--version") },
    results,
  };
  await writeReport(report);
}
