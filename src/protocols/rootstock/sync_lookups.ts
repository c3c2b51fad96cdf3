/**
 * Questions to the stored canonical chain; what lies near the tip is answered from memory.
 *
 * Layer: protocols/rootstock.
 *
 * @module
 */

import type { SyncChain } from "./sync_chain.ts";
import type { SyncContext } from "./sync_context.ts";
import type { ChainPosition } from "./sync_events.ts";

/** See the module's note. */
export class SyncLookups {
  readonly #context: SyncContext;
  readonly #chain: SyncChain;
  readonly #waiting = new Map<number, (block: ChainPosition | undefined) => void>();

  constructor(context: SyncContext, chain: SyncChain) {
    this.#context = context;
    this.#chain = chain;
  }

  /** Gives `done` the canonical block of that height, at once or later. */
  ask(number: number, done: (block: ChainPosition | undefined) => void): void {
    const { base } = this.#chain;
    const block = number === base.number ? base : this.#chain.canonicalAt(number);
    if (block !== undefined || number > this.#chain.tip.number) return done(block);
    const ticket = this.#context.ticket();
    this.#waiting.set(ticket, done);
    this.#context.emit({ type: "lookup", ticket, number });
  }

  answered(ticket: number, block: ChainPosition | undefined): void {
    const done = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    done?.(block);
  }
}
