/**
 * Everything a change must pass, in the order of quickest answer; ends with a line `N passed, N failed`.
 *
 * A step counts as one; the test step counts its tests. All steps run even if one fails: a list of everything that
 * is wrong costs less than one finding a run.
 *
 * @module
 */

import { deno, exists, run, say } from "./process.ts";
import { PROFILE_DIR } from "./coverage.ts";
import { SUMMARY_PATH } from "./run_tests.ts";

/** Steps before the tests, each a `deno` command line. */
const BEFORE: readonly (readonly string[])[] = [
  ["install", "--quiet", "--frozen"],
  ["fmt", "--quiet", "--check"],
  ["lint", "--quiet"],
  ["task", "--quiet", "check"],
  ["task", "--quiet", "proto", "--check"],
  ["task", "--quiet", "docs", "--check"],
];

/** Steps after the tests. */
const AFTER: readonly (readonly string[])[] = [
  ["task", "--quiet", "coverage", "--report"],
  ["task", "--quiet", "compile", "--check-embed"],
  ["publish", "--quiet", "--dry-run", "--allow-dirty", "--allow-slow-types"],
  ["task", "--quiet", "audit"],
];

let passed = 0;
let failed = 0;

async function runSteps(steps: readonly (readonly string[])[]): Promise<void> {
  for (const step of steps) {
    const line = `deno ${step.filter((word) => word !== "--quiet").join(" ")}`;
    say(`--- ${line}`);
    if (await deno(...step) === 0) {
      passed++;
    } else {
      failed++;
      say(`FAILED: ${line}`);
    }
  }
}

async function runTests(): Promise<void> {
  say("--- deno task test");
  await run("rm", ["-rf", PROFILE_DIR, SUMMARY_PATH]);
  const code = await deno("task", "--quiet", "test", `--coverage=${PROFILE_DIR}`);
  if (await exists(SUMMARY_PATH)) {
    const summary = JSON.parse(await Deno.readTextFile(SUMMARY_PATH));
    passed += summary.passed;
    failed += summary.failed;
  } else if (code !== 0) {
    failed++;
  }
}

if (import.meta.main) {
  await runSteps(BEFORE);
  await runTests();
  await runSteps(AFTER);
  say(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}
