import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { MetricScope } from "./metrics.ts";
import { startProcessMetrics } from "./process_metrics.ts";

const BUILD = { version: "1.2.3", commit: "abc", deno: "2.9.3", wasmDigest: "d" };

Deno.test("startProcessMetrics() exports memory, CPU, uptime, lag and build until disposed", async () => {
  const metrics = new MetricScope(new Registry());
  using _running = startProcessMetrics({ eventLoopSampleMs: 1 }, { metrics, build: BUILD });
  let text = "";
  // The first sample comes with the first timer; the loop waits for it, however slow the machine.
  while (!/event_loop_lag_seconds_count [1-9]/.test(text)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    text = await metrics.registry.metrics();
  }
  assert.match(text, /^cairn_build_info\{version="1\.2\.3",commit="abc",deno="2\.9\.3"\} 1$/m);
  for (const name of ["resident_memory_bytes", "heap_used_bytes", "uptime_seconds", "cpu_seconds_total"]) {
    const value = Number(text.match(new RegExp(`^cairn_process_${name} (\\S+)$`, "m"))?.[1]);
    assert.ok(value > 0, `${name} is ${value}`);
  }
  assert.match(text, /^# TYPE cairn_process_cpu_seconds_total counter$/m);
});
