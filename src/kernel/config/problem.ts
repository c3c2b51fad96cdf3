/**
 * Where a value came from, and what is wrong with it, in words.
 *
 * Layer: kernel. Pure.
 *
 * @module
 */

import type { z } from "zod";
import { CairnError } from "../errors.ts";

/** Where an effective value came from. */
export type Origin =
  | { readonly layer: "default" }
  | { readonly layer: "file"; readonly file: string; readonly line?: number; readonly column?: number }
  | { readonly layer: "env"; readonly name: string }
  | { readonly layer: "flag"; readonly name: string };

/** One thing wrong with the configuration. */
export interface ConfigProblem {
  /** Dotted key; empty when the file as a whole cannot be read. */
  readonly key: string;
  readonly origin: Origin;
  readonly expected: string;
  readonly found: string;
  /** Nearest known key or name. */
  readonly suggestion?: string;
}

/** Such as `cairn.toml:3`, `CAIRN__NODE__PROFILE` or `flag --data`. */
export function formatOrigin(origin: Origin): string {
  switch (origin.layer) {
    case "default":
      return "default";
    case "file":
      return [origin.file, origin.line, origin.column].filter((part) => part !== undefined).join(":");
    case "env":
      return `env ${origin.name}`;
    case "flag":
      return `flag ${origin.name}`;
  }
}

/** One line for one problem. */
export function formatProblem(problem: ConfigProblem): string {
  const { key, origin, expected, found, suggestion } = problem;
  const subject = [formatOrigin(origin), key].filter((part) => part !== "").join(": ");
  const suffix = suggestion === undefined ? "" : ` (did you mean '${suggestion}'?)`;
  return `${subject}: expected ${expected}, found ${found}${suffix}`;
}

/** All problems as one error; the first is in the message, all are in `detail.problems`. */
export function configError(problems: readonly ConfigProblem[]): CairnError {
  const [first, ...rest] = problems.map(formatProblem);
  const more = rest.length === 0 ? "" : `; and ${rest.length} more`;
  return new CairnError("CONFIG_INVALID", `Cannot load configuration: ${first}${more}`, {
    detail: { problems },
    hint: "run 'cairn config check' to see every problem",
  });
}

/** A value for a message; long ones are cut, and a secret shows only its type. */
export function showFound(value: unknown, isSecret: boolean): string {
  const type = typeName(value);
  if (value === undefined) return "nothing";
  if (isSecret) return `a ${type} (hidden: the key is a secret)`;
  if (type === "table") return "a table";
  const text = typeof value === "bigint" ? String(value) : JSON.stringify(value) ?? String(value);
  return `${type} ${text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text}`;
}

/** A message stays on one terminal line; the file has the rest. */
const MAX_SHOWN_CHARACTERS = 80;

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "list";
  if (value instanceof Date) return "date";
  return typeof value === "object" && value !== null ? "table" : typeof value;
}

/** What a Zod issue wanted, in words. */
export function expectedText(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "int" ? "integer" : issue.expected;
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(" or ");
    case "too_small":
      return sizeText(issue.inclusive === false ? "more than" : "at least", issue.minimum, issue.origin);
    case "too_big":
      return sizeText(issue.inclusive === false ? "less than" : "at most", issue.maximum, issue.origin);
    case "invalid_format":
      return issue.format === "regex" ? `text like ${issue.pattern}` : issue.format;
    case "invalid_union":
      return [...new Set(issue.errors.flatMap((branch) => branch.slice(0, 1).map(expectedText)))].join(
        " or ",
      );
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    default:
      return issue.message;
  }
}

function sizeText(relation: string, bound: number | bigint, origin: string): string {
  const unit = origin === "string" ? " characters" : origin === "array" || origin === "set" ? " items" : "";
  return `${relation} ${bound}${unit}`;
}
