/**
 * The verify Worker: takes blocks off `blocks.received`, hashes and links them, checks their proofs,
 * answers on `blocks.verified`.
 *
 * Layer: services. Blocks its event loop on the ring; it stops when the topic closes. Source: spec/block-node.md §6.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { HotMemory, type HotMemoryHandle } from "../../hot/memory.ts";
import {
  attachConsumer,
  attachProducer,
  type ConsumerHandle,
  type ProducerHandle,
} from "../../kernel/bus/mod.ts";
import { ChainVerifier } from "../../protocols/hiero/chain.ts";
import { ChainGenerator } from "../../protocols/hiero/generate.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { RECEIVED_KIND, type ReceivedEvent, receivedTopic, VERIFIED_TOPIC } from "./topics.ts";
import { type AnnouncedBlock, VerifyTask, type VerifyTaskOptions } from "./verify_task.ts";

/** The first message to the Worker. */
export interface VerifyWorkerStart extends VerifyTaskOptions {
  readonly memory: HotMemoryHandle;
  readonly received: ConsumerHandle;
  readonly verified: ProducerHandle;
}

/** What the Worker posts back. */
export type VerifyWorkerReply = { readonly kind: "ready" } | { readonly kind: "stopped" };

/** Blocks whose signatures are checked together: from here on a larger batch saves little and answers late. */
const MAX_BATCH_BLOCKS = 64;

/** Blocks run through every kernel before the node reports ready: the first calls are 2-20 times slower. */
const WARM_UP_BLOCKS = 200;
function warmUp(): void {
  const generator = new ChainGenerator({ sha384: nativeSha384, items: 10, itemBytes: 200 });
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  for (let i = 0; i < WARM_UP_BLOCKS; i++) chain.verify(generator.next().bytes);
}

function run(start: VerifyWorkerStart): void {
  const memory = HotMemory.attach(start.memory);
  // The codec is all that is taken from the definition here, and it does not depend on the arena's size.
  using received = attachConsumer<ReceivedEvent>(memory, start.received, receivedTopic(0).codec);
  const verified = attachProducer(memory, start.verified, VERIFIED_TOPIC.codec);
  const task = new VerifyTask(start);
  warmUp();
  self.postMessage({ kind: "ready" } satisfies VerifyWorkerReply);
  let waiting: (AnnouncedBlock & { readonly attempt: number })[] = [];
  const flush = () => {
    if (waiting.length === 0) return;
    const blocks = waiting;
    waiting = [];
    for (const [i, verdict] of task.verifyAll(blocks).entries()) {
      const { number, attempt } = blocks[i]!;
      const verifiedAtMs = performance.timeOrigin + performance.now();
      verified.stage({ number, attempt, verifiedAtMs, body: verdict });
    }
    verified.commit();
  };
  received.consume(({ kind, number, attempt, segments }) => {
    const body = segments[0]!;
    if (kind === RECEIVED_KIND.REBASE) {
      flush();
      return task.rebase(body);
    }
    if (kind === RECEIVED_KIND.KEYS) {
      flush();
      return task.learn(body);
    }
    waiting.push({ number, attempt, block: body });
    // What arrived while signatures were being checked shares the cost of the next check; hashes have none to share.
    if (!task.batches) flush();
  }, { afterBatch: flush, maxBatch: MAX_BATCH_BLOCKS, wait: { parkForMs: 0 } });
  self.postMessage({ kind: "stopped" } satisfies VerifyWorkerReply);
  self.close();
}

self.onmessage = (event: MessageEvent<VerifyWorkerStart>) => run(event.data);
