/** A client library that many programs for Ethereum and Rootstock use, against the JSON-RPC of headers. */

import assert from "node:assert/strict";
import { createPublicClient, defineChain, http } from "viem";
import { createJsonRpcMetrics, listenJsonRpc } from "../../src/http/json_rpc.ts";
import { RecordingLog } from "../../src/kernel/_testing.ts";
import { MetricScope } from "../../src/kernel/metrics.ts";
import { MADE_DIFFICULTY, MADE_READER, makeHeaders } from "../../src/services/rootstock/_made_headers.ts";
import { CHAIN_FAMILIES } from "../../src/services/rootstock/chain_records.ts";
import { RootstockChainStore } from "../../src/services/rootstock/chain_store.ts";
import { rootstockConfig } from "../../src/services/rootstock/config.ts";
import { rootstockMethods, RSKJ_BAD_REQUEST_CODES } from "../../src/services/rootstock/json_rpc_methods.ts";
import { openMemoryEngine } from "../../src/store/memory_engine.ts";

const CHAIN = makeHeaders({ count: 51 });
const TIP = CHAIN.at(-1)!;
const ADDRESS = "0x0000000000000000000000000000000001000006";

async function withNode(run: (url: string) => Promise<void>): Promise<void> {
  await using engine = openMemoryEngine({ families: CHAIN_FAMILIES, limitBytes: 2 ** 26 });
  const store = await RootstockChainStore.open(engine, {
    genesisHash: CHAIN[0]!.hash,
    keptForkBlocks: 1_000,
  });
  await store.begin(CHAIN);
  const methods = rootstockMethods({
    chain: store,
    reader: MADE_READER,
    unknownTransactions: "omit",
    chainId: 30,
    genesis: { ...CHAIN[0]!, canonical: true },
    syncing: () => undefined,
    peers: () => [],
    listening: () => true,
    clientVersion: "Cairn/0/linux/deno",
  });
  const config = rootstockConfig.parse({ rpc: { port: 0 } }).rpc;
  const deps = { methods, log: new RecordingLog(), metrics: createJsonRpcMetrics(new MetricScope()) };
  const options = { config, section: "rootstock.rpc", badRequestCodes: RSKJ_BAD_REQUEST_CODES };
  await using server = listenJsonRpc(options, deps);
  await run(`http://127.0.0.1:${server.port}`);
}

Deno.test("viem reads blocks and names what headers cannot answer", async () => {
  await withNode(async (url) => {
    const chain = defineChain({
      id: 30,
      name: "Rootstock",
      nativeCurrency: { name: "RBTC", symbol: "RBTC", decimals: 18 },
      rpcUrls: { default: { http: [url] } },
    });
    const client = createPublicClient({ chain, transport: http(url, { batch: true, retryCount: 0 }) });
    assert.equal(await client.getChainId(), 30);
    assert.equal(await client.getBlockNumber(), 50n);
    // In one turn of the event loop: a batch.
    const [latest, byHash, third] = await Promise.all([
      client.getBlock(),
      client.getBlock({ blockHash: `0x${TIP.hash.toHex()}` }),
      client.getBlock({ blockNumber: 3n }),
    ]);
    assert.equal(latest.hash, `0x${TIP.hash.toHex()}`);
    assert.deepEqual(byHash, latest);
    assert.equal(latest.totalDifficulty, MADE_DIFFICULTY * 51n);
    assert.equal(latest.timestamp, 1_600_001_500n);
    assert.equal(third.number, 3n);
    await assert.rejects(client.getBalance({ address: ADDRESS }), /needs the state of accounts/);
    await assert.rejects(client.getBlock({ includeTransactions: true }), /headers only/);
    await assert.rejects(client.getBlock({ blockNumber: 99n }), { name: "BlockNotFoundError" });
  });
});
