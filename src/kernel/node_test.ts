import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { ManualClock, RecordingLog, settle } from "./_testing.ts";
import { CairnError } from "./errors.ts";
import { Health } from "./health.ts";
import { MetricScope } from "./metrics.ts";
import { Node } from "./node.ts";
import type { Context, Service } from "./service.ts";
import { Tracer } from "./telemetry.ts";

const BUILD = { version: "1.2.3", commit: "abc", deno: "2", wasmDigest: "d" };
const OPTIONS = { startTimeoutMs: 1_000, stopTimeoutMs: 10_000 };

interface Behaviour {
  readonly needs?: readonly string[];
  readonly start?: (context: Context, signal: AbortSignal) => Promise<void> | void;
  readonly stop?: () => Promise<void> | void;
}

function setup(behaviours: Readonly<Record<string, Behaviour>>) {
  const events: string[] = [];
  const contexts = new Map<string, Context>();
  const services = Object.entries(behaviours).map(([name, { needs = [], start, stop }]): Service => ({
    name,
    needs,
    start: async (context, signal) => {
      events.push(`start ${name}`);
      contexts.set(name, context);
      await start?.(context, signal);
      events.push(`up ${name}`);
    },
    readiness: () => ({ ready: true }),
    [Symbol.asyncDispose]: async () => {
      events.push(`stop ${name}`);
      await stop?.();
    },
  }));
  const clock = new ManualClock();
  const log = new RecordingLog();
  const metrics = new MetricScope(new Registry());
  const health = new Health({ build: BUILD }, { metrics, clock });
  const node = new Node(services, OPTIONS, {
    log,
    metrics,
    health,
    tracer: new Tracer({ spans: false }),
    clock,
  });
  return { node, events, contexts, clock, log, metrics, health };
}

async function failureOf(work: Promise<unknown>): Promise<CairnError> {
  const error = await work.then(() => assert.fail("expected a failure"), (thrown) => thrown);
  assert.ok(error instanceof CairnError, String(error));
  return error;
}

const forever = () => new Promise<void>(() => {});

Deno.test("Node.start() starts in order of need and Node.stop() stops in reverse", async () => {
  const { node, events, health } = setup({ blocks: { needs: ["store"] }, store: {}, last: {} });
  assert.equal(health.phase, "starting");
  await node.start();
  assert.equal(health.phase, "running");
  await node.stop("test");
  assert.equal(await node.finished, undefined);
  assert.equal(health.phase, "stopped");
  assert.deepEqual(events, [
    "start store",
    "up store",
    "start blocks",
    "up blocks",
    "start last",
    "up last",
    "stop last",
    "stop blocks",
    "stop store",
  ]);
});

Deno.test("Node.start() stops what is up when a service fails, and keeps the code of the failure", async () => {
  const locked = new CairnError("STORE_LOCKED", "held by pid 7", { hint: "stop it" });
  const { node, events } = setup({
    a: {},
    b: {
      start: () => {
        throw locked;
      },
    },
    c: {},
  });
  const error = await failureOf(node.start());
  assert.equal(error.code, "STORE_LOCKED");
  assert.equal(error.mapping.exit, 3);
  assert.equal(error.message, "Cannot start service 'b': held by pid 7");
  assert.equal(error.hint, "stop it");
  assert.equal(error.cause, locked);
  assert.deepEqual(events, ["start a", "up a", "start b", "stop b", "stop a"]);
});

Deno.test("Node.start() turns an unexpected failure into SERVICE_START_FAILED", async () => {
  const { node } = setup({
    a: {
      start: () => {
        throw new TypeError("boom");
      },
    },
  });
  const error = await failureOf(node.start());
  assert.equal(error.code, "SERVICE_START_FAILED");
  assert.equal(error.mapping.exit, 1);
  assert.match(error.message, /service 'a': boom/);
});

Deno.test("Node.start() gives up on a service that is not up in time, and aborts its signal", async () => {
  let reason: unknown;
  const { node, clock, events } = setup({
    slow: {
      start: (_, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            reject(signal.reason);
          });
        }),
    },
  });
  const failed = failureOf(node.start());
  await clock.advance(OPTIONS.startTimeoutMs);
  const error = await failed;
  assert.equal(error.code, "SERVICE_START_FAILED");
  assert.match(error.message, /'slow': not up after 1000 ms/);
  assert.equal(reason, error);
  assert.deepEqual(events, ["start slow", "stop slow"]);
});

Deno.test("Node.stop() during the start aborts it, is no failure, and starts nothing more", async () => {
  const { node, events, health } = setup({
    a: {},
    b: {
      start: (_, signal) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    },
    c: {},
  });
  const started = node.start();
  await settle();
  await node.stop("SIGTERM");
  await started;
  assert.equal(await node.finished, undefined);
  assert.equal(health.phase, "stopped");
  assert.deepEqual(events, ["start a", "up a", "start b", "stop b", "stop a"]);
});

Deno.test("Context.fatal() stops the node, and the first failure is the one that counts", async () => {
  const { node, events, contexts, log } = setup({ a: {}, b: {} });
  await node.start();
  contexts.get("a")!.fatal(new CairnError("STORE_WRITE_FAILED", "disk full"));
  contexts.get("b")!.fatal(new Error("later"));
  const failure = await node.finished;
  assert.equal(failure?.code, "STORE_WRITE_FAILED");
  assert.equal(failure?.message, "Service 'a' failed: disk full");
  assert.deepEqual(events.slice(-2), ["stop b", "stop a"]);
  assert.equal(log.lines.filter(({ level }) => level === "warn").length, 1);
});

Deno.test("Node.stop() leaves a stuck service behind, still stops the ones below, and reports SERVICE_STOP_TIMEOUT", async () => {
  const { node, clock, events } = setup({ store: {}, middle: { stop: forever }, top: {} });
  await node.start();
  const stopped = node.stop("test");
  await clock.advance(OPTIONS.stopTimeoutMs);
  await stopped;
  const failure = await node.finished;
  assert.equal(failure?.code, "SERVICE_STOP_TIMEOUT");
  assert.match(failure!.message, /'middle' within 10000 ms/);
  assert.deepEqual(events.slice(-3), ["stop top", "stop middle", "stop store"]);
});

Deno.test("Node.stop() is over at the deadline even when every service is stuck", async () => {
  const { node, clock } = setup({ a: { stop: forever }, b: { stop: forever }, c: { stop: forever } });
  await node.start();
  const beganMs = clock.nowMs();
  let isOver = false;
  const stopped = node.stop("test").then(() => isOver = true);
  await clock.advance(OPTIONS.stopTimeoutMs - 1);
  assert.equal(isOver, false);
  await clock.advance(1);
  await stopped;
  assert.equal(clock.nowMs() - beganMs, OPTIONS.stopTimeoutMs);
  assert.match((await node.finished)!.message, /'c', 'b', 'a'/);
});

Deno.test("Node.stop() is bounded when a start ignores its signal", async () => {
  const { node, clock } = setup({ a: { start: forever, stop: forever } });
  void node.start().catch(() => {});
  await settle();
  const stopped = node.stop("test");
  await clock.advance(OPTIONS.stopTimeoutMs);
  await stopped;
  assert.equal((await node.finished)?.code, "SERVICE_STOP_TIMEOUT");
});

Deno.test("Node.stop() goes on when a service fails to stop, and reports that failure", async () => {
  const { node, events } = setup({
    a: {},
    b: {
      stop: () => {
        throw new Error("cannot flush");
      },
    },
  });
  await node.start();
  await node.stop("test");
  assert.match((await node.finished)!.message, /Cannot stop service 'b': cannot flush/);
  assert.deepEqual(events.slice(-2), ["stop b", "stop a"]);
});

Deno.test("Node.stop() can be called again, and disposal is the same stop", async () => {
  const { node, events } = setup({ a: {} });
  await node.start();
  await Promise.all([node.stop("one"), node.stop("two"), node[Symbol.asyncDispose]()]);
  assert.equal(events.filter((event) => event === "stop a").length, 1);
});

Deno.test("Context gives each service a logger and metrics of its own", async () => {
  const { node, contexts, log, metrics } = setup({ blocks: {} });
  await node.start();
  contexts.get("blocks")!.log.warn("Hello", { n: 1 });
  contexts.get("blocks")!.metrics.counter({ name: "things_total", help: "Things" }).inc(3);
  assert.deepEqual(log.lines.at(-1), { level: "warn", module: "blocks", message: "Hello", fields: { n: 1 } });
  assert.match(await metrics.registry.metrics(), /cairn_blocks_things_total 3/);
  await node.stop("test");
});

Deno.test("Node() refuses services that cannot be ordered", () => {
  assert.throws(() => setup({ a: { needs: ["nowhere"] } }), { code: "SERVICE_START_FAILED" });
});
