/**
 * Fills a data directory with a generated regtest chain, for a node to serve.
 *
 * Arguments: directory, blocks, and for a branch: height it leaves the trunk at, blocks of it, seed. The trunk is the same
 * for all; a branch of another seed is another one.
 *
 * @module
 */

import { ChainGenerator, type GeneratedHeader } from "../../src/protocols/rootstock/generate.ts";
import { REGTEST } from "../../src/protocols/rootstock/networks/regtest.ts";
import { addBlock, type TotalDifficulty } from "../../src/protocols/rootstock/total_difficulty.ts";
import type { ChainHeader } from "../../src/services/rootstock/chain_records.ts";
import { RootstockChainStore } from "../../src/services/rootstock/chain_store.ts";
import { RootstockService } from "../../src/services/rootstock/service.ts";
import { genesisHeader } from "../../src/services/rootstock/sync_start.ts";
import { openRocksEngine } from "../../src/store/rocks_engine.ts";

const BATCH = 960;

const [directory, ...numbers] = Deno.args;
const [blocks = 0, forkAt = blocks, branchBlocks = 0, seed = 2] = numbers.map(Number);

await using engine = await openRocksEngine({ directory: directory!, families: RootstockService.families });
const { hash: genesisHash } = REGTEST.genesis;
const store = await RootstockChainStore.open(engine, { genesisHash, keptForkBlocks: 30_000 });
await store.begin([genesisHeader(REGTEST)]);

let total: TotalDifficulty = genesisHeader(REGTEST).totalDifficulty!;
const pending: ChainHeader[] = [];

async function take({ number, hash, header, difficulty, uncles }: GeneratedHeader): Promise<void> {
  total = addBlock(total, difficulty, uncles.length === 0 ? [] : undefined);
  pending.push({ number, hash, header, totalDifficulty: total });
  if (pending.length >= BATCH) await flush();
}

const flush = () => store.append(pending.splice(0), { canonical: true });

let generator = new ChainGenerator({ network: REGTEST, unclesOf: (number) => number % 50 === 0 ? 1 : 0 });
for (let i = 0; i < Math.min(blocks, forkAt); i++) await take(generator.next());
if (branchBlocks > 0) generator = generator.fork({ seed });
for (let i = 0; i < branchBlocks; i++) await take(generator.next());
for (let i = forkAt; i < blocks && branchBlocks === 0; i++) await take(generator.next());
await flush();
Deno.stdout.writeSync(new TextEncoder().encode(`${store.tip!.number} ${store.tip!.hash.toHex()}\n`));
