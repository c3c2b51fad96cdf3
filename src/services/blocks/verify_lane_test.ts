import assert from "node:assert/strict";
import { HotMemory } from "../../hot/memory.ts";
import { Bus } from "../../kernel/bus/mod.ts";
import { eventually } from "../../rpc/_testing.ts";
import { makeChain, TEST_ARENA_BYTES, TEST_VERIFY_OPTIONS } from "./_testing.ts";
import { type LaneVerdict, VerifyLane } from "./verify_lane.ts";
import { TOPICS_OVERHEAD_BYTES } from "./topics.ts";

interface Opened extends AsyncDisposable {
  readonly lane: VerifyLane;
  /** Verdicts in order; each attempt is released as soon as its verdict is here, unless `keeps`. */
  readonly verdicts: LaneVerdict[];
  readonly fatal: Error[];
}

async function openLane(
  { keeps = false, chainState }: { keeps?: boolean; chainState?: Uint8Array } = {},
): Promise<Opened> {
  const memory = await HotMemory.create({ bytes: TEST_ARENA_BYTES + TOPICS_OVERHEAD_BYTES });
  const bus = new Bus({ memory });
  const fatal: Error[] = [];
  const verdicts: LaneVerdict[] = [];
  const lane = await VerifyLane.open(
    { arenaBytes: TEST_ARENA_BYTES, chainState, ...TEST_VERIFY_OPTIONS },
    { bus, fatal: (error) => void fatal.push(error) },
  );
  lane.onVerdicts((batch) => {
    for (const verdict of batch) {
      verdicts.push(verdict);
      if (!keeps) lane.release(verdict.attempt);
    }
  });
  return {
    lane,
    verdicts,
    fatal,
    async [Symbol.asyncDispose]() {
      await lane[Symbol.asyncDispose]();
      bus[Symbol.dispose]();
    },
  };
}

function submit(
  lane: VerifyLane,
  attempt: number,
  number: number,
  block: Uint8Array,
  onSubmitted = () => {},
): void {
  const half = block.length >> 1;
  const segments = [block.subarray(0, half), block.subarray(half)];
  lane.submit({ number: BigInt(number), attempt, segments, bytes: block.length }, onSubmitted);
}

Deno.test("VerifyLane gives verdicts in order for more blocks than shared memory holds", async () => {
  await using opened = await openLane();
  const chain = makeChain(60);
  let submitted = 0;
  for (const [i, block] of chain.entries()) submit(opened.lane, i + 1, i, block, () => submitted++);
  assert.ok(submitted < chain.length, "some wait for room");
  await eventually(() => opened.verdicts.length === chain.length, "all verdicts");
  assert.deepEqual(
    opened.verdicts.map(({ status, attempt }) => [status, attempt]),
    chain.map((_, i) => ["ok", i + 1]),
  );
  assert.equal(submitted, chain.length);
  assert.deepEqual(opened.fatal, []);
});

Deno.test("VerifyLane keeps a block's bytes until its release, whatever order releases come in", async () => {
  await using opened = await openLane({ keeps: true });
  const chain = makeChain(30);
  const held = Math.floor(TEST_ARENA_BYTES / chain[0]!.length) - 1;
  for (const [i, block] of chain.entries()) submit(opened.lane, i + 1, i, block);
  await eventually(() => opened.verdicts.length >= held, "shared memory full");
  // One more may just fit, and its verdict be on its way.
  let before: number;
  do {
    before = opened.verdicts.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  } while (opened.verdicts.length > before);
  for (let attempt = before; attempt > 1; attempt--) opened.lane.release(attempt);
  // The oldest block still holds the room.
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(opened.verdicts.length, before);
  assert.deepEqual(opened.verdicts[0]!.block.slice(), chain[0]);
  opened.lane.release(1);
  opened.lane.release(1);
  opened.lane.release(999);
  await eventually(() => opened.verdicts.length > before, "room again");
  assert.deepEqual(opened.verdicts[before]!.block.slice(), chain[before]);
});

Deno.test("VerifyLane.rebase() takes effect behind what was submitted before it", async () => {
  await using opened = await openLane();
  const chain = makeChain(3);
  submit(opened.lane, 1, 0, chain[0]!);
  submit(opened.lane, 2, 1, chain[1]!);
  opened.lane.rebase(undefined);
  submit(opened.lane, 3, 0, chain[0]!);
  await eventually(() => opened.verdicts.length === 3, "three verdicts");
  const states = opened.verdicts.map((verdict) => verdict.status === "ok" ? verdict.chainState : undefined);
  assert.ok(states.every((state) => state !== undefined));
  assert.deepEqual(states[2], states[0]);
  opened.lane.rebase(states[1]);
  submit(opened.lane, 4, 2, chain[2]!);
  await eventually(() => opened.verdicts.length === 4, "the fourth verdict");
  assert.equal(opened.verdicts[3]!.status, "ok");
});

Deno.test("VerifyLane carries block numbers and attempts beyond 2^32", async () => {
  await using opened = await openLane();
  const [block] = makeChain(1);
  opened.lane.submit({
    number: 2n ** 40n + 5n,
    attempt: 2 ** 40 + 7,
    segments: [block!],
    bytes: block!.length,
  }, () => {});
  await eventually(() => opened.verdicts.length === 1, "the verdict");
  const [verdict] = opened.verdicts;
  assert.deepEqual([verdict!.number, verdict!.attempt, verdict!.status], [
    2n ** 40n + 5n,
    2 ** 40 + 7,
    "fault",
  ]);
});

Deno.test("VerifyLane closes while blocks wait for room, twice is once", async () => {
  const opened = await openLane({ keeps: true });
  for (const [i, block] of makeChain(40).entries()) submit(opened.lane, i + 1, i, block);
  await eventually(() => opened.verdicts.length > 3, "some verdicts");
  await Promise.all([opened[Symbol.asyncDispose](), opened.lane[Symbol.asyncDispose]()]);
  assert.deepEqual(opened.fatal, []);
  assert.equal(opened.lane.failed, false);
});

Deno.test("VerifyLane.open() fails with the Worker, and a Worker that dies later is fatal", async () => {
  await assert.rejects(openLane({ chainState: Uint8Array.of(0xff) }), { code: "SERVICE_START_FAILED" });
  await using opened = await openLane();
  // A chain state that is none: only a damaged store could bring it.
  opened.lane.rebase(Uint8Array.of(0xff));
  await eventually(() => opened.fatal.length > 0, "the fatal error");
  assert.equal(opened.lane.failed, true);
  assert.match(String(opened.fatal[0]), /Verify Worker failed/);
});
