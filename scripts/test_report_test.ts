import assert from "node:assert/strict";
import { parseReport, skipLine, slowestLine } from "./test_report.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="2" errors="0" time="1.0">
    <testsuite name="./a_test.ts" tests="5" disabled="1" errors="0" failures="2">
        <testcase name="a &amp; &lt;b&gt; works" classname="./a_test.ts" time="0.001" line="2" col="6">
        </testcase>
        <testcase name="get() finds (needs CAIRN_VECTORS)" classname="./a_test.ts" time="0.000">
            <skipped/>
        </testcase>
        <testcase name="fails" classname="./a_test.ts" time="0.001">
            <failure message="Uncaught Error: boom">Error: boom</failure>
        </testcase>
        <testcase name="a &amp; &lt;b&gt; works &gt; first step" classname="./a_test.ts" time="0.000">
        </testcase>
        <testcase name="fails &gt; second step" classname="./a_test.ts" time="0.000">
            <failure message="Uncaught Error: boom">Error: boom</failure>
        </testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="fails" classname="./b_test.ts" time="0.001"/>
    </testsuite>
</testsuites>`;

Deno.test("parseReport() counts tests, not their steps, and names what was skipped", () => {
  assert.deepEqual(parseReport(REPORT), {
    passed: 2,
    failed: 1,
    skipped: ["get() finds (needs CAIRN_VECTORS)"],
    files: [{ path: "a_test.ts", seconds: 0.002 }, { path: "b_test.ts", seconds: 0.001 }],
  });
});

Deno.test("parseReport() counts nothing in an empty text", () => {
  assert.deepEqual(parseReport(""), { passed: 0, failed: 0, skipped: [], files: [] });
});

Deno.test("skipLine() says when a name gives no reason", () => {
  assert.equal(skipLine("get() finds (needs CAIRN_VECTORS)"), "Skipped: get() finds (needs CAIRN_VECTORS)");
  assert.equal(skipLine("get() finds"), "Skipped: get() finds (its name gives no reason)");
});

Deno.test("slowestLine() names the files that took longest, longest first", () => {
  const files = [{ path: "a", seconds: 1 }, { path: "b", seconds: 20.4 }, { path: "c", seconds: 3 }];
  assert.equal(slowestLine(files, 2), "Slowest: b 20 s, c 3 s");
});
