/**
 * Generates the TypeScript of `proto/` into `proto/gen/`, or with `--check` says whether it is current.
 *
 * Runs buf (from npm, its platform binary) with the protoc-gen-es plugin under the Deno that runs this script,
 * so that neither Node nor a compiler of the system is needed.
 *
 * @module
 */

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PROTO_DIR = `${ROOT}proto`;
/** Where the generated code lives in the repository. */
export const GENERATED_DIR = `${PROTO_DIR}/gen`;

const BUF_PACKAGES: Readonly<Record<string, string>> = {
  "linux-x86_64": "buf-linux-x64",
  "linux-aarch64": "buf-linux-aarch64",
  "darwin-x86_64": "buf-darwin-x64",
  "darwin-aarch64": "buf-darwin-arm64",
  "windows-x86_64": "buf-win32-x64",
  "windows-aarch64": "buf-win32-arm64",
};

/** Path of the buf binary: an optional dependency of @bufbuild/buf, so its install script is not needed. */
async function bufPath(): Promise<string> {
  const platform = `${Deno.build.os}-${Deno.build.arch}`;
  const name = BUF_PACKAGES[platform];
  if (name === undefined) throw new Error(`Cannot generate protobuf code: no buf binary for '${platform}'`);
  const home = await Deno.realPath(`${ROOT}node_modules/@bufbuild/buf/package.json`);
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  return createRequire(home).resolve(`@bufbuild/${name}/bin/buf${suffix}`);
}

/**
 * Generates all TypeScript into `outDir`, which must not exist or be empty.
 *
 * @throws {Error} With buf's own words if a `.proto` file is wrong.
 */
export async function generate(outDir: string): Promise<void> {
  const plugin = `${ROOT}node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es`;
  const template = {
    version: "v2",
    plugins: [{
      local: [Deno.execPath(), "run", "--no-prompt", "--allow-read", "--allow-env", plugin],
      out: outDir,
      opt: ["target=ts", "import_extension=ts"],
    }],
  };
  const { success, stderr } = await new Deno.Command(await bufPath(), {
    args: ["generate", "--template", JSON.stringify(template), PROTO_DIR],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot generate protobuf code: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Texts of all files below `dir`, by path relative to it. */
async function readTree(dir: string, prefix = ""): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const entry of Deno.readDir(`${dir}/${prefix}`)) {
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory) {
      for (const [key, text] of await readTree(dir, `${path}/`)) files.set(key, text);
    } else files.set(path, await Deno.readTextFile(`${dir}/${path}`));
  }
  return files;
}

/** Paths below {@link GENERATED_DIR} that are missing, differ or are left over; empty when all is current. */
export async function staleFiles(): Promise<string[]> {
  const fresh = await Deno.makeTempDir();
  try {
    await generate(fresh);
    const [wanted, present] = [await readTree(fresh), await readTree(GENERATED_DIR)];
    const paths = new Set([...wanted.keys(), ...present.keys()]);
    return [...paths].filter((path) => wanted.get(path) !== present.get(path)).sort();
  } finally {
    await Deno.remove(fresh, { recursive: true });
  }
}

if (import.meta.main) {
  if (Deno.args.includes("--check")) {
    const stale = await staleFiles();
    // deno-lint-ignore no-console -- a script speaks to its terminal
    for (const path of stale) console.error(`Stale: proto/gen/${path}`);
    Deno.exit(stale.length === 0 ? 0 : 1);
  }
  await Deno.remove(GENERATED_DIR, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await generate(GENERATED_DIR);
}
