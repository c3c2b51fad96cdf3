/**
 * `deno bench` of the bus: one publish, one batch, and the same by `postMessage`. `bus_report.ts` measures
 * percentiles and throughput; docs/bus.md says how to read both.
 *
 * @module
 */

import { HotMemory } from "../src/hot/memory.ts";
import { Ring } from "../src/hot/ring.ts";
import { Bus, defineTopic } from "../src/kernel/bus/mod.ts";
import { BenchWorker, RingRig } from "./_bus_rig.ts";

const THOUSAND = 1_000;

const workers = [await BenchWorker.start(), await BenchWorker.start()];
const { ring: { base }, memory: { kernels } } = await RingRig.open(workers);

Deno.bench("1000 x publish, two consumers (WASM)", { group: "publish", baseline: true }, () => {
  for (let i = 0; i < THOUSAND; i++) while (kernels.ringPublish(base, 1, i, 0, 0) === 0);
});

const memory = await HotMemory.create({ bytes: 32 << 20 });
const from = memory.allocate(THOUSAND * 48, "records");
const alone = Ring.create(memory, { slots: 1 << 14, policy: "lossy" }, "alone");

Deno.bench("1000 x publish, lossy, nobody listens (WASM)", { group: "publish" }, () => {
  for (let i = 0; i < THOUSAND; i++) memory.kernels.ringPublish(alone.base, 1, i, 0, 0);
});

Deno.bench("publishBatch of 1000 records, nobody listens (WASM)", { group: "publish" }, () => {
  memory.kernels.ringPublishBatch(alone.base, from, THOUSAND);
});

const topic = new Bus({ memory }).open(
  defineTopic<number>({
    name: "bench.numbers",
    slots: 1 << 14,
    policy: "lossy",
    codec: { encode: (value, slot) => slot.setF64(0, value), decode: (slot) => slot.f64(0) },
  }),
);
const numbers = Array.from({ length: THOUSAND }, (_, i) => i);

Deno.bench("1000 x Topic.publish, nobody listens", { group: "publish" }, () => {
  for (const value of numbers) void topic.publish(value);
});

Deno.bench("Topic.publishBatch of 1000, nobody listens", { group: "publish" }, () => {
  void topic.publishBatch(numbers);
});

const { port1, port2 } = new MessageChannel();
port2.close();

Deno.bench("1000 x postMessage of an object to a closed port", { group: "publish" }, () => {
  for (let i = 0; i < THOUSAND; i++) {
    port1.postMessage({ kind: "event", topic: "bench", sequence: i, value: i });
  }
});
