/**
 * Holds the session that README.md shows to what a node answers now.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runCairn, startNode, tempDirectory } from "./support/node_process.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const PROMPT = "$ deno task --quiet cairn ";

interface Step {
  readonly command: string;
  readonly output: string;
}

/** Commands of the node's own command line with what they print, in order. */
function sessionOf(readme: string): Step[] {
  const steps: Step[] = [];
  for (const [, block] of readme.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    for (const part of block!.split(/^(?=\$ )/m)) {
      if (!part.startsWith(PROMPT)) continue;
      const [command, ...output] = part.trimEnd().split("\n");
      steps.push({ command: command!.slice(PROMPT.length), output: output.join("\n") });
    }
  }
  return steps;
}

/** What differs from run to run. */
function withoutTimes(text: string): string {
  return text.replaceAll(/\d+(\.\d+)? (m?s)\b/g, "T $2");
}

Deno.test("README.md shows a session that a fresh node answers with the same words", async () => {
  const steps = sessionOf(await Deno.readTextFile(`${ROOT}README.md`));
  assert(steps.length >= 6, `${steps.length} commands found`);
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: `${directory.path}/data` });
  const settings = [`blocks.rpc.address=${node.grpc}`, `admin.port=${new URL(node.admin).port}`];
  const block = `${directory.path}/3.blk`;
  for (const { command, output } of steps) {
    const args = command.split(" ").map((word) => word === "3.blk" ? block : word);
    const { stdout, stderr } = await runCairn(...settings.flatMap((set) => ["--set", set]), ...args);
    const shown = stdout.trimEnd().replaceAll(block, "3.blk").replaceAll(node.grpc, "127.0.0.1:40840");
    assert.equal(withoutTimes(shown), withoutTimes(output), `${command}\n${stderr}`);
  }
  assert.equal(await node.stop(), 0);
});
