/**
 * The way to the verify Worker and back: blocks go out on one topic, verdicts come in on another.
 *
 * Layer: services. A block's bytes are copied once into shared memory; Worker, storage writer and this thread then
 * all look at the same bytes, which stay there until {@link VerifyLane.release}.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import type { Bus, Subscription, Topic } from "../../kernel/bus/mod.ts";
import { RECEIVED_KIND, type ReceivedEvent, receivedTopic, VERIFIED_TOPIC } from "./topics.ts";
import { decodeVerdict, type VerdictBody } from "./verdict_codec.ts";
import type { VerifyTaskOptions } from "./verify_task.ts";
import type { VerifyWorkerReply, VerifyWorkerStart } from "./verify_worker.ts";

/** Time for the Worker to see that its topic is closed. */
const STOP_TIMEOUT_MS = 5_000;

/** A verdict with the block's bytes, which are borrowed until the attempt is released. */
export type LaneVerdict = VerdictBody & {
  readonly number: bigint;
  readonly attempt: number;
  readonly verifiedAtMs: number;
  readonly block: Uint8Array;
};

/** A block to verify. */
export interface LaneSubmission {
  readonly number: bigint;
  readonly attempt: number;
  readonly segments: readonly Uint8Array[];
  readonly bytes: number;
}

/** Options of {@link VerifyLane.open}. */
export interface VerifyLaneOptions extends Omit<VerifyTaskOptions, "chainState"> {
  /** Largest block, and bytes of all blocks in shared memory. */
  readonly arenaBytes: number;
  readonly chainState: Uint8Array | undefined;
}

/** What {@link VerifyLane.open} works with. */
export interface VerifyLaneDeps {
  readonly bus: Bus;
  readonly fatal: (error: Error) => void;
}

interface Outgoing {
  readonly event: ReceivedEvent;
  readonly onSubmitted: () => void;
}

interface InShared {
  readonly sequence: number;
  released: boolean;
}

/** One lane, one Worker. */
export class VerifyLane implements AsyncDisposable {
  readonly #fatal: (error: Error) => void;
  readonly #received: Topic<ReceivedEvent>;
  /** This thread's hold on the received blocks: what it has not released stays in the arena. */
  readonly #hold: Subscription<ReceivedEvent>;
  readonly #worker: Worker;
  readonly #stopped = Promise.withResolvers<void>();
  /** Waiting for room in shared memory, in order; bounded by the publish machine's queue. */
  readonly #outgoing: Outgoing[] = [];
  /** In shared memory, in order of their sequence; keyed by attempt, what is no block by a number of its own below zero. */
  readonly #inShared = new Map<number, InShared>();
  #notices = 0;
  #pumping = false;
  #closing = false;
  #failed = false;

  private constructor({ arenaBytes, ...start }: VerifyLaneOptions, { bus, fatal }: VerifyLaneDeps) {
    this.#fatal = fatal;
    this.#received = bus.open(receivedTopic(arenaBytes));
    const verified = bus.open(VERIFIED_TOPIC);
    this.#hold = this.#received.subscribe({ name: "blocks", release: "manual" });
    this.#verdicts = verified.subscribe({ name: "blocks" });
    this.#worker = new Worker(new URL("./verify_worker.ts", import.meta.url), {
      type: "module",
      name: "blocks-verify",
    });
    this.#worker.postMessage(
      {
        memory: bus.memory.handle,
        received: this.#received.consumerHandle({ name: "blocks-verify" }),
        verified: verified.producerHandle(),
        ...start,
        chainState: start.chainState ?? new Uint8Array(0),
      } satisfies VerifyWorkerStart,
    );
  }

  readonly #verdicts;

  /**
   * Starts the Worker and waits until it is warm.
   *
   * @throws {CairnError} `SERVICE_START_FAILED` if the Worker cannot start.
   */
  static async open(options: VerifyLaneOptions, deps: VerifyLaneDeps): Promise<VerifyLane> {
    const lane = new VerifyLane(options, deps);
    const ready = Promise.withResolvers<void>();
    lane.#worker.onmessage = (event: MessageEvent<VerifyWorkerReply>) => {
      if (event.data.kind === "ready") ready.resolve();
      else lane.#stopped.resolve();
    };
    lane.#worker.onerror = (event) => {
      event.preventDefault();
      const error = new CairnError("SERVICE_START_FAILED", `Verify Worker failed: ${event.message}`);
      lane.#failed = true;
      ready.reject(error);
      lane.#stopped.resolve();
      if (!lane.#closing) lane.#fatal(error);
    };
    await ready.promise;
    return lane;
  }

  /** Whether the Worker has died: no verdict will come any more. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Calls back with every verdict, in bursts, in the order of the submissions. */
  onVerdicts(callback: (verdicts: readonly LaneVerdict[]) => void): void {
    this.#listen(callback).catch((error) => this.#fatal(error));
  }

  async #listen(callback: (verdicts: readonly LaneVerdict[]) => void): Promise<void> {
    for await (const batch of this.#verdicts.batches()) {
      callback(batch.map(({ number, attempt, verifiedAtMs, body }) => {
        const block = this.#hold.read(this.#inShared.get(attempt)!.sequence).segments[0]!;
        return { ...decodeVerdict(body), number, attempt, verifiedAtMs, block };
      }));
    }
  }

  /** Sends a block to the Worker, as soon as shared memory has room; `onSubmitted` tells when. */
  submit({ number, attempt, segments, bytes }: LaneSubmission, onSubmitted: () => void): void {
    this.#send({ event: { kind: RECEIVED_KIND.BLOCK, number, attempt, bytes, segments }, onSubmitted });
  }

  /** Makes the Worker go on after another block, behind everything submitted so far. */
  rebase(chainState: Uint8Array | undefined): void {
    this.#tell(RECEIVED_KIND.REBASE, chainState ?? new Uint8Array(0));
  }

  /** Gives the Worker keys that were learned elsewhere, for everything submitted from now on. */
  learn(verificationData: Uint8Array): void {
    this.#tell(RECEIVED_KIND.KEYS, verificationData);
  }

  #tell(kind: number, body: Uint8Array): void {
    const attempt = --this.#notices;
    const event = { kind, number: 0n, attempt, bytes: body.length, segments: [body] };
    this.#send({ event, onSubmitted: () => this.release(attempt) });
  }

  #send(outgoing: Outgoing): void {
    this.#outgoing.push(outgoing);
    if (!this.#pumping) this.#pump().catch((error) => this.#closing || this.#fatal(error));
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      for (let next = this.#outgoing[0]; next !== undefined && !this.#closing; next = this.#outgoing[0]) {
        if (!this.#received.tryPublish(next.event)) {
          await this.#received.waitForSpace(next.event.bytes);
          continue;
        }
        this.#outgoing.shift();
        this.#inShared.set(next.event.attempt, { sequence: this.#received.lastSequence, released: false });
        next.onSubmitted();
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Gives the bytes of an attempt up: nobody looks at them any more. In any order; the arena follows the oldest. */
  release(attempt: number): void {
    const released = this.#inShared.get(attempt);
    if (released === undefined) return;
    released.released = true;
    let upTo: number | undefined;
    for (const [oldest, { sequence, released }] of this.#inShared) {
      if (!released) break;
      upTo = sequence;
      this.#inShared.delete(oldest);
    }
    if (upTo !== undefined) this.#hold.release(upTo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing) return await this.#stopped.promise;
    this.#closing = true;
    this.#received.close();
    const timer = setTimeout(() => this.#stopped.resolve(), STOP_TIMEOUT_MS);
    await this.#stopped.promise;
    clearTimeout(timer);
    this.#worker.terminate();
    this.#verdicts.close();
    this.#hold.close();
  }
}
