import assert from "node:assert/strict";
import { z } from "zod";
import { createJsonRpcMetrics, listenJsonRpc } from "../../http/json_rpc.ts";
import { jsonRpcConfig } from "../../http/json_rpc_config.ts";
import { rpcMethod, type RpcMethods } from "../../http/json_rpc_method.ts";
import { RecordingLog } from "../../kernel/_testing.ts";
import { MetricScope } from "../../kernel/metrics.ts";
import { MADE_READER, makeHeaders } from "../../services/rootstock/_made_headers.ts";
import { CHAIN_FAMILIES } from "../../services/rootstock/chain_records.ts";
import { RootstockChainStore } from "../../services/rootstock/chain_store.ts";
import { rootstockMethods } from "../../services/rootstock/json_rpc_methods.ts";
import { openMemoryEngine } from "../../store/memory_engine.ts";
import { runCli } from "../program.ts";

async function run(...args: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const io = { out: (line: string) => out.push(line), err: (line: string) => err.push(line), env: {} };
  const code = await runCli(["rootstock", ...args], io);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function withNode(
  overrides: RpcMethods,
  use: (port: string, hash: string) => Promise<void>,
): Promise<void> {
  await using engine = openMemoryEngine({ families: CHAIN_FAMILIES, limitBytes: 2 ** 26 });
  const [genesis, ...rest] = makeHeaders({ count: 51, exact: false });
  const store = await RootstockChainStore.open(engine, { genesisHash: genesis!.hash, keptForkBlocks: 1_000 });
  await store.begin([genesis!, ...rest]);
  const methods = rootstockMethods({
    chain: store,
    reader: MADE_READER,
    unknownTransactions: "omit",
    chainId: 31,
    genesis: { ...genesis!, canonical: true },
    syncing: () => ({ startingBlock: 0, currentBlock: 50, highestBlock: 8_000_000 }),
    peers:
      () => [{ id: "ab".repeat(64), address: "10.0.0.1:50505" }, { id: "cd".repeat(64), address: "[::1]:5" }],
    listening: () => false,
    clientVersion: "Cairn/1.2.3/linux/deno",
  });
  await using server = listenJsonRpc(
    { config: jsonRpcConfig(0).parse({}), section: "rootstock.rpc", badRequestCodes: new Set() },
    {
      methods: { ...methods, ...overrides },
      log: new RecordingLog(),
      metrics: createJsonRpcMetrics(new MetricScope()),
    },
  );
  await use(String(server.port), rest.at(-1)!.hash.toHex());
}

Deno.test("cairn rootstock status says where the node stands, in text and in JSON with stable keys", async () => {
  await withNode({}, async (port, hash) => {
    const url = `http://127.0.0.1:${port}/`;
    const json = await run("status", "--json", "--url", url);
    assert.equal(json.code, 0, json.err);
    assert.deepEqual(JSON.parse(json.out), {
      url,
      client: "Cairn/1.2.3/linux/deno",
      network: "testnet",
      chainId: 31,
      blockNumber: 50,
      blockHash: `0x${hash}`,
      blockTime: "2020-09-13T12:51:40.000Z",
      totalDifficulty: String(7_388_898_250_588_046_058_941n * 51n),
      totalDifficultyIsLowerBound: true,
      syncing: { startingBlock: 0, currentBlock: 50, highestBlock: 8_000_000 },
      peers: 2,
      listening: false,
    });
    // Without --url the configuration says where the node is.
    const text = await run(
      "status",
      "--set",
      `rootstock.rpc.port=${port}`,
      "--set",
      "rootstock.rpc.host=0.0.0.0",
    );
    assert.equal(text.code, 0, text.err);
    assert.match(text.out, /^blockNumber +50$/m);
    assert.match(text.out, /^syncing +50 of 8,000,000 \(0 %\)$/m);
  });
});

Deno.test("cairn rootstock status --watch says it every second, with the rate, until the node is gone", async () => {
  let current = 1_000;
  let watched: ReturnType<typeof run> | undefined;
  const third = Promise.withResolvers<void>();
  const moving = rpcMethod(z.unknown(), () => {
    current += 500;
    if (current === 2_500) third.resolve();
    return { startingBlock: "0x0", currentBlock: "0x32", highestBlock: "0x7a1200" };
  });
  const latest = rpcMethod(z.unknown(), () => ({ number: `0x${current.toString(16)}` }));
  await withNode({ eth_syncing: moving, eth_getBlockByNumber: latest }, async (port) => {
    watched = run("status", "--watch", "--json", "--url", `http://127.0.0.1:${port}/`);
    await third.promise;
  });
  const { code, out, err } = await watched!;
  assert.equal(code, 1);
  assert.match(err, /^cairn: Cannot ask http:/);
  const looks = out.split("\n").map((line) => JSON.parse(line));
  assert(looks.length >= 2);
  assert.deepEqual(looks.slice(0, 2).map(({ blockNumber }) => blockNumber), [1_500, 2_000]);
  assert.equal(looks[0].headersPerSecond, 0);
  const { headersPerSecond, secondsLeft } = looks[1];
  assert(headersPerSecond > 100 && headersPerSecond <= 500, `${headersPerSecond}`);
  assert.equal(secondsLeft, Math.ceil(secondsLeft));
});

Deno.test("cairn rootstock status shows a node without a block", async () => {
  const none = rpcMethod(z.unknown(), () => {
    throw new TypeError("nothing");
  });
  await withNode(
    { eth_getBlockByNumber: none, eth_syncing: rpcMethod(z.unknown(), () => false) },
    async (port) => {
      const { code, out } = await run("status", "--json", "--url", `http://127.0.0.1:${port}`);
      assert.equal(code, 0);
      const { blockNumber, blockHash, syncing } = JSON.parse(out);
      assert.deepEqual([blockNumber, blockHash, syncing], [null, null, null]);
    },
  );
});

Deno.test("cairn rootstock peers lists addresses and ids", async () => {
  await withNode({}, async (port) => {
    const url = `http://127.0.0.1:${port}`;
    const { peers } = JSON.parse((await run("peers", "--json", "--url", url)).out);
    assert.deepEqual(peers[0], { id: "ab".repeat(64), address: "10.0.0.1:50505" });
    assert.match(
      (await run("peers", "--url", url)).out,
      /^10\.0\.0\.1:50505 (ab){64}\n\[::1\]:5 {8}(cd){64}$/,
    );
  });
  await withNode({ net_peerList: rpcMethod(z.unknown(), () => []) }, async (port) => {
    const none = await run("peers", "--url", `http://127.0.0.1:${port}`);
    assert.deepEqual([none.code, none.out, none.err], [0, "", "cairn: no peers"]);
  });
});

Deno.test("cairn rootstock header finds by number, by hash and latest, and exits 1 for what is not there", async () => {
  await withNode({}, async (port, hash) => {
    const header = (text: string, ...more: string[]) =>
      run("header", text, "--url", `http://127.0.0.1:${port}`, ...more);
    for (const text of ["50", "0x32", hash, `0x${hash}`, "latest"]) {
      const { code, out, err } = await header(text, "--json");
      assert.equal(code, 0, err);
      assert.equal(JSON.parse(out).hash, `0x${hash}`, text);
    }
    assert.match((await header("0")).out, /^number +0x0\nhash +0x[0-9a-f]{64}$/m);
    const missing = await header("51");
    assert.deepEqual([missing.code, missing.out], [1, ""]);
    assert.match(missing.err, /Cannot show header 51: .* \[BLOCK_NOT_FOUND\]/);
    for (const bad of ["-", "abc", "1e3", "0x"]) assert.equal((await header(bad)).code, 2, bad);
  });
});

Deno.test("cairn rootstock names the node it cannot reach, and what is no JSON-RPC", async () => {
  const nobody = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = nobody.addr;
  nobody.close();
  const refused = await run("status", "--url", `http://127.0.0.1:${port}`);
  assert.equal(refused.code, 1);
  assert.match(
    refused.err,
    new RegExp(`Cannot ask http://127\\.0\\.0\\.1:${port}: .* \\[PEER_UNAVAILABLE\\]; is a node`),
  );
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("<p>"),
  );
  const page = await run("peers", "--url", `http://127.0.0.1:${server.addr.port}`);
  assert.match(page.err, /the answer is not JSON \(status 200\)/);
  assert.equal((await run("status", "--url", "127.0.0.1:4444")).code, 2);
});
