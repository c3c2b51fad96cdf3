/**
 * Moving and reading bytes, the same with and without SIMD.
 *
 * Layer: wasm.
 */

/** Copies 16 bytes. */
export function copy16(to: usize, from: usize): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(to, v128.load(from));
  } else {
    const low = load<u64>(from);
    const high = load<u64>(from, 8);
    store<u64>(to, low);
    store<u64>(to, high, 8);
  }
}

/**
 * Copies `bytes` bytes and zeroes up to `size`, a multiple of 8 and at least one word. Everything is stored in words: a
 * wide load of what was stored in bytes would wait for the stores.
 */
export function copyPadded(to: usize, from: usize, bytes: u32, size: u32): void {
  let at: u32 = 0;
  for (; at + 8 <= bytes; at += 8) store<u64>(to + at, load<u64>(from + at));
  if (at == size) return;
  store<u64>(to + at, tailWord(from + at, bytes - at));
  for (at += 8; at < size; at += 8) store<u64>(to + at, 0);
}

/** The `bytes` bytes (< 8) at `address` as the low bytes of a word; none beyond them is read. */
export function tailWord(address: usize, bytes: u32): u64 {
  let word: u64 = 0;
  for (; bytes != 0; bytes--) word = (word << 8) | <u64> load<u8>(address + bytes - 1);
  return word;
}
