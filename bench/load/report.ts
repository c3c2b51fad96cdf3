/**
 * The load test's results as raw data and as a page.
 *
 * @module
 */

import { busyNote, type Machine, machineLine, table } from "../_report.ts";
import type { StageLatency } from "./stages.ts";
import type { SubscribersResult } from "./subscribe_load.ts";
import { SETTLE_MS, type UseResult } from "./use.ts";

/** One scenario against one server. */
export interface LoadResult {
  readonly scenario: string;
  readonly target: string;
  readonly blocks: number;
  readonly blockBytes: number;
  readonly seconds: number;
  readonly blocksPerSecond: number;
  readonly megabytesPerSecond: number;
  /** CPU seconds of the server's process in a second. */
  readonly cores: number;
  readonly residentMegabytes: number;
  /** From the block's end sent to its acknowledgement received, at the client. */
  readonly acknowledgedMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly stages: readonly StageLatency[];
}

/** A whole run. */
export interface LoadReport {
  readonly date: string;
  readonly commit: string;
  readonly command: string;
  readonly machine: Machine & { readonly node: string };
  readonly use: readonly UseResult[];
  readonly results: readonly LoadResult[];
  readonly subscribers: readonly SubscribersResult[];
}

const RAW = new URL("../results/load.json", import.meta.url);
/** A second of blocks: what is further behind is behind for good. */
const HELD_BLOCKS = 50;

/** Of 50: below it the node held the publisher up. */
const KEPT_BLOCKS_PER_SECOND = 48;

const PAGE = new URL("../../docs/benchmarks/load.md", import.meta.url);

/** Writes both files. */
export async function writeReport(report: LoadReport): Promise<void> {
  await Deno.writeTextFile(RAW, `${JSON.stringify(report, undefined, 2)}\n`);
  await Deno.writeTextFile(PAGE, page(report));
}

function page({ date, commit, command, machine, use, results, subscribers }: LoadReport): string {
  const rows = results.map((r) => [
    r.scenario,
    r.target,
    `${r.blockBytes}`,
    r.blocksPerSecond.toFixed(0),
    r.megabytesPerSecond.toFixed(1),
    r.cores.toFixed(2),
    r.residentMegabytes.toFixed(0),
    `${r.acknowledgedMs.p50.toFixed(1)} / ${r.acknowledgedMs.p99.toFixed(1)}`,
  ]);
  const rowSeconds = Math.round(use[0]?.seconds ?? NaN);
  const stages = results.filter((r) => r.stages.length > 0).flatMap((r) =>
    r.stages.map((s) => [
      r.scenario,
      s.stage,
      s.p50Micros.toFixed(0),
      s.p99Micros.toFixed(0),
      `${(s.within5Ms * 100).toFixed(2)} %`,
    ])
  );
  return `# Load

Measured ${date} at commit ${commit} by \`${command}\`: ${machineLine(machine)}, Node ${machine.node}.
Client and server share the machine, so a highest rate is that of both together.
Raw data: [load.json](../../bench/results/load.json).
${busyNote(machine)}
The node parses, hashes, links, stores with fsync and acknowledges every block. The bare server answers every block
end and does nothing else: it is what the transport alone costs, with the same client. All settings are the
defaults: message budgets are on, and blocks whose keys the node does not know, as these, are stored as unverified.
What proofs cost is told [apart](proofs.md).

${
    table(
      [
        "blocks",
        "server",
        "bytes a block",
        "blocks/s",
        "MB/s",
        "cores",
        "resident MB",
        "acknowledged after, ms p50 / p99",
      ],
      rows,
    )
  }

## Where the time goes in the node

Microseconds, interpolated in the histogram \`cairn_blocks_stage_seconds\`. \`ingest\` is from the block's last message
to the bus, \`hash\` from the bus to the verdict, \`persist\` from the verdict to the end of the fsync, \`acknowledge\`
from there to the acknowledgement in the transport.

${table(["blocks", "stage", "p50", "p99", "within 5 ms"], stages)}

## Subscribers

50 blocks/s for ${rowSeconds} s to live subscribers, each with a connection of its own, all in one process on the same
machine. Behind: blocks between the newest acknowledged one and the slowest subscriber, the most in the second half
of the run, and at its end. Up to ${HELD_BLOCKS} (one second) while the publisher keeps its rate counts as held.

${
    table(
      [
        "bytes a block",
        "subscribers",
        "blocks/s in",
        "MB/s out",
        "cores, node",
        "cores, subscribers",
        "resident MB",
        "acknowledged after, ms p50 / p99",
        "live",
        "behind, most / last",
        "held",
      ],
      subscribers.map((r) => [
        `${r.blockBytes}`,
        `${r.subscribers}`,
        r.blocksPerSecond.toFixed(0),
        r.megabytesPerSecondOut.toFixed(0),
        r.cores.toFixed(2),
        r.subscriberCores.toFixed(2),
        r.residentMegabytes.toFixed(0),
        `${r.acknowledgedMs.p50.toFixed(1)} / ${r.acknowledgedMs.p99.toFixed(1)}`,
        r.subscribers === 0 ? "" : `${(r.live * 100).toFixed(0)} %`,
        r.subscribers === 0 ? "" : `${r.mostBehind} / ${r.lastBehind}`,
        r.subscribers === 0 ? "" : isHeld(r) ? "yes" : "no",
      ]),
    )
  }

## With little to do

Over ${rowSeconds} s, from ${
    SETTLE_MS / 1_000
  } s after the start on. Pages of files are the runtime's program and
libraries: the system shares them between processes, and may drop them.

${
    table(
      ["process", "load", "CPU", "resident MB", "of it pages of files"],
      use.map((r) => [
        r.process,
        r.load,
        `${(r.cores * 100).toFixed(2)} %`,
        r.residentMegabytes.toFixed(0),
        r.fileMegabytes.toFixed(0),
      ]),
    )
  }

The Rust block node states 40 MB and 0.15 % of a CPU at about 5 blocks/s, on an Apple M4 Pro
(spec of the block node, §9.1). ${comparison(use)}
`;
}

function isHeld({ mostBehind, blocksPerSecond }: SubscribersResult): boolean {
  return mostBehind <= HELD_BLOCKS && blocksPerSecond >= KEPT_BLOCKS_PER_SECOND;
}

/** Where this node stands beside that, and why. */
function comparison(use: readonly UseResult[]): string {
  const [bare, idle, few] = use;
  if (bare === undefined || idle === undefined || few === undefined) return "";
  const percent = (cores: number) => `${(cores * 100).toFixed(1)} %`;
  const megabytes = (value: number) => `${value.toFixed(0)} MB`;
  return `This node takes ${megabytes(few.residentMegabytes)} and ${percent(few.cores)} at 5 blocks/s, and ` +
    `${megabytes(idle.residentMegabytes)} and ${percent(idle.cores)} at rest: about ` +
    `${(few.residentMegabytes / 40).toFixed(0)} times the memory and ${
      (few.cores / 0.0015).toFixed(0)
    } times the CPU. ` +
    `The runtime alone takes ${
      megabytes(bare.residentMegabytes)
    } before the node's first line. The rest is a V8 heap ` +
    "for every thread (the node's own and those of its Workers), the shared memory of the bus, RocksDB's buffers, " +
    "and garbage that V8 leaves until it has to collect it. Another processor and another load: the figures are of " +
    "one order, not one table.";
}
