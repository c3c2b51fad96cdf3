import assert from "node:assert/strict";
import { RecordingLog } from "../../kernel/_testing.ts";
import { CairnError } from "../../kernel/errors.ts";
import { MetricScope } from "../../kernel/metrics.ts";
import { BusService } from "./service.ts";

Deno.test("BusService announces changes of the configuration to every subscriber", async () => {
  await using service = new BusService({ memoryBytes: 1 << 20 });
  const isNotReady = (error: unknown) => error instanceof CairnError && error.code === "NOT_READY";
  assert.throws(() => service.configUpdated, isNotReady);
  assert.throws(() => service.bus, isNotReady);
  await service.start({ log: new RecordingLog(), metrics: new MetricScope(), fatal: assert.fail });
  assert.deepEqual(service.readiness(), { ready: true });

  const events = ["one", "two"].map((name) =>
    service.configUpdated.subscribe({ name })[Symbol.asyncIterator]().next()
  );
  const event = { hash: "26be9c9f4aab", keys: ["log.level"] };
  service.announce(event);
  for (const { value } of await Promise.all(events)) assert.deepEqual(value, event);
});
