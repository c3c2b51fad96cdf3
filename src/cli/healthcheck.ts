/**
 * `cairn healthcheck`: asks the node that runs with this configuration whether it is ready.
 *
 * Layer: cli. For container probes: exits 0 or 1, never anything else.
 *
 * @module
 */

import type { Command } from "commander";
import { toCairnError } from "../kernel/errors.ts";
import type { ReadinessReport } from "../kernel/health.ts";
import { type CliDeps, loadCliConfig } from "./deps.ts";
import { EXIT } from "./exit.ts";

/** A probe is asked every few seconds; what takes longer is not healthy. */
const DEFAULT_TIMEOUT_MS = 3_000;

interface Verdict {
  readonly ready: boolean;
  readonly url?: string;
  readonly reasons: readonly string[];
}

/** Adds `healthcheck`. */
export function registerHealthcheck(program: Command, deps: CliDeps): void {
  program.command("healthcheck")
    .description("Ask the running node whether it is ready; exit 0 if so, 1 if not or if none answers")
    .helpGroup("Node:")
    .option("--timeout <ms>", "time to wait for the answer, in milliseconds", String(DEFAULT_TIMEOUT_MS))
    .option("--json", "print JSON with stable keys")
    .action(async (options: { timeout: string; json?: boolean }, command: Command) => {
      const verdict = await check(command, deps, Number(options.timeout) || DEFAULT_TIMEOUT_MS);
      if (options.json) deps.out(JSON.stringify(verdict));
      else if (verdict.ready) deps.out("ready");
      else deps.err(`cairn: not ready: ${verdict.reasons.join("; ")}`);
      deps.setExitCode(verdict.ready ? EXIT.OK : EXIT.NO);
    });
}

async function check(command: Command, deps: CliDeps, timeoutMs: number): Promise<Verdict> {
  let url: string;
  try {
    const { admin } = (await loadCliConfig(command, deps)).values;
    url = `http://${probeHost(admin.host)}:${admin.port}/readyz`;
  } catch (thrown) {
    // Container engines give meaning to other codes, so even a broken configuration is a plain "no".
    return { ready: false, reasons: [toCairnError(thrown).message] };
  }
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    const report: ReadinessReport = await response.json();
    return { ready: response.ok && report.ready, url, reasons: report.reasons };
  } catch (thrown) {
    const isTimeout = thrown instanceof DOMException && thrown.name === "TimeoutError";
    const reason = isTimeout ? `no answer within ${timeoutMs} ms` : `no node answers (${firstLine(thrown)})`;
    return { ready: false, url, reasons: [reason] };
  }
}

/** An address to listen on every interface is not one to connect to. */
function probeHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** What fetch says is wrong stands in the cause. */
function firstLine(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause ?? thrown : thrown;
  return toCairnError(cause).message.split("\n", 1)[0]!;
}
