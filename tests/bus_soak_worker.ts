/**
 * Worker of the soak test and of the bus benchmarks: consumes a ring of bare numbers, and checks all of it.
 *
 * @module
 */

import { HotMemory, type HotMemoryHandle } from "../src/hot/memory.ts";
import { Ring } from "../src/hot/ring.ts";
import { RingConsumer } from "../src/hot/ring_consumer.ts";
import { SLOT_SCALARS } from "../wasm/layout.ts";

/** What the Worker is asked to consume. */
export interface SoakJob {
  readonly hot: HotMemoryHandle;
  readonly base: number;
  readonly consumer: number;
}

/** What it saw. */
export interface SoakReport {
  readonly count: number;
  /** FNV-1a over the numbers of all events, in the order seen. */
  readonly checksum: number;
  /** Events whose number did not follow the one before. */
  readonly misplaced: number;
  /** Events whose second scalar did not fit the first: torn. */
  readonly torn: number;
}

const scope = self as unknown as {
  postMessage(message: SoakReport | "ready"): void;
  onmessage: (event: MessageEvent<SoakJob>) => void;
};

/** Second scalar of the event with number `value`. */
const partner = (value: number) => (Math.imul(value, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;

function run({ hot, base, consumer: row }: SoakJob): SoakReport {
  const memory = HotMemory.attach(hot);
  const { u32, kernels } = memory;
  const ring = Ring.attach(memory, base);
  const consumer = new RingConsumer(ring, row);
  const mask = ring.slots - 1;
  let index = consumer.readAt & mask;
  let expected = 0;
  let checksum = 0x811c9dc5;
  let count = 0;
  let misplaced = 0;
  let torn = 0;
  for (;;) {
    const closed = ring.closed;
    const available = consumer.available();
    if (available === 0) {
      if (closed) return { count, checksum: checksum >>> 0, misplaced, torn };
      consumer.waitBlocking({});
      continue;
    }
    for (let i = 0; i < available; i++) {
      const word = ring.slotsWord + index * 16 + (SLOT_SCALARS >>> 2);
      const value = u32[word]!;
      if (value !== expected) misplaced++;
      if (u32[word + 1] !== partner(value)) torn++;
      checksum = Math.imul(checksum ^ value, 0x01000193);
      expected = (value + 1) >>> 0;
      index = (index + 1) & mask;
    }
    count += available;
    kernels.ringAdvance(base, row, available);
    kernels.ringRelease(base, row, available);
  }
}

scope.onmessage = ({ data }) => {
  scope.postMessage(run(data));
  // The test terminates the Worker.
};
scope.postMessage("ready");
