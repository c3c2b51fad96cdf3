/**
 * What the sections' Zod schemas say about every key: its kind, type, default, description and marks.
 *
 * Layer: kernel. Pure. A schema marks a key by `.meta({ restart: true })` (a change needs a restart) and
 * `.meta({ secret: true })` (the value is never printed).
 *
 * @module
 */

import { z } from "zod";

/** Schemas by section name. */
export type Sections = Readonly<Record<string, z.ZodObject>>;

/** The parsed form of {@link Sections}. */
export type ConfigOf<S extends Sections> = { readonly [K in keyof S]: Readonly<z.output<S[K]>> };

/** How text from the environment or a flag becomes a value. */
export type ValueKind = "string" | "number" | "boolean" | "bigint" | "array" | "other";

/** Everything the node knows of one key. */
export interface KeyInfo {
  readonly path: readonly string[];
  /** The path as written in TOML, such as `node.stopTimeoutMs`; `<name>` stands for any key of a table. */
  readonly key: string;
  /** Such as `CAIRN__NODE__STOP_TIMEOUT_MS`. */
  readonly env: string;
  readonly kind: ValueKind;
  /** Type for people, such as `integer, 0 to 65535`. */
  readonly type: string;
  readonly defaultValue: unknown;
  readonly description: string;
  readonly restart: boolean;
  readonly secret: boolean;
}

/** A table with fixed keys, a table with any keys, or a value. */
export type SchemaNode =
  | { readonly is: "table"; readonly children: ReadonlyMap<string, SchemaNode> }
  | { readonly is: "record"; readonly info: KeyInfo; readonly value: SchemaNode }
  | { readonly is: "value"; readonly info: KeyInfo };

interface Marks {
  readonly description?: string;
  readonly restart?: boolean;
  readonly secret?: boolean;
}

/** Reads the schemas into one tree whose top level are the sections. */
export function schemaTree(sections: Sections): SchemaNode & { readonly is: "table" } {
  const children = new Map(
    Object.entries(sections).map(([name, schema]) => [name, read(schema, [name], {})]),
  );
  return { is: "table", children };
}

/** All keys in the order of declaration. */
export function listKeys(node: SchemaNode): readonly KeyInfo[] {
  return node.is === "table" ? [...node.children.values()].flatMap(listKeys) : [node.info];
}

/** `stopTimeoutMs` → `STOP_TIMEOUT_MS`. */
export function envSegment(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9]+/g, "_").toUpperCase();
}

/** Environment name of a key path. */
export function envName(path: readonly string[]): string {
  return ["CAIRN", ...path.map(envSegment)].join("__");
}

/** The path as TOML writes it: keys that are not bare are quoted. */
export function formatKey(path: readonly (string | number)[]): string {
  return path.map((part, i) => {
    if (typeof part === "number") return `[${part}]`;
    return (i > 0 ? "." : "") + (/^[\w-]+$/.test(part) || part === "<name>" ? part : JSON.stringify(part));
  }).join("");
}

/** The node at `path`, or the value that holds it, or `undefined` when there is none. */
export function nodeAt(root: SchemaNode, path: readonly (string | number)[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const part of path) {
    if (node === undefined || node.is === "value") return node;
    node = node.is === "record" ? node.value : node.children.get(String(part));
  }
  return node;
}

function read(schema: z.core.$ZodType, path: readonly string[], inherited: Marks): SchemaNode {
  const { inner, marks, defaultValue } = unwrap(schema);
  const all: Marks = { ...inherited, description: "", ...marks };
  if (inner instanceof z.ZodObject) {
    const { description: _, ...passedOn } = all;
    const children = Object.entries(inner.shape).map(([key, child]) =>
      [key, read(child, [...path, key], passedOn)] as const
    );
    return { is: "table", children: new Map(children) };
  }
  const info: KeyInfo = {
    path,
    key: formatKey(path),
    env: envName(path),
    kind: kindOf(inner),
    type: typeText(z.toJSONSchema(inner, { io: "input", unrepresentable: "any" })),
    defaultValue,
    description: all.description ?? "",
    restart: all.restart ?? false,
    secret: all.secret ?? false,
  };
  if (!(inner instanceof z.ZodRecord)) return { is: "value", info };
  return { is: "record", info, value: read(inner.valueType, [...path, "<name>"], all) };
}

/** Peels defaults, optionals and pipes; what an outer wrapper says wins over the inner one. */
function unwrap(schema: z.core.$ZodType): { inner: z.core.$ZodType; marks: Marks; defaultValue: unknown } {
  let inner = schema;
  let marks: Marks = {};
  let defaultValue: unknown;
  while (true) {
    marks = { ...(z.globalRegistry.get(inner) as Marks | undefined), ...marks };
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      defaultValue ??= inner.def.defaultValue;
    }
    if (inner instanceof z.ZodPipe) inner = inner.def.in;
    else if (
      inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional ||
      inner instanceof z.ZodNullable || inner instanceof z.ZodReadonly
    ) inner = inner.def.innerType;
    else return { inner, marks, defaultValue };
  }
}

function kindOf(schema: z.core.$ZodType): ValueKind {
  if (schema instanceof z.ZodString || schema instanceof z.ZodEnum || schema instanceof z.ZodStringFormat) {
    return "string";
  }
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodBoolean) return "boolean";
  if (schema instanceof z.ZodBigInt) return "bigint";
  if (schema instanceof z.ZodArray) return "array";
  return "other";
}

/** A JSON Schema as a few words. */
function typeText(schema: z.core.JSONSchema._JSONSchema): string {
  if (typeof schema === "boolean") return "any value";
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.map(typeText).join(" | ");
  if (schema.type === "array") {
    return `list of ${typeText((schema.items as z.core.JSONSchema.JSONSchema) ?? {})}`;
  }
  if (schema.type === "object") {
    return `table of ${typeText((schema.additionalProperties as z.core.JSONSchema.JSONSchema) ?? {})}`;
  }
  return `${schema.type ?? "any value"}${rangeText(schema)}`;
}

function rangeText(schema: z.core.JSONSchema.JSONSchema): string {
  // The bounds of safe integers come with every integer and tell a reader nothing.
  const bound = (value: number | boolean | undefined) =>
    typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
  const min = bound(schema.minimum) ?? bound(schema.exclusiveMinimum);
  const max = bound(schema.maximum) ?? bound(schema.exclusiveMaximum);
  const above = schema.exclusiveMinimum === undefined ? "at least" : "more than";
  if (min !== undefined && max !== undefined) return `, ${min} to ${max}`;
  if (min !== undefined) return `, ${above} ${min}`;
  return max === undefined ? "" : `, at most ${max}`;
}
