/**
 * Bytes that come in pieces, or go out of them. Memory follows what has come, never what was announced.
 *
 * Layer: protocols/rootstock. Imports nothing.
 *
 * @module
 */

const FIRST_BYTES = 1_024;

/** An array that doubles as it grows. */
export class GrowingBytes {
  #bytes = new Uint8Array(0);
  #length = 0;

  /** Bytes that have come. */
  get length(): number {
    return this.#length;
  }

  /** Copies `part` behind what has come. */
  append(part: Uint8Array): void {
    const length = this.#length + part.length;
    if (length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(FIRST_BYTES, 2 * this.#bytes.length, length));
      bytes.set(this.view());
      this.#bytes = bytes;
    }
    this.#bytes.set(part, this.#length);
    this.#length = length;
  }

  /** What has come; good until the next call of another method. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What has come, given away: this object begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.view();
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return bytes;
  }

  /** Forgets what has come and keeps the memory. */
  clear(): void {
    this.#length = 0;
  }
}

/** The parts one after the other, in one array. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
