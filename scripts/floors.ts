/**
 * The rule of the house: a room imports only from floors below it, and rooms of one floor do not import each other.
 *
 * {@link floorViolations} is pure; {@link readGraph} asks `deno info --json`.
 *
 * @module
 */

import { capture, firstComplaint, listFiles, ROOT } from "./process.ts";

/** One module imports another; paths relative to the root. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** A room and the floor it is on. */
export interface Room {
  readonly name: string;
  readonly floor: number;
}

/**
 * Generated code stands between the protocol cores, which are to know nothing of it, and the shells that speak it;
 * it is below floor 3 and above floor 2.
 */
const GENERATED_FLOOR = 2.5;

/** Rooms by the start of a path; `*` is the name of one room among several on the floor. First match wins. */
const HOUSE: readonly (readonly [pattern: string, floor: number])[] = [
  ["wasm/", 0],
  ["src/hot/", 1],
  ["src/kernel/", 2],
  ["src/protocols/*/", 2],
  ["proto/gen/", GENERATED_FLOOR],
  ["src/store/", 3],
  ["src/rpc/", 3],
  ["src/http/", 3],
  ["src/p2p/", 3],
  ["src/services/*/", 4],
  ["src/node.ts", 5],
];

/** The top floor is one room: the entry point calls the command line, and both are the program's face. */
const TOP: Room = { name: "top", floor: 6 };

/** @returns `undefined` for a file that is in no room. */
export function roomOf(path: string): Room | undefined {
  if (path === "mod.ts" || path === "src/main.ts" || path.startsWith("src/cli/")) return TOP;
  for (const [pattern, floor] of HOUSE) {
    const found = new RegExp(`^${pattern.replaceAll(".", "\\.").replace("*", "[^/]+")}`).exec(path);
    if (found) return { name: found[0].replace(/\/$/, ""), floor };
  }
  return undefined;
}

/** Files that may import anything: tests, and what only tests load. */
export function isExempt(path: string): boolean {
  return path.endsWith("_test.ts") || path.endsWith("_contract.ts");
}

/** One line for each import that breaks the rule, and for each file that is in no room. */
export function floorViolations(edges: readonly Edge[]): string[] {
  const violations = new Set<string>();
  for (const { from, to } of edges) {
    if (isExempt(from)) continue;
    const [importer, imported] = [roomOf(from), roomOf(to)];
    if (importer === undefined) violations.add(`${from} is in no room of the house`);
    if (imported === undefined) violations.add(`${from} imports ${to}, which is in no room of the house`);
    if (importer === undefined || imported === undefined || importer.name === imported.name) continue;
    if (imported.floor >= importer.floor) {
      violations.add(
        `${from} (floor ${importer.floor}, ${importer.name}) imports ${to} (floor ${imported.floor}, ${imported.name})`,
      );
    }
  }
  return [...violations].sort();
}

/** Manifest of the package, which any room may read. */
const MANIFEST = "deno.json";

/** Imports, type imports included, between all modules of `src`, `mod.ts` and what they reach. */
export async function readGraph(tempDir: string): Promise<Edge[]> {
  const sources = (await listFiles("src")).filter((path) => path.endsWith(".ts"));
  const root = `${tempDir}/graph_root.ts`;
  await Deno.writeTextFile(
    root,
    ["mod.ts", ...sources].map((path) => `import "file://${ROOT}${path}";\n`).join(""),
  );
  const { code, stdout, stderr } = await capture(Deno.execPath(), [
    "info",
    "--json",
    `--config=${ROOT}deno.json`,
    root,
  ]);
  if (code !== 0) throw new Error(`Cannot read the module graph: ${firstComplaint(stderr)}`);
  const prefix = `file://${ROOT}`;
  const edges: Edge[] = [];
  for (const module of JSON.parse(stdout).modules) {
    if (!module.specifier.startsWith(prefix)) continue;
    for (const dependency of module.dependencies ?? []) {
      for (const side of [dependency.code, dependency.type]) {
        const to: string | undefined = side?.specifier;
        if (!to?.startsWith(prefix) || to.includes("/node_modules/")) continue;
        edges.push({ from: module.specifier.slice(prefix.length), to: to.slice(prefix.length) });
      }
    }
  }
  return edges.filter(({ from, to }) => to !== MANIFEST && !from.startsWith(".cache/"));
}
