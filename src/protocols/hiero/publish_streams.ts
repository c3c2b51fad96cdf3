/**
 * The publishers' streams as the race sees them, and the effects of the step in progress.
 *
 * Layer: protocols. Imports types of this room. Source: spec/block-node.md §3.1, §3.2.
 *
 * @module
 */

import type { HandlerId, PublishEffect, PublishNote } from "./publish_events.ts";

/** One publisher's stream. */
export interface Handler {
  readonly id: HandlerId;
  /** Block in progress. */
  current: bigint | undefined;
  /** Blocks it sent to their end, above P: so that a failure finds its sender. At most maxPendingBlocks. */
  readonly sent: Set<bigint>;
  /** Sends no more: closed as soon as what it sent is acknowledged. */
  leaving: boolean;
  lastSeenMs: number;
}

/** Streams, back-pressure and effects. */
export class PublishStreams {
  readonly #handlers = new Map<HandlerId, Handler>();
  #effects: PublishEffect[] = [];
  #paused = false;
  #nowMs = 0;

  /** Streams that are open. */
  get size(): number {
    return this.#handlers.size;
  }

  /** Whether reading is stopped. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Opens a step. */
  begin(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#effects = [];
  }

  /** Effects of the step so far, in order. */
  takeEffects(): PublishEffect[] {
    return this.#effects;
  }

  emit(effect: PublishEffect): void {
    this.#effects.push(effect);
  }

  note(note: PublishNote, handler?: HandlerId, number?: bigint): void {
    this.emit({
      kind: "note",
      note,
      ...(handler === undefined ? {} : { handler }),
      ...(number === undefined ? {} : { number }),
    });
  }

  respond(handler: HandlerId, kind: "acknowledgement" | "skip" | "resend" | "behind", number: bigint): void {
    this.emit({ kind: "respond", handler, response: { kind, number: BigInt.asUintN(64, number) } });
  }

  connect(id: HandlerId): void {
    this.#handlers.set(id, {
      id,
      current: undefined,
      sent: new Set(),
      leaving: false,
      lastSeenMs: this.#nowMs,
    });
    if (this.#paused) this.emit({ kind: "pause", handler: id });
  }

  get(id: HandlerId): Handler | undefined {
    return this.#handlers.get(id);
  }

  ids(): Iterable<HandlerId> {
    return this.#handlers.keys();
  }

  all(): Iterable<Handler> {
    return this.#handlers.values();
  }

  remove(id: HandlerId): void {
    this.#handlers.delete(id);
  }

  /** Marks life; false if the stream is gone, whose late messages are dropped. */
  touch(id: HandlerId): boolean {
    const handler = this.#handlers.get(id);
    if (handler === undefined) return false;
    handler.lastSeenMs = this.#nowMs;
    return true;
  }

  isIdle(handler: Handler, timeoutMs: number): boolean {
    return this.#nowMs - handler.lastSeenMs >= timeoutMs;
  }

  /** Stops or restarts reading everywhere. A stream that was held back has not been idle. */
  setPaused(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    for (const handler of this.#handlers.values()) {
      handler.lastSeenMs = this.#nowMs;
      this.emit({ kind: paused ? "pause" : "resume", handler: handler.id });
    }
  }
}
