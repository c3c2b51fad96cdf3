import assert from "node:assert/strict";
import { archivePath, batchOf } from "../../protocols/hiero/archive_layout.ts";
import { ChainVerifier, encodeChainHead } from "../../protocols/hiero/chain.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import type { Operation } from "../../store/engine.ts";
import { RecordingLog } from "../../kernel/_testing.ts";
import { BrittleEngine, makeChain } from "./_testing.ts";
import { DirectoryArchive } from "./directory_archive.ts";
import { fsckBlocks, type FsckFinding, type FsckSummary } from "./fsck.ts";
import { toBlockRecord } from "./report.ts";
import { blockKey, BLOCKS_FAMILY, BlockStore, CHAIN_KEY } from "./store.ts";

const CHAIN = makeChain(35);
const { block: BLOCK, record: RECORD, state: STATE } = BLOCKS_FAMILY;

/** 35 blocks: 0 to 29 archived, 20 to 34 in the store. */
async function withTiers(
  use: (engine: BrittleEngine, root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "cairn-fsck-" });
  try {
    await using engine = new BrittleEngine();
    const store = await BlockStore.open(engine);
    const chain = new ChainVerifier({ sha384: nativeSha384 });
    for (const [i, block] of CHAIN.entries()) {
      const verdict = chain.verify(block);
      assert.ok(verdict.status === "ok");
      const chainState = encodeChainHead(chain.head!);
      await store.append([{ number: BigInt(i), block, record: toBlockRecord(verdict), chainState }]);
    }
    await using archive = await DirectoryArchive.open({ root, lastBlock: 34n, log: new RecordingLog() });
    for (const first of [0n, 10n, 20n]) {
      await archive.put(batchOf(first, 1), (number) => Promise.resolve(CHAIN[Number(number)]!.slice()));
    }
    for (const batch of archive.batches.slice(0, 2)) await store.removeHot(batch);
    await use(engine, root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function scan(
  engine: BrittleEngine | undefined,
  root: string,
  repairIndex = false,
): Promise<{ summary: FsckSummary; found: string[]; findings: FsckFinding[] }> {
  const findings: FsckFinding[] = [];
  const summary = await fsckBlocks({
    engine,
    root,
    repairIndex,
    onFinding: (finding) => findings.push(finding),
  });
  const found = findings.map(({ check, block, path }) => [check, block ?? path].join(" ").trim());
  return { summary, found, findings };
}

const record = async (engine: BrittleEngine, number: bigint) =>
  (await engine.family(RECORD).get(blockKey(number)))!;

Deno.test("fsckBlocks() finds nothing wrong in two tiers that overlap, and counts what they hold", async () => {
  await withTiers(async (engine, root) => {
    const { summary, found } = await scan(engine, root);
    assert.deepEqual(found, []);
    const { bytes, ...counts } = summary;
    assert.equal(bytes, CHAIN.reduce((sum, block) => sum + block.length, 0));
    assert.deepEqual(counts, {
      ok: true,
      first: "0",
      last: "34",
      hotBlocks: 15,
      coldBlocks: 30,
      archives: 3,
      errors: 0,
      warnings: 0,
    });
  });
});

Deno.test("fsckBlocks() names what is wrong with archives", async () => {
  const path = (number: bigint) => archivePath(batchOf(number, 1));
  const flip = async (file: string, at: number) => {
    const bytes = await Deno.readFile(file);
    bytes[at]! ^= 1;
    await Deno.writeFile(file, bytes);
  };
  const cases: [string[], (root: string) => Promise<void>][] = [
    [["unreadable 0"], (root) => flip(`${root}/${path(0n)}`, 300)],
    [[`archive ${path(10n)}`, "gap 10"], (root) => Deno.truncate(`${root}/${path(10n)}`, 5_000)],
    [["gap 10"], (root) => Deno.remove(`${root}/${path(10n)}`)],
    // Renamed over another one. That blocks below the lowest are missing cannot be seen: retention removes them too.
    [[`archive ${path(10n)}`], (root) => Deno.rename(`${root}/${path(0n)}`, `${root}/${path(10n)}`)],
    [[`archive ${path(30n)}`], (root) => Deno.copyFile(`${root}/${path(20n)}`, `${root}/${path(30n)}`)],
    [["foreign-file notes.txt"], (root) => Deno.writeTextFile(`${root}/notes.txt`, "")],
    [["unfinished-archive zipwork/1.zip"], (root) => Deno.writeTextFile(`${root}/zipwork/1.zip`, "")],
  ];
  for (const [expected, damage] of cases) {
    await withTiers(async (engine, root) => {
      await damage(root);
      const { found, summary } = await scan(engine, root);
      assert.deepEqual(found, expected);
      assert.equal(summary.ok, /^(foreign|unfinished)/.test(expected[0]!));
    });
  }
});

Deno.test("fsckBlocks() names what is wrong with the store, and with its border to the archives", async () => {
  const other = makeChain(35, 2);
  const put = (family: string, number: bigint, value: Uint8Array): Operation => ({
    kind: "put",
    family,
    key: blockKey(number),
    value,
  });
  const remove = (family: string, number: bigint): Operation => ({
    kind: "delete",
    family,
    key: blockKey(number),
  });
  const state = (value: Uint8Array): Operation => ({ kind: "put", family: STATE, key: CHAIN_KEY, value });
  const cases: [string[], (engine: BrittleEngine) => Operation[] | Promise<Operation[]>][] = [
    [["tiers-differ 25"], () => [put(BLOCK, 25n, CHAIN[26]!)]],
    [["orphan 31"], () => [remove(RECORD, 31n)]],
    [["orphan 31"], () => [remove(BLOCK, 31n)]],
    [["orphan 25"], () => [remove(BLOCK, 25n)]],
    [["gap 31"], () => [remove(BLOCK, 31n), remove(RECORD, 31n)]],
    [["record 31"], async (engine) => [put(RECORD, 31n, await record(engine, 32n))]],
    [["invalid 31"], () => [put(BLOCK, 31n, CHAIN[31]!.subarray(1))]],
    [["invalid 31"], () => [put(BLOCK, 31n, CHAIN[32]!)]],
    [["link 30", "record 30", "link 31"], () => [put(BLOCK, 30n, other[30]!)]],
    [["chain-state"], () => [{ kind: "delete", family: STATE, key: CHAIN_KEY }]],
    [["chain-state"], () => [state(Uint8Array.of(0xff))]],
    [["chain-state"], () => [state(encodeChainHead({ number: 33n, hapiVersion: "", roots: [] }))]],
    [["chain-state"], () => [
      state(encodeChainHead({
        number: 34n,
        hapiVersion: "",
        roots: [{ rule: "16-leaf", hash: new Uint8Array(48) }],
      })),
    ]],
  ];
  for (const [expected, damage] of cases) {
    await withTiers(async (engine, root) => {
      await engine.write(await damage(engine));
      const { found, summary, findings } = await scan(engine, root);
      // One block out of the chain may break more than one check.
      for (const wanted of expected) {
        assert.ok(found.includes(wanted), `${wanted} is not in ${found.join(", ")}`);
      }
      assert.ok(found.length <= expected.length + 2, found.join(", "));
      assert.equal(summary.ok, false, JSON.stringify(findings));
    });
  }
});

Deno.test("fsckBlocks() says so where archives go on above the store, and checks them without a store", async () => {
  await withTiers(async (engine, root) => {
    const keys = Array.from({ length: 15 }, (_, i) => blockKey(BigInt(20 + i)));
    await engine.write([
      ...keys.flatMap((key) => [BLOCK, RECORD].map((family) => ({ kind: "delete", family, key }) as const)),
      { kind: "delete", family: STATE, key: CHAIN_KEY },
    ]);
    const { found } = await scan(engine, root);
    assert.deepEqual(found.map((line) => line.split(" ")[0]), ["above-last", "above-last", "above-last"]);
    const { summary } = await scan(undefined, root);
    assert.deepEqual([summary.ok, summary.coldBlocks, summary.hotBlocks], [true, 30, 0]);
  });
});

Deno.test("fsckBlocks() with repairIndex mends records and removes leftovers, and the next scan is clean", async () => {
  await withTiers(async (engine, root) => {
    await engine.write([
      { kind: "delete", family: RECORD, key: blockKey(31n) },
      { kind: "put", family: RECORD, key: blockKey(32n), value: await record(engine, 33n) },
      { kind: "delete", family: BLOCK, key: blockKey(25n) },
    ]);
    await Deno.writeTextFile(`${root}/zipwork/1.zip`, "");
    const first = await scan(engine, root, true);
    assert.equal(first.summary.ok, true);
    assert.equal(first.findings.length, 4);
    assert.ok(first.findings.every(({ repaired }) => repaired === true));
    const { found, summary } = await scan(engine, root);
    assert.deepEqual(found, []);
    assert.equal(summary.ok, true);
  });
});

Deno.test("fsckBlocks() ends with the reason of its signal", async () => {
  await withTiers(async (engine, root) => {
    const signal = AbortSignal.abort(new Error("interrupted"));
    await assert.rejects(fsckBlocks({ engine, root, signal, onFinding: () => {} }), /interrupted/);
  });
});
