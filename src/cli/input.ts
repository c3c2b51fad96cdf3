/**
 * Reads what a command is given to look at: a file, or standard input.
 *
 * Layer: cli.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";

/** All of a file, or of standard input as `-`. @throws {CairnError} `FILE_UNREADABLE`. */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    return path === "-"
      ? new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer())
      : await Deno.readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CairnError("FILE_UNREADABLE", `Cannot read '${path}': ${reason}`, { cause });
  }
}
