/**
 * One topic as its owner, the thread that opened it, sees it.
 *
 * Layer: kernel.
 *
 * @module
 */

import type { HotMemory } from "../../hot/memory.ts";
import { type ConsumerState, Ring, SEQUENCE_MODULUS } from "../../hot/ring.ts";
import { RingConsumer } from "../../hot/ring_consumer.ts";
import { RingProducer } from "../../hot/ring_producer.ts";
import { CairnError } from "../errors.ts";
import type { SlotWriter } from "./codec.ts";
import { type SubscribeOptions, Subscription } from "./subscription.ts";
import type { ConsumerHandle, ProducerHandle, TopicDefinition } from "./topic_definition.ts";
import { EventWriter } from "./writer.ts";

/** Publishes that may wait for space at a time; the next one fails with `BUS_FULL`. */
const WAITING_PUBLISHES_MAX = 1_024;

/** What a publish that found room returns: resolved once, for all, so that publishing allocates nothing. */
const DONE: Promise<void> = Promise.resolve();

/** A subscriber as metrics and reports see it. */
export interface SubscriberState extends ConsumerState {
  readonly name: string;
}

/** What a topic is given by its bus. */
export interface TopicDeps {
  /** Called once for each subscriber that stood still for too long and was taken out. */
  readonly onExpelled: (topic: string, subscriber: string) => void;
}

/** A typed, bounded stream of events with one publisher and up to 16 subscribers. */
export class Topic<E> implements Disposable {
  readonly definition: TopicDefinition<E>;
  readonly ring: Ring;
  readonly #producer: RingProducer;
  readonly #writer: EventWriter<E>;
  readonly #names = new Map<number, string>();
  readonly #onExpelled: TopicDeps["onExpelled"];
  #tail: Promise<void> = DONE;
  #waiting = 0;
  #claimOpen = false;
  #handedOver = false;

  constructor(memory: HotMemory, definition: TopicDefinition<E>, deps: TopicDeps) {
    this.definition = definition;
    this.#onExpelled = deps.onExpelled;
    this.ring = Ring.create(memory, definition, definition.name);
    this.#producer = new RingProducer(this.ring, {
      name: definition.name,
      onExpelled: (consumer) => this.#reportExpelled(consumer),
    });
    this.#writer = new EventWriter(this.#producer, definition.codec);
  }

  get name(): string {
    return this.definition.name;
  }

  /** Sequence of the newest event, modulo 2^53: of the one just published, right after a publish. */
  get lastSequence(): number {
    const next = this.ring.cursor;
    return next === 0 ? SEQUENCE_MODULUS - 1 : next - 1;
  }

  #assertMayPublish(): void {
    if (this.ring.closed) {
      throw new CairnError("SHUTTING_DOWN", `Cannot publish to '${this.name}': it is closed`);
    }
    if (this.#handedOver) throw new TypeError(`Cannot publish to '${this.name}': a Worker produces it`);
    if (this.#claimOpen) throw new TypeError(`Cannot publish to '${this.name}': a claim is open`);
  }

  /**
   * Publishes `event` if there is room now.
   *
   * @returns `false` when the ring is full (counted) or others wait for room.
   * @throws {HotError} `BUS_EVENT_TOO_LARGE`.
   */
  tryPublish(event: E): boolean {
    this.#assertMayPublish();
    if (this.#waiting === 0 && this.#writer.stage(event)) {
      this.#writer.commit();
      return true;
    }
    this.#producer.noteFull(performance.now());
    return false;
  }

  /**
   * Publishes `event`. Visible to subscribers before this returns if there is room; otherwise when the promise
   * resolves, in the order of the calls.
   *
   * @throws {CairnError} `BUS_FULL` if 1,024 publishes wait already; `SHUTTING_DOWN` if the topic is closed.
   * @throws {HotError} `BUS_EVENT_TOO_LARGE`.
   */
  publish(event: E): Promise<void> {
    this.#assertMayPublish();
    if (this.#waiting === 0 && this.#writer.stage(event)) {
      this.#writer.commit();
      return DONE;
    }
    return this.#publishLater([event], 0);
  }

  /**
   * Publishes `events` in order, with one store and at most one wake of each subscriber as long as there is room.
   * Borrows the array until the promise resolves. Errors as {@link publish}.
   */
  publishBatch(events: readonly E[]): Promise<void> {
    this.#assertMayPublish();
    let done = 0;
    if (this.#waiting === 0) {
      done = this.#writer.stageMany(events, 0);
      this.#writer.commit();
      if (done === events.length) return DONE;
    }
    return this.#publishLater(events, done);
  }

  #publishLater(events: readonly E[], from: number): Promise<void> {
    if (this.#waiting >= WAITING_PUBLISHES_MAX) {
      throw new CairnError(
        "BUS_FULL",
        `Cannot publish to '${this.name}': ${this.#waiting} publishes wait for room`,
      );
    }
    this.#waiting++;
    this.#producer.noteFull(performance.now());
    const published = this.#tail.then(() => this.#publishAll(events, from)).finally(() => this.#waiting--);
    this.#tail = published.catch(() => {});
    return published;
  }

  async #publishAll(events: readonly E[], from: number): Promise<void> {
    for (let done = from; done < events.length;) {
      await this.#producer.waitForSpace(this.#writer.bodyBytes(events[done]!));
      if (this.ring.closed) {
        throw new CairnError("SHUTTING_DOWN", `Cannot publish to '${this.name}': it is closed`);
      }
      done += this.#writer.stageMany(events, done);
      this.#writer.commit();
    }
  }

  /**
   * Claims a slot and `bytes` of arena to write in place. `commit()` or `cancel()` before anything else is
   * published, without awaiting in between.
   *
   * @returns `undefined` when the ring is full (counted) or others wait for room.
   * @throws {HotError} `BUS_EVENT_TOO_LARGE`.
   */
  claim(bytes: number): SlotWriter | undefined {
    this.#assertMayPublish();
    const slot = this.#waiting === 0 ? this.#writer.claim(bytes) : undefined;
    if (slot === undefined) this.#producer.noteFull(performance.now());
    this.#claimOpen = slot !== undefined;
    return slot;
  }

  /** Publishes the open claim. */
  commit(): void {
    this.#claimOpen = false;
    this.#writer.commit();
  }

  /** Gives the open claim back. */
  cancel(): void {
    this.#claimOpen = false;
    this.#producer.cancel();
  }

  /** Resolves when a claim of `bytes` would succeed. */
  waitForSpace(bytes: number): Promise<void> {
    this.#producer.assertFits(bytes);
    return this.#producer.waitForSpace(bytes);
  }

  /** Subscribes from the newest event on, without blocking this thread. */
  subscribe(options: SubscribeOptions): Subscription<E> {
    const { consumer } = this.consumerHandle(options);
    return new Subscription(new RingConsumer(this.ring, consumer), this.definition.codec, options);
  }

  /**
   * Reserves a place for a subscriber on another thread: a gating topic keeps every event from now on for it, so
   * nothing is missed while the Worker starts.
   *
   * @throws {HotError} `BUS_SUBSCRIBERS_EXHAUSTED`.
   */
  consumerHandle(options: Pick<SubscribeOptions, "name" | "deadAfterMs">): ConsumerHandle {
    for (const state of this.subscribers()) {
      if (state.name === options.name && !state.expelled) {
        throw new TypeError(`Cannot subscribe to '${this.name}': '${options.name}' does already`);
      }
    }
    const consumer = this.ring.join(options.deadAfterMs ?? this.definition.deadAfterMs);
    this.#names.set(consumer, options.name);
    return { topic: this.name, base: this.ring.base, name: options.name, consumer };
  }

  /** Hands production over to another thread; from now on this one must not publish. */
  producerHandle(): ProducerHandle {
    this.#handedOver = true;
    return { topic: this.name, base: this.ring.base };
  }

  /** Asks a subscriber, on whatever thread, to stop after its current batch. */
  stop(handle: ConsumerHandle): void {
    this.ring.stop(handle.consumer);
  }

  /** Frees the place of a subscriber whose Worker has been terminated or has died. */
  drop(handle: ConsumerHandle): void {
    if (this.#names.get(handle.consumer) !== handle.name) return;
    this.#names.delete(handle.consumer);
    this.ring.expel(handle.consumer);
    this.ring.leave(handle.consumer);
  }

  #reportExpelled(consumer: number): void {
    this.#onExpelled(this.name, this.#names.get(consumer) ?? `#${consumer}`);
  }

  /** Every present subscriber, expelled ones included until they leave. */
  subscribers(): readonly SubscriberState[] {
    const states: SubscriberState[] = [];
    for (const [consumer, name] of this.#names) {
      const state = this.ring.consumerState(consumer);
      if (state.expelled || this.ring.isActive(consumer)) states.push({ ...state, name });
    }
    return states;
  }

  /** Ends the topic: subscribers read what is left and stop; publishes that wait for room fail. */
  close(): void {
    this.#producer.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
