import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { ManualClock } from "./_testing.ts";
import { Health } from "./health.ts";
import { MetricScope } from "./metrics.ts";
import type { Readiness, Service } from "./service.ts";

const BUILD = { version: "1.2.3", commit: "abc", deno: "2", wasmDigest: "d" };

function setup() {
  const clock = new ManualClock();
  const metrics = new MetricScope(new Registry());
  return {
    clock,
    metrics,
    health: new Health({ build: BUILD, readinessTimeoutMs: 100 }, { metrics, clock }),
  };
}

function service(name: string, readiness: () => Readiness | Promise<Readiness>): Service {
  return {
    name,
    needs: [],
    start: () => Promise.resolve(),
    readiness,
    listening: () => [`tcp ${name}:1`],
    status: () => ({ height: 7 }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

Deno.test("Health.readiness() is ready when the node runs and every service says so", async () => {
  const { health } = setup();
  health.setState(service("a", () => ({ ready: true })), "up");
  assert.deepEqual((await health.readiness()).reasons, ["node: is starting"]);
  health.setPhase("running");
  assert.deepEqual(await health.readiness(), {
    ready: true,
    phase: "running",
    reasons: [],
    services: [{ name: "a", state: "up", ready: true }],
  });
});

Deno.test("Health.readiness() says why a service is not ready, is not up, fails to answer, or takes too long", async () => {
  const { health, clock } = setup();
  health.setPhase("running");
  health.setState(service("says", () => ({ ready: false, reason: "store cannot be read" })), "up");
  health.setState(service("waits", () => ({ ready: true })), "waiting");
  health.setState(
    service("throws", () => {
      throw new Error("boom");
    }),
    "up",
  );
  health.setState(service("hangs", () => new Promise(() => {})), "up");
  const report = health.readiness();
  await clock.advance(100);
  assert.deepEqual((await report).reasons, [
    "says: store cannot be read",
    "waits: is waiting",
    "throws: readiness check failed: boom",
    "hangs: did not answer within 100 ms",
  ]);
  assert.equal((await report).ready, false);
});

Deno.test("Health.status() shows addresses and facts of services that are up", async () => {
  const { health, clock } = setup();
  await clock.advance(3_000);
  health.setFact("profile", "default");
  health.setState(service("a", () => ({ ready: true })), "up");
  health.setState(service("b", () => ({ ready: true })), "failed");
  assert.deepEqual(health.status(), {
    phase: "starting",
    startedAt: "1970-01-01T00:00:00.000Z",
    uptimeSeconds: 3,
    build: BUILD,
    facts: { profile: "default" },
    services: [
      { name: "a", state: "up", needs: [], listening: ["tcp a:1"], status: { height: 7 } },
      { name: "b", state: "failed", needs: [], listening: [], status: {} },
    ],
  });
});

Deno.test("Health shows the phase as a gauge", async () => {
  const { health, metrics } = setup();
  assert.match(await metrics.registry.metrics(), /^cairn_node_phase 0$/m);
  health.setPhase("stopping");
  assert.match(await metrics.registry.metrics(), /^cairn_node_phase 2$/m);
});
