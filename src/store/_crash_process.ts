/**
 * Starts writers that are to be killed, and kills them.
 *
 * Layer: store. Test support; not imported by the node.
 *
 * @module
 */

import assert from "node:assert/strict";

/** A writer in a process of its own, with the permissions of the node and no more. */
export function spawnWriter(script: URL, directory: string, first: number): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--allow-read=.,${directory},/etc/alpine-release`,
      `--allow-write=${directory}`,
      "--allow-ffi=node_modules",
      "--allow-env=CAIRN_*",
      "--ignore-env",
      script.pathname,
      directory,
      String(first),
    ],
    cwd: new URL("../..", import.meta.url).pathname,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Reads acknowledged lines until there are `count`, kills, and returns all that were printed. */
export async function killAfter(child: Deno.ChildProcess, count: number): Promise<string[]> {
  let text = "";
  let killed = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (!killed && text.split("\n").length > count) {
      child.kill("SIGKILL");
      killed = true;
    }
  }
  const [status, errors] = [await child.status, await new Response(child.stderr).text()];
  assert.equal(status.signal, "SIGKILL", errors);
  return text.split("\n").filter((line) => line !== "");
}
