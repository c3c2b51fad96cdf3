import assert from "node:assert/strict";
import { HotMemory } from "../src/hot/memory.ts";
import { Ring } from "../src/hot/ring.ts";
import { RingProducer } from "../src/hot/ring_producer.ts";
import { SLOT_SCALARS } from "../wasm/layout.ts";
import type { SoakJob, SoakReport } from "./bus_soak_worker.ts";

/** 10^8 as the card asks; fewer for a quick look. */
const EVENTS = 100_000_000;
const BATCH = 1_000;

async function startWorker() {
  const worker = new Worker(new URL("./bus_soak_worker.ts", import.meta.url), { type: "module" });
  const next = () =>
    new Promise<unknown>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
  assert.equal(await next(), "ready");
  return {
    run(job: SoakJob) {
      const answer = next();
      worker.postMessage(job);
      return answer as Promise<SoakReport>;
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
}

Deno.test("Ring: 10^8 events to two Workers, across 2^32: nothing lost, doubled, torn or reordered", async () => {
  const hot = await HotMemory.create({ bytes: 16 << 20 });
  const { kernels, u32 } = hot;
  // The sequences pass 2^32 halfway.
  const firstSequence = 2n ** 32n - BigInt(EVENTS / 2);
  const ring = Ring.create(hot, { slots: 1 << 14, policy: "gating", firstSequence }, "soak");
  const producer = new RingProducer(ring, { name: "soak" });
  using first = await startWorker();
  using second = await startWorker();
  const reports = [first, second].map((worker) =>
    worker.run({ hot: hot.handle, base: ring.base, consumer: ring.join(0) })
  );

  const { base, slotsWord } = ring;
  const mask = ring.slots - 1;
  let index = producer.nextLow & mask;
  let checksum = 0x811c9dc5;
  let value = 0;
  while (value < EVENTS) {
    const granted = kernels.ringReserve(base, Math.min(BATCH, EVENTS - value));
    if (granted === 0) {
      await producer.waitForSpace(0);
      continue;
    }
    for (let i = 0; i < granted; i++) {
      const word = slotsWord + index * 16 + (SLOT_SCALARS >>> 2);
      u32[word] = value;
      u32[word + 1] = Math.imul(value, 0x9e3779b1) ^ 0x5bd1e995;
      checksum = Math.imul(checksum ^ value, 0x01000193);
      index = (index + 1) & mask;
      value++;
    }
    kernels.ringCommit(base);
  }
  producer.close();

  const expected = { count: EVENTS, checksum: checksum >>> 0, misplaced: 0, torn: 0 };
  assert.deepEqual(await Promise.all(reports), [expected, expected]);
  assert.equal(ring.published, EVENTS);
});
