import assert from "node:assert/strict";
import fc from "fast-check";
import { type Manner, type NetworkPlan, type PeerPlan, SyncNetwork } from "./_sync_network.ts";
import { ToyWorld } from "./_sync_world.ts";

const BEST = 12_000;
const HOUR_MS = 3_600_000;

/** 0 is the chain; 1 is lighter from 4000 on, 2 heavier from 5000 on; 3 breaks rules from 8500 on; 4 is lighter from 0. */
const WORLD = new ToyWorld([
  { difficulty: 1_000 },
  { parent: 0, forkAt: 4_000, difficulty: 500 },
  { parent: 0, forkAt: 5_000, difficulty: 1_500 },
  { parent: 0, forkAt: 8_000, difficulty: 1_000, invalidFrom: 8_500 },
  { parent: 0, forkAt: 0, difficulty: 700 },
]);

function honest(plan: Partial<PeerPlan> = {}): PeerPlan {
  return { branch: 0, best: BEST, ...plan };
}

function liar(manner: Manner, plan: Partial<PeerPlan> = {}): PeerPlan {
  return { branch: manner === "endless-skeleton" ? 3 : 0, best: BEST, manner, ...plan };
}

/** Runs until the block is the tip, which must be within `seconds` of virtual time, and a minute more. */
function reaches(plan: Omit<NetworkPlan, "world">, seconds: number, branch = 0, best = BEST): SyncNetwork {
  const network = new SyncNetwork({ world: WORLD, ...plan });
  const wanted = WORLD.hash(branch, best).toHex();
  const isThere = () => network.tip.hash.toHex() === wanted;
  assert.ok(network.run(seconds * 1_000, isThere), `at ${network.tip.number} after ${seconds} s`);
  network.run(network.nowMs + 60_000);
  assert.ok(isThere(), `left the chain for ${network.tip.number}`);
  network.assertRules();
  return network;
}

Deno.test("SyncMachine syncs from one peer, and from eight in less time", () => {
  const one = reaches({ peers: [honest()] }, 30);
  assert.equal(one.storedHeaders, BEST);
  reaches({ peers: Array.from({ length: 8 }, (_, i) => honest({ latencyMs: 20 + 40 * i })) }, 6);
});

Deno.test("SyncMachine syncs over a network that loses answers", () => {
  reaches({ peers: Array.from({ length: 4 }, () => honest({ loss: 0.05 })) }, 60);
});

const LIARS: readonly [manner: Manner, seconds: number][] = [
  ["wrong-links", 20],
  ["garbage", 20],
  ["endless-skeleton", 20],
  ["silent", 30],
  ["slow-drip", 40],
  ["thin-air", 40],
];

for (const [manner, seconds] of LIARS) {
  Deno.test(`SyncMachine syncs with three honest peers among five that are ${manner}`, () => {
    const peers = [honest(), honest({ latencyMs: 120 }), liar(manner), liar(manner), honest()];
    const { scores } = reaches({ peers }, seconds);
    const isScored = scores.some(({ peer }) => peer === "peer2" || peer === "peer3");
    assert.ok(isScored || manner === "slow-drip", "nobody was scored");
  });
}

Deno.test("SyncMachine syncs with one honest peer among liars of every kind, a stale one and one on a lighter fork", () => {
  const liars = (["wrong-links", "endless-skeleton", "silent", "slow-drip", "thin-air"] as const).map((
    manner,
  ) => liar(manner));
  const others = [honest({ branch: 1, best: 15_000 }), honest({ best: 3_000 })];
  const network = reaches({ peers: [honest({ latencyMs: 150, loss: 0.01 }), ...liars, ...others] }, 200);
  assert.ok(network.scores.length > 0);
});

Deno.test("SyncMachine ends at the heaviest chain though most peers are on a lighter and longer one", () => {
  for (const branch of [1, 4]) {
    const lighter = Array.from({ length: 5 }, () => honest({ branch, best: 15_000 }));
    reaches({ peers: [...lighter, honest(), honest()] }, 60);
  }
});

Deno.test("SyncMachine ends at the heaviest chain though it is the shorter, and one peer alone has it", () => {
  const peers = [honest(), honest(), honest(), honest({ branch: 2, best: 11_000 })];
  const { adoptions } = reaches({ peers }, 60, 2, 11_000);
  assert.equal(adoptions.at(-1)!.forkPoint.number, 5_000);
});

Deno.test("SyncMachine leaves its chain for a heavier one that shows up later, deep below the tip", () => {
  const peers = [honest(), honest(), honest({ branch: 2, best: 11_000, joinMs: 30_000 })];
  const { adoptions } = reaches({ peers }, 60, 2, 11_000);
  assert.deepEqual(adoptions.map(({ forkPoint }) => forkPoint.number), [5_000]);
});

Deno.test("SyncMachine follows a growing chain, block by block, from announcements and statuses", () => {
  const peers = [honest({ blockMs: 5_000 }), honest({ blockMs: 5_000 })];
  const network = new SyncNetwork({ world: WORLD, peers });
  network.run(300_000);
  assert.ok(network.tip.number >= BEST + 58, `${network.tip.number}`);
  assert.equal(network.machine.snapshot().phase, "following");
  network.assertRules();
});

Deno.test("SyncMachine follows the tip though silent peers announce first, and others claim chains that do not exist", () => {
  const silent = Array.from({ length: 3 }, () => liar("silent", { blockMs: 5_000, latencyMs: 1 }));
  const claiming = Array.from({ length: 4 }, () => liar("thin-air"));
  const peers = [...silent, ...claiming, honest({ blockMs: 5_000 }), honest({ blockMs: 5_000 })];
  const network = new SyncNetwork({ world: WORLD, peers });
  network.run(120_000);
  let lateMs = 0;
  let behindMs = network.nowMs;
  network.run(720_000, () => {
    const best = network.peers.at(-1)!.best;
    if (network.tip.number >= best) behindMs = network.nowMs;
    lateMs = Math.max(lateMs, network.nowMs - behindMs);
    return false;
  });
  assert.ok(lateMs < 12_000, `${lateMs} ms behind`);
  network.assertRules();
});

Deno.test("SyncMachine survives peers that come and go, and goes on from what is stored", () => {
  const peers = [
    honest({ leaveMs: 3_000 }),
    honest({ leaveMs: 4_000, joinMs: 500 }),
    honest({ joinMs: 20_000, leaveMs: 23_000 }),
    honest({ joinMs: 30_000 }),
  ];
  const network = reaches({ peers }, 60);
  const tip = network.canonical[7_000]!;
  const resumed = new SyncNetwork({ world: WORLD, peers: [honest()], machine: { tip } });
  // What is stored below the tip is the same chain.
  for (let number = 0; number < 7_000; number++) resumed.canonical[number] = network.canonical[number];
  assert.ok(resumed.run(60_000, () => resumed.tip.number === BEST));
  assert.equal(resumed.storedHeaders, BEST - 7_000);
});

Deno.test("SyncMachine recognises a stale peer after a restart, when it remembers its tip alone", () => {
  const first = reaches({ peers: [honest()] }, 30);
  const machine = { tip: first.canonical[BEST]! };
  const network = new SyncNetwork({
    world: WORLD,
    peers: [honest({ best: BEST - 50 }), honest({ best: 9_000 })],
    machine,
  });
  for (let number = 0; number < BEST; number++) network.canonical[number] = first.canonical[number];
  network.run(120_000);
  assert.equal(network.machine.snapshot().phase, "following");
  assert.equal(network.storedHeaders, 0);
  assert.deepEqual(network.scores, []);
});

Deno.test("SyncMachine keeps to the budget of every peer, and fills it when headers are all it waits for", () => {
  const config = { requestsPerMinute: 100 };
  const network = new SyncNetwork({
    world: WORLD,
    peers: [honest(), honest(), honest()],
    perMinute: 100,
    config,
  });
  network.run(60_000);
  network.assertRules();
  const [busiest] = network.peers.map(({ busiestMinute }) => busiestMinute).sort((a, b) => b - a);
  // A third of 63 chunks and eight windows fits into a burst and a quarter of a minute.
  assert.ok(busiest! > 20 && busiest! <= 100, `${busiest}`);
});

Deno.test("SyncMachine holds no more than its window, however far behind verification is", () => {
  const config = { windowHeaders: 960 };
  const network = reaches({ peers: [honest(), honest(), honest()], config, verifyMs: 150 }, 60);
  assert.ok(network.busiestWindow > 700, `${network.busiestWindow}`);
});

const MANNERS: readonly (Manner | "fork" | "heavy" | "stale")[] = [
  "honest",
  "honest",
  "wrong-links",
  "endless-skeleton",
  "silent",
  "slow-drip",
  "thin-air",
  "garbage",
  "fork",
  "heavy",
  "stale",
];

const peerPlan = fc.record({
  manner: fc.constantFrom(...MANNERS),
  latencyMs: fc.integer({ min: 5, max: 500 }),
  loss: fc.constantFrom(0, 0, 0.01, 0.03),
  joinMs: fc.constantFrom(0, 0, 300, 5_000, 20_000),
});

Deno.test("SyncMachine always ends at the heaviest valid chain of its peers, and never breaks its rules on the way", () => {
  const forks = fc.record({
    best: fc.integer({ min: 600, max: 9_000 }),
    forkAt: fc.integer({ min: 0, max: 599 }),
    light: fc.integer({ min: 300, max: 999 }),
    heavy: fc.integer({ min: 1_001, max: 1_600 }),
    extra: fc.integer({ min: -300, max: 2_000 }),
  });
  fc.assert(
    fc.property(forks, fc.array(peerPlan, { minLength: 7, maxLength: 7 }), fc.nat(), (fork, plans, seed) => {
      const { best, light, heavy, extra } = fork;
      const forkAt = Math.floor((best * fork.forkAt) / 600);
      const world = new ToyWorld([
        { difficulty: 1_000 },
        { parent: 0, forkAt, difficulty: light },
        { parent: 0, forkAt, difficulty: heavy },
        { parent: 0, forkAt, difficulty: 1_000, invalidFrom: forkAt + 200 },
      ]);
      const peers = plans.map(({ manner, ...plan }): PeerPlan => {
        const top = Math.max(forkAt + 1, best + extra);
        if (manner === "fork") return { ...plan, branch: 1, best: top };
        if (manner === "heavy") return { ...plan, branch: 2, best: top };
        if (manner === "stale") return { ...plan, branch: 0, best: Math.ceil(best / 3) };
        if (manner === "endless-skeleton") return { ...plan, branch: 3, best, manner };
        return manner === "honest" ? { ...plan, branch: 0, best } : { ...plan, branch: 0, best, manner };
      });
      const all = [{ branch: 0, best, latencyMs: 80 }, ...peers];
      const heaviest = all.filter((peer: PeerPlan) => peer.manner === undefined)
        .map((peer) => world.totalDifficulty(peer.branch, peer.best))
        .reduce((a, b) => (b > a ? b : a));
      const network = new SyncNetwork({ world, peers: all, seed });
      const isThere = () => network.tip.totalDifficulty >= heaviest;
      assert.ok(
        network.run(HOUR_MS, isThere),
        `at ${network.tip.number}, ${network.tip.totalDifficulty} of ${heaviest}`,
      );
      network.run(network.nowMs + 20_000);
      // Nothing that breaks a rule is in the store.
      for (const block of network.canonical) {
        assert.equal(new DataView(block!.hash.buffer, block!.hash.byteOffset).getUint32(12), 0);
      }
      network.assertRules();
    }),
    { numRuns: 60 },
  );
});
