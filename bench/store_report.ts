/**
 * Durable writes, reads and event-loop stalls of the storage engine, beside node:sqlite in the same run.
 *
 * Writes `bench/results/store.json` and `docs/benchmarks/store.md`. Every write is synced before it counts. Run it on
 * the disk that matters: `deno task bench:store [DIRECTORY]`
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { MetricScope } from "../src/kernel/metrics.ts";
import type { Engine } from "../src/store/engine.ts";
import { openRocksEngine } from "../src/store/rocks_engine.ts";
import { currentCommit, describeMachine, type Machine, machineLine, table } from "./_report.ts";

/** Measured time of each row. */
const ROW_MS = 1_500;
/** Longer: few writes a second. */
const PACED_ROW_MS = 4_000;
const KIB = 1024;

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

interface WriteRow extends Latency {
  readonly name: string;
  readonly putsPerSecond: number;
  readonly megabytesPerSecond: number;
  /** Lateness of a 1 ms ticker on the main thread. */
  readonly stall: Latency;
  readonly batchesPerCommit?: number;
}

interface Reads {
  /** Of 1 KiB. */
  readonly get: Latency;
  /** Of a hundred times 1 KiB. */
  readonly getMany: Latency;
  readonly large: readonly { readonly bytes: number; readonly latency: Latency; readonly stall: Latency }[];
  readonly scanRowsPerSecond: number;
}

interface StoreReport {
  readonly date: string;
  readonly machine: Machine;
  readonly commit: string;
  readonly command: string;
  readonly writes: readonly WriteRow[];
  readonly idleStall: Latency;
  readonly reads: Reads;
}

const parent = await Deno.makeTempDir(Deno.args[0] === undefined ? {} : { dir: Deno.args[0] });
try {
  const report: StoreReport = {
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    commit: await currentCommit(),
    command: "deno task bench:store",
    writes: [
      await rocks("1 KiB, 1 in flight", 1 * KIB, 1),
      await rocks("1 KiB, 64 in flight", 1 * KIB, 64),
      await rocks("1 KiB, 64 in flight, no group commit", 1 * KIB, 64, { groupBytes: 1 }),
      await rocks("1 KiB, 512 in flight", 1 * KIB, 512),
      await rocks("20 kB, 1 in flight", 20_000, 1),
      await rocks("20 kB, 64 in flight", 20_000, 64),
      await rocks("0.4 MB, 1 in flight", 400_000, 1),
      await rocks("0.4 MB, 8 in flight", 400_000, 8),
      await rocks("0.4 MB, 8 in flight, shared memory", 400_000, 8, { shared: true }),
      await rocks("13 MB, 1 in flight", 13_000_000, 1),
      await rocks("13 MB, 1 in flight, shared memory", 13_000_000, 1, { shared: true }),
      await rocks("0.4 MB, 20 a second", 400_000, 1, { everyMs: 50 }),
      await rocks("13 MB, 2 a second", 13_000_000, 1, { everyMs: 500 }),
      await rocks("13 MB, 2 a second, shared memory", 13_000_000, 1, { everyMs: 500, shared: true }),
      sqlite("node:sqlite 1 KiB, 1 a transaction", 1 * KIB, 1),
      sqlite("node:sqlite 1 KiB, 64 a transaction", 1 * KIB, 64),
      sqlite("node:sqlite 20 kB, 1 a transaction", 20_000, 1),
      sqlite("node:sqlite 20 kB, 64 a transaction", 20_000, 64),
      sqlite("node:sqlite 0.4 MB, 1 a transaction", 400_000, 1),
      sqlite("node:sqlite 13 MB, 1 a transaction", 13_000_000, 1),
    ],
    idleStall: await idleStall(),
    reads: await reads(),
  };
  await Deno.writeTextFile(
    new URL("./results/store.json", import.meta.url),
    `${JSON.stringify(report, undefined, 2)}\n`,
  );
  const page = toPage(report);
  await Deno.writeTextFile(new URL("../docs/benchmarks/store.md", import.meta.url), page);
  await Deno.stdout.write(new TextEncoder().encode(page));
} finally {
  await Deno.remove(parent, { recursive: true });
}

async function open(options: { groupBytes?: number; metrics?: MetricScope } = {}): Promise<Engine> {
  return await openRocksEngine({
    directory: await Deno.makeTempDir({ dir: parent }),
    families: [{ name: "bench.small" }, { name: "bench.large", values: "large" }],
    ...options,
  });
}

async function rocks(
  name: string,
  bytes: number,
  inFlight: number,
  options: { groupBytes?: number; shared?: boolean; everyMs?: number } = {},
): Promise<WriteRow> {
  const { shared = false, everyMs, ...engineOptions } = options;
  const metrics = new MetricScope();
  await using engine = await open({ ...engineOptions, metrics });
  const family = bytes < 16 * KIB ? "bench.small" : "bench.large";
  // As many values as are in flight: a borrowed value must not change before its write settles.
  const values = Array.from({ length: inFlight }, () => random(bytes, shared));
  const latenciesMs: number[] = [];
  let next = 0;
  const loop = async (until: number, value: Uint8Array): Promise<void> => {
    while (performance.now() < until) {
      const startedMs = performance.now();
      await engine.write([{ kind: "put", family, key: key(next++), value }]);
      const tookMs = performance.now() - startedMs;
      latenciesMs.push(tookMs);
      if (everyMs !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - tookMs)));
      }
    }
  };
  const run = (durationMs: number) => {
    const until = performance.now() + durationMs;
    return Promise.all(values.map((value) => loop(until, value)));
  };
  await run(ROW_MS / 5);
  latenciesMs.length = 0;
  const ticker = startTicker();
  const startedMs = performance.now();
  await run(everyMs === undefined ? ROW_MS : PACED_ROW_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  const stall = ticker.stop();
  const commits = await metrics.registry.getSingleMetric("cairn_commit_group_batches")!.get();
  const value = (suffix: string) =>
    commits.values.find((v) => "metricName" in v && v.metricName === `cairn_commit_group_batches_${suffix}`)!
      .value;
  return {
    name,
    ...rates(latenciesMs.length, bytes, seconds),
    ...latency(latenciesMs),
    stall,
    batchesPerCommit: round(value("sum") / value("count")),
  };
}

function sqlite(name: string, bytes: number, batch: number): WriteRow {
  const path = Deno.makeTempDirSync({ dir: parent });
  const db = new DatabaseSync(`${path}/bench.sqlite`);
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE kv (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID",
  );
  const insert = db.prepare("INSERT INTO kv VALUES (?, ?)");
  const value = random(bytes, false);
  let next = 0;
  const run = (durationMs: number): number[] => {
    const latenciesMs: number[] = [];
    const until = performance.now() + durationMs;
    while (performance.now() < until) {
      const startedMs = performance.now();
      db.exec("BEGIN");
      for (let i = 0; i < batch; i++) insert.run(key(next++), value);
      db.exec("COMMIT");
      latenciesMs.push(performance.now() - startedMs);
    }
    return latenciesMs;
  };
  run(ROW_MS / 5);
  const startedMs = performance.now();
  const latenciesMs = run(ROW_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  db.close();
  // It runs on the calling thread: a transaction is a stall.
  return {
    name,
    ...rates(latenciesMs.length * batch, bytes, seconds),
    ...latency(latenciesMs),
    stall: latency(latenciesMs),
  };
}

async function reads(): Promise<Reads> {
  await using engine = await open();
  const count = 20_000;
  const value = random(1 * KIB, false);
  for (let first = 0; first < count; first += 1_000) {
    const batch = Array.from({ length: 1_000 }, (_, i) => put("bench.small", first + i, value));
    await engine.write(batch, { sync: false });
  }
  const sizes = [20_000, 400_000, 13_000_000];
  for (const [i, size] of sizes.entries()) await engine.write([put("bench.large", i, random(size, false))]);
  const small = engine.family("bench.small");
  const large = engine.family("bench.large");
  const one = await measure(2_000, (i) => small.get(key((i * 7_919) % count)));
  const many = await measure(
    200,
    (i) => small.getMany(Array.from({ length: 100 }, (_, j) => key((i * 100 + j) % count))),
  );
  const big: { bytes: number; latency: Latency; stall: Latency }[] = [];
  for (const [i, size] of sizes.entries()) {
    const ticker = startTicker();
    const times = await measure(30, () => large.get(key(i)));
    big.push({ bytes: size, latency: times, stall: ticker.stop() });
  }
  const startedMs = performance.now();
  let rows = 0;
  for await (const _ of small.scan()) rows++;
  const scanRowsPerSecond = Math.round(rows / ((performance.now() - startedMs) / 1000));
  return { get: one, getMany: many, large: big, scanRowsPerSecond };
}

async function measure(times: number, action: (i: number) => Promise<unknown>): Promise<Latency> {
  const latenciesMs: number[] = [];
  for (let i = 0; i < times; i++) {
    const startedMs = performance.now();
    await action(i);
    latenciesMs.push(performance.now() - startedMs);
  }
  return latency(latenciesMs);
}

/** What the ticker shows with nothing to do: the noise of the machine. */
async function idleStall(): Promise<Latency> {
  const ticker = startTicker();
  await new Promise((resolve) => setTimeout(resolve, PACED_ROW_MS));
  return ticker.stop();
}

function startTicker(): { stop(): Latency } {
  const lateMs: number[] = [];
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    lateMs.push(Math.max(0, nowMs - lastMs - 1));
    lastMs = nowMs;
  }, 1);
  return {
    stop: () => {
      clearInterval(timer);
      return latency(lateMs);
    },
  };
}

function latency(valuesMs: readonly number[]): Latency {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  const at = (share: number) =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

function rates(puts: number, bytes: number, seconds: number) {
  return {
    putsPerSecond: Math.round(puts / seconds),
    megabytesPerSecond: round((puts * bytes) / seconds / 1e6),
  };
}

function put(family: string, number: number, value: Uint8Array) {
  return { kind: "put", family, key: key(number), value } as const;
}

/** u64 big-endian: in order, as block numbers come. */
function key(number: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(number));
  return out;
}

/** Does not compress: the worst case for the disk. */
function random(bytes: number, shared: boolean): Uint8Array {
  const out = new Uint8Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  for (let i = 0; i < bytes; i += 65_536) {
    out.set(crypto.getRandomValues(new Uint8Array(Math.min(65_536, bytes - i))), i);
  }
  return out;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function toPage({ date, machine, commit, command, writes, idleStall, reads }: StoreReport): string {
  const show = ({ p50Ms, p99Ms, maxMs }: Latency) =>
    [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2)).join(" / ");
  const { get, getMany, large, scanRowsPerSecond } = reads;
  return `# Store

Measured ${date} at commit ${commit} by \`${command}\`: ${machineLine(machine)}.
Random bytes, so nothing compresses. Raw data: [store.json](../../bench/results/store.json).

"Event loop late" is how late a timer of 1 ms fires on the main thread; with nothing to do it is
${
    show(idleStall)
  } ms here. node:sqlite (WAL, synchronous FULL) runs on its caller's thread: a transaction is a stall.
Milliseconds are p50 / p99 / greatest.

${
    table(
      ["durable puts", "puts/s", "MB/s", "until durable, ms", "event loop late, ms", "batches a commit"],
      writes.map((
        { name, putsPerSecond, megabytesPerSecond, p50Ms, p99Ms, maxMs, stall, batchesPerCommit },
      ) => [
        name,
        `${putsPerSecond}`,
        megabytesPerSecond.toFixed(1),
        show({ p50Ms, p99Ms, maxMs }),
        show(stall),
        batchesPerCommit?.toFixed(1) ?? "",
      ]),
    )
  }

${
    table(["reads", "ms", "event loop late, ms"], [
      ["get, 1 KiB", show(get), ""],
      ["getMany, 100 of 1 KiB", show(getMany), ""],
      ...large.map(({ bytes, latency, stall }) => [`get, ${bytes / 1e6} MB`, show(latency), show(stall)]),
    ])
  }

A scan of values of 1 KiB gives ${scanRowsPerSecond} rows/s.
`;
}
