/**
 * Bytes that look random and come from a seed, for generated chains. Not for secrets.
 *
 * Layer: protocols/rootstock. Imports nothing. Source: Chris Doty-Humphrey, sfc32 of PractRand.
 *
 * @module
 */

/** Two generators with one seed give the same bytes. */
export class Prng {
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    this.#state.set([seed, seed / 0x1_0000_0000, 0x9e37_79b9, 1]);
    for (let i = 0; i < 12; i++) this.word();
  }

  /** A number of 32 bits. */
  word(): number {
    const s = this.#state;
    const sum = (s[0]! + s[1]! + s[3]!) >>> 0;
    s[3]!++;
    s[0] = s[1]! ^ (s[1]! >>> 9);
    s[1] = s[2]! + (s[2]! << 3);
    s[2] = ((s[2]! << 21) | (s[2]! >>> 11)) + sum;
    return sum;
  }

  /** A whole number below another, at most 2^32. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** A number from 0 to below 1, as `Math.random` gives. */
  fraction(): number {
    return this.word() / 0x1_0000_0000;
  }

  /** Fills bytes. */
  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += 4) {
      const word = this.word();
      bytes[i] = word;
      bytes[i + 1] = word >>> 8;
      bytes[i + 2] = word >>> 16;
      bytes[i + 3] = word >>> 24;
    }
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  /** Goes on from here with other bytes. */
  fork(seed: number): Prng {
    return new Prng(this.word() * 0x10_0000 + (seed >>> 0) % 0x10_0000);
  }
}
