/**
 * Lays files, environment and flags over each other: every layer becomes assignments, later ones win.
 *
 * Layer: kernel. Pure. Tables merge key by key; a list or a plain value replaces the whole one below it.
 *
 * @module
 */

import { nearestName } from "../suggest.ts";
import type { ConfigProblem, Origin } from "./problem.ts";
import { showFound } from "./problem.ts";
import {
  envName,
  envSegment,
  formatKey,
  type KeyInfo,
  listKeys,
  type SchemaNode,
  type ValueKind,
} from "./schema.ts";
import { pathId } from "./toml_locator.ts";

/** One value given by one layer. */
export interface Assignment {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly origin: Origin;
}

/** A flag that stands for one key, such as `--data` for `node.dataDir`. */
export interface ConfigFlag {
  /** Dotted key. */
  readonly key: string;
  readonly value: string;
  /** The flag as the user typed it, for messages. */
  readonly flag: string;
}

type Root = SchemaNode & { readonly is: "table" };

/** Collects the assignments of all layers, lowest first, and what none of them may say. */
export class LayerStack {
  readonly assignments = new Map<string, Assignment>();
  readonly problems: ConfigProblem[] = [];
  readonly #root: Root;
  readonly #linesByFile = new Map<string, ReadonlyMap<string, number>>();

  constructor(root: Root) {
    this.#root = root;
  }

  /** Adds a parsed TOML document. `lines` as of `locateKeys`. */
  addFile(
    file: string,
    document: Readonly<Record<string, unknown>>,
    lines: ReadonlyMap<string, number>,
  ): void {
    this.#linesByFile.set(file, lines);
    const origin = (path: readonly string[]): Origin => {
      const line = lines.get(pathId(path));
      return { layer: "file", file, ...(line === undefined ? {} : { line }) };
    };
    this.#addTable(this.#root, document, [], origin);
  }

  /** Adds every variable that starts with `CAIRN__`. */
  addEnv(env: Readonly<Record<string, string>>): void {
    for (const name of Object.keys(env).filter((name) => name.startsWith("CAIRN__")).sort()) {
      const path = this.#envPath(name.split("__").slice(1));
      const origin: Origin = { layer: "env", name };
      if (path) this.#addText(path, env[name]!, origin);
      else this.#refuseEnv(name, origin);
    }
  }

  /** Adds flags in the order they were typed. */
  addFlags(flags: readonly ConfigFlag[]): void {
    for (const { key, value, flag } of flags) {
      this.#addText(splitKey(key), value, { layer: "flag", name: flag });
    }
  }

  /** The input for the schemas. */
  toTree(): Record<string, unknown> {
    const tree: Record<string, unknown> = {};
    for (const { path, value } of this.assignments.values()) {
      let table = tree;
      for (const key of path.slice(0, -1)) table = (table[key] ??= Object.create(null)) as typeof table;
      table[path.at(-1)!] = value;
    }
    return tree;
  }

  /** Origin of the value at `path`, or of the nearest value above it; a list element has a line of its own. */
  originOf(path: readonly (string | number)[]): Origin {
    for (let depth = path.length; depth > 0; depth--) {
      const assignment = this.assignments.get(pathId(path.slice(0, depth)));
      if (!assignment) continue;
      const { origin } = assignment;
      const line = origin.layer === "file"
        ? this.#linesByFile.get(origin.file)?.get(pathId(path))
        : undefined;
      return line === undefined ? origin : { ...origin, line } as Origin;
    }
    return { layer: "default" };
  }

  #addTable(
    node: SchemaNode,
    value: unknown,
    path: readonly string[],
    origin: (path: readonly string[]) => Origin,
  ): void {
    if (node.is === "value") return this.#assign(node.info, path, value, origin(path));
    if (!isTable(value)) return this.#refuse(path, "a table", showFound(value, isSecret(node)), origin(path));
    for (const [key, child] of Object.entries(value)) {
      const childNode = node.is === "record" ? node.value : node.children.get(key);
      if (childNode) this.#addTable(childNode, child, [...path, key], origin);
      else this.#refuseKey(node, [...path, key], origin([...path, key]));
    }
  }

  /** Text for a value, or JSON for a whole table of any keys. */
  #addText(path: readonly string[], text: string, origin: Origin): void {
    let node: SchemaNode = this.#root;
    for (const [depth, key] of path.entries()) {
      const next: SchemaNode | undefined = node.is === "table"
        ? node.children.get(key)
        : node.is === "record"
        ? node.value
        : undefined;
      if (!next) return this.#refuseKey(node, path.slice(0, depth + 1), origin);
      node = next;
    }
    if (node.is === "value") return this.#assign(node.info, path, textToValue(text, node.info.kind), origin);
    const table = textToValue(text, "other");
    this.#addTable(node, table, path, () => origin);
  }

  #assign(info: KeyInfo, path: readonly string[], value: unknown, origin: Origin): void {
    if (info.kind !== "other" && isTable(value)) return this.#refuse(path, info.type, "a table", origin);
    this.assignments.set(pathId(path), { path, value, origin });
  }

  #envPath(segments: readonly string[]): string[] | undefined {
    let node: SchemaNode = this.#root;
    const path: string[] = [];
    for (const segment of segments) {
      if (node.is === "value") return undefined;
      const key: string | undefined = node.is === "record"
        ? segment.toLowerCase()
        : [...node.children.keys()].find((name) => envSegment(name) === segment);
      if (key === undefined) return undefined;
      path.push(key);
      node = node.is === "record" ? node.value : node.children.get(key)!;
    }
    return path;
  }

  #refuseEnv(name: string, origin: Origin): void {
    const suggestion = nearestName(name, listKeys(this.#root).map((info) => info.env));
    const key = name.split("__").slice(1).map((part) => part.toLowerCase()).join(".");
    this.#refuse([key], "a known key", "an unknown one", origin, suggestion);
  }

  #refuseKey(node: SchemaNode, path: readonly string[], origin: Origin): void {
    if (node.is === "value") return this.#refuse(path.slice(0, -1), node.info.type, "a table", origin);
    const name = path.at(-1)!;
    const siblings = node.is === "table" ? [...node.children.keys()] : [];
    const near = nearestName(name, siblings);
    const elsewhere = listKeys(this.#root).find((info) => info.path.at(-1) === name)?.path;
    const suggestion = near === undefined ? elsewhere : [...path.slice(0, -1), near];
    this.#refuse(
      path,
      "a known key",
      "an unknown one",
      origin,
      suggestion && formatSuggestion(suggestion, origin),
    );
  }

  #refuse(
    path: readonly string[],
    expected: string,
    found: string,
    origin: Origin,
    suggestion?: string,
  ): void {
    const key = origin.layer === "env" ? path.join(".") : formatKey(path);
    this.problems.push({ key, origin, expected, found, ...(suggestion === undefined ? {} : { suggestion }) });
  }
}

function formatSuggestion(path: readonly string[], origin: Origin): string {
  return origin.layer === "env" ? envName(path) : formatKey(path);
}

function isSecret(node: SchemaNode): boolean {
  return node.is !== "table" && node.info.secret;
}

/** A TOML table: not a list, not a date. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Splits a dotted key; quoted parts may hold dots. */
function splitKey(key: string): string[] {
  return [...key.matchAll(/"([^"]*)"|([^."]+)/g)].map((match) => match[1] ?? match[2]!);
}

/** Text that does not fit its kind stays text, so that the schema refuses it with what was typed. */
function textToValue(text: string, kind: ValueKind): unknown {
  switch (kind) {
    case "string":
      return text;
    case "number":
      return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "bigint":
      return /^-?\d+$/.test(text) ? BigInt(text) : text;
    case "array":
      if (!text.trimStart().startsWith("[")) {
        return text === "" ? [] : text.split(",").map((part) => part.trim());
      }
      return parseJson(text);
    case "other":
      return parseJson(text);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
