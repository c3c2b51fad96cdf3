/**
 * Single rules of headers as functions of numbers.
 *
 * Layer: protocols/rootstock. Imports nothing. Source: spec/rootstock-consensus.md section 3.2.
 *
 * @module
 */

/** A gas limit follows its parent's by at most one part in so many. */
export const GAS_LIMIT_DIVISOR = 1024n;
export const GAS_LIMIT_MINIMUM = 3_000_000n;
export const EXTRA_DATA_BYTES_MAX = 32;
export const EDGES_MAX = 2;
/** Uncles of a block (section 7). */
export const UNCLES_MAX = 10;

/** Gas limit against the parent's, both bounds included. */
export function isGasLimitNear(parent: bigint, limit: bigint, divisor: bigint = GAS_LIMIT_DIVISOR): boolean {
  return limit >= parent * (divisor - 1n) / divisor && limit <= parent * (divisor + 1n) / divisor;
}

/** Minimum gas price against the parent's; `undefined` is an empty slot. */
export function isGasPriceNear(parent: bigint | undefined, price: bigint | undefined): boolean {
  if (parent === undefined || price === undefined) return false;
  const hundredth = parent / 100n;
  const step = hundredth > 1n ? hundredth : 1n;
  const least = parent > step ? parent - step : 0n;
  return price >= least && price <= parent + step;
}

/** What a compressed header does not say, and a full one does, of the edges of execution sublists. */
export function areEdgesOrdered(edges: readonly number[]): boolean {
  return edges.length <= EDGES_MAX && edges.every((edge, i) => edge > (edges[i - 1] ?? 0));
}

/** Timestamp against the clock, in seconds. */
export function isInTime(timestamp: number, nowSeconds: number, maxFutureSeconds: number): boolean {
  return timestamp - nowSeconds <= maxFutureSeconds;
}

/** Timestamp against the bitcoin header's, in seconds. */
export function isNearBitcoin(timestamp: number, btcTime: number, windowSeconds: number): boolean {
  return Math.abs(btcTime - timestamp) < windowSeconds;
}
