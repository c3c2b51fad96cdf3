/**
 * What block proofs cost: time of each kind, and how many one core checks in a second.
 *
 * Writes `bench/results/proofs.json` and `docs/benchmarks/proofs.md`. Needs the real blocks that `CAIRN_VECTORS` names.
 *
 * @module
 */

import { vectorsDir } from "../tests/vectors.ts";
import { type ProofCase, proofCases } from "./_proof_cases.ts";
import { busyNote, currentCommit, describeMachine, type Machine, machineLine, table } from "./_report.ts";

/** Measured time of each case, after as much again to let the compiler settle. */
const CASE_MS = 3_000;
const MIN_RUNS = 5;

interface ProofRow {
  readonly group: string;
  readonly name: string;
  readonly count: number;
  readonly runs: number;
  /** Of one proof. */
  readonly medianMs: number;
  readonly bestMs: number;
  readonly worstMs: number;
}

interface ProofsReport {
  readonly date: string;
  readonly commit: string;
  readonly command: string;
  readonly machine: Machine;
  readonly rows: readonly ProofRow[];
}

function timeRuns(run: () => void): number[] {
  const times: number[] = [];
  const startedMs = performance.now();
  while (times.length < MIN_RUNS || performance.now() - startedMs < CASE_MS) {
    const before = performance.now();
    run();
    times.push(performance.now() - before);
  }
  return times;
}

function measure({ group, name, count, run }: ProofCase): ProofRow {
  timeRuns(run);
  const sorted = timeRuns(run).toSorted((a, b) => a - b);
  return {
    group,
    name,
    count,
    runs: sorted.length,
    medianMs: sorted[sorted.length >> 1]! / count,
    bestMs: sorted[0]! / count,
    worstMs: sorted.at(-1)! / count,
  };
}

function page({ date, commit, command, machine, rows }: ProofsReport): string {
  const perSecond = (row: ProofRow) => (1_000 / row.medianMs).toFixed(0);
  return `# Block proofs

Measured ${date} at commit ${commit} by \`${command}\`: ${machineLine(machine)}.
One thread; each case for ${
    CASE_MS / 1_000
  } s after as long a warm-up. Raw data: [proofs.json](../../bench/results/proofs.json).
${busyNote(machine)}
The first row is the peer of those below it: the same library of curves, every pairing by itself, as the specification
writes them. How the rest was won is in [block-proofs.md](../block-proofs.md). A real network makes a block every one
or two seconds; the node checks proofs in a Worker, one by one as blocks come and in batches when it catches up.

${
    table(
      ["what", "ms each, median", "best / worst", "a second, one core"],
      rows.map((row) => [
        `${row.group}: ${row.name}`,
        row.medianMs.toFixed(2),
        `${row.bestMs.toFixed(2)} / ${row.worstMs.toFixed(2)}`,
        perSecond(row),
      ]),
    )
  }
`;
}

if (import.meta.main) {
  const dir = vectorsDir();
  if (dir === undefined) throw new Error("Cannot measure proofs: CAIRN_VECTORS names no folder");
  const machine = describeMachine();
  const commit = await currentCommit();
  const rows = proofCases(dir).map((one) => {
    const row = measure(one);
    // deno-lint-ignore no-console -- progress of a script
    console.error(`${row.group}, ${row.name}: ${row.medianMs.toFixed(2)} ms`);
    return row;
  });
  const report: ProofsReport = {
    date: new Date().toISOString().slice(0, 10),
    commit,
    command: "deno task bench:proofs",
    machine,
    rows,
  };
  await Deno.writeTextFile(
    new URL("./results/proofs.json", import.meta.url),
    `${JSON.stringify(report, undefined, 2)}\n`,
  );
  await Deno.writeTextFile(new URL("../docs/benchmarks/proofs.md", import.meta.url), page(report));
}
