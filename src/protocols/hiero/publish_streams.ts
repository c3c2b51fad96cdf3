/**
 * The publishers' streams as the race sees them, and the effects of the step in progress.
 *
 * Layer: protocols. Imports types of this room. Source: spec/block-node.md §3.1, §3.2.
 *
 * @module
 */

import { type BudgetConfig, type BudgetUse, PublishBudget } from "./publish_budget.ts";
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
  readonly budget: BudgetUse;
  /** It has used its budget and is not read before this time. */
  heldUntilMs: number | undefined;
}

/** Streams, back-pressure and effects. */
export class PublishStreams {
  readonly #handlers = new Map<HandlerId, Handler>();
  readonly #budget: PublishBudget;
  #effects: PublishEffect[] = [];
  #paused = false;
  #nowMs = 0;
  /** When the first of the held streams is to be read again, and what was last said of it by a `wake`. */
  #releaseAtMs = Infinity;
  #wakeAtMs = Infinity;

  constructor(config: BudgetConfig) {
    this.#budget = new PublishBudget(config);
  }

  /** Streams that are open. */
  get size(): number {
    return this.#handlers.size;
  }

  /** Whether reading is stopped. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Streams that have used their budget. */
  get held(): number {
    let held = 0;
    for (const handler of this.#handlers.values()) if (handler.heldUntilMs !== undefined) held++;
    return held;
  }

  /** Opens a step: streams whose time has come are read again. */
  begin(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#effects = [];
    if (nowMs < this.#releaseAtMs) return;
    this.#releaseAtMs = Infinity;
    for (const handler of this.#handlers.values()) {
      if (handler.heldUntilMs === undefined) continue;
      if (handler.heldUntilMs > nowMs) {
        this.#releaseAtMs = Math.min(this.#releaseAtMs, handler.heldUntilMs);
        continue;
      }
      handler.heldUntilMs = undefined;
      handler.lastSeenMs = nowMs;
      if (!this.#paused) this.emit({ kind: "resume", handler: handler.id });
    }
    this.#wakeAtMs = Infinity;
  }

  /** Effects of the step, in order; the last one says when to wake, if that has changed. */
  takeEffects(): PublishEffect[] {
    if (this.#releaseAtMs < this.#wakeAtMs) {
      this.#wakeAtMs = this.#releaseAtMs;
      this.emit({ kind: "wake", atMs: this.#wakeAtMs });
    }
    return this.#effects;
  }

  /** Counts a message against the stream's budget. What came before the transport stopped is taken all the same. */
  charge(id: HandlerId): void {
    const handler = this.#handlers.get(id);
    if (handler === undefined || handler.heldUntilMs !== undefined) return;
    const hold = this.#budget.take(handler.budget, this.#nowMs);
    if (hold === undefined) return;
    handler.heldUntilMs = hold.untilMs;
    this.#releaseAtMs = Math.min(this.#releaseAtMs, hold.untilMs);
    if (!this.#paused) this.emit({ kind: "pause", handler: id });
    this.note(hold.reason === "budget" ? "held-budget" : "held-penalty", id);
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
      budget: this.#budget.begin(),
      heldUntilMs: undefined,
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
    return handler.heldUntilMs === undefined && this.#nowMs - handler.lastSeenMs >= timeoutMs;
  }

  /** Stops or restarts reading everywhere. A stream that was held back has not been idle. */
  setPaused(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    for (const handler of this.#handlers.values()) {
      handler.lastSeenMs = this.#nowMs;
      if (handler.heldUntilMs !== undefined) continue;
      this.emit({ kind: paused ? "pause" : "resume", handler: handler.id });
    }
  }
}
