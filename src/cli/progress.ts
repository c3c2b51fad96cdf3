/**
 * Progress of a long job: a bar on a terminal, elsewhere one line every ten seconds with rate and time left.
 *
 * Layer: cli. Writes to stderr only.
 *
 * @module
 */

const BAR_COLUMNS = 30;
const REDRAW_MS = 100;
const LINE_INTERVAL_MS = 10_000;

/** Options of {@link Progress}. */
export interface ProgressOptions {
  /** What is counted, such as `blocks`. */
  readonly unit: string;
  /** @default {undefined} unknown: no bar, no time left */
  readonly total?: number;
}

/** Shows how far a job is. */
export class Progress implements Disposable {
  readonly #options: ProgressOptions;
  readonly #terminal = Deno.stderr.isTerminal();
  readonly #startedMs = performance.now();
  #lastMs = performance.now();
  #drawn = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** Shows `done`, not more often than an eye or a log needs. */
  update(done: number): void {
    const now = performance.now();
    if (now - this.#lastMs < (this.#terminal ? REDRAW_MS : LINE_INTERVAL_MS)) return;
    this.#lastMs = now;
    this.#show(done);
  }

  /** Shows the last state on a terminal and ends the line. */
  finish(done: number): void {
    if (!this.#terminal) return;
    this.#show(done);
    this[Symbol.dispose]();
  }

  /** Ends the line of a bar that was drawn. */
  [Symbol.dispose](): void {
    if (this.#drawn) write("\n");
    this.#drawn = false;
  }

  #show(done: number): void {
    const { unit, total } = this.#options;
    const rate = done / Math.max(0.001, (performance.now() - this.#startedMs) / 1000);
    const of = total === undefined ? "" : `/${total}`;
    const left = total === undefined || rate === 0 ? "" : `, ${Math.ceil((total - done) / rate)} s left`;
    const text = `${done}${of} ${unit}, ${rate.toFixed(rate < 10 ? 1 : 0)}/s${left}`;
    if (!this.#terminal) return write(`${text}\n`);
    const filled = total === undefined
      ? 0
      : Math.min(BAR_COLUMNS, Math.floor((done / Math.max(1, total)) * BAR_COLUMNS));
    const bar = total === undefined ? "" : `[${"#".repeat(filled)}${".".repeat(BAR_COLUMNS - filled)}] `;
    write(`\r\x1b[K${bar}${text}`);
    this.#drawn = true;
  }
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
