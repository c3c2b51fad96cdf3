import assert from "node:assert/strict";
import { drawBadge, parseLcov, percent } from "./coverage.ts";

const LCOV = "SF:/x/a.ts\nFNF:1\nDA:1,2\nLH:3\nLF:4\nend_of_record\nSF:/x/b.ts\nLH:0\nLF:4\nend_of_record\n";

Deno.test("parseLcov() reads the lines of each file", () => {
  assert.deepEqual(parseLcov(LCOV), [
    { path: "/x/a.ts", lines: 4, hit: 3 },
    { path: "/x/b.ts", lines: 4, hit: 0 },
  ]);
});

Deno.test("percent() weighs files by their lines", () => {
  assert.equal(percent(parseLcov(LCOV)), 37.5);
});

Deno.test("drawBadge() rounds down, so that the floor is never drawn before it is reached", () => {
  assert.match(drawBadge(79.99), /79 %/);
});
