/**
 * Subscribers of the load test, in a process of their own, each with its own connection. They take what comes and look
 * only at its numbers: the machine is the node's. Arguments: address, how many.
 *
 * @module
 */

import { UINT64_MAX } from "../../src/protocols/hiero/wire.ts";
import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";

/** One line of JSON on standard output, five times a second. */
export interface SubscribersProgress {
  /** Subscribers that are not connected yet. */
  readonly waiting: number;
  /** Next block of the slowest. */
  readonly lowest: number;
}

const PROGRESS_MS = 200;

async function follow(address: string, index: number, next: number[]): Promise<void> {
  using client = new BlockNodeClient(address);
  const { signal } = new AbortController();
  await client.status(signal);
  next[index] = 0;
  for await (const message of client.openSubscribeStream({ start: UINT64_MAX, end: UINT64_MAX }, signal)) {
    if (message.kind === "end-of-block") next[index] = Number(message.number) + 1;
  }
}

if (import.meta.main) {
  const [address, count] = Deno.args;
  const next = Array.from({ length: Number(count) }, () => -1);
  const encoder = new TextEncoder();
  setInterval(() => {
    const progress: SubscribersProgress = {
      waiting: next.filter((one) => one < 0).length,
      lowest: Math.max(0, Math.min(...next)),
    };
    Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(progress)}\n`));
  }, PROGRESS_MS);
  await Promise.all(next.map((_, index) => follow(address!, index, next)));
}
