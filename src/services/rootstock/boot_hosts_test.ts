import assert from "node:assert/strict";
import { ManualClock, RecordingLog } from "../../kernel/_testing.ts";
import type { Endpoint } from "../../protocols/rootstock/discovery_events.ts";
import { followBootHosts } from "./boot_hosts.ts";

Deno.test("followBootHosts() resolves names until they are found, ever more slowly, and again later", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const seen: (readonly Endpoint[])[] = [];
  const asked: string[] = [];
  let address = "203.0.113.7";
  const work = followBootHosts(
    [{ host: "192.0.2.1", port: 5050 }, { host: "good.example", port: 1 }, { host: "late.example", port: 2 }],
    {
      clock,
      log: new RecordingLog(),
      random: () => 0.5,
      onEndpoints: (endpoints) => seen.push(endpoints),
      resolve: (name) => {
        asked.push(`${name} ${clock.nowMs()}`);
        if (name === "late.example" && clock.nowMs() < 30_000) {
          return Promise.reject(new Error("no such name"));
        }
        return Promise.resolve(name === "good.example" ? [address, "not an address"] : ["0:0::1"]);
      },
    },
    stop.signal,
  );
  await clock.advance(40_000);
  const literal = { host: "192.0.2.1", port: 5050 };
  const good = { host: "203.0.113.7", port: 1 };
  assert.deepEqual(seen, [[literal], [literal, good], [literal, good, { host: "::1", port: 2 }]]);
  assert.deepEqual(asked, [
    "good.example 0",
    "late.example 0",
    "late.example 5000",
    "late.example 15000",
    "late.example 35000",
  ]);
  await clock.advance(3_600_000);
  assert.equal(seen.length, 3, "nothing has changed");
  address = "203.0.113.8";
  await clock.advance(3_600_000);
  assert.equal(seen.at(-1)?.find(({ port }) => port === 1)?.host, "203.0.113.8");
  stop.abort();
  await work;
});

Deno.test("followBootHosts() warns once if not one name can be resolved", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const warnings = async (hosts: readonly Endpoint[]) => {
    const log = new RecordingLog();
    const resolve = () => Promise.reject(new Error("no name server"));
    const deps = { clock, log, random: () => 0.5, onEndpoints: () => {}, resolve };
    const work = followBootHosts(hosts, deps, stop.signal);
    await clock.advance(60_000);
    return {
      work,
      warnings: log.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields["hosts"]),
    };
  };
  const [a, b] = [{ host: "a.example", port: 1 }, { host: "b.example", port: 1 }];
  const none = await warnings([a, b]);
  const some = await warnings([a, { host: "192.0.2.1", port: 1 }]);
  assert.deepEqual([none.warnings, some.warnings], [[2], []]);
  stop.abort();
  await Promise.all([none.work, some.work]);
});

Deno.test("followBootHosts() without hosts ends at once", async () => {
  const deps = {
    clock: new ManualClock(),
    log: new RecordingLog(),
    random: () => 0,
    onEndpoints: () => assert.fail(),
  };
  await followBootHosts([], deps, new AbortController().signal);
});
