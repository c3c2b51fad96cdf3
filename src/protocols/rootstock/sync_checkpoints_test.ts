import assert from "node:assert/strict";
import type { RskMessage } from "./rsk_message.ts";
import { check } from "./_sync_script.ts";
import { ToyWorld } from "./_sync_world.ts";
import { contradictionOf } from "./sync_chain.ts";
import type { ChainPosition } from "./sync_events.ts";

/** Branch 1 leaves branch 0 at block 501 with blocks that weigh less, but for their uncles. */
const WORLD = new ToyWorld([
  { difficulty: 1_000 },
  { parent: 0, forkAt: 501, difficulty: 900, uncleCount: 1 },
]);

const TIP = WORLD.position(0, 500);
const OTHER = { number: 502, hash: WORLD.hash(1, 502) };

Deno.test("SyncMachine reports a chain that contradicts a checkpoint once, and does not follow it", () => {
  const { machine } = check(
    `
    > a joins 0@505
    a < headers 0@505 x6
    > a answers
    verify 5 after 0@500
    > verified
    contradiction at 502: 0@502. Another hash
    > at 10000
    > tick
    a < headers 0@505 x6
    > a answers
    verify 5 after 0@500
    > verified
    > b joins 1@505
    b < headers 1@505 x6
    > b answers
    verify 5 after 0@500
    > verified
    store 0@501 to 1@505
  `,
    WORLD,
    { tip: TIP, checkpoints: [OTHER] },
  );
  assert.equal(machine.snapshot().tip.number, 505);
});

Deno.test("SyncMachine does not walk past a checkpoint that the chain contradicts", () => {
  check(
    `
    > a joins 0@505
    a < headers 0@505 x1
    > a answers
    a < hash of 500
    > a answers
    a < skeleton from 384
    > a answers
    a < headers 0@505 x5
    > a answers
    verify 5 after 0@500
    > verified
    contradiction at 502: 0@502. Another hash
    > at 9999
    > tick
    > at 10000
    > tick
    a < headers 0@505 x1
  `,
    WORLD,
    { tip: TIP, checkpoints: [OTHER], config: { branchHeaders: 2 } },
  );
});

Deno.test("SyncMachine stops for good at a contradiction if it is told to", () => {
  const { machine } = check(
    `
    > a joins 0@505
    a < headers 0@505 x6
    > a answers
    verify 5 after 0@500
    > verified
    contradiction at 502: 0@502. Another hash
    > at 100000
    > tick
    > b joins 1@600
  `,
    WORLD,
    { tip: TIP, checkpoints: [OTHER], config: { onContradiction: "stop" } },
  );
  assert.equal(machine.snapshot().phase, "stopped");
});

Deno.test("SyncMachine follows a contradicting chain only if it is told to, and says so", () => {
  check(
    `
    > a joins 0@505
    a < headers 0@505 x6
    > a answers
    verify 5 after 0@500
    > verified
    contradiction at 502: 0@502. Less total difficulty than the headers alone have
    store 0@501 to 0@505
  `,
    WORLD,
    { tip: TIP, checkpoints: [{ number: 502, totalDifficulty: 1n }], config: { onContradiction: "follow" } },
  );
});

Deno.test("contradictionOf() compares a total difficulty with what headers and their uncles can weigh", () => {
  const block = { ...TIP, totalDifficulty: 1_000n, totalDifficultyCeiling: 2_000n };
  const { totalDifficultyCeiling: _, ...unknown } = block;
  const of = (totalDifficulty: bigint, at: ChainPosition = block) =>
    contradictionOf({ number: 500, totalDifficulty }, at);
  assert.deepEqual([of(1_000n), of(2_000n), of(1n, unknown)], [undefined, undefined, undefined]);
  assert.match(of(999n)!, /^Less/);
  assert.match(of(2_001n)!, /^More/);
  const named = { number: 500, hash: TIP.hash, difficulty: block.difficulty };
  assert.equal(contradictionOf(named, block), undefined);
  assert.equal(contradictionOf({ ...named, hash: new Uint8Array(32) }, block), "Another hash");
  assert.equal(contradictionOf({ ...named, difficulty: block.difficulty + 1n }, block), "Another difficulty");
});

Deno.test("SyncMachine starts from a checkpoint with the 449 headers below it, linked by hash", () => {
  check(
    `
    > a joins 0@1000
    a < hash of 600
    > b joins 0@500
    > a answers
    a < headers 0@600 x192
    > a answers
    a < headers 0@408 x192
    > a answers
    a < headers 0@216 x66
    > a answers
    anchor 0@151 to 0@600
    > stored
    a < headers 0@1000 x1
    > a answers
    a < hash of 600
    > a answers
    a < skeleton from 576
    > a answers
    a < headers 0@768 x168
    a < headers 0@960 x192
    a < headers 0@1000 x40
  `,
    WORLD,
    { base: WORLD.position(0, 600), ancestors: 449 },
  );
});

Deno.test("SyncMachine takes the headers below a checkpoint from another peer if one lies or has too few", () => {
  check(
    `
    > a joins 0@1000
    a < hash of 100
    > a answers
    a < headers 0@100 x101
    > a answers short
    > b joins 0@1000
    b < hash of 100
    > b answers
    b < headers 0@0 x1
    > b answers
    anchor 0@0 to 0@100
    > stored
    a < headers 0@1000 x1
  `,
    WORLD,
    { base: WORLD.position(0, 100), ancestors: 449 },
  );
  check(
    `
    > a joins 0@1000
    a < hash of 600
    > a answers
    a < headers 0@600 x192
    > a answers other
    score a invalid-header: Header is not the parent of the one above it
    > b joins 0@1000
    b < hash of 600
  `,
    WORLD,
    { base: WORLD.position(0, 600), ancestors: 449 },
  );
});

Deno.test("SyncMachine reports a chain that does not have the block that sync began from, and follows none below it", () => {
  const base = { ...WORLD.position(0, 600), hash: WORLD.hash(1, 600) };
  check(
    `
    > a joins 0@2000
    a < headers 0@2000 x1
    > a answers
    a < hash of 600
    > a answers
    a < hash of 600
    > a answers
    denial at 600: 0@2000. The chain of block 2000 does not have the block that sync began from
  `,
    WORLD,
    { base, config: { onContradiction: "stop" } },
  );
});

Deno.test("SyncMachine says that a peer has another block at a checkpoint, and takes it from one that has it", () => {
  const { machine } = check(
    `
    > a joins 0@1000
    a < hash of 600
    > a answers
    denial at 600: 0@600. A peer has another block there
    > at 9999
    > tick
    > at 10000
    > tick
    > tick
    a < hash of 600
    > b joins 1@1000
    > a answers
    b < hash of 600
    > b answers
    b < headers 1@600 x192
  `,
    WORLD,
    { base: WORLD.position(1, 600), ancestors: 449, config: { onContradiction: "stop" } },
  );
  assert.equal(machine.snapshot().phase, "anchoring");
});

Deno.test("SyncMachine does not begin at a checkpoint whose block is of another height", () => {
  const base = { ...WORLD.position(0, 600), number: 601 };
  const { machine } = check("> a joins 0@1000\n a < hash of 601", WORLD, { base, ancestors: 449 });
  const run = (message: RskMessage) => machine.handle({ type: "message", peer: "a", message }, 0);
  run({ type: "block-hash-response", id: 1n, hash: base.hash });
  const headers = Array.from({ length: 192 }, (_, i) => WORLD.header(0, 600 - i));
  assert.deepEqual(run({ type: "block-headers-response", id: 2n, headers }), [{
    type: "score",
    peer: "a",
    event: "invalid-message",
    detail: "Block 600 is not at height 601, as was said of it",
  }]);
  assert.equal(machine.snapshot().phase, "anchoring");
});

Deno.test("SyncMachine compares forks with their uncles if it is told to, once bodies have shown what these weigh", () => {
  check(
    `
    > a joins 0@502
    a < headers 0@502 x3
    > a answers
    verify 2 after 0@500
    > verified
    store 0@501 to 0@502
    > b joins 1@502
    b < headers 1@502 x1
    > b answers
    verify 1 after 0@501
    > verified
    store aside 1@502 to 1@502
    a < body 1@502
    > a uncles
    score a invalid-message: 0 uncles for block 502
    b < body 1@502
    > b uncles 200
    check 1 uncles of 1@502
    > weighed 200
    adopt 1@502 from 0@501, 1 deep
  `,
    WORLD,
    { tip: TIP, config: { exactBlocks: 100 } },
  );
});

Deno.test("SyncMachine does not adopt a fork whose uncles weigh too little, nor believe uncles that do not hash", () => {
  check(
    `
    > a joins 0@502
    a < headers 0@502 x3
    > a answers
    verify 2 after 0@500
    > verified
    store 0@501 to 0@502
    > b joins 1@502
    b < headers 1@502 x1
    > b answers
    verify 1 after 0@501
    > verified
    store aside 1@502 to 1@502
    a < body 1@502
    > a uncles 250
    check 1 uncles of 1@502
    > weighed
    score a invalid-message: Uncles of block 1@502 are not those of its header
    b < body 1@502
    > b uncles 90
    check 1 uncles of 1@502
    > weighed 90
  `.replace("of block 1@502", `of block ${WORLD.hash(1, 502).toHex()}`),
    WORLD,
    { tip: TIP, config: { exactBlocks: 100 } },
  );
});

Deno.test("SyncMachine compares forks by their headers if no peer gives bodies, says so, and asks these for none again", () => {
  const { machine } = check(
    `
    > a joins 0@502
    a < headers 0@502 x3
    > a answers
    verify 2 after 0@500
    > verified
    store 0@501 to 0@502
    > b joins 1@503
    b < headers 1@503 x2
    > b answers
    verify 2 after 0@501
    > verified
    store aside 1@502 to 1@503
    a < body 1@503
    b < body 1@502
    > at 2000
    > tick
    b < body 1@503
    a < body 1@502
    > at 29999
    > tick
    > at 30000
    > tick
    inexact 1@503 or 0@502
    adopt 1@503 from 0@501, 1 deep
    > c joins 0@504
    c < headers 0@504 x2
    > c answers
    verify 2 after 0@502
    > verified
    store aside 0@503 to 0@504
    c < body 1@503
    c < body 1@502
  `,
    WORLD,
    { tip: TIP, config: { exactBlocks: 100 } },
  );
  assert.equal(machine.snapshot().peers, 3);
});
