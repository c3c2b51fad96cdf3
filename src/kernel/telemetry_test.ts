import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { OtlpCollector } from "./_otlp.ts";
import { Tracer } from "./telemetry.ts";

/** The import map, for a program outside the repository. */
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

const PROGRAM = `
import { Tracer } from "${import.meta.resolve("./telemetry.ts")}";
const tracer = new Tracer({ spans: !Deno.args.includes("--no-spans") });
let ids;
await tracer.withSpan("outer", { "cairn.number": 7 }, async () => {
  ids = tracer.activeIds();
  await tracer.withSpan("inner", {}, () => Promise.reject(new Error("boom"))).catch(() => {});
});
console.log(JSON.stringify({ enabled: tracer.enabled, ids }));
`;

/** Runs the program with its telemetry sent to a collector of this test. */
async function run(env: Record<string, string> = {}, args: readonly string[] = []) {
  await using collector = new OtlpCollector();
  const dir = await Deno.makeTempDir({ prefix: "cairn-otel-" });
  try {
    await Deno.writeTextFile(`${dir}/program.ts`, PROGRAM);
    const flags = ["--quiet", "--no-prompt", "--ignore-env", "--config", CONFIG];
    const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, `${dir}/program.ts`, ...args],
      env: { ...collector.env, NO_COLOR: "1", ...env },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return { spans: collector.spans, output: JSON.parse(new TextDecoder().decode(stdout)) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("Tracer.withSpan() reaches a collector through the runtime's own OpenTelemetry", async () => {
  const { spans, output } = await run();
  assert.equal(output.enabled, true);
  const outer = spans.find(({ name }) => name === "outer")!;
  const inner = spans.find(({ name }) => name === "inner")!;
  assert.deepEqual(output.ids, { traceId: outer.traceId, spanId: outer.spanId });
  assert.equal(inner.parentSpanId, outer.spanId);
  assert.equal(inner.traceId, outer.traceId);
  assert.deepEqual(outer.attributes.find(({ key }) => key === "cairn.number")?.value, { doubleValue: 7 });
  assert.deepEqual(inner.attributes.find(({ key }) => key === "error.type")?.value, {
    stringValue: "INTERNAL",
  });
  assert.equal(inner.status?.message, "boom");
});

Deno.test("Tracer records nothing when telemetry is off, in the runtime or in the configuration", async () => {
  const off = await run({ OTEL_DENO: "false" });
  assert.deepEqual(off, { spans: [], output: { enabled: false } });
  const silent = await run({}, ["--no-spans"]);
  assert.deepEqual(silent, { spans: [], output: { enabled: false } });
});

Deno.test("Tracer.withSpan() without a provider calls the work directly and passes on what it gives or throws", async () => {
  const tracer = new Tracer();
  assert.equal(tracer.enabled, false);
  assert.equal(tracer.activeIds(), undefined);
  assert.equal(await tracer.withSpan("name", {}, (span) => Promise.resolve(span)), undefined);
  const error = new Error("boom");
  await assert.rejects(tracer.withSpan("name", {}, () => Promise.reject(error)), error);
});
