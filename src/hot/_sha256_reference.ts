/**
 * SHA-256's compression function by the letter of the standard, because no library shows its chaining words.
 *
 * Layer: hot, tests only. Source: FIPS 180-4 section 6.2.2.
 *
 * @module
 */

const PRIMES: readonly number[] = Array.from({ length: 312 }, (_, n) => n)
  .filter((n) => n > 1 && !Array.from({ length: n }, (_, d) => d).some((d) => d > 1 && n % d === 0));
const CONSTANTS = PRIMES.map((prime) => (Math.cbrt(prime) % 1 * 2 ** 32) | 0);
const INITIAL = PRIMES.slice(0, 8).map((prime) => (Math.sqrt(prime) % 1 * 2 ** 32) | 0);
const rotate = (x: number, bits: number) => (x >>> bits) | (x << (32 - bits));

/** Chaining words, 32 bytes big-endian, after whole blocks; from the beginning, or from where others left off. */
export function midstate(blocks: Uint8Array, from?: Uint8Array): Uint8Array {
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset);
  const words = from === undefined
    ? [...INITIAL]
    : Array.from({ length: 8 }, (_, i) => view(from).getInt32(4 * i));
  for (let at = 0; at < blocks.length; at += 64) {
    const w = Array.from({ length: 16 }, (_, i) => view(blocks).getInt32(at + 4 * i));
    for (let i = 16; i < 64; i++) {
      const [x, y] = [w[i - 15]!, w[i - 2]!];
      const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
      w.push((w[i - 16]! + s0 + w[i - 7]! + (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10))) | 0);
    }
    let [a, b, c, d, e, f, g, h] = words as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + CONSTANTS[i]! + w[i]!) | 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) words[i] = (words[i]! + value) | 0;
  }
  const out = new Uint8Array(32);
  for (const [i, word] of words.entries()) view(out).setInt32(4 * i, word);
  return out;
}

/** SHA-256 of `tail` behind `count` bytes that are in the chaining words already. */
export function resume(state: Uint8Array, count: bigint, tail: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((tail.length + 9) / 64) * 64);
  padded.set(tail);
  padded[tail.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, 8n * (count + BigInt(tail.length)));
  return midstate(padded, state);
}
