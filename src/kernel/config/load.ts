/**
 * Loads the configuration: defaults < file < local file < environment < flags, checked by one schema a section.
 *
 * Layer: kernel. The result is frozen, and every value remembers where it came from.
 *
 * @module
 */

import { encodeHex } from "../hex.ts";
import { parse as parseToml, TomlError } from "smol-toml";
import { type ConfigFlag, isTable, LayerStack } from "./layers.ts";
import { configError, type ConfigProblem, expectedText, type Origin, showFound } from "./problem.ts";
import {
  type ConfigOf,
  formatKey,
  type KeyInfo,
  listKeys,
  nodeAt,
  type SchemaNode,
  schemaTree,
  type Sections,
} from "./schema.ts";
import { locateKeys } from "./toml_locator.ts";

/** File read when none is named; it may be absent. */
export const DEFAULT_CONFIG_FILE = "cairn.toml";

/** Options of {@link loadConfig}. */
export interface LoadConfigOptions<S extends Sections> {
  readonly sections: S;
  /** Path of the file; unlike the default one, a named file must exist. @default {"cairn.toml"} */
  readonly file?: string | undefined;
  /** The environment; only names that start with `CAIRN__` are read. @default {{}} */
  readonly env?: Readonly<Record<string, string>>;
  /** @default {[]} */
  readonly flags?: readonly ConfigFlag[];
}

/** One effective value. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: unknown;
  readonly origin: Origin;
  readonly info: KeyInfo;
}

/** A checked configuration. Deeply frozen. */
export interface LoadedConfig<S extends Sections> {
  readonly values: ConfigOf<S>;
  /** Every effective value in the order of the schemas. */
  readonly entries: readonly ConfigEntry[];
  /** Files that may hold configuration, whether or not they exist, lowest layer first. */
  readonly files: readonly string[];
  /** First 12 hexadecimal digits of the SHA-256 of all values but the secret ones. */
  readonly hash: string;
}

/**
 * Reads, merges and checks every layer.
 *
 * @throws {CairnError} `CONFIG_INVALID` with every problem in `detail.problems`.
 */
export async function loadConfig<S extends Sections>(
  options: LoadConfigOptions<S>,
): Promise<LoadedConfig<S>> {
  const { sections, file = DEFAULT_CONFIG_FILE, env = {}, flags = [] } = options;
  const root = schemaTree(sections);
  const stack = new LayerStack(root);
  const files = [file, localFile(file)];
  for (const [i, path] of files.entries()) {
    await addFile(stack, path, { mustExist: i === 0 && options.file !== undefined });
  }
  stack.addEnv(env);
  stack.addFlags(flags);

  const tree = stack.toTree();
  const problems: ConfigProblem[] = [...stack.problems];
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(sections)) {
    const result = schema.safeParse(tree[name] ?? {});
    if (result.success) values[name] = result.data;
    else problems.push(...result.error.issues.map((issue) => toProblem(issue, name, tree, stack, root)));
  }
  if (problems.length > 0) throw configError(problems);

  const entries = listEntries(root, values, stack);
  return {
    values: deepFreeze(values) as ConfigOf<S>,
    entries,
    files,
    hash: await hashEntries(entries),
  };
}

/** `cairn.toml` → `cairn.local.toml`, in the same directory. */
export function localFile(file: string): string {
  return file.replace(/(\.toml)?$/, ".local$1");
}

async function addFile(
  stack: LayerStack,
  path: string,
  { mustExist }: { mustExist: boolean },
): Promise<void> {
  const refuse = (expected: string, found: string, position: { line?: number; column?: number } = {}) =>
    stack.problems.push({ key: "", origin: { layer: "file", file: path, ...position }, expected, found });
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      if (mustExist) refuse("a file", "none");
    } else if (error instanceof Deno.errors.NotCapable) {
      // Without the right to read, the file nobody named cannot have been meant.
      if (mustExist) refuse("a file this process may read", `no --allow-read for it`);
    } else refuse("a readable file", error instanceof Error ? error.message : String(error));
    return;
  }
  try {
    // Integers beyond 2^53 arrive as bigint, so that the schema and not the parser judges them.
    stack.addFile(path, parseToml(text, { integersAsBigInt: "asNeeded" }), locateKeys(text));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n", 1)[0]!.replace(/^Invalid TOML document: /, "");
    refuse("valid TOML", reason, { line: error.line, column: error.column });
  }
}

type Issue = Parameters<typeof expectedText>[0];

function toProblem(
  issue: Issue,
  section: string,
  tree: Record<string, unknown>,
  stack: LayerStack,
  root: SchemaNode,
): ConfigProblem {
  const path = [section, ...issue.path.map((part) => typeof part === "number" ? part : String(part))];
  let found: unknown = tree;
  for (const part of path) {
    found = isTable(found) || Array.isArray(found) ? Reflect.get(found, part) : undefined;
  }
  const node = nodeAt(root, path);
  const isWholeValue = node?.is === "value" && node.info.path.length === path.length;
  return {
    key: formatKey(path),
    origin: stack.originOf(path),
    // The schema's own words say more than Zod's when the type is wrong: "integer, 0 to 65535" instead of "number".
    expected: issue.code === "invalid_type" && isWholeValue ? node.info.type : expectedText(issue),
    found: showFound(found, node !== undefined && listKeys(node).some((info) => info.secret)),
  };
}

function listEntries(root: SchemaNode, values: Record<string, unknown>, stack: LayerStack): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  const visit = (node: SchemaNode, path: readonly string[], value: unknown) => {
    const keys = isTable(value) ? Object.keys(value) : [];
    if (node.is === "table") {
      const table = isTable(value) ? value : {};
      for (const [key, child] of node.children) visit(child, [...path, key], table[key]);
    } else if (node.is === "record" && keys.length > 0) {
      for (const key of keys) visit(node.value, [...path, key], Reflect.get(value as object, key));
    } else {
      entries.push(
        deepFreeze({ key: formatKey(path), value, origin: stack.originOf(path), info: node.info }),
      );
    }
  };
  visit(root, [], values);
  return entries;
}

/** A secret as it is shown. */
export const HIDDEN = "<secret>";

/** The value as it may be shown or logged. */
export function shownValue(entry: ConfigEntry): unknown {
  if (entry.info.secret && entry.value !== undefined) return HIDDEN;
  return typeof entry.value === "bigint" ? String(entry.value) : entry.value;
}

async function hashEntries(entries: readonly ConfigEntry[]): Promise<string> {
  const text = JSON.stringify(entries.map((entry) => [entry.key, shownValue(entry)]));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return encodeHex(new Uint8Array(digest)).slice(0, 12);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) {
    return value;
  }
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
