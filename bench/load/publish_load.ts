/**
 * One publisher against one server: rates, latency, and what the server uses.
 *
 * @module
 */

import { ChainGenerator } from "../../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../../src/protocols/hiero/native_sha384.ts";
import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";
import { publishBlocks } from "../../src/services/blocks/publisher.ts";
import { processUse } from "../_process.ts";
import type { LoadResult } from "./report.ts";
import { readStages } from "./stages.ts";
import type { Target } from "./targets.ts";

/** Blocks in flight: enough to keep a group commit busy. */
const WINDOW = 256;

/** What is published. Without a rate: as fast as it goes. */
export interface Scenario {
  readonly name: string;
  readonly items: number;
  readonly itemBytes: number;
  readonly blocksPerSecond?: number;
  readonly seconds: number;
}

/** What is run against every server; `seconds` is the length of the long ones. */
export function scenarios(seconds: number): Scenario[] {
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

/** Runs one. @throws {Error} If a block is not acknowledged. */
export async function measurePublish(target: Target, scenario: Scenario): Promise<LoadResult> {
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
