import assert from "node:assert/strict";
import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { locateKeys, pathId } from "./toml_locator.ts";

function linesOf(text: string): Record<string, number> {
  parse(text);
  return Object.fromEntries([...locateKeys(text)].map(([id, line]) => [id.replaceAll("\0", "/"), line]));
}

Deno.test("locateKeys() follows tables, dotted keys, quoted keys and comments", () => {
  assert.deepEqual(linesOf(`# head\na = 1\n[b]\nc.d = "x" # [z]\n["e.f"]\n'g' = 2\n"h\\u0041" = 3\n`), {
    "a": 2,
    "b": 3,
    "b/c": 4,
    "b/c/d": 4,
    "e.f": 5,
    "e.f/g": 6,
    "e.f/hA": 7,
  });
});

Deno.test("locateKeys() numbers the elements of arrays of tables", () => {
  assert.deepEqual(linesOf(`[[p]]\nx = 1\n[[p]]\nx = 2\n[p.q]\ny = 3\n`), {
    "p": 1,
    "p/0": 1,
    "p/0/x": 2,
    "p/1": 3,
    "p/1/x": 4,
    "p/1/q": 5,
    "p/1/q/y": 6,
  });
});

Deno.test("locateKeys() counts lines inside long strings, lists and inline tables", () => {
  const text =
    `a = """one\n# not a comment\n[no]\n"""\nb = [\n  1, # first\n  { c = 2 },\n]\nd = '''x\ny'''\ne = 1\n`;
  assert.deepEqual(linesOf(text), {
    "a": 1,
    "b": 5,
    "b/0": 6,
    "b/1": 7,
    "b/1/c": 7,
    "d": 9,
    "e": 11,
  });
});

Deno.test("locateKeys() is not led astray by quotes, escapes and line ends", () => {
  assert.deepEqual(linesOf(`a = "x\\"# = ["\r\nb = """\\\n  folded \\" "" end""""\r\nc = 'C:\\'\nd = {}\n`), {
    "a": 1,
    "b": 2,
    "c": 4,
    "d": 5,
  });
});

Deno.test("locateKeys() finds every key of any document", () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(fc.string(), { maxLength: 3 }),
      tie("table"),
      fc.array(tie("table"), { minLength: 1, maxLength: 3 }),
    ),
    table: fc.dictionary(fc.string(), tie("any"), { maxKeys: 4, noNullPrototype: true }),
  }));
  fc.assert(fc.property(value.table, (document) => {
    const text = stringify(document as Record<string, unknown>);
    const found = locateKeys(text);
    const visit = (node: unknown, path: (string | number)[]) => {
      if (path.length > 0) assert.ok(found.has(pathId(path)), `${JSON.stringify(path)} in\n${text}`);
      if (Array.isArray(node)) node.forEach((child, i) => visit(child, [...path, i]));
      else if (typeof node === "object" && node !== null) {
        for (const [key, child] of Object.entries(node)) visit(child, [...path, key]);
      }
    };
    visit(parse(text), []);
  }));
});
