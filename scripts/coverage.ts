/**
 * Line coverage of `src/`: runs the tests with coverage, prints the figure, fails below the floor, and draws
 * `docs/coverage.svg`. `--report` only reports on what `scripts/run_tests.ts --coverage` has left, and draws nothing
 * unless `--badge` asks for it.
 *
 * @module
 */

import { capture, complain, deno, firstComplaint, ROOT, say } from "./process.ts";

/** Where the raw profiles are, relative to the root. */
export const PROFILE_DIR = "coverage/profile";

/** The plan asks for at least 80 % of the lines. */
const FLOOR_PERCENT = 80;

/** Worst files that are named; the full list is in `coverage/lcov.info`. */
const NAMED_FILES = 10;

/** Lines of one file. */
export interface FileCoverage {
  readonly path: string;
  readonly lines: number;
  readonly hit: number;
}

/** Reads the totals of each file from an lcov report. */
export function parseLcov(lcov: string): FileCoverage[] {
  return lcov.split("end_of_record").flatMap((record) => {
    const path = /^SF:(.+)$/m.exec(record)?.[1];
    if (path === undefined) return [];
    const number = (key: string) => Number(new RegExp(`^${key}:(\\d+)$`, "m").exec(record)?.[1] ?? 0);
    return [{ path, lines: number("LF"), hit: number("LH") }];
  });
}

/** Share of lines hit, in percent; no lines at all count as fully covered. */
export function percent(files: readonly FileCoverage[]): number {
  const lines = files.reduce((sum, file) => sum + file.lines, 0);
  return lines === 0 ? 100 : 100 * files.reduce((sum, file) => sum + file.hit, 0) / lines;
}

/** A flat badge with the whole percentage. */
export function drawBadge(value: number): string {
  const figure = `${Math.floor(value)} %`;
  const colour = value >= 90 ? "#3fb950" : value >= FLOOR_PERCENT ? "#8aa620" : "#d1494b";
  const text = (x: number, words: string) =>
    `<text x="${x}" y="14" text-anchor="middle" fill="#fff" font-family="Verdana,sans-serif" font-size="11">${words}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="106" height="20" role="img" aria-label="coverage: ${figure}">`,
    `<rect width="62" height="20" fill="#444"/><rect x="62" width="44" height="20" fill="${colour}"/>`,
    text(31, "coverage"),
    text(84, figure),
    "</svg>",
    "",
  ].join("\n");
}

async function main(args: readonly string[]): Promise<number> {
  const reportOnly = args.includes("--report");
  if (!reportOnly) {
    const code = await deno("task", "--quiet", "test", `--coverage=${PROFILE_DIR}`);
    if (code !== 0) return code;
  }
  const lcov = `${ROOT}coverage/lcov.info`;
  const { code, stderr } = await capture(Deno.execPath(), [
    "coverage",
    "--lcov",
    `--output=${lcov}`,
    `--include=^file://${ROOT}src/`,
    "--exclude=_test\\.ts$",
    PROFILE_DIR,
  ]);
  if (code !== 0) {
    complain(`Cannot report coverage: ${firstComplaint(stderr)}`);
    return 1;
  }
  const files = parseLcov(await Deno.readTextFile(lcov));
  const worst = files.filter((file) => file.hit < file.lines).sort((a, b) => percent([a]) - percent([b]));
  for (const file of worst.slice(0, NAMED_FILES)) {
    say(`${percent([file]).toFixed(1).padStart(5)} %  ${file.path.slice(ROOT.length)}`);
  }
  const total = percent(files);
  say(
    `${
      total.toFixed(1)
    } % of the lines in src/ are covered (${files.length} files, floor ${FLOOR_PERCENT} %)`,
  );
  if (!reportOnly || args.includes("--badge")) {
    await Deno.writeTextFile(`${ROOT}docs/coverage.svg`, drawBadge(total));
  }
  return total < FLOOR_PERCENT ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
