/**
 * The Worker that verifies history: ranges of blocks that do not continue the chain of the verify Worker.
 *
 * Layer: services. Every range is verified by itself; whether its end is the block that this node knows by hash is
 * for the caller to say. Source: spec/block-node.md §6, §7.4.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { type AnnouncedBlock, VerifyTask, type VerifyTaskOptions } from "./verify_task.ts";

/** A message to the Worker: blocks that follow each other. */
export interface BackfillWorkerRequest {
  readonly options: VerifyTaskOptions;
  readonly blocks: readonly AnnouncedBlock[];
}

/** Its answer: a verdict for each block, as verdict_codec.ts writes it, and the blocks. */
export interface BackfillWorkerReply {
  readonly verdicts: readonly Uint8Array[];
  readonly blocks: readonly AnnouncedBlock[];
}

self.onmessage = ({ data: { options, blocks } }: MessageEvent<BackfillWorkerRequest>) => {
  const verdicts = new VerifyTask(options).verifyAll(blocks);
  self.postMessage(
    { verdicts, blocks } satisfies BackfillWorkerReply,
    { transfer: blocks.map(({ block }) => block.buffer as ArrayBuffer) },
  );
};
