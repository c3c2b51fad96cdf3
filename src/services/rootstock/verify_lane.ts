/**
 * The main thread's side of the verify Worker.
 *
 * Layer: services.
 *
 * @module
 */

import type { BlockIdentifier } from "../../protocols/rootstock/block_identifier.ts";
import type { RootstockNetwork } from "../../protocols/rootstock/network.ts";
import type { SegmentVerdict } from "../../protocols/rootstock/verify_segment.ts";
import { packBytes, unpackVerdict } from "./packed_headers.ts";
import type { VerifyReply, VerifyRequest } from "./verify_worker.ts";

/** What {@link VerifyLane} works with. */
export interface VerifyLaneDeps {
  readonly network: RootstockNetwork;
  /**
   * Headers up to a block, ascending, as many as the rules look back; none for genesis. `undefined` if the block is
   * not stored.
   */
  readonly ancestorsOf: (block: BlockIdentifier) => Promise<readonly Uint8Array[] | undefined>;
  readonly nowSeconds: () => number;
  /** Called once if the Worker ends by itself. */
  readonly failed: (error: Error) => void;
}

/** Runs the Worker and pairs its answers with the segments. */
export class VerifyLane implements Disposable {
  readonly #deps: VerifyLaneDeps;
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<void>();
  readonly #waiting: PromiseWithResolvers<SegmentVerdict | undefined>[] = [];
  /** Segments that do not follow what the Worker had just verified, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #dead: Error | undefined;

  private constructor(deps: VerifyLaneDeps) {
    this.#deps = deps;
    this.#worker = new Worker(new URL("./verify_worker.ts", import.meta.url), {
      type: "module",
      name: "rootstock-verify",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<VerifyReply>) => {
      if (data.kind === "ready") this.#ready.resolve();
      else this.#waiting.shift()?.resolve(data.kind === "verdict" ? unpackVerdict(data.verdict) : undefined);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const error = new Error(`rootstock-verify Worker stopped: ${event.message}`);
      this.#end(error);
      deps.failed(error);
    };
    this.#worker.postMessage({ kind: "network", network: deps.network } satisfies VerifyRequest);
  }

  /** Starts the Worker; resolves when it can verify. */
  static async open(deps: VerifyLaneDeps): Promise<VerifyLane> {
    const lane = new VerifyLane(deps);
    await lane.#ready.promise;
    return lane;
  }

  /**
   * Verifies headers that follow each other. Those given while others are being verified wait for their turn.
   *
   * @param headers Compressed forms, ascending; the first one's parent is `after`.
   * @throws {Error} If the Worker has ended.
   */
  async verify(after: BlockIdentifier, headers: readonly Uint8Array[]): Promise<SegmentVerdict> {
    return await this.#post(after, headers) ??
      await (this.#turn = this.#anchored(this.#turn, after, headers));
  }

  /** Tells the Worker the ancestors of a segment that begins elsewhere. */
  async #anchored(
    turn: Promise<unknown>,
    after: BlockIdentifier,
    headers: readonly Uint8Array[],
  ): Promise<SegmentVerdict> {
    await turn.catch(() => {});
    // What it follows may have been waiting for its ancestors as well.
    const verdict = await this.#post(after, headers);
    if (verdict !== undefined) return verdict;
    const ancestors = await this.#deps.ancestorsOf(after);
    const detail = `block ${after.number}, which it follows, was not accepted`;
    return ancestors && await this.#post(after, headers, ancestors) ||
      { valid: false, index: 0, rule: "parent-hash", detail, headers: [] };
  }

  /** @returns `undefined` if the Worker is not at that block. */
  #post(
    after: BlockIdentifier,
    headers: readonly Uint8Array[],
    ancestors?: readonly Uint8Array[],
  ): Promise<SegmentVerdict | undefined> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    const answer = Promise.withResolvers<SegmentVerdict | undefined>();
    this.#waiting.push(answer);
    const packed = packBytes(headers);
    const request: VerifyRequest = {
      kind: "segment",
      // A view would be cloned with all that is behind it.
      after: after.hash.slice(),
      headers: packed,
      ancestors: ancestors && packBytes(ancestors),
      nowSeconds: this.#deps.nowSeconds(),
    };
    this.#worker.postMessage(request, [packed.buffer]);
    return answer.promise;
  }

  #end(error: Error): void {
    this.#dead ??= error;
    this.#ready.reject(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
    this.#end(new Error("rootstock-verify Worker stopped"));
  }
}
