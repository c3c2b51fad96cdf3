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
import type { Engine, Family, Operation } from "../../store/engine.ts";
import type { FamilySpec } from "../../store/family.ts";

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

const CHAIN_KEY = new TextEncoder().encode("chain");
const VERIFICATION_KEY = new TextEncoder().encode("verification");

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

function keyToNumber(key: Uint8Array): bigint {
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

/** Reads and writes blocks; knows the first and last stored number without asking the disk. */
export class BlockStore {
  readonly #engine: Engine;
  readonly #blocks: Family;
  readonly #records: Family;
  readonly #state: Family;
  #first: bigint | undefined;
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
    for await (const key of store.#records.scanKeys({ limit: 1 })) store.#first = keyToNumber(key);
    for await (const key of store.#records.scanKeys({ limit: 1, reverse: true })) {
      store.#last = keyToNumber(key);
    }
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

  /** Lowest stored block. */
  get first(): bigint | undefined {
    return this.#first;
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
    return await this.#blocks.get(blockKey(number));
  }

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
    const operations: Operation[] = [];
    for (const { number, block, record } of blocks) {
      const key = blockKey(number);
      const value = new TextEncoder().encode(JSON.stringify(record));
      operations.push({ kind: "put", family: BLOCKS_FAMILY.block, key, value: block });
      operations.push({ kind: "put", family: BLOCKS_FAMILY.record, key, value });
    }
    operations.push({ kind: "put", family: BLOCKS_FAMILY.state, key: CHAIN_KEY, value: last.chainState });
    const told = blocks.findLast(({ verificationData }) => verificationData !== undefined)?.verificationData;
    if (told !== undefined) {
      operations.push({ kind: "put", family: BLOCKS_FAMILY.state, key: VERIFICATION_KEY, value: told });
    }
    await this.#engine.write(operations, { sync: true });
    this.#first ??= blocks[0]?.number;
    this.#last = last.number;
    this.#chainState = last.chainState;
    this.#verificationData = told ?? this.#verificationData;
  }
}
