/**
 * Says how far a sync is: a line now and then, with rate and time left; and that there is nobody to sync from.
 *
 * Layer: services.
 *
 * @module
 */

import type { Logger } from "../../kernel/log.ts";
import type { SyncProgress } from "../../protocols/rootstock/sync_events.ts";
import { paceOf, progressText, type SyncLook } from "./sync_pace.ts";

/** Ten lines a minute at most, as log level `info` promises. */
const INTERVAL_MS = 10_000;
/** Fewer missing blocks are no news. */
const REPORTED_BLOCKS = 192;
/** Looks without a peer from one line about it to the next: the first at once, then one in five minutes. */
const LONELY_LOOKS = 30;

/** What {@link SyncReporter} works with. */
export interface SyncReporterDeps {
  readonly log: Logger;
  readonly progress: () => SyncProgress;
  /** What is known of nodes to talk to, for the line that there is none. */
  readonly known: () => { readonly candidates: number; readonly nodes: number };
  /** @default {performance.now} */
  readonly nowMs?: () => number;
}

/** Reports on its own, every ten seconds. */
export class SyncReporter implements Disposable {
  readonly #deps: SyncReporterDeps;
  readonly #nowMs: () => number;
  readonly #ticker: ReturnType<typeof setInterval>;
  #last: SyncLook;
  #isBehind = false;
  #lonelyLooks = 0;

  constructor(deps: SyncReporterDeps) {
    this.#deps = deps;
    this.#nowMs = deps.nowMs ?? (() => performance.now());
    this.#last = { stored: deps.progress().stored, atMs: this.#nowMs() };
    this.#ticker = setInterval(() => this.report(), INTERVAL_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
  }

  /** Writes the line that is due now, if any. */
  report(): void {
    const { log, progress, known } = this.#deps;
    const { stored, highest, phase, peers } = progress();
    const now: SyncLook = { stored, atMs: this.#nowMs() };
    const pace = paceOf(this.#last, now, highest);
    this.#last = now;
    const isBehind = highest - stored > REPORTED_BLOCKS;
    if (peers === 0) {
      if (this.#lonelyLooks++ % LONELY_LOOKS === 0) log.info("Looking for peers", known());
    } else {
      this.#lonelyLooks = 0;
      if (isBehind) {
        log.info("Syncing headers", { progress: progressText(stored, highest, pace), phase, peers });
      }
    }
    if (!isBehind && this.#isBehind) log.info("Headers are synced", { stored, peers });
    this.#isBehind = isBehind;
  }
}
