/**
 * What a node uses when it has little to do: at rest, and at the few blocks a second of a real network.
 *
 * @module
 */

import { processUse, residentMemory } from "../_process.ts";
import { measurePublish, type Scenario } from "./publish_load.ts";
import { startBareRuntime, startCairn, type Target } from "./targets.ts";

/** One row. */
export interface UseResult {
  readonly process: string;
  readonly load: string;
  readonly seconds: number;
  /** CPU seconds in a second. */
  readonly cores: number;
  readonly residentMegabytes: number;
  /** Of it pages of files: the runtime's program and libraries. */
  readonly fileMegabytes: number;
}

/** Until a process that has just started has nothing left to do. */
export const SETTLE_MS = 5_000;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(target: Target, load: string, run: () => Promise<unknown>): Promise<UseResult> {
  await wait(SETTLE_MS);
  const before = await processUse(target.pid);
  const startedMs = performance.now();
  await run();
  const seconds = (performance.now() - startedMs) / 1_000;
  const after = await processUse(target.pid);
  const { file } = await residentMemory(target.pid);
  return {
    process: target.name,
    load,
    seconds,
    cores: (after.cpuSeconds - before.cpuSeconds) / seconds,
    residentMegabytes: after.residentBytes / 1e6,
    fileMegabytes: file / 1e6,
  };
}

/** Measures row by row. */
export async function* measureUse(seconds: number): AsyncGenerator<UseResult> {
  {
    await using bare = startBareRuntime();
    yield await measure(bare, "none", () => wait(seconds * 1_000));
  }
  {
    await using node = await startCairn();
    yield await measure(node, "none", () => wait(seconds * 1_000));
  }
  const few: readonly Omit<Scenario, "name">[] = [
    { items: 10, itemBytes: 2_000, blocksPerSecond: 5, seconds },
    { items: 130, itemBytes: 2_000, blocksPerSecond: 5, seconds },
  ];
  for (const scenario of few) {
    const name = `5 blocks/s of ${(scenario.items * scenario.itemBytes / 1e3).toFixed(0)} kB`;
    await using node = await startCairn();
    yield await measure(node, name, () => measurePublish(node, { name, ...scenario }));
  }
}
