/**
 * The main thread's side of the writer Worker.
 *
 * Layer: store.
 *
 * @module
 */

import type { WriteGroup } from "./write_group.ts";
import type { WriterReply, WriterRequest } from "./writer_protocol.ts";

/** A group that was not committed; nothing of it is visible. */
export class WriterError extends Error {
  override readonly name = "WriterError";
  /** The binding's code, such as `LEVEL_IO_ERROR`. */
  readonly code: string | undefined;
  /** The group was not even tried, because one before it failed. */
  readonly refused: boolean;

  constructor(
    message: string,
    { code, refused = false }: { code?: string | undefined; refused?: boolean } = {},
  ) {
    super(message);
    this.code = code;
    this.refused = refused;
  }
}

/** Runs the Worker and pairs its answers with the groups. */
export class Writer implements Disposable {
  readonly #worker: Worker;
  readonly #commits = new Map<number, PromiseWithResolvers<number>>();
  #attaching: PromiseWithResolvers<void> | undefined;
  #dead: WriterError | undefined;
  #nextId = 0;
  #epoch = 0;

  constructor() {
    this.#worker = new Worker(new URL("./writer_worker.ts", import.meta.url), {
      type: "module",
      name: "store-writer",
    });
    this.#worker.onmessage = (event: MessageEvent<WriterReply>) => this.#receive(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#die(new WriterError(`Writer stopped: ${event.message}`));
    };
    this.#worker.onmessageerror = () =>
      this.#die(new WriterError("Writer stopped: a message could not be read"));
  }

  /** Lets the Worker write to a database that this thread owns and keeps open. Replaces the one before. */
  attach(handle: bigint, families: readonly string[]): Promise<void> {
    if (this.#dead) return Promise.reject(this.#dead);
    this.#attaching = Promise.withResolvers();
    this.#post({ kind: "attach", handle, families });
    return this.#attaching.promise;
  }

  /**
   * Commits a group; takes its memory. Groups commit in call order, and after a failure every group sent before the
   * failure was heard of is refused.
   *
   * @returns Seconds the commit took in the Worker.
   * @throws {WriterError}
   */
  commit(group: WriteGroup): Promise<number> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#nextId++;
    const commit = Promise.withResolvers<number>();
    this.#commits.set(id, commit);
    this.#post({ kind: "commit", id, epoch: this.#epoch, group }, [group.packed, group.table.buffer]);
    return commit.promise;
  }

  /** Stops the Worker at once; whoever disposes has waited for its commits. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
    this.#die(new WriterError("Writer stopped"));
  }

  #receive(reply: WriterReply): void {
    if (reply.kind === "attached") return this.#attaching?.resolve();
    if (reply.kind === "attachFailed") return this.#attaching?.reject(new WriterError(reply.message));
    const commit = this.#commits.get(reply.id);
    this.#commits.delete(reply.id);
    if (reply.kind === "committed") return commit?.resolve(reply.seconds);
    if (reply.kind === "refused") {
      return commit?.reject(new WriterError("A batch before it failed", { refused: true }));
    }
    this.#epoch++;
    commit?.reject(new WriterError(reply.message, { code: reply.code }));
  }

  #die(error: WriterError): void {
    this.#dead ??= error;
    this.#attaching?.reject(error);
    for (const commit of this.#commits.values()) commit.reject(error);
    this.#commits.clear();
  }

  #post(request: WriterRequest, transfer: Transferable[] = []): void {
    this.#worker.postMessage(request, transfer);
  }
}
