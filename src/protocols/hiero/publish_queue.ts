/**
 * Blocks between their header and their place on disk: what was received, how far each is, and what comes next.
 *
 * Layer: protocols. Imports types of this room. Source: spec/block-node.md §3.1, §3.2 (Q, S, A).
 *
 * @module
 */

import type { HandlerId, PublishEffect } from "./publish_events.ts";
import type { ItemSet } from "./publish_messages.ts";

/** One block in memory. */
export interface QueuedBlock {
  readonly number: bigint;
  /** Who sends or sent it. */
  readonly handler: HandlerId;
  /** Records of each set. */
  readonly segments: Uint8Array[];
  bytes: number;
  itemCount: number;
  /** A set ended with a proof: nothing more of this block is taken (spec §3.1). */
  hasProof: boolean;
  /** `complete` needs both the proof and BlockEnd. */
  stage: "receiving" | "complete" | "verifying" | "verified" | "persisting";
  attempt: number;
}

/** Smallest of some numbers; undefined if there is none. */
export function lowest(numbers: Iterable<bigint>): bigint | undefined {
  let least: bigint | undefined;
  for (const number of numbers) if (least === undefined || number < least) least = number;
  return least;
}

/** The queue Q with the sets S (to resend) and A (being resent), and the order in which blocks are verified. */
export class PublishQueue {
  /** S: holes that any publisher may fill. */
  readonly resend: Set<bigint> = new Set();
  /** A: blocks out of S that somebody is sending now. */
  readonly resending: Set<bigint> = new Set();
  readonly #blocks = new Map<bigint, QueuedBlock>();
  /** Blocks stored from elsewhere above the next one to verify: stepped over when their turn comes. */
  readonly #storedAhead = new Set<bigint>();
  readonly #setOverheadBytes: number;
  /** Next number to verify; undefined until the first block sets the base of the chain. */
  #next: bigint | undefined;
  #bytes = 0;
  #inFlight = 0;
  #attempts = 0;

  constructor(next: bigint | undefined, setOverheadBytes: number) {
    this.#next = next;
    this.#setOverheadBytes = setOverheadBytes;
  }

  /** Memory of all blocks: their bytes and what holding each set costs. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Blocks in memory. */
  get size(): number {
    return this.#blocks.size;
  }

  /** Blocks handed out for verification and not yet stored. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The block with this number, if it is in memory. */
  get(number: bigint): QueuedBlock | undefined {
    return this.#blocks.get(number);
  }

  /** All blocks in memory. */
  blocks(): Iterable<QueuedBlock> {
    return this.#blocks.values();
  }

  /** Lowest number in memory. */
  lowest(): bigint | undefined {
    return lowest(this.#blocks.keys());
  }

  /** Starts a block, or starts it over. */
  open(number: bigint, handler: HandlerId): QueuedBlock {
    this.drop(number);
    this.#next ??= number;
    const block: QueuedBlock = {
      number,
      handler,
      segments: [],
      bytes: 0,
      itemCount: 0,
      hasProof: false,
      stage: "receiving",
      attempt: 0,
    };
    this.#blocks.set(number, block);
    return block;
  }

  /** Adds a set to a block that is being received. */
  append(block: QueuedBlock, set: ItemSet): void {
    block.segments.push(set.records);
    block.bytes += set.records.length;
    block.itemCount += set.itemCount;
    block.hasProof = set.endsWithProof;
    this.#bytes += this.cost(set);
  }

  /** Memory a set takes. */
  cost(set: ItemSet): number {
    return set.records.length + this.#setOverheadBytes;
  }

  /** Forgets a block. */
  drop(number: bigint): void {
    const block = this.#blocks.get(number);
    if (block === undefined) return;
    this.#blocks.delete(number);
    this.#bytes -= block.bytes + block.segments.length * this.#setOverheadBytes;
    if (isInFlight(block)) this.#inFlight--;
  }

  /** Forgets everything: after a failed write nothing in memory may be stored in its old order. */
  reset(next: bigint): void {
    this.#blocks.clear();
    this.#storedAhead.clear();
    this.resending.clear();
    for (const number of this.resend) if (number >= next) this.resend.delete(number);
    this.#bytes = 0;
    this.#inFlight = 0;
    this.#next = next;
  }

  /** Goes back to a block that failed: what was handed out above it is handed out again later. */
  rewind(number: bigint): void {
    this.#next = number;
    for (const block of this.#blocks.values()) {
      if (block.number > number && isInFlight(block)) {
        block.stage = "complete";
        this.#inFlight--;
      }
    }
  }

  /** Takes note that a block is on disk, whoever brought it. */
  stored(number: bigint, bound: number): void {
    this.drop(number);
    this.resend.delete(number);
    this.resending.delete(number);
    if (this.#next !== undefined && number >= this.#next) {
      if (number > this.#next && this.#hasPendingBelow(number)) {
        // Full: the block is then verified and stored once more when it comes, which does no harm.
        if (this.#storedAhead.size < bound) this.#storedAhead.add(number);
      } else this.#next = number + 1n;
    }
  }

  /** Hands out complete blocks as long as each continues the one before. */
  *takeReady(): Generator<PublishEffect> {
    while (this.#next !== undefined) {
      if (this.#storedAhead.delete(this.#next)) {
        this.#next++;
        continue;
      }
      const block = this.#blocks.get(this.#next);
      if (block === undefined || block.stage !== "complete") return;
      block.stage = "verifying";
      block.attempt = ++this.#attempts;
      this.#inFlight++;
      this.#next++;
      const { number, attempt, segments, bytes, itemCount } = block;
      yield { kind: "verify", number, attempt, segments, bytes, itemCount };
    }
  }

  /** Releases verified blocks for storage in ascending order, however their results came in. */
  *takeVerified(): Generator<PublishEffect> {
    for (;;) {
      let least: QueuedBlock | undefined;
      for (const block of this.#blocks.values()) {
        const isWaiting = block.stage === "verifying" || block.stage === "verified";
        if (isWaiting && (least === undefined || block.number < least.number)) least = block;
      }
      if (least?.stage !== "verified") return;
      least.stage = "persisting";
      yield { kind: "persist", number: least.number, attempt: least.attempt };
    }
  }

  #hasPendingBelow(number: bigint): boolean {
    for (const numbers of [this.#blocks.keys(), this.resend, this.resending]) {
      const least = lowest(numbers);
      if (least !== undefined && least < number) return true;
    }
    return false;
  }
}

function isInFlight(block: QueuedBlock): boolean {
  return block.stage !== "receiving" && block.stage !== "complete";
}
