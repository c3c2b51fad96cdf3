/**
 * Log records as text: JSON lines for machines, one coloured line each for people.
 *
 * Layer: kernel. Pure. Both are LogTape text formatters, so they fit any LogTape sink.
 *
 * @module
 */

import type { LogRecord, TextFormatter } from "@logtape/logtape";
import { getPrettyFormatter } from "@logtape/pretty";
import { CairnError } from "./errors.ts";
import { encodeHex } from "./hex.ts";
import type { LogLevel } from "./log.ts";

/** A field longer than this is cut: one line must not flood what collects the logs. */
const MAX_STRING_CHARACTERS = 4_096;
/** Enough for two hashes; larger byte fields are bodies, which do not belong in a log. */
const MAX_BYTES_SHOWN = 64;
/** Deeper or longer structures are cut off; a log line is not a dump. */
const MAX_DEPTH = 5;
const MAX_ITEMS = 64;

/** Keys of a JSON line that fields cannot take; a field of that name gets a leading `_`. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(["time", "level", "module", "message"]);

/** Options of the formatters. */
export interface FieldOptions {
  /** Show the stacks of errors. Expected errors ({@link CairnError}) never show theirs. @default {false} */
  readonly stacks?: boolean;
}

/** `{"time":…,"level":…,"module":…,"message":…, fields…}` and a newline. */
export function formatJsonLine(record: LogRecord, options: FieldOptions = {}): string {
  const line: Record<string, unknown> = {
    time: new Date(record.timestamp).toISOString(),
    level: levelName(record.level),
    module: record.category.join("."),
    message: record.message.join(""),
  };
  for (const [key, value] of Object.entries(record.properties)) {
    if (value !== undefined) line[RESERVED_KEYS.has(key) ? `_${key}` : key] = toPlain(value, options, 0);
  }
  return `${JSON.stringify(line)}\n`;
}

/** Formatter for a terminal: time, level, module, message, then `key=value`. One line a record, stacks aside. */
export function prettyFormatter(colors: boolean, options: FieldOptions = {}): TextFormatter {
  const format = getPrettyFormatter({
    // The clock alone: on a terminal the date is known.
    timestamp: (timestamp) => new Date(timestamp).toISOString().slice(11),
    colors,
    icons: false,
    wordWrap: false,
    categorySeparator: ".",
    categoryWidth: 16,
    level: (level) => levelName(level).toUpperCase(),
    levelStyle: null,
    messageStyle: null,
    messageColor: null,
  });
  return (record) => {
    const fields = Object.entries(record.properties)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${prettyValue(toPlain(value, options, 0))}`);
    // The message is one part without substitutions, so that nothing in it is taken for a value to highlight.
    return format({ ...record, message: [record.message.join("") + fields.join("")] });
  };
}

function levelName(level: LogRecord["level"]): LogLevel {
  return level === "warning" ? "warn" : level === "fatal" ? "error" : level;
}

/** Anything as JSON-serializable data, bounded in depth, length and size. */
export function toPlain(value: unknown, options: FieldOptions = {}, depth = 0): unknown {
  switch (typeof value) {
    case "string":
      return cut(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      return value;
    case "object":
      return value === null ? null : objectToPlain(value, options, depth);
    default:
      return cut(String(value)); // bigint, symbol, function
  }
}

function objectToPlain(value: object, options: FieldOptions, depth: number): unknown {
  if (depth >= MAX_DEPTH) return "[…]";
  if (value instanceof Error) return errorToPlain(value, options, depth);
  if (value instanceof Uint8Array) {
    const shown = encodeHex(value.subarray(0, MAX_BYTES_SHOWN));
    return value.length > MAX_BYTES_SHOWN ? `${shown}… (${value.length} bytes)` : shown;
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString();
  if (value instanceof Map) return toPlain(Object.fromEntries(value), options, depth);
  const items = value instanceof Set ? [...value] : value;
  if (Array.isArray(items)) {
    const shown = items.slice(0, MAX_ITEMS).map((item) => toPlain(item, options, depth + 1) ?? null);
    return items.length > MAX_ITEMS ? [...shown, `… (${items.length} items)`] : shown;
  }
  const entries = Object.entries(items);
  const shown = entries.slice(0, MAX_ITEMS).map(([key, child]) => [key, toPlain(child, options, depth + 1)]);
  if (entries.length > MAX_ITEMS) shown.push(["…", `${entries.length} keys`]);
  return Object.fromEntries(shown);
}

function errorToPlain(error: Error, options: FieldOptions, depth: number): unknown {
  const isExpected = error instanceof CairnError;
  const code = isExpected ? error.code : Reflect.get(error, "code");
  return {
    name: error.name,
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    message: cut(error.message),
    ...(isExpected && error.hint !== undefined ? { hint: error.hint } : {}),
    ...(isExpected && Object.keys(error.detail).length > 0
      ? { detail: toPlain(error.detail, options, depth + 1) }
      : {}),
    ...(options.stacks && !isExpected && error.stack !== undefined ? { stack: cut(error.stack) } : {}),
    ...(error.cause === undefined ? {} : { cause: toPlain(error.cause, options, depth + 1) }),
  };
}

function cut(text: string): string {
  return text.length > MAX_STRING_CHARACTERS ? `${text.slice(0, MAX_STRING_CHARACTERS)}…` : text;
}

/** Quotes whatever could be mistaken for the frame of the line, or could steer a terminal. */
function prettyValue(value: unknown): string {
  if (typeof value === "string" && /^[\w.:/@+-]+$/.test(value)) return value;
  const json = JSON.stringify(value) ?? "undefined";
  // JSON leaves DEL and the C1 controls as they are; terminals act on them.
  return json.replace(/[\u007f-\u009f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}
