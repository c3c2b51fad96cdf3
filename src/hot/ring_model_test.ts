import assert from "node:assert/strict";
import { explore, type ModelOptions, type Mutant } from "./_ring_model.ts";

const GATING: ModelOptions = { policy: "gating", slots: 2, events: 3 };
const LOSSY: ModelOptions = { policy: "lossy", slots: 2, events: 3 };
const JOINING: ModelOptions = { policy: "gating", slots: 2, events: 3, joins: true };

const scenarios: readonly (readonly [name: string, options: ModelOptions])[] = [
  ["gating: no unread slot is overwritten, no event lost, no wake-up lost", GATING],
  ["gating with room for every event", { ...GATING, slots: 4 }],
  ["gating while a consumer joins", JOINING],
  ["lossy: no torn event is handed out, every event delivered or counted", LOSSY],
];

for (const [name, options] of scenarios) {
  Deno.test(`ring model, every interleaving, ${name}`, () => {
    const { states, ends, violation } = explore(options);
    assert.equal(violation, undefined);
    assert.ok(states > 10_000, `only ${states} states: the exploration fell short`);
    assert.ok(ends > 0);
  });
}

const mutants: Record<Mutant, ModelOptions> = {
  "notify-before-cursor": GATING,
  "no-recheck-before-sleep": GATING,
  "recheck-before-register": GATING,
  "word-after-register": GATING,
  "space-word-after-flag": GATING,
  "wake-word-unchanged": GATING,
  "one-wake-forgotten": GATING,
  "one-slot-too-many": GATING,
  "cursor-before-slot": GATING,
  "release-before-read": GATING,
  "no-recheck-before-space-wait": GATING,
  "space-flag-before-release": GATING,
  "no-revalidation": LOSSY,
  "announce-after-write": LOSSY,
  "join-without-second-look": JOINING,
  "join-without-wake": JOINING,
};

for (const [mutant, options] of Object.entries(mutants)) {
  Deno.test(`ring model finds the seeded fault '${mutant}'`, () => {
    const { violation } = explore({ ...options, mutant: mutant as Mutant });
    assert.notEqual(violation, undefined);
  });
}
