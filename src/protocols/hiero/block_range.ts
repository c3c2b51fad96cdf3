/**
 * Reads a closed range of blocks as a peer sends it: only the blocks asked for, whole, in order and within bounds.
 *
 * Layer: protocols. Imports fault, publish_messages and wire. Source: spec/block-node.md §1.4, §4.3.
 *
 * @module
 */

import { HieroFault } from "./fault.ts";
import { type ItemSet, parseItemSet } from "./publish_messages.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";

/** SubscribeStreamResponse.Code by number. */
const STATUS_NAMES = [
  "UNKNOWN",
  "SUCCESS",
  "INVALID_REQUEST",
  "ERROR",
  "INVALID_START_BLOCK_NUMBER",
  "INVALID_END_BLOCK_NUMBER",
  "NOT_AVAILABLE",
] as const;

/** What is wrong with a peer's answer. `status`: the peer itself says that it cannot. */
export type BlockRangeProblem = "malformed" | "wrong-block" | "too-large" | "status" | "incomplete";

/** A peer's answer is not the range it was asked for. */
export class BlockRangeError extends Error {
  override readonly name = "BlockRangeError";
  readonly problem: BlockRangeProblem;

  constructor(problem: BlockRangeProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

/** One message of the range. */
export type BlockRangePart =
  /** Items of a block; `opens` with the header. */
  | { readonly kind: "items"; readonly number: bigint; readonly opens: boolean; readonly set: ItemSet }
  | { readonly kind: "end-of-block"; readonly number: bigint };

/** Options of {@link BlockRangeReader}. */
export interface BlockRangeOptions {
  readonly first: bigint;
  /** Included. */
  readonly last: bigint;
  readonly maxBlockBytes: number;
}

/** Reads message after message of one subscribeBlockStream call. */
export class BlockRangeReader {
  readonly #options: BlockRangeOptions;
  #next: bigint;
  /** Of the block in progress; undefined between blocks. */
  #bytes: number | undefined;

  constructor(options: BlockRangeOptions) {
    this.#options = options;
    this.#next = options.first;
  }

  /** Whether every block has come: whatever follows is of no interest. */
  get complete(): boolean {
    return this.#next > this.#options.last;
  }

  /** The block in progress, or the next one. */
  get next(): bigint {
    return this.#next;
  }

  /**
   * Reads a SubscribeStreamResponse. Records are views on `bytes`.
   *
   * @throws {BlockRangeError} If it does not continue the range.
   */
  read(bytes: Uint8Array): BlockRangePart {
    try {
      return this.#read(bytes);
    } catch (thrown) {
      if (!(thrown instanceof HieroFault)) throw thrown;
      throw new BlockRangeError("malformed", thrown.message);
    }
  }

  /**
   * Says that the call has ended.
   *
   * @throws {BlockRangeError} `incomplete` if blocks are missing.
   */
  end(): void {
    if (!this.complete) {
      throw new BlockRangeError("incomplete", `Cannot read block ${this.#next}: the stream ended before it`);
    }
  }

  #read(bytes: Uint8Array): BlockRangePart {
    const reader = new WireReader(bytes);
    // Last member of a oneof wins.
    let part: (() => BlockRangePart) | undefined;
    while (reader.nextTag()) {
      if (reader.is(1, WIRE_TYPE.VARINT)) {
        const status = reader.int32();
        part = () => this.#status(status);
      } else if ((reader.field === 2 || reader.field === 3) && reader.wireType === WIRE_TYPE.BYTES) {
        const isItems = reader.field === 2;
        const length = reader.length();
        const start = reader.pos;
        const end = reader.pos += length;
        part = () => isItems ? this.#items(bytes, start, end) : this.#endOfBlock(bytes, start, end);
      } else reader.skip();
    }
    if (part === undefined) throw new BlockRangeError("malformed", "Cannot read answer: it is empty");
    return part();
  }

  #status(status: number): never {
    const name = STATUS_NAMES[status] ?? "UNKNOWN";
    throw new BlockRangeError("status", `Cannot read block ${this.#next}: the peer answers ${name}`);
  }

  #items(bytes: Uint8Array, start: number, end: number): BlockRangePart {
    const set = parseItemSet(bytes, start, end);
    const number = this.#next;
    const opens = this.#bytes === undefined;
    if (set.itemCount === 0) {
      throw new BlockRangeError("malformed", `Cannot read block ${number}: a set is empty`);
    }
    if (set.opening.kind === "bad-header") throw new BlockRangeError("malformed", set.opening.message);
    const named = set.opening.kind === "header" ? set.opening.number : undefined;
    if (named !== (opens ? number : undefined)) {
      const found = named === undefined ? "a set without a header" : `the header of block ${named}`;
      throw new BlockRangeError("wrong-block", `Cannot read block ${number}: ${found} came`);
    }
    this.#bytes = (this.#bytes ?? 0) + set.records.length;
    if (this.#bytes > this.#options.maxBlockBytes) {
      const { maxBlockBytes } = this.#options;
      throw new BlockRangeError(
        "too-large",
        `Cannot read block ${number}: it is larger than ${maxBlockBytes} bytes`,
      );
    }
    return { kind: "items", number, opens, set };
  }

  #endOfBlock(bytes: Uint8Array, start: number, end: number): BlockRangePart {
    const reader = new WireReader(bytes, start, end);
    let named = 0n;
    while (reader.nextTag()) {
      if (reader.is(1, WIRE_TYPE.VARINT)) named = reader.uint64();
      else reader.skip();
    }
    const number = this.#next;
    if (named !== number || this.#bytes === undefined) {
      throw new BlockRangeError("wrong-block", `Cannot read block ${number}: the end of block ${named} came`);
    }
    this.#bytes = undefined;
    this.#next++;
    return { kind: "end-of-block", number };
  }
}
