/**
 * A soak's result as raw data and as a page.
 *
 * @module
 */

import { busyNote, type Machine, machineLine, table } from "../_report.ts";
import { WARM_UP_SECONDS } from "./memory.ts";
import type { SoakSettings } from "./settings.ts";
import type { SoakResult } from "./soak.ts";

/** A whole run. */
export interface SoakReport {
  readonly date: string;
  readonly commit: string;
  readonly command: string;
  readonly machine: Machine;
  readonly settings: SoakSettings;
  readonly result: SoakResult;
}

const RAW = new URL("../results/soak.json", import.meta.url);
const PAGE = new URL("../../docs/benchmarks/soak.md", import.meta.url);

/** Writes both files. */
export async function writeReport(report: SoakReport): Promise<void> {
  await Deno.writeTextFile(RAW, `${JSON.stringify(report, undefined, 2)}\n`);
  await Deno.writeTextFile(PAGE, page(report));
}

const count = (value: number) => Math.round(value).toLocaleString("en");
const tally = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).toSorted(([, a], [, b]) => b - a).map(([name, times]) => `${name} ${count(times)}`)
    .join(", ") || "none";

function page({ date, commit, command, machine, settings, result }: SoakReport): string {
  const { memory, acknowledgedMs } = result;
  const megabytes = (value: number) => value.toFixed(0);
  const fast = result.subscribers.filter(({ pauseMs }) => pauseMs === 0);
  const slow = result.subscribers.filter(({ pauseMs }) => pauseMs > 0);
  const rate = result.blocks / result.seconds;
  return `# Soak

Measured ${date} at commit ${commit} by \`${command}\`: ${machineLine(machine)}.
Publishers, subscribers and the checks share the machine with the node.
Raw data: [soak.json](../../bench/results/soak.json).
${busyNote(machine)}
One node under ${settings.publishers} publishers that race for every block, each a process of its own;
${fast.length} subscribers as fast as they can and ${slow.length} that pause after every block. Publishers die by
kill -9 at random moments and come back within some seconds; the node ${
    settings.nodeKillSeconds === 0
      ? "is left alone"
      : `dies by kill -9 every ${settings.nodeKillSeconds} s and starts again on the same data`
  }. Blocks are due at fixed times, so that what a dead
node missed is caught up with. Generated blocks carry no network's signature: \`blocks.proofs\` is off, and what
proofs cost is told [apart](proofs.md).

**${
    result.violations.length === 0
      ? "No violation."
      : `${result.violations.length} violations: ${result.violations.slice(0, 5).join("; ")}`
  }** Checked: after every restart the node has every block it had acknowledged or shown to a
subscriber; the newest blocks and a sample of the old ones are served by getBlock with the bytes that were sent, then all those of
the last minute as far as time allows; at the end every block is. No subscriber gets a gap, a double or other bytes, over all its calls;
the fast ones get the last block. The second half of the run needs at most a quarter more memory than the first.

${
    table(["", "asked", "reached"], [
      ["minutes", (settings.seconds / 60).toFixed(1), (result.seconds / 60).toFixed(1)],
      ["blocks/s", `${settings.blocksPerSecond}`, rate.toFixed(1)],
      ["blocks", count(settings.blocksPerSecond * settings.seconds), count(result.blocks)],
      ["bytes of a block", count(settings.items * settings.itemBytes), count(result.blockBytes)],
      ["MB/s in", "", (rate * result.blockBytes / 1e6).toFixed(1)],
      [
        "MB/s out to subscribers",
        "",
        (result.subscribedBlocks * result.blockBytes / result.seconds / 1e6).toFixed(0),
      ],
      ["kill -9 of the node", "", count(result.nodeKills)],
      ["kill -9 of a publisher", "", count(result.publisherKills)],
      ["start to ready, longest, s", "", result.slowestRestartSeconds.toFixed(1)],
      ["blocks compared by getBlock", "", count(result.comparedBlocks)],
      ["blocks that subscribers got", "", count(result.subscribedBlocks)],
      [
        "acknowledged after, ms p50 / p99",
        "",
        `${acknowledgedMs.p50.toFixed(1)} / ${acknowledgedMs.p99.toFixed(1)}`,
      ],
      ["cores of the node, mean", "", result.cores.toFixed(2)],
    ])
  }

An acknowledgement is measured from the block's end sent to its arrival, at the publisher that won the block;
catching up after a restart is part of it.

## Memory

Resident MB of the node${
    settings.nodeKillSeconds === 0
      ? ", one process"
      : `, each process of which lives ${settings.nodeKillSeconds} s`
  }. The means leave out the first ${WARM_UP_SECONDS} s of a process, while it
compiles and its caches fill.

${
    table(["start", "middle", "end", "first half", "second half", "highest"], [[
      megabytes(memory.startMegabytes),
      megabytes(memory.middleMegabytes),
      megabytes(memory.endMegabytes),
      megabytes(memory.firstHalfMegabytes),
      megabytes(memory.secondHalfMegabytes),
      megabytes(memory.peakMegabytes),
    ]])
  }

Minute by minute, with the first seconds of each process: ${
    memory.byMinuteMegabytes.map(megabytes).join(", ")
  }.
Least squares over the whole run: ${
    memory.slopeMegabytesPerHour.toFixed(0)
  } MB an hour. Within a life, past its
start: ${memory.growthInLifeMegabytesPerMinute.toFixed(0)} MB a minute.

## Subscribers

${
    table(
      ["pause after a block, ms", "blocks"],
      [...new Set(fast.map(({ blocks }) => blocks))].map((blocks) => [
        `none (${fast.filter((one) => one.blocks === blocks).length} subscribers)`,
        count(blocks),
      ]).concat(slow.map(({ pauseMs, blocks }) => [`${pauseMs}`, count(blocks)])),
    )
  }

Calls that ended and were taken up again. Publishers: ${tally(result.publisherEnds)}. Subscribers:
${tally(result.subscriberEnds)}.
`;
}
