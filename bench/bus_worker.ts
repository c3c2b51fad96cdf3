/**
 * Consumer of the bus benchmarks: a ring of numbers, or posted objects; answers with count and sum.
 *
 * @module
 */

import { HotMemory, type HotMemoryHandle } from "../src/hot/memory.ts";
import { Ring } from "../src/hot/ring.ts";
import { RingConsumer } from "../src/hot/ring_consumer.ts";
import { SLOT_SCALARS } from "../wasm/layout.ts";

/** Consume a ring until it is closed. */
export interface RingJob {
  readonly kind: "ring";
  readonly hot: HotMemoryHandle;
  readonly base: number;
  readonly consumer: number;
}

/** One posted event, as somebody without a bus would send it. */
export interface PostedEvent {
  readonly kind: "event";
  readonly topic: string;
  readonly sequence: number;
  readonly value: number;
}

/** Asks for the count and sum so far. */
export interface FlushJob {
  readonly kind: "flush";
}

/** What was consumed. */
export interface BenchReport {
  readonly count: number;
  readonly sum: number;
}

const scope = self as unknown as {
  postMessage(message: BenchReport | "ready"): void;
  onmessage: (event: MessageEvent<RingJob | PostedEvent | FlushJob>) => void;
};

function consumeRing({ hot, base, consumer: row }: RingJob): BenchReport {
  const memory = HotMemory.attach(hot);
  const { u32, kernels } = memory;
  const ring = Ring.attach(memory, base);
  const consumer = new RingConsumer(ring, row);
  const mask = ring.slots - 1;
  let index = consumer.readAt & mask;
  let count = 0;
  let sum = 0;
  for (;;) {
    const closed = ring.closed;
    const available = kernels.ringAvailable(base, row);
    if (available === 0) {
      if (closed) return { count, sum };
      consumer.waitBlocking({});
      continue;
    }
    for (let i = 0; i < available; i++) {
      sum += u32[ring.slotsWord + index * 16 + (SLOT_SCALARS >>> 2)]!;
      index = (index + 1) & mask;
    }
    count += available;
    kernels.ringAdvance(base, row, available);
    kernels.ringRelease(base, row, available);
  }
}

let count = 0;
let sum = 0;
scope.onmessage = ({ data }) => {
  if (data.kind === "event") {
    count++;
    sum += data.value;
  } else if (data.kind === "flush") {
    scope.postMessage({ count, sum });
    count = 0;
    sum = 0;
  } else {
    scope.postMessage(consumeRing(data));
  }
};
scope.postMessage("ready");
