/**
 * The bus inside a Worker: a blocking producer and a blocking consumer loop.
 *
 * Layer: kernel. Both block the Worker's event loop, so such a Worker does nothing else; it learns to stop from
 * shared memory (`Topic.stop()`, `Topic.close()`), not from a message.
 *
 * @module
 */

import type { HotMemory } from "../../hot/memory.ts";
import { Ring } from "../../hot/ring.ts";
import { RingConsumer, type WaitOptions } from "../../hot/ring_consumer.ts";
import { RingProducer } from "../../hot/ring_producer.ts";
import type { Codec, SlotWriter } from "./codec.ts";
import { EventReader } from "./reader.ts";
import { type ReleaseMode, type SubscribeOptions, Subscription } from "./subscription.ts";
import type { ConsumerHandle, ProducerHandle } from "./topic_definition.ts";
import { EventWriter } from "./writer.ts";

/** Events handed out before the consumer's position is published again. */
const EVENTS_PER_BATCH = 256;

/** Publishes from a Worker; waits by parking the thread. */
export class WorkerProducer<E> {
  readonly #writer: EventWriter<E>;

  constructor(writer: EventWriter<E>) {
    this.#writer = writer;
  }

  /** Publishes `event`, or returns `false` when the ring is full. */
  tryPublish(event: E): boolean {
    if (this.#writer.stage(event)) {
      this.#writer.commit();
      return true;
    }
    this.#writer.producer.noteFull(performance.now());
    return false;
  }

  /** Publishes `event`; blocks while the ring is full. */
  publish(event: E): void {
    this.stage(event);
    this.commit();
  }

  /**
   * Encodes `event` without publishing it: `commit()` publishes all that is staged, with one wake. When the ring is
   * full it commits what is staged and blocks.
   */
  stage(event: E): void {
    if (this.#writer.stage(event)) return;
    this.#blockFor(event);
    while (!this.#writer.stage(event)) this.#blockFor(event);
  }

  #blockFor(event: E): void {
    this.#writer.commit();
    this.#writer.producer.noteFull(performance.now());
    this.#writer.producer.waitForSpaceBlocking(this.#writer.bodyBytes(event));
  }

  commit(): void {
    this.#writer.commit();
  }

  /** Publishes `events` in order with as few stores and wakes as the ring allows; blocks while it is full. */
  publishBatch(events: readonly E[]): void {
    let done = 0;
    for (;;) {
      done += this.#writer.stageMany(events, done);
      this.#writer.commit();
      if (done >= events.length) return;
      this.#blockFor(events[done]!);
    }
  }

  /** Claims a slot and a body to write in place; `commit()` publishes it. `undefined` when the ring is full. */
  claim(bytes: number): SlotWriter | undefined {
    return this.#writer.claim(bytes);
  }

  /** Gives the last claim back. */
  cancel(): void {
    this.#writer.producer.cancel();
  }

  /** Ends the topic: subscribers read what is left and stop. */
  close(): void {
    this.#writer.producer.close();
  }
}

/** Options of {@link attachProducer}. */
export interface AttachProducerOptions {
  /** Called with the number of a subscriber that stood still for too long and was taken out. */
  readonly onExpelled?: (consumer: number) => void;
}

/** Takes up the production of a topic on the calling thread. The topic's owner no longer publishes. */
export function attachProducer<E>(
  memory: HotMemory,
  handle: ProducerHandle,
  codec: Codec<E>,
  options: AttachProducerOptions = {},
): WorkerProducer<E> {
  const ring = Ring.attach(memory, handle.base);
  return new WorkerProducer(
    new EventWriter(new RingProducer(ring, { name: handle.topic, ...options }), codec),
  );
}

/** How {@link WorkerConsumer.consume} runs. */
export interface ConsumeOptions {
  /** Called after each batch, before its release: the moment to commit what the batch produced. */
  readonly afterBatch?: () => void;
  /** @default {"auto"} */
  readonly release?: ReleaseMode;
  /** How to wait for events. */
  readonly wait?: WaitOptions;
  /** @default {256} */
  readonly maxBatch?: number;
}

/** Consumes in a Worker; waits by parking the thread. */
export class WorkerConsumer<E> implements Disposable {
  readonly #name: string;
  readonly #consumer: RingConsumer;
  readonly #reader: EventReader<E>;
  #left = false;

  constructor(consumer: RingConsumer, codec: Codec<E>, name: string) {
    this.#name = name;
    this.#consumer = consumer;
    this.#reader = new EventReader(consumer, codec);
  }

  /**
   * Hands every event to `fn`, in order, until the topic is closed and drained or this subscriber is stopped.
   * Bodies of a gating topic are borrowed until their batch is released.
   *
   * @returns Which of the two ended it.
   * @throws {HotError} `BUS_SUBSCRIBER_EXPELLED` if the publisher gave this subscriber up; whatever `fn` throws.
   */
  consume(fn: (event: E, sequence: number) => void, options: ConsumeOptions = {}): "stopped" | "closed" {
    const { afterBatch, release = "auto", wait = {}, maxBatch = EVENTS_PER_BATCH } = options;
    const consumer = this.#consumer;
    const releases = release === "auto" && consumer.ring.policy === "gating";
    for (;;) {
      if (consumer.ring.isStopped(consumer.consumer)) return "stopped";
      consumer.assertActive(this.#name);
      const closed = consumer.ring.closed;
      const read = this.#reader.read(maxBatch, fn);
      if (read > 0) {
        afterBatch?.();
        if (releases) consumer.release(read);
      } else if (closed) {
        return "closed";
      } else {
        consumer.waitBlocking(wait);
      }
    }
  }

  /** Releases every event up to and including `upTo`, for `release: "manual"`. */
  release(upTo: number): void {
    this.#consumer.releaseTo(upTo);
  }

  /** Gives the place in the ring back. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#left) return;
    this.#left = true;
    this.#consumer.leave();
  }
}

/** Takes up a reserved place on the calling thread, to read it in a blocking loop. */
export function attachConsumer<E>(
  memory: HotMemory,
  handle: ConsumerHandle,
  codec: Codec<E>,
): WorkerConsumer<E> {
  return new WorkerConsumer(
    new RingConsumer(Ring.attach(memory, handle.base), handle.consumer),
    codec,
    handle.name,
  );
}

/** Takes up a reserved place on the calling thread, to read it by async iteration. */
export function attachSubscription<E>(
  memory: HotMemory,
  handle: ConsumerHandle,
  codec: Codec<E>,
  options: Omit<SubscribeOptions, "name" | "deadAfterMs"> = {},
): Subscription<E> {
  const consumer = new RingConsumer(Ring.attach(memory, handle.base), handle.consumer);
  return new Subscription(consumer, codec, { ...options, name: handle.name });
}
