// docs/scenarios.md names tests: they exist, and every row of the specification's tables is there once.

import assert from "node:assert/strict";
import { ROOT } from "../scripts/process.ts";

const PAGE = "docs/scenarios.md";
/** Rows of spec §10 by their letter. */
const ROWS = { P: 24, S: 17, A: 10, V: 7, D: 14 } as const;

interface Reference {
  readonly text: string;
  /** From the folder of the page. */
  readonly path: string;
}

interface Row {
  readonly id: string;
  readonly references: readonly Reference[];
}

/** Rows of the page's tables. A reference is a link whose text is the name of a test, or what a decision says. */
function parseRows(page: string): Row[] {
  return [...page.matchAll(/^\| ([A-Z]\d+) +\|[^|]+\|([^|]+)\|$/gm)].map(([, id, cell]) => ({
    id: id!,
    references: [...cell!.matchAll(/\[([^\]]+)\]\(([^)\s]+)\)/g)]
      .map(([, text, path]) => ({ text: text!.replaceAll("\\", ""), path: path! })),
  }));
}

/** Names of tests and of their steps, as they are written. */
async function namesIn(path: string): Promise<ReadonlySet<string>> {
  const source = await Deno.readTextFile(new URL(path, `file://${ROOT}docs/`));
  const names = source.matchAll(
    /(?:Deno\.test|vectorTest|\.step)\(\s*(?:\{\s*name:\s*)?(["`])((?:\\.|(?!\1).)+)\1/g,
  );
  return new Set([...names].map(([, , name]) => name!));
}

const rows = parseRows(await Deno.readTextFile(ROOT + PAGE));

Deno.test("docs/scenarios.md has every row of the specification once", () => {
  const wanted = Object.entries(ROWS).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, i) => `${letter}${i + 1}`)
  );
  assert.deepEqual(rows.map(({ id }) => id), wanted);
});

Deno.test("docs/scenarios.md names tests that exist, and decisions that name their row", async () => {
  const problems: string[] = [];
  for (const { id, references } of rows) {
    if (references.length === 0) problems.push(`${id} names neither a test nor a decision`);
    for (const { text, path } of references) {
      if (path.endsWith("_test.ts")) {
        if (!(await namesIn(path)).has(text)) problems.push(`${id}: no test '${text}' in ${path}`);
      } else if (/^decisions\/\d{4}-/.test(path)) {
        const decision = await Deno.readTextFile(`${ROOT}docs/${path}`);
        if (!new RegExp(`\\b${id}\\b`).test(decision)) problems.push(`${id} is not in ${path}`);
      } else problems.push(`${id}: '${path}' is neither a test nor a decision`);
    }
  }
  assert.deepEqual(problems, []);
});

Deno.test("parseRows() and namesIn() see what they should, so that the tests above can fail", async () => {
  const row = "| P1 | what | [a name](../tests/a_test.ts); decision: [b](decisions/0001-b.md) |";
  assert.deepEqual(parseRows(`x\n${row}\n| not | a | row |`), [{
    id: "P1",
    references: [{ text: "a name", path: "../tests/a_test.ts" }, { text: "b", path: "decisions/0001-b.md" }],
  }]);
  const names = await namesIn("../tests/scenarios_test.ts");
  assert.ok(names.has("docs/scenarios.md has every row of the specification once"));
  assert.ok(!names.has("docs/scenarios.md has every row"));
});
