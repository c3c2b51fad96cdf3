/**
 * The column families of the chain service, and the only code that reads or writes them.
 *
 * Layer: services. Source: spec/kimura.md §2. A block, its messages, the nonces after it, the removal of its pending
 * entries and both ends of the metadata go to disk in one synced batch, so after a crash the tip is always a whole block.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import { type Block, blockHash, decodeBlock, encodeBlock, GENESIS } from "../../protocols/kimura/block.ts";
import { ByteReader, ByteWriter, equalBytes } from "../../protocols/kimura/bytes.ts";
import { KimuraFault } from "../../protocols/kimura/fault.ts";
import { decodeMessage, encodeMessage, type Message } from "../../protocols/kimura/message.ts";
import { type ConflictEvidence, evidenceFromJson, evidenceToJson } from "../../protocols/kimura/proof.ts";
import { type Tip, tipOf } from "../../protocols/kimura/rules.ts";
import type { FullBlock } from "../../protocols/kimura/sync_messages.ts";
import type { Engine, Family, Operation } from "../../store/engine.ts";
import type { FamilySpec } from "../../store/family.ts";

/** Column families. Never reuse a name: retired ones stay as comments with their last release. */
export const CHAIN_FAMILY = {
  blocks: "chain.blocks", // "block:" height u64 big-endian -> block (protocols/kimura/block.ts); genesis is not stored
  messages: "chain.messages", // "msg:" id hex -> height u64 · place u32 · canonical message
  // "meta:last_height" -> u64 · "meta:last_hash", "meta:genesis_hash" -> u8[32] · "meta:nonce:" sender -> u64 ·
  // "meta:conflict:" height u64 · hash of the second block -> evidence (protocols/kimura/proof.ts)
  metadata: "chain.metadata",
  pending: "chain.pending", // "pending:" id hex -> received u64 (ms) · order u64 · canonical message
} as const;

/** Their declarations for the engine. */
export const CHAIN_FAMILIES: readonly FamilySpec[] = Object.values(CHAIN_FAMILY).map((name) => ({ name }));

/** A message the leader has accepted and not yet put into a block. */
export interface PendingMessage {
  readonly message: Message;
  /** Milliseconds since 1970. */
  readonly receivedMs: number;
  /** Place in the order of arrival; a later message has a higher one. */
  readonly order: number;
}

/** A message and where it is. */
export interface StoredMessage {
  readonly message: Message;
  readonly height: bigint;
  /** Place in its block. */
  readonly index: number;
}

const encoder = new TextEncoder();
const text = (value: string) => encoder.encode(value);
const LAST_HEIGHT = text("meta:last_height");
const LAST_HASH = text("meta:last_hash");
const GENESIS_HASH = text("meta:genesis_hash");
const CONFLICT = text("meta:conflict:");
const BLOCK = text("block:");

/** `block:` and the height, so that keys sort by height. */
export function blockKey(height: bigint): Uint8Array {
  return new ByteWriter(16).raw(BLOCK).u64(height).finish();
}

const messageKey = (id: Uint8Array) => text(`msg:${id.toHex()}`);
const pendingKey = (id: Uint8Array) => text(`pending:${id.toHex()}`);
const nonceKey = (sender: string) => text(`meta:nonce:${sender}`);
const u64 = (value: bigint) => new ByteWriter(16).u64(value).finish();

/** Reads and writes the chain; knows its tip without asking the disk. */
export class ChainStore {
  readonly #engine: Engine;
  readonly #blocks: Family;
  readonly #messages: Family;
  readonly #metadata: Family;
  readonly #pending: Family;
  #tip: Tip = tipOf(GENESIS);

  private constructor(engine: Engine) {
    this.#engine = engine;
    this.#blocks = engine.family(CHAIN_FAMILY.blocks);
    this.#messages = engine.family(CHAIN_FAMILY.messages);
    this.#metadata = engine.family(CHAIN_FAMILY.metadata);
    this.#pending = engine.family(CHAIN_FAMILY.pending);
  }

  /**
   * Opens the families, writes the genesis marks into an empty store, and checks the tip: its block is there, nothing is
   * above it, and its hash is the one recorded.
   *
   * @throws {CairnError} `STORE_READ_FAILED` with both hashes, and what to do.
   */
  static async open(engine: Engine): Promise<ChainStore> {
    const store = new ChainStore(engine);
    await store.#resume();
    return store;
  }

  /** The last block stored; genesis in an empty store. */
  get tip(): Tip {
    return this.#tip;
  }

  /** The block at a height. @throws {CairnError} `STORE_READ_FAILED` if what is stored is no block. */
  async block(height: bigint): Promise<Block | undefined> {
    if (height === 0n) return GENESIS;
    if (height > this.#tip.height) return undefined;
    const bytes = await this.#blocks.get(blockKey(height));
    return bytes && readStored(`block ${height}`, () => decodeBlock(bytes));
  }

  /** The message with an id, wherever it is in the chain. */
  async message(id: Uint8Array): Promise<StoredMessage | undefined> {
    const bytes = await this.#messages.get(messageKey(id));
    return bytes && readMessage(bytes);
  }

  /** The message with an id that the leader has accepted and not yet put into a block. */
  async pendingMessage(id: Uint8Array): Promise<Message | undefined> {
    const bytes = await this.#pending.get(pendingKey(id));
    return bytes && readPending(bytes).message;
  }

  /** Messages by id, in order; `undefined` for those the chain does not have. */
  async messages(ids: readonly Uint8Array[]): Promise<(StoredMessage | undefined)[]> {
    const found = await this.#messages.getMany(ids.map(messageKey));
    return found.map((bytes) => bytes && readMessage(bytes));
  }

  /** A block with its messages; without them if they were never stored. */
  async fullBlock(height: bigint): Promise<FullBlock | undefined> {
    const block = await this.block(height);
    return block && await this.#withBody(block);
  }

  /** Blocks from a height on with their messages: at most `count`, and no further one once they have `softBytes`. */
  async range(from: bigint, count: number, softBytes: number): Promise<FullBlock[]> {
    const found: FullBlock[] = [];
    if (count <= 0) return found;
    let used = 0;
    if (from === 0n) {
      found.push({ block: GENESIS, messages: [] });
      from = 1n;
    }
    const bounds = { gte: blockKey(from), lte: blockKey(this.#tip.height), limit: count - found.length };
    for await (const [key, value] of this.#blocks.scan(bounds)) {
      const full = await this.#withBody(readStored(`block at '${key.toHex()}'`, () => decodeBlock(value)));
      found.push(full);
      used += value.length;
      for (const { content, sender } of full.messages) used += content.length + sender.length + 96;
      if (used >= softBytes) break;
    }
    return found;
  }

  /** Last nonce in the chain of each sender that has one. */
  async nonces(senders: Iterable<string>): Promise<Map<string, bigint>> {
    const names = [...new Set(senders)];
    const found = await this.#metadata.getMany(names.map(nonceKey));
    const nonces = new Map<string, bigint>();
    for (const [i, bytes] of found.entries()) if (bytes) nonces.set(names[i]!, new ByteReader(bytes).u64());
    return nonces;
  }

  /** What the leader has accepted, in order of arrival. */
  async pending(): Promise<PendingMessage[]> {
    const found: PendingMessage[] = [];
    for await (const [, value] of this.#pending.scan()) found.push(readPending(value));
    return found.sort((a, b) => a.order - b.order);
  }

  /**
   * Writes accepted messages, all or nothing, with sync: only then may anybody be told that they were accepted.
   *
   * @throws {CairnError} `STORE_WRITE_FAILED`.
   */
  async keep(messages: readonly PendingMessage[]): Promise<void> {
    await this.#engine.write(
      messages.map(({ message, receivedMs, order }) => ({
        kind: "put",
        family: CHAIN_FAMILY.pending,
        key: pendingKey(message.id),
        value: new ByteWriter(512).u64(BigInt(Math.floor(receivedMs))).u64(BigInt(order)).raw(
          encodeMessage(message),
        )
          .finish(),
      })),
      { sync: true },
    );
  }

  /** Removes pending messages that will be in no block. @throws {CairnError} `STORE_WRITE_FAILED`. */
  async forget(ids: readonly Uint8Array[]): Promise<void> {
    await this.#engine.write(
      ids.map((id) => ({ kind: "delete", family: CHAIN_FAMILY.pending, key: pendingKey(id) })),
    );
  }

  /**
   * Writes verified blocks that follow the tip, with everything that belongs to them, all or nothing, with sync. A block
   * without messages although it names some is stored as it is (blocks of the original).
   *
   * @throws {CairnError} `STORE_WRITE_FAILED`: none is stored; `INTERNAL` if they do not follow the tip.
   */
  async append(blocks: readonly FullBlock[]): Promise<void> {
    const last = blocks.at(-1);
    if (last === undefined) return;
    const operations: Operation[] = [];
    const nonces = new Map<string, bigint>();
    let tip = this.#tip;
    for (const { block, messages } of blocks) {
      const { height, prevHash } = block.header;
      if (height !== tip.height + 1n || !equalBytes(prevHash, tip.hash)) {
        throw new CairnError(
          "INTERNAL",
          `Cannot store block ${height}: it does not follow block ${tip.height}`,
        );
      }
      operations.push({
        kind: "put",
        family: CHAIN_FAMILY.blocks,
        key: blockKey(height),
        value: encodeBlock(block),
      });
      for (const id of block.messageIds) {
        operations.push({ kind: "delete", family: CHAIN_FAMILY.pending, key: pendingKey(id) });
      }
      for (const [index, message] of messages.entries()) {
        const value = new ByteWriter(512).u64(height).u32(index).raw(encodeMessage(message)).finish();
        operations.push({ kind: "put", family: CHAIN_FAMILY.messages, key: messageKey(message.id), value });
        nonces.set(message.sender, message.nonce);
      }
      tip = tipOf(block);
    }
    for (const [sender, nonce] of nonces) operations.push(meta(nonceKey(sender), u64(nonce)));
    operations.push(meta(LAST_HEIGHT, u64(tip.height)), meta(LAST_HASH, tip.hash));
    await this.#engine.write(operations, { sync: true });
    this.#tip = tip;
  }

  /** Keeps evidence of a second block at a stored height; the same evidence once. @throws {CairnError} `STORE_WRITE_FAILED`. */
  async putEvidence(evidence: ConflictEvidence): Promise<void> {
    const { second } = evidence;
    const key = new ByteWriter(64).raw(CONFLICT).u64(second.header.height).raw(blockHash(second)).finish();
    await this.#engine.write([meta(key, text(evidenceToJson(evidence)))], { sync: true });
  }

  /** Evidence kept, by height: at most `limit`. */
  async evidence(limit: number): Promise<ConflictEvidence[]> {
    const end = CONFLICT.slice();
    end[end.length - 1]!++;
    const found: ConflictEvidence[] = [];
    for await (const [, value] of this.#metadata.scan({ gte: CONFLICT, lt: end, limit })) {
      found.push(readStored("evidence", () => evidenceFromJson(value)));
    }
    return found;
  }

  async #withBody(block: Block): Promise<FullBlock> {
    if (block.messageIds.length === 0) return { block, messages: [] };
    const found = await this.messages(block.messageIds);
    const messages = found.flatMap((entry) => entry === undefined ? [] : [entry.message]);
    if (messages.length > 0 && messages.length < found.length) {
      throw unreadable(
        `messages of block ${block.header.height}`,
        `${found.length - messages.length} are missing`,
      );
    }
    return { block, messages };
  }

  async #resume(): Promise<void> {
    const [heightBytes, hash, genesis] = await this.#metadata.getMany([LAST_HEIGHT, LAST_HASH, GENESIS_HASH]);
    const own = this.#tip.hash;
    let highest: bigint | undefined;
    for await (const key of this.#blocks.scanKeys({ reverse: true, limit: 1 })) {
      highest = new ByteReader(key.subarray(BLOCK.length)).u64();
    }
    if (heightBytes === undefined && hash === undefined && genesis === undefined && highest === undefined) {
      await this.#engine.write([meta(GENESIS_HASH, own), meta(LAST_HEIGHT, u64(0n)), meta(LAST_HASH, own)], {
        sync: true,
      });
      return;
    }
    if (heightBytes === undefined || hash === undefined || genesis === undefined) {
      throw unreadable("chain", "its metadata is incomplete");
    }
    if (!equalBytes(genesis, own)) {
      throw unreadable("chain", `its genesis has hash ${genesis.toHex()}, this node's has ${own.toHex()}`);
    }
    const height = new ByteReader(heightBytes).u64();
    if ((highest ?? 0n) !== height) {
      throw unreadable("chain", `its metadata ends at block ${height}, its blocks at ${highest ?? 0n}`);
    }
    let block: Block = GENESIS;
    if (height > 0n) {
      const bytes = await this.#blocks.get(blockKey(height));
      if (bytes === undefined) throw unreadable("chain", `its last block ${height} is missing`);
      block = readStored(`block ${height}`, () => decodeBlock(bytes));
    }
    const tip = tipOf(block);
    if (!equalBytes(tip.hash, hash)) {
      throw unreadable("chain", `block ${height} has hash ${tip.hash.toHex()}, recorded is ${hash.toHex()}`);
    }
    this.#tip = tip;
  }
}

function meta(key: Uint8Array, value: Uint8Array): Operation {
  return { kind: "put", family: CHAIN_FAMILY.metadata, key, value };
}

function readMessage(bytes: Uint8Array): StoredMessage {
  const reader = new ByteReader(bytes);
  const [height, index] = [reader.u64(), reader.u32()];
  return { message: readStored("message", () => decodeMessage(reader.raw(reader.rest))), height, index };
}

function readPending(bytes: Uint8Array): PendingMessage {
  const reader = new ByteReader(bytes);
  const [receivedMs, order] = [Number(reader.u64()), Number(reader.u64())];
  const message = readStored("pending message", () => decodeMessage(reader.raw(reader.rest)));
  return { message, receivedMs, order };
}

function readStored<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof KimuraFault)) throw thrown;
    throw unreadable(what, thrown.message, thrown);
  }
}

function unreadable(what: string, why: string, cause?: unknown): CairnError {
  return new CairnError("STORE_READ_FAILED", `Cannot read stored ${what}: ${why}`, {
    hint: "restore the data directory from a copy, or move it away and let the node catch up from its peers",
    ...(cause === undefined ? {} : { cause }),
  });
}
