/**
 * The chain of headers on disk, and the only code that reads or writes it.
 *
 * Layer: services. The canonical chain is one ascending run of heights without gaps, from genesis or from below a
 * checkpoint. Headers off it are kept as forks until the chain has grown far past them. Every change is one atomic
 * synced batch, so what a crash leaves is a chain as of some change.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { CairnError } from "../../kernel/errors.ts";
import { ANCESTORS_NEEDED } from "../../protocols/rootstock/ancestors.ts";
import type { BlockIdentifier } from "../../protocols/rootstock/block_identifier.ts";
import { equalBytes } from "../../protocols/rootstock/bytes.ts";
import type { TotalDifficulty } from "../../protocols/rootstock/total_difficulty.ts";
import type { Engine, Family, Operation } from "../../store/engine.ts";
import {
  type ChainHeader,
  decodeRecord,
  encodeRecord,
  encodeRecords,
  forkKey,
  heightKey,
  heightOf,
  parentHashOf,
  ROOTSTOCK_FAMILY as FAMILY,
} from "./chain_records.ts";

/** Canonical segments with the engine at a time: enough to share a sync. Those behind them wait as they came. */
const SEGMENTS_IN_FLIGHT = 8;

/** Forks are removed in steps of at least so many heights: a step reads and deletes, so it should find something. */
const PRUNE_STEP_BLOCKS = 1_024;
/** Forks removed with one batch at most. */
const PRUNE_HEADERS = 4_096;

const CHAIN_KEY = new TextEncoder().encode("chain");

/** Options of {@link RootstockChainStore.open}. */
export interface ChainStoreOptions {
  /** Hash of the network's genesis: a store of another network is refused. */
  readonly genesisHash: Uint8Array;
  /** Forks so far below the tip are forgotten, in blocks. */
  readonly keptForkBlocks: number;
}

/** How headers are appended. */
export interface AppendOptions {
  /** Whether they extend the canonical chain at its tip. Otherwise they are kept as a fork. */
  readonly canonical: boolean;
}

/** End of the canonical chain. */
export interface ChainTip extends BlockIdentifier {
  /** 32 bytes. */
  readonly parentHash: Uint8Array;
  readonly totalDifficulty?: TotalDifficulty;
}

/** A header and whether it is part of the canonical chain. */
export interface PlacedHeader extends ChainHeader {
  readonly canonical: boolean;
}

/** What a reorganisation did. */
export interface Reorganisation {
  /** Last block that both chains have. */
  readonly ancestor: BlockIdentifier;
  /** Blocks that are no longer canonical. */
  readonly left: number;
  /** Blocks that became canonical. */
  readonly joined: number;
}

interface ChainState {
  readonly genesisHash: string;
  readonly first: number;
}

/** Reads and writes the chain; knows its ends without asking the disk. */
export class RootstockChainStore {
  readonly #engine: Engine;
  readonly #headers: Family;
  readonly #forks: Family;
  readonly #hashes: Family;
  readonly #options: ChainStoreOptions;
  #first: number | undefined;
  /** On disk. */
  #tip: ChainTip | undefined;
  /** Of the last canonical batch handed to the engine, which may not be on disk yet. */
  #nextTip: ChainTip | undefined;
  /** No fork is lower, or higher. */
  #lowestFork = Infinity;
  #highestFork = -1;
  /** Changes are prepared one after the other, in call order. */
  #turn: Promise<void> = Promise.resolve();
  readonly #inFlight = new Set<Promise<void>>();

  private constructor(engine: Engine, options: ChainStoreOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#headers = engine.family(FAMILY.header);
    this.#forks = engine.family(FAMILY.fork);
    this.#hashes = engine.family(FAMILY.hash);
  }

  /**
   * Opens the families and finds the ends of the chain.
   *
   * @throws {CairnError} `CONFIG_INVALID` if the store holds another network's chain; `STORE_READ_FAILED`.
   */
  static async open(engine: Engine, options: ChainStoreOptions): Promise<RootstockChainStore> {
    const store = new RootstockChainStore(engine, options);
    const chain = await engine.family(FAMILY.state).get(CHAIN_KEY);
    if (chain === undefined) return store;
    const state: ChainState = JSON.parse(new TextDecoder().decode(chain));
    if (state.genesisHash !== options.genesisHash.toHex()) {
      throw new CairnError("CONFIG_INVALID", "Cannot open the chain of headers: it is another network's", {
        hint: "set rootstock.network to the one before, or node.dataDir to another directory",
        detail: { stored: state.genesisHash, configured: options.genesisHash.toHex() },
      });
    }
    for await (const [key, record] of store.#headers.scan({ reverse: true, limit: 1 })) {
      store.#tip = tipOf(decodeRecord(heightOf(key), record));
    }
    store.#first = state.first;
    store.#nextTip = store.#tip;
    for await (const key of store.#forks.scanKeys({ limit: 1 })) store.#lowestFork = heightOf(key);
    for await (const key of store.#forks.scanKeys({ limit: 1, reverse: true })) {
      store.#highestFork = heightOf(key);
    }
    return store;
  }

  /** Lowest canonical height: 0, or the lowest kept below the checkpoint. */
  get first(): number | undefined {
    return this.#first;
  }

  /** End of the canonical chain, on disk. */
  get tip(): ChainTip | undefined {
    return this.#tip;
  }

  /**
   * Starts an empty store with genesis, or with a checkpoint and the headers below it, ascending.
   *
   * @throws {CairnError} `INTERNAL` if there is a chain already or the headers do not link; `STORE_WRITE_FAILED`.
   */
  async begin(headers: readonly ChainHeader[]): Promise<void> {
    const [first, last] = [headers[0], headers.at(-1)];
    if (first === undefined || last === undefined) throw refused("no header to begin with");
    const release = await this.#takeTurn();
    try {
      if (this.#first !== undefined) throw refused("the store has a chain already");
      assertLinked(headers);
      const state: ChainState = { genesisHash: this.#options.genesisHash.toHex(), first: first.number };
      const operations: Operation[] = [];
      pushCanonical(operations, headers);
      const value = new TextEncoder().encode(JSON.stringify(state));
      operations.push({ kind: "put", family: FAMILY.state, key: CHAIN_KEY, value });
      await this.#write(operations, tipOf(last));
      this.#first = first.number;
    } finally {
      release();
    }
  }

  /**
   * Writes consecutive verified headers, ascending, all or nothing, with sync. Canonical segments may be appended
   * without waiting for those before: they reach the disk in call order, and several share a sync. After a failure
   * those behind it fail, too. The bytes are borrowed until the promise settles.
   *
   * @throws {CairnError} `STORE_WRITE_FAILED`: none of the headers is stored; `INTERNAL` if they do not link to each
   * other, to the tip (canonical) or to a known header (fork).
   */
  async append(headers: readonly ChainHeader[], { canonical }: AppendOptions): Promise<void> {
    const [first, last] = [headers[0], headers.at(-1)];
    if (first === undefined || last === undefined) return;
    assertLinked(headers);
    const release = await this.#takeTurn();
    let written: Promise<void>;
    try {
      const operations: Operation[] = [];
      if (canonical) {
        while (this.#inFlight.size >= SEGMENTS_IN_FLIGHT) await Promise.race(this.#inFlight);
        assertParent(this.#nextTip, first);
        pushCanonical(operations, headers);
        for (const header of headers) {
          if (header.number > this.#highestFork) break;
          operations.push(deleteFork(header));
        }
        operations.push(...await this.#pruneOperations(last.number));
        written = this.#write(operations, tipOf(last));
        // An engine that refuses at once (MemoryEngine) has refused by then, and the next segment does not link. One
        // that refuses later (RocksEngine) refuses those behind as well.
        await new Promise((resolve) => setImmediate(resolve));
      } else {
        await this.#drained();
        assertParent(await this.headerByHash(parentHashOf(first.header)), first);
        const known = await this.#hashes.getMany(headers.map(({ hash }) => hash));
        for (const [i, header] of headers.entries()) {
          // Known as canonical or as a fork already: written again, a canonical header would be found twice.
          if (known[i] === undefined) operations.push(...forkOperations(header));
        }
        this.#forksFrom(first.number, last.number);
        written = this.#write(operations);
        await written;
      }
    } finally {
      release();
    }
    await written;
  }

  /**
   * Makes the chain that ends at `to` the canonical one: blocks above the fork point become a fork, those of the fork
   * canonical, in one atomic synced batch. `to` may be a canonical block below the tip.
   *
   * @throws {CairnError} `INTERNAL` if `to` or one of its parents is not known; `STORE_WRITE_FAILED`: nothing changed.
   */
  async reorganise(to: Uint8Array): Promise<Reorganisation> {
    const release = await this.#takeTurn();
    try {
      await this.#drained();
      const joined: PlacedHeader[] = [];
      let ancestor = await this.headerByHash(to);
      while (ancestor !== undefined && !ancestor.canonical) {
        joined.push(ancestor);
        ancestor = await this.headerByHash(parentHashOf(ancestor.header));
      }
      if (ancestor === undefined) throw refused("the chain to adopt does not reach the canonical one");
      const operations: Operation[] = [];
      let left = 0;
      for await (const [key, value] of this.#headers.scan({ gt: heightKey(ancestor.number) })) {
        left++;
        const fork = forkKey({ number: heightOf(key), hash: decodeRecord(0, value).hash });
        operations.push({ kind: "put", family: FAMILY.fork, key: fork, value });
        operations.push({ kind: "delete", family: FAMILY.header, key });
      }
      for (const header of joined) {
        const [key, value] = [heightKey(header.number), encodeRecord(header)];
        // After the delete of the same key: operations apply in order.
        operations.push({ kind: "put", family: FAMILY.header, key, value });
        operations.push(deleteFork(header));
      }
      if (left > 0) this.#forksFrom(ancestor.number + 1, ancestor.number + left);
      await this.#write(operations, tipOf(joined[0] ?? ancestor));
      return { ancestor: { number: ancestor.number, hash: ancestor.hash }, left, joined: joined.length };
    } finally {
      release();
    }
  }

  /** Canonical header of a height. */
  async headerByNumber(number: number): Promise<PlacedHeader | undefined> {
    const record = await this.#headers.get(heightKey(number));
    return record && { ...decodeRecord(number, record), canonical: true };
  }

  /** Canonical headers of some heights, in their order. */
  async headersByNumber(numbers: readonly number[]): Promise<(ChainHeader | undefined)[]> {
    const records = await this.#headers.getMany(numbers.map(heightKey));
    return records.map((record, i) => record && decodeRecord(numbers[i]!, record));
  }

  /** Header with this hash, canonical or not. */
  async headerByHash(hash: Uint8Array): Promise<PlacedHeader | undefined> {
    const height = await this.#hashes.get(hash);
    if (height === undefined) return undefined;
    const number = heightOf(height);
    const canonical = await this.headerByNumber(number);
    if (canonical !== undefined && equalBytes(canonical.hash, hash)) return canonical;
    const record = await this.#forks.get(forkKey({ number, hash }));
    return record && { ...decodeRecord(number, record), canonical: false };
  }

  /** Every known header of a height, the canonical one first. */
  async headersAt(number: number): Promise<PlacedHeader[]> {
    const canonical = await this.headerByNumber(number);
    const found = canonical === undefined ? [] : [canonical];
    for await (const [, record] of this.#forks.scan({ gte: heightKey(number), lt: heightKey(number + 1) })) {
      found.push({ ...decodeRecord(number, record), canonical: false });
    }
    return found;
  }

  /** Hash of the canonical block of a height. */
  async canonicalHash(number: number): Promise<Uint8Array | undefined> {
    return (await this.headerByNumber(number))?.hash;
  }

  /**
   * The header with this hash and its parents, descending, up to `count`; fewer where the chain ends. None if the
   * hash is not known.
   */
  async chainDown(hash: Uint8Array, count: number): Promise<ChainHeader[]> {
    const found: ChainHeader[] = [];
    let next = await this.headerByHash(hash);
    while (next !== undefined && !next.canonical && found.length < count) {
      found.push(next);
      next = await this.headerByHash(parentHashOf(next.header));
    }
    if (next === undefined || found.length >= count) return found;
    const range = { lte: heightKey(next.number), reverse: true, limit: count - found.length };
    for await (const [key, record] of this.#headers.scan(range)) {
      found.push(decodeRecord(heightOf(key), record));
    }
    return found;
  }

  /**
   * Raw headers that the block after `hash` is checked against, ascending: `hash` is the last of up to
   * {@link ANCESTORS_NEEDED}.
   */
  async ancestorsOf(hash: Uint8Array): Promise<Uint8Array[]> {
    return (await this.chainDown(hash, ANCESTORS_NEEDED)).map(({ header }) => header).reverse();
  }

  /** Waits for those before; call the function it gives when the next may go on. */
  async #takeTurn(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = promise;
    await before;
    return resolve;
  }

  /** Waits for every write handed to the engine. */
  async #drained(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  /** @param tip End of the canonical chain once this is on disk. */
  #write(operations: readonly Operation[], tip?: ChainTip): Promise<void> {
    this.#nextTip = tip ?? this.#nextTip;
    const written = this.#engine.write(operations, { sync: true });
    const settled = written.then(
      () => void (this.#tip = tip ?? this.#tip),
      () => void (this.#nextTip = this.#tip),
    ).then(() => void this.#inFlight.delete(settled));
    this.#inFlight.add(settled);
    return written;
  }

  #forksFrom(lowest: number, highest: number): void {
    this.#lowestFork = Math.min(this.#lowestFork, lowest);
    this.#highestFork = Math.max(this.#highestFork, highest);
  }

  /** Removes forks that the chain up to `tip` has left far behind. */
  async #pruneOperations(tip: number): Promise<Operation[]> {
    const below = tip - this.#options.keptForkBlocks;
    if (this.#lowestFork + PRUNE_STEP_BLOCKS > below) return [];
    await this.#drained();
    const operations: Operation[] = [];
    let last = -1;
    for await (const key of this.#forks.scanKeys({ lt: heightKey(below), limit: PRUNE_HEADERS })) {
      last = heightOf(key);
      operations.push({ kind: "delete", family: FAMILY.fork, key });
      operations.push({ kind: "delete", family: FAMILY.hash, key: key.subarray(heightKey(0).length) });
    }
    this.#lowestFork = operations.length === 2 * PRUNE_HEADERS ? last : below;
    return operations;
  }
}

function tipOf({ number, hash, header, totalDifficulty }: ChainHeader): ChainTip {
  return {
    number,
    hash: hash.slice(),
    parentHash: parentHashOf(header).slice(),
    ...(totalDifficulty === undefined ? {} : { totalDifficulty }),
  };
}

function pushCanonical(operations: Operation[], headers: readonly ChainHeader[]): void {
  const { keys, records } = encodeRecords(headers);
  for (let i = 0; i < headers.length; i++) {
    const key = keys[i]!;
    operations.push({ kind: "put", family: FAMILY.header, key, value: records[i]! });
    operations.push({ kind: "put", family: FAMILY.hash, key: headers[i]!.hash, value: key });
  }
}

function forkOperations(header: ChainHeader): [Operation, Operation] {
  return [
    { kind: "put", family: FAMILY.fork, key: forkKey(header), value: encodeRecord(header) },
    { kind: "put", family: FAMILY.hash, key: header.hash, value: heightKey(header.number) },
  ];
}

function deleteFork(header: ChainHeader): Operation {
  return { kind: "delete", family: FAMILY.fork, key: forkKey(header) };
}

function assertLinked(headers: readonly ChainHeader[]): void {
  for (let i = 1; i < headers.length; i++) assertParent(headers[i - 1], headers[i]!);
}

function assertParent(parent: BlockIdentifier | undefined, { number, header }: ChainHeader): void {
  if (parent === undefined) throw refused(`the parent of block ${number} is not known`);
  if (number !== parent.number + 1 || !equalBytes(parentHashOf(header), parent.hash)) {
    throw refused(`block ${number} does not follow block ${parent.number} ${parent.hash.toHex()}`);
  }
}

function refused(reason: string): CairnError {
  return new CairnError("INTERNAL", `Cannot store headers: ${reason}`);
}
