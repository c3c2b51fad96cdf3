/**
 * The one chain of a soak: every process makes the same blocks for itself.
 *
 * @module
 */

import { ChainGenerator, type ChainState } from "../../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../../src/protocols/hiero/native_sha384.ts";

/** Size of the blocks. */
export interface BlockShape {
  readonly items: number;
  readonly itemBytes: number;
}

/** A {@link ChainState} as JSON. */
export interface ChainStateJson {
  readonly number: number;
  readonly previous: string;
  readonly count: number;
  readonly roots: string;
  readonly random: number;
}

/** To hand to another process. */
export function stateToJson({ number, previous, roots, random }: ChainState): ChainStateJson {
  return {
    number: Number(number),
    previous: previous.toHex(),
    count: roots.count,
    roots: roots.roots.toHex(),
    random,
  };
}

function jsonToState({ number, previous, count, roots, random }: ChainStateJson): ChainState {
  return {
    number: BigInt(number),
    previous: Uint8Array.fromHex(previous),
    roots: { count, roots: Uint8Array.fromHex(roots) },
    random,
  };
}

/** A generator that remembers its newest blocks. */
export class ChainWindow {
  readonly #generator: ChainGenerator;
  readonly #kept = new Map<bigint, Uint8Array>();
  readonly #most: number;

  /** @param most Blocks remembered. */
  constructor({ items, itemBytes }: BlockShape, most: number, from?: ChainStateJson) {
    const options = { sha384: nativeSha384, items, itemBytes, template: true };
    this.#generator = new ChainGenerator(
      from === undefined ? options : { ...options, from: jsonToState(from) },
    );
    this.#most = most;
  }

  /** Where it stands, past every block it was asked for. */
  state(): ChainStateJson {
    return stateToJson(this.#generator.state());
  }

  /** Block `number`; undefined if it is older than what is remembered. */
  block(number: bigint): Uint8Array | undefined {
    while (this.#generator.nextNumber <= number) {
      const block = this.#generator.next();
      this.#kept.set(block.number, block.bytes);
      if (this.#kept.size > this.#most) this.#kept.delete(this.#kept.keys().next().value!);
    }
    return this.#kept.get(number);
  }
}
