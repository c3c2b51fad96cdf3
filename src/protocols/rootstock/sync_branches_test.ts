import { check } from "./_sync_script.ts";
import { ToyWorld } from "./_sync_world.ts";

/** Branches 1 and 2 leave branch 0 at block 501: the one weighs more, the other less. */
const WORLD = new ToyWorld([
  { difficulty: 1_000 },
  { parent: 0, forkAt: 501, difficulty: 1_200 },
  { parent: 0, forkAt: 501, difficulty: 900, uncleCount: 1 },
]);

const TIP = WORLD.position(0, 500);

Deno.test("SyncMachine fetches announced blocks by hash, and those between", () => {
  check(
    `
    > a joins 0@500
    > a announces 0@501
    a < headers 0@501 x2
    > a answers
    verify 1 after 0@500
    > verified
    store 0@501 to 0@501
    > stored
    > a announces 0@501
    > a tells 0@503
    a < headers 0@503 x1
    > a says 0@503
    > a answers
    a < headers 0@502 x192
    > a answers
    verify 2 after 0@501
    > verified
    store 0@502 to 0@503
  `,
    WORLD,
    { tip: TIP },
  );
});

Deno.test("SyncMachine adopts a short fork that is heavier, and keeps to the chain where it is not", () => {
  check(
    `
    > a joins 0@502
    a < headers 0@502 x3
    > a answers
    verify 2 after 0@500
    > verified
    store 0@501 to 0@502
    > b joins 2@502
    b < headers 2@502 x1
    > b answers
    verify 1 after 0@501
    > verified
    store aside 2@502 to 2@502
    > c joins 1@502
    c < headers 1@502 x1
    > c answers
    verify 1 after 0@501
    > verified
    store aside 1@502 to 1@502
    adopt 1@502 from 0@501, 1 deep
    > c announces 1@503
    c < headers 1@503 x2
    > c answers
    verify 1 after 1@502
    > verified
    store 1@503 to 1@503
  `,
    WORLD,
    { tip: TIP },
  );
});

Deno.test("SyncMachine asks another peer that announced the same block, if the first does not give it", () => {
  check(
    `
    > a joins 0@500
    > b joins 0@500
    > a announces 0@501
    a < headers 0@501 x2
    > b announces 0@501
    > at 1999
    > tick
    > at 2000
    > tick
    b < headers 0@501 x2
    > b answers
    verify 1 after 0@500
    > a answers
    > verified
    store 0@501 to 0@501
  `,
    WORLD,
    { tip: TIP },
  );
});

Deno.test("SyncMachine takes an announced block while it asks where a fork leaves the chain, and asks anew", () => {
  check(
    `
    > a joins 0@500
    > b joins 0@900
    b < headers 0@900 x1
    > a announces 0@501
    a < headers 0@501 x2
    > b answers
    b < hash of 500
    > a answers
    verify 1 after 0@500
    > b answers
    > verified
    store 0@501 to 0@501
    b < hash of 501
    > b answers
    b < skeleton from 384
    a < skeleton from 384
    > a announces 0@502
  `,
    WORLD,
    { tip: TIP },
  );
});

Deno.test("SyncMachine lets one peer have two branches on their way, so that others have room", () => {
  check(
    `
    > a joins 0@500
    > a announces 0@501
    a < headers 0@501 x2
    > a announces 1@502
    a < headers 1@502 x3
    > a announces 2@502
    > b joins 0@500
    > b announces 2@502
    b < headers 2@502 x3
  `,
    WORLD,
    { tip: TIP },
  );
});
