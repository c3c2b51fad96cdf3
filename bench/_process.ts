/**
 * What a process uses, by /proc.
 *
 * @module
 */

import { readOutput } from "./_report.ts";

/** Ticks of /proc/PID/stat in a second (USER_HZ of every Linux this runs on). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;

/** CPU seconds since its start, and resident memory. */
export interface ProcessUse {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** What a process uses now; NaN once it is gone. Deno itself may not read /proc without all permissions. */
export async function processUse(pid: number): Promise<ProcessUse> {
  const fields = (await readOutput("cat", `/proc/${pid}/stat`)).replace(/^.*\) /, "").split(" ");
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: Number(fields[21]) * PAGE_BYTES,
  };
}

/** Resident memory by what it is made of, in bytes. */
export interface ResidentMemory {
  /** Heaps, stacks, buffers: the process's own. */
  readonly anonymous: number;
  /** Pages of files: the program and its libraries, which the system shares between processes and may drop. */
  readonly file: number;
}

/** Resident memory of a process now. */
export async function residentMemory(pid: number): Promise<ResidentMemory> {
  const status = await readOutput("cat", `/proc/${pid}/status`);
  const bytes = (name: string) =>
    1_024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? NaN);
  return { anonymous: bytes("RssAnon") + bytes("RssShmem"), file: bytes("RssFile") };
}
