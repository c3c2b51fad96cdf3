/**
 * What every report has: where it was measured, and tables.
 *
 * @module
 */

import os from "node:os";

/** Facts of the machine and its load. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly os: string;
  readonly deno: string;
  /** Mean load of the last minute, before anything was measured. */
  readonly loadBefore: number;
}

/** Facts of this machine now; call it before measuring. Needs `--allow-sys`. */
export function describeMachine(): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: navigator.hardwareConcurrency,
    memoryGigabytes: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    os: `${Deno.build.os} ${Deno.osRelease()}`,
    deno: Deno.version.deno,
    loadBefore: Math.round(Deno.loadavg()[0]! * 100) / 100,
  };
}

/** First 12 digits of the commit that is checked out; "unknown" outside a repository. Needs `--allow-run=git`. */
export async function currentCommit(): Promise<string> {
  return await readOutput("git", "rev-parse", "--short=12", "HEAD").catch(() => "") || "unknown";
}

/** What a program prints. */
export async function readOutput(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args, stdin: "null" }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** Load of the last minute above which a machine has other work than what is measured. */
const BUSY_LOAD = 1;

/** A line for the page when the machine had other work; empty otherwise. */
export function busyNote({ loadBefore }: Machine): string {
  return loadBefore <= BUSY_LOAD
    ? ""
    : "\n**The machine was busy with other work: rates are lower bounds, times upper bounds. Repeat on a calm one.**\n";
}

/** One line on where a report was measured, for its page. */
export function machineLine({ cpu, cores, memoryGigabytes, os, deno, loadBefore }: Machine): string {
  return `${cores} cores of ${cpu} with ${memoryGigabytes} GiB, ${os}, Deno ${deno}, load average before: ${loadBefore}`;
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
