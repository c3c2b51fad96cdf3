/**
 * Which build this is: version, commit, runtime, and digest of the WASM kernels.
 *
 * Layer: kernel.
 *
 * @module
 */

import manifest from "../../deno.json" with { type: "json" };

/** Facts of the build. */
export interface BuildInfo {
  readonly version: string;
  /** Full commit hash, or `unknown`. */
  readonly commit: string;
  readonly deno: string;
  /** SHA-256 of `wasm/hot.wasm` in hexadecimal, or `unknown` where it was not built. */
  readonly wasmDigest: string;
}

/** Directory of the checkout, or of what `deno compile` embedded. */
const ROOT = new URL("../../", import.meta.url);

/**
 * Reads the facts. The commit comes from `CAIRN_COMMIT`, else from the checkout's own `.git`; what this process
 * may not read counts as unknown, and nobody is asked for permission.
 */
export function readBuildInfo(env: Readonly<Record<string, string>>): BuildInfo {
  return {
    version: manifest.version,
    commit: env["CAIRN_COMMIT"] || readCommit(ROOT) || "unknown",
    deno: Deno.version.deno,
    wasmDigest: /^hot\.wasm (\w+)$/m.exec(readText(new URL("wasm/hot.digest", ROOT)) ?? "")?.[1] ?? "unknown",
  };
}

/** One fact a line, for `--version`. */
export function formatBuildInfo(info: BuildInfo): string {
  return [`cairn ${info.version}`, `commit ${info.commit}`, `deno ${info.deno}`, `wasm ${info.wasmDigest}`]
    .join("\n");
}

/** Commit that the checkout at `root` stands on; `undefined` where there is none or it may not be read. */
export function readCommit(root: URL): string | undefined {
  const head = readText(new URL(".git/HEAD", root))?.trim();
  if (head === undefined) return undefined;
  if (!head.startsWith("ref: ")) return head;
  const ref = head.slice("ref: ".length);
  const loose = readText(new URL(`.git/${ref}`, root))?.trim();
  const packed = () =>
    readText(new URL(".git/packed-refs", root))?.split("\n").find((line) => line.endsWith(` ${ref}`));
  return loose ?? packed()?.split(" ", 1)[0];
}

function readText(url: URL): string | undefined {
  try {
    if (Deno.permissions.querySync({ name: "read", path: url }).state !== "granted") return undefined;
    return Deno.readTextFileSync(url);
  } catch {
    return undefined;
  }
}
