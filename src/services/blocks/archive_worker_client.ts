/**
 * The main thread's side of the archive Worker.
 *
 * Layer: services.
 *
 * @module
 */

import type { ArchiveReply, ArchiveRequest } from "./archive_task.ts";

/** Runs the Worker and pairs its answers with the requests. */
export class ArchiveWorkerClient implements Disposable {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<number>[] = [];
  #dead: Error | undefined;

  /** @param root Root directory of the archives. */
  constructor(root: string) {
    this.#worker = new Worker(new URL("./archive_worker.ts", import.meta.url), {
      type: "module",
      name: "blocks-archive",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<ArchiveReply>) => {
      const request = this.#waiting.shift();
      if (data.kind === "done") request?.resolve(data.bytes ?? 0);
      else request?.reject(new Error(data.message));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#die(new Error(`archive Worker stopped: ${event.message}`));
    };
    this.#worker.postMessage(root);
  }

  /** Whether it ended by itself; a new one can be started. */
  get dead(): boolean {
    return this.#dead !== undefined;
  }

  /**
   * Sends a request; a block's memory goes with it. Requests are handled in call order.
   *
   * @returns Bytes of the archive after `finish`, else 0.
   * @throws {Error} With the reason.
   */
  request(request: ArchiveRequest): Promise<number> {
    if (this.#dead) return Promise.reject(this.#dead);
    const answer = Promise.withResolvers<number>();
    this.#waiting.push(answer);
    this.#worker.postMessage(request, request.kind === "block" ? [request.block.buffer] : []);
    return answer.promise;
  }

  /** Stops the Worker at once. A file that it was building stays until the next start. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
    this.#die(new Error("archive Worker stopped"));
  }

  #die(error: Error): void {
    this.#dead ??= error;
    for (const request of this.#waiting.splice(0)) request.reject(error);
  }
}
