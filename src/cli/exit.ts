/**
 * How a run of the command line ends: the one place that turns failures into a line and an exit code.
 *
 * Layer: cli. Codes: 0 clean, 1 fatal, 2 usage or configuration, 3 directory locked, 4 data format, 128 + n forced
 * by a second signal.
 *
 * @module
 */

import { CommanderError } from "commander";
import { CairnError, toCairnError } from "../kernel/errors.ts";

/** Exit codes that commands use by name; the others come from the table of error codes. */
export const EXIT = { OK: 0, NO: 1, USAGE: 2 } as const;

/** A failure that was reported already; only its exit code is still needed. */
export class ReportedError extends Error {
  override readonly name = "ReportedError";
  readonly reported: CairnError;

  constructor(reported: CairnError) {
    super(reported.message, { cause: reported });
    this.reported = reported;
  }
}

/** Exit code for whatever a command threw. */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof ReportedError) return thrown.reported.mapping.exit;
  // Help and version end by an exception too; every other complaint of commander is about usage.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
  return toCairnError(thrown).mapping.exit;
}

/**
 * Line for stderr, or `undefined` when the failure has been reported already.
 * An unexpected failure shows its stack only with `debug`.
 */
export function failureText(thrown: unknown, { debug }: { readonly debug: boolean }): string | undefined {
  if (thrown instanceof ReportedError || thrown instanceof CommanderError) return undefined;
  const line = `cairn: ${toCairnError(thrown).toLine()}`;
  if (thrown instanceof CairnError || !(thrown instanceof Error)) return line;
  return debug && thrown.stack !== undefined ? `${line}\n${thrown.stack}` : line;
}
