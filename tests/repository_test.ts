/**
 * Rules of the repository that no linter holds: pins, permissions, links, versions, words.
 *
 * @module
 */

import assert from "node:assert/strict";
import manifest from "../deno.json" with { type: "json" };
import { exists, listFiles, ROOT } from "../scripts/process.ts";
import { nodePermissions, SYSTEMD_PERMISSIONS, toFlags, widen } from "../scripts/permissions.ts";

/** The runtime; later releases corrupt memory in node:http2 (docs/decisions). */
const DENO_VERSION = "2.9.3";

const TEXT =
  /\.(ts|md|json|toml|ya?ml|proto|service|svg|sh|txt)$|(^|\/)(Dockerfile|\.ci\/run|\.dockerignore|LICENSE-[A-Z0-9]+)$/;

interface Line {
  readonly at: string;
  readonly text: string;
}

async function linesOf(paths: readonly string[]): Promise<Line[]> {
  const lines: Line[] = [];
  for (const path of paths) {
    const text = await Deno.readTextFile(ROOT + path);
    text.split("\n").forEach((line, index) => lines.push({ at: `${path}:${index + 1}`, text: line }));
  }
  return lines;
}

const find = (lines: readonly Line[], pattern: RegExp) =>
  lines.filter(({ text }) => pattern.test(text)).map(({ at, text }) => `${at}: ${text.trim().slice(0, 120)}`);

const isGenerated = (path: string) => path.startsWith("proto/gen/");
const isModule = (path: string) =>
  path.endsWith(".ts") && !isGenerated(path) && !path.startsWith("wasm/assembly/");

const files = await listFiles();
const texts = await linesOf(files.filter((path) => TEXT.test(path)));
const modules = await linesOf(files.filter(isModule));

Deno.test("Repository: every task has a description", () => {
  const tasks = Object.entries(manifest.tasks);
  assert(tasks.length >= 11);
  assert.deepEqual(tasks.filter(([, { description }]) => description.length < 4).map(([name]) => name), []);
});

Deno.test("Repository: nothing runs with all permissions", () => {
  assert.deepEqual(find(texts, /(deno|run|test|bench|compile|serve)\s[^`]*(\s-A\b|--allow-al[l]\b)/), []);
});

Deno.test("Repository: dependencies are pinned exactly", () => {
  const pin = /^npm:\/?(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+(-[\w.]+)?\/?$/;
  assert.deepEqual(Object.entries(manifest.imports).filter(([, target]) => !pin.test(target)), []);
});

Deno.test("Repository: source modules import npm packages only through the pins", () => {
  assert.deepEqual(find(modules, /(from|import\()\s*"(npm|jsr|https?):/), []);
});

Deno.test(`Repository: every mention of the runtime says ${DENO_VERSION}`, () => {
  const mentions = texts.filter(({ text }) => /\bdeno@\d/.test(text));
  assert(mentions.some(({ at }) => at.startsWith("README.md:")));
  assert(mentions.some(({ at }) => at.startsWith(".ci/run:")));
  assert(mentions.some(({ at }) => at.startsWith("Dockerfile:")));
  assert(mentions.some(({ at }) => at.startsWith(".github/workflows/")));
  assert.deepEqual(find(mentions, /\bdeno@(?!2\\?\.9\\?\.3\b)/), []);
});

Deno.test("Repository: task dev, the container and the systemd unit grant what scripts/permissions.ts lists", async () => {
  const quoted = (flags: readonly string[]) => flags.map((flag) => flag.replace("CAIRN_*", "'CAIRN_*'"));
  const holds = (text: string, flags: readonly string[], where: string) => {
    const words = text.replaceAll("\\\n", " ").replaceAll('"', " ").split(/\s+/);
    const granted = words.filter((word) => word.startsWith("--allow-"));
    const wanted = flags.filter((flag) => flag.startsWith("--allow-"));
    assert.deepEqual(granted.sort(), wanted.sort(), where);
    for (const flag of ["--no-prompt", "--ignore-env"]) assert(words.includes(flag), `${where}: ${flag}`);
  };
  const flags = (dataDir: string, profile?: string) =>
    toFlags(nodePermissions({ dataDir, readable: [] }, profile));
  holds(manifest.tasks.dev.command, quoted(flags("data")), "task dev");
  const stages = (await Deno.readTextFile(`${ROOT}Dockerfile`)).split(/^FROM /m);
  for (const [stage, profile] of [["blocks", "default"], ["rootstock", "rootstock"]] as const) {
    const text = stages.find((text) => text.startsWith(`runtime AS ${stage}\n`)) ?? "";
    const entry = /^ENTRYPOINT .*$/m.exec(text)?.[0] ?? "";
    holds(entry, flags("/data", profile), `Dockerfile, ${stage}`);
  }
  for (
    const [path, profile] of [
      ["deploy/cairn.service", "default"],
      ["deploy/cairn.service.d/rootstock.conf", "rootstock"],
    ] as const
  ) {
    const unit = await Deno.readTextFile(`${ROOT}${path}`);
    const start = /^ExecStart=\S(?:.*\\\n)*.*$/m.exec(unit)?.[0] ?? "";
    const paths = { dataDir: "/var/lib/cairn", readable: ["/etc/cairn"] };
    holds(start, toFlags(widen(nodePermissions(paths, profile), SYSTEMD_PERMISSIONS)), path);
  }
});

Deno.test("Repository: relative links of every Markdown page lead somewhere", async () => {
  const broken: string[] = [];
  for (const path of files.filter((file) => file.endsWith(".md"))) {
    const text = (await Deno.readTextFile(ROOT + path)).replace(/```[\s\S]*?```/g, "");
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^([a-z]+:|#)/.test(target!)) continue;
      const file = new URL(target!.replace(/#.*$/, ""), `file://${ROOT}${path}`);
      if (!await exists(decodeURIComponent(file.pathname))) broken.push(`${path}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

Deno.test("Repository: README stays under 200 lines", async () => {
  const lines = (await Deno.readTextFile(`${ROOT}README.md`)).split("\n").length;
  assert(lines < 200, `${lines} lines`);
});

Deno.test("Repository: CHANGELOG has an entry for the current version", async () => {
  const changelog = await Deno.readTextFile(`${ROOT}CHANGELOG.md`);
  assert(changelog.includes(`## ${manifest.version}`), manifest.version);
});

Deno.test("Repository: no machine paths, no registry hosts, no words that are not about the project", () => {
  const foreign = new RegExp(
    [
      String.raw`(^|[^.\w])/(wor[k]|roo[t]|home/[a-z])/`,
      String.raw`https?://registry[.]`,
      String.raw`\b(A[I]|L[L]M|languag[e] model|suba[g]ent|coding agen[t])\b`,
      String.raw`\b(TO[D]O|FIX[M]E|XX[X])\b`,
    ].join("|"),
  );
  assert.deepEqual(find(texts, foreign), []);
});

Deno.test("Repository: no default exports, and no star exports outside mod.ts", () => {
  assert.deepEqual(find(modules, /^export default\b/), []);
  assert.deepEqual(find(modules.filter(({ at }) => !at.startsWith("mod.ts:")), /^export \* /), []);
});

Deno.test("Repository: no catch block is empty", async () => {
  const empty: string[] = [];
  for (const path of files.filter(isModule)) {
    if (/catch\s*(\([^)]*\))?\s*\{\s*\}/.test(await Deno.readTextFile(ROOT + path))) empty.push(path);
  }
  assert.deepEqual(empty, []);
});

Deno.test("Repository: no module is longer than 500 lines", () => {
  const lengths = new Map<string, number>();
  for (const { at } of modules) {
    const path = at.replace(/:\d+$/, "");
    lengths.set(path, (lengths.get(path) ?? 0) + 1);
  }
  assert.deepEqual([...lengths].filter(([, lines]) => lines > 501), []);
});
