import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { RecordingLog } from "../kernel/_testing.ts";
import { SYSTEM_CLOCK } from "../kernel/clock.ts";
import { CairnError } from "../kernel/errors.ts";
import { Health } from "../kernel/health.ts";
import { MetricScope } from "../kernel/metrics.ts";
import { AdminService } from "./admin.ts";

const BUILD = { version: "1.2.3", commit: "abc", deno: "2.9.3", wasmDigest: "d" };

async function withAdmin(
  run: (setup: { base: string; health: Health; admin: AdminService; log: RecordingLog }) => Promise<void>,
): Promise<void> {
  const metrics = new MetricScope(new Registry());
  const health = new Health({ build: BUILD }, { metrics, clock: SYSTEM_CLOCK });
  const log = new RecordingLog();
  await using admin = new AdminService({ host: "127.0.0.1", port: 0 }, { health, metrics });
  await admin.start({ log, metrics: metrics.scope("admin"), fatal: assert.fail });
  await run({ base: `http://127.0.0.1:${admin.port}`, health, admin, log });
}

async function get(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

Deno.test("AdminService answers /healthz while the node is not ready", async () => {
  await withAdmin(async ({ base }) => {
    const { status, text } = await get(`${base}/healthz`);
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), { status: "ok", phase: "starting" });
  });
});

Deno.test("AdminService answers /readyz with 503, Retry-After and reasons, then with 200", async () => {
  await withAdmin(async ({ base, health, admin }) => {
    health.setState(admin, "up");
    const before = await get(`${base}/readyz`);
    assert.equal(before.status, 503);
    assert.equal(before.headers.get("retry-after"), "5");
    assert.deepEqual(JSON.parse(before.text).reasons, ["node: is starting"]);
    health.setPhase("running");
    const after = await get(`${base}/readyz`);
    assert.equal(after.status, 200);
    assert.deepEqual(JSON.parse(after.text).services, [{ name: "admin", state: "up", ready: true }]);
  });
});

Deno.test("AdminService serves metrics as Prometheus text, and counts requests without letting callers add labels", async () => {
  await withAdmin(async ({ base }) => {
    await get(`${base}/made-up`);
    await get(`${base}/healthz`);
    const { headers, text } = await get(`${base}/metrics`);
    assert.match(headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
    assert.match(text, /^cairn_node_phase 0$/m);
    assert.match(text, /^cairn_admin_requests_total\{path="other",status="404"\} 1$/m);
    assert.match(text, /^cairn_admin_requests_total\{path="\/healthz",status="200"\} 1$/m);
  });
});

Deno.test("AdminService serves /version and /statusz", async () => {
  await withAdmin(async ({ base, health, admin }) => {
    health.setState(admin, "up");
    assert.deepEqual(JSON.parse((await get(`${base}/version`)).text), BUILD);
    const status = JSON.parse((await get(`${base}/statusz`)).text);
    assert.deepEqual(status.services[0].listening, [`http 127.0.0.1:${admin.port}`]);
  });
});

Deno.test("AdminService answers an unknown path with problem+json and the caller's request id", async () => {
  await withAdmin(async ({ base, log }) => {
    const { status, headers, text } = await get(`${base}/nope`, { headers: { "x-request-id": "probe-7" } });
    assert.equal(status, 404);
    assert.equal(headers.get("content-type"), "application/problem+json");
    assert.equal(headers.get("x-request-id"), "probe-7");
    const problem = JSON.parse(text);
    assert.equal(problem.code, "ROUTE_NOT_FOUND");
    assert.equal(problem.requestId, "probe-7");
    assert.equal(log.lines.at(-1)?.fields["requestId"], "probe-7");
  });
});

Deno.test("AdminService makes a request id when the caller's is missing or harmful, and cuts a long one", async () => {
  await withAdmin(async ({ base }) => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
    assert.match((await get(`${base}/healthz`)).headers.get("x-request-id")!, uuid);
    const odd = await get(`${base}/healthz`, { headers: { "x-request-id": "a b" } });
    assert.match(odd.headers.get("x-request-id")!, uuid);
    const long = await get(`${base}/healthz`, { headers: { "x-request-id": "x".repeat(200) } });
    assert.equal(long.headers.get("x-request-id"), "x".repeat(64));
  });
});

Deno.test("AdminService refuses other methods with 405 and Allow", async () => {
  await withAdmin(async ({ base }) => {
    const { status, headers, text } = await get(`${base}/healthz`, { method: "POST", body: "x" });
    assert.equal(status, 405);
    assert.equal(headers.get("allow"), "GET, HEAD");
    assert.equal(JSON.parse(text).code, "METHOD_NOT_ALLOWED");
    assert.equal((await get(`${base}/healthz`, { method: "HEAD" })).status, 200);
  });
});

Deno.test("AdminService keeps the text of an unexpected failure inside the node", async () => {
  await withAdmin(async ({ base, health, log }) => {
    health.status = () => {
      throw new Error("password is hunter2");
    };
    const { status, text } = await get(`${base}/statusz`);
    assert.equal(status, 500);
    assert.doesNotMatch(text, /hunter2/);
    assert.equal(JSON.parse(text).code, "INTERNAL");
    assert.ok(log.lines.some(({ level, message }) => level === "error" && message === "Request failed"));
  });
});

Deno.test("AdminService.start() names the address and the key when the port is in use", async () => {
  await withAdmin(async ({ admin: { port } }) => {
    const metrics = new MetricScope(new Registry());
    const health = new Health({ build: BUILD }, { metrics, clock: SYSTEM_CLOCK });
    const second = new AdminService({ host: "127.0.0.1", port: port! }, { health, metrics });
    const context = { log: new RecordingLog(), metrics, fatal: assert.fail };
    const error = await second.start(context).then(
      () => assert.fail("expected a refusal"),
      (thrown) => thrown,
    );
    assert.ok(error instanceof CairnError);
    assert.equal(error.code, "ADDRESS_IN_USE");
    assert.match(error.toLine(), new RegExp(`127\\.0\\.0\\.1:${port}.*admin\\.port`));
    assert.deepEqual(second.readiness(), { ready: false, reason: "is not listening" });
  });
});

Deno.test("AdminService can be stopped twice, and frees its port", async () => {
  await withAdmin(async ({ admin }) => {
    const { port } = admin;
    await admin[Symbol.asyncDispose]();
    await admin[Symbol.asyncDispose]();
    Deno.listen({ hostname: "127.0.0.1", port: port! }).close();
    assert.deepEqual(admin.listening(), []);
  });
});
