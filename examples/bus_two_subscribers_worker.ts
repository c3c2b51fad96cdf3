/**
 * The Worker of `bus_two_subscribers.ts`: blocks on the ring until the topic is closed, then posts the sum.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { attachConsumer, type ConsumerHandle, HotMemory, type HotMemoryHandle } from "../mod.ts";
import { READINGS } from "./bus_two_subscribers.ts";

interface Start {
  readonly memory: HotMemoryHandle;
  readonly readings: ConsumerHandle;
}

self.onmessage = ({ data: { memory, readings } }: MessageEvent<Start>) => {
  using consumer = attachConsumer(HotMemory.attach(memory), readings, READINGS.codec);
  let sum = 0;
  consumer.consume(({ value }) => {
    sum += value;
  });
  self.postMessage(sum);
};
