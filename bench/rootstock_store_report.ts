/**
 * What the chain of Rootstock headers costs on disk and in time: appends, bytes, reads, a reorganisation.
 *
 * Prints a table. Real RocksDB, every write synced:
 * `deno task bench:rootstock-store [HEADERS] [DIRECTORY]`
 *
 * @module
 */

import process from "node:process";
import { makeHeaders } from "../src/services/rootstock/_made_headers.ts";
import { CHAIN_FAMILIES } from "../src/services/rootstock/chain_records.ts";
import { RootstockChainStore } from "../src/services/rootstock/chain_store.ts";
import { openRocksEngine } from "../src/store/rocks_engine.ts";
import { FastChain } from "./_rootstock_chain.ts";
import { describeMachine, machineLine, table } from "./_report.ts";

/** Headers of one response (spec/rootstock-network.md section 4.4). */
const SEGMENT = 192;
/** Segments handed over before the first is on disk: what eight peers deliver at a time, and a few more. */
const IN_FLIGHT = 32;
const READS = 20_000;
const FORK = 500;
/** Headers made to see what making them costs. */
const CPU_HEADERS = 50_000;
const MAINNET_HEADERS = 9_280_000;

const [countText = "1000000", parent] = Deno.args;
const count = Math.ceil(Number(countText) / SEGMENT) * SEGMENT;
const machine = describeMachine();
const directory = await Deno.makeTempDir(parent === undefined ? {} : { dir: parent });
const rows: string[][] = [];
const say = (what: string, value: string) => rows.push([what, value]);
const us = (ms: number) => `${Math.round(ms * 1_000)} us`;

/** Microseconds of CPU, all threads, since `before`. */
function cpuUs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function open() {
  const engine = await openRocksEngine({ directory, families: CHAIN_FAMILIES });
  const store = await RootstockChainStore.open(engine, {
    genesisHash: new Uint8Array(32),
    keptForkBlocks: 30_000,
  });
  return { engine, store };
}

async function diskBytes(path: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) bytes += await diskBytes(`${path}/${name}`);
    // The write-ahead log is bounded by the memtables, not by the chain.
    else if (!name.endsWith(".log")) bytes += (await Deno.stat(`${path}/${name}`)).size;
  }
  return bytes;
}

async function latency(work: (i: number) => Promise<unknown>, times = READS): Promise<string> {
  const tookMs: number[] = [];
  for (let i = 0; i < times; i++) {
    const beganMs = performance.now();
    await work(i);
    tookMs.push(performance.now() - beganMs);
  }
  tookMs.sort((a, b) => a - b);
  return `p50 ${us(tookMs[times >> 1]!)}, p99 ${us(tookMs[Math.floor(times * 0.99)]!)}`;
}

try {
  const chain = new FastChain();
  const makingBefore = process.cpuUsage();
  new FastChain().take(CPU_HEADERS);
  const makingUs = cpuUs(makingBefore) / CPU_HEADERS;
  const samples: Uint8Array[] = [];
  let headerBytes = 0;
  {
    const { engine, store } = await open();
    await using _ = engine;
    await store.begin([chain.first]);
    const inFlight = new Set<Promise<void>>();
    let makingMs = 0;
    const cpuBefore = process.cpuUsage();
    const beganMs = performance.now();
    for (let done = 0; done < count; done += SEGMENT) {
      const makeMs = performance.now();
      const segment = chain.take(SEGMENT);
      makingMs += performance.now() - makeMs;
      samples.push(segment[done / SEGMENT % SEGMENT]!.hash);
      headerBytes += segment.reduce((sum, { header }) => sum + header.length, 0);
      const append = store.append(segment, { canonical: true }).then(() => void inFlight.delete(append));
      inFlight.add(append);
      if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
    const tookMs = performance.now() - beganMs;
    const spentUs = cpuUs(cpuBefore) / count - makingUs;
    const rate = count / tookMs * 1_000;
    say(
      `append ${count} headers of ${Math.round(headerBytes / count)} B, ${SEGMENT} a batch, synced`,
      [
        `${Math.round(rate)} headers/s`,
        `${Math.round(count / (tookMs - makingMs) * 1_000)} without the time to make them`,
        `mainnet in ${Math.round(MAINNET_HEADERS / rate)} s`,
      ].join("; "),
    );
    say(
      "CPU, all threads",
      `${spentUs.toFixed(1)} us a header; mainnet ${Math.round(spentUs * MAINNET_HEADERS / 1e6)} s`,
    );
    say("memory of the process", `${Math.round(Deno.memoryUsage().rss / 2 ** 20)} MiB`);
  }
  const { engine, store } = await open();
  await using _ = engine;
  const bytes = await diskBytes(directory);
  const perHeader = bytes / count;
  say(
    "disk",
    [
      `${perHeader.toFixed(0)} B a header`,
      `${(perHeader - headerBytes / count).toFixed(0)} B more than its bytes`,
      `mainnet ${(perHeader * MAINNET_HEADERS / 1e9).toFixed(1)} GB`,
    ].join("; "),
  );
  const { number: first } = chain.first;
  const random = () => first + 1 + Math.floor(Math.random() * count);
  say("headerByNumber, random", await latency(() => store.headerByNumber(random())));
  say(
    "headerByHash, random",
    await latency((i) => store.headerByHash(samples[(i * 7_919) % samples.length]!)),
  );
  say(
    "192 headers down from a hash",
    await latency(() => {
      return store.chainDown(samples[Math.floor(Math.random() * samples.length)]!, SEGMENT);
    }, 500),
  );
  const root = (await store.headerByNumber(store.tip!.number - FORK))!;
  const fork = makeHeaders({ count: FORK, parent: root, seed: 5 });
  await store.append(fork, { canonical: false });
  const beganMs = performance.now();
  const { left, joined } = await store.reorganise(fork.at(-1)!.hash);
  say(
    `reorganise, ${left} blocks leave and ${joined} join`,
    `${(performance.now() - beganMs).toFixed(0)} ms`,
  );
} finally {
  await Deno.remove(directory, { recursive: true });
}
const page = `${machineLine(machine)}\n\n${table(["what", "measured"], rows)}\n`;
await Deno.stdout.write(new TextEncoder().encode(page));
