import assert from "node:assert/strict";
import fc from "fast-check";
import { MessagePace, MinuteLimit, RequestBudget } from "./message_rate.ts";

Deno.test("RequestBudget gives its burst at once, then one request in each fraction of a minute", () => {
  const budget = new RequestBudget({ perMinute: 67, burst: 6 });
  const taken = Array.from({ length: 8 }, () => budget.take(5_000));
  assert.deepEqual(taken, [true, true, true, true, true, true, false, false]);
  assert.equal(budget.take(5_999), false);
  assert.equal(budget.take(6_000), true);
  assert.equal(budget.take(5_500), false);
  assert.equal(budget.available(600_000), 6);
});

Deno.test("RequestBudget never gives more than its rate in any minute, and rskj's limit drops none of it", () => {
  const waits = fc.array(fc.oneof(fc.nat(20), fc.nat(300), fc.nat(90_000)), {
    minLength: 400,
    maxLength: 3_000,
  });
  fc.assert(
    fc.property(waits, fc.integer({ min: 2, max: 400 }), (steps, perMinute) => {
      const budget = new RequestBudget({ perMinute });
      const limit = new MinuteLimit({ perMinute });
      const times: number[] = [];
      let nowMs = 0;
      for (const step of steps) {
        nowMs += step;
        while (budget.take(nowMs)) {
          times.push(nowMs);
          assert.ok(limit.admit(nowMs));
        }
      }
      times.forEach((time, i) => {
        const earlier = times[i - perMinute];
        assert.ok(earlier === undefined || time - earlier >= 60_000, `${perMinute} in ${time - earlier!} ms`);
      });
    }),
    { numRuns: 50 },
  );
});

Deno.test("RequestBudget scales with the length of its minute", () => {
  const budget = new RequestBudget({ perMinute: 1_000, minuteMs: 600, burst: 4 });
  let taken = 0;
  for (let nowMs = 0; nowMs < 600; nowMs += 0.25) if (budget.take(nowMs)) taken++;
  assert.ok(taken > 970 && taken <= 1_000, `${taken}`);
});

Deno.test("RequestBudget refuses a rate that is no more than its burst", () => {
  assert.throws(() => new RequestBudget({ perMinute: 16, burst: 16 }), RangeError);
  assert.throws(() => new RequestBudget({ perMinute: 1 }), RangeError);
  assert.throws(() => new RequestBudget({ perMinute: 100, burst: 0 }), RangeError);
});

Deno.test("MinuteLimit does not count the first message of a clock minute, and drops what is above until the next", () => {
  const limit = new MinuteLimit({ perMinute: 2 });
  assert.deepEqual([1, 2, 3, 4].map((ms) => limit.admit(ms)), [true, true, true, false]);
  assert.equal(limit.admit(59_999), false);
  assert.equal(limit.admit(60_000), true);
});

Deno.test("MessagePace: no window of time has more messages than it may, and nothing waits without need", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat(40), { minLength: 1, maxLength: 60 }),
      (limit, pauses) => {
        const windowMs = 100;
        const pace = new MessagePace(limit, windowMs);
        const sent: number[] = [];
        let nowMs = 0;
        for (const pause of pauses) {
          nowMs += pause;
          const inWindow = sent.filter((at) => at > nowMs - windowMs).length;
          const delay = pace.delayMs(nowMs);
          assert.equal(delay === 0, inWindow < limit, `${inWindow} in the window`);
          nowMs += delay;
          pace.count(nowMs);
          sent.push(nowMs);
          assert(sent.filter((at) => at > nowMs - windowMs).length <= limit);
        }
      },
    ),
  );
});
