/**
 * Ranges of block numbers, both ends included.
 *
 * Layer: services. Pure.
 *
 * @module
 */

/** Consecutive blocks. */
export interface BlockRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** The same blocks in order, with ranges that touch or overlap made one. */
export function mergeRanges(ranges: readonly BlockRange[]): BlockRange[] {
  const merged: BlockRange[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first < b.first ? -1 : 1)) {
    const before = merged.at(-1);
    if (before === undefined || first > before.last + 1n) merged.push({ first, last });
    else if (last > before.last) merged[merged.length - 1] = { first: before.first, last };
  }
  return merged;
}

/** What lies between ranges that are in order and do not touch. */
export function gapsBetween(ranges: readonly BlockRange[]): BlockRange[] {
  return ranges.slice(1).map(({ first }, i) => ({ first: ranges[i]!.last + 1n, last: first - 1n }));
}

/** `ranges` without the blocks of `hole`. */
export function subtractRange(ranges: readonly BlockRange[], hole: BlockRange): BlockRange[] {
  return ranges.flatMap(({ first, last }) => {
    if (last < hole.first || first > hole.last) return [{ first, last }];
    const rest: BlockRange[] = [];
    if (first < hole.first) rest.push({ first, last: hole.first - 1n });
    if (last > hole.last) rest.push({ first: hole.last + 1n, last });
    return rest;
  });
}
