/**
 * What the rest of the node sees of logging: constant messages, structured fields, a child per module.
 *
 * Layer: kernel. A level is a promise to the operator: `error` is worth a page, `warn` a ticket, `info` a few
 * lines a minute, `debug` anything. Bytes that come from peers are never part of a message, only of fields.
 *
 * @module
 */

/** Levels from the most to the least talkative. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Structured facts of one log line; keys in camelCase, units in the name (`waitedMs`). */
export type LogFields = Readonly<Record<string, unknown>>;

/** Narrow logger handed to every component. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger of the module `name` below this one, with `fields` on every line. */
  child(name: string, fields?: LogFields): Logger;
}
