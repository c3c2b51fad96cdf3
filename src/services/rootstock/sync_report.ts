/**
 * Says how far a sync is: a line now and then, with rate and time left.
 *
 * Layer: services.
 *
 * @module
 */

import type { Logger } from "../../kernel/log.ts";
import type { SyncProgress } from "../../protocols/rootstock/sync_events.ts";

const INTERVAL_MS = 10_000;
/** Fewer missing blocks are no news. */
const REPORTED_BLOCKS = 192;

/** What {@link SyncReporter} works with. */
export interface SyncReporterDeps {
  readonly log: Logger;
  readonly progress: () => SyncProgress;
  /** @default {performance.now} */
  readonly nowMs?: () => number;
}

/** Rate and time left of a sync. */
export interface SyncPace {
  /** Headers stored a second. */
  readonly headersPerSecond: number;
  /** Absent while nothing moves. */
  readonly secondsLeft?: number;
}

/** Pace from two looks. */
export function paceOf(before: number, now: number, elapsedMs: number, highest: number): SyncPace {
  const headersPerSecond = Math.round(Math.max(0, now - before) * 1_000 / Math.max(1, elapsedMs));
  if (headersPerSecond === 0) return { headersPerSecond };
  return { headersPerSecond, secondsLeft: Math.ceil((highest - now) / headersPerSecond) };
}

/** Reports on its own, every ten seconds. */
export class SyncReporter implements Disposable {
  readonly #deps: SyncReporterDeps;
  readonly #nowMs: () => number;
  readonly #ticker: ReturnType<typeof setInterval>;
  #last: { readonly stored: number; readonly atMs: number };
  #isBehind = false;

  constructor(deps: SyncReporterDeps) {
    this.#deps = deps;
    this.#nowMs = deps.nowMs ?? (() => performance.now());
    this.#last = { stored: deps.progress().stored, atMs: this.#nowMs() };
    this.#ticker = setInterval(() => this.#report(), INTERVAL_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
  }

  #report(): void {
    const { stored, highest, phase, peers } = this.#deps.progress();
    const nowMs = this.#nowMs();
    const pace = paceOf(this.#last.stored, stored, nowMs - this.#last.atMs, highest);
    this.#last = { stored, atMs: nowMs };
    const isBehind = highest - stored > REPORTED_BLOCKS;
    if (isBehind) this.#deps.log.info("Syncing headers", { stored, highest, ...pace, phase, peers });
    else if (this.#isBehind) this.#deps.log.info("Headers are synced", { stored, peers });
    this.#isBehind = isBehind;
  }
}
