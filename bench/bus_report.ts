/**
 * Measures the bus and writes `bench/results/bus.json` and `docs/benchmarks/bus.md`: publish percentiles, throughput,
 * single-timed publishes at 10,000 events/s, idle CPU, and `postMessage` of objects in the same run.
 *
 * Rounds are interleaved, so that a slow spell of the machine hits every kind alike; figures are medians over the
 * rounds, with the least and the greatest beside them.
 *
 * @module
 */

import process from "node:process";
import { SLOT_SCALARS } from "../wasm/layout.ts";
import { currentCommit, describeMachine, machineLine, table } from "./_report.ts";
import { BenchWorker, RingRig } from "./_bus_rig.ts";

const ROUNDS = 7;
const BATCH = 1_000;
const TIMED_BATCHES = 1_000;
const STREAMED = 4_000_000;
const PACED = 10_000;
const POSTED = 100_000;
const IDLE_MS = 3_000;

/** One measured quantity over all rounds. */
interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly ask?: number;
  readonly better: "lower" | "higher";
  readonly rounds: number[];
}

const figures = new Map<string, Figure>();

function record(name: string, unit: string, value: number, ask?: number): void {
  const better = unit === "M/s" || unit === "x" ? "higher" : "lower";
  const figure = figures.get(name) ?? { name, unit, better, rounds: [], ...(ask !== undefined && { ask }) };
  figures.set(name, figure);
  figure.rounds.push(value);
}

const sorted = (values: Iterable<number>) => Float64Array.from(values).sort();
const quantile = (values: Float64Array, q: number) =>
  values[Math.min(values.length - 1, Math.floor(values.length * q))]!;
const sumTo = (count: number) => count * (count - 1) / 2;
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Nanoseconds of one publish, by batches of 1,000 single publishes or by one batched call each. */
async function timeBatches(workers: readonly BenchWorker[], batched: boolean): Promise<void> {
  const rig = await RingRig.open(workers);
  const { base } = rig.ring;
  const { kernels, u32 } = rig.memory;
  const from = rig.memory.allocate(BATCH * 48, "records");
  for (let i = 0; i < BATCH; i++) u32[(from + i * 48 + 8) >>> 2] = i;
  const nanos = new Float64Array(TIMED_BATCHES);
  for (let b = 0; b < TIMED_BATCHES; b++) {
    const startedMs = performance.now();
    if (batched) {
      if (kernels.ringPublishBatch(base, from, BATCH) !== BATCH) throw new Error("The ring was full");
    } else {
      for (let i = 0; i < BATCH; i++) {
        if (kernels.ringPublish(base, 1, i, 0, 0) === 0) throw new Error("The ring was full");
      }
    }
    nanos[b] = (performance.now() - startedMs) * 1e6 / BATCH;
    // Publishing is measured, not waiting: the ring must have room for the next batch.
    while (kernels.ringHasSpace(base, BATCH, 0) === 0) await sleep(0);
  }
  await rig.finish(TIMED_BATCHES * BATCH, TIMED_BATCHES * sumTo(BATCH));
  const all = sorted(nanos);
  const how = batched ? "batched publish" : "publish";
  record(`${how}, batches of 1000, p50`, "ns", quantile(all, 0.5), batched ? undefined : 100);
  record(`${how}, batches of 1000, p99`, "ns", quantile(all, 0.99), batched ? undefined : 500);
}

/** Events per second through the ring until both consumers have seen all. */
async function stream(workers: readonly BenchWorker[], batched: boolean): Promise<number> {
  const rig = await RingRig.open(workers);
  const { base, slotsWord, slots } = rig.ring;
  const { kernels, u32 } = rig.memory;
  let index = rig.producer.nextLow & (slots - 1);
  const startedMs = performance.now();
  for (let value = 0; value < STREAMED;) {
    if (!batched) {
      if (kernels.ringPublish(base, 1, value, 0, 0) === 1) value++;
      else await rig.producer.waitForSpace(0);
      continue;
    }
    const granted = kernels.ringReserve(base, Math.min(BATCH, STREAMED - value));
    if (granted === 0) {
      await rig.producer.waitForSpace(0);
      continue;
    }
    for (let i = 0; i < granted; i++) {
      u32[slotsWord + index * 16 + (SLOT_SCALARS >>> 2)] = value++;
      index = (index + 1) & (slots - 1);
    }
    kernels.ringCommit(base);
  }
  await rig.finish(STREAMED, sumTo(STREAMED));
  const rate = STREAMED / (performance.now() - startedMs) / 1e3;
  record(`throughput ${batched ? "batched" : "single"}, two consumers`, "M/s", rate, batched ? 20 : 8);
  return rate;
}

/** Each publish timed by itself, one every 100 us. */
async function timePaced(workers: readonly BenchWorker[]): Promise<void> {
  const rig = await RingRig.open(workers);
  const { base } = rig.ring;
  const { kernels } = rig.memory;
  const nanos = new Float64Array(PACED);
  const clock = new Float64Array(PACED);
  let dueMs = performance.now();
  for (let i = 0; i < PACED; i++) {
    dueMs += 0.1;
    while (performance.now() < dueMs);
    const startedMs = performance.now();
    kernels.ringPublish(base, 1, i, 0, 0);
    const endedMs = performance.now();
    nanos[i] = (endedMs - startedMs) * 1e6;
    clock[i] = (performance.now() - endedMs) * 1e6;
  }
  const wakes = rig.ring.consumerState(0).wakes + rig.ring.consumerState(1).wakes;
  await rig.finish(PACED, sumTo(PACED));
  const all = sorted(nanos);
  record("single-timed publish at 10 k/s, p50 (clock included)", "ns", quantile(all, 0.5), 250);
  record("single-timed publish at 10 k/s, p99 (clock included)", "ns", quantile(all, 0.99));
  record("the clock alone, p50", "ns", quantile(sorted(clock), 0.5));
  record("wakes paid by 10 k publishes at 10 k/s", "wakes", wakes);
}

/** Objects per second by postMessage, each to both Workers, until both have seen all. */
async function post(workers: readonly BenchWorker[]): Promise<number> {
  const startedMs = performance.now();
  for (let i = 0; i < POSTED; i++) {
    for (const worker of workers) worker.post({ kind: "event", topic: "bench", sequence: i, value: i });
  }
  for (const report of await Promise.all(workers.map((worker) => worker.ask({ kind: "flush" })))) {
    if (report.count !== POSTED || report.sum !== sumTo(POSTED)) throw new Error("postMessage lost events");
  }
  const rate = POSTED / (performance.now() - startedMs) / 1e3;
  record("throughput postMessage of objects, two consumers", "M/s", rate);
  return rate;
}

/** Share of a core that two consumers with nothing to do take together, in percent. */
async function idle(workers: readonly BenchWorker[]): Promise<void> {
  const rig = await RingRig.open(workers);
  await sleep(100);
  const before = cpuMs();
  await sleep(IDLE_MS);
  record("CPU of two idle consumers and the main thread", "%", (cpuMs() - before) / IDLE_MS * 100, 2);
  await rig.finish(0, 0);
}

/** CPU time of this process in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

if (import.meta.main) {
  const machine = describeMachine();
  const workers = [await BenchWorker.start(), await BenchWorker.start()];
  // Round 0 warms every path up and is thrown away.
  for (let round = 0; round <= ROUNDS; round++) {
    if (round === 1) figures.clear();
    await timeBatches(workers, false);
    await timeBatches(workers, true);
    const single = await stream(workers, false);
    await stream(workers, true);
    await timePaced(workers);
    const posted = await post(workers);
    record("ring single against postMessage, same round", "x", single / posted, 25);
  }
  await idle(workers);
  for (const worker of workers) worker[Symbol.dispose]();

  const rows = [...figures.values()].map(({ name, unit, ask, better, rounds }) => {
    const all = sorted(rounds);
    const median = quantile(all, 0.5);
    const met = ask === undefined ? undefined : better === "lower" ? median < ask : median >= ask;
    return { name, unit, median, least: all[0]!, greatest: all[all.length - 1]!, ask, met };
  });
  const report = {
    date: new Date().toISOString().slice(0, 10),
    machine,
    commit: await currentCommit(),
    command: "deno task bench:bus",
    rounds: ROUNDS,
    figures: rows,
  };
  const show = (value: number) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
  const page = `# Bus

Measured ${report.date} at commit ${report.commit} by \`${report.command}\`: ${machineLine(machine)}.
Medians of ${ROUNDS} interleaved rounds; two consumers, each a Worker. Raw data:
[bus.json](../../bench/results/bus.json).

${
    table(
      ["what", "median", "least to greatest", "ask"],
      rows.map(({ name, unit, median, least, greatest, ask, met }) => [
        name,
        `${show(median)} ${unit}`,
        `${show(least)} to ${show(greatest)}`,
        ask === undefined ? "" : `${ask} ${unit}: ${met ? "met" : "NOT MET"}`,
      ]),
    )
  }

The p99 and the single-timed publish are at the mercy of what else runs on two cores that three threads share.
`;
  await Deno.writeTextFile(
    new URL("./results/bus.json", import.meta.url),
    `${JSON.stringify(report, undefined, 2)}\n`,
  );
  await Deno.writeTextFile(new URL("../docs/benchmarks/bus.md", import.meta.url), page);
  await Deno.stdout.write(new TextEncoder().encode(page));
}
