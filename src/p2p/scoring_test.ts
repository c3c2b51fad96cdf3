import assert from "node:assert/strict";
import { redialDelay } from "./dialer.ts";
import { Bans, Penalties } from "./scoring.ts";

Deno.test("redialDelay() doubles up to its bound, and chance only shortens it", () => {
  const options = { minMs: 500, maxMs: 30_000 };
  assert.deepEqual([0, 1, 2, 6, 7, 1_000].map((failures) => redialDelay(options, failures, 0)), [
    500,
    1_000,
    2_000,
    30_000,
    30_000,
    30_000,
  ]);
  assert.equal(redialDelay(options, 0, 1), 375);
});

Deno.test("Penalties add up, fade by a tenth a second, and end", () => {
  const penalties = new Penalties();
  penalties.add("a", 60);
  penalties.add("a", 40);
  penalties.fade(1);
  assert.equal(penalties.of("a"), 90);
  assert.equal(penalties.of("b"), 0);
  penalties.fade(100);
  assert.equal(penalties.of("a"), 0);
});

Deno.test("Penalties forget the peer with the fewest points when there are too many", () => {
  const penalties = new Penalties();
  for (let i = 0; i <= 4_096; i++) penalties.add(`peer ${i}`, i === 7 ? 1 : 10);
  assert.deepEqual([penalties.of("peer 7"), penalties.of("peer 0"), penalties.of("peer 4096")], [0, 10, 10]);
});

Deno.test("Bans end with their time, and the oldest is forgotten when there are too many", () => {
  const bans = new Bans();
  bans.add("a", 100);
  assert.deepEqual([bans.has("a", 99), bans.has("a", 100), bans.has("a", 99)], [true, false, false]);
  for (let i = 0; i <= 4_096; i++) bans.add(`peer ${i}`, 1_000);
  assert.deepEqual([bans.has("peer 0", 0), bans.has("peer 1", 0), bans.has("peer 4096", 0)], [
    false,
    true,
    true,
  ]);
});
