/**
 * Builds `wasm/hot.wasm` and its twin without SIMD, `wasm/hot_scalar.wasm`, from `wasm/assembly` and what
 * `wasm/generate` unrolls, and writes `wasm/hot.digest` beside them.
 *
 * The digest names the sha-256 of the modules and of everything that went into them (sources, flags, compiler
 * version), so that a stale module is noticed without compiling: `--if-stale` builds only then. `--out FOLDER`
 * writes elsewhere; `--emit FOLDER` writes the unrolled sources and the modules' text, for reading.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { GENERATED } from "../wasm/generate/mod.ts";
import * as layout from "../wasm/layout.ts";

const ROOT = new URL("../", import.meta.url);
const WASM = new URL("wasm/", ROOT);

/** Flags: spec/hot-path.md section 8. The host chooses the memory's size, so the import spans every size. */
const FLAGS: readonly string[] = [
  "-O3",
  "--noAssert",
  "--runtime",
  "stub",
  "--importMemory",
  "--noExportMemory",
  "--sharedMemory",
  "--initialMemory",
  String(layout.HEAP_OFFSET / layout.PAGE_BYTES),
  "--maximumMemory",
  String(layout.MAXIMUM_PAGES),
  "--memoryBase",
  String(layout.STATICS_OFFSET),
];

/** The same sources twice: `ASC_FEATURE_SIMD` picks the branch when they are compiled. */
export const BUILDS = [
  { file: "hot.wasm", features: "simd,threads" },
  { file: "hot_scalar.wasm", features: "threads" },
] as const;

type BuildFile = (typeof BUILDS)[number]["file"];

/** What `hot.digest` says: sha-256 in hex of each module, and of sources, flags and compiler version. */
export type HotDigest = Readonly<Record<BuildFile | "sources", string>>;

function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

async function readSources(): Promise<Map<string, string>> {
  const names = ["layout.ts"];
  for await (const entry of Deno.readDir(new URL("assembly/", WASM))) {
    if (entry.name.endsWith(".ts")) names.push(`assembly/${entry.name}`);
  }
  const sources = new Map<string, string>();
  for (const name of names.sort()) sources.set(name, await Deno.readTextFile(new URL(name, WASM)));
  for (const [name, source] of Object.entries(GENERATED)) sources.set(`assembly/${name}`, source());
  return sources;
}

async function digestSources(sources: ReadonlyMap<string, string>): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const parts = [config.imports.assemblyscript, FLAGS.join(" "), JSON.stringify(BUILDS)];
  for (const [name, text] of sources) parts.push(`\n${name} ${text.length}\n`, text);
  return sha256(...parts);
}

/** Parses the lines of `hot.digest`; `undefined` if the file is something else. */
export function parseDigest(text: string): HotDigest | undefined {
  const names = [...BUILDS.map(({ file }) => file), "sources"] as const;
  const lines = text.split("\n");
  const entries = names.map((name, i) => [name, /^(\S+) ([0-9a-f]{64})$/.exec(lines[i] ?? "")] as const);
  if (lines.length !== names.length + 1 || !entries.every(([name, found]) => found?.[1] === name)) return;
  return Object.fromEntries(entries.map(([name, found]) => [name, found![2]!])) as HotDigest;
}

/** Whether the modules in `wasm/` are what their sources compile to, as far as digests can tell. */
export async function isFresh(): Promise<boolean> {
  try {
    const digest = parseDigest(await Deno.readTextFile(new URL("hot.digest", WASM)));
    if (digest === undefined) return false;
    if (digest.sources !== await digestSources(await readSources())) return false;
    for (const { file } of BUILDS) {
      if (digest[file] !== sha256(await Deno.readFile(new URL(file, WASM)))) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What {@link compile} makes. */
export interface Compiled {
  readonly modules: Readonly<Record<BuildFile, Uint8Array>>;
  /** Unrolled sources and text forms of the modules, for reading. */
  readonly texts: ReadonlyMap<string, string>;
  readonly digest: string;
}

/**
 * Compiles the sources. Throws with the compiler's own messages when they do not compile.
 *
 * @param withTexts Also gives the texts, which takes a while.
 */
export async function compile(withTexts = false): Promise<Compiled> {
  // Loaded late: --if-stale must answer without loading the compiler.
  const { default: asc } = await import("assemblyscript/asc");
  const sources = await readSources();
  const said: string[] = [];
  const written = new Map<string, string | Uint8Array>();
  const sink = { write: (chunk: string | Uint8Array): boolean => said.push(String(chunk)) > 0 };
  for (const { file, features } of BUILDS) {
    const text = withTexts ? ["--textFile", file.replace(/wasm$/, "wat")] : [];
    const out = ["--outFile", file, ...text, "--enable", features];
    const { error } = await asc.main(["assembly/index.ts", ...out, ...FLAGS], {
      stdout: sink,
      stderr: sink,
      readFile: (name: string) => sources.get(name.replaceAll("\\", "/").replace(/^\.\//, "")) ?? null,
      writeFile: (name: string, contents: string | Uint8Array) => void written.set(name, contents),
      listFiles: () => [],
    });
    if (error || !written.has(file)) {
      throw new Error(`Cannot compile wasm/assembly:\n${said.join("")}`, { cause: error });
    }
  }
  const modules = {} as Record<BuildFile, Uint8Array>;
  const texts = new Map<string, string>();
  for (const [name, contents] of written) {
    if (typeof contents === "string") texts.set(name, contents);
    else modules[name as BuildFile] = contents;
  }
  if (withTexts) { for (const [name, source] of Object.entries(GENERATED)) texts.set(name, source()); }
  const lines = BUILDS.map(({ file }) => `${file} ${sha256(modules[file])}`);
  return { modules, texts, digest: [...lines, `sources ${await digestSources(sources)}`, ""].join("\n") };
}

const say = (line: string) => Deno.stderr.write(new TextEncoder().encode(`${line}\n`));

/** The folder behind an option, or `undefined`. */
async function folderOf(option: string): Promise<URL | undefined> {
  const at = Deno.args.indexOf(option);
  return at < 0 ? undefined : new URL(`file://${await Deno.realPath(Deno.args[at + 1] ?? ".")}/`);
}

if (import.meta.main) {
  const out = await folderOf("--out") ?? WASM;
  const emit = await folderOf("--emit");
  if (Deno.args.includes("--if-stale") && await isFresh()) {
    await say("wasm/hot.wasm is up to date");
  } else {
    const startedMs = performance.now();
    const { modules, texts, digest } = await compile(emit !== undefined);
    for (const { file } of BUILDS) await Deno.writeFile(new URL(file, out), modules[file]);
    await Deno.writeTextFile(new URL("hot.digest", out), digest);
    if (emit) { for (const [name, text] of texts) await Deno.writeTextFile(new URL(name, emit), text); }
    const sizes = BUILDS.map(({ file }) => `${file} ${modules[file].length} bytes`).join(", ");
    await say(`${sizes} in ${Math.round(performance.now() - startedMs)} ms`);
  }
}
