/**
 * Text scripts of machines, for tests: `> command` lines, each followed by all its effects, one a line.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";

/** Runs the commands of a script and compares its effects. */
export function checkScript(script: string, run: (command: string) => readonly string[]): void {
  const expected = script.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const played = expected.filter((line) => line.startsWith(">"))
    .flatMap((line) => [line, ...run(line.slice(1).trim())]);
  assert.equal(played.join("\n"), expected.join("\n"));
}
