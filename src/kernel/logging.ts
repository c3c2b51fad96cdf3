/**
 * The {@link Logger} of the node: LogTape records, formatters and sinks, without LogTape's process-wide registry.
 *
 * Layer: kernel. LogTape's `configure()` is one per process and would overwrite the configuration of a program
 * that embeds the node, so levels and children are kept here, in the instance. Any LogTape sink can be passed in.
 * Nothing is queued: a line is written before the call returns, and order is kept up to the last line of a crash.
 *
 * @module
 */

import type { LogRecord, Sink } from "@logtape/logtape";
import type { LogFields, Logger, LogLevel } from "./log.ts";
import { formatJsonLine, prettyFormatter } from "./log_format.ts";

/** Options of {@link Logging}; the section `log` of the configuration. */
export interface LoggingOptions {
  readonly level: LogLevel;
  /** Level by module; a module speaks for those below it. */
  readonly levels: Readonly<Record<string, LogLevel>>;
  /** `auto` is pretty on a terminal and JSON elsewhere. */
  readonly format: "auto" | "json" | "pretty";
}

/** What {@link Logging} needs; everything has a default that suits a process. */
export interface LoggingDeps {
  /** Takes the lines. @default {stderr} */
  readonly write?: (line: string) => void;
  /** Takes the records instead of the lines: any LogTape sink. @default {none} */
  readonly sink?: Sink;
  /** Whether lines go to a terminal. @default {`Deno.stderr.isTerminal()`} */
  readonly isTerminal?: boolean;
  /** @default {`!Deno.noColor`} */
  readonly colors?: boolean;
  /** Milliseconds since 1970. @default {`Date.now`} */
  readonly now?: () => number;
  /** Fields for every line that say which span is active; see `Tracer.activeIds`. @default {none} */
  readonly traceFields?: () => LogFields | undefined;
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 };

/** One log output with its levels, and the root of its loggers. */
export class Logging {
  /** Logger of the module `cairn`; children of it are named without that root. */
  readonly root: Logger;
  /** What `auto` came to. */
  readonly format: "json" | "pretty";
  readonly #deps: LoggingDeps;
  readonly #sink: Sink;
  #level: LogLevel;
  #levels: Readonly<Record<string, LogLevel>>;
  #version = 0;

  constructor(options: LoggingOptions, deps: LoggingDeps = {}) {
    const isTerminal = deps.isTerminal ?? Deno.stderr.isTerminal();
    this.format = options.format === "auto" ? (isTerminal ? "pretty" : "json") : options.format;
    this.#deps = deps;
    this.#level = options.level;
    this.#levels = options.levels;
    this.#sink = deps.sink ?? this.#lineSink(deps.write ?? writeToStderr, isTerminal);
    this.root = new ModuleLogger(this, [], {});
  }

  /** Takes over new levels; loggers already handed out follow. */
  update({ level, levels }: Pick<LoggingOptions, "level" | "levels">): void {
    this.#level = level;
    this.#levels = levels;
    this.#version++;
  }

  /** Grows with every change of the levels, so that loggers know when to look again. */
  get version(): number {
    return this.#version;
  }

  /** Least severity that `module` writes. */
  threshold(module: readonly string[]): number {
    for (let depth = module.length; depth > 0; depth--) {
      const level = this.#levels[module.slice(0, depth).join(".")];
      if (level !== undefined) return SEVERITY[level];
    }
    return SEVERITY[this.#level];
  }

  /** Hands one record to the sink. */
  emit(
    module: readonly string[],
    level: LogLevel,
    message: string,
    bound: LogFields,
    fields?: LogFields,
  ): void {
    const { now = Date.now, traceFields } = this.#deps;
    this.#sink({
      category: module.length === 0 ? ["cairn"] : module,
      level: level === "warn" ? "warning" : level,
      message: [message],
      rawMessage: message,
      timestamp: now(),
      properties: { ...bound, ...traceFields?.(), ...fields },
    });
  }

  #lineSink(write: (line: string) => void, isTerminal: boolean): Sink {
    const colors = this.#deps.colors ?? (isTerminal && !Deno.noColor);
    const pretty = [prettyFormatter(colors), prettyFormatter(colors, { stacks: true })] as const;
    return (record: LogRecord) => {
      // A stack is for whoever asked for detail: it shows where debug is on.
      const stacks = this.threshold(record.category) <= SEVERITY.debug;
      if (this.format === "json") write(formatJsonLine(record, { stacks }));
      else write(pretty[stacks ? 1 : 0](record));
    };
  }
}

class ModuleLogger implements Logger {
  readonly #logging: Logging;
  readonly #module: readonly string[];
  readonly #fields: LogFields;
  #threshold: number;
  #version: number;

  constructor(logging: Logging, module: readonly string[], fields: LogFields) {
    this.#logging = logging;
    this.#module = module;
    this.#fields = fields;
    this.#threshold = logging.threshold(module);
    this.#version = logging.version;
  }

  trace(message: string, fields?: LogFields): void {
    this.#log("trace", message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  child(name: string, fields?: LogFields): Logger {
    const module = name === "" ? this.#module : [...this.#module, ...name.split(".")];
    return new ModuleLogger(this.#logging, module, { ...this.#fields, ...fields });
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (this.#version !== this.#logging.version) {
      this.#version = this.#logging.version;
      this.#threshold = this.#logging.threshold(this.#module);
    }
    if (SEVERITY[level] < this.#threshold) return;
    this.#logging.emit(this.#module, level, message, this.#fields, fields);
  }
}

const encoder = new TextEncoder();

/** A reader that went away must not take the node with it, so a failed write is dropped. */
function writeToStderr(line: string): void {
  try {
    let bytes = encoder.encode(line);
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
  } catch {
    // Nowhere is left to report it.
  }
}
