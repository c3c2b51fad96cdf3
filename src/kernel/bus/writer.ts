/**
 * The publishing steps that every thread shares: claim, encode, commit.
 *
 * Layer: kernel.
 *
 * @module
 */

import { SLOT_BYTES } from "../../../wasm/layout.ts";
import type { RingProducer } from "../../hot/ring_producer.ts";
import { type Codec, SlotWriter } from "./codec.ts";

/** Encodes events of one topic into its ring. Nothing is visible before `commit()`. */
export class EventWriter<E> {
  readonly producer: RingProducer;
  readonly codec: Codec<E>;
  readonly #slot: SlotWriter;

  constructor(producer: RingProducer, codec: Codec<E>) {
    this.producer = producer;
    this.codec = codec;
    this.#slot = new SlotWriter(producer.ring.memory);
  }

  /** Bytes of the body of `event`. */
  bodyBytes(event: E): number {
    return this.codec.bodyBytes?.(event) ?? 0;
  }

  /**
   * Claims a slot and a body to be written by the caller.
   *
   * @returns The writer of that slot, valid until the next claim; `undefined` when the ring is full.
   * @throws {HotError} `BUS_EVENT_TOO_LARGE`.
   */
  claim(bytes: number): SlotWriter | undefined {
    const address = this.producer.claim(bytes);
    return address === 0 ? undefined : this.#slot.moveTo(address >>> 2);
  }

  /**
   * Claims and encodes one event. If the codec throws, the claim is given back.
   *
   * @returns `false` when the ring is full.
   */
  stage(event: E): boolean {
    const slot = this.claim(this.bodyBytes(event));
    if (slot === undefined) return false;
    try {
      this.codec.encode(event, slot);
    } catch (error) {
      this.producer.cancel();
      throw error;
    }
    return true;
  }

  /**
   * Claims and encodes as many of `events`, beginning at `from`, as there is room for.
   *
   * @returns How many. If the codec throws for one without bodies, none of this call is staged; with bodies, those
   *   before it are.
   */
  stageMany(events: readonly E[], from: number): number {
    if (this.codec.bodyBytes !== undefined) {
      let staged = 0;
      while (from + staged < events.length && this.stage(events[from + staged]!)) staged++;
      return staged;
    }
    const first = this.producer.nextLow;
    const granted = this.producer.reserve(events.length - from);
    const { slots, slotsWord } = this.producer.ring;
    const mask = slots - 1;
    try {
      for (let i = 0; i < granted; i++) {
        const slot = this.#slot.moveTo(slotsWord + ((first + i) & mask) * (SLOT_BYTES >>> 2));
        this.codec.encode(events[from + i]!, slot);
      }
    } catch (error) {
      if (granted > 0) this.producer.cancel();
      throw error;
    }
    return granted;
  }

  /** Publishes everything staged with one store, and at most one wake of each sleeper. */
  commit(): void {
    this.producer.commit();
  }
}
