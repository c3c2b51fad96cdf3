import assert from "node:assert/strict";
import { check } from "./_publish_script.ts";
import { PublishBudget } from "./publish_budget.ts";
import { DEFAULT_PUBLISH_CONFIG } from "./publish_events.ts";

const OFF = { perHandlerMessageBudget: 0, totalMessageBudgetPerInterval: 0 } as const;

Deno.test("PublishMachine stops reading a stream that has used its budget until the next interval (P22)", () => {
  check(
    `
    > 1 connect
    > 2 connect
    > at 103
    > 1 header 0
    > 1 items
    pause 1
    note held-budget 1
    wake at 110
    > 2 header 0
    2 < skip 0
    > at 110
    > tick
    resume 1
    > 1 proof
    > 1 end 0
    pause 1
    note held-budget 1
    verify 0 #1, 30 bytes
    wake at 120
    > at 125
    > done 0
    resume 1
    persist 0 #1
    1 < acknowledgement 0
    2 < acknowledgement 0
  `,
    -1n,
    { ...OFF, perHandlerMessageBudget: 2 },
  );
});

Deno.test("PublishMachine takes what a held stream had sent before reading stopped, and loses none of it", () => {
  check(
    `
    > 1 connect
    > at 100
    > 1 header 0
    pause 1
    note held-budget 1
    wake at 110
    > 1 items
    > 1 proof
    > 1 end 0
    verify 0 #1, 30 bytes
    > done 0
    persist 0 #1
    1 < acknowledgement 0
  `,
    -1n,
    { ...OFF, perHandlerMessageBudget: 1 },
  );
});

Deno.test("PublishMachine counts the messages of all streams, anew in each interval", () => {
  check(
    `
    > 1 connect
    > 2 connect
    > at 100
    > 1 header 0
    > 2 header 0
    2 < skip 0
    pause 2
    note held-budget 2
    wake at 110
    > 1 items
    pause 1
    note held-budget 1
    > at 110
    > 1 items
    resume 1
    resume 2
    > 1 items
    pause 1
    note held-budget 1
    wake at 120
  `,
    -1n,
    { ...OFF, totalMessageBudgetPerInterval: 2 },
  );
});

Deno.test("PublishMachine holds a stream for a penalty after so many used-up intervals in a row, and longer the next time", () => {
  check(
    `
    > 1 connect
    > at 100
    > 1 header 0
    pause 1
    note held-budget 1
    wake at 110
    > at 110
    > 1 items
    resume 1
    pause 1
    note held-penalty 1
    wake at 1110
    > at 1100
    > tick
    > at 1110
    > 1 items
    resume 1
    pause 1
    note held-budget 1
    wake at 1120
    > at 1120
    > 1 items
    resume 1
    pause 1
    note held-penalty 1
    wake at 3120
  `,
    -1n,
    { ...OFF, perHandlerMessageBudget: 1, fullIntervalsForPenalty: 2, penaltyMs: 1_000, idleTimeoutMs: 50 },
  );
});

Deno.test("PublishMachine does not read a held stream because memory is free again, nor the other way round", () => {
  check(
    `
    > 1 connect
    > at 100
    > 1 whole 0 200
    > 1 end 0
    pause 1
    note held-budget 1
    verify 0 #1, 200 bytes
    wake at 110
    > done 0
    persist 0 #1
    1 < acknowledgement 0
    > at 110
    > tick
    resume 1
  `,
    -1n,
    { ...OFF, perHandlerMessageBudget: 2, pauseAboveBytes: 100 },
  );
});

Deno.test("PublishBudget forgets penalties after a while, and gaps between used-up intervals break the row", () => {
  const budget = new PublishBudget({
    ...DEFAULT_PUBLISH_CONFIG,
    perHandlerMessageBudget: 1,
    fullIntervalsForPenalty: 2,
    penaltyMs: 100,
    penaltyResetMs: 10_000,
  });
  const use = budget.begin();
  const untilOf = (nowMs: number) => budget.take(use, nowMs)!.untilMs;
  assert.deepEqual([untilOf(0), untilOf(20), untilOf(40)], [10, 30, 50]);
  assert.equal(untilOf(50), 150);
  assert.deepEqual([untilOf(1_000), untilOf(1_010)], [1_010, 1_210]);
  assert.deepEqual([untilOf(10_050), untilOf(10_060)], [10_060, 10_160]);
});

Deno.test("PublishBudget has no limit where it is told 0", () => {
  const budget = new PublishBudget({ ...DEFAULT_PUBLISH_CONFIG, ...OFF });
  const use = budget.begin();
  for (let i = 0; i < 10_000; i++) assert.equal(budget.take(use, 5), undefined);
});
