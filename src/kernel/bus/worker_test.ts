import assert from "node:assert/strict";
import { HotMemory } from "../../hot/memory.ts";
import { numberCodec } from "./_test_codec.ts";
import type { SumReport, TestJob } from "./_test_worker.ts";
import { Bus, defineTopic } from "./mod.ts";

const gating = defineTopic({
  name: "test.gating",
  slots: 64,
  arenaBytes: 8_192,
  policy: "gating",
  codec: numberCodec,
});
const EMPTY = new Uint8Array(0);
const body = (value: number) => new Uint8Array(value % 300).fill(value);

/** A Worker that has loaded its code, so that a job starts at once. */
class TestWorker implements Disposable {
  readonly #worker = new Worker(new URL("./_test_worker.ts", import.meta.url), { type: "module" });
  #next = Promise.withResolvers<unknown>();

  private constructor() {
    this.#worker.onmessage = ({ data }) => {
      const arrived = this.#next;
      this.#next = Promise.withResolvers();
      arrived.resolve(data);
    };
  }

  static async start(): Promise<TestWorker> {
    const worker = new TestWorker();
    assert.equal(await worker.answer(), "ready");
    return worker;
  }

  answer(): Promise<unknown> {
    return this.#next.promise;
  }

  run(job: TestJob): Promise<unknown> {
    const answer = this.answer();
    this.#worker.postMessage(job);
    return answer;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

async function openBus() {
  return new Bus({ memory: await HotMemory.create({ bytes: 4 << 20 }) });
}

Deno.test("WorkerConsumer.consume() sees every event in order, beside a subscriber on this thread", async () => {
  using bus = await openBus();
  using worker = await TestWorker.start();
  const topic = bus.open(gating);
  const from = topic.consumerHandle({ name: "worker" });
  const report = worker.run({ kind: "sum", hot: bus.memory.handle, from }) as Promise<SumReport>;
  let seen = 0;
  const here = (async () => {
    for await (const { value } of topic.subscribe({ name: "here" })) assert.equal(value, seen++);
  })();
  const count = 20_000;
  for (let value = 0; value < count; value++) await topic.publish({ value, body: body(value) });
  topic.close();
  await here;
  assert.equal(seen, count);
  assert.deepEqual(await report, { ended: "closed", count, sum: count * (count - 1) / 2, gaps: 0 });
});

Deno.test("WorkerConsumer.consume() keeps what was published between the reservation and its start", async () => {
  using bus = await openBus();
  using worker = await TestWorker.start();
  const topic = bus.open(gating);
  const from = topic.consumerHandle({ name: "worker" });
  for (let value = 0; value < 64; value++) assert.equal(topic.tryPublish({ value, body: EMPTY }), true);
  assert.equal(topic.tryPublish({ value: 64, body: EMPTY }), false);
  const report = worker.run({ kind: "sum", hot: bus.memory.handle, from }) as Promise<SumReport>;
  await topic.publish({ value: 64, body: EMPTY });
  topic.close();
  assert.equal((await report).count, 65);
});

Deno.test("Topic.stop() ends a Worker's blocking loop in deep sleep", async () => {
  using bus = await openBus();
  using worker = await TestWorker.start();
  const topic = bus.open(gating);
  const from = topic.consumerHandle({ name: "worker" });
  const report = worker.run({ kind: "sum", hot: bus.memory.handle, from }) as Promise<SumReport>;
  await new Promise((resolve) => setTimeout(resolve, 30));
  topic.stop(from);
  assert.equal((await report).ended, "stopped");
  assert.deepEqual(topic.subscribers(), []);
});

Deno.test("WorkerProducer relays a topic: main publishes, a Worker consumes and produces, main receives", async () => {
  using bus = await openBus();
  using worker = await TestWorker.start();
  const received = bus.open(gating);
  const verified = bus.open(defineTopic({ ...gating, name: "test.verified" }));
  const from = received.consumerHandle({ name: "relay" });
  const subscription = verified.subscribe({ name: "main" });
  void worker.run({ kind: "relay", hot: bus.memory.handle, from, to: verified.producerHandle() });
  assert.throws(() => verified.tryPublish({ value: 0, body: EMPTY }), TypeError, "the Worker produces it");
  const count = 5_000;
  const publishing = (async () => {
    for (let value = 0; value < count; value++) await received.publish({ value, body: body(value) });
    received.close();
  })();
  let next = 0;
  for await (const batch of subscription.batches()) {
    for (const event of batch) {
      assert.equal(event.value, next);
      assert.deepEqual(Uint8Array.from(event.body), body(next));
      next++;
    }
  }
  await publishing;
  assert.equal(next, count);
});

Deno.test("WorkerProducer.publish() blocks while main is slow and loses nothing", async () => {
  using bus = await openBus();
  using worker = await TestWorker.start();
  const topic = bus.open(gating);
  const subscription = topic.subscribe({ name: "slow" });
  const count = 1_000;
  const done = worker.run({ kind: "produce", hot: bus.memory.handle, to: topic.producerHandle(), count });
  let next = 0;
  for await (const batch of subscription.batches(100)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    for (const event of batch) assert.equal(event.value, next++);
  }
  assert.equal(next, count);
  assert.equal(await done, "done");
  assert.ok(topic.ring.fullCount > 0);
});

Deno.test("A Worker that hangs is expelled after deadAfterMs; the others go on and lose nothing", async () => {
  using bus = await openBus();
  using hanging = await TestWorker.start();
  using alive = await TestWorker.start();
  const topic = bus.open(defineTopic({ ...gating, deadAfterMs: 100 }));
  const dead = topic.consumerHandle({ name: "dead" });
  const from = topic.consumerHandle({ name: "alive" });
  const report = alive.run({ kind: "sum", hot: bus.memory.handle, from }) as Promise<SumReport>;
  const hangs = hanging.run({ kind: "hang", hot: bus.memory.handle, from: dead });
  await topic.publish({ value: 0, body: EMPTY });
  assert.equal(await hangs, "hanging");
  for (let value = 1; value < 1_000; value++) await topic.publish({ value, body: EMPTY });
  assert.deepEqual(topic.subscribers().map(({ name, expelled }) => [name, expelled]), [["dead", true], [
    "alive",
    false,
  ]]);
  topic.close();
  assert.deepEqual(await report, { ended: "closed", count: 1_000, sum: 499_500, gaps: 0 });
});

Deno.test("Topic.drop() frees a terminated Worker's place at once", async () => {
  using bus = await openBus();
  const topic = bus.open(defineTopic({ ...gating, deadAfterMs: 0 }));
  const from = topic.consumerHandle({ name: "killed" });
  {
    using worker = await TestWorker.start();
    const hangs = worker.run({ kind: "hang", hot: bus.memory.handle, from });
    await topic.publish({ value: 0, body: EMPTY });
    await hangs;
  }
  let value = 1;
  while (topic.tryPublish({ value, body: EMPTY })) value++;
  const waiting = topic.publish({ value, body: EMPTY });
  topic.drop(from);
  await waiting;
  assert.deepEqual(topic.subscribers(), []);
});

Deno.test("An expelled Worker that comes back learns it from an error, not from wrong events", async () => {
  using bus = await openBus();
  using worker = await TestWorker.start();
  const topic = bus.open(gating);
  const from = topic.consumerHandle({ name: "zombie" });
  topic.ring.expel(from.consumer);
  for (let value = 0; value < 200; value++) assert.equal(topic.tryPublish({ value, body: EMPTY }), true);
  const report = await worker.run({ kind: "sum", hot: bus.memory.handle, from }) as SumReport;
  assert.deepEqual([report.ended, report.count, report.error], ["failed", 0, "BUS_SUBSCRIBER_EXPELLED"]);
});
