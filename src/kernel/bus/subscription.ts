/**
 * A subscriber that does not block its thread: async iteration, one event or one batch at a time.
 *
 * Layer: kernel.
 *
 * @module
 */

import type { Codec } from "./codec.ts";
import type { RingConsumer } from "../../hot/ring_consumer.ts";
import { EventReader } from "./reader.ts";

/** Events of one batch at most: bounds the array, and how long a batch holds a gating publisher back. */
const EVENTS_PER_BATCH = 1_024;

/** Who releases what was read. */
export type ReleaseMode =
  /** Each batch is released when the next one is asked for. */
  | "auto"
  /** The subscriber calls `release()`: until then slots and bodies stay where they are. Gating topics only. */
  | "manual";

/** Options of a subscription. */
export interface SubscribeOptions {
  /** Name in messages and metrics; unique among the topic's subscribers. */
  readonly name: string;
  /** Ends the iteration quietly and gives the place in the ring back. */
  readonly signal?: AbortSignal;
  /** @default {"auto"} */
  readonly release?: ReleaseMode;
  /** Overrides the topic's limit for this subscriber; 0 for never. */
  readonly deadAfterMs?: number;
}

/**
 * One subscriber's place in a topic. Iterate it once: by event, or by `batches()`. Leaving the loop, aborting the
 * signal or `close()` gives the place back.
 */
export class Subscription<E> implements AsyncIterable<E>, Disposable {
  readonly name: string;
  readonly #consumer: RingConsumer;
  readonly #reader: EventReader<E>;
  readonly #mode: ReleaseMode;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.close();
  #state: "idle" | "iterating" | "closed" = "idle";

  constructor(consumer: RingConsumer, codec: Codec<E>, options: Omit<SubscribeOptions, "deadAfterMs">) {
    this.name = options.name;
    this.#consumer = consumer;
    this.#reader = new EventReader(consumer, codec);
    this.#mode = options.release ?? "auto";
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.close();
  }

  /** Events published and not yet released by this subscriber. */
  get behind(): number {
    return this.#consumer.ring.consumerState(this.#consumer.consumer).behind;
  }

  /** Sequence of the next event this subscriber will read, modulo 2^53. */
  get readAt(): number {
    return this.#consumer.readAt;
  }

  /**
   * Everything available at a time, as arrays of at most `max` events, in order. Ends when the topic closes, the
   * signal aborts, or on `close()`.
   *
   * @throws {HotError} `BUS_SUBSCRIBER_EXPELLED` if the publisher gave this subscriber up.
   */
  async *batches(max: number = EVENTS_PER_BATCH): AsyncGenerator<E[], void, void> {
    if (this.#state === "closed") return;
    if (this.#state === "iterating") throw new TypeError(`Cannot iterate subscription '${this.name}' twice`);
    this.#state = "iterating";
    const consumer = this.#consumer;
    try {
      while (!consumer.ring.isStopped(consumer.consumer)) {
        consumer.assertActive(this.name);
        const batch: E[] = [];
        const ended = consumer.ended;
        const read = this.#reader.read(max, (event) => batch.push(event));
        if (read > 0) {
          yield batch;
          if (this.#mode === "auto" && consumer.ring.policy === "gating") consumer.release(read);
        } else if (ended) {
          return;
        } else {
          await consumer.wait();
        }
      }
    } finally {
      this.#leave();
    }
  }

  /** One event at a time; bodies of a gating topic stay valid until the next event is asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<E, void, void> {
    for await (const batch of this.batches()) yield* batch;
  }

  /**
   * Decodes an event that was published and that this subscriber has not released, whether it was iterated or not.
   *
   * @throws {RangeError} If `sequence` is not held.
   */
  read(sequence: number): E {
    return this.#reader.at(sequence);
  }

  /**
   * Releases every event up to and including `upTo`; borrowed bodies of those are invalid from now on.
   *
   * @param upTo Sequence. @default {the last event handed out}
   */
  release(upTo?: number): void {
    if (this.#state === "closed") return;
    if (upTo !== undefined) this.#consumer.releaseTo(upTo);
    else if (this.#consumer.readAt !== this.#consumer.releasedAt) this.#consumer.releaseTo(this.#lastRead());
  }

  #lastRead(): number {
    const next = this.#consumer.readAt;
    return next === 0 ? Number.MAX_SAFE_INTEGER : next - 1;
  }

  /** Ends the iteration after its current batch and gives the place back. Idempotent. */
  close(): void {
    if (this.#state === "iterating") this.#consumer.stop();
    else this.#leave();
  }

  #leave(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#consumer.leave();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
