import assert from "node:assert/strict";
import fc from "fast-check";
import { createJsonRpcMetrics, listenJsonRpc } from "../../http/json_rpc.ts";
import { RecordingLog } from "../../kernel/_testing.ts";
import { MetricScope } from "../../kernel/metrics.ts";
import { openMemoryEngine } from "../../store/memory_engine.ts";
import { MADE_DIFFICULTY, MADE_READER, makeHeaders } from "./_made_headers.ts";
import { toBlockView, toRawHeader } from "./block_view.ts";
import { CHAIN_FAMILIES } from "./chain_records.ts";
import { RootstockChainStore } from "./chain_store.ts";
import { rootstockConfig } from "./config.ts";
import { rootstockMethods, type RootstockRpcDeps, RSKJ_BAD_REQUEST_CODES } from "./json_rpc_methods.ts";
import { blockIdParam, toQuantity } from "./quantities.ts";

// deno-lint-ignore no-explicit-any -- answers are looked into by tests
type Any = any;

const GENESIS = makeHeaders({ count: 1 })[0]!;
/** Block 40 has uncles; the rest have none. */
const BEFORE = makeHeaders({ count: 39, parent: GENESIS });
const MIDDLE = makeHeaders({ count: 1, parent: BEFORE.at(-1)!, uncleCount: 2 });
const CHAIN = [GENESIS, ...BEFORE, ...MIDDLE, ...makeHeaders({ count: 60, parent: MIDDLE[0]! })];
const FORK = makeHeaders({ count: 3, parent: CHAIN[90]!, seed: 9, exact: false });

const hex = (bytes: Uint8Array) => `0x${bytes.toHex()}`;

interface Rig {
  readonly store: RootstockChainStore;
  call(method: string, ...params: unknown[]): Promise<{ status: number; result: Any; error: Any }>;
}

async function withNode(
  run: (rig: Rig) => Promise<void>,
  { deps = {}, fill = true, from = 0 }: { deps?: Partial<RootstockRpcDeps>; fill?: boolean; from?: number } =
    {},
): Promise<void> {
  await using engine = openMemoryEngine({ families: CHAIN_FAMILIES, limitBytes: 2 ** 28 });
  const store = await RootstockChainStore.open(engine, { genesisHash: GENESIS.hash, keptForkBlocks: 1_000 });
  if (fill) {
    await store.begin(CHAIN.slice(from));
    if (from <= 90) await store.append(FORK, { canonical: false });
  }
  const methods = rootstockMethods({
    chain: store,
    reader: MADE_READER,
    unknownTransactions: "omit",
    chainId: 30,
    genesis: { ...GENESIS, canonical: true },
    syncing: () => undefined,
    peers: () => [],
    listening: () => true,
    clientVersion: "Cairn/1.2.3/linux-x86_64/deno2.9.3",
    ...deps,
  });
  await using server = listenJsonRpc(
    {
      config: rootstockConfig.parse({ rpc: { port: 0 } }).rpc,
      section: "rootstock.rpc",
      badRequestCodes: RSKJ_BAD_REQUEST_CODES,
    },
    { methods, log: new RecordingLog(), metrics: createJsonRpcMetrics(new MetricScope()) },
  );
  const call: Rig["call"] = async (method, ...params) => {
    const response = await fetch(`http://127.0.0.1:${server.port}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = await response.json();
    return { status: response.status, result, error };
  };
  await run({ store, call });
}

Deno.test("eth_getBlockByNumber shows every field of a header under rskj's names, in rskj's order", async () => {
  await withNode(async ({ call }) => {
    const { result } = await call("eth_getBlockByNumber", "0x32", false);
    const header = MADE_READER.decode(CHAIN[50]!.header, 50);
    assert.deepEqual(result, {
      number: "0x32",
      hash: hex(CHAIN[50]!.hash),
      parentHash: hex(CHAIN[49]!.hash),
      mixHash: `0x${"0".repeat(64)}`,
      nonce: "0x0000000000000000",
      sha3Uncles: "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
      logsBloom: hex(header.logsBloom!),
      transactionsRoot: hex(header.transactionsRoot),
      stateRoot: hex(header.stateRoot),
      receiptsRoot: hex(header.receiptsRoot),
      miner: hex(header.coinbase),
      difficulty: "0x1908d643b5f63160dfd",
      totalDifficulty: toQuantity(MADE_DIFFICULTY * 51n),
      totalDifficultyIsLowerBound: false,
      extraData: hex(header.extraData),
      gasLimit: "0x989680",
      gasUsed: toQuantity(header.gasUsed),
      timestamp: toQuantity(1_600_000_000 + 1_500),
      uncles: [],
      minimumGasPrice: "0x16ae360",
      bitcoinMergedMiningHeader: hex(header.bitcoinMergedMiningHeader!),
      bitcoinMergedMiningCoinbaseTransaction: hex(header.bitcoinMergedMiningCoinbaseTransaction!),
      bitcoinMergedMiningMerkleProof: hex(header.bitcoinMergedMiningMerkleProof!),
      hashForMergedMining: `0x${"ab".repeat(32)}`,
      paidFees: "0x1e240",
      cumulativeDifficulty: "0x1908d643b5f63160dfd",
      rskPteEdges: null,
      baseEvent: null,
      unknownFields: ["size", "transactions"],
    });
    const order =
      "number hash parentHash mixHash nonce sha3Uncles logsBloom transactionsRoot stateRoot receiptsRoot miner " +
      "difficulty totalDifficulty totalDifficultyIsLowerBound extraData gasLimit gasUsed timestamp uncles minimumGasPrice " +
      "bitcoinMergedMiningHeader bitcoinMergedMiningCoinbaseTransaction bitcoinMergedMiningMerkleProof hashForMergedMining " +
      "paidFees cumulativeDifficulty rskPteEdges baseEvent unknownFields";
    assert.deepEqual(Object.keys(result), order.split(" "));
  });
});

Deno.test("A block with uncles says what is unknown, and weighs them where the total difficulty is exact", async () => {
  await withNode(async ({ call }) => {
    const { result } = await call("eth_getBlockByNumber", "0x28");
    assert.deepEqual(result.unknownFields, ["size", "transactions", "uncles"]);
    assert.ok(!("uncles" in result));
    assert.equal(result.cumulativeDifficulty, toQuantity(MADE_DIFFICULTY));
  });
  // Without exact totals nobody knows.
  const bound = makeHeaders({ count: 1, parent: GENESIS, uncleCount: 1, exact: false })[0]!;
  const view = toBlockView(bound, { reader: MADE_READER, unknownTransactions: "empty" }, GENESIS);
  assert.deepEqual(view["unknownFields"], ["size", "transactions", "uncles", "cumulativeDifficulty"]);
  assert.equal(view["totalDifficultyIsLowerBound"], true);
  assert.deepEqual(view["transactions"], []);
  const { totalDifficulty: _, ...unweighed } = bound;
  const bare = toBlockView(unweighed, { reader: MADE_READER, unknownTransactions: "omit" });
  assert.ok((bare["unknownFields"] as string[]).includes("totalDifficulty"));
});

Deno.test("A header of version 2 does not make up what its compressed form lacks", () => {
  const reader = {
    ...MADE_READER,
    decode: (bytes: Uint8Array, number: number) => {
      const { logsBloom: _, ...header } = MADE_READER.decode(bytes, number);
      return { ...header, version: 2 as const, extensionData: new Uint8Array(35) };
    },
  };
  const view = toBlockView(CHAIN[1]!, { reader, unknownTransactions: "omit" });
  assert.deepEqual(view["unknownFields"], ["logsBloom", "size", "transactions", "rskPteEdges", "baseEvent"]);
  assert.equal(toRawHeader(CHAIN[1]!, reader), undefined);
});

Deno.test("Blocks are found by every identifier of rskj, and other text is refused with its code", async () => {
  await withNode(async ({ call }) => {
    const tip = CHAIN.at(-1)!;
    const numberOf = async (id: unknown) =>
      (await call("eth_getBlockByNumber", id, false)).result?.number ?? null;
    assert.equal(await numberOf("latest"), toQuantity(tip.number));
    assert.equal(await numberOf("earliest"), "0x0");
    assert.equal(await numberOf("pending"), null);
    assert.equal(await numberOf("0x007"), "0x7");
    assert.equal(await numberOf(hex(tip.hash)), toQuantity(tip.number));
    assert.equal(await numberOf(tip.hash.toHex().toUpperCase()), toQuantity(tip.number));
    for (
      const unknown of ["0x65", "0xffffffffffff", "0xffffffffffffffffffffffffffffff", `0x${"00".repeat(32)}`]
    ) {
      assert.equal(await numberOf(unknown), null, unknown);
    }
    for (const bad of ["7", "finalized", "safe", "LATEST", "", "0x", "0xzz", "latest "]) {
      const { status, error } = await call("eth_getBlockByNumber", bad, false);
      assert.deepEqual([status, error.code], [400, -32_602], bad);
      assert.match(error.message, /^invalid blocknumber/);
    }
    assert.equal((await call("eth_getBlockByNumber", 7, false)).error.code, -32_602);
    assert.equal((await call("eth_getBlockByHash", hex(tip.hash))).result.hash, hex(tip.hash));
    assert.equal((await call("eth_getBlockByHash", hex(FORK[1]!.hash))).result.number, "0x5c");
    assert.equal((await call("eth_getBlockByHash", "0x12")).error.code, -32_602);
    const full = await call("eth_getBlockByNumber", "latest", true);
    assert.deepEqual([full.status, full.error.code, full.error.data], [200, -32_004, { needs: "body" }]);
    assert.match(full.error.message, /transactions of blocks.*headers only/);
  });
});

Deno.test("blockIdParam takes any text without an error other than its own", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    try {
      blockIdParam.parse(text);
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, -32_602);
    }
  }));
  fc.assert(fc.property(fc.nat({ max: 2 ** 31 - 1 }), (number) => {
    assert.deepEqual(blockIdParam.parse(toQuantity(number)), { kind: "number", number });
  }));
});

Deno.test("A chain that begins at a checkpoint names its first block, and knows genesis all the same", async () => {
  await withNode(async ({ call }) => {
    assert.equal((await call("eth_getBlockByNumber", "0x50", false)).result.number, "0x50");
    const below = await call("eth_getBlockByNumber", "0x4f", false);
    assert.deepEqual([below.error.code, below.error.data], [-32_001, { firstBlock: "0x50" }]);
    assert.equal((await call("eth_getBlockByNumber", "earliest", false)).result.hash, hex(GENESIS.hash));
    assert.equal((await call("eth_getBlockByHash", hex(GENESIS.hash), false)).result.number, "0x0");
  }, { from: 80 });
});

Deno.test("A node without a block says so, and answers what needs none", async () => {
  const progress = { startingBlock: 0, currentBlock: 0, highestBlock: 9_000_000 };
  await withNode(async ({ call }) => {
    for (
      const [method, ...params] of [["eth_blockNumber"], ["eth_getBlockByNumber", "latest", false]] as const
    ) {
      const { status, error } = await call(method, ...params);
      assert.deepEqual([status, error.code], [200, -32_000]);
      assert.match(error.message, /no block yet/);
    }
    assert.equal((await call("eth_getBlockByNumber", "0x0", false)).result.number, "0x0");
    assert.equal((await call("eth_chainId")).result, "0x1e");
    assert.deepEqual((await call("eth_syncing")).result, {
      startingBlock: "0x0",
      currentBlock: "0x0",
      highestBlock: "0x895440",
    });
  }, { fill: false, deps: { syncing: () => progress } });
});

Deno.test("The methods of eth_, net_, web3_, rsk_ and rpc_ answer as rskj does", async () => {
  const peers = [{ id: "ab".repeat(64), address: "10.0.0.1:5050" }];
  await withNode(async ({ call }) => {
    const result = async (method: string, ...params: unknown[]) => {
      const answer = await call(method, ...params);
      assert.equal(answer.error, undefined, method);
      return answer.result;
    };
    assert.equal(await result("eth_blockNumber"), "0x64");
    assert.equal(await result("eth_chainId"), "0x1e");
    assert.equal(await result("eth_protocolVersion"), "0x3e");
    assert.equal(await result("rsk_protocolVersion"), "0x3e");
    assert.equal(await result("eth_syncing"), false);
    assert.deepEqual(await result("eth_accounts"), []);
    assert.equal(await result("eth_mining"), false);
    assert.equal(await result("eth_hashrate"), "0x0");
    assert.equal(await result("net_version"), "30");
    assert.equal(await result("net_listening"), true);
    assert.equal(await result("net_peerCount"), "0x1");
    assert.deepEqual(await result("net_peerList"), [`${"ab".repeat(64)} | 10.0.0.1:5050`]);
    assert.equal(await result("web3_clientVersion"), "Cairn/1.2.3/linux-x86_64/deno2.9.3");
    const empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    assert.equal(await result("web3_sha3", "0x"), empty);
    assert.equal((await result("rpc_modules")).eth, "1.0");
    assert.deepEqual(await result("eth_getBlocksByNumber", "0x5b"), [
      {
        hash: hex(CHAIN[91]!.hash),
        totalDifficulty: toQuantity(MADE_DIFFICULTY * 92n),
        totalDifficultyIsLowerBound: false,
        inMainChain: true,
      },
      {
        hash: hex(FORK[0]!.hash),
        totalDifficulty: toQuantity(MADE_DIFFICULTY * 92n),
        totalDifficultyIsLowerBound: true,
        inMainChain: false,
      },
    ]);
    assert.equal((await result("eth_getBlocksByNumber", "50")).length, 1);
    assert.deepEqual(await result("eth_getBlocksByNumber", "0xfffffffffffffff"), []);
    assert.equal(await result("eth_getUncleCountByBlockNumber", "0x28"), "0x2");
    assert.equal(await result("eth_getUncleCountByBlockHash", hex(CHAIN[40]!.hash)), "0x2");
    assert.equal(await result("eth_getUncleCountByBlockNumber", "latest"), "0x0");
    assert.equal(await result("eth_getUncleByBlockNumberAndIndex", "0x28", "0x2"), null);
    assert.equal(await result("eth_getUncleByBlockHashAndIndex", `0x${"00".repeat(32)}`, "0x0"), null);
    const raw = await result("rsk_getRawBlockHeaderByNumber", "0x7");
    assert.equal(raw, await result("rsk_getRawBlockHeaderByHash", hex(CHAIN[7]!.hash)));
    // The slots before the proof, with a new prefix: what the block hash covers.
    const [bytes, whole] = [Uint8Array.fromHex(raw.slice(2)), CHAIN[7]!.header];
    assert.deepEqual(bytes.subarray(3), whole.subarray(3, bytes.length));
    assert.equal(await result("rsk_getRawBlockHeaderByNumber", "0x777"), null);
    const uncle = await call("eth_getUncleByBlockNumberAndIndex", "0x28", "0x1");
    assert.deepEqual([uncle.status, uncle.error.code], [200, -32_004]);
    for (
      const [method, ...params] of [
        ["eth_getUncleCountByBlockNumber", "0x777"],
        ["eth_getUncleCountByBlockHash", `0x${"00".repeat(32)}`],
      ] as const
    ) {
      const { status, error } = await call(method, ...params);
      assert.deepEqual([status, error.code, error.message], [400, -32_600, "block not found"]);
    }
    for (const bad of ["c5", "0xc", "0xzz", 5]) {
      assert.equal((await call("web3_sha3", bad)).error.code, -32_602);
    }
  }, { deps: { peers: () => peers } });
});

Deno.test("What headers cannot answer has an error of its own, other than an unknown name", async () => {
  await withNode(async ({ call }) => {
    for (
      const [method, needs] of [
        ["eth_getBalance", "state"],
        ["eth_call", "state"],
        ["eth_getTransactionByHash", "body"],
        ["eth_getTransactionReceipt", "receipts"],
        ["eth_getLogs", "receipts"],
        ["eth_sendRawTransaction", "pool"],
        ["eth_newBlockFilter", "filters"],
      ]
    ) {
      const { status, error } = await call(method!, "0x00", "latest");
      assert.deepEqual([status, error.code, error.data], [200, -32_004, { needs }], `${method}`);
      assert.match(error.message, /keeps headers only/);
    }
    assert.equal((await call("eth_getBalanceX")).error.code, -32_601);
    assert.equal((await call("personal_unlockAccount")).error.code, -32_601);
  });
});
