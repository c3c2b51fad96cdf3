/**
 * Reads stored blocks for many subscribers: each block once for those who want it at the same time, few at a time,
 * and never more in memory than stated.
 *
 * Layer: services. A subscriber that waits for its transport holds nothing here: it asks again.
 *
 * @module
 */

/** What a subscriber gets of a stored block. */
export type HistoryBlock = Uint8Array | "missing" | "unreadable";

/** Options of {@link HistoryReader}. */
export interface HistoryReaderOptions {
  /** Reads one block; `undefined` if it is not there. */
  readonly read: (number: bigint) => Promise<Uint8Array | undefined>;
  /** Most bytes kept for those who come next. */
  readonly cacheBytes: number;
  /** Most reads at a time: beyond the cache, this many blocks may be in memory. */
  readonly maxReads: number;
  /** Told why a block could not be read. */
  readonly onError: (number: bigint, error: unknown) => void;
}

/** A cache of stored blocks with few reads at a time. */
export class HistoryReader {
  readonly #options: HistoryReaderOptions;
  /** Least recently used first. */
  readonly #cache = new Map<bigint, Uint8Array>();
  readonly #pending = new Map<bigint, Promise<HistoryBlock>>();
  readonly #waiting: (() => void)[] = [];
  #cacheBytes = 0;
  #reads = 0;

  constructor(options: HistoryReaderOptions) {
    this.#options = options;
  }

  /** Bytes of blocks kept. */
  get cachedBytes(): number {
    return this.#cacheBytes;
  }

  /** The block if it is in memory. */
  cached(number: bigint): Uint8Array | undefined {
    const block = this.#cache.get(number);
    if (block === undefined) return undefined;
    this.#cache.delete(number);
    this.#cache.set(number, block);
    return block;
  }

  /** Reads a block; never rejects. */
  read(number: bigint): Promise<HistoryBlock> {
    let reading = this.#pending.get(number);
    if (reading === undefined) {
      reading = this.#read(number).finally(() => this.#pending.delete(number));
      this.#pending.set(number, reading);
    }
    return reading;
  }

  /** Forgets what is kept. */
  clear(): void {
    this.#cache.clear();
    this.#cacheBytes = 0;
  }

  async #read(number: bigint): Promise<HistoryBlock> {
    if (this.#reads >= this.#options.maxReads) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#reads++;
    try {
      const block = await this.#options.read(number);
      if (block === undefined) return "missing";
      this.#keep(number, block);
      return block;
    } catch (error) {
      this.#options.onError(number, error);
      return "unreadable";
    } finally {
      const next = this.#waiting.shift();
      // The next one takes this one's place.
      if (next === undefined) this.#reads--;
      else next();
    }
  }

  #keep(number: bigint, block: Uint8Array): void {
    if (block.length > this.#options.cacheBytes) return;
    this.#cache.set(number, block);
    this.#cacheBytes += block.length;
    for (const [oldest, { length }] of this.#cache) {
      if (this.#cacheBytes <= this.#options.cacheBytes) return;
      this.#cache.delete(oldest);
      this.#cacheBytes -= length;
    }
  }
}
