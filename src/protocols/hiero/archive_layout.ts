/**
 * Names and places of archives: zip files of 10^p consecutive blocks, nested by the digits of their first number.
 *
 * Layer: protocols. Imports nothing. Source: spec/block-node.md §7.2.
 *
 * @module
 */

/** Decimal digits of a block number in a name; enough for 2^63 - 1. */
const NUMBER_DIGITS = 19;
/** Digits of one directory. */
const DIRECTORY_DIGITS = 3;

/** Blocks of an archive as a power of ten: smallest and largest. */
export const MIN_POWER = 1;
export const MAX_POWER = 6;

/** The blocks of one archive: 10^power consecutive ones, the first a multiple of their count. */
export interface Batch {
  readonly first: bigint;
  readonly last: bigint;
  /** Number of blocks, 10^power. */
  readonly count: number;
  readonly power: number;
}

/** The batch of 10^power blocks that holds `number`. */
export function batchOf(number: bigint, power: number): Batch {
  const count = 10 ** power;
  const first = number - number % BigInt(count);
  return { first, last: first + BigInt(count) - 1n, count, power };
}

/** A block number as names have it: 19 digits. */
export function paddedNumber(number: bigint): string {
  return number.toString().padStart(NUMBER_DIGITS, "0");
}

/** Name of a block inside its archive, such as `0000000000000012345.blk.zstd`. */
export function entryName(number: bigint): string {
  return `${paddedNumber(number)}.blk.zstd`;
}

/**
 * Path of a batch below the root of the archives. The digits before the zip's own one are directories of three, then
 * `<digit><zeros>.zip`: block 123,456,789 with power 4 is in `000/000/000/012/34/50000.zip`.
 */
export function archivePath({ first, power }: Batch): string {
  const digits = paddedNumber(first);
  const zipDigit = NUMBER_DIGITS - power - 1;
  const directories = digits.slice(0, zipDigit).match(new RegExp(`.{1,${DIRECTORY_DIGITS}}`, "g"))!;
  return `${directories.join("/")}/${digits.slice(zipDigit)}.zip`;
}

/** The batch that a path below the root names; `undefined` if no archive has such a path. */
export function batchAt(path: string): Batch | undefined {
  const name = /(?:^|\/)\d(0{1,6})\.zip$/.exec(path);
  if (name === null) return undefined;
  const digits = path.replaceAll("/", "").slice(0, -".zip".length);
  if (!/^\d{19}$/.test(digits)) return undefined;
  const batch = batchOf(BigInt(digits), name[1]!.length);
  return archivePath(batch) === path ? batch : undefined;
}
