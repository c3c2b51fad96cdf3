import assert from "node:assert/strict";
import { durationText, paceOf, progressText } from "./sync_pace.ts";

Deno.test("paceOf() gives rate and time left, and no time while nothing moves or a branch was left", () => {
  const from = { stored: 1_000, atMs: 5_000 };
  assert.deepEqual(paceOf(from, { stored: 241_000, atMs: 15_000 }, 481_000), {
    headersPerSecond: 24_000,
    secondsLeft: 10,
  });
  assert.deepEqual(paceOf(from, { stored: 1_003, atMs: 15_000 }, 1_006), {
    headersPerSecond: 0.3,
    secondsLeft: 10,
  });
  assert.deepEqual(paceOf(from, { stored: 1_000, atMs: 15_000 }, 2_000), { headersPerSecond: 0 });
  assert.deepEqual(paceOf(from, { stored: 990, atMs: 15_000 }, 2_000), { headersPerSecond: 0 });
  assert.deepEqual(paceOf(from, { stored: 1_002, atMs: 5_000 }, 1_000), {
    headersPerSecond: 2_000,
    secondsLeft: 0,
  });
});

Deno.test("progressText() says how far a sync is, how fast and how long yet", () => {
  const pace = { headersPerSecond: 24_000, secondsLeft: 336 };
  assert.equal(
    progressText(1_234_567, 9_280_000, pace),
    "1,234,567 of 9,280,000 (13 %), 24,000/s, 6 min left",
  );
  assert.equal(progressText(0, 9_280_000, { headersPerSecond: 0 }), "0 of 9,280,000 (0 %), 0/s");
  assert.equal(progressText(9_279_999, 9_280_000), "9,279,999 of 9,280,000 (99 %)");
  assert.equal(progressText(0, 0), "0 of 0 (100 %)");
  assert.equal(progressText(5, 4), "5 of 4 (100 %)");
});

Deno.test("durationText() takes two units at most and never promises too little", () => {
  const texts = [0, 1, 99, 100, 3_540, 3_541, 7_260, 86_400, 100_000, 864_000].map(durationText);
  assert.deepEqual(texts, [
    "0 s",
    "1 s",
    "99 s",
    "2 min",
    "59 min",
    "1 h",
    "2 h 1 min",
    "1 d",
    "1 d 3 h",
    "10 d",
  ]);
});
