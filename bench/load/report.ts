/**
 * The load test's results as raw data and as a page.
 *
 * @module
 */

import { type Machine, machineLine, table } from "../_report.ts";
import type { StageLatency } from "./stages.ts";

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
  readonly results: readonly LoadResult[];
}

const RAW = new URL("../results/load.json", import.meta.url);
const PAGE = new URL("../../docs/benchmarks/load.md", import.meta.url);

/** Writes both files. */
export async function writeReport(report: LoadReport): Promise<void> {
  await Deno.writeTextFile(RAW, `${JSON.stringify(report, undefined, 2)}\n`);
  await Deno.writeTextFile(PAGE, page(report));
}

function page({ date, commit, command, machine, results }: LoadReport): string {
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

The node parses, hashes, links, stores with fsync and acknowledges every block. The bare server answers every block
end and does nothing else: it is what the transport alone costs, with the same client.

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
`;
}
