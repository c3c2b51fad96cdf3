/**
 * How many live subscribers a node serves at 50 blocks a second before somebody falls behind.
 *
 * @module
 */

import { ChainGenerator } from "../../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../../src/protocols/hiero/native_sha384.ts";
import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";
import { publishBlocks } from "../../src/services/blocks/publisher.ts";
import { linesOf } from "../../tests/support/node_process.ts";
import { processUse } from "../_process.ts";
import { startCairn } from "./targets.ts";
import type { SubscribersProgress } from "./subscriber.ts";

/** Of the issue. */
const BLOCKS_PER_SECOND = 50;

/** One row: so many subscribers to blocks of so many items of 2,000 bytes. */
export interface SubscriberCase {
  readonly subscribers: number;
  readonly items: number;
}

/** Real-sized blocks (264 kB, spec/block-node.md §9.1), and blocks of 23 kB. */
export const SUBSCRIBER_CASES: readonly SubscriberCase[] = [
  ...[0, 1, 10, 20, 40].map((subscribers) => ({ subscribers, items: 130 })),
  ...[1, 20, 50, 100, 200].map((subscribers) => ({ subscribers, items: 10 })),
];

/** What came of one row. */
export interface SubscribersResult {
  readonly subscribers: number;
  readonly blockBytes: number;
  /** Published, acknowledged. */
  readonly blocksPerSecond: number;
  readonly megabytesPerSecondOut: number;
  /** Of the node, and of the process with all subscribers. */
  readonly cores: number;
  readonly subscriberCores: number;
  readonly residentMegabytes: number;
  /** Blocks between the newest acknowledged one and the slowest subscriber: the most in the second half, and last. */
  readonly mostBehind: number;
  readonly lastBehind: number;
  /** Share of the blocks that went out as they came, and not from the store. */
  readonly live: number;
  readonly acknowledgedMs: { readonly p50: number; readonly p99: number };
}

function startSubscribers(
  address: string,
  count: number,
  onProgress: (progress: SubscribersProgress) => void,
) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--no-prompt",
      "--ignore-env",
      "--allow-net=127.0.0.1",
      "--allow-read",
      "--allow-env=CAIRN_*",
      new URL("./subscriber.ts", import.meta.url).pathname,
      address,
      `${count}`,
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reading = (async () => {
    for await (const line of linesOf(child.stdout)) onProgress(JSON.parse(line));
  })();
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([child.status, reading]);
    },
  };
}

function sentBy(metrics: string, origin: string): number {
  return Number(
    new RegExp(`^cairn_blocks_subscriber_blocks_total\\{origin="${origin}"\\} (\\d+)`, "m").exec(metrics)
      ?.[1] ?? 0,
  );
}

/** Runs one row. */
export async function measureSubscribers(
  { subscribers, items }: SubscriberCase,
  seconds: number,
): Promise<SubscribersResult> {
  await using node = await startCairn();
  using client = new BlockNodeClient(node.grpc);
  const generator = new ChainGenerator({ sha384: nativeSha384, items, itemBytes: 2_000, template: true });
  const signal = AbortSignal.timeout((seconds * 2 + 120) * 1_000);
  const ready = Promise.withResolvers<void>();
  if (subscribers === 0) ready.resolve();
  let acknowledged = -1;
  let startedMs = Infinity;
  let mostBehind = 0;
  let lastBehind = 0;
  await using children = startSubscribers(node.grpc, subscribers, ({ waiting, lowest }) => {
    if (waiting === 0) ready.resolve();
    lastBehind = Math.max(0, acknowledged + 1 - lowest);
    if (performance.now() - startedMs > seconds * 500) mostBehind = Math.max(mostBehind, lastBehind);
  });
  await ready.promise;
  const use = async () => [await processUse(node.pid), await processUse(children.pid)] as const;
  const [nodeBefore, childrenBefore] = await use();
  startedMs = performance.now();
  const result = await publishBlocks(client.openPublishStream(signal), {
    first: 0n,
    block: () => performance.now() - startedMs > seconds * 1_000 ? undefined : generator.next().bytes,
  }, {
    signal,
    blocksPerSecond: BLOCKS_PER_SECOND,
    onProgress: ({ lastAcknowledged }) => void (acknowledged = Number(lastAcknowledged ?? -1n)),
  });
  const [nodeAfter, childrenAfter] = await use();
  const metrics = await node.metrics();
  const [live, history] = [sentBy(metrics, "live"), sentBy(metrics, "history")];
  const sorted = result.latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  const blockBytes = Math.round(result.bytes / Math.max(1, result.sent));
  return {
    subscribers,
    blockBytes,
    blocksPerSecond: result.acknowledged / result.seconds,
    megabytesPerSecondOut: (live + history) * blockBytes / result.seconds / 1e6,
    cores: (nodeAfter.cpuSeconds - nodeBefore.cpuSeconds) / result.seconds,
    subscriberCores: (childrenAfter.cpuSeconds - childrenBefore.cpuSeconds) / result.seconds,
    residentMegabytes: nodeAfter.residentBytes / 1e6,
    mostBehind: subscribers === 0 ? 0 : mostBehind,
    lastBehind: subscribers === 0 ? 0 : lastBehind,
    live: live + history === 0 ? 0 : live / (live + history),
    acknowledgedMs: { p50: at(0.5), p99: at(0.99) },
  };
}
