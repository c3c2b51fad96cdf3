/**
 * Measures the tiers of the block store: archiving, reading back and removing, the event loop meanwhile, and reads.
 *
 * Writes `bench/results/archive.json` and `docs/benchmarks/archive.md`. Everything is real but the transport: RocksDB,
 * files, Workers.
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
import { busyNote, currentCommit, describeMachine, type Machine, machineLine, table } from "./_report.ts";

/** Blocks of about 5 kB, 200 kB and 10 MB; one more than archives hold, because the last block stays hot. */
const CASES = [
  { items: 10, itemBytes: 200, blocks: 10_001, power: 4 },
  { items: 100, itemBytes: 2_000, blocks: 1_001, power: 3 },
  { items: 100, itemBytes: 100_000, blocks: 21, power: 1 },
] as const;
const READS = 500;
/** Time for Workers to start before anything is measured. */
const SETTLE_MS = 500;

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One size of blocks. Rates are of the blocks' bytes, before compression. */
interface ArchiveRow {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly archivedMegabytesPerSecond: number;
  readonly removedMegabytesPerSecond: number;
  readonly hot: Latency;
  readonly cold: Latency;
  /** How late a timer of one millisecond came at most. */
  readonly lateMs: { readonly idle: number; readonly archiving: number; readonly removing: number };
}

interface ArchiveReport {
  readonly date: string;
  readonly commit: string;
  readonly command: string;
  readonly machine: Machine;
  readonly rows: readonly ArchiveRow[];
}

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

async function readLatencies(store: BlockStore, below: number): Promise<Latency> {
  const times: number[] = [];
  for (let i = 0; i < READS; i++) {
    const startedMs = performance.now();
    if (await store.block(BigInt(i * 7_919 % below)) === undefined) throw new Error("a block is missing");
    times.push(performance.now() - startedMs);
  }
  return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

async function measure({ items, itemBytes, blocks, power }: typeof CASES[number]): Promise<ArchiveRow> {
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
    const rate = ({ seconds }: { seconds: number }) => bytes / 1e6 / seconds;
    return {
      blockBytes: Math.round(bytes / blocks),
      blocks,
      archivedMegabytesPerSecond: rate(archiving),
      removedMegabytesPerSecond: rate(removing),
      hot,
      cold,
      lateMs: { idle: idle.lateMs, archiving: archiving.lateMs, removing: removing.lateMs },
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function page({ date, commit, command, machine, rows }: ArchiveReport): string {
  const size = (bytes: number) =>
    bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(0)} MB`;
  const latency = ({ p50Ms, p99Ms }: Latency) => `${p50Ms.toFixed(2)} / ${p99Ms.toFixed(2)}`;
  return `# Archives

Measured ${date} at commit ${commit} by \`${command}\`: ${machineLine(machine)}.
Raw data: [archive.json](../../bench/results/archive.json).
${busyNote(machine)}
Without a bound on the rate, generated blocks that shrink by a quarter. The peer of the cold reads are the hot ones, of
the last column its first figure. Reads are those of the store, without the transport. The last column is how late a
timer of the main thread came at most, in ms. Large blocks hold the event loop longer because the storage library copies
what it reads on the main thread, and a block from an archive is unpacked there.

${
    table(
      [
        "blocks of",
        "archived, MB/s",
        "read back and removed, MB/s",
        "getBlock hot, ms p50 / p99",
        "cold, ms p50 / p99",
        "late: idle / archiving / removing",
      ],
      rows.map((row) => [
        size(row.blockBytes),
        row.archivedMegabytesPerSecond.toFixed(0),
        row.removedMegabytesPerSecond.toFixed(0),
        latency(row.hot),
        latency(row.cold),
        [row.lateMs.idle, row.lateMs.archiving, row.lateMs.removing].map((ms) => ms.toFixed(1)).join(" / "),
      ]),
    )
  }
`;
}

if (import.meta.main) {
  const machine = describeMachine();
  const commit = await currentCommit();
  const rows: ArchiveRow[] = [];
  for (const one of CASES) {
    const row = await measure(one);
    rows.push(row);
    // deno-lint-ignore no-console -- progress of a script
    console.error(`${row.blockBytes} bytes: archived ${row.archivedMegabytesPerSecond.toFixed(0)} MB/s`);
  }
  const report: ArchiveReport = {
    date: new Date().toISOString().slice(0, 10),
    commit,
    command: "deno task bench:archive",
    machine,
    rows,
  };
  await Deno.writeTextFile(
    new URL("./results/archive.json", import.meta.url),
    `${JSON.stringify(report, undefined, 2)}\n`,
  );
  await Deno.writeTextFile(new URL("../docs/benchmarks/archive.md", import.meta.url), page(report));
}
