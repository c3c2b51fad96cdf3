/**
 * Makes one executable, `dist/cairn`, with the permissions, the WASM, the generated protobuf code and the native
 * storage library inside.
 *
 * The executable's own runtime is downloaded by Deno; where that cannot be reached, one line says so. `--check-embed`
 * needs no download: it embeds everything into a throwaway copy of the running Deno, which cannot start as an
 * executable but holds the same payload, and looks for the bytes of each file in it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { capture, complain, exists, firstComplaint, listFiles, ROOT, say } from "./process.ts";
import { EXECUTABLE_PERMISSIONS, toFlags } from "./permissions.ts";

const ENTRY = "src/main.ts";
const OUTPUT = "dist/cairn";

/** Files that the code reads at run time by a path it computes. */
const ASSETS = ["wasm/hot.wasm", "wasm/hot_scalar.wasm", "wasm/hot.digest"] as const;

/** Finds the files that a module names as `new URL("./x.ts", import.meta.url)`: workers and assets. */
export function filesNamedIn(path: string, source: string): string[] {
  const base = `file:///${path}`;
  return [...source.matchAll(/new URL\("(\.{1,2}\/[^"]+\.[a-z]+)", import\.meta\.url\)/g)]
    .map(([, name]) => new URL(name!, base).pathname.slice(1));
}

/** Everything to embed that is not imported. */
async function findIncludes(): Promise<string[]> {
  const found = new Set<string>(ASSETS);
  for (const path of await listFiles("src")) {
    if (!path.endsWith(".ts") || path.endsWith("_test.ts")) continue;
    for (const name of filesNamedIn(path, await Deno.readTextFile(ROOT + path))) found.add(name);
  }
  return [...found].sort();
}

/** Modules of this repository that the entry point and the included modules reach. */
async function findModules(roots: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const root of roots) {
    const { code, stdout, stderr } = await capture(Deno.execPath(), ["info", "--json", root]);
    if (code !== 0) throw new Error(`Cannot read the module graph of '${root}': ${firstComplaint(stderr)}`);
    for (const module of JSON.parse(stdout).modules) {
      if (module.error !== undefined) {
        throw new Error(`Cannot read module '${module.specifier}': ${module.error}`);
      }
      if (module.local?.startsWith(ROOT) && !module.local.includes("/node_modules/")) found.add(module.local);
    }
  }
  return [...found].map((path) => path.slice(ROOT.length)).sort();
}

/** The native library of this platform. */
async function findNativeLibrary(): Promise<string> {
  const arch = Deno.build.arch === "x86_64" ? "x64" : "arm64";
  const dir = `node_modules/@nxtedition/rocksdb/prebuilds/${Deno.build.os}-${arch}`;
  for await (const entry of Deno.readDir(ROOT + dir)) {
    if (entry.name.endsWith(".node")) return `${dir}/${entry.name}`;
  }
  throw new Error(`Cannot find the native storage library in '${dir}'`);
}

/**
 * Directories of npm packages that `deno compile` cannot take. It parses every file without an extension as a script;
 * the test data of bintrees (prom-client needs it) are 100,000 lines of `+ 0.12…`, which is one expression deep enough
 * to overflow the parser's stack.
 */
async function findExcludes(): Promise<string[]> {
  const { code, stderr } = await capture(Deno.execPath(), [
    "cache",
    "--no-check",
    "--node-modules-dir=none",
    ENTRY,
  ]);
  if (code !== 0) throw new Error(`Cannot fill the cache: ${firstComplaint(stderr)}`);
  const { stdout } = await capture(Deno.execPath(), ["info", "--json"]);
  const { npmCache } = JSON.parse(stdout);
  const found: string[] = [];
  for await (const { name: registry } of Deno.readDir(npmCache)) {
    const dir = `${npmCache}/${registry}/bintrees`;
    if (!await exists(dir)) continue;
    for await (const version of Deno.readDir(dir)) {
      if (version.isDirectory) found.push(`${dir}/${version.name}/test`);
    }
  }
  return found;
}

async function compileArgs(includes: readonly string[], output: string): Promise<string[]> {
  return [
    "compile",
    "--no-check",
    // npm packages come from Deno's cache, and only those the module graph reaches: no compilers, no type packages.
    "--node-modules-dir=none",
    "--exclude-unused-npm",
    ...(await findExcludes()).map((path) => `--exclude=${path}`),
    ...toFlags(EXECUTABLE_PERMISSIONS),
    ...includes.map((path) => `--include=${path}`),
    `--output=${output}`,
    ENTRY,
  ];
}

async function checkEmbed(includes: readonly string[]): Promise<void> {
  await Deno.mkdir(`${ROOT}dist`, { recursive: true });
  const dir = await Deno.makeTempDir({ dir: `${ROOT}dist`, prefix: "embed-" });
  try {
    const output = `${dir}/cairn`;
    const { code, stderr } = await capture(Deno.execPath(), await compileArgs(includes, output), {
      DENORT_BIN: Deno.execPath(),
    });
    if (code !== 0) throw new Error(`Cannot embed the module graph: ${firstComplaint(stderr)}`);
    // The payload follows the runtime, so the first part need not be searched.
    const runtimeBytes = (await Deno.stat(Deno.execPath())).size;
    const payload = Buffer.from((await Deno.readFile(output)).buffer).subarray(
      Math.floor(runtimeBytes * 0.9),
    );
    const roots = [ENTRY, ...includes.filter((path) => path.endsWith(".ts"))];
    const wanted = new Set([...includes, await findNativeLibrary()]);
    const modules = await findModules(roots);
    const missing: string[] = [];
    for (const path of wanted) {
      if (payload.indexOf(await Deno.readFile(ROOT + path)) < 0) missing.push(path);
    }
    if (missing.length > 0) throw new Error(`Cannot find in the executable: ${missing.join(", ")}`);
    say(
      `Embeds ${modules.length} modules of this repository and ${wanted.size} files: ${
        [...wanted].join(", ")
      } ` +
        `(${Math.round((payload.length + runtimeBytes * 0.9 - runtimeBytes) / 1e6)} MB beside the runtime)`,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function main(args: readonly string[]): Promise<void> {
  const includes = await findIncludes();
  for (const path of includes) {
    if (!await exists(ROOT + path)) {
      throw new Error(`Cannot embed '${path}': no such file; run 'deno task wasm'`);
    }
  }
  if (args.includes("--check-embed")) return await checkEmbed(includes);
  const { code, stderr } = await capture(Deno.execPath(), await compileArgs(includes, OUTPUT));
  if (code === 0) return say(`${OUTPUT}: ${Math.round((await Deno.stat(ROOT + OUTPUT)).size / 1e6)} MB`);
  if (/error sending request|dns error|client error/.test(stderr)) {
    throw new Error(
      "Cannot compile: the runtime for executables could not be downloaded from Deno's release site",
    );
  }
  throw new Error(`Cannot compile: ${firstComplaint(stderr)}`);
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
