/**
 * The column families of the blocks service, and the only code that reads or writes them.
 *
 * Layer: services. A block, its record and the chain state after it go to disk in one atomic batch, so after a
 * crash the chain state always belongs to the last block.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import { decodeChainHead } from "../../protocols/hiero/chain.ts";
import { HieroFault } from "../../protocols/hiero/fault.ts";
import type { ProofStatus } from "../../protocols/hiero/verdict.ts";
import type { Engine, Family, Operation, ScanOptions } from "../../store/engine.ts";
import type { FamilySpec } from "../../store/family.ts";
import type { Archive, ArchivedBatch } from "./archive.ts";
import { type BlockRange, gapsBetween, mergeRanges, subtractRange } from "./ranges.ts";

/** Column families. Never reuse a name: retired ones stay as comments with their last release. */
export const BLOCKS_FAMILY = {
  block: "blocks.block", // number u64 big-endian -> serialized com.hedera.hapi.block.stream.Block, as received
  record: "blocks.record", // number u64 big-endian -> BlockRecord, JSON
  // "chain" -> chain state after the last block (protocols/hiero/chain.ts)
  // "verification" -> what proofs are checked against (protocols/hiero/proofs/verification_data.ts), once known
  state: "blocks.state",
} as const;

/** Their declarations for the engine. */
export const BLOCKS_FAMILIES: readonly FamilySpec[] = [
  { name: BLOCKS_FAMILY.block, values: "large" },
  { name: BLOCKS_FAMILY.record },
  { name: BLOCKS_FAMILY.state },
];

/** Blocks removed from the hot tier with one write. */
const REMOVAL_BLOCKS = 1_000;

/** Key of the chain state. */
export const CHAIN_KEY = new TextEncoder().encode("chain");
/** Key of what stored blocks have told about the network's keys. */
export const VERIFICATION_KEY = new TextEncoder().encode("verification");

/** What verification found out about a stored block. Hashes in lower-case hex. */
export interface BlockRecord {
  readonly rootHash: string | undefined;
  readonly previousHash: string;
  readonly rule: string;
  readonly level: string;
  readonly hapiVersion: string;
  readonly items: number;
  readonly bytes: number;
  readonly proofs: readonly string[];
  /** Absent in blocks that were stored before proofs were checked. */
  readonly proof?: ProofStatus;
}

/** A verified block on its way to disk. `block` is borrowed until the write settles. */
export interface StoredBlock {
  readonly number: bigint;
  readonly block: Uint8Array;
  readonly record: BlockRecord;
  /** Chain state after this block. */
  readonly chainState: Uint8Array;
  /** What this block has told about the network's keys. */
  readonly verificationData?: Uint8Array | undefined;
}

/** u64 big-endian, so that keys sort by number. */
export function blockKey(number: bigint): Uint8Array {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, number);
  return key;
}

/** Number of a key that {@link blockKey} made. */
export function keyToNumber(key: Uint8Array): bigint {
  return new DataView(key.buffer, key.byteOffset, 8).getBigUint64(0);
}

/** Number of the block that a chain state belongs to; -1 if it cannot be read. */
function stateNumber(chainState: Uint8Array | undefined): bigint | undefined {
  try {
    return chainState && decodeChainHead(chainState).number;
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    return -1n;
  }
}

/** The cold tier as readers need it. */
type ColdTier = Pick<Archive, "batches" | "read">;

/**
 * Reads and writes blocks; knows the first and last stored number without asking the disk.
 *
 * New blocks go to the hot tier, the engine. Whoever reads does not see which tier a block comes from.
 */
export class BlockStore {
  readonly #engine: Engine;
  readonly #blocks: Family;
  readonly #records: Family;
  readonly #state: Family;
  /** Hot blocks, in order. One range unless archives in the middle were removed from the hot tier. */
  #hot: BlockRange[] = [];
  #cold: ColdTier | undefined;
  #last: bigint | undefined;
  #chainState: Uint8Array | undefined;
  #verificationData: Uint8Array | undefined;

  private constructor(engine: Engine) {
    this.#engine = engine;
    this.#blocks = engine.family(BLOCKS_FAMILY.block);
    this.#records = engine.family(BLOCKS_FAMILY.record);
    this.#state = engine.family(BLOCKS_FAMILY.state);
  }

  /**
   * Opens the families and finds the stored range.
   *
   * @throws {CairnError} `STORE_READ_FAILED` if the chain state is not that of the last block.
   */
  static async open(engine: Engine): Promise<BlockStore> {
    const store = new BlockStore(engine);
    const range = await store.#hotRange({});
    store.#hot = range === undefined ? [] : [range];
    store.#last = range?.last;
    store.#chainState = await store.#state.get(CHAIN_KEY);
    store.#verificationData = await store.#state.get(VERIFICATION_KEY);
    if (store.#last !== stateNumber(store.#chainState)) {
      throw new CairnError(
        "STORE_READ_FAILED",
        "Cannot open block store: its blocks and its chain state do not belong together",
        {
          hint: "the data directory was changed by hand; restore it from a copy",
        },
      );
    }
    return store;
  }

  /** Makes the blocks of the cold tier readable here. */
  async attach(cold: ColdTier): Promise<void> {
    const range = this.#hot[0];
    this.#cold = cold;
    if (range === undefined) return;
    // Between and inside archives the hot tier is without gaps: blocks come in sequence, and what is archived leaves it
    // from below. So the ends of each stretch say it all.
    const stretches: BlockRange[] = [];
    let next = range.first;
    for (const { first, last } of cold.batches) {
      if (last < next) continue;
      if (next < first) stretches.push({ first: next, last: first - 1n });
      stretches.push({ first, last });
      next = last + 1n;
    }
    if (next <= range.last) stretches.push({ first: next, last: range.last });
    const found: BlockRange[] = [];
    for (const { first, last } of stretches) {
      const held = await this.#hotRange({ gte: blockKey(first), lte: blockKey(last) });
      if (held !== undefined) found.push(held);
    }
    this.#hot = mergeRanges(found);
  }

  /** Lowest and highest key within bounds. */
  async #hotRange(bounds: ScanOptions): Promise<BlockRange | undefined> {
    let first: bigint | undefined;
    let last: bigint | undefined;
    for await (const key of this.#records.scanKeys({ ...bounds, limit: 1 })) first = keyToNumber(key);
    for await (const key of this.#records.scanKeys({ ...bounds, limit: 1, reverse: true })) {
      last = keyToNumber(key);
    }
    return first === undefined || last === undefined ? undefined : { first, last };
  }

  /** Lowest stored block, of either tier. */
  get first(): bigint | undefined {
    const hot = this.#hot[0]?.first;
    const cold = this.#cold?.batches[0]?.first;
    return hot !== undefined && cold !== undefined && cold < hot ? cold : hot;
  }

  /** Blocks of the hot tier, in order. */
  get hot(): readonly BlockRange[] {
    return this.#hot;
  }

  /** Stored blocks of both tiers, in order; one range unless an archive is missing or damaged. */
  ranges(): BlockRange[] {
    return mergeRanges([...this.#hot, ...this.#cold?.batches ?? []]);
  }

  /** Blocks between the first and the last that no tier has, in order. */
  holes(): BlockRange[] {
    return gapsBetween(this.ranges());
  }

  /** Highest stored block: everything up to it was acknowledged or may be. */
  get last(): bigint | undefined {
    return this.#last;
  }

  /** Chain state after {@link BlockStore.last}, as `protocols/hiero` serialized it. Known even while the disk fails. */
  get chainState(): Uint8Array | undefined {
    return this.#chainState;
  }

  /** What stored blocks have told about the network's keys, as `protocols/hiero/proofs` serialized it. */
  get verificationData(): Uint8Array | undefined {
    return this.#verificationData;
  }

  /** The serialized Block exactly as it was received. */
  async block(number: bigint): Promise<Uint8Array | undefined> {
    return await this.hotBlock(number) ?? await this.#cold?.read(number);
  }

  /** As {@link BlockStore.block}, from the hot tier alone. */
  async hotBlock(number: bigint): Promise<Uint8Array | undefined> {
    const isHot = this.#hot.some(({ first, last }) => first <= number && number <= last);
    return isHot ? await this.#blocks.get(blockKey(number)) : undefined;
  }

  /** What verification found out; gone with the block when it leaves the hot tier. */
  async record(number: bigint): Promise<BlockRecord | undefined> {
    const bytes = await this.#records.get(blockKey(number));
    return bytes && JSON.parse(new TextDecoder().decode(bytes));
  }

  /**
   * Writes consecutive verified blocks and the chain state after the last, all or nothing, with sync.
   *
   * @throws {CairnError} `STORE_WRITE_FAILED`: none of the blocks is stored.
   */
  async append(blocks: readonly StoredBlock[]): Promise<void> {
    const last = blocks.at(-1);
    if (last === undefined) return;
    const operations = blockOperations(blocks);
    operations.push({ kind: "put", family: BLOCKS_FAMILY.state, key: CHAIN_KEY, value: last.chainState });
    const told = blocks.findLast(({ verificationData }) => verificationData !== undefined)?.verificationData;
    if (told !== undefined) {
      operations.push({ kind: "put", family: BLOCKS_FAMILY.state, key: VERIFICATION_KEY, value: told });
    }
    await this.#engine.write(operations, { sync: true });
    this.#hot = mergeRanges([...this.#hot, { first: blocks[0]!.number, last: last.number }]);
    this.#last = last.number;
    this.#chainState = last.chainState;
    this.#verificationData = told ?? this.#verificationData;
  }

  /**
   * Writes consecutive verified blocks that end right below a stored one, all or nothing, with sync: history below the
   * first block, or the upper part of a hole. The chain state stays that of the last block.
   *
   * @throws {CairnError} `STORE_WRITE_FAILED`: none of the blocks is stored; `INTERNAL` if they end elsewhere, or one is
   *   stored already.
   */
  async fillBelow(blocks: readonly Omit<StoredBlock, "chainState">[]): Promise<void> {
    const [lowest, highest] = [blocks[0], blocks.at(-1)];
    if (lowest === undefined || highest === undefined) return;
    const ranges = this.ranges();
    const isFree = ranges.every(({ first, last }) => first > highest.number || last < lowest.number);
    if (!isFree || !ranges.some(({ first }) => first === highest.number + 1n)) {
      throw new CairnError(
        "INTERNAL",
        `Cannot store blocks ${lowest.number} to ${highest.number}: they do not end below a stored one`,
      );
    }
    const operations = blockOperations(blocks);
    // What later blocks are verified with already is not replaced by what an old one has told.
    const told = this.#verificationData === undefined
      ? blocks.find(({ verificationData }) => verificationData !== undefined)?.verificationData
      : undefined;
    if (told !== undefined) {
      operations.push({ kind: "put", family: BLOCKS_FAMILY.state, key: VERIFICATION_KEY, value: told });
    }
    await this.#engine.write(operations, { sync: true });
    this.#hot = mergeRanges([...this.#hot, { first: lowest.number, last: highest.number }]);
    this.#verificationData ??= told;
  }

  /**
   * Removes an archived batch from the hot tier, upward, a thousand blocks at a time. Whoever calls has seen that the
   * archive can be read. The last block stays: the next one is verified against it.
   *
   * @returns Blocks removed.
   * @throws {CairnError} `STORE_WRITE_FAILED`: what is left is removed by the next call.
   */
  async removeHot({ first, last }: ArchivedBatch): Promise<number> {
    let removed = 0;
    for (const range of this.#hot) {
      let from = range.first > first ? range.first : first;
      const to = range.last < last ? range.last : last;
      if (from > to || this.#last === undefined || to >= this.#last) continue;
      while (from <= to) {
        const end = from + BigInt(REMOVAL_BLOCKS) - 1n < to ? from + BigInt(REMOVAL_BLOCKS) - 1n : to;
        const operations: Operation[] = [];
        for (let number = from; number <= end; number++) {
          const key = blockKey(number);
          operations.push({ kind: "delete", family: BLOCKS_FAMILY.block, key });
          operations.push({ kind: "delete", family: BLOCKS_FAMILY.record, key });
        }
        // Readers turn to the archive first; a removal that a power cut undoes is done again.
        const chunk = { first: from, last: end };
        this.#hot = subtractRange(this.#hot, chunk);
        try {
          await this.#engine.write(operations, { sync: false });
        } catch (error) {
          this.#hot = mergeRanges([...this.#hot, chunk]);
          throw error;
        }
        removed += Number(end - from + 1n);
        from = end + 1n;
      }
    }
    return removed;
  }
}

function blockOperations(blocks: readonly Omit<StoredBlock, "chainState">[]): Operation[] {
  return blocks.flatMap(({ number, block, record }): Operation[] => {
    const key = blockKey(number);
    const value = new TextEncoder().encode(JSON.stringify(record));
    return [
      { kind: "put", family: BLOCKS_FAMILY.block, key, value: block },
      { kind: "put", family: BLOCKS_FAMILY.record, key, value },
    ];
  });
}
