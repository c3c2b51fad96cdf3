/**
 * Measures the tiers of the block store: archiving, reading back and removing, the event loop meanwhile, and reads.
 *
 * Prints the rows of the table in docs/archive.md. Everything is real but the transport: RocksDB, files, Workers.
 *
 * @module
 */

import { MetricScope } from "../src/kernel/metrics.ts";
import { RecordingLog } from "../src/kernel/_testing.ts";
import { ChainGenerator } from "../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../src/protocols/hiero/native_sha384.ts";
import { asStored } from "../src/services/blocks/_tiers_testing.ts";
import { createTierMetrics } from "../src/services/blocks/archive_metrics.ts";
import { ArchiveMover } from "../src/services/blocks/archive_mover.ts";
import { DirectoryArchive } from "../src/services/blocks/directory_archive.ts";
import { BLOCKS_FAMILIES, BlockStore } from "../src/services/blocks/store.ts";
import { openRocksEngine } from "../src/store/rocks_engine.ts";

/** Blocks of about 5 kB, 200 kB and 10 MB; one more than archives hold, because the last block stays hot. */
const CASES = [
  { items: 10, itemBytes: 200, blocks: 10_001, power: 4 },
  { items: 100, itemBytes: 2_000, blocks: 1_001, power: 3 },
  { items: 100, itemBytes: 100_000, blocks: 21, power: 1 },
] as const;
const READS = 500;
/** Time for Workers to start before anything is measured. */
const SETTLE_MS = 500;

const percentile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs `work` and tells how late a timer of one millisecond was meanwhile, at most, and the seconds it took. */
async function watched(work: () => Promise<void>): Promise<{ seconds: number; lateMs: number }> {
  let last = performance.now();
  let lateMs = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    lateMs = Math.max(lateMs, now - last - 1);
    last = now;
  }, 1);
  const startedMs = performance.now();
  await work();
  clearInterval(timer);
  return { seconds: (performance.now() - startedMs) / 1_000, lateMs };
}

async function readLatencies(store: BlockStore, below: number): Promise<string> {
  const times: number[] = [];
  for (let i = 0; i < READS; i++) {
    const startedMs = performance.now();
    if (await store.block(BigInt(i * 7_919 % below)) === undefined) throw new Error("a block is missing");
    times.push(performance.now() - startedMs);
  }
  return `${percentile(times, 0.5).toFixed(2)} / ${percentile(times, 0.99).toFixed(2)} ms`;
}

async function measure({ items, itemBytes, blocks, power }: typeof CASES[number]): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "cairn-bench-" });
  try {
    await using engine = await openRocksEngine({ directory: `${directory}/data`, families: BLOCKS_FAMILIES });
    const store = await BlockStore.open(engine);
    const generator = new ChainGenerator({ sha384: nativeSha384, items, itemBytes, template: true });
    let bytes = 0;
    for (let i = 0; i < blocks; i++) {
      const block = generator.next();
      bytes += block.bytes.length;
      await store.append(asStored([block.bytes], block.number));
    }
    const log = new RecordingLog();
    const root = `${directory}/data/historic`;
    await using archive = await DirectoryArchive.open({ root, lastBlock: store.last, log });
    await store.attach(archive);
    archive.prepare();
    const metrics = createTierMetrics(new MetricScope(), {
      missing: () => 0,
      hotBlocks: () => 0,
      archived: () => ({ zips: 0, blocks: 0, bytes: 0, damaged: 0 }),
    });
    const hot = await readLatencies(store, blocks - 1);
    await wait(SETTLE_MS);
    const run = (hotBlocks: number) =>
      watched(async () => {
        const options = {
          powersOfTenPerZipFileContents: power,
          hotBlocks,
          archives: 0,
          maxBytesPerSecond: 0,
        };
        await using mover = new ArchiveMover(options, { store, archive, metrics, log });
        await mover.idle();
        if (mover.failure !== undefined) throw new Error(mover.failure);
      });
    const idle = await watched(async () => void await wait(1_000));
    const archiving = await run(0);
    const removing = await run(1);
    const cold = await readLatencies(store, blocks - 1);
    const rate = ({ seconds }: { seconds: number }) => `${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
    const late = [idle, archiving, removing].map(({ lateMs }) => lateMs.toFixed(1)).join(" / ");
    return `| ${(bytes / blocks / 1e3).toFixed(0)} kB | ${rate(archiving)} | ${
      rate(removing)
    } | ${hot} | ${cold} | ${late} ms |`;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

print(
  "| blocks of | archived | read back and removed | hot, p50 / p99 | cold, p50 / p99 | timer late at most: idle / archiving / removing |",
);
print("| --- | --- | --- | --- | --- | --- |");
for (const one of CASES) print(await measure(one));
