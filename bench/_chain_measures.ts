/**
 * The measures of `chain_report.ts`: each starts real processes, and gives figures.
 *
 * @module
 */

import { testKey } from "../src/protocols/kimura/_chain.ts";
import { signMessage } from "../src/protocols/kimura/keys.ts";
import type { Message } from "../src/protocols/kimura/message.ts";
import { linesOf, tempDirectory } from "../tests/support/node_process.ts";
import { fillChain } from "../tests/chain/_fill.ts";
import { type ChainNode, startLeader, startPeer } from "../tests/chain/_network.ts";
import { until } from "../tests/support/until.ts";
import type { GossipOrder, GossipReport } from "./_gossip_node.ts";
import type { LoadOrder, LoadResult } from "./_http_load_worker.ts";

/** Of many times. */
export interface Times {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Sorts, and picks. */
export function times(valuesMs: readonly number[]): Times {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  const at = (share: number) =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** To a thousandth. */
export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** Submissions a second that a chain of people may have. */
const FEW_PER_SECOND = 100;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const DEBUG = { "log.level": "debug" };

/** When a node had stored each block, by its log: milliseconds since 1970 by height. */
function storedAt({ process }: ChainNode): Map<number, number> {
  const stored = process.logs.filter(({ message }) => message === "Block stored");
  return new Map(stored.map((line) => [Number(line["height"]), Date.parse(String(line["time"]))]));
}

/** Signed messages of as many senders as asked for. */
export function messagesOf(senders: number, each: number, content = "x".repeat(64)): Message[] {
  const timestamp = BigInt(Math.floor(Date.now() / 1_000));
  return Array.from({ length: senders * each }, (_, i) =>
    signMessage(testKey(1_000 + i % senders), {
      content,
      nonce: BigInt(Math.floor(i / senders)),
      timestamp,
    }));
}

/** What a chain of one leader and two peers does in time. */
export interface Rhythm {
  readonly intervalMs: number;
  readonly blocks: number;
  /** How far each interval is from what it should be. */
  readonly deviation: Times;
  /** From the leader's disk to each peer's. */
  readonly propagation: Times;
}

/** Blocks at an interval, with `perBlock` messages in each. */
export async function measureRhythm(
  intervalMs: number,
  blocks: number,
  perBlock: number,
): Promise<Rhythm> {
  await using directory = await tempDirectory();
  const settings = { ...DEBUG, "chain.production.blockIntervalMs": intervalMs };
  await using leader = await startLeader({ dataDir: `${directory.path}/leader`, settings });
  await using a = await startPeer(leader, { dataDir: `${directory.path}/a`, settings: DEBUG });
  await using b = await startPeer(leader, { dataDir: `${directory.path}/b`, settings: DEBUG });
  await leader.reaches(2, 10 * intervalMs);
  const from = await leader.height() + 1;
  const messages = messagesOf(perBlock || 1, perBlock === 0 ? 0 : blocks);
  while (await leader.height() < from + blocks) {
    const beganMs = performance.now();
    await Promise.all(messages.splice(0, perBlock).map((message) => leader.client.submit(message)));
    await sleep(Math.max(10, intervalMs - (performance.now() - beganMs)));
  }
  for (const peer of [a, b]) await peer.reaches(from + blocks);
  await sleep(200);
  const made = storedAt(leader);
  const heights = Array.from({ length: blocks }, (_, i) => from + i);
  const propagation = [a, b].flatMap((peer) => {
    const stored = storedAt(peer);
    // A peer writes blocks together where several wait; the batch is logged by its last.
    return heights.flatMap((height) => stored.has(height) ? [stored.get(height)! - made.get(height)!] : []);
  });
  return {
    intervalMs,
    blocks,
    deviation: times(heights.map((at) => Math.abs(made.get(at + 1)! - made.get(at)! - intervalMs))),
    propagation: times(propagation),
  };
}

/** One large block. */
export interface LargeBlock {
  readonly messages: number;
  readonly submitPerSecond: number;
  readonly inOneBlock: number;
  readonly propagation: Times;
}

/** Submits messages within one interval and finds the block that has them. */
export async function measureLargeBlock(count: number, intervalMs: number): Promise<LargeBlock> {
  await using directory = await tempDirectory();
  const settings = {
    ...DEBUG,
    "chain.production.blockIntervalMs": intervalMs,
    "chain.rpc.callsPerSecond": 0,
  };
  const messages = messagesOf(50, count / 50);
  await using leader = await startLeader({ dataDir: `${directory.path}/leader`, settings });
  await using a = await startPeer(leader, { dataDir: `${directory.path}/a`, settings: DEBUG });
  await using b = await startPeer(leader, { dataDir: `${directory.path}/b`, settings: DEBUG });
  await leader.reaches(1, 3 * intervalMs);
  for (const peer of [a, b]) await peer.reaches(1);
  const beganMs = performance.now();
  // Every sender in order; fifty at a time.
  await Promise.all(Array.from({ length: 50 }, async (_, sender) => {
    for (let i = sender; i < messages.length; i += 50) await leader.client.submit(messages[i]!);
  }));
  const seconds = (performance.now() - beganMs) / 1_000;
  await until(
    "every message in a block",
    async () => await leader.metric("messages_stored_total") === count,
    { withinMs: 5 * intervalMs },
  );
  const height = await leader.height();
  try {
    for (const peer of [a, b]) await peer.reaches(height);
  } catch (cause) {
    const lines = leader.process.logs.slice(-20).map((line) => JSON.stringify(line)).join("\n");
    throw new Error(`The peers do not follow; the leader says\n${lines}`, { cause });
  }
  await sleep(200);
  let [largest, at] = [0, 0];
  for (let h = 1; h <= height; h++) {
    const { message_ids: { length } } = await leader.client.block(h);
    if (length > largest) [largest, at] = [length, h];
  }
  const made = storedAt(leader).get(at)!;
  return {
    messages: count,
    submitPerSecond: Math.round(count / seconds),
    inOneBlock: largest,
    propagation: times([a, b].map((peer) => storedAt(peer).get(at)! - made)),
  };
}

/** Answers under load. */
export interface RpcRow {
  readonly name: string;
  readonly perSecond: number;
  readonly latency: Times;
  readonly failures: number;
}

/** Requests at a fixed rate to a leader that makes blocks, beside a bare server. */
export async function measureRpc(perSecond: number, seconds: number): Promise<RpcRow[]> {
  await using directory = await tempDirectory();
  await using leader = await startLeader({
    dataDir: `${directory.path}/leader`,
    settings: { "chain.production.blockIntervalMs": 1_000, "chain.rpc.callsPerSecond": 0 },
  });
  await leader.reaches(5);
  const port = Number(new URL(leader.client.url).port);
  const call = (method: string, params: unknown) => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const reads = [call("get_height", {}), ...[1, 2, 3, 4, 5].map((height) => call("get_block", { height }))];
  // Of a sender each, so that the order of arrival does not matter.
  const submissions = messagesOf((perSecond + FEW_PER_SECOND) * seconds, 1).map((
    { sender, content, nonce, signature },
  ) =>
    call("submit_message", {
      sender,
      content,
      nonce: Number(nonce),
      public_key: sender,
      signature: signature!.toHex(),
    })
  );
  const fixed = JSON.stringify({ jsonrpc: "2.0", id: 1, result: { height: 5, hash: "00".repeat(32) } });
  await using bare = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    await request.json();
    return new Response(fixed, { headers: { "content-type": "application/json" } });
  });
  const order = { perSecond, seconds, connections: 16 };
  await load({ ...order, port, bodies: reads, seconds: 2 });
  return [
    await row("get_height and get_block", { ...order, port, bodies: reads }),
    await row("submit_message: checked, on disk, answered", {
      ...order,
      port,
      bodies: submissions.splice(0, FEW_PER_SECOND * seconds),
      perSecond: FEW_PER_SECOND,
    }),
    await row("submit_message: checked, on disk, answered", { ...order, port, bodies: submissions }),
    await row("bare Deno.serve, fixed answer", { ...order, port: bare.addr.port, bodies: reads }),
  ];
}

async function row(name: string, order: LoadOrder): Promise<RpcRow> {
  const { latenciesMs, failures } = await load(order);
  return { name, perSecond: order.perSecond, latency: times(latenciesMs), failures };
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const worker = new Worker(new URL("./_http_load_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage(order);
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

/** Gossip from one process through a second to a third. */
export interface GossipRow {
  readonly asked: number;
  readonly sentPerSecond: number;
  readonly receivedPerSecond: readonly number[];
  readonly lost: readonly number[];
  readonly cpuSeconds: readonly number[];
}

class GossipProcess implements AsyncDisposable {
  readonly address: string;
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(child: Deno.ChildProcess, lines: AsyncIterator<string>, address: string) {
    this.#child = child;
    this.#lines = lines;
    this.#writer = child.stdin.getWriter();
    this.address = address;
  }

  static async start(): Promise<GossipProcess> {
    const script = new URL("./_gossip_node.ts", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--ignore-env",
        "--allow-net=127.0.0.1",
        "--allow-read",
        "--allow-env=CAIRN_*",
        script,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = linesOf(child.stdout);
    const { address } = JSON.parse((await lines.next()).value!);
    return new GossipProcess(child, lines, address);
  }

  async order<T>(order: GossipOrder): Promise<T> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
    return JSON.parse((await this.#lines.next()).value!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#writer.close().catch(() => {});
  }
}

/** Publishes at each rate (0: as fast as it goes) from the first of three processes in a row. */
export async function measureGossip(rates: readonly number[], seconds: number): Promise<GossipRow[]> {
  await using first = await GossipProcess.start();
  await using second = await GossipProcess.start();
  await using third = await GossipProcess.start();
  await first.order({ kind: "dial", address: second.address });
  await third.order({ kind: "dial", address: second.address });
  // The meshes form with the next heartbeats.
  await sleep(3_000);
  const rows: GossipRow[] = [];
  const all = [first, second, third];
  const warm = { kind: "publish", count: 2_000, perSecond: 1_000, bytes: 256 } as const;
  await first.order(warm);
  await sleep(1_000);
  for (const perSecond of rates) {
    const before: GossipReport[] = [];
    for (const node of all) before.push(await node.order<GossipReport>({ kind: "report" }));
    const count = (perSecond || 2_500) * seconds;
    const sent = await first.order<{ seconds: number }>({ kind: "publish", count, perSecond, bytes: 256 });
    await sleep(3_000);
    const after: GossipReport[] = [];
    for (const node of all) after.push(await node.order<GossipReport>({ kind: "report" }));
    const [, ...receivers] = after;
    rows.push({
      asked: perSecond,
      sentPerSecond: Math.round(count / sent.seconds),
      receivedPerSecond: receivers.map((report) => Math.round(report.received / report.seconds)),
      lost: receivers.map(({ received }) => count - received),
      cpuSeconds: after.map(({ cpuSeconds }, i) => round(cpuSeconds - before[i]!.cpuSeconds)),
    });
  }
  return rows;
}

/** A peer that joins late. */
export interface CatchUpRow {
  readonly height: number;
  /** From the start of its process. */
  readonly fromStartMs: number;
  /** From when it ran. */
  readonly fromReadyMs: number;
}

/** Fills a leader's chain, then times a new peer. */
export async function measureCatchUp(height: number): Promise<CatchUpRow> {
  await using directory = await tempDirectory();
  const dataDir = `${directory.path}/leader`;
  await fillChain(dataDir, height);
  await using leader = await startLeader({
    dataDir,
    settings: { "chain.production.blockIntervalMs": 5_000 },
  });
  const startedMs = performance.now();
  await using peer = await startPeer(leader, { dataDir: `${directory.path}/peer` });
  const readyMs = performance.now();
  await peer.reaches(height);
  const endedMs = performance.now();
  return {
    height,
    fromStartMs: Math.round(endedMs - startedMs),
    fromReadyMs: Math.round(endedMs - readyMs),
  };
}
