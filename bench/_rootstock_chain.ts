/**
 * Headers of mainnet's size that link, made in microseconds, for benchmarks of what stores and shows them.
 *
 * What changes from header to header is random, so it compresses no better than real ones; hashes are random, too.
 *
 * @module
 */

import { RlpIndex } from "../src/hot/rlp.ts";
import { MADE_DIFFICULTY, makeHeaders } from "../src/services/rootstock/_made_headers.ts";
import type { ChainHeader } from "../src/services/rootstock/chain_records.ts";

/** Numbers of a header on mainnet today take three bytes; the first made header has one that long. */
const FIRST_NUMBER = 2_392_701;
const RANDOM_BYTES = 65_536;
/** Coinbase, three roots, bitcoin header, proof, bitcoin coinbase. */
const RANDOM_SLOTS = [2, 3, 4, 5, 17, 18, 19];

/** Makes segments of one growing chain. */
export class FastChain {
  readonly #template: Uint8Array;
  /** Where the parent's hash is; the slots with random content, as offset and length. */
  readonly #parentAt: number;
  readonly #slots: readonly (readonly [offset: number, bytes: number])[];
  readonly #random = new Uint8Array(RANDOM_BYTES);
  #used = RANDOM_BYTES;
  #last: ChainHeader;

  /** The header that everything follows. */
  readonly first: ChainHeader;

  constructor() {
    const [first] = makeHeaders({ count: 1 });
    this.first = {
      ...first!,
      number: FIRST_NUMBER,
      totalDifficulty: { kind: "at-least", atLeast: 1n << 95n },
    };
    this.#last = this.first;
    const [template] = makeHeaders({ count: 1, parent: this.first });
    this.#template = template!.header;
    const fields = RlpIndex.of(this.#template);
    this.#parentAt = fields.offset(0);
    this.#slots = RANDOM_SLOTS.map((slot) => [fields.offset(slot), fields.length(slot)]);
  }

  /** The next headers. */
  take(count: number): ChainHeader[] {
    return Array.from({ length: count }, () => this.#next());
  }

  #next(): ChainHeader {
    const header = this.#template.slice();
    header.set(this.#last.hash, this.#parentAt);
    for (const [offset, bytes] of this.#slots) header.set(this.#take(bytes), offset);
    const before = this.#last.totalDifficulty;
    const atLeast = (before?.kind === "at-least" ? before.atLeast : 0n) + MADE_DIFFICULTY;
    this.#last = {
      number: this.#last.number + 1,
      hash: this.#take(32).slice(),
      header,
      totalDifficulty: { kind: "at-least", atLeast },
    };
    return this.#last;
  }

  #take(bytes: number): Uint8Array {
    if (this.#used + bytes > RANDOM_BYTES) {
      crypto.getRandomValues(this.#random);
      this.#used = 0;
    }
    this.#used += bytes;
    return this.#random.subarray(this.#used - bytes, this.#used);
  }
}
