import assert from "node:assert/strict";
import fc from "fast-check";
import type { Engine } from "../../store/engine.ts";
import { openMemoryEngine } from "../../store/memory_engine.ts";
import { openRocksEngine } from "../../store/rocks_engine.ts";
import type { TotalDifficulty } from "../../protocols/rootstock/total_difficulty.ts";
import { makeHeaders } from "./_made_headers.ts";
import {
  CHAIN_FAMILIES,
  type ChainHeader,
  decodeRecord,
  encodeRecord,
  encodeRecords,
  heightKey,
  heightOf,
  parentHashOf,
} from "./chain_records.ts";
import { RootstockChainStore } from "./chain_store.ts";

const GENESIS = makeHeaders({ count: 1 })[0]!;
const OPTIONS = { genesisHash: GENESIS.hash, keptForkBlocks: 2_000 };
const memory = () => openMemoryEngine({ families: CHAIN_FAMILIES, limitBytes: 2 ** 30 });

function extend(parent: ChainHeader, count: number, seed = 1): ChainHeader[] {
  return makeHeaders({ count, parent, seed });
}

async function begun(
  engine: Engine,
  count = 100,
): Promise<{ store: RootstockChainStore; chain: ChainHeader[] }> {
  const store = await RootstockChainStore.open(engine, OPTIONS);
  await store.begin([GENESIS]);
  const chain = [GENESIS, ...extend(GENESIS, count - 1)];
  await store.append(chain.slice(1), { canonical: true });
  return { store, chain };
}

/** A header without what only the store knows. */
const plain = ({ number, hash, header, totalDifficulty }: ChainHeader) => ({
  number,
  hash,
  header,
  totalDifficulty,
});

async function assertChain(store: RootstockChainStore, chain: readonly ChainHeader[]): Promise<void> {
  const { number, hash, header, totalDifficulty } = chain.at(-1)!;
  assert.deepEqual(store.tip, { number, hash, parentHash: parentHashOf(header), totalDifficulty });
  assert.equal(store.first, chain[0]!.number);
  const found = (await store.chainDown(hash, chain.length + 10)).reverse();
  assert.deepEqual(found.map(plain), chain.map(plain));
  assert.equal(await store.headerByNumber(number + 1), undefined);
}

Deno.test("encodeRecord() and heightKey() are undone by their decoders, for any header", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.option(fc.bigInt(0n, 2n ** 256n), { nil: undefined }),
    fc.boolean(),
    (number, hash, header, value, isExact) => {
      const totalDifficulty: TotalDifficulty | undefined = value === undefined
        ? undefined
        : isExact
        ? { kind: "exact", total: value }
        : { kind: "at-least", atLeast: value };
      const given = { number, hash, header, ...(totalDifficulty === undefined ? {} : { totalDifficulty }) };
      assert.deepEqual(decodeRecord(number, encodeRecord(given)), given);
      assert.equal(heightOf(heightKey(number)), number);
    },
  ));
  const several = [GENESIS, ...makeHeaders({ count: 3, parent: GENESIS })];
  const { keys, records } = encodeRecords(several);
  assert.deepEqual(records, several.map(encodeRecord));
  assert.deepEqual(keys, several.map(({ number }) => heightKey(number)));
  assert.throws(() => heightKey(2 ** 48), RangeError);
  assert.throws(() => heightKey(-1), RangeError);
  for (const total of [-1n, 2n ** 504n]) {
    const totalDifficulty = { kind: "exact" as const, total };
    assert.throws(() => encodeRecord({ ...GENESIS, totalDifficulty }), RangeError);
  }
});

Deno.test("parentHashOf() finds the first slot and refuses what has none", () => {
  const [next] = extend(GENESIS, 1);
  assert.deepEqual(parentHashOf(next!.header), GENESIS.hash);
  for (const bad of [[], [0xc0], [0xf8, 0x01, 0x80], [0xf9, 4, 0, 0xa0, 1]]) {
    assert.throws(() => parentHashOf(Uint8Array.from(bad)), { code: "INTERNAL" });
  }
});

for (const kind of ["memory", "rocksdb"]) {
  Deno.test(`RootstockChainStore on ${kind}: appends, finds by number and hash, and opens again`, async () => {
    const directory = await Deno.makeTempDir();
    const open = async () =>
      kind === "memory" ? memory() : await openRocksEngine({ directory, families: CHAIN_FAMILIES });
    let engine = await open();
    let { store, chain } = await begun(engine, 600);
    const more = extend(chain.at(-1)!, 192);
    await store.append(more, { canonical: true });
    chain = [...chain, ...more];
    await assertChain(store, chain);
    if (kind === "rocksdb") {
      await engine[Symbol.asyncDispose]();
      engine = await open();
      store = await RootstockChainStore.open(engine, OPTIONS);
      await assertChain(store, chain);
      const other = { ...OPTIONS, genesisHash: new Uint8Array(32) };
      await assert.rejects(RootstockChainStore.open(engine, other), { code: "CONFIG_INVALID" });
    }
    const sought = chain[333]!;
    assert.deepEqual(await store.headerByHash(sought.hash), { ...sought, canonical: true });
    assert.deepEqual(await store.canonicalHash(333), sought.hash);
    assert.deepEqual(await store.headersByNumber([333, 9_999]), [sought, undefined]);
    assert.equal(await store.headerByHash(new Uint8Array(32)), undefined);
    assert.deepEqual(await store.ancestorsOf(sought.hash), chain.slice(0, 334).map(({ header }) => header));
    const last = await store.ancestorsOf(chain.at(-1)!.hash);
    assert.deepEqual(last, chain.slice(-449).map(({ header }) => header));
    await engine[Symbol.asyncDispose]();
    await Deno.remove(directory, { recursive: true });
  });
}

Deno.test("RootstockChainStore takes canonical segments without waiting, in call order", async () => {
  await using engine = memory();
  const { store, chain } = await begun(engine, 1);
  const all = extend(GENESIS, 960);
  const writes = [];
  for (let at = 0; at < all.length; at += 192) {
    writes.push(store.append(all.slice(at, at + 192), { canonical: true }));
  }
  await Promise.all(writes);
  await assertChain(store, [...chain, ...all]);
});

Deno.test("RootstockChainStore refuses what does not link, and stays as it was", async () => {
  await using engine = memory();
  const { store, chain } = await begun(engine);
  const next = extend(chain.at(-1)!, 5);
  const gap = { canonical: true, expected: /block 101 does not follow block 99/ };
  await assert.rejects(store.append(next.slice(1), gap), { code: "INTERNAL", message: gap.expected });
  await assert.rejects(store.append([next[0]!, next[2]!], { canonical: true }), { code: "INTERNAL" });
  await assert.rejects(
    store.append(next.slice(2), { canonical: false }),
    /the parent of block 102 is not known/,
  );
  await assert.rejects(store.reorganise(next[3]!.hash), /does not reach the canonical one/);
  await assert.rejects(store.begin([GENESIS]), /has a chain already/);
  await assertChain(store, chain);
  await store.append(next, { canonical: true });
  await assertChain(store, [...chain, ...next]);
});

Deno.test("RootstockChainStore fails the segments behind a failed one and goes on from the disk's tip", async () => {
  const limitBytes = 150_000;
  await using engine = openMemoryEngine({ families: CHAIN_FAMILIES, limitBytes });
  const { store, chain } = await begun(engine, 50);
  const more = extend(chain.at(-1)!, 150);
  const first = store.append(more.slice(0, 140), { canonical: true });
  const second = store.append(more.slice(140), { canonical: true });
  const [one, two] = await Promise.allSettled([first, second]);
  assert.equal(one.status === "rejected" && one.reason.code, "STORE_WRITE_FAILED");
  assert.match(two.status === "rejected" && two.reason.message, /block 190 does not follow block 49/);
  await assertChain(store, chain);
  await store.append(more.slice(0, 10), { canonical: true });
  await assertChain(store, [...chain, ...more.slice(0, 10)]);
});

Deno.test("RootstockChainStore keeps forks, adopts one, and goes back again", async () => {
  await using engine = memory();
  const { store, chain } = await begun(engine);
  const fork = extend(chain[80]!, 30, 2);
  await store.append(fork.slice(0, 10), { canonical: false });
  await store.append(fork.slice(10), { canonical: false });
  // A second time changes nothing.
  await store.append(fork.slice(0, 3), { canonical: false });
  await assertChain(store, chain);
  assert.deepEqual((await store.headersAt(85)).map(({ hash, canonical }) => ({ hash, canonical })), [
    { hash: chain[85]!.hash, canonical: true },
    { hash: fork[4]!.hash, canonical: false },
  ]);
  assert.deepEqual((await store.chainDown(fork[9]!.hash, 12)).map(({ number }) => number), [
    ...[90, 89, 88, 87, 86, 85, 84, 83, 82, 81, 80, 79],
  ]);
  const { number, hash } = chain[80]!;
  assert.deepEqual(await store.reorganise(fork.at(-1)!.hash), {
    ancestor: { number, hash },
    left: 19,
    joined: 30,
  });
  await assertChain(store, [...chain.slice(0, 81), ...fork]);
  assert.equal((await store.headerByHash(chain[90]!.hash))?.canonical, false);
  const back = await store.reorganise(chain.at(-1)!.hash);
  assert.deepEqual([back.left, back.joined], [30, 19]);
  await assertChain(store, chain);
  const down = await store.reorganise(chain[97]!.hash);
  assert.deepEqual([down.left, down.joined], [2, 0]);
  await assertChain(store, chain.slice(0, 98));
  // A fork's headers that become canonical by growth are not found twice.
  await store.append(chain.slice(98), { canonical: true });
  assert.equal((await store.headersAt(98)).length, 2);
});

Deno.test("RootstockChainStore forgets forks far below the tip, and only those", async () => {
  await using engine = memory();
  const { store, chain } = await begun(engine, 10);
  const low = extend(chain[4]!, 3, 2);
  await store.append(low, { canonical: false });
  let tip = chain.at(-1)!;
  for (let i = 0; i < 4; i++) {
    const more = extend(tip, 1_000);
    if (i === 3) await store.append(extend(tip, 2, 3), { canonical: false });
    await store.append(more, { canonical: true });
    tip = more.at(-1)!;
  }
  assert.equal(await store.headerByHash(low[0]!.hash), undefined);
  assert.equal((await store.headersAt(3_010)).length, 2);
  assert.equal((await store.headerByHash(chain[5]!.hash))?.canonical, true);
});

Deno.test("RootstockChainStore begins at a checkpoint with the headers below it", async () => {
  await using engine = memory();
  const chain = [GENESIS, ...extend(GENESIS, 999)];
  // Below a checkpoint nobody tells the total difficulty.
  const base = chain.slice(400, 850).map((header, i) => {
    const { number, hash } = header;
    return i < 449 ? { number, hash, header: header.header } : header;
  });
  const store = await RootstockChainStore.open(engine, OPTIONS);
  await assert.rejects(
    store.append(chain.slice(850), { canonical: true }),
    /the parent of block 850 is not known/,
  );
  await store.begin(base);
  await store.append(chain.slice(850), { canonical: true });
  assert.equal(store.first, 400);
  assert.equal(store.tip?.number, 999);
  assert.equal((await store.headerByNumber(400))?.totalDifficulty, undefined);
  assert.equal((await store.chainDown(chain[500]!.hash, 449)).length, 101);
  assert.equal(await store.headerByNumber(399), undefined);
});

Deno.test("RootstockChainStore is the chain of a plain model, whatever happens in whatever order", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("grow" as const), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({
      kind: fc.constant("fork" as const),
      back: fc.integer({ min: 0, max: 12 }),
      count: fc.integer({ min: 1, max: 8 }),
    }),
    fc.record({ kind: fc.constant("adopt" as const), pick: fc.nat() }),
    fc.record({ kind: fc.constant("open" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await using engine = memory();
      let store = await RootstockChainStore.open(engine, OPTIONS);
      await store.begin([GENESIS]);
      const known = new Map([[GENESIS.hash.toHex(), GENESIS]]);
      let chain = [GENESIS];
      let seed = 1;
      const remember = (headers: readonly ChainHeader[]) => {
        for (const header of headers) known.set(header.hash.toHex(), header);
      };
      for (const step of steps) {
        if (step.kind === "grow") {
          const more = extend(chain.at(-1)!, step.count, ++seed);
          await store.append(more, { canonical: true });
          remember(more);
          chain = [...chain, ...more];
        } else if (step.kind === "fork") {
          const fork = extend(chain[Math.max(0, chain.length - 1 - step.back)]!, step.count, ++seed);
          await store.append(fork, { canonical: false });
          remember(fork);
        } else if (step.kind === "adopt") {
          const to = [...known.values()][step.pick % known.size]!;
          await store.reorganise(to.hash);
          chain = [];
          for (let at: ChainHeader | undefined = to; at !== undefined;) {
            chain.unshift(at);
            at = known.get(parentHashOf(at.header).toHex());
          }
        } else store = await RootstockChainStore.open(engine, OPTIONS);
        await assertChain(store, chain);
      }
      for (const header of known.values()) {
        const canonical = chain[header.number] === header;
        assert.deepEqual(await store.headerByHash(header.hash), { ...header, canonical });
        const same = [...known.values()].filter(({ number }) => number === header.number);
        assert.equal((await store.headersAt(header.number)).length, same.length);
      }
    }),
    { numRuns: 60 },
  );
});
