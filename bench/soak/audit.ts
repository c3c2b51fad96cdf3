/**
 * Holds the node to what it acknowledged: every block is there, with the bytes that were sent.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";
import { type BlockShape, type ChainStateJson, ChainWindow } from "./chain.ts";

/** Calls at a time. */
const CALLS = 4;
/** A state of the chain is kept every so many blocks, for publishers that start. */
const STATE_EVERY = 50;

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** What was sent, by number, and what came of comparing. */
export class Audit {
  readonly #chain: ChainWindow;
  readonly #digests: string[] = [];
  readonly #states: ChainStateJson[];
  readonly #violate: (what: string) => void;
  readonly #isOver: () => boolean;
  #compared = 0;
  #blockBytes = 0;

  /** @param isOver Whether the node is being killed: a call that fails then is no violation. */
  constructor(shape: BlockShape, violate: (what: string) => void, isOver: () => boolean) {
    this.#chain = new ChainWindow(shape, 1);
    this.#states = [this.#chain.state()];
    this.#violate = violate;
    this.#isOver = isOver;
  }

  /** Blocks compared so far, each as often as it was. */
  get compared(): number {
    return this.#compared;
  }

  /** Size of a block, in bytes. */
  get blockBytes(): number {
    return this.#blockBytes;
  }

  /** SHA-256 of the block as it was sent. */
  digest(number: number): string {
    while (this.#digests.length <= number) {
      const next = this.#digests.length;
      const block = this.#chain.block(BigInt(next))!;
      this.#blockBytes = block.length;
      this.#digests.push(sha256(block));
      if ((next + 1) % STATE_EVERY === 0) this.#states.push(this.#chain.state());
    }
    return this.#digests[number]!;
  }

  /** A state at or a little below `number`. */
  stateBelow(number: number): ChainStateJson {
    if (number > 0) this.digest(number - 1);
    return this.#states[Math.floor(number / STATE_EVERY)]!;
  }

  /** Compares these blocks; gives up where the node was killed meanwhile. */
  async compare(address: string, numbers: Iterable<number>): Promise<void> {
    using client = new BlockNodeClient(address);
    const { signal } = new AbortController();
    const iterator = numbers[Symbol.iterator]();
    let isCut = false;
    await Promise.all(Array.from({ length: CALLS }, async () => {
      for (let next = iterator.next(); !next.done && !isCut; next = iterator.next()) {
        const number = next.value;
        try {
          const block = await client.block({ kind: "number", number: BigInt(number) }, signal);
          this.#compared++;
          if (sha256(block) !== this.digest(number)) {
            this.#violate(`block ${number} is served with other bytes than were sent`);
          }
        } catch (error) {
          isCut = true;
          if (!this.#isOver()) {
            this.#violate(`block ${number} was acknowledged and is not served: ${(error as Error).message}`);
          }
        }
      }
    }));
  }
}

/** `first`, …, `last`. */
export function* range(first: number, last: number): Generator<number> {
  for (let number = first; number <= last; number++) yield number;
}
