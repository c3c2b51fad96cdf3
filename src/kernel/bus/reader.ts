/**
 * Reading events out of a ring, the same on every thread: in place when gating, by checked copies when lossy.
 *
 * Layer: kernel.
 *
 * @module
 */

import { SEQUENCE_MODULUS, sequenceDifference } from "../../hot/ring.ts";
import type { RingConsumer } from "../../hot/ring_consumer.ts";
import { type Codec, SlotReader } from "./codec.ts";

/** Decodes events of one topic at the read position of one consumer. */
export class EventReader<E> {
  readonly consumer: RingConsumer;
  readonly codec: Codec<E>;
  readonly #slot: SlotReader;
  readonly #lossy: boolean;

  constructor(consumer: RingConsumer, codec: Codec<E>) {
    this.consumer = consumer;
    this.codec = codec;
    this.#slot = new SlotReader(consumer.ring.memory);
    this.#lossy = consumer.ring.policy === "lossy";
  }

  /**
   * Hands at most `max` events to `fn` and counts them as read. On a gating topic they stay unreleased; a lossy
   * one has nothing to release.
   *
   * @returns How many. If `fn` throws, the events before that one count as read.
   */
  read(max: number, fn: (event: E, sequence: number) => void): number {
    return this.#lossy ? this.#readCopies(max, fn) : this.#readInPlace(max, fn);
  }

  #readInPlace(max: number, fn: (event: E, sequence: number) => void): number {
    const { consumer, codec } = this;
    const count = Math.min(consumer.available(), max);
    if (count === 0) return 0;
    let sequence = consumer.readAt;
    let done = 0;
    try {
      for (; done < count; done++) {
        fn(codec.decode(this.#slot.moveTo(consumer.slotWord(sequence), sequence)), sequence);
        if (++sequence === SEQUENCE_MODULUS) sequence = 0;
      }
    } finally {
      consumer.advance(done);
    }
    return count;
  }

  #readCopies(max: number, fn: (event: E, sequence: number) => void): number {
    const { consumer, codec } = this;
    let done = 0;
    while (done < max && consumer.available() > 0) {
      const body = consumer.copy();
      const sequence = consumer.readAt;
      if (body === undefined) {
        // Lapped by slots: available() jumps and counts. Lapped in the arena alone: this one event is gone.
        consumer.available();
        if (consumer.readAt === sequence) consumer.skipLost();
        continue;
      }
      const event = codec.decode(this.#slot.moveToCopy(consumer, body, sequence));
      consumer.advance(1);
      consumer.release(1);
      done++;
      fn(event, sequence);
    }
    return done;
  }

  /**
   * Decodes one event again that was published and not yet released by this consumer. Gating topics only.
   *
   * @throws {RangeError} If `sequence` is not among them.
   */
  at(sequence: number): E {
    const { consumer } = this;
    const { ring } = consumer;
    if (
      this.#lossy || sequenceDifference(sequence, consumer.releasedAt) < 0 ||
      sequenceDifference(sequence, ring.cursor) >= 0
    ) {
      throw new RangeError(`Cannot read sequence ${sequence}: it is not held by this subscriber`);
    }
    return this.codec.decode(this.#slot.moveTo(consumer.slotWord(sequence), sequence));
  }
}
