/**
 * One publisher of a soak, a process of its own. Publishes on time, takes up where the node stands whenever its call
 * ends, and says every acknowledgement.
 *
 * @module
 */

import { CairnError } from "../../src/kernel/errors.ts";
import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";
import { publishBlocks } from "../../src/services/blocks/publisher.ts";
import { ChainWindow } from "./chain.ts";
import { delay, type PublisherJob, say } from "./messages.ts";

/** Blocks to send again at most: some seconds, more than a node asks for while publishers live. */
const REMEMBERED_BLOCKS = 256;
/** Blocks sent and not acknowledged at most: some 0.3 s at the full rate. */
const WINDOW = 16;
/** Pause before a new call. */
const RECONNECT_MS = 200;

const job: PublisherJob = JSON.parse(Deno.args[0]!);
const chain = new ChainWindow(job, REMEMBERED_BLOCKS, job.from);
const signal = new AbortController().signal;

async function block(number: bigint): Promise<Uint8Array | undefined> {
  const dueMs = job.startMs + (Number(number) * 1_000) / job.blocksPerSecond;
  const waitMs = Math.min(dueMs, job.endMs) - Date.now();
  if (waitMs > 0) await delay(waitMs);
  return Date.now() >= job.endMs ? undefined : chain.block(number);
}

async function publish(): Promise<string> {
  using client = new BlockNodeClient(job.address);
  const { lastAvailableBlock = -1n } = await client.status(signal);
  let latenciesMs: number[] = [];
  const result = await publishBlocks(client.openPublishStream(signal), {
    first: lastAvailableBlock + 1n,
    block,
  }, {
    signal,
    window: WINDOW,
    onLatency: (ms) => void latenciesMs.push(ms),
    onProgress({ lastAcknowledged }) {
      if (lastAcknowledged === undefined) return;
      say({ kind: "acknowledged", number: Number(lastAcknowledged), latenciesMs });
      latenciesMs = [];
    },
  });
  return result.ended?.status ?? "done";
}

while (Date.now() < job.endMs) {
  try {
    say({ kind: "ended", how: await publish() });
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    // A node that asks for what is no longer remembered gets it from a new process.
    if (error.code === "BLOCK_NOT_FOUND") Deno.exit(0);
    say({ kind: "ended", how: error.code });
  }
  await delay(RECONNECT_MS);
}
