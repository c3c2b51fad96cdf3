/**
 * How many messages may pass between two peers. rskj drops what is beyond 1,000 in a minute of its own clock, without a
 * word. {@link RequestBudget} spreads what the sync asks, {@link MessagePace} holds everything that goes out on a
 * connection below the limit, {@link MinuteLimit} is the limit as it is kept with peers.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 4.4 (rate). Time comes from outside.
 *
 * @module
 */

/** rskj's limit. */
export const MESSAGES_PER_MINUTE = 1_000;
const MINUTE_MS = 60_000;
/** So much longer than the peer's minute ours is: the network may push messages together. */
const MARGIN = 61 / 60;
/** The minute of a {@link MessagePace}. */
export const PACE_WINDOW_MS: number = MINUTE_MS * MARGIN;

/** What {@link RequestBudget} and {@link MinuteLimit} are told. */
export interface RateOptions {
  /** Most messages in a minute. */
  readonly perMinute: number;
  /** Length of that minute; another than 60 000 scales the clock of the rate alone. @default {60_000} */
  readonly minuteMs?: number;
}

/** Requests that may go out at once, of a rate that allows for so many. */
const BURST = 16;

/**
 * Spreads requests so that no span of one minute, wherever it begins, holds more than `perMinute` of them: rskj counts
 * by the minutes of a clock that we do not see, and drops what is above in silence. A bucket of `burst` permits, filled
 * at (`perMinute` - `burst`) in 61 seconds.
 */
export class RequestBudget {
  readonly #burst: number;
  readonly #perMs: number;
  #permits: number;
  #lastMs: number | undefined;

  /**
   * `burst` is 16, or half the rate if that is less.
   *
   * @throws {RangeError} If `perMinute` is not above the burst, or the burst is below 1.
   */
  constructor(
    { perMinute, minuteMs = MINUTE_MS, burst = Math.min(BURST, Math.floor(perMinute / 2)) }: RateOptions & {
      readonly burst?: number;
    },
  ) {
    if (!(burst >= 1 && perMinute > burst && minuteMs > 0)) {
      throw new RangeError(
        `Cannot build request budget: ${perMinute} a minute of ${minuteMs} ms with bursts of ${burst}`,
      );
    }
    this.#burst = burst;
    this.#permits = burst;
    this.#perMs = (perMinute - burst) / (minuteMs * MARGIN);
  }

  /** Requests that may be sent now. A clock that runs backwards gives none. */
  available(nowMs: number): number {
    if (this.#lastMs !== undefined && nowMs > this.#lastMs) {
      this.#permits = Math.min(this.#burst, this.#permits + (nowMs - this.#lastMs) * this.#perMs);
    }
    this.#lastMs = Math.max(nowMs, this.#lastMs ?? nowMs);
    return Math.floor(this.#permits);
  }

  /** Takes one permit; false if there is none. */
  take(nowMs: number): boolean {
    if (this.available(nowMs) < 1) return false;
    this.#permits -= 1;
    return true;
  }
}

/**
 * Allows so many messages in any window of time, as early as it can: a window that slides keeps below the peer's limit
 * wherever its minutes begin.
 */
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

/**
 * The limit as rskj keeps it: messages beyond `perMinute` in one minute of the clock are dropped, the first of a minute
 * is not counted.
 */
export class MinuteLimit {
  readonly #perMinute: number;
  readonly #minuteMs: number;
  #minute: number | undefined;
  #count = 0;

  constructor({ perMinute, minuteMs = MINUTE_MS }: RateOptions) {
    this.#perMinute = perMinute;
    this.#minuteMs = minuteMs;
  }

  /** Counts one message; false if it is to be dropped. */
  admit(nowMs: number): boolean {
    const minute = Math.floor(nowMs / this.#minuteMs);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#count = 0;
      return true;
    }
    this.#count++;
    return this.#count <= this.#perMinute;
  }
}
