/**
 * Generated chains of regtest as tests serve them: one trunk, branches of it, and directories filled with them.
 *
 * @module
 */

import type { BreakableRule } from "../../src/protocols/rootstock/breaks.ts";
import { ChainGenerator, type ChainGeneratorOptions } from "../../src/protocols/rootstock/generate.ts";
import type { RootstockNetwork } from "../../src/protocols/rootstock/network.ts";
import { REGTEST } from "../../src/protocols/rootstock/networks/regtest.ts";
import type { RskStatus } from "../../src/protocols/rootstock/rsk_message.ts";
import { addBlock, lowerBound } from "../../src/protocols/rootstock/total_difficulty.ts";
import type { ChainHeader } from "../../src/services/rootstock/chain_records.ts";
import { RootstockChainStore } from "../../src/services/rootstock/chain_store.ts";
import { RootstockService } from "../../src/services/rootstock/service.ts";
import { genesisHeader } from "../../src/services/rootstock/sync_start.ts";
import { openRocksEngine } from "../../src/store/rocks_engine.ts";

const BATCH = 960;

/** A header as the store keeps it; its number is its place. */
export type ChainBlock = ChainHeader & Required<Pick<ChainHeader, "totalDifficulty">>;

/** A chain from genesis on that can grow. Block 50 and every fiftieth after it has an uncle. */
export class TestChain {
  readonly network: RootstockNetwork = REGTEST;
  readonly #blocks: ChainBlock[];
  readonly #byHash: Map<string, ChainBlock>;
  #generator: ChainGenerator;

  private constructor(blocks: ChainBlock[], byHash: Map<string, ChainBlock>, generator: ChainGenerator) {
    this.#blocks = blocks;
    this.#byHash = byHash;
    this.#generator = generator;
  }

  /** A chain of that many blocks above genesis. The same seed gives the same chain. */
  static generate(blocks: number, options: Partial<ChainGeneratorOptions> = {}): TestChain {
    const genesis = genesisHeader(REGTEST) as ChainBlock;
    const generator = new ChainGenerator({
      network: REGTEST,
      unclesOf: (number) => number % 50 === 0 ? 1 : 0,
      ...options,
    });
    const chain = new TestChain([genesis], new Map([[genesis.hash.toHex(), genesis]]), generator);
    return chain.grow(blocks);
  }

  /** Another chain that has all blocks of this one, and goes on with others. */
  branch(blocks: number, options: { readonly seed: number } & Partial<ChainGeneratorOptions>): TestChain {
    const branch = new TestChain([...this.#blocks], new Map(this.#byHash), this.#generator.fork(options));
    return branch.grow(blocks);
  }

  /** A branch whose block at `number` breaks a rule; those above build on it. */
  broken(blocks: number, number: number, rule: BreakableRule): TestChain {
    return this.branch(blocks, { seed: 666, broken: { number, rule } });
  }

  grow(blocks: number): this {
    for (let i = 0; i < blocks; i++) {
      const { number, hash, header, difficulty, uncles } = this.#generator.next();
      const { totalDifficulty: below } = this.tip;
      const totalDifficulty = addBlock(below, difficulty, uncles.length === 0 ? [] : undefined);
      const block = { number, hash, header, totalDifficulty };
      this.#blocks.push(block);
      this.#byHash.set(hash.toHex(), block);
    }
    return this;
  }

  get tip(): ChainBlock {
    return this.#blocks.at(-1)!;
  }

  at(number: number): ChainBlock {
    return this.#blocks[number]!;
  }

  /** Headers from a hash down, at most `count`. */
  down(hash: Uint8Array, count: number): ChainBlock[] {
    const from = this.#byHash.get(hash.toHex());
    if (from === undefined) return [];
    return this.#blocks.slice(Math.max(0, from.number + 1 - count), from.number + 1).reverse();
  }

  /** What a node with this chain says of it. */
  get status(): Required<RskStatus> {
    const { number, hash, totalDifficulty } = this.tip;
    const parentHash = number === 0 ? new Uint8Array(32) : this.at(number - 1).hash;
    return { bestNumber: number, bestHash: hash, parentHash, totalDifficulty: lowerBound(totalDifficulty) };
  }

  /** Fills a data directory with it, for a node to serve. */
  async fill(directory: string): Promise<void> {
    await using engine = await openRocksEngine({ directory, families: RootstockService.families });
    const options = { genesisHash: REGTEST.genesis.hash, keptForkBlocks: 30_000 };
    const store = await RootstockChainStore.open(engine, options);
    await store.begin([this.at(0)]);
    for (let from = 1; from < this.#blocks.length; from += BATCH) {
      await store.append(this.#blocks.slice(from, from + BATCH), { canonical: true });
    }
  }
}
