/**
 * Worker of the bus tests: consumes what it is given and answers with a digest of what it saw.
 *
 * Layer: kernel, tests only.
 *
 * @module
 */

import { HotMemory, type HotMemoryHandle } from "../../hot/memory.ts";
import { numberCodec } from "./_test_codec.ts";
import type { ConsumerHandle, ProducerHandle } from "./topic_definition.ts";
import { attachConsumer, attachProducer } from "./worker.ts";

/** The Worker's own side of its channel. */
const scope = self as unknown as {
  postMessage(message: SumReport | "done" | "ready" | "hanging"): void;
  onmessage: (event: MessageEvent<TestJob>) => void;
};

/** What the Worker is asked to do. */
export type TestJob =
  /** Sum up a topic until it ends. */
  | { readonly kind: "sum"; readonly hot: HotMemoryHandle; readonly from: ConsumerHandle }
  /** Republish every event on a second topic, and close that when the first one ends. */
  | {
    readonly kind: "relay";
    readonly hot: HotMemoryHandle;
    readonly from: ConsumerHandle;
    readonly to: ProducerHandle;
  }
  /** Consume one event and then block for ever. */
  | { readonly kind: "hang"; readonly hot: HotMemoryHandle; readonly from: ConsumerHandle }
  /** Publish the numbers from 0 to `count - 1` with bodies, and close. */
  | {
    readonly kind: "produce";
    readonly hot: HotMemoryHandle;
    readonly to: ProducerHandle;
    readonly count: number;
  };

/** What a "sum" answers. */
export interface SumReport {
  readonly ended: "stopped" | "closed" | "failed";
  readonly count: number;
  readonly sum: number;
  /** Events that did not follow the one before. */
  readonly gaps: number;
  readonly error?: string;
}

function run(job: TestJob): SumReport | "done" {
  const hot = HotMemory.attach(job.hot);
  if (job.kind === "produce") {
    const producer = attachProducer(hot, job.to, numberCodec);
    for (let i = 0; i < job.count; i++) producer.publish({ value: i, body: new Uint8Array(i % 300).fill(i) });
    producer.close();
    return "done";
  }
  using consumer = attachConsumer(hot, job.from, numberCodec);
  if (job.kind === "hang") {
    consumer.consume(() => {
      scope.postMessage("hanging");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });
    return "done";
  }
  if (job.kind === "relay") {
    const producer = attachProducer(hot, job.to, numberCodec);
    consumer.consume((event) => producer.stage(event), { afterBatch: () => producer.commit() });
    producer.close();
    return "done";
  }
  let count = 0;
  let sum = 0;
  let gaps = 0;
  let expected = -1;
  try {
    const ended = consumer.consume(({ value, body }) => {
      if (expected >= 0 && value !== expected) gaps++;
      for (const byte of body) if (byte !== (value & 0xff)) gaps++;
      expected = value + 1;
      count++;
      sum += value;
    });
    return { ended, count, sum, gaps };
  } catch (error) {
    return { ended: "failed", count, sum, gaps, error: (error as { code?: string }).code ?? String(error) };
  }
}

scope.onmessage = (event) => scope.postMessage(run(event.data));
scope.postMessage("ready");
