// deno-lint-ignore-file no-console -- an example speaks to whoever ran it
/**
 * One topic, two subscribers: a loop on the main thread and a Worker, each with its own place in the same memory.
 *
 *     deno run --no-prompt --ignore-env --allow-read --allow-env='CAIRN_*' \
 *       examples/bus_two_subscribers.ts
 *
 * The topic is gating: nothing is lost, and a full ring makes the publisher wait for the slower of the two.
 *
 * @module
 */

import { Bus, defineTopic, HotMemory, type TopicDefinition } from "../mod.ts";

/** A measured value: small enough for a slot, so the topic needs no arena. */
export interface Reading {
  readonly sensor: number;
  readonly value: number;
}

/** Declared once, used on every thread. */
export const READINGS: TopicDefinition<Reading> = defineTopic<Reading>({
  name: "example.readings",
  slots: 1_024,
  policy: "gating",
  codec: {
    encode(reading, slot) {
      slot.setU32(0, reading.sensor);
      slot.setF64(1, reading.value);
    },
    decode: (slot) => ({ sensor: slot.u32(0), value: slot.f64(1) }),
  },
});

const EVENTS = 100_000;

async function main(): Promise<void> {
  using bus = new Bus({ memory: await HotMemory.create({ bytes: 1 << 21 }) });
  const topic = bus.open(READINGS);

  const worker = new Worker(new URL("./bus_two_subscribers_worker.ts", import.meta.url), { type: "module" });
  const sumOfWorker = new Promise<number>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  // The handle reserves the Worker's place: nothing published from now on is missed while the Worker starts.
  worker.postMessage({ memory: bus.memory.handle, readings: topic.consumerHandle({ name: "worker" }) });

  const subscription = topic.subscribe({ name: "main" });
  const sumOfMain = (async () => {
    let sum = 0;
    for await (const { value } of subscription) sum += value;
    return sum;
  })();

  for (let i = 0; i < EVENTS; i++) {
    const reading = { sensor: i % 8, value: i };
    if (!topic.tryPublish(reading)) await topic.publish(reading);
  }
  topic.close();

  console.log(`published ${EVENTS} readings, the sum of their values is ${EVENTS * (EVENTS - 1) / 2}`);
  console.log(`main thread: ${await sumOfMain}`);
  console.log(`Worker:      ${await sumOfWorker}`);
  worker.terminate();
}

if (import.meta.main) await main();
