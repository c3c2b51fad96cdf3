/**
 * Live blocks, from their header until they are stored and sent: one copy for all subscribers.
 *
 * Layer: protocols. Imports subscribe_messages. Source: spec/block-node.md §4.3, §4.4.
 *
 * Every subscriber has a place in here instead of a queue of its own, so a slow one costs no memory. What does not
 * fit is let go of: it can be read from the store as soon as it is there.
 *
 * @module
 */

import type { ItemSet } from "./publish_messages.ts";
import { encodeSubscribeResponse, splitTrailingProof } from "./subscribe_messages.ts";

/** One message of a live block. */
export interface LiveSet {
  /** The serialized response. */
  readonly message: Uint8Array;
  /** Bytes of the block that it carries. */
  readonly recordBytes: number;
}

/** A block whose header was seen. */
export interface LiveBlock {
  readonly number: bigint;
  /** In the publisher's boundaries; `undefined` once there was no room for them. */
  sets: LiveSet[] | undefined;
  /** All sets were seen. */
  complete: boolean;
  heldBytes: number;
}

/** The live blocks, in order of their headers. */
export class LiveFeed {
  readonly #blocks = new Map<bigint, LiveBlock>();
  readonly #limitBytes: number;
  readonly #setOverheadBytes: number;
  #bytes = 0;

  constructor(limitBytes: number, setOverheadBytes: number) {
    this.#limitBytes = limitBytes;
    this.#setOverheadBytes = setOverheadBytes;
  }

  /** Bytes held, with the overhead of each set. */
  get bytes(): number {
    return this.#bytes;
  }

  get(number: bigint): LiveBlock | undefined {
    return this.#blocks.get(number);
  }

  /** Adds a set; one that opens with a header begins its block, anew if it is there. Others need a begun block. */
  add(number: bigint, set: ItemSet, persisted: bigint): void {
    if (set.opening.kind === "header") {
      this.remove(number);
      this.#blocks.set(number, { number, sets: [], complete: false, heldBytes: 0 });
    }
    const block = this.#blocks.get(number);
    if (block?.sets === undefined) return;
    const pieces = set.endsWithProof ? splitTrailingProof(set.records) : [set.records];
    for (const records of pieces) {
      const message = encodeSubscribeResponse({ kind: "items", records });
      block.sets.push({ message, recordBytes: records.length });
      block.heldBytes += message.length + this.#setOverheadBytes;
      this.#bytes += message.length + this.#setOverheadBytes;
    }
    this.#makeRoom(block, persisted);
  }

  /** Stored blocks go first, they can be read; then the one that is too much. */
  #makeRoom(newest: LiveBlock, persisted: bigint): void {
    for (const block of this.#blocks.values()) {
      if (this.#bytes <= this.#limitBytes) return;
      if (block.number <= persisted) this.#letGo(block);
    }
    if (this.#bytes > this.#limitBytes) this.#letGo(newest);
  }

  #letGo(block: LiveBlock): void {
    this.#bytes -= block.heldBytes;
    block.heldBytes = 0;
    block.sets = undefined;
  }

  complete(number: bigint): void {
    const block = this.#blocks.get(number);
    if (block !== undefined) block.complete = true;
  }

  remove(number: bigint): void {
    const block = this.#blocks.get(number);
    if (block === undefined) return;
    this.#letGo(block);
    this.#blocks.delete(number);
  }

  /** Forgets the stored blocks that nobody is at. */
  prune(persisted: bigint, isWanted: (number: bigint) => boolean): void {
    for (const number of this.#blocks.keys()) {
      if (number <= persisted && !isWanted(number)) this.remove(number);
    }
  }

  clear(): void {
    this.#blocks.clear();
    this.#bytes = 0;
  }
}
