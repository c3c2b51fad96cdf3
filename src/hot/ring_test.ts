import assert from "node:assert/strict";
import fc from "fast-check";
import {
  CONSUMER_BYTES,
  CONSUMER_WAKE,
  PRODUCER_FULL_COUNT,
  RING_CONSUMERS_OFFSET,
  RING_PRODUCER_OFFSET,
  RING_SPACE_WAKE_OFFSET,
  SLOT_BODY_ADDRESS,
  SLOT_BODY_BYTES,
  SLOT_SCALARS,
} from "../../wasm/layout.ts";
import { HotError } from "./error.ts";
import { HotMemory } from "./memory.ts";
import { Ring, type RingSpec, SEQUENCE_MODULUS, sequenceDifference } from "./ring.ts";
import { RingConsumer } from "./ring_consumer.ts";
import { RingProducer } from "./ring_producer.ts";

const hot = await HotMemory.create({ bytes: 256 << 20 });

function open(spec: Partial<RingSpec>, deadAfterMs = 0) {
  const ring = Ring.create(hot, { slots: 8, policy: "gating", ...spec }, "test");
  const producer = new RingProducer(ring, { name: "test" });
  const join = () => new RingConsumer(ring, ring.join(deadAfterMs));
  return { ring, producer, join };
}

/** Scalar 0 of the next event, counted as read and released. */
function take(consumer: RingConsumer): number | undefined {
  if (consumer.available() === 0) return undefined;
  const value = hot.u32[consumer.slotWord(consumer.readAt) + (SLOT_SCALARS >>> 2)]!;
  consumer.advance(1);
  consumer.release(1);
  return value;
}

Deno.test("Ring.create() refuses slots that are no power of two and arenas that are not aligned", () => {
  for (const slots of [0, 1, 3, 2 ** 25, 1.5]) assert.throws(() => open({ slots }), RangeError);
  for (const arenaBytes of [-8, 7, 1.5]) assert.throws(() => open({ arenaBytes }), RangeError);
  assert.throws(
    () => open({ slots: 2 ** 24 }),
    (error) => error instanceof HotError && error.code === "HOT_MEMORY_EXHAUSTED",
  );
});

Deno.test("Ring.join() gives 16 places and refuses the next until one leaves", () => {
  const { join } = open({});
  const consumers = Array.from({ length: 16 }, join);
  assert.throws(join, (error) => error instanceof HotError && error.code === "BUS_SUBSCRIBERS_EXHAUSTED");
  consumers[3]!.leave();
  assert.equal(join().consumer, 3);
});

Deno.test("sequenceDifference() is right across the wrap at 2^53", () => {
  assert.equal(sequenceDifference(5, 3), 2);
  assert.equal(sequenceDifference(1, SEQUENCE_MODULUS - 1), 2);
  assert.equal(sequenceDifference(SEQUENCE_MODULUS - 1, 1), -2);
});

// What must not matter: where a sequence, an arena position or a wake word begins.
const STARTS: readonly (readonly [name: string, sequence: bigint, position: bigint])[] = [
  ["zero", 0n, 0n],
  ["2^31", 2n ** 31n - 13n, 2n ** 31n - 640n],
  ["2^32", 2n ** 32n - 13n, 2n ** 32n - 640n],
  ["2^53", 2n ** 53n - 13n, 2n ** 53n - 640n],
  ["2^63", 2n ** 63n - 13n, 2n ** 63n - 640n],
  ["2^64", 2n ** 64n - 13n, 2n ** 64n - 640n],
];

for (const [name, firstSequence, firstPosition] of STARTS) {
  Deno.test(`gating ring: nothing is lost, doubled or overwritten across ${name}`, () => {
    const { ring, producer, join } = open({ arenaBytes: 512, firstSequence, firstPosition });
    const fast = join();
    const slow = join();
    // Wake words and counters begin just below their own wrap.
    for (const { consumer } of [fast, slow]) {
      hot.i32[(ring.base + RING_CONSUMERS_OFFSET + consumer * CONSUMER_BYTES + CONSUMER_WAKE) >>> 2] = -1;
    }
    hot.i32[(ring.base + RING_SPACE_WAKE_OFFSET) >>> 2] = -1;
    let published = 0;
    let fastNext = 0;
    let slowNext = 0;
    const read = (consumer: RingConsumer, expected: number) => {
      const sequence = Number((firstSequence + BigInt(expected)) % 2n ** 53n);
      assert.equal(consumer.readAt, sequence);
      const word = consumer.slotWord(sequence);
      assert.equal(hot.u32[word + (SLOT_SCALARS >>> 2)], expected);
      const at = hot.u32[word + (SLOT_BODY_ADDRESS >>> 2)]!;
      const bytes = hot.u32[word + (SLOT_BODY_BYTES >>> 2)]!;
      assert.equal(bytes, 40 + expected % 90);
      for (let i = 0; i < bytes; i++) assert.equal(hot.u8[at + i], expected & 0xff);
      consumer.advance(1);
      consumer.release(1);
    };
    while (published < 60) {
      const bytes = 40 + published % 90;
      const slot = producer.claim(bytes) >>> 2;
      if (slot === 0) {
        producer.noteFull(0);
        // Full: what the slow one has not released must still be whole, and the fast one sees everything.
        while (fastNext < published) read(fast, fastNext++);
        assert.equal(fast.available(), 0);
        read(slow, slowNext++);
        continue;
      }
      hot.u32[slot + (SLOT_SCALARS >>> 2)] = published;
      const at = hot.u32[slot + (SLOT_BODY_ADDRESS >>> 2)]!;
      hot.u8.fill(published & 0xff, at, at + bytes);
      assert.equal(fast.available(), published - fastNext, "invisible before the commit");
      producer.commit();
      published++;
    }
    while (slowNext < published) read(slow, slowNext++);
    while (fastNext < published) read(fast, fastNext++);
    assert.equal(ring.published, 60);
    assert.ok(ring.fullCount > 0);
    assert.equal(ring.arenaBytesUsed, 0);
    assert.equal(ring.cursor, Number((firstSequence + 60n) % 2n ** 53n));
  });

  Deno.test(`lossy ring: every event is delivered whole or counted as lost across ${name}`, () => {
    const { ring, producer, join } = open({ policy: "lossy", arenaBytes: 256, firstSequence, firstPosition });
    const consumer = join();
    let delivered = 0;
    let last = -1;
    const drain = (max: number) => {
      while (max-- > 0 && consumer.available() > 0) {
        const body = consumer.copy();
        if (body === undefined) {
          consumer.skipLost();
          continue;
        }
        const value = consumer.copyWords[SLOT_SCALARS >>> 2]!;
        assert.ok(value > last, "in order");
        assert.equal(body.length, 30 + value % 50);
        assert.ok(body.every((byte) => byte === (value & 0xff)), "whole");
        last = value;
        delivered++;
        consumer.advance(1);
        consumer.release(1);
      }
    };
    for (let i = 0; i < 100; i++) {
      const bytes = 30 + i % 50;
      const slot = producer.claim(bytes) >>> 2;
      assert.notEqual(slot, 0, "a lossy producer never waits");
      hot.u32[slot + (SLOT_SCALARS >>> 2)] = i;
      const at = hot.u32[slot + (SLOT_BODY_ADDRESS >>> 2)]!;
      hot.u8.fill(i & 0xff, at, at + bytes);
      producer.commit();
      if (i % 17 === 5) drain(3);
    }
    drain(Infinity);
    const { lost, behind } = ring.consumerState(consumer.consumer);
    assert.equal(delivered + lost, 100);
    assert.ok(lost > 0 && delivered > 0);
    assert.equal(last, 99);
    assert.equal(behind, 0);
  });
}

Deno.test("RingProducer.publish() fills the ring to the last slot and then says no", () => {
  const { producer, join } = open({ slots: 4 });
  const consumer = join();
  for (let i = 0; i < 4; i++) assert.equal(producer.publish(1, i, 0, 0), true);
  assert.equal(producer.publish(1, 4, 0, 0), false);
  assert.equal(take(consumer), 0);
  assert.equal(producer.publish(1, 4, 0, 0), true);
  assert.equal(producer.publish(1, 5, 0, 0), false);
});

Deno.test("RingProducer.claim() refuses a body that no arena of this ring could hold", () => {
  const { producer } = open({ arenaBytes: 64 });
  assert.throws(
    () => producer.claim(65),
    (error) => error instanceof HotError && error.code === "BUS_EVENT_TOO_LARGE",
  );
  assert.notEqual(producer.claim(64), 0);
  producer.cancel();
  assert.notEqual(producer.claim(64), 0, "cancel() gives the arena back");
});

Deno.test("ringPublishBatch() copies records and publishes what fits", () => {
  const { ring, join } = open({ slots: 4 });
  const consumer = join();
  const from = hot.allocate(6 * 48, "records");
  for (let i = 0; i < 6; i++) hot.u32[(from + i * 48 + 8) >>> 2] = 100 + i;
  assert.equal(hot.kernels.ringPublishBatch(ring.base, from, 6), 4);
  assert.deepEqual([take(consumer), take(consumer)], [100, 101]);
  assert.equal(hot.kernels.ringPublishBatch(ring.base, from + 4 * 48, 2), 2);
  assert.deepEqual([take(consumer), take(consumer), take(consumer), take(consumer)], [102, 103, 104, 105]);
});

Deno.test("gating ring: the arena starts again at its front once everything is released", () => {
  const arenaBytes = 8 << 20;
  const { ring, producer, join } = open({ slots: 64, arenaBytes });
  const consumer = join();
  const front = ring.arenaAddress;
  let furthest = 0;
  for (let i = 0; i < 5_000; i++) {
    const slot = producer.claim(20_000) >>> 2;
    furthest = Math.max(furthest, hot.u32[slot + (SLOT_BODY_ADDRESS >>> 2)]! - front + 20_000);
    producer.commit();
    take(consumer);
  }
  assert.ok(furthest < 200_000, `touched ${furthest} bytes of ${arenaBytes}`);
});

Deno.test("gating ring: with a little always in flight the arena still stays near its front", () => {
  const arenaBytes = 8 << 20;
  const { ring, producer, join } = open({ slots: 64, arenaBytes });
  const consumer = join();
  let furthest = 0;
  for (let i = 0; i < 5_000; i++) {
    const slot = producer.claim(20_000) >>> 2;
    assert.notEqual(slot, 0);
    furthest = Math.max(furthest, hot.u32[slot + (SLOT_BODY_ADDRESS >>> 2)]! - ring.arenaAddress + 20_000);
    producer.commit();
    if (i >= 3) take(consumer);
  }
  assert.ok(furthest < arenaBytes / 4, `touched ${furthest} bytes of ${arenaBytes}`);
});

Deno.test("gating ring: any mix of sizes, claims, cancels and releases keeps unreleased bodies whole", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.record({ kind: fc.constant("publish" as const), bytes: fc.nat(300) }),
          fc.record({ kind: fc.constant("cancel" as const), bytes: fc.nat(300) }),
          fc.record({ kind: fc.constant("release" as const), bytes: fc.nat(6) }),
        ),
        { maxLength: 200 },
      ),
      (steps) => {
        const { ring, producer, join } = open({ slots: 8, arenaBytes: 512 });
        const consumer = join();
        const held: { at: number; bytes: number; fill: number }[] = [];
        let fill = 0;
        for (const { kind, bytes } of steps) {
          if (kind === "release") {
            const count = Math.min(bytes, held.length);
            held.splice(0, count);
            consumer.release(count);
            continue;
          }
          const slot = producer.claim(bytes) >>> 2;
          if (slot === 0) continue;
          const at = hot.u32[slot + (SLOT_BODY_ADDRESS >>> 2)]!;
          assert.ok(at >= ring.arenaAddress && at + bytes <= ring.arenaAddress + 512, "inside the arena");
          fill = (fill + 1) & 0xff;
          hot.u8.fill(fill, at, at + bytes);
          if (kind === "cancel") {
            producer.cancel();
          } else {
            producer.commit();
            held.push({ at, bytes, fill });
          }
          for (const body of held) {
            for (let i = 0; i < body.bytes; i++) assert.equal(hot.u8[body.at + i], body.fill);
          }
        }
        // Everything released: the largest body fits again.
        consumer.release(held.length);
        assert.notEqual(producer.claim(512), 0);
        consumer.leave();
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("RingConsumer.releaseTo() releases once, in any order of calls, and nothing unpublished", () => {
  const { producer, join } = open({ slots: 8, firstSequence: 2n ** 53n - 2n });
  const consumer = join();
  for (let i = 0; i < 5; i++) producer.publish(0, i, 0, 0);
  consumer.releaseTo(0);
  assert.equal(consumer.releasedAt, 1);
  consumer.releaseTo(SEQUENCE_MODULUS - 1);
  assert.equal(consumer.releasedAt, 1, "older than what is released already");
  assert.equal(consumer.readAt, 1);
  assert.throws(() => consumer.releaseTo(3), RangeError);
  consumer.releaseTo(2);
  assert.equal(consumer.available(), 0);
});

Deno.test("RingProducer.noteFull() expels a consumer that stands still, and only that one", () => {
  const expelled: number[] = [];
  const ring = Ring.create(hot, { slots: 4, policy: "gating" }, "test");
  const producer = new RingProducer(ring, {
    name: "test",
    onExpelled: (consumer) => expelled.push(consumer),
  });
  const alive = new RingConsumer(ring, ring.join(100));
  const dead = new RingConsumer(ring, ring.join(100));
  const patient = new RingConsumer(ring, ring.join(0));
  let published = 0;
  const fill = () => {
    while (producer.publish(0, published, 0, 0)) published++;
  };
  fill();
  const idle = new RingConsumer(ring, ring.join(100)); // caught up: stands still for want of events
  for (let nowMs = 1_000; nowMs <= 1_090; nowMs += 10) producer.noteFull(nowMs);
  assert.deepEqual(expelled, []);
  take(alive);
  producer.noteFull(1_100);
  assert.deepEqual(expelled, [dead.consumer]);
  assert.equal(ring.consumerState(dead.consumer).expelled, true);
  assert.throws(
    () => dead.assertActive("dead"),
    (error) => error instanceof HotError && error.code === "BUS_SUBSCRIBER_EXPELLED",
  );
  // The patient one may stand still for ever: it still gates.
  assert.equal(producer.publish(0, published, 0, 0), false);
  producer.noteFull(1_150);
  assert.deepEqual(expelled, [dead.consumer]);
  patient.release(4);
  for (let i = 0; i < 3; i++) take(alive);
  assert.equal(producer.publish(0, published, 0, 0), true);
  producer.noteFull(1_200);
  assert.equal(ring.isActive(idle.consumer), true, "its clock starts when it falls behind");
});

Deno.test("RingProducer.fullCount survives its own wrap", () => {
  const { ring, producer } = open({});
  const at = (ring.base + RING_PRODUCER_OFFSET + PRODUCER_FULL_COUNT) >>> 2;
  hot.i32[at] = -1;
  hot.i32[at + 1] = -1;
  producer.noteFull(0);
  assert.equal(ring.fullCount, 0);
});

Deno.test("RingProducer.waitForSpace() resolves when a consumer releases, without blocking the thread", async () => {
  const { producer, join } = open({ slots: 2 });
  const consumer = join();
  producer.publish(0, 0, 0, 0);
  producer.publish(0, 1, 0, 0);
  let woken = false;
  const waiting = producer.waitForSpace(0).then(() => woken = true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(woken, false);
  take(consumer);
  await waiting;
  assert.equal(producer.publish(0, 2, 0, 0), true);
});

Deno.test("RingConsumer.wait() is ended by a publish, a stop and a close", async () => {
  for (const end of ["publish", "stop", "close"] as const) {
    const { producer, join } = open({});
    const consumer = join();
    const waiting = consumer.wait();
    if (end === "publish") producer.publish(0, 0, 0, 0);
    if (end === "stop") consumer.stop();
    if (end === "close") producer.close();
    await waiting;
    assert.equal(consumer.available(), end === "publish" ? 1 : 0);
    assert.equal(consumer.ended, end !== "publish");
    assert.equal(consumer.ring.consumerState(consumer.consumer).wakes, end === "publish" ? 1 : 0);
  }
});
