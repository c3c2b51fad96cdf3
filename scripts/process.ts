/**
 * What the repository's scripts share: running Deno and other programs, finding files, saying a line.
 *
 * @module
 */

/** The repository's root, with a trailing slash. */
export const ROOT: string = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Folders that hold no sources of the project. */
const SKIPPED = new Set(["node_modules", "coverage", "data", "dist", ".git", ".cache"]);

const encoder = new TextEncoder();

/** Writes a line to stdout. */
export function say(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

/** Writes a line to stderr. */
export function complain(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`${line}\n`));
}

/** Runs a program in the repository's root with this process's streams. @returns Its exit code. */
export async function run(program: string, args: readonly string[]): Promise<number> {
  const child = new Deno.Command(program, { args: [...args], cwd: ROOT, stdin: "null" }).spawn();
  return (await child.status).code;
}

/** Runs the same Deno that runs this script. @returns Its exit code. */
export async function deno(...args: readonly string[]): Promise<number> {
  return await run(Deno.execPath(), args);
}

/** What a program said and how it ended. */
export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in the repository's root and keeps what it says, without colours. */
export async function capture(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Captured> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0", ...env },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Whether a file or folder is there. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** Paths of all files of the project below `dir`, relative to the root, sorted. */
export async function listFiles(dir = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(`${ROOT}${dir}`)) {
    if (SKIPPED.has(entry.name)) continue;
    const path = dir === "" ? entry.name : `${dir}/${entry.name}`;
    if (entry.isDirectory) found.push(...await listFiles(path));
    else if (entry.isFile) found.push(path);
  }
  return found.sort();
}

/** First line of what a program said in complaint, without the word `error:`. */
export function firstComplaint(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  return (lines.find((line) => /^(fatal runtime )?error:/.test(line)) ?? lines.find((line) => line !== "") ??
    "no message")
    .replace(/^error:\s*/, "");
}
