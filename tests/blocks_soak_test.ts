// The short form of the soak (bench/soak): one node, three publishers and the node killed, twenty subscribers.

import assert from "node:assert/strict";
import { Audit, range } from "../bench/soak/audit.ts";
import { type BlockShape, ChainWindow } from "../bench/soak/chain.ts";
import { isLeaking, type MemorySample, reportMemory } from "../bench/soak/memory.ts";
import { FULL_SOAK, parseSettings } from "../bench/soak/settings.ts";
import { runSoak } from "../bench/soak/soak.ts";
import { startNode, tempDirectory } from "./support/node_process.ts";
import { PublishStream } from "./support/publish_stream.ts";

/** Less of everything than the full form asks: CI's two cores are to be done with it within a minute. */
const SHORT = {
  ...FULL_SOAK,
  seconds: 40,
  blocksPerSecond: 25,
  items: 30,
  slowPausesMs: [25, 50, 100, 200, 400],
  nodeKillSeconds: 12,
  publisherKillSeconds: 3,
};

/** Twice what the node needs in this load. */
const MOST_MEGABYTES = 1_000;

Deno.test("soak: kill -9 of publishers and node under 20 subscribers loses, doubles and alters no block", async () => {
  const lines: string[] = [];
  const result = await runSoak(SHORT, (line) => void lines.push(line));
  const told = JSON.stringify({ lines, result });
  assert.deepEqual(result.violations, [], told);
  assert.equal(result.nodeKills, 2, told);
  assert.ok(result.publisherKills >= 5, told);
  assert.ok(result.comparedBlocks > result.blocks && result.blocks > 100, told);
  assert.ok(result.memory.peakMegabytes < MOST_MEGABYTES, told);
  assert.equal(result.subscribers.length, 20);
  for (const { pauseMs, blocks } of result.subscribers) {
    assert.ok(pauseMs > 0 ? blocks > 10 : blocks === result.blocks, told);
  }
});

Deno.test("Audit.compare() names blocks that are missing or have other bytes, but not while the node is killed", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  const shape = { items: 2, itemBytes: 100 };
  const sent = new ChainWindow(shape, 5);
  await using stream = new PublishStream(node.grpc);
  for (let number = 0n; number < 5n; number++) stream.sendBlock(number, sent.block(number)!);
  await stream.acknowledged(4n);

  const violationsOf = async (shape: BlockShape, last: number, isOver = false) => {
    const violations: string[] = [];
    const audit = new Audit(shape, (what) => void violations.push(what), () => isOver);
    await audit.compare(node.grpc, range(0, last));
    return violations;
  };
  assert.deepEqual(await violationsOf(shape, 4), []);
  const missing = await violationsOf(shape, 5);
  assert.equal(missing.length, 1);
  assert.match(missing[0]!, /^block 5 was acknowledged and is not served: .*NOT_AVAILABLE/);
  const other = await violationsOf({ ...shape, itemBytes: 101 }, 1);
  assert.deepEqual(
    other.toSorted(),
    [0, 1].map((n) => `block ${n} is served with other bytes than were sent`),
  );
  assert.deepEqual(await violationsOf(shape, 5, true), []);
});

Deno.test("reportMemory() and isLeaking() tell a flat node from one that grows from life to life", () => {
  // Ten lives of 60 s; each grows by 60 MB in its first 20 s, then by 1 MB a second times `growth`.
  const lives = (growth: number, fromLifeToLife: number): MemorySample[] =>
    Array.from({ length: 300 }, (_, i) => {
      const atSeconds = i * 2;
      const [life, ageSeconds] = [Math.floor(atSeconds / 60), atSeconds % 60];
      const megabytes = 400 + life * fromLifeToLife + Math.min(ageSeconds, 20) * 3 + growth * ageSeconds;
      return { atSeconds, ageSeconds, life, megabytes };
    });
  const flat = reportMemory(lives(0, 0), 600);
  assert.deepEqual(flat, {
    warmSamples: 200,
    startMegabytes: 460,
    middleMegabytes: 460,
    endMegabytes: 460,
    peakMegabytes: 460,
    byMinuteMegabytes: Array.from({ length: 10 }, () => 449),
    firstHalfMegabytes: 460,
    secondHalfMegabytes: 460,
    slopeMegabytesPerHour: 0,
    growthInLifeMegabytesPerMinute: 0,
  });
  assert.ok(!isLeaking(flat));
  const growing = reportMemory(lives(1, 50), 600);
  assert.ok(isLeaking(growing));
  assert.equal(Math.round(growing.growthInLifeMegabytesPerMinute), 60);
  assert.ok(growing.slopeMegabytesPerHour > 2_500 && growing.slopeMegabytesPerHour < 3_500);
  // A process that is not warm yet grows, and that says nothing.
  const short = reportMemory(lives(0, 0).slice(0, 8), 16);
  assert.ok(short.secondHalfMegabytes > short.firstHalfMegabytes);
  assert.ok(!isLeaking(reportMemory(lives(0, 500).slice(0, 60), 120)));
});

Deno.test("parseSettings() takes every flag and refuses what it does not know", () => {
  const settings = parseSettings(["--minutes", "2", "--seed", "7", "--items", "10"]);
  assert.deepEqual(settings, { ...FULL_SOAK, seconds: 120, seed: 7, items: 10 });
  assert.throws(() => parseSettings(["--minute", "2"]), /Cannot read '--minute 2'/);
  assert.throws(() => parseSettings(["--minutes"]), /Cannot read '--minutes '/);
  assert.throws(() => parseSettings(["--minutes", "soon"]), /Cannot read '--minutes soon'/);
});
