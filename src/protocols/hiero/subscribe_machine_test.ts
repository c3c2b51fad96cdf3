// Rows of spec/block-node.md §4.2 and §10.2 (S1-S17) on the machine alone.

import assert from "node:assert/strict";
import { check } from "./_subscribe_script.ts";

const TOO_BIG = 2n ** 63n;

Deno.test("SubscribeMachine starts live at the next whole block and goes on without an end (S1, S15)", () => {
  check(
    `
    > 1 connect max max
    > items 10
    > proof 10
    > complete 10
    > stored 10
    > header 11
    1 < items h11
    > 1 ready
    > proof 11
    1 < items t
    > 1 ready
    1 < items p
    > 1 ready
    > complete 11
    > stored 11
    1 < end 11 (live)
    > 1 ready
    > header 12
    1 < items h12
  `,
    [0n, 9n],
  );
});

Deno.test("SubscribeMachine sends a closed range out of the store and ends with SUCCESS (S2)", () => {
  check(
    `
    > 1 connect 0 1
    1 reads 0
    > 1 block 0
    1 < items h0tp
    > 1 ready
    1 < end 0 (history)
    > 1 ready
    1 reads 1
    > 1 block 1
    1 < items h1tp
    > 1 ready
    1 < end 1 (history)
    > 1 ready
    1 SUCCESS
    > 1 ready
  `,
    [0n, 9n],
  );
});

Deno.test("SubscribeMachine begins at the first stored block if only an end is given (S3)", () => {
  check(
    `
    > 1 connect max 9
    1 reads 5
  `,
    [5n, 9n],
  );
});

Deno.test("SubscribeMachine turns from history to live with no gap and no repeat (S4)", () => {
  check(
    `
    > 1 connect 9 max
    1 reads 9
    > header 10
    > items 10
    > 1 block 9
    1 < items h9tp
    > 1 ready
    1 < end 9 (history)
    > header 11
    > 1 ready
    1 < items h10
    > 1 ready
    1 < items t
    > proof 10
    > complete 10
    > stored 10
    > 1 ready
    1 < items t
    > 1 ready
    1 < items p
    > 1 ready
    1 < end 10 (live)
    > 1 ready
    1 < items h11
  `,
    [0n, 9n],
  );
});

Deno.test("SubscribeMachine waits for a block in the near future (S5)", () => {
  check(
    `
    > 1 connect 12 12
    > header 11
    > proof 11
    > complete 11
    > stored 11
    > header 12
    1 < items h12
    > 1 ready
    > complete 12
    > stored 12
    1 < end 12 (live)
    > 1 ready
    1 SUCCESS
  `,
    [0n, 10n],
  );
});

Deno.test("SubscribeMachine refuses a start beyond the window, counted from the highest block seen (S6)", () => {
  check(
    `
    > 1 connect 4011 max
    1 NOT_AVAILABLE
    > 2 connect 4010 max
    > header 11
    > 3 connect 4011 max
  `,
    [0n, 10n],
  );
});

Deno.test("SubscribeMachine refuses what is below the first stored block, and everything of an empty node (S7)", () => {
  check(
    `
    > 1 connect 0 max
    1 NOT_AVAILABLE
    > 2 connect max 4
    2 NOT_AVAILABLE
  `,
    [5n, 9n],
  );
  check(
    `
    > 1 connect 0 max
    1 NOT_AVAILABLE
    > 2 connect max 4
    2 NOT_AVAILABLE
    > 3 connect max max
  `,
    undefined,
  );
});

Deno.test("SubscribeMachine refuses numbers that are none, the start before the end (S9, S10, S11)", () => {
  check(
    `
    > 1 connect ${TOO_BIG} max
    1 INVALID_START_BLOCK_NUMBER
    > 2 connect ${TOO_BIG} ${TOO_BIG}
    2 INVALID_START_BLOCK_NUMBER
    > 3 connect 0 ${TOO_BIG}
    3 INVALID_END_BLOCK_NUMBER
    > 4 connect max ${2n ** 64n - 2n}
    4 INVALID_END_BLOCK_NUMBER
    > 5 connect 10 5
    5 INVALID_END_BLOCK_NUMBER
    > 6 connect 90000 5
    6 INVALID_END_BLOCK_NUMBER
  `,
    [0n, 9n],
  );
});

Deno.test("SubscribeMachine ends with ERROR when the node fails or a stored block is not what it should be (S12)", () => {
  check(
    `
    > 1 connect 0 max
    1 reads 0
    > 1 unreadable
    1 ERROR
    > 2 connect 0 max
    2 reads 0
    > 2 block 7
    2 ERROR
    > 3 connect 0 max
    3 reads 0
    > 3 missing
    3 NOT_AVAILABLE
    > 4 connect 0 max
    4 reads 0
    > 4 fails
    4 ERROR
    > 4 fails
    > 4 block 0
  `,
    [0n, 9n],
  );
});

Deno.test("SubscribeMachine forgets a subscriber that vanishes, and the live blocks held for it (S13)", () => {
  const { machine } = check(
    `
    > 1 connect max max
    > header 10
    1 < items h10
    > 1 gone
    1 SUCCESS as GONE
    > 1 ready
    > items 10
  `,
    [0n, 9n],
  );
  assert.deepEqual(machine.snapshot(), { subscribers: 0, liveBytes: 0, lag: 0 });
});

Deno.test("SubscribeMachine cuts a large stored block into several sets and ends it once (S14)", () => {
  check(
    `
    > 1 connect 3 3
    1 reads 3
    > 1 block 3 100
    1 < items h3
    > 1 ready
    1 reads 3
    > 1 block 3 100
    1 < items t
    > 1 ready
    1 reads 3
    > 1 block 3 100
    1 < items p
    > 1 ready
    1 < end 3 (history)
  `,
    [0n, 9n],
    { chunkBytes: 40 },
  );
});

Deno.test("SubscribeMachine serves several subscribers, each its own range (S16)", () => {
  check(
    `
    > 1 connect 8 8
    1 reads 8
    > 2 connect max max
    > 3 connect 9 max
    3 reads 9
    > header 10
    2 < items h10
    > 1 block 8
    1 < items h8tp
    > 3 block 9
    3 < items h9tp
    > 1 ready
    1 < end 8 (history)
    > 3 ready
    3 < end 9 (history)
    > 3 ready
    3 < items h10
    > 1 ready
    1 SUCCESS
  `,
    [0n, 9n],
  );
});

Deno.test("SubscribeMachine sends a slow subscriber the rest of a block out of the store (S17)", () => {
  check(
    `
    > 1 connect max max
    > header 10
    1 < items h10
    > items 10
    > proof 10
    > complete 10
    > stored 10
    > 1 ready
    1 reads 10
    > 1 block 10
    1 < items tp
    > 1 ready
    1 < end 10 (history)
  `,
    [0n, 9n],
    { liveBytes: 20 },
  );
});

Deno.test("SubscribeMachine drops a subscriber that takes nothing for too long, and no other", () => {
  check(
    `
    > 1 connect max max
    > 2 connect max max
    > at 1000
    > header 10
    1 < items h10
    2 < items h10
    > 2 ready
    > at 31000
    > tick
    > at 31001
    > tick
    1 ERROR as SLOW
    > items 10
    2 < items t
  `,
    [0n, 9n],
  );
});

Deno.test("SubscribeMachine gives a large message more time", () => {
  check(
    `
    > 1 connect 3 3
    1 reads 3
    > 1 block 3 192
    1 < items h3
    > 1 ready
    1 reads 3
    > 1 block 3 192
    1 < items t
    > at 40000
    > tick
    > at 70000
    > tick
    1 ERROR as SLOW
  `,
    [0n, 9n],
    { chunkBytes: 100 },
  );
});

Deno.test("SubscribeMachine never drops a slow subscriber where the time-out is 0", () => {
  check(
    `
    > 1 connect max max
    > header 10
    1 < items h10
    > at 9000000
    > tick
  `,
    [0n, 9n],
    { stallTimeoutMs: 0 },
  );
});

Deno.test("SubscribeMachine begins a live block anew with its header when the node did", () => {
  check(
    `
    > 1 connect max max
    > header 10
    1 < items h10
    > 1 ready
    > proof 10
    1 < items t
    > complete 10
    > header 10
    > 1 ready
    1 < items h10
    > 1 ready
    > complete 10
    > stored 10
    1 < end 10 (live)
  `,
    [0n, 9n],
  );
});

Deno.test("SubscribeMachine begins a live block anew out of the store when it was stored from elsewhere", () => {
  check(
    `
    > 1 connect max max
    > header 10
    1 < items h10
    > 1 ready
    > stored 10
    1 reads 10
    > 1 block 10
    1 < items h10tp
  `,
    [0n, 9n],
  );
});

Deno.test("SubscribeMachine lets go of stored live blocks first, then of the one that is too much", () => {
  const { machine } = check(
    `
    > 1 connect 10 max
    > header 10
    1 < items h10
    > proof 10
    > complete 10
    > stored 10
    > header 11
  `,
    [0n, 9n],
    { liveBytes: 60 },
  );
  assert.ok(machine.snapshot().liveBytes <= 60);
  assert.equal(machine.snapshot().lag, 1);
});

Deno.test("SubscribeMachine ends all with SUCCESS at a stop and refuses newcomers with NOT_AVAILABLE", () => {
  check(
    `
    > 1 connect max max
    > 2 connect 0 max
    2 reads 0
    > shutdown
    1 SUCCESS
    2 SUCCESS
    > 2 block 0
    > 3 connect 0 max
    3 NOT_AVAILABLE
  `,
    [0n, 9n],
  );
});
