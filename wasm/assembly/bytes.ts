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
