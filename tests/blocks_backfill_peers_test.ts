// What peers do, good and bad, and what becomes of it: real sockets, one process.

import assert from "node:assert/strict";
import {
  blockMessages,
  endMessage,
  itemsMessage,
  startPeer,
  statusMessage,
  type SubscribeScript,
  type TestPeer,
} from "./support/block_peer.ts";
import { vectorTest } from "./vectors.ts";
import { CairnError } from "../src/kernel/errors.ts";
import { MetricScope } from "../src/kernel/metrics.ts";
import { splitBlock } from "../src/protocols/hiero/block_split.ts";
import {
  encodeVerificationData,
  NO_VERIFICATION_DATA,
} from "../src/protocols/hiero/proofs/verification_data.ts";
import { eventually, metricValue } from "../src/rpc/_testing.ts";
import {
  makeChain,
  openPipeline,
  type PipelineFixture,
  TEST_ARENA_BYTES,
  TEST_VERIFY_OPTIONS,
  withBrokenLink,
} from "../src/services/blocks/_testing.ts";
import type { Backfill } from "../src/services/blocks/backfill.ts";
import { backfillConfig } from "../src/services/blocks/backfill_config.ts";
import { historicConfig } from "../src/services/blocks/config.ts";
import { startBackfill } from "../src/services/blocks/backfill_start.ts";
import { listBlockFiles, readBlockFile } from "../src/services/blocks/block_files.ts";
import { BlockStore } from "../src/services/blocks/store.ts";
import type { VerifyTaskOptions } from "../src/services/blocks/verify_task.ts";

/** A block of a generated chain has some 4 kB; nothing of a test is larger. */
const MAX_BLOCK_BYTES = TEST_ARENA_BYTES;

interface BackfillFixture extends AsyncDisposable {
  readonly backfill: Backfill;
  /** Failures of a peer by reason. */
  failures(peer: TestPeer, reason: string): Promise<number>;
  value(name: string): Promise<number>;
}

/** Backfill from peers, the first of which is the best; as quick as it goes. */
function openBackfill(
  { machine, pipeline, store, lane, log }: PipelineFixture,
  peers: readonly { readonly address: string; readonly statusAddress?: string }[],
  settings: Record<string, unknown> = {},
  { maxBlockBytes = MAX_BLOCK_BYTES, maxHistoryBytes = 1_000_000, verify = {} }: {
    maxBlockBytes?: number;
    maxHistoryBytes?: number;
    verify?: Partial<VerifyTaskOptions>;
  } = {},
): BackfillFixture {
  const metrics = new MetricScope().scope("backfill");
  const backfill = startBackfill({
    backfill: backfillConfig.parse({
      peers: peers.map(({ address, statusAddress }, priority) => ({ address, statusAddress, priority })),
      greedy: true,
      initialDelayMs: 0,
      scanIntervalMs: 100,
      delayBetweenBatchesMs: 0,
      initialRetryDelayMs: 100,
      perBlockTimeoutMs: 2_000,
      ...settings,
    }),
    maxBlockBytes,
    earliestManagedBlock: 0,
    pauseAboveBytes: maxHistoryBytes,
    historic: historicConfig.parse({}),
  }, {
    machine,
    pipeline,
    store,
    metrics,
    log,
    verifyOptions: () => ({
      ...TEST_VERIFY_OPTIONS,
      chainState: new Uint8Array(0),
      ...verify,
      verificationData: store.verificationData ?? encodeVerificationData(NO_VERIFICATION_DATA),
    }),
    onKeys: (learned) => lane.learn(learned),
    onStored: () => {},
  })!;
  return {
    backfill,
    failures: (peer, reason) => metricValue(metrics, "peer_failures_total", { peer: peer.address, reason }),
    value: (name) => metricValue(metrics, name),
    [Symbol.asyncDispose]: () => backfill[Symbol.asyncDispose](),
  };
}

/**
 * A backfill that is stopped between two steps of a dial lets go of its connection a moment later than its test ends.
 * What a closed client may leave behind is held by rpc_client_test.ts.
 */
const UNSANITIZED = { sanitizeOps: false, sanitizeResources: false };

async function assertStored({ store, fatal }: PipelineFixture, chain: readonly Uint8Array[]): Promise<void> {
  await eventually(
    () => store.first === 0n && store.last === BigInt(chain.length) - 1n,
    `blocks 0 to ${chain.length - 1} stored`,
  );
  for (const [i, block] of chain.entries()) {
    const found = await store.block(BigInt(i));
    assert.deepEqual(found && new Uint8Array(found), new Uint8Array(block), `block ${i}`);
  }
  assert.deepEqual(fatal, []);
}

/** A peer that says `lie` when it is asked for a range. */
function lying(lie: (number: bigint, sender: Parameters<SubscribeScript>[1]) => void): SubscribeScript {
  return (request, sender) => {
    lie(request.first, sender);
    return Promise.resolve();
  };
}

const CHAIN = makeChain(30);
const sendAll = (messages: readonly Uint8Array[], send: (message: Uint8Array) => unknown) =>
  messages.forEach((message) => send(message));

/** What peers may do wrong, by the reason that is counted. */
const LIES: readonly (readonly [what: string, reason: string, lie: SubscribeScript])[] = [
  [
    "sends a flipped byte in a link",
    "refused",
    async (request, sender) => {
      for (let number = request.first; number <= request.last; number++) {
        sendAll(
          blockMessages(number, withBrokenLink(CHAIN[Number(number)]!)),
          (message) => sender.send(message),
        );
      }
      await Promise.resolve();
    },
  ],
  [
    "sends another block",
    "wrong-block",
    lying((number, sender) =>
      sendAll(blockMessages(number + 1n, CHAIN[Number(number) + 1]!), (message) => sender.send(message))
    ),
  ],
  [
    "leaves a block out",
    "wrong-block",
    lying((number, sender) => {
      sendAll(blockMessages(number, CHAIN[Number(number)]!), (message) => sender.send(message));
      sendAll(blockMessages(number + 2n, CHAIN[Number(number) + 2]!), (message) => sender.send(message));
    }),
  ],
  [
    "names another block at the end of one",
    "wrong-block",
    lying((number, sender) => {
      for (const run of splitBlock(CHAIN[Number(number)]!)) sender.send(itemsMessage(run));
      sender.send(endMessage(number + 1n));
    }),
  ],
  [
    "sends items without end",
    "too-large",
    async (request, sender) => {
      const [header] = splitBlock(CHAIN[Number(request.first)]!, 1);
      sender.send(itemsMessage(header!));
      const item = splitBlock(CHAIN[Number(request.first)]!, 1).at(1)!;
      const items = new Uint8Array(item.length * 100);
      for (let at = 0; at < items.length; at += item.length) items.set(item, at);
      while (!request.signal.aborted) {
        if (!sender.send(itemsMessage(items))) await sender.drained();
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
  ],
  [
    "sends bytes that are no message",
    "malformed",
    lying((_, sender) => sender.send(Uint8Array.of(0x12, 0x7f))),
  ],
  ["sends an empty set", "malformed", lying((_, sender) => sender.send(itemsMessage(new Uint8Array(0))))],
  ["sends nothing and ends", "incomplete", lying(() => {})],
  ["answers that it has nothing", "status", lying((_, sender) => sender.send(statusMessage(6)))],
  [
    "fails",
    "unavailable",
    () => Promise.reject(new Error("the disk is gone")),
  ],
];

for (const [what, reason, lie] of LIES) {
  Deno.test(
    `Backfill takes nothing from a peer that ${what}: it is put in back-off, another one helps`,
    UNSANITIZED,
    async () => {
      await using liar = await startPeer(CHAIN, { subscribe: lie });
      await using honest = await startPeer(CHAIN);
      await using fixture = await openPipeline();
      await using backfill = openBackfill(fixture, [liar, honest]);
      await assertStored(fixture, CHAIN);
      assert.ok(await backfill.failures(liar, reason) > 0);
      const { peers } = backfill.backfill.status() as { peers: { failures: number }[] };
      assert.ok(peers[0]!.failures > 0);
      assert.equal(peers[1]!.failures, 0);
    },
  );
}

/** A pipeline that began at block 20 and has the chain from there. */
async function openLate(): Promise<PipelineFixture> {
  const fixture = await openPipeline({ config: { earliestManagedBlock: 20n } });
  const publisher = fixture.connect();
  for (let number = 20; number < 30; number++) publisher.block(BigInt(number), CHAIN[number]!);
  await eventually(() => fixture.store.last === 29n, "block 29");
  publisher.close();
  assert.equal(fixture.store.first, 20n);
  return fixture;
}

const OTHER = makeChain(30, 2);
const HISTORY_LIES: typeof LIES = [
  ...LIES,
  [
    "sends another chain",
    "unlinked",
    (request, sender) => {
      for (let number = request.first; number <= request.last; number++) {
        sendAll(blockMessages(number, OTHER[Number(number)]!), (message) => sender.send(message));
      }
      return Promise.resolve();
    },
  ],
];

for (const [what, reason, lie] of HISTORY_LIES) {
  Deno.test(`Backfill of history takes nothing from a peer that ${what}`, UNSANITIZED, async () => {
    await using liar = await startPeer(CHAIN, { subscribe: lie });
    await using honest = await startPeer(CHAIN);
    await using fixture = await openLate();
    await using backfill = openBackfill(fixture, [liar, honest]);
    await assertStored(fixture, CHAIN);
    assert.ok(await backfill.failures(liar, reason) > 0);
    assert.equal((await fixture.store.record(0n))?.level, "hash-verified");
    assert.deepEqual(fixture.persisted.length, 10, "history is not acknowledged");
  });
}

Deno.test(
  "Backfill of history keeps the highest blocks of a range that is larger than its bound",
  UNSANITIZED,
  async () => {
    await using peer = await startPeer(CHAIN);
    await using fixture = await openLate();
    await using _backfill = openBackfill(fixture, [peer], {}, {
      maxHistoryBytes: 3 * CHAIN[19]!.length + 100,
    });
    await assertStored(fixture, CHAIN);
    assert.deepEqual(peer.asked.slice(0, 2), ["10-19", "7-16"]);
  },
);

Deno.test(
  "Backfill of history goes on after a failed write and after a stop, without holes",
  UNSANITIZED,
  async () => {
    await using peer = await startPeer(CHAIN);
    await using fixture = await openLate();
    const { store, engine } = fixture;
    let fails = true;
    engine.beforeWrite = () => {
      if (!fails) return;
      fails = false;
      throw new CairnError("STORE_WRITE_FAILED", "Cannot write: no space");
    };
    {
      await using backfill = openBackfill(fixture, [peer]);
      await eventually(() => store.first! <= 10n, "block 10");
      assert.equal(await metricOfPeer(backfill, peer), 0);
    }
    await using _again = openBackfill(fixture, [peer]);
    await assertStored(fixture, CHAIN);
    const reopened = await BlockStore.open(engine);
    assert.deepEqual([reopened.first, reopened.last, reopened.chainState], [0n, 29n, store.chainState]);
  },
);

Deno.test(
  "Backfill gives up on a peer that falls silent within a block, and on one that never begins",
  UNSANITIZED,
  async () => {
    const silent: SubscribeScript = async (request, sender) => {
      const [run] = splitBlock(CHAIN[Number(request.first)]!, 1);
      if (request.first === 10n) sender.send(itemsMessage(run!));
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    };
    await using mute = await startPeer(CHAIN.slice(0, 10), { subscribe: silent });
    await using stuck = await startPeer(CHAIN.slice(10), { first: 10n, subscribe: silent });
    await using honest = await startPeer(CHAIN);
    await using fixture = await openPipeline();
    await using backfill = openBackfill(fixture, [mute, stuck, honest], { perBlockTimeoutMs: 300 });
    await assertStored(fixture, CHAIN);
    assert.ok(await backfill.failures(mute, "timeout") > 0);
    assert.ok(await backfill.failures(stuck, "timeout") > 0);
  },
);

Deno.test(
  "Backfill blames a peer for silence that the idle time of publish streams ends first",
  UNSANITIZED,
  async () => {
    const silent: SubscribeScript = (request) =>
      new Promise((resolve) => request.signal.addEventListener("abort", () => resolve()));
    await using mute = await startPeer(CHAIN, { subscribe: silent });
    await using honest = await startPeer(CHAIN);
    await using fixture = await openPipeline({ config: { idleTimeoutMs: 200 } });
    await using backfill = openBackfill(fixture, [mute, honest], { perBlockTimeoutMs: 60_000 });
    await assertStored(fixture, CHAIN);
    assert.ok(await backfill.failures(mute, "timeout") > 0);
  },
);

Deno.test(
  "Backfill retries a peer that fails twice, with back-off, when there is no other (D11)",
  UNSANITIZED,
  async () => {
    await using peer = await startPeer(CHAIN);
    const { subscribe } = peer;
    let failures = 2;
    peer.subscribe = (request, sender) =>
      failures-- > 0 ? Promise.reject(new Error("not now")) : subscribe(request, sender);
    await using fixture = await openPipeline();
    await using backfill = openBackfill(fixture, [peer], { initialRetryDelayMs: 20 });
    await assertStored(fixture, CHAIN);
    assert.equal(await backfill.failures(peer, "unavailable"), 2);
    assert.equal(await backfill.value("peers_in_back_off"), 0);
  },
);

Deno.test("Backfill asks for the status on another port than for blocks (D12)", UNSANITIZED, async () => {
  await using status = await startPeer([], { offers: ["status"], claims: { first: 0n, last: 29n } });
  await using blocks = await startPeer(CHAIN, { offers: ["subscribe"] });
  await using fixture = await openPipeline();
  await using _backfill = openBackfill(fixture, [{ address: blocks.address, statusAddress: status.address }]);
  await assertStored(fixture, CHAIN);
  assert.ok(status.polls > 0);
});

Deno.test(
  "Backfill skips a peer that is behind, and follows one that goes on (D10)",
  UNSANITIZED,
  async () => {
    const blocks = CHAIN.slice(0, 15);
    await using behind = await startPeer(CHAIN.slice(0, 5));
    await using ahead = await startPeer(blocks);
    await using fixture = await openPipeline();
    await using _backfill = openBackfill(fixture, [behind, ahead]);
    await eventually(() => fixture.store.last === 14n, "block 14");
    blocks.push(...CHAIN.slice(15));
    await assertStored(fixture, CHAIN);
    assert.deepEqual(behind.asked, ["0-4"]);
    assert.equal(ahead.asked[0], "5-14");
  },
);

Deno.test(
  "Backfill races with a publisher: every block is stored once, and the publisher is acknowledged",
  UNSANITIZED,
  async () => {
    await using peer = await startPeer(CHAIN.slice(0, 20));
    await using fixture = await openPipeline();
    const publisher = fixture.connect();
    for (let number = 0; number < 5; number++) publisher.block(BigInt(number), CHAIN[number]!);
    await using _backfill = openBackfill(fixture, [peer]);
    await eventually(() => fixture.store.last === 19n, "block 19");
    await eventually(() => publisher.answers.includes("acknowledgement 19"), "the acknowledgement");
    for (let number = 20; number < 30; number++) publisher.block(BigInt(number), CHAIN[number]!);
    await assertStored(fixture, CHAIN);
    assert.deepEqual(fixture.persisted, CHAIN.map((_, i) => BigInt(i)));
  },
);

Deno.test("Backfill goes on after a failed write without blame for the peer", UNSANITIZED, async () => {
  await using peer = await startPeer(CHAIN);
  await using fixture = await openPipeline();
  let writes = 0;
  fixture.engine.beforeWrite = () => {
    if (++writes % 4 === 2) throw new Error("no space");
  };
  await using backfill = openBackfill(fixture, [peer]);
  await assertStored(fixture, CHAIN);
  assert.equal(await metricOfPeer(backfill, peer), 0);
});

async function metricOfPeer({ failures }: BackfillFixture, peer: TestPeer): Promise<number> {
  let sum = 0;
  for (const reason of ["refused", "malformed", "timeout", "unavailable", "incomplete"]) {
    sum += await failures(peer, reason);
  }
  return sum;
}

Deno.test(
  "Backfill stops in the middle of a fetch, and a new one goes on behind what is stored",
  UNSANITIZED,
  async () => {
    const reached = Promise.withResolvers<void>();
    await using peer = await startPeer(CHAIN);
    const { subscribe } = peer;
    peer.subscribe = async (request, sender) => {
      if (request.first < 10n) return await subscribe(request, sender);
      sendAll(blockMessages(request.first, CHAIN[Number(request.first)]!), (message) => sender.send(message));
      reached.resolve();
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    };
    await using fixture = await openPipeline();
    {
      await using _backfill = openBackfill(fixture, [peer]);
      await reached.promise;
      await eventually(() => fixture.store.last === 10n, "block 10");
    }
    assert.equal(fixture.machine.snapshot().handlers, 0);
    peer.subscribe = subscribe;
    peer.asked.length = 0;
    await using _again = openBackfill(fixture, [peer]);
    await assertStored(fixture, CHAIN);
    assert.equal(peer.asked[0], "11-20");
  },
);

vectorTest(
  "Backfill of block 0 tells the keys, and the next block of a publisher is held to them",
  async (vectors) => {
    const files = await listBlockFiles([`${vectors}/block-node/CN_0_73_TSS_WRAPS_LEGACY`]);
    const chain = await Promise.all(files.map(readBlockFile));
    const flipped = chain[3]!.slice();
    flipped[flipped.length - 200]! ^= 1;
    await using peer = await startPeer(chain.slice(0, 3));
    await using fixture = await openPipeline({
      arenaBytes: 2_097_152,
      config: { earliestManagedBlock: 2n },
    });
    const publisher = fixture.connect();
    publisher.block(2n, chain[2]!);
    await eventually(() => fixture.store.last === 2n, "block 2");
    assert.equal((await fixture.store.record(2n))?.proof?.status, "unverified");
    await using _backfill = openBackfill(fixture, [peer], {}, { maxBlockBytes: 2_097_152 });
    await eventually(() => fixture.store.first === 0n, "block 0");
    // Told to the Worker in the same turn as the store knew them, so what comes now comes after them.
    publisher.block(3n, flipped);
    await eventually(() => publisher.answers.includes("end-stream BAD_BLOCK_PROOF"), "the refusal");
    const other = fixture.connect();
    other.block(3n, chain[3]!);
    await eventually(() => fixture.store.last === 3n, "block 3");
    assert.equal((await fixture.store.record(3n))?.proof?.status, "verified");
  },
);

vectorTest(
  "Backfill refuses a flipped byte in a signed chain, and takes it as it is from another peer",
  async (vectors) => {
    const files = await listBlockFiles([`${vectors}/block-node/CN_0_73_TSS_WRAPS_LEGACY`]);
    const chain = await Promise.all(files.slice(0, 5).map(readBlockFile));
    const flipped = chain.map((block, i) => {
      const copy = block.slice();
      if (i > 0) copy[copy.length - 200]! ^= 1;
      return copy;
    });
    const verify = { proofs: "require" } as const;
    await using liar = await startPeer(flipped);
    await using honest = await startPeer(chain);
    await using fixture = await openPipeline({ arenaBytes: 2_097_152, verify });
    await using backfill = openBackfill(fixture, [liar, honest], { perBlockTimeoutMs: 30_000 }, {
      maxBlockBytes: 2_097_152,
      verify,
    });
    await assertStored(fixture, chain);
    assert.ok(await backfill.failures(liar, "refused") > 0);
    for (let number = 0n; number < 5n; number++) {
      assert.equal((await fixture.store.record(number))?.proof?.status, "verified");
    }
  },
);
