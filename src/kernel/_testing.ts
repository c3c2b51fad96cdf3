/**
 * Stand-ins for tests of the kernel and of what is built on it: a clock turned by hand, a log that keeps its lines.
 *
 * Layer: kernel. Not imported by the node.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./log.ts";

/** A clock that moves only when told. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const sleeper = {
        untilMs: this.#nowMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", sleeper.wake);
    });
  }

  /** Moves the time on, sleeper by sleeper, letting each one's consequences happen before the next wakes. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    while (true) {
      await settle();
      const [next] = [...this.#sleepers].sort((a, b) => a.untilMs - b.untilMs);
      if (next === undefined || next.untilMs > untilMs) break;
      this.#nowMs = next.untilMs;
      next.wake();
    }
    this.#nowMs = untilMs;
    await settle();
  }
}

/** Lets every promise that can go on do so. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** One line that a {@link RecordingLog} kept. */
export interface RecordedLine {
  readonly level: string;
  readonly module: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines. */
export class RecordingLog implements Logger {
  readonly lines: RecordedLine[];
  readonly #module: readonly string[];
  readonly #fields: LogFields;

  constructor(lines: RecordedLine[] = [], module: readonly string[] = [], fields: LogFields = {}) {
    this.lines = lines;
    this.#module = module;
    this.#fields = fields;
  }

  trace(message: string, fields?: LogFields): void {
    this.#keep("trace", message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#keep("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#keep("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#keep("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#keep("error", message, fields);
  }

  child(name: string, fields?: LogFields): Logger {
    return new RecordingLog(this.lines, [...this.#module, name], { ...this.#fields, ...fields });
  }

  #keep(level: string, message: string, fields?: LogFields): void {
    this.lines.push({
      level,
      module: this.#module.join("."),
      message,
      fields: { ...this.#fields, ...fields },
    });
  }
}
