import assert from "node:assert/strict";
import { HotMemory } from "../../hot/memory.ts";
import { CairnError, toCairnError } from "../errors.ts";
import { MetricScope } from "../metrics.ts";
import { numberCodec, type NumberEvent, plainCodec } from "./_test_codec.ts";
import { Bus, type Codec, defineTopic, jsonCodec, type Topic } from "./mod.ts";

const BYTES = 4 << 20;
const EMPTY = new Uint8Array(0);
const event = (value: number, bytes = 0): NumberEvent => ({
  value,
  body: bytes === 0 ? EMPTY : new Uint8Array(bytes).fill(value),
});
const hasCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code;

async function openBus(metrics?: MetricScope) {
  return new Bus({ memory: await HotMemory.create({ bytes: BYTES }), ...(metrics && { metrics }) });
}

const gating = defineTopic({
  name: "test.gating",
  slots: 8,
  arenaBytes: 1024,
  policy: "gating",
  codec: numberCodec,
});
const lossy = defineTopic({ ...gating, name: "test.lossy", policy: "lossy" });
const plain = defineTopic({ name: "test.plain", slots: 8, policy: "gating", codec: plainCodec });

async function collect<E, R>(events: AsyncIterable<E>, map: (event: E) => R): Promise<R[]> {
  const all: R[] = [];
  for await (const event of events) all.push(map(event));
  return all;
}

Deno.test("defineTopic() refuses names that are not dotted lower case", () => {
  for (const name of ["", "Blocks", "blocks.", "a b", ".a"]) {
    assert.throws(() => defineTopic({ ...plain, name }), RangeError);
  }
});

Deno.test("Bus.open() refuses the same topic twice", async () => {
  using bus = await openBus();
  bus.open(plain);
  assert.throws(() => bus.open(plain), TypeError);
});

Deno.test("Topic: two concurrent subscribers see everything in order, the publisher waiting for the slower", async () => {
  using bus = await openBus();
  const topic = bus.open(gating);
  const count = 2_000;
  const fast = collect(topic.subscribe({ name: "fast" }), ({ value, body }) => value + body.length / 1_000);
  const slow = (async () => {
    const seen: number[] = [];
    for await (const { value, body } of topic.subscribe({ name: "slow" })) {
      if (value % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      assert.ok(
        body.every((byte) => byte === (value & 0xff)),
        "a borrowed body stays whole while it is held",
      );
      seen.push(value + body.length / 1_000);
    }
    return seen;
  })();
  const expected: number[] = [];
  for (let i = 0; i < count; i++) {
    const bytes = i * 7 % 200;
    expected.push(i + bytes / 1_000);
    await topic.publish(event(i, bytes));
  }
  topic.close();
  assert.deepEqual(await fast, expected);
  assert.deepEqual(await slow, expected);
  assert.ok(topic.ring.fullCount > 0);
});

Deno.test("Topic.publish() keeps the order of calls that wait for room", async () => {
  using bus = await openBus();
  const topic = bus.open(gating);
  const seen = collect(topic.subscribe({ name: "reader" }), ({ value }) => value);
  const published: Promise<void>[] = [];
  for (let i = 0; i < 200; i++) published.push(topic.publish(event(i, i % 3 === 0 ? 400 : 1)));
  await Promise.all(published);
  topic.close();
  assert.deepEqual(await seen, Array.from({ length: 200 }, (_, i) => i));
});

Deno.test("Topic.publish() fails with BUS_FULL once 1,024 publishes wait, and the waiting ones still arrive", async () => {
  using bus = await openBus();
  const topic = bus.open(plain);
  const subscription = topic.subscribe({ name: "late" });
  const waiting: Promise<void>[] = [];
  for (let i = 0; i < 8 + 1_024; i++) waiting.push(topic.publish(i));
  assert.throws(() => topic.publish(-1), hasCode("BUS_FULL"));
  assert.equal(topic.tryPublish(-1), false, "nobody overtakes those who wait");
  const seen = collect(subscription, (value) => value);
  await Promise.all(waiting);
  topic.close();
  assert.equal((await seen).length, 8 + 1_024);
});

Deno.test("Topic.close() fails publishes that wait and refuses new ones", async () => {
  using bus = await openBus();
  const topic = bus.open(plain);
  using _stuck = topic.subscribe({ name: "stuck" });
  for (let i = 0; i < 8; i++) assert.equal(topic.tryPublish(i), true);
  const waiting = assert.rejects(topic.publish(8), hasCode("SHUTTING_DOWN"));
  topic.close();
  assert.throws(() => topic.publish(9), (error) => error instanceof CairnError);
  _stuck.close();
  await waiting;
});

Deno.test("Topic.publishBatch() publishes in order, more than fit, with and without bodies", async () => {
  using bus = await openBus();
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  const bare = bus.open(plain);
  const bareSeen = collect(bare.subscribe({ name: "reader" }), (value) => value);
  await bare.publishBatch(numbers);
  await bare.publishBatch([]);
  bare.close();
  assert.deepEqual(await bareSeen, numbers);
  const bodied = bus.open(gating);
  const bodiedSeen = collect(bodied.subscribe({ name: "reader" }), ({ value, body }) => [value, body.length]);
  await bodied.publishBatch(numbers.map((i) => event(i, i)));
  bodied.close();
  assert.deepEqual(await bodiedSeen, numbers.map((i) => [i, i]));
});

Deno.test("Topic.claim() lets the caller write the body in place; cancel() leaves no trace", async () => {
  using bus = await openBus();
  const topic = bus.open(gating);
  using subscription = topic.subscribe({ name: "reader" });
  const cancelled = topic.claim(1_000)!;
  cancelled.setF64(0, 1);
  topic.cancel();
  const slot = topic.claim(1_000)!;
  slot.setKind(1);
  slot.setF64(0, 2);
  slot.body.fill(9);
  assert.throws(() => topic.publish(event(3)), TypeError, "nothing may be published around an open claim");
  assert.equal(subscription.behind, 0);
  topic.commit();
  assert.equal(topic.lastSequence, 0);
  assert.equal(topic.claim(100), undefined, "the arena is taken");
  topic.close();
  const seen = await collect(subscription, ({ value, body }) => [value, body.length, body[0], body[999]]);
  assert.deepEqual(seen, [[2, 1_000, 9, 9]]);
});

Deno.test("Topic.publish() refuses a body larger than the arena, and a codec that throws leaves no trace", async () => {
  using bus = await openBus();
  const topic = bus.open(gating);
  using subscription = topic.subscribe({ name: "reader" });
  assert.throws(() => topic.publish(event(0, 1_025)), (error) => {
    assert.equal(toCairnError(error).code, "BUS_EVENT_TOO_LARGE", "the code of the floor below is kept");
    return hasCode("BUS_EVENT_TOO_LARGE")(error);
  });
  const bad: NumberEvent = {
    get value(): number {
      throw new RangeError("no");
    },
    body: new Uint8Array(1_024),
  };
  assert.throws(() => topic.publish(bad), RangeError);
  await topic.publish(event(1, 1_024));
  topic.close();
  assert.deepEqual(await collect(subscription, ({ value }) => value), [1]);
});

Deno.test("Subscription with manual release keeps bytes in place until release(), also without iterating", async () => {
  using bus = await openBus();
  const topic = bus.open(gating);
  const held = topic.subscribe({ name: "held", release: "manual", deadAfterMs: 0 });
  const reader = collect(topic.subscribe({ name: "reader" }), ({ value }) => value);
  const sequences: number[] = [];
  for (let i = 0; i < 4; i++) {
    await topic.publish(event(i, 200));
    sequences.push(topic.lastSequence);
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(topic.tryPublish(event(9, 300)), false, "one reader is through, the other holds the arena");
  for (const [i, sequence] of sequences.entries()) {
    const { value, body } = held.read(sequence);
    assert.equal(value, i);
    assert.ok(body.length === 200 && body.every((byte) => byte === i));
  }
  held.release(sequences[1]);
  assert.equal(held.behind, 2);
  assert.throws(() => held.read(sequences[1]!), RangeError);
  assert.equal(held.read(sequences[2]!).value, 2);
  assert.equal(topic.tryPublish(event(9, 300)), true);
  held.close();
  topic.close();
  assert.deepEqual(await reader, [0, 1, 2, 3, 9]);
});

Deno.test("Subscription.batches() with manual release frees what release() names, by default all handed out", async () => {
  using bus = await openBus();
  const topic = bus.open(plain);
  const subscription = topic.subscribe({ name: "reader", release: "manual" });
  await topic.publishBatch([0, 1, 2, 3, 4]);
  const batches = subscription.batches(3);
  assert.deepEqual((await batches.next()).value, [0, 1, 2]);
  assert.equal(subscription.behind, 5);
  subscription.release();
  assert.equal(subscription.behind, 2);
  assert.deepEqual((await batches.next()).value, [3, 4]);
  assert.equal(subscription.behind, 2);
  await batches.return();
  assert.deepEqual(topic.subscribers(), []);
});

Deno.test("Subscription ends on abort, on break and on close, and gives its place back", async () => {
  using bus = await openBus();
  const topic = bus.open(plain);
  const abort = new AbortController();
  const aborted = collect(topic.subscribe({ name: "aborted", signal: abort.signal }), (value) => value);
  const closing = topic.subscribe({ name: "closing" });
  const closed = collect(closing, (value) => value);
  const broken = (async () => {
    for await (const value of topic.subscribe({ name: "broken" })) return value;
  })();
  await topic.publish(7);
  await new Promise((resolve) => setTimeout(resolve, 5));
  abort.abort();
  closing.close();
  assert.deepEqual([await aborted, await closed, await broken], [[7], [7], 7]);
  assert.deepEqual(topic.subscribers(), []);
  const late = topic.subscribe({ name: "late", signal: AbortSignal.abort() });
  assert.deepEqual(await collect(late, (value) => value), []);
  assert.deepEqual(topic.subscribers(), []);
});

Deno.test("Topic.subscribe() starts at the newest event, and refuses a name that is taken", async () => {
  using bus = await openBus();
  const topic = bus.open(plain);
  await topic.publishBatch([1, 2, 3]);
  const seen = collect(topic.subscribe({ name: "reader" }), (value) => value);
  assert.throws(() => topic.subscribe({ name: "reader" }), TypeError);
  await topic.publish(4);
  topic.close();
  assert.deepEqual(await seen, [4]);
});

Deno.test("Lossy topic: the publisher never waits; a lagging subscriber gets the newest and knows what it lost", async () => {
  const metrics = new MetricScope(undefined, "cairn_bus_");
  using bus = await openBus(metrics);
  const topic = bus.open(lossy);
  const subscription = topic.subscribe({ name: "lagging" });
  for (let i = 0; i < 1_000; i++) assert.equal(topic.tryPublish(event(i, 20 + i % 100)), true);
  topic.close();
  const seen = await collect(subscription, ({ value, body }) => {
    assert.ok(body.length === 20 + value % 100 && body.every((byte) => byte === (value & 0xff)));
    return value;
  });
  // The last slots are whole; the oldest of them may have lost its body to the newest ones.
  assert.ok(seen.length >= 6 && seen.length <= 8);
  assert.deepEqual(seen, Array.from(seen, (_, i) => 1_000 - seen.length + i));
  assert.ok((await metrics.registry.metrics()).includes('published_total{topic="test.lossy"} 1000'));
});

Deno.test("Bus metrics: published, lag, dropped, full and arena bytes, as of the scrape", async () => {
  const metrics = new MetricScope(undefined, "cairn_bus_");
  using bus = await openBus(metrics);
  const full = bus.open(gating) as Topic<NumberEvent>;
  const lapped = bus.open(lossy);
  using _full = full.subscribe({ name: "a" });
  using reader = lapped.subscribe({ name: "b" });
  for (let i = 0; i < 8; i++) await full.publish(event(i, 16));
  assert.equal(full.tryPublish(event(8)), false);
  for (let i = 0; i < 20; i++) lapped.tryPublish(event(i));
  const iterator = reader[Symbol.asyncIterator]();
  await iterator.next();
  const scrape = async () => (await metrics.registry.metrics()).split("\n").filter((line) => line[0] !== "#");
  for (let times = 0; times < 2; times++) {
    const lines = await scrape();
    for (
      const line of [
        'cairn_bus_published_total{topic="test.gating"} 8',
        'cairn_bus_published_total{topic="test.lossy"} 20',
        'cairn_bus_subscriber_lag{topic="test.gating",subscriber="a"} 8',
        'cairn_bus_dropped_total{topic="test.lossy",subscriber="b"} 12',
        'cairn_bus_producer_full_total{topic="test.gating"} 1',
        'cairn_bus_arena_used_bytes{topic="test.gating"} 128',
        'cairn_bus_subscriber_expelled{topic="test.gating",subscriber="a"} 0',
      ]
    ) {
      assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
    }
  }
  await iterator.return?.(undefined);
});

Deno.test("jsonCodec() carries any JSON value, one after the other", async () => {
  using bus = await openBus();
  const codec: Codec<unknown> = jsonCodec();
  const topic = bus.open(
    defineTopic({ name: "config.updated", slots: 4, arenaBytes: 4096, policy: "gating", codec }),
  );
  const seen = collect(topic.subscribe({ name: "reader" }), (value) => value);
  const values = [{ keys: ["a.b"], text: "höhe \u{1f5fb}" }, [1, 2], "x", 3, null];
  for (const value of values) await topic.publish(value);
  topic.close();
  assert.deepEqual(await seen, values);
});
