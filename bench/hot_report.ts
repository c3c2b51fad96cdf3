/**
 * Measures every kernel of `hot.wasm` beside its peers and writes `bench/results/hot.json`, `docs/benchmarks/hot.md`
 * and `docs/benchmarks/hot.svg`.
 *
 * Rounds are interleaved: each runs every contender of every row once, so that a slow spell of the machine hits all
 * alike. Figures are medians over the rounds; a ratio is the quotient of two medians.
 *
 * @module
 */

import { barChart } from "./_chart.ts";
import { currentCommit, describeMachine, machineLine, table } from "./_report.ts";
import { bestPeer, type Contender, type Family, inUnit, type Row, type Verdict } from "./hot/_rows.ts";
import { auxpowRows } from "./hot/auxpow_rows.ts";
import { blake3Rows } from "./hot/blake3_rows.ts";
import { keccakRows } from "./hot/keccak_rows.ts";
import { rlpRows } from "./hot/rlp_rows.ts";
import { sha256Rows } from "./hot/sha256_rows.ts";

const ROUNDS = 7;

const FAMILIES: readonly (() => Promise<Family>)[] = [
  blake3Rows,
  keccakRows,
  sha256Rows,
  rlpRows,
  auxpowRows,
];

/** One contender over all rounds, in the unit of its row. */
interface Figure {
  readonly name: string;
  readonly kind: Contender["kind"];
  /** Absent if what it needs is. */
  readonly median?: number;
  readonly least?: number;
  readonly greatest?: number;
}

interface Result {
  readonly family: string;
  readonly name: string;
  readonly unit: Row["unit"];
  readonly figures: readonly Figure[];
  readonly bestPeer?: { readonly name: string; readonly ratio: number };
  readonly asks: readonly ({ readonly text: string } & Partial<Verdict>)[];
}

/** Nanoseconds by round. */
type Samples = Map<Contender, number[]>;

async function measureRound(rows: readonly Row[], samples: Samples): Promise<void> {
  for (const { contenders } of rows) {
    for (const contender of contenders) {
      const nanos = await contender.measure();
      if (nanos !== undefined) samples.set(contender, [...samples.get(contender) ?? [], nanos]);
    }
  }
}

function toResult(family: string, row: Row, samples: Samples): Result {
  const speeds = new Map<string, number>();
  const figures = row.contenders.map((contender): Figure => {
    const { name, kind } = contender;
    const sorted = samples.get(contender)?.map((nanos) => row.work / nanos).sort((a, b) => a - b);
    if (sorted === undefined) return { name, kind };
    const median = sorted[sorted.length >>> 1]!;
    speeds.set(name, median);
    const ends = [inUnit(row, sorted[0]!), inUnit(row, sorted.at(-1)!)];
    return { name, kind, median: inUnit(row, median), least: Math.min(...ends), greatest: Math.max(...ends) };
  });
  const peer = bestPeer(row, speeds);
  const own = speeds.get(row.contenders[0]!.name)!;
  const asks = row.asks.map((ask) => ({ text: ask.text, ...ask.judge(row, speeds) }));
  const best = peer && { name: peer.name, ratio: own / peer.speed };
  return { family, name: row.name, unit: row.unit, figures, ...(best && { bestPeer: best }), asks };
}

const show = (value: number) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

function showAsk({ text, met, factor }: Result["asks"][number]): string {
  const outcome = met === undefined ? "peer absent" : met ? "met" : "NOT MET";
  return `${text}: ${outcome}${factor === undefined ? "" : ` (${show(factor)} x)`}`;
}

function showFigure({ median, least, greatest }: Figure, unit: string): string[] {
  if (median === undefined) return ["absent", ""];
  return [`${show(median)} ${unit}`, `${show(least!)} to ${show(greatest!)}`];
}

function toPage(report: Report): string {
  const { date, commit, command, machine, rounds, results } = report;
  const families = [...new Set(results.map(({ family }) => family))];
  const details = families.map((family) => {
    const rows = results.filter((result) => result.family === family).flatMap(({ name, unit, figures }) =>
      figures.map((figure, i) => [i === 0 ? name : "", figure.name, figure.kind, ...showFigure(figure, unit)])
    );
    return `## ${family}\n\n${table(["what", "who", "kind", "median", "least to greatest"], rows)}`;
  });
  const summary = results.map(({ name, unit, figures, bestPeer, asks }) => [
    name,
    showFigure(figures[0]!, unit)[0]!,
    bestPeer === undefined ? "" : `${show(bestPeer.ratio)} x ${bestPeer.name}`,
    asks.map(showAsk).join("; "),
  ]);
  return `# Kernels

Measured ${date} at commit ${commit} by \`${command}\`: ${machineLine(machine)}.
Medians of ${rounds} interleaved rounds; a ratio is the quotient of two medians. Raw data:
[hot.json](../../bench/results/hot.json).

![How many times as fast as the best npm peer](hot.svg)

${table(["what", "Cairn", "best npm peer", "asked"], summary)}

## How it is measured

- "In place" is a kernel called on bytes that lie in shared memory already; "ordinary bytes" is the function that
  takes and returns a \`Uint8Array\`. Peers get ordinary bytes, which is their natural form.
- Each peer is called in the fastest form its documentation shows: hash-wasm with one hasher that is used again and
  binary output, blake3-jit with \`hashInto()\`, blake3-wasm with \`hash()\`, @noble/hashes with its function,
  node:crypto with \`hash()\`, whose digests as hex are decoded in place (its Buffers take longer).
- Programs measure themselves (\`openssl speed\`), or their start-up is measured and taken off (b3sum on a file in
  the page cache). They run native code with instructions that WASM does not have.

${details.join("\n\n")}
`;
}

interface Report {
  readonly date: string;
  readonly machine: ReturnType<typeof describeMachine>;
  readonly commit: string;
  readonly command: string;
  readonly rounds: number;
  readonly results: readonly Result[];
}

if (import.meta.main) {
  const machine = describeMachine();
  const families: Family[] = [];
  for (const open of FAMILIES) families.push(await open());
  const rows = families.flatMap(({ rows }) => rows);
  const samples: Samples = new Map();
  // Round 0 warms every path up and is thrown away.
  for (let round = 0; round <= ROUNDS; round++) {
    if (round === 1) samples.clear();
    await measureRound(rows, samples);
  }
  for (const family of families) await family.close?.();

  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    machine,
    commit: await currentCommit(),
    command: "deno task bench:report",
    rounds: ROUNDS,
    results: families.flatMap(({ name, rows }) => rows.map((row) => toResult(name, row, samples))),
  };
  const bars = report.results.flatMap(({ name, bestPeer }) =>
    bestPeer === undefined ? [] : [{ label: name, ratio: bestPeer.ratio, peer: bestPeer.name }]
  );
  const subtitle =
    `logarithmic; ${machine.cpu}, Deno ${machine.deno}, ${report.date}, commit ${report.commit}`;
  const write = (path: string, text: string) => Deno.writeTextFile(new URL(path, import.meta.url), text);
  await write("./results/hot.json", `${JSON.stringify(report, undefined, 2)}\n`);
  await write("../docs/benchmarks/hot.svg", barChart("Times as fast as the best npm peer", subtitle, bars));
  const page = toPage(report);
  await write("../docs/benchmarks/hot.md", page);
  await Deno.stdout.write(new TextEncoder().encode(page));
}
