/**
 * Messages that came by gossip and wait for the block that names them.
 *
 * Layer: protocols. An id does not commit to the content, so the first one with an id stays: a block whose root says
 * otherwise makes the peer fetch the block with its messages.
 *
 * @module
 */

import { equalBytes } from "./bytes.ts";
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

  /** The one held that is the same in every field, whose signature was checked when it came; else `message` itself. */
  known(message: Message): Message {
    const held = this.get(message.id);
    return held !== undefined && isSame(held, message) ? held : message;
  }

  delete(id: Uint8Array): void {
    const key = id.toHex();
    const message = this.#messages.get(key);
    if (message === undefined) return;
    this.#length -= lengthOf(message);
    this.#messages.delete(key);
  }
}

/** Sender and nonce are in the id, which is computed. */
function isSame(a: Message, b: Message): boolean {
  if (!equalBytes(a.id, b.id) || a.timestamp !== b.timestamp || a.content !== b.content) return false;
  if (a.signature === undefined || b.signature === undefined) return a.signature === b.signature;
  return a.sender === b.sender && equalBytes(a.signature, b.signature);
}

function lengthOf({ sender, content }: Message): number {
  return sender.length + content.length;
}
