/**
 * How fast messages may follow each other on one connection.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 4.4: rskj drops what is beyond 1,000 messages in
 * a minute of its own clock, without a word. A window that slides keeps below that wherever its minutes begin.
 *
 * @module
 */

/** rskj's limit. */
export const MESSAGES_PER_MINUTE = 1_000;
/** A second more than a minute: the network may push messages together. */
export const PACE_WINDOW_MS = 61_000;

/** Allows so many messages in any window of time. */
export class MessagePace {
  /** When each of the last messages was sent, in a ring. */
  readonly #sentMs: Float64Array;
  readonly #windowMs: number;
  #next = 0;

  /** @param limit Messages in a window; at least 1. */
  constructor(limit: number = MESSAGES_PER_MINUTE, windowMs: number = PACE_WINDOW_MS) {
    this.#sentMs = new Float64Array(limit).fill(-Infinity);
    this.#windowMs = windowMs;
  }

  /** Time until a message may be sent, in milliseconds; 0 now. */
  delayMs(nowMs: number): number {
    return Math.max(0, this.#sentMs[this.#next]! + this.#windowMs - nowMs);
  }

  /** Counts a message that is sent now. */
  count(nowMs: number): void {
    this.#sentMs[this.#next] = nowMs;
    this.#next = (this.#next + 1) % this.#sentMs.length;
  }
}
