/**
 * The archive Worker: compression, disk writes and syncs off the main thread.
 *
 * Layer: services. Runs in a Worker; the work is {@link ArchiveTask}.
 *
 * @module
 */

import { type ArchiveRequest, ArchiveTask } from "./archive_task.ts";

const worker = self as unknown as {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
};

let task: ArchiveTask | undefined;
let turn: Promise<void> = Promise.resolve();

worker.onmessage = ({ data }: MessageEvent<string | ArchiveRequest>) => {
  if (typeof data === "string") {
    task = new ArchiveTask(data);
    return;
  }
  // A verification awaits its reads; whatever comes meanwhile waits for its turn.
  turn = turn.then(async () => worker.postMessage(await task!.handle(data)));
};
