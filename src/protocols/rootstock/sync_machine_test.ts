import { check } from "./_sync_script.ts";
import { ToyWorld } from "./_sync_world.ts";

/** Branch 0 is the chain; 1 leaves it deep below the tip; 2 breaks a rule from 301 on. */
const WORLD = new ToyWorld([
  { difficulty: 1_000 },
  { parent: 0, forkAt: 100, difficulty: 1_500 },
  { parent: 0, forkAt: 300, difficulty: 1_000, invalidFrom: 301 },
]);

const TIP = WORLD.position(0, 500);

Deno.test("SyncMachine walks to a peer's best block: its header, skeleton, chunks, in order into the store", () => {
  check(
    `
    > a joins 0@500
    a < headers 0@500 x1
    > a answers
    a < skeleton from 0
    > a answers
    a < headers 0@192 x192
    a < headers 0@384 x192
    a < headers 0@500 x116
    > a answers
    verify 192 after 0@0
    > a answers
    verify 192 after 0@192
    > a answers
    verify 116 after 0@384
    > verified
    store 0@1 to 0@192
    > verified
    store 0@193 to 0@384
    > stored
    > verified
    store 0@385 to 0@500
    > stored
    > stored
    > a says 0@500
  `,
    WORLD,
    { config: { branchHeaders: 10 } },
  );
});

Deno.test("SyncMachine asks for the chain's blocks in ascending order of verification, whatever order they come in", () => {
  check(
    `
    > a joins 0@500
    a < headers 0@500 x1
    > b joins 0@500
    > a answers
    a < skeleton from 0
    b < skeleton from 0
    > a answers
    > b answers
    a < headers 0@192 x192
    b < headers 0@384 x192
    a < headers 0@500 x116
    > b answers
    > a answers
    verify 192 after 0@0
    verify 192 after 0@192
    > a answers
    verify 116 after 0@384
  `,
    WORLD,
  );
});

Deno.test("SyncMachine goes on from the stored tip", () => {
  check(
    `
    > a joins 0@900
    a < headers 0@900 x1
    > a answers
    a < hash of 500
    > a answers
    a < skeleton from 384
    > a answers
    a < headers 0@576 x76
    a < headers 0@768 x192
    a < headers 0@900 x132
    > a answers
    verify 76 after 0@500
    > verified
    store 0@501 to 0@576
  `,
    WORLD,
    { tip: TIP },
  );
});

Deno.test("SyncMachine finds where a deep fork leaves the stored chain, and adopts it once it is heavier", () => {
  check(
    `
    > a joins 1@505
    a < headers 1@505 x1
    > a answers
    a < hash of 500
    > a answers
    a < hash of 250
    > a answers
    lookup 250
    > found 0
    a < hash of 125
    > a answers
    lookup 125
    > found 0
    a < hash of 62
    > a answers
    lookup 62
    > found 0
    a < hash of 93
    > a answers
    lookup 93
    > found 0
    a < hash of 109
    > a answers
    lookup 109
    > found 0
    a < hash of 101
    > a answers
    lookup 101
    > found 0
    a < hash of 97
    > a answers
    lookup 97
    > found 0
    a < hash of 99
    > a answers
    lookup 99
    > found 0
    a < hash of 100
    > a answers
    lookup 100
    > found 0
    a < skeleton from 0
    > a answers
    lookup 192
    > found 0
    a < headers 1@192 x92
    a < headers 1@384 x192
    a < headers 1@505 x121
    > a answers
    verify 92 after 0@100
    > a answers
    verify 192 after 1@192
    > a answers
    verify 121 after 1@384
    > verified
    store aside 1@101 to 1@192
    > verified
    store aside 1@193 to 1@384
    adopt 1@384 from 0@100, 400 deep
    > verified
    store 1@385 to 1@505
  `,
    WORLD,
    { tip: TIP, config: { branchHeaders: 4 } },
  );
});

Deno.test("SyncMachine reports a best header that is not the one advertised, and asks that peer nothing more", () => {
  check(
    `
    > a joins 0@500
    a < headers 0@500 x1
    > a answers other
    score a invalid-header: Best header is not block 500 as advertised
    > a says 0@501
    > at 100000
    > tick
  `,
    WORLD,
    { config: { branchHeaders: 10 } },
  );
});

Deno.test("SyncMachine reports a skeleton of no entries, and takes another peer's", () => {
  check(
    `
    > a joins 0@500
    a < headers 0@500 x1
    > b joins 0@500
    > a answers
    a < skeleton from 0
    b < skeleton from 0
    > a answers nothing
    score a invalid-message: Skeleton of 0 entries
    > b answers
    b < headers 0@192 x192
    b < headers 0@384 x192
    b < headers 0@500 x116
  `,
    WORLD,
  );
});

Deno.test("SyncMachine reports a chunk of the wrong size, and asks another peer for it", () => {
  check(
    `
    > a joins 0@500
    a < headers 0@500 x1
    > b joins 0@500
    > a answers
    a < skeleton from 0
    b < skeleton from 0
    > a answers
    > b answers
    a < headers 0@192 x192
    b < headers 0@384 x192
    a < headers 0@500 x116
    > a answers short
    score a invalid-message: 191 headers instead of 192
    b < headers 0@192 x192
    > b answers
    > b answers
    verify 192 after 0@0
    verify 192 after 0@192
  `,
    WORLD,
  );
});

Deno.test("SyncMachine reports whoever vouched for a block that breaks a rule, and keeps what was verified below", () => {
  check(
    `
    > a joins 2@500
    a < headers 2@500 x1
    > a answers
    a < skeleton from 0
    > a answers
    a < headers 0@192 x192
    a < headers 2@384 x192
    a < headers 2@500 x116
    > a answers
    verify 192 after 0@0
    > a answers
    verify 192 after 0@192
    > verified
    store 0@1 to 0@192
    > verified
    score a invalid-header: proof-of-work at block 301
    > b joins 0@500
    > stored
    b < headers 0@500 x1
    > b answers
    b < hash of 192
    > b answers
    b < skeleton from 192
    > b answers
    b < headers 0@384 x192
    b < headers 0@500 x116
  `,
    WORLD,
    { config: { branchHeaders: 10 } },
  );
});

Deno.test("SyncMachine punishes nobody for a rule that may be broken in good faith, and tries again later", () => {
  check(
    `
    > a joins 0@501
    a < headers 0@501 x2
    > a answers
    verify 1 after 0@500
    > invalid timestamp-future 0
    > at 9000
    > tick
    > at 10000
    > tick
    a < headers 0@501 x2
  `,
    WORLD,
    { tip: TIP },
  );
});

Deno.test("SyncMachine reports a total difficulty that nothing can weigh", () => {
  check(
    `
    > a joins 0@500 1000000000
    a < headers 0@500 x1
    > a answers
    score a invalid-message: Total difficulty that no chain of 500 blocks can have
  `,
    WORLD,
    { config: { branchHeaders: 10 } },
  );
  check(
    `
    > a joins 0@501 2
    a < headers 0@501 x2
    > a answers
    verify 1 after 0@500
    > verified
    store 0@501 to 0@501
    score a invalid-message: Total difficulty above what block 501 can have
  `,
    WORLD,
    { tip: TIP },
  );
});

Deno.test("SyncMachine asks again what stays open, of another peer if there is one, and gives silence up", () => {
  check(
    `
    > a joins 0@500
    a < headers 0@500 x1
    > b joins 0@500
    > at 2001
    > tick
    a < headers 0@500 x1
    > a answers
    a < skeleton from 0
    b < skeleton from 0
    > at 4002
    > b answers
    > tick
    > at 9003
    > tick
    > at 32001
    > tick
    score a timeout-message: No answer in 30000 ms
    b < headers 0@192 x192
    b < headers 0@384 x192
  `,
    WORLD,
    { config: { branchHeaders: 10 } },
  );
});

Deno.test("SyncMachine steals a chunk from a peer that does not give it, and takes whichever comes first", () => {
  check(
    `
    > a joins 0@150
    a < headers 0@150 x1
    > b joins 0@150
    > a answers
    a < skeleton from 0
    b < skeleton from 0
    > a answers
    > b answers
    a < headers 0@150 x150
    > at 2000
    > tick
    b < headers 0@150 x150
    > b answers
    verify 150 after 0@0
    > a answers
    > verified
    store 0@1 to 0@150
    > at 32000
    > tick
  `,
    WORLD,
    { config: { branchHeaders: 10 } },
  );
});

Deno.test("SyncMachine reports who answers nothing in time, and what it did not ask for", () => {
  check(
    `
    > a joins 0@501
    a < headers 0@501 x2
    > at 29999
    > tick
    > at 30000
    > tick
    score a timeout-message: No answer in 30000 ms
    > a answers
    score a unexpected-message: No request 1 for a block-headers-response
    > at 40000
    > tick
    a < headers 0@501 x2
  `,
    WORLD,
    { tip: TIP },
  );
});

Deno.test("SyncMachine forgets a peer that is gone, and fetches from others what it was asked for", () => {
  check(
    `
    > a joins 0@150
    a < headers 0@150 x1
    > b joins 0@150
    > a answers
    a < skeleton from 0
    b < skeleton from 0
    > a answers
    > b answers
    a < headers 0@150 x150
    > a gone
    b < headers 0@150 x150
    > a announces 0@151
  `,
    WORLD,
    { config: { branchHeaders: 10 } },
  );
});

Deno.test("SyncMachine does not ask for more while it is behind with what it has", () => {
  check(
    `
    > a joins 0@500
    a < headers 0@500 x1
    > a answers
    a < skeleton from 0
    > a answers
    a < headers 0@192 x192
    a < headers 0@384 x192
    > a answers
    verify 192 after 0@0
    > a answers
    verify 192 after 0@192
    > verified
    store 0@1 to 0@192
    > verified
    store 0@193 to 0@384
    > stored
    > stored
    a < headers 0@500 x116
  `,
    WORLD,
    { config: { windowHeaders: 384, backlogBytes: 64 * 100, branchHeaders: 10 } },
  );
});
