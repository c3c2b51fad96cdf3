/**
 * Difficulty: the target it stands for, whether a hash meets it, and what the next block's has to be.
 *
 * Layer: wasm. Source: spec/rootstock-consensus.md sections 3.3 and 4.2 (step 4). A hash h meets a difficulty d if
 * h <= floor(2^256 / d), which is h * d <= 2^256: one multiplication and no division.
 */

import {
  DIFFICULTY_RULES_BLOCK_SECONDS,
  DIFFICULTY_RULES_DIVISOR,
  DIFFICULTY_RULES_MINIMUM,
  DIFFICULTY_RULES_RSKIP97,
} from "../layout";
import { numbersAt } from "./auxpow_scratch";
import {
  add,
  compare,
  divide,
  exceeds256,
  LIMBS,
  NUMBER_BYTES,
  readNumber,
  subtract,
  writeNumber,
} from "./limbs";

/** Difficulties below stand for this one. */
const LEAST_DIFFICULTY: u32 = 3;
/** A difficulty of more bytes than this is more than 2^256. */
const NUMBER_BYTES_MAX: u32 = 33;
/** Before RSKIP97 a gap of so many seconds resets the difficulty. */
const RESET_SECONDS: i64 = 600;

/** Leading zero bytes of a number. */
function leadingZeros(address: usize, bytes: u32): u32 {
  let zeros: u32 = 0;
  while (zeros < bytes && load<u8>(address + zeros) == 0) zeros++;
  return zeros;
}

/** Reads a difficulty; `false` if it is too large for any hash but zero to meet it. */
function readDifficulty(to: usize, address: usize, bytes: u32): bool {
  const zeros = leadingZeros(address, bytes);
  if (bytes - zeros > NUMBER_BYTES_MAX) return false;
  readNumber(to, address + zeros, bytes - zeros);
  if (bytes - zeros <= 1 && load<u32>(to) < LEAST_DIFFICULTY) store<u32>(to, LEAST_DIFFICULTY);
  return true;
}

function isZero(hash: usize): bool {
  return (load<u64>(hash) | load<u64>(hash, 8) | load<u64>(hash, 16) | load<u64>(hash, 24)) == 0;
}

/**
 * Whether a bitcoin hash meets a difficulty.
 *
 * @param hash 32 bytes in wire order: a little-endian number.
 * @param difficulty Big-endian, of any length; 2 and less count as 3.
 */
export function meetsDifficulty(hash: usize, difficulty: usize, bytes: u32): bool {
  const factor = numbersAt();
  const product = factor + NUMBER_BYTES;
  if (!readDifficulty(factor, difficulty, bytes)) return isZero(hash);
  // 8 limbs by 9 limbs.
  for (let i: usize = 0; i < 72; i += 8) store<u64>(product + i, 0);
  for (let i: usize = 0; i < 4 * LIMBS; i += 4) {
    const limb = <u64> load<u32>(factor + i);
    if (limb == 0) continue;
    let carry: u64 = 0;
    for (let j: usize = 0; j < 32; j += 4) {
      carry += limb * <u64> load<u32>(hash + j) + <u64> load<u32>(product + i + j);
      store<u32>(product + i + j, <u32> carry);
      carry >>= 32;
    }
    store<u32>(product + i + 32, <u32> carry);
  }
  // At most 2^256: nothing from bit 256 on, or that bit alone.
  let above: u32 = 0;
  for (let i: usize = 36; i < 68; i += 4) above |= load<u32>(product + i);
  if (above != 0) return false;
  const top = load<u32>(product + 32);
  return top == 0 || (top == 1 && isZero(product));
}

/** Writes floor(2^256 / d) as 32 bytes, big-endian: the greatest number that a valid hash may be. */
export function auxpowTarget(difficulty: usize, bytes: u32, out: usize): void {
  const divisor = numbersAt();
  const rest = divisor + NUMBER_BYTES;
  const quotient = rest + NUMBER_BYTES;
  for (let i: usize = 0; i < NUMBER_BYTES; i += 8) {
    store<u64>(rest + i, 0);
    store<u64>(quotient + i, 0);
  }
  if (readDifficulty(divisor, difficulty, bytes)) {
    // Long division of a one and 256 zeros. The one itself is smaller than any divisor.
    store<u32>(rest, 1);
    for (let bit = 255; bit >= 0; bit--) {
      add(rest, rest);
      if (compare(rest, divisor) < 0) continue;
      subtract(rest, divisor);
      const limb = quotient + (<usize> (bit >> 5) << 2);
      store<u32>(limb, load<u32>(limb) | (1 << (bit & 31)));
    }
  }
  writeNumber(out, quotient);
}

/**
 * What the difficulty of a block has to be.
 *
 * @param parent 32 bytes, big-endian.
 * @param seconds Timestamp of the block minus that of its parent.
 * @param uncles Uncle count of the block itself.
 * @param rules `DIFFICULTY_RULES_*`.
 * @returns `false` if the result needs more than 32 bytes; `out` is as it was then.
 */
export function expectedDifficulty(
  parent: usize,
  seconds: i64,
  uncles: i32,
  rules: usize,
  out: usize,
): bool {
  const result = numbersAt();
  const step = result + NUMBER_BYTES;
  const minimum = step + NUMBER_BYTES;
  readNumber(minimum, rules + DIFFICULTY_RULES_MINIMUM, 32);
  if (load<u32>(rules, DIFFICULTY_RULES_RSKIP97) == 0 && seconds >= RESET_SECONDS) {
    writeNumber(out, minimum);
    return true;
  }
  readNumber(result, parent, 32);
  // 32-bit arithmetic that wraps, as the reference node has it; inside a cast to i64 it would be 64-bit.
  const wrapped: i32 = (1 + uncles) * load<i32>(rules, DIFFICULTY_RULES_BLOCK_SECONDS);
  const expected = <i64> wrapped;
  if (seconds >= 0 && expected != seconds) {
    divide(step, result, load<u32>(rules, DIFFICULTY_RULES_DIVISOR));
    if (expected > seconds) add(result, step);
    else subtract(result, step);
    if (exceeds256(result)) return false;
    writeNumber(out, compare(result, minimum) < 0 ? minimum : result);
  } else {
    writeNumber(out, result);
  }
  return true;
}

/** {@link expectedDifficulty} with the seconds as the halves of an i64; 1 if the result fits. */
export function difficultyExpected(
  parent: usize,
  secondsHigh: i32,
  secondsLow: u32,
  uncles: i32,
  rules: usize,
  out: usize,
): u32 {
  const seconds = (<i64> secondsHigh << 32) | <i64> <u64> secondsLow;
  return expectedDifficulty(parent, seconds, uncles, rules, out) ? 1 : 0;
}
