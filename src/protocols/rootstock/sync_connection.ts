/**
 * Where our chain and a peer's part: rskj's binary search over heights.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 5.2.
 *
 * @module
 */

/**
 * Finds the highest height up to which two chains are one. Ask for the block at {@link ConnectionSearch.height}, say
 * with {@link ConnectionSearch.answer} whether it is ours, until {@link ConnectionSearch.result} is there.
 *
 * The stop test runs before the first question, not after its answer as in rskj: on a fresh chain rskj asks for height
 * 0, which no peer answers.
 *
 * @example A chain shared up to 2, of a peer at 4
 * ```ts
 * import { ConnectionSearch } from "./sync_connection.ts";
 *
 * const search = new ConnectionSearch(0, 4);
 * while (search.result === undefined) search.answer(search.height <= 2);
 * if (search.result !== 2) throw new Error("expected 2");
 * ```
 */
export class ConnectionSearch {
  #start: number;
  #end: number;

  /**
   * @param start Lowest height known to be shared: genesis, or a checkpoint.
   * @param end Height at which the chains are known or believed to differ.
   */
  constructor(start: number, end: number) {
    this.#start = start;
    this.#end = end;
  }

  /** Next height to ask for; of no meaning once there is a result. */
  get height(): number {
    return this.#start + Math.floor((this.#end - this.#start) / 2);
  }

  /** Height of the last shared block, once found. */
  get result(): number | undefined {
    return this.#end - this.#start <= 1 ? this.#start : undefined;
  }

  /** Whether the peer's block at {@link ConnectionSearch.height} is ours. */
  answer(known: boolean): void {
    if (known) this.#start = this.height;
    else this.#end = this.height;
  }
}
