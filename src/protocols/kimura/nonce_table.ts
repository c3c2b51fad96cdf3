/**
 * Last nonces of senders whose messages are on their way into the chain.
 *
 * Layer: protocols. The chain's own nonces are on disk and read by the driver before each submission; between that read
 * and the submission blocks may be written. So a nonce stays here until two more blocks are, and a submission whose read
 * is older than that is refused. Memory is bounded by what is pending and the last two blocks.
 *
 * @module
 */

/** Blocks for which nonces are remembered after they were written. */
const RETAINED_BLOCKS = 2n;

/** Nonces above those on disk. */
export class NonceTable {
  readonly #last = new Map<string, { nonce: bigint; storedAt: bigint | undefined }>();
  readonly #stored: { readonly height: bigint; readonly senders: readonly string[] }[] = [];
  #height: bigint;

  /** @param height Height of the chain. */
  constructor(height: bigint) {
    this.#height = height;
  }

  /** Whether a nonce that was read at `height` still says everything, together with this table. */
  isCurrent(height: bigint): boolean {
    return height + RETAINED_BLOCKS >= this.#height;
  }

  /** Last nonce of a sender, pending ones included. */
  last(sender: string, stored: bigint | undefined): bigint | undefined {
    const known = this.#last.get(sender)?.nonce;
    if (known === undefined || stored === undefined) return known ?? stored;
    return known > stored ? known : stored;
  }

  /** A message became pending. */
  add(sender: string, nonce: bigint): void {
    this.#last.set(sender, { nonce, storedAt: undefined });
  }

  /** Pending messages from `nonce` on are no more. */
  takeBack(sender: string, nonce: bigint): void {
    if (nonce === 0n) this.#last.delete(sender);
    else {
      this.#last.set(sender, { nonce: nonce - 1n, storedAt: this.#height });
      this.#stored.push({ height: this.#height, senders: [sender] });
    }
  }

  /** A block was written with these last nonces. */
  stored(height: bigint, nonces: ReadonlyMap<string, bigint>): void {
    this.#height = height;
    for (const [sender, nonce] of nonces) {
      const known = this.#last.get(sender);
      if (known === undefined || known.nonce <= nonce) this.#last.set(sender, { nonce, storedAt: height });
    }
    this.#stored.push({ height, senders: [...nonces.keys()] });
    while (this.#stored[0] !== undefined && this.#stored[0].height + RETAINED_BLOCKS <= height) {
      for (const sender of this.#stored.shift()!.senders) {
        const storedAt = this.#last.get(sender)?.storedAt;
        if (storedAt !== undefined && storedAt + RETAINED_BLOCKS <= height) this.#last.delete(sender);
      }
    }
  }

  /** Senders remembered. */
  get size(): number {
    return this.#last.size;
  }
}
