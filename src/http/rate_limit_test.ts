import assert from "node:assert/strict";
import fc from "fast-check";
import { RateLimit } from "./rate_limit.ts";

Deno.test("RateLimit grants a burst, then what time gives back", () => {
  const limit = new RateLimit({ perSecond: 10, burst: 20, addresses: 8 });
  assert.equal(limit.take("a", 20, 0), 0);
  assert.equal(limit.take("a", 5, 0), 0.5);
  assert.ok(limit.take("a", 5, 499) > 0);
  assert.equal(limit.take("a", 5, 500), 0);
  assert.equal(limit.take("b", 20, 500), 0);
  assert.equal(limit.take("a", 20, 1_000_000), 0);
  assert.notEqual(limit.take("a", 1, 1_000_000), 0);
  // A clock that goes back gives nothing.
  assert.notEqual(limit.take("a", 1, 0), 0);
});

Deno.test("RateLimit knows an IPv6 network as one caller, and IPv4 in IPv6 as IPv4", () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1, addresses: 8 });
  assert.equal(limit.take("2001:db8:1:2::1", 1, 0), 0);
  assert.notEqual(limit.take("2001:db8:1:2:ffff::9", 1, 0), 0);
  assert.equal(limit.take("2001:db8:1:3::1", 1, 0), 0);
  assert.equal(limit.take("::1", 1, 0), 0);
  assert.equal(limit.take("10.0.0.1", 1, 0), 0);
  assert.notEqual(limit.take("::ffff:10.0.0.1", 1, 0), 0);
});

Deno.test("RateLimit without a rate grants everything and remembers nobody", () => {
  const limit = new RateLimit({ perSecond: 0, burst: 1, addresses: 8 });
  for (let i = 0; i < 100; i++) assert.equal(limit.take("a", 50, 0), 0);
  assert.equal(limit.size, 0);
});

Deno.test("RateLimit never grants more than burst and rate allow, and never remembers more than it may", () => {
  const step = fc.record({
    address: fc.nat({ max: 3 }),
    count: fc.integer({ min: 1, max: 10 }),
    waitMs: fc.nat({ max: 500 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const limit = new RateLimit({ perSecond: 20, burst: 10, addresses: 4 });
    const granted = new Map<number, number>();
    let nowMs = 0;
    for (const { address, count, waitMs } of steps) {
      nowMs += waitMs;
      if (limit.take(`10.0.0.${address}`, count, nowMs) === 0) {
        granted.set(address, (granted.get(address) ?? 0) + count);
      }
      assert.ok((granted.get(address) ?? 0) <= 10 + nowMs * 20 / 1_000 + 1e-6);
      assert.ok(limit.size <= 4);
    }
  }));
  const limit = new RateLimit({ perSecond: 1, burst: 1, addresses: 4 });
  for (let i = 0; i < 1_000; i++) limit.take(`10.0.${i >> 8}.${i & 255}`, 1, 0);
  assert.equal(limit.size, 4);
});
