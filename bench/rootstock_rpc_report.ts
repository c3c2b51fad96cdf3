/**
 * Latency of `eth_getBlockByNumber` under a steady load, beside bare handlers that answer the same bytes.
 *
 * Prints a table. A real listener over a filled RocksDB, random blocks, a client
 * in a thread of its own: `deno task bench:rootstock-rpc [REQUESTS A SECOND] [SECONDS]`
 *
 * @module
 */

import process from "node:process";
import { Hono } from "hono";
import { createJsonRpcMetrics, listenJsonRpc } from "../src/http/json_rpc.ts";
import { RecordingLog } from "../src/kernel/_testing.ts";
import { MetricScope } from "../src/kernel/metrics.ts";
import { MADE_READER } from "../src/services/rootstock/_made_headers.ts";
import { CHAIN_FAMILIES } from "../src/services/rootstock/chain_records.ts";
import { RootstockChainStore } from "../src/services/rootstock/chain_store.ts";
import { rootstockConfig } from "../src/services/rootstock/config.ts";
import { rootstockMethods, RSKJ_BAD_REQUEST_CODES } from "../src/services/rootstock/json_rpc_methods.ts";
import { openRocksEngine } from "../src/store/rocks_engine.ts";
import type { LoadOrder, LoadResult } from "./_http_load_worker.ts";
import { FastChain } from "./_rootstock_chain.ts";
import { describeMachine, machineLine, table } from "./_report.ts";

const SEGMENT = 192;
const SEGMENTS = 1_000;
const CONNECTIONS = 16;
const SETTLE_MS = 15_000;

const [rateText = "1000", secondsText = "10"] = Deno.args;
const [perSecond, seconds] = [Number(rateText), Number(secondsText)];
const machine = describeMachine();
const directory = await Deno.makeTempDir();
const rows: string[][] = [];

async function measure(name: string, port: number, bodies: readonly string[]): Promise<void> {
  const worker = new Worker(new URL("./_http_load_worker.ts", import.meta.url), { type: "module" });
  const load = async (order: LoadOrder): Promise<LoadResult> => {
    const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(order);
    return await promise;
  };
  const order = { port, bodies, perSecond, seconds, connections: CONNECTIONS };
  await load({ ...order, seconds: 2 });
  const cpuBefore = process.cpuUsage();
  const { latenciesMs, bytes, failures } = await load(order);
  const { user, system } = process.cpuUsage(cpuBefore);
  worker.terminate();
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number) => `${sorted[Math.floor(sorted.length * share)]!.toFixed(2)} ms`;
  const cpu = `${Math.round((user + system) / sorted.length)} us`;
  const size = String(Math.round(bytes / sorted.length));
  rows.push([name, at(0.5), at(0.99), at(0.999), cpu, size, String(failures)]);
}

try {
  await using engine = await openRocksEngine({ directory, families: CHAIN_FAMILIES });
  const chain = new FastChain();
  const store = await RootstockChainStore.open(engine, {
    genesisHash: new Uint8Array(32),
    keptForkBlocks: 30_000,
  });
  await store.begin([chain.first]);
  for (let i = 0; i < SEGMENTS; i++) await store.append(chain.take(SEGMENT), { canonical: true });

  const config = rootstockConfig.parse({ rpc: { port: 0, callsPerSecond: 0 } }).rpc;
  await using server = listenJsonRpc(
    { config, section: "rootstock.rpc", badRequestCodes: RSKJ_BAD_REQUEST_CODES },
    {
      methods: rootstockMethods({
        chain: store,
        reader: MADE_READER,
        unknownTransactions: "omit",
        chainId: 30,
        genesis: { ...chain.first, canonical: true },
        syncing: () => undefined,
        peers: () => [],
        listening: () => true,
        clientVersion: "bench",
      }),
      log: new RecordingLog(),
      metrics: createJsonRpcMetrics(new MetricScope()),
    },
  );
  const bodies = Array.from({ length: 4_096 }, (_, id) => {
    const number = chain.first.number + 1 + Math.floor(Math.random() * SEGMENT * SEGMENTS);
    const params = [`0x${number.toString(16)}`, false];
    return JSON.stringify({ jsonrpc: "2.0", id, method: "eth_getBlockByNumber", params });
  });
  const fixed = await (await fetch(`http://127.0.0.1:${server.port}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: bodies[0]!,
  })).text();
  const headers = { "content-type": "application/json" };
  // Peers parse the request, as anybody has to, and answer what is ready.
  const answer = async (request: Request) => {
    await request.json();
    return new Response(fixed, { headers });
  };
  await using plain = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const app = new Hono();
  app.post("/", (c) => answer(c.req.raw));
  await using hono = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);

  // RocksDB goes on merging files for a while, which is the business of the other report.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  await measure("eth_getBlockByNumber, random blocks", server.port, bodies);
  await measure("Hono on Deno.serve, fixed answer", hono.addr.port, bodies);
  await measure("Deno.serve, fixed answer", plain.addr.port, bodies);
} finally {
  await Deno.remove(directory, { recursive: true });
}
const head = [
  `${perSecond} requests/s for ${seconds} s`,
  "p50",
  "p99",
  "p99.9",
  "CPU a request, with its client",
  "bytes an answer",
  "failed",
];
const page = `${machineLine(machine)}; ${SEGMENT * SEGMENTS} headers stored\n\n${table(head, rows)}\n`;
await Deno.stdout.write(new TextEncoder().encode(page));
