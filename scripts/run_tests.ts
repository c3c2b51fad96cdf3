/**
 * Runs the tests: installs what they need from Debian where it can, builds the WASM if it is stale, runs the files
 * of unit tests and of `tests/` side by side and those that need the machine one after another, names the slowest, and
 * ends with a line `N passed, N failed, N skipped`.
 *
 * Arguments that name a file or folder choose what runs; all others go to `deno test`. With `--coverage=DIR` every
 * module of `src/` is loaded at least once, so that code no test touches counts too.
 *
 * @module
 */

import { capture, complain, deno, exists, listFiles, ROOT, run, say } from "./process.ts";
import { testPermissions, toFlags } from "./permissions.ts";
import { parseReport, type Report, skipLine, slowestLine } from "./test_report.ts";

/** Where temporary files of one run go; a folder of its own, so that nothing is left behind. */
const TEMP_PARENT = `${ROOT}.cache`;

/** Counts of the last run, for `scripts/ok.ts`. */
export const SUMMARY_PATH = `${TEMP_PARENT}/test_summary.json`;

/**
 * Files of `tests/` that need the machine for themselves: they keep all cores busy, or hold a process to the memory
 * it takes.
 */
const ALONE = [
  "tests/blocks_soak_test.ts",
  "tests/bus_soak_test.ts",
  "tests/rpc_connections_test.ts",
];

/**
 * Files that run side by side, for each core. Most tests wait: for a process to start, for a disk, for a time-out. One
 * file a core leaves half of every core idle; more than these make the starting processes wait for each other.
 */
const UNIT_FILES_PER_CORE = 2;
const PROCESS_FILES_PER_CORE = 1.5;

/** Slow files that are named. */
const NAMED_FILES = 8;

/** Programs that tests call, and the Debian package of each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  openssl: "openssl",
  zsh: "zsh",
  fish: "fish",
  b3sum: "b3sum",
};

async function isInstalled(program: string): Promise<boolean> {
  try {
    await capture(program, ["version"]);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Installs missing programs; where that is impossible says so in one line, and the tests that need them skip. */
async function installPrograms(): Promise<void> {
  let isUpdated = false;
  for (const [program, debianPackage] of Object.entries(PROGRAMS)) {
    if (await isInstalled(program)) continue;
    if (Deno.build.os === "linux" && Deno.uid() === 0 && await exists("/usr/bin/apt-get")) {
      if (!isUpdated) await capture("apt-get", ["update", "-q"]);
      isUpdated = true;
      const args = ["install", "-y", "-q", "--no-install-recommends", debianPackage];
      if ((await capture("apt-get", args)).code === 0) continue;
    }
    complain(
      `Cannot install '${program}': tests that need it are skipped; install package '${debianPackage}'`,
    );
  }
}

/** A test module that loads everything below `src/`. Workers and the entry point act when loaded, so not those. */
async function writeLoader(dir: string): Promise<string> {
  const modules = (await listFiles("src")).filter((path) =>
    path.endsWith(".ts") && !/(_test|_worker|\/main)\.ts$/.test(path)
  );
  const path = `${dir}/load_all_test.ts`;
  await Deno.writeTextFile(path, modules.map((module) => `import "file://${ROOT}${module}";\n`).join(""));
  return path;
}

/** Runs one set of files. A run that fails without a failed test (a crash, a module that does not load) is one. */
async function runFiles(
  files: readonly string[],
  flags: readonly string[],
  tempDir: string,
  filesPerCore?: number,
): Promise<Report> {
  const junit = `${tempDir}/report.xml`;
  await Deno.remove(junit).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const parallel = filesPerCore === undefined ? [] : ["--parallel"];
  const jobs = Math.max(1, Math.round(navigator.hardwareConcurrency * (filesPerCore ?? 1)));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      ...parallel,
      ...flags,
      `--junit-path=${junit}`,
      ...toFlags(testPermissions(tempDir)),
      ...files,
    ],
    cwd: ROOT,
    stdin: "null",
    env: { TMPDIR: tempDir, DENO_JOBS: `${jobs}` },
  }).spawn();
  const { code } = await child.status;
  const report = parseReport(await exists(junit) ? await Deno.readTextFile(junit) : "");
  return code !== 0 && report.failed === 0 ? { ...report, failed: 1 } : report;
}

async function main(args: readonly string[]): Promise<number> {
  const chosen: string[] = [];
  const passed: string[] = [];
  for (const arg of args) (await exists(arg) ? chosen : passed).push(arg);
  const coverage = passed.some((arg) => arg.startsWith("--coverage"));

  await installPrograms();
  if (
    await deno(
      "run",
      "--no-prompt",
      "--allow-read",
      "--allow-write=wasm",
      "scripts/wasm.ts",
      "--if-stale",
    ) !== 0
  ) {
    complain("Cannot run the tests: wasm/hot.wasm is stale and does not build");
    say("0 passed, 1 failed, 0 skipped");
    return 1;
  }

  await Deno.mkdir(TEMP_PARENT, { recursive: true });
  const tempDir = await Deno.realPath(await Deno.makeTempDir({ dir: TEMP_PARENT, prefix: "tests-" }));
  const common = ["--no-check", "--shuffle", "--sanitize-ops", "--sanitize-resources", ...passed];
  if (coverage) common.push("--coverage-raw-data-only");
  const reports: Report[] = [];
  try {
    if (chosen.length > 0) {
      reports.push(await runFiles(chosen, ["--permit-no-files", ...common], tempDir));
    } else {
      const unit = ["src", "scripts", "mod.ts"];
      if (coverage) unit.push(await writeLoader(tempDir));
      reports.push(await runFiles(unit, ["--doc", ...common], tempDir, UNIT_FILES_PER_CORE));
      const others = ["--permit-no-files", `--ignore=${ALONE.join(",")}`, ...common];
      reports.push(await runFiles(["tests"], others, tempDir, PROCESS_FILES_PER_CORE));
      reports.push(await runFiles(ALONE, ["--permit-no-files", ...common], tempDir));
    }
  } finally {
    await removeTree(tempDir);
  }

  // Deno reports what a filter leaves out as skipped too.
  const filtered = passed.some((arg) => arg.startsWith("--filter"));
  const skipped = filtered ? [] : reports.flatMap((report) => report.skipped);
  const total = {
    passed: reports.reduce((sum, report) => sum + report.passed, 0),
    failed: reports.reduce((sum, report) => sum + report.failed, 0),
    skipped: skipped.length,
  };
  for (const name of skipped) say(skipLine(name));
  if (chosen.length === 0) say(slowestLine(reports.flatMap((report) => report.files), NAMED_FILES));
  await Deno.writeTextFile(SUMMARY_PATH, JSON.stringify(total));
  say(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}

/** Removes what the tests left, even folders they made unreadable; a leftover must not fail the run. */
async function removeTree(dir: string): Promise<void> {
  const code = await run("rm", ["-rf", dir]);
  if (code !== 0) complain(`Cannot remove '${dir}': left behind by a test`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
