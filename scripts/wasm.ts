/**
 * Builds `wasm/hot.wasm` from `wasm/assembly`, and `wasm/hot.digest` beside it.
 *
 * The digest names the sha-256 of the module and of everything that went into it (sources, flags, compiler
 * version), so that a stale module is noticed without compiling: `--if-stale` builds only then. `--out FOLDER`
 * writes elsewhere (the reproducibility test).
 *
 * @module
 */

import { createHash } from "node:crypto";
import * as layout from "../wasm/layout.ts";

const ROOT = new URL("../", import.meta.url);
const WASM = new URL("wasm/", ROOT);

/** Flags: spec/hot-path.md section 8. The host chooses the memory's size, so the import spans every size. */
const FLAGS: readonly string[] = [
  "-O3",
  "--noAssert",
  "--runtime",
  "stub",
  "--enable",
  "simd,threads",
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

/** What `hot.digest` says. */
export interface HotDigest {
  /** sha-256 of `hot.wasm`, hex. */
  readonly wasm: string;
  /** sha-256 over sources, flags and compiler version, hex. */
  readonly sources: string;
}

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
  return sources;
}

async function digestSources(sources: ReadonlyMap<string, string>): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const parts = [config.imports.assemblyscript, FLAGS.join(" ")];
  for (const [name, text] of sources) parts.push(`\n${name} ${text.length}\n`, text);
  return sha256(...parts);
}

/** Parses the two lines of `hot.digest`; `undefined` if the file is something else. */
export function parseDigest(text: string): HotDigest | undefined {
  const found = /^wasm ([0-9a-f]{64})\nsources ([0-9a-f]{64})\n$/.exec(text);
  return found ? { wasm: found[1]!, sources: found[2]! } : undefined;
}

/** Whether the module in `wasm/` is what its sources compile to, as far as digests can tell. */
export async function isFresh(): Promise<boolean> {
  try {
    const digest = parseDigest(await Deno.readTextFile(new URL("hot.digest", WASM)));
    if (digest === undefined) return false;
    if (digest.sources !== await digestSources(await readSources())) return false;
    return digest.wasm === sha256(await Deno.readFile(new URL("hot.wasm", WASM)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Compiles the sources. Throws with the compiler's own messages when they do not compile. */
export async function compile(): Promise<{ readonly wasm: Uint8Array; readonly digest: string }> {
  // Loaded late: --if-stale must answer without loading the compiler.
  const { default: asc } = await import("assemblyscript/asc");
  const sources = await readSources();
  const said: string[] = [];
  let wasm: Uint8Array | undefined;
  const sink = { write: (chunk: string | Uint8Array): boolean => said.push(String(chunk)) > 0 };
  const { error } = await asc.main(["assembly/index.ts", "--outFile", "hot.wasm", ...FLAGS], {
    stdout: sink,
    stderr: sink,
    readFile: (name: string) => sources.get(name.replaceAll("\\", "/").replace(/^\.\//, "")) ?? null,
    writeFile: (name: string, contents: string | Uint8Array) => {
      if (name === "hot.wasm") wasm = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error || wasm === undefined) {
    throw new Error(`Cannot compile wasm/assembly:\n${said.join("")}`, { cause: error });
  }
  const digest = `wasm ${sha256(wasm)}\nsources ${await digestSources(sources)}\n`;
  return { wasm, digest };
}

const say = (line: string) => Deno.stderr.write(new TextEncoder().encode(`${line}\n`));

if (import.meta.main) {
  const outAt = Deno.args.indexOf("--out");
  const out = outAt < 0 ? WASM : new URL(`file://${await Deno.realPath(Deno.args[outAt + 1] ?? ".")}/`);
  if (Deno.args.includes("--if-stale") && await isFresh()) {
    await say("wasm/hot.wasm is up to date");
  } else {
    const startedMs = performance.now();
    const { wasm, digest } = await compile();
    await Deno.writeFile(new URL("hot.wasm", out), wasm);
    await Deno.writeTextFile(new URL("hot.digest", out), digest);
    await say(`hot.wasm: ${wasm.length} bytes in ${Math.round(performance.now() - startedMs)} ms`);
  }
}
