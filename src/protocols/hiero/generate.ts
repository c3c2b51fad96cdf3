/**
 * Makes chains of blocks for load tests, demonstrations and tests without a network.
 *
 * Layer: protocols. Imports the cores of this room. Source: spec/block-node.md §2, §6.2.
 *
 * Structure, root hashes, links and the hashes of all earlier blocks are right, so the blocks verify to
 * "hash-verified". Their signatures are noise of the right length: a node that checks signatures refuses them.
 *
 * @module
 */

import { ITEM, itemRanges, subtreeOf } from "./items.ts";
import { emptyTreeHash, type Sha384, StreamingTree, type TreeSnapshot } from "./merkle.ts";
import { SCHNORR_SIGNATURE_BYTES } from "./proof.ts";
import { RootHasher } from "./root_hash.ts";
import { WireWriter } from "./wire_writer.ts";

/** HAPI 0.78.0 in the headers: the newest that real blocks at hand carry. */
const HAPI_MINOR_VERSION = 78;
/** TransactionBody.memo: any well-formed field would do. */
const MEMO_FIELD = 6;
/** Three tags and three lengths of two bytes: item, bodyBytes, memo. */
const TRANSACTION_OVERHEAD_BYTES = 9;
/** 2026-01-01T00:00:00Z: any fixed time does; a clock would make the bytes depend on the hour. */
const DEFAULT_START_SECONDS = 1_767_225_600n;
/** Consensus time between blocks, of the order of a real network's. */
const BLOCK_INTERVAL_NANOS = 2_000_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;
/** 64 printable characters: a memo must be text, and 6 random bits a byte resist compression like real payloads. */
const ALPHABET = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

/** Options of {@link ChainGenerator}. */
export interface ChainGeneratorOptions {
  readonly sha384: Sha384;
  /** signed_transaction items in a block. @default {10} */
  readonly items?: number;
  /** Size of each, in bytes of its serialized BlockItem, roughly; at least 32. @default {2_000} */
  readonly itemBytes?: number;
  /** Chooses the payloads. @default {1} */
  readonly seed?: number;
  /** Consensus second of block 0. @default {1_767_225_600n} 2026-01-01 */
  readonly startSeconds?: bigint;
  /** Every block carries the same transactions, hashed once: some 15 us a block instead of 300. @default {false} */
  readonly template?: boolean;
  /** Goes on from here instead of from block 0; all other options must be those of the chain it comes from. */
  readonly from?: ChainState;
}

/** Where a {@link ChainGenerator} stands: enough to go on without the blocks before. */
export interface ChainState {
  /** Number of the next block. */
  readonly number: bigint;
  /** Root hash of the block before it. */
  readonly previous: Uint8Array;
  /** Roots of all blocks before it. */
  readonly roots: TreeSnapshot;
  /** State of the payloads' generator: 32 bits, not 0. */
  readonly random: number;
}

/** One generated block. */
export interface GeneratedBlock {
  readonly number: bigint;
  /** Serialized Block; the caller owns it. A view: its buffer is a little larger. */
  readonly bytes: Uint8Array;
  readonly rootHash: Uint8Array;
}

/**
 * Generates block 0, 1, 2 … of one chain. Deterministic: same options, same bytes.
 *
 * @example Two blocks, the second linked to the first
 * ```ts
 * import { ChainGenerator } from "./generate.ts";
 * import { nativeSha384 } from "./native_sha384.ts";
 * const chain = new ChainGenerator({ sha384: nativeSha384, items: 2, itemBytes: 100 });
 * const [first, second] = [chain.next(), chain.next()];
 * if (first.number !== 0n || second.number !== 1n) throw new Error("expected blocks 0 and 1");
 * ```
 */
export class ChainGenerator {
  readonly #hasher: RootHasher;
  readonly #roots: StreamingTree;
  readonly #items: number;
  readonly #itemBytes: number;
  readonly #startSeconds: bigint;
  readonly #proofTail: Uint8Array;
  readonly #empty: Uint8Array;
  readonly #template: { readonly records: Uint8Array; readonly inputs: Uint8Array } | undefined;
  #random: number;
  #number = 0n;
  #previous: Uint8Array;

  constructor(options: ChainGeneratorOptions) {
    const { sha384, items = 10, itemBytes = 2_000, seed = 1, startSeconds = DEFAULT_START_SECONDS } = options;
    this.#hasher = new RootHasher(sha384);
    this.#roots = new StreamingTree(sha384);
    this.#items = items;
    this.#itemBytes = itemBytes;
    this.#startSeconds = startSeconds;
    // xorshift32 stands still at 0.
    this.#random = (seed >>> 0) || 1;
    this.#empty = emptyTreeHash(sha384);
    this.#previous = this.#empty;
    const signature = new Uint8Array(SCHNORR_SIGNATURE_BYTES);
    for (let i = 0; i < signature.length; i++) signature[i] = this.#nextRandom() & 0xff;
    this.#proofTail = new WireWriter().bytes(2, new WireWriter().bytes(1, signature).finish()).finish();
    this.#template = options.template === true ? this.#makeTemplate() : undefined;
    if (options.from === undefined) return;
    this.#number = options.from.number;
    this.#previous = options.from.previous;
    this.#roots.restore(options.from.roots);
    this.#random = options.from.random;
  }

  /** Number of the next block. */
  get nextNumber(): bigint {
    return this.#number;
  }

  /** Where it stands; a copy. */
  state(): ChainState {
    return {
      number: this.#number,
      previous: this.#previous.slice(),
      roots: this.#roots.snapshot(),
      random: this.#random,
    };
  }

  /** Makes the next block. */
  next(): GeneratedBlock {
    const number = this.#number;
    const timestamp = this.#timestamp(number);
    const allBlocks = this.#roots.root();
    const records = this.#template?.records ?? this.#transactions();
    const block = new WireWriter(records.length + SCHNORR_SIGNATURE_BYTES + 512);
    const headerAt = putItem(block, ITEM.BLOCK_HEADER, this.#header(number, timestamp));
    const headerEnd = block.length;
    block.raw(records);
    const footer = new WireWriter(256).bytes(1, this.#previous).bytes(2, allBlocks)
      .bytes(3, this.#empty).finish();
    putItem(block, ITEM.BLOCK_FOOTER, footer);
    const proof = new WireWriter(SCHNORR_SIGNATURE_BYTES + 32);
    if (number > 0n) proof.varint(1, number);
    putItem(block, ITEM.BLOCK_PROOF, proof.raw(this.#proofTail).finish());
    const bytes = block.finish();

    this.#hasher.clear();
    this.#hasher.addItem(subtreeOf(ITEM.BLOCK_HEADER), bytes, headerAt, headerEnd);
    if (this.#template !== undefined) {
      this.#hasher.setRoot(subtreeOf(ITEM.SIGNED_TRANSACTION), this.#template.inputs);
    } else this.#hashTransactions(bytes, headerEnd, records.length);
    const [root] = this.#hasher.finish({
      timestamp,
      previousBlockRootHash: this.#previous,
      allBlocksRootHash: allBlocks,
      startOfBlockStateRootHash: this.#empty,
    });
    const rootHash = root!.hash;
    this.#roots.push(rootHash);
    this.#previous = rootHash;
    this.#number++;
    return { number, bytes, rootHash };
  }

  #makeTemplate(): { records: Uint8Array; inputs: Uint8Array } {
    const records = this.#transactions();
    this.#hasher.clear();
    this.#hashTransactions(records, 0, records.length);
    return { records, inputs: this.#hasher.subtreeRoots()["inputs"]! };
  }

  #transactions(): Uint8Array {
    const records = new WireWriter(this.#items * (this.#itemBytes + 16));
    const memo = new Uint8Array(Math.max(1, this.#itemBytes - TRANSACTION_OVERHEAD_BYTES));
    for (let i = 0; i < this.#items; i++) {
      for (let at = 0; at < memo.length;) {
        let random = this.#nextRandom();
        for (let n = 0; n < 5 && at < memo.length; n++, random >>>= 6) memo[at++] = ALPHABET[random & 63]!;
      }
      const body = new WireWriter(memo.length + 16).bytes(MEMO_FIELD, memo).finish();
      putItem(records, ITEM.SIGNED_TRANSACTION, new WireWriter(body.length + 16).bytes(1, body).finish());
    }
    return records.finish();
  }

  #hashTransactions(bytes: Uint8Array, start: number, length: number): void {
    const inputs = subtreeOf(ITEM.SIGNED_TRANSACTION);
    for (const item of itemRanges(bytes, start, start + length)) {
      this.#hasher.addItem(inputs, bytes, item.start, item.end);
    }
  }

  #header(number: bigint, timestamp: Uint8Array): Uint8Array {
    const version = new WireWriter(8).varint(2, HAPI_MINOR_VERSION).finish();
    const header = new WireWriter(64).bytes(1, version).bytes(2, version);
    if (number > 0n) header.varint(3, number);
    return header.bytes(4, timestamp).finish();
  }

  #timestamp(number: bigint): Uint8Array {
    const nanos = number * BLOCK_INTERVAL_NANOS;
    const writer = new WireWriter(24).varint(1, this.#startSeconds + nanos / NANOS_PER_SECOND);
    const rest = nanos % NANOS_PER_SECOND;
    return (rest === 0n ? writer : writer.varint(2, rest)).finish();
  }

  #nextRandom(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x >>> 0;
    return this.#random;
  }
}

/** Appends one item record; returns where its BlockItem starts. */
function putItem(writer: WireWriter, field: number, payload: Uint8Array): number {
  const item = new WireWriter(payload.length + 16).bytes(field, payload).finish();
  writer.bytes(1, item);
  return writer.length - item.length;
}
