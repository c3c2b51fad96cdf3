/**
 * How heavy a chain can be: bounds on what a peer may claim.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 3.3, 5.2 and 7.
 *
 * @module
 */

import { UNCLES_MAX } from "./rules.ts";

/** How fast difficulty may grow (section 3.3). */
export interface GrowthRules {
  /** Smallest `divisor` in force at or above a height: a block's difficulty is at most P + P / divisor. */
  divisorFrom(height: number): bigint;
  /** Greatest minimum difficulty in force at or above a height. */
  minimumFrom(height: number): bigint;
}

/**
 * What a block and ten uncles weigh at most. An uncle's parent is one of the seven blocks below, from which difficulty
 * has fallen by at most 1/50 a block: (51/50) / (49/50)^6 is under 6/5.
 */
export function weightCeiling(difficulty: bigint): bigint {
  return difficulty + BigInt(UNCLES_MAX) * ((difficulty * 6n) / 5n + 1n);
}

/** Steps taken one by one; what is further is bounded in floating point. */
const EXACT_STEPS = 4_096;

/**
 * Whether `claimed` is more than any chain can weigh that goes on for `blocks` from a block of this height, difficulty
 * and total difficulty. Far from the block the bound grows beyond everything: it is a fence near what is verified, no
 * proof of anything further off.
 */
export function isAboveGrowth(
  claimed: bigint,
  from: { readonly number: number; readonly difficulty: bigint; readonly totalDifficultyCeiling: bigint },
  blocks: number,
  rules: GrowthRules,
): boolean {
  const divisor = rules.divisorFrom(from.number + 1);
  const minimum = rules.minimumFrom(from.number + 1);
  let difficulty = from.difficulty;
  let total = from.totalDifficultyCeiling;
  const steps = Math.min(blocks, EXACT_STEPS);
  for (let i = 0; i < steps; i++) {
    const grown = difficulty + difficulty / divisor;
    difficulty = grown > minimum ? grown : minimum;
    total += weightCeiling(difficulty);
    if (claimed <= total) return false;
  }
  const rest = blocks - steps;
  if (rest <= 0) return claimed > total;
  if (difficulty < divisor) {
    return claimed > total + BigInt(rest) * weightCeiling(difficulty);
  }
  // Sum of the rest is below rest * last * 13, last = difficulty * (1 + 1/divisor)^rest.
  const growth = rest * Math.log2(1 + 1 / Number(divisor));
  const bits = BigInt(Math.ceil(growth) + 1);
  return bits <= 4_096n && claimed > total + ((BigInt(rest) * weightCeiling(difficulty)) << bits);
}
