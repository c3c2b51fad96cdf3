/**
 * How many messages may pass between two peers: the budget kept with a peer, and the limit a peer keeps with us.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 4.4 (rate). Time comes from outside.
 *
 * @module
 */

/** What {@link RequestBudget} and {@link MinuteLimit} are told. */
export interface RateOptions {
  /** Most messages in a minute. */
  readonly perMinute: number;
  /** Length of that minute; another than 60 000 scales the clock of the rate alone. @default {60_000} */
  readonly minuteMs?: number;
}

/** So much longer than the peer's minute ours is: the network may push messages together. */
const MARGIN = 61 / 60;
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
    { perMinute, minuteMs = 60_000, burst = Math.min(BURST, Math.floor(perMinute / 2)) }: RateOptions & {
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
 * The limit as rskj keeps it: messages beyond `perMinute` in one minute of the clock are dropped, the first of a minute
 * is not counted.
 */
export class MinuteLimit {
  readonly #perMinute: number;
  readonly #minuteMs: number;
  #minute: number | undefined;
  #count = 0;

  constructor({ perMinute, minuteMs = 60_000 }: RateOptions) {
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
