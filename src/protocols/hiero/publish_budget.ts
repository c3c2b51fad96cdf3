/**
 * How many messages a publisher may send in an interval, so that a flood from one stream does not take the node from
 * the others. A stream that has used its budget is not read until the next interval: the transport holds its publisher
 * back, and nothing is lost.
 *
 * Layer: protocols. Imports types of this room. Source: spec/block-node.md §3.8. The total counts anew in each interval;
 * the original counts a withheld budget as used, and with ten publishers never reads on.
 *
 * @module
 */

/** Limits of {@link PublishBudget}. */
export interface BudgetConfig {
  /** Messages of one stream in an interval; 0 = no limit. @default {100} */
  readonly perHandlerMessageBudget: number;
  /** Messages of all streams in an interval; 0 = no limit. @default {1_000} */
  readonly totalMessageBudgetPerInterval: number;
  /** Length of an interval. @default {10} */
  readonly flowControlIntervalMs: number;
  /** Used-up intervals in a row after which a stream is held for a penalty; 0 = never. @default {0} */
  readonly fullIntervalsForPenalty: number;
  /** The first penalty; the n-th within {@link penaltyResetMs} is n times as long. @default {30_000} */
  readonly penaltyMs: number;
  /** Time after which penalties are forgotten. @default {3_600_000} */
  readonly penaltyResetMs: number;
}

/** What a stream has used. */
export interface BudgetUse {
  interval: number;
  messages: number;
  /** Intervals used up in a row, and the last of them. */
  fullIntervals: number;
  lastFullInterval: number;
  penalties: number;
  firstPenaltyMs: number;
}

/** A stream is not to be read before `untilMs`. */
export interface Hold {
  readonly reason: "budget" | "penalty";
  readonly untilMs: number;
}

/** Counts messages by interval. */
export class PublishBudget {
  readonly #config: BudgetConfig;
  #interval = -1;
  #messages = 0;

  constructor(config: BudgetConfig) {
    this.#config = config;
  }

  /** Of a new stream. */
  begin(): BudgetUse {
    return {
      interval: -1,
      messages: 0,
      fullIntervals: 0,
      lastFullInterval: -2,
      penalties: 0,
      firstPenaltyMs: 0,
    };
  }

  /** Counts one message; a hold if it was the last one of the stream's budget or of all streams'. */
  take(use: BudgetUse, nowMs: number): Hold | undefined {
    const { perHandlerMessageBudget, totalMessageBudgetPerInterval, flowControlIntervalMs } = this.#config;
    const interval = Math.floor(nowMs / flowControlIntervalMs);
    if (interval !== this.#interval) [this.#interval, this.#messages] = [interval, 0];
    if (interval !== use.interval) [use.interval, use.messages] = [interval, 0];
    this.#messages++;
    use.messages++;
    const hold: Hold = { reason: "budget", untilMs: (interval + 1) * flowControlIntervalMs };
    if (perHandlerMessageBudget > 0 && use.messages >= perHandlerMessageBudget) {
      return this.#penalty(use, interval, nowMs) ?? hold;
    }
    const isTotalUsed = totalMessageBudgetPerInterval > 0 && this.#messages >= totalMessageBudgetPerInterval;
    return isTotalUsed ? hold : undefined;
  }

  /** The penalty for too many intervals used up in a row, if this one makes it so many. */
  #penalty(use: BudgetUse, interval: number, nowMs: number): Hold | undefined {
    const { fullIntervalsForPenalty, penaltyMs, penaltyResetMs } = this.#config;
    if (interval === use.lastFullInterval) return undefined;
    use.fullIntervals = interval === use.lastFullInterval + 1 ? use.fullIntervals + 1 : 1;
    use.lastFullInterval = interval;
    if (fullIntervalsForPenalty === 0 || use.fullIntervals < fullIntervalsForPenalty) return undefined;
    use.fullIntervals = 0;
    if (use.penalties === 0 || nowMs - use.firstPenaltyMs >= penaltyResetMs) {
      [use.penalties, use.firstPenaltyMs] = [0, nowMs];
    }
    use.penalties++;
    return { reason: "penalty", untilMs: nowMs + penaltyMs * use.penalties };
  }
}
