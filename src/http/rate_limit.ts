/**
 * Token buckets, one an address, in a bounded map.
 *
 * Layer: http. Pure: time comes in.
 *
 * @module
 */

/** Options of {@link RateLimit}. */
export interface RateLimitOptions {
  /** Tokens that an address gets back in a second; 0 sets no limit. */
  readonly perSecond: number;
  /** Tokens that an address may have. */
  readonly burst: number;
  /** Addresses remembered. The one not heard of for longest is forgotten, which fills its bucket. */
  readonly addresses: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Limits what addresses may take. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  /** The one used last comes last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes tokens, or none.
   *
   * @param count At most `burst`; more are never granted.
   * @returns 0 if they were taken, else the seconds after which they would be there.
   */
  take(address: string, count: number, nowMs: number): number {
    const { perSecond, burst, addresses } = this.#options;
    if (perSecond === 0) return 0;
    const key = networkOf(address);
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    this.#buckets.delete(key);
    if (this.#buckets.size >= addresses) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    this.#buckets.set(key, bucket);
    const gainedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(burst, bucket.tokens + gainedMs * perSecond / 1_000);
    bucket.atMs = nowMs;
    if (bucket.tokens < count) return (count - bucket.tokens) / perSecond;
    bucket.tokens -= count;
    return 0;
  }
}

/** An IPv4 address itself; of an IPv6 address the /64, because whoever has one has all of it. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + after.length < 8) groups.push("0");
  return [...groups, ...after].slice(0, 4).join(":");
}
