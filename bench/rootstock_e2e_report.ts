/**
 * Header sync from end to end: `cairn start --profile rootstock` against eight peers on loopback that keep rskj's limit
 * of messages, and against the same peers without a limit that counts.
 *
 * Writes `bench/results/rootstock.json` and `docs/benchmarks/rootstock.md`:
 * `deno task bench:rootstock [HEADERS] [DIRECTORY]`. Peers are one process that serves a generated chain from memory.
 * CPU is the client's own, all threads, from the operating system.
 *
 * @module
 */

import { toFlags } from "../scripts/permissions.ts";
import { startNode, type NodeProcess } from "../tests/support/node_process.ts";
import type { ServedChain } from "./_rootstock_peers.ts";
import { currentCommit, describeMachine, readOutput } from "./_report.ts";

/** Ticks of /proc/PID/stat in a second (USER_HZ of every Linux this runs on). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;
const PEERS = 8;
const POLL_MS = 100;
const SYNC_TIMEOUT_MS = 600_000;

/** The machine's share of a process. Deno itself may not read /proc without all permissions. */
async function processUse(pid: number): Promise<{ cpuSeconds: number; residentBytes: number }> {
  const fields = (await readOutput("cat", `/proc/${pid}/stat`)).replace(/^.*\) /, "").split(" ");
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: Number(fields[21]) * PAGE_BYTES,
  };
}
