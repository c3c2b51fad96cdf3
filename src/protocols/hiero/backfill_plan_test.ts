import assert from "node:assert/strict";
import fc from "fast-check";
import type { BackfillEffect, BackfillEvent, BackfillPlanConfig, OwnBlocks } from "./backfill_events.ts";
import { BackfillPlan } from "./backfill_plan.ts";

const CONFIG: BackfillPlanConfig = {
  peers: [{ priority: 1 }],
  earliest: 0n,
  greedy: true,
  initialDelayMs: 15_000,
  scanIntervalMs: 60_000,
  fetchBatchSize: 10,
  delayBetweenBatchesMs: 1_000,
  maxRetries: 3,
  initialRetryDelayMs: 5_000,
  maxBackoffMs: 300_000,
  healthPenaltyPerFailureMs: 1_000,
};

function effectText(effect: BackfillEffect): string {
  switch (effect.kind) {
    case "poll":
      return `poll ${effect.peer}`;
    case "fetch":
      return `${effect.lane} ${effect.first}-${effect.last} from ${effect.peer}`;
    case "wake":
      return `wake ${effect.atMs}`;
    case "back-off":
      return `back-off ${effect.peer} until ${effect.untilMs}`;
    case "given-up":
      return `${effect.lane} rests`;
  }
}

/** A plan with a clock and blocks of its own, which speaks text. */
class Script {
  readonly plan: BackfillPlan;
  nowMs = 0;
  own: OwnBlocks;

  constructor(config: Partial<BackfillPlanConfig> = {}, own: Partial<OwnBlocks> = {}, random = () => 0) {
    this.plan = new BackfillPlan({ ...CONFIG, ...config }, 0, random);
    this.own = { first: undefined, next: 0n, ...own };
  }

  /** Effects of an event without the wakes. */
  step(event: BackfillEvent): string[] {
    return this.all(event).filter((text) => !text.startsWith("wake"));
  }

  all(event: BackfillEvent): string[] {
    return this.plan.step(event, this.own, this.nowMs).map(effectText);
  }

  at(nowMs: number): string[] {
    this.nowMs = nowMs;
    return this.step({ kind: "tick" });
  }

  polled(peer: number, first?: bigint, last?: bigint): string[] {
    return this.step({ kind: "polled", peer, first, last });
  }

  /** The blocks of a live-tail fetch are stored. */
  fetched(next: bigint, latencyMs = 10): string[] {
    this.own = { first: this.own.first ?? 0n, next };
    return this.step({ kind: "fetched", lane: "live-tail", latencyMs });
  }

  failed(): string[] {
    return this.step({ kind: "fetch-failed", lane: "live-tail" });
  }
}

Deno.test("BackfillPlan looks first after its initial delay, then every interval", () => {
  const script = new Script();
  assert.deepEqual(script.all({ kind: "tick" }), ["wake 15000"]);
  assert.deepEqual(script.at(14_999), []);
  assert.deepEqual(script.at(15_000), ["poll 0"]);
  assert.deepEqual(script.polled(0), []);
  assert.deepEqual(script.at(74_999), []);
  assert.deepEqual(script.at(75_000), ["poll 0"]);
});

Deno.test("BackfillPlan fetches ten blocks at a time, with a delay, up to the newest", () => {
  const script = new Script();
  script.at(15_000);
  assert.deepEqual(script.polled(0, 0n, 23n), ["live-tail 0-9 from 0"]);
  script.nowMs = 15_100;
  assert.deepEqual(script.fetched(10n), []);
  assert.deepEqual(script.at(16_099), []);
  assert.deepEqual(script.at(16_100), ["live-tail 10-19 from 0"]);
  script.fetched(20n);
  assert.deepEqual(script.at(17_100), ["live-tail 20-23 from 0"]);
  script.fetched(24n);
  assert.deepEqual(script.at(18_100), []);
});

Deno.test("BackfillPlan wakes when a lane may go on and when a back-off ends", () => {
  const script = new Script();
  script.at(15_000);
  script.polled(0, 0n, 99n);
  script.own = { first: 0n, next: 10n };
  const texts = script.all({ kind: "fetched", lane: "live-tail", latencyMs: 1 });
  assert.deepEqual(texts, ["wake 16000"]);
  script.at(16_000);
  assert.deepEqual(script.all({ kind: "fetch-failed", lane: "live-tail" }), [
    "back-off 0 until 21000",
    "wake 21000",
  ]);
  assert.deepEqual(script.at(21_000), ["live-tail 10-19 from 0"]);
});

Deno.test("BackfillPlan without greedy fetches only what a publisher has told of, at once (P7)", () => {
  const script = new Script({ greedy: false }, { first: 0n, next: 1n });
  script.at(15_000);
  assert.deepEqual(script.polled(0, 0n, 120n), []);
  script.nowMs = 20_000;
  assert.deepEqual(script.step({ kind: "demand", upTo: 5n }), ["poll 0"]);
  assert.deepEqual(script.polled(0, 0n, 120n), ["live-tail 1-5 from 0"]);
  assert.equal(script.plan.snapshot().demand, 5n);
  script.fetched(6n);
  assert.deepEqual(script.at(21_000), []);
  assert.equal(script.plan.snapshot().demand, undefined);
});

Deno.test("BackfillPlan does not poll more often than its delay, however often a publisher asks", () => {
  const script = new Script({ greedy: false });
  assert.deepEqual(script.step({ kind: "demand", upTo: 50n }), ["poll 0"]);
  script.polled(0, undefined, undefined);
  script.nowMs = 500;
  assert.deepEqual(script.step({ kind: "demand", upTo: 60n }), []);
  assert.deepEqual(script.step({ kind: "demand", upTo: 40n }), []);
  assert.equal(script.plan.snapshot().demand, 60n);
  assert.deepEqual(script.at(1_000), ["poll 0"]);
});

Deno.test("BackfillPlan forgets what a publisher has told of if no peer has the next block", () => {
  const script = new Script({ greedy: false }, { first: 0n, next: 10n });
  script.step({ kind: "demand", upTo: 2n ** 62n });
  assert.deepEqual(script.polled(0, 0n, 9n), []);
  assert.equal(script.plan.snapshot().demand, undefined);
});

Deno.test("BackfillPlan fetches history downwards, beside the live tail, as far as the node wants it", () => {
  const script = new Script({ earliest: 3n }, { first: 25n, next: 40n });
  script.at(15_000);
  assert.deepEqual(script.polled(0, 0n, 45n), ["live-tail 40-45 from 0", "history 15-24 from 0"]);
  script.own = { first: 15n, next: 40n };
  script.step({ kind: "fetched", lane: "history", latencyMs: 1 });
  assert.deepEqual(script.at(16_000), ["history 5-14 from 0"]);
  script.own = { first: 5n, next: 40n };
  script.step({ kind: "fetched", lane: "history", latencyMs: 1 });
  assert.deepEqual(script.at(17_000), ["history 3-4 from 0"]);
  script.own = { first: 3n, next: 40n };
  script.step({ kind: "fetched", lane: "history", latencyMs: 1 });
  assert.deepEqual(script.at(18_000), []);
});

Deno.test("BackfillPlan skips a peer that is behind, has nothing, or begins above the block (D11)", () => {
  const script = new Script(
    { peers: [{ priority: 0 }, { priority: 0 }, { priority: 0 }, { priority: 9 }] },
    { first: 0n, next: 10n },
  );
  script.at(15_000);
  script.polled(0, 0n, 9n);
  script.polled(1);
  script.polled(2, 11n, 50n);
  assert.deepEqual(script.polled(3, 5n, 50n), ["live-tail 10-19 from 3"]);
});

Deno.test("BackfillPlan prefers priority, then the lowest score, then chance", () => {
  const peers = [{ priority: 2 }, { priority: 1 }, { priority: 1 }];
  const chances = [0.99, 0];
  const script = new Script(
    { peers, fetchBatchSize: 1, delayBetweenBatchesMs: 0 },
    {},
    () => chances.shift()!,
  );
  script.at(15_000);
  script.polled(0, 0n, 99n);
  script.polled(1, 0n, 99n);
  assert.deepEqual(script.polled(2, 0n, 99n), ["live-tail 0-0 from 2"]);
  chances.unshift(0);
  assert.deepEqual(script.fetched(1n, 50), ["live-tail 1-1 from 1"], "nothing is known of peer 1 yet");
  chances.unshift(0);
  assert.deepEqual(script.fetched(2n, 80), ["live-tail 2-2 from 2"], "50 ms are less than 80");
});

Deno.test("BackfillPlan asks a peer of worse priority while the best ones are in back-off", () => {
  const script = new Script({ peers: [{ priority: 1 }, { priority: 2 }] });
  script.at(15_000);
  script.polled(0, 0n, 99n);
  assert.deepEqual(script.polled(1, 0n, 99n), ["live-tail 0-9 from 0"]);
  assert.deepEqual(script.failed(), ["back-off 0 until 20000", "live-tail 0-9 from 1"]);
  script.nowMs = 20_000;
  script.fetched(10n);
  assert.deepEqual(script.at(21_000), ["live-tail 10-19 from 0"], "its back-off has ended");
});

Deno.test("BackfillPlan doubles the back-off of a peer up to its bound, and forgets it with a success", () => {
  const script = new Script({ maxRetries: 100, maxBackoffMs: 18_000, scanIntervalMs: 10_000_000 });
  script.at(15_000);
  script.polled(0, 0n, 99n);
  const delays: number[] = [];
  for (let i = 0; i < 4; i++) {
    const [text] = script.failed();
    const until = Number(text!.split(" ").at(-1));
    delays.push(until - script.nowMs);
    assert.deepEqual(script.at(until), ["live-tail 0-9 from 0"]);
  }
  assert.deepEqual(delays, [5_000, 10_000, 18_000, 18_000]);
  script.fetched(10n);
  assert.equal(script.plan.snapshot().peers[0]!.failures, 0);
});

Deno.test("BackfillPlan lets a lane rest until the next scan after three failures", () => {
  const script = new Script({ peers: [{ priority: 1 }, { priority: 1 }, { priority: 1 }, { priority: 1 }] });
  script.at(15_000);
  for (const peer of [0, 1, 2, 3]) script.polled(peer, 0n, 99n);
  script.failed();
  script.failed();
  assert.deepEqual(script.failed(), ["back-off 2 until 20000", "live-tail rests"]);
  assert.deepEqual(script.at(30_000), []);
  assert.deepEqual(script.at(75_000), ["poll 0", "poll 1", "poll 2", "poll 3"]);
});

Deno.test("BackfillPlan does not blame a peer for an interruption", () => {
  const script = new Script();
  script.at(15_000);
  script.polled(0, 0n, 99n);
  script.own = { first: 0n, next: 4n };
  assert.deepEqual(script.step({ kind: "interrupted", lane: "live-tail" }), []);
  assert.deepEqual(script.at(16_000), ["live-tail 4-13 from 0"]);
});

Deno.test("BackfillPlan does not poll a peer in back-off, and plans without one whose poll failed", () => {
  const script = new Script({ peers: [{ priority: 1 }, { priority: 2 }], initialRetryDelayMs: 100_000 });
  script.at(15_000);
  assert.deepEqual(script.polled(1, 0n, 3n), [], "the best peer may still answer");
  assert.deepEqual(script.step({ kind: "poll-failed", peer: 0 }), [
    "back-off 0 until 115000",
    "live-tail 0-3 from 1",
  ]);
  script.fetched(4n);
  assert.deepEqual(script.at(75_000), ["poll 1"]);
});

Deno.test("BackfillPlan reaches the newest block of the peers, whatever fails on the way", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 60 }), (choices) => {
      const script = new Script({ peers: [{ priority: 1 }, { priority: 2 }] }, { first: 30n, next: 50n });
      const pending: BackfillEffect[] = [];
      let wakeAtMs = 0;
      const step = (event: BackfillEvent) => {
        for (const effect of script.plan.step(event, script.own, script.nowMs)) {
          if (effect.kind === "poll" || effect.kind === "fetch") pending.push(effect);
          else if (effect.kind === "wake") wakeAtMs = effect.atMs;
        }
        const lanes = pending.filter((effect) => effect.kind === "fetch").map(({ lane }) => lane);
        assert.equal(new Set(lanes).size, lanes.length, "one fetch a lane");
      };
      step({ kind: "tick" });
      for (let round = 0; script.own.next <= 99n || script.own.first !== 0n; round++) {
        assert.ok(round < 1_000, "no progress");
        const effect = pending.shift();
        const choice = choices.shift() ?? 0;
        if (effect?.kind === "poll") {
          const { peer } = effect;
          step(choice === 1 ? { kind: "poll-failed", peer } : { kind: "polled", peer, first: 0n, last: 99n });
        } else if (effect?.kind === "fetch") {
          const { lane, first, last } = effect;
          assert.ok(last - first < 10n && first <= last);
          if (choice === 1) step({ kind: "fetch-failed", lane });
          else if (choice === 2) step({ kind: "interrupted", lane });
          else {
            assert.equal(
              lane === "history" ? last + 1n : first,
              lane === "history" ? script.own.first : script.own.next,
            );
            script.own = lane === "history" ? { ...script.own, first } : { ...script.own, next: last + 1n };
            step({ kind: "fetched", lane, latencyMs: choice });
          }
        } else {
          assert.ok(wakeAtMs > script.nowMs, "it sleeps for ever, or not at all");
          script.nowMs = wakeAtMs;
          step({ kind: "tick" });
        }
      }
    }),
  );
});
