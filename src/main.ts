/**
 * Entry point of the executable `cairn`.
 *
 * Layer: cli.
 *
 * @module
 */

import { runCli } from "./cli/program.ts";
import { listKeys, schemaTree } from "./kernel/config/schema.ts";
import { CONFIG_SECTIONS } from "./node.ts";

/** What may still be open after a clean end (a lingering socket, a worker on its way out) gets this long. */
const LINGER_MS = 2_000;

function writeLine(stream: { writeSync(bytes: Uint8Array): number }, line: string): void {
  let bytes = new TextEncoder().encode(`${line}\n`);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    // `cairn … | head` closes the pipe early; that is no failure.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

if (import.meta.main) {
  const exitCode = await runCli(Deno.args, {
    out: (line) => writeLine(Deno.stdout, line),
    err: (line) => writeLine(Deno.stderr, line),
    env: readEnv(),
  });
  // The process ends by itself once nothing is open; the timer only catches what should have been closed.
  Deno.exitCode = exitCode;
  Deno.unrefTimer(setTimeout(() => Deno.exit(exitCode), LINGER_MS));
}

/**
 * All variables the process may see: with `--allow-env='CAIRN_*' --ignore-env` only the node's own. Without
 * `--ignore-env` they cannot be listed, so the known names are asked for one by one.
 */
function readEnv(): Record<string, string> {
  try {
    return Deno.env.toObject();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    const names = [
      "CAIRN_CONFIG",
      "CAIRN_COMMIT",
      ...listKeys(schemaTree(CONFIG_SECTIONS)).map((info) => info.env),
    ];
    return Object.fromEntries(names.flatMap((name) => readVariable(name)));
  }
}

function readVariable(name: string): [string, string][] {
  if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") return [];
  const value = Deno.env.get(name);
  return value === undefined ? [] : [[name, value]];
}
