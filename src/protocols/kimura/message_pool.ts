/**
 * Messages that came by gossip and wait for the block that names them.
 *
 * Layer: protocols. An id does not commit to the content, so the first one with an id stays: a block whose root says
 * otherwise makes the peer fetch the block with its messages.
 *
 * @module
 */

import type { Message } from "./message.ts";

/** Bounds of a pool; beyond them the oldest messages go. */
export interface PoolLimits {
  readonly maxMessages: number;
  /** Of sender and content, in UTF-16 units. */
  readonly maxLength: number;
}

/** A bounded map in order of arrival. */
export class MessagePool {
  readonly #limits: PoolLimits;
  readonly #messages = new Map<string, Message>();
  #length = 0;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /** Messages held. */
  get size(): number {
    return this.#messages.size;
  }

  /** @returns `false` if one with this id is there. */
  add(message: Message): boolean {
    const id = message.id.toHex();
    if (this.#messages.has(id)) return false;
    this.#messages.set(id, message);
    this.#length += lengthOf(message);
    const { maxMessages, maxLength } = this.#limits;
    for (const [oldest, { id: bytes }] of this.#messages) {
      if (this.#messages.size <= maxMessages && this.#length <= maxLength) break;
      if (oldest === id) break;
      this.delete(bytes);
    }
    return true;
  }

  get(id: Uint8Array): Message | undefined {
    return this.#messages.get(id.toHex());
  }

  delete(id: Uint8Array): void {
    const key = id.toHex();
    const message = this.#messages.get(key);
    if (message === undefined) return;
    this.#length -= lengthOf(message);
    this.#messages.delete(key);
  }
}

function lengthOf({ sender, content }: Message): number {
  return sender.length + content.length;
}
