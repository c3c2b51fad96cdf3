/**
 * Scan bounds in one normal form: first key inside, first key outside.
 *
 * Layer: store. Pure.
 *
 * @module
 */

import type { ScanOptions } from "./engine.ts";

/** A half-open range of keys and how to walk it. */
export interface Range {
  /** First key inside; `undefined` is the very first. */
  readonly lower: Uint8Array | undefined;
  /** First key outside; `undefined` is after the very last. */
  readonly upper: Uint8Array | undefined;
  readonly reverse: boolean;
  /** `Infinity` without a limit. */
  readonly limit: number;
}

/** Compares as unsigned bytes; a prefix comes first. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * Every bound that is given holds, so of two lower bounds the higher one counts. The bounds are copied.
 *
 * @returns `undefined` if no key can be inside.
 * @throws {RangeError} If `limit` is not a whole number from 0 on.
 */
export function toRange(options: ScanOptions): Range | undefined {
  const { gte, gt, lte, lt, reverse = false, limit = Infinity } = options;
  if (limit !== Infinity && !(Number.isInteger(limit) && limit >= 0)) {
    throw new RangeError(`Cannot scan: 'limit' must be a whole number >= 0, got ${limit}`);
  }
  const lower = outermost([gte && copy(gte), gt && successor(gt)], 1);
  const upper = outermost([lt && copy(lt), lte && successor(lte)], -1);
  if (limit === 0) return undefined;
  // No key is below the empty key.
  if (upper && (upper.length === 0 || (lower && compareKeys(lower, upper) >= 0))) return undefined;
  return { lower, upper, reverse, limit };
}

function copy(key: Uint8Array): Uint8Array {
  return new Uint8Array(key);
}

/** The next possible key: nothing lies between `key` and `key` with a zero byte behind it. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function outermost(keys: readonly (Uint8Array | undefined)[], sign: 1 | -1): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  for (const key of keys) {
    if (key && (!found || sign * compareKeys(key, found) > 0)) found = key;
  }
  return found;
}
