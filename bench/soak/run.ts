/**
 * Runs a soak (`deno task soak --minutes 30`), writes `bench/results/soak.json` and `docs/benchmarks/soak.md`, and
 * ends with 1 and a line for each violation if there is one.
 *
 * @module
 */

import { currentCommit, describeMachine } from "../_report.ts";
import { writeReport } from "./report.ts";
import { parseSettings } from "./settings.ts";
import { runSoak } from "./soak.ts";

if (import.meta.main) {
  // deno-lint-ignore no-console -- progress of a script
  const say = (line: string) => console.error(line);
  const settings = parseSettings(Deno.args);
  const machine = describeMachine();
  const date = new Date().toISOString().slice(0, 10);
  const commit = await currentCommit();
  const result = await runSoak(settings, say);
  const command = `deno task soak ${Deno.args.join(" ")}`.trim();
  await writeReport({ date, commit, command, machine, settings, result });
  if (result.violations.length > 0) Deno.exit(1);
}
