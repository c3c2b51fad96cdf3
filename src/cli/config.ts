/**
 * `cairn config show` and `cairn config check`. Both work without a node.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { shownValue } from "../kernel/config/load.ts";
import { type ConfigProblem, formatOrigin, formatProblem } from "../kernel/config/problem.ts";
import { CairnError } from "../kernel/errors.ts";
import { profileServices } from "../node.ts";
import { type CliDeps, loadCliConfig } from "./deps.ts";
import { ReportedError } from "./exit.ts";

/** Adds `config`. */
export function registerConfig(program: Command, deps: CliDeps): void {
  const config = program.command("config")
    .description("Show or check the configuration")
    .helpGroup("Configuration:");

  config.command("show")
    .description("Print every effective value; secrets are hidden")
    .option("--origin", "say where each value came from")
    .option("--json", "print JSON with stable keys")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn config show --origin\n  cairn config show --json | jq .values.admin",
    )
    .action(async (options: { origin?: boolean; json?: boolean }, command: Command) => {
      const { entries, hash } = await loadCliConfig(command, deps);
      if (options.json) {
        const shown = entries.map((entry) => [entry.key, shownValue(entry) ?? null] as const);
        const origins = entries.map((entry) => [entry.key, entry.origin] as const);
        const body = {
          hash,
          values: Object.fromEntries(shown),
          ...(options.origin ? { origins: Object.fromEntries(origins) } : {}),
        };
        return deps.out(JSON.stringify(body, undefined, 2));
      }
      for (const entry of entries) {
        const line = `${entry.key} = ${JSON.stringify(shownValue(entry)) ?? "(not set)"}`;
        deps.out(options.origin ? `${line}  # ${formatOrigin(entry.origin)}` : line);
      }
    });

  config.command("check")
    .description("Check all layers and report every problem; exit 2 when there is one")
    .option("--json", "print JSON with stable keys")
    .action(async (options: { json?: boolean }, command: Command) => {
      try {
        const loaded = await loadCliConfig(command, deps);
        profileServices(loaded);
        if (options.json) return deps.out(JSON.stringify({ ok: true, hash: loaded.hash, problems: [] }));
        deps.out(`Configuration is valid (hash ${loaded.hash})`);
      } catch (thrown) {
        if (!(thrown instanceof CairnError) || thrown.code !== "CONFIG_INVALID") throw thrown;
        const problems = thrown.detail["problems"] as readonly ConfigProblem[];
        if (options.json) deps.out(JSON.stringify({ ok: false, problems }));
        else for (const problem of problems) deps.err(`cairn: ${formatProblem(problem)}`);
        throw new ReportedError(thrown);
      }
    });
}
