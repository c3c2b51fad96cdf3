/**
 * Unsigned numbers of up to 288 bits: nine u32, the least significant first.
 *
 * Layer: wasm. Difficulties have at most 256 bits; one more limb takes sums and doubled remainders.
 */

export const LIMBS: usize = 9;
/** Nine limbs, and room to keep the next number aligned. */
export const NUMBER_BYTES: usize = 40;

/** Reads a big-endian number of at most 36 bytes. */
export function readNumber(to: usize, address: usize, bytes: u32): void {
  for (let i: usize = 0; i < NUMBER_BYTES; i += 8) store<u64>(to + i, 0);
  let left = bytes;
  let limb = to;
  for (; left >= 4; left -= 4, limb += 4) store<u32>(limb, bswap<u32>(load<u32>(address + left - 4)));
  let top: u32 = 0;
  for (let i: u32 = 0; i < left; i++) top = (top << 8) | <u32> load<u8>(address + i);
  if (left != 0) store<u32>(limb, top);
}

/** Writes the low 256 bits as 32 bytes, big-endian. */
export function writeNumber(out: usize, from: usize): void {
  for (let i: usize = 0; i < 32; i += 4) store<u32>(out + 28 - i, bswap<u32>(load<u32>(from + i)));
}

/** Sign of x - y. */
export function compare(x: usize, y: usize): i32 {
  for (let i: usize = 4 * LIMBS; i > 0; i -= 4) {
    const a = load<u32>(x + i - 4);
    const b = load<u32>(y + i - 4);
    if (a != b) return a < b ? -1 : 1;
  }
  return 0;
}

/** x += y */
export function add(x: usize, y: usize): void {
  let carry: u64 = 0;
  for (let i: usize = 0; i < 4 * LIMBS; i += 4) {
    carry += <u64> load<u32>(x + i) + <u64> load<u32>(y + i);
    store<u32>(x + i, <u32> carry);
    carry >>= 32;
  }
}

/** x -= y, for y <= x */
export function subtract(x: usize, y: usize): void {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 4 * LIMBS; i += 4) {
    borrow += <i64> load<u32>(x + i) - <i64> load<u32>(y + i);
    store<u32>(x + i, <u32> borrow);
    borrow >>= 32;
  }
}

/** to = floor(x / divisor) */
export function divide(to: usize, x: usize, divisor: u32): void {
  let rest: u64 = 0;
  for (let i: usize = 4 * LIMBS; i > 0; i -= 4) {
    rest = (rest << 32) | <u64> load<u32>(x + i - 4);
    store<u32>(to + i - 4, <u32> (rest / <u64> divisor));
    rest %= <u64> divisor;
  }
}

/** Whether bits beyond 256 are set. */
export function exceeds256(x: usize): bool {
  return load<u32>(x + 32) != 0;
}
