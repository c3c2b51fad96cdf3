/**
 * Which of two chains is the best one.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 5.2.
 *
 * @module
 */

import { isBefore } from "./bytes.ts";
import { lowerBound, type TotalDifficulty } from "./total_difficulty.ts";

/** The newest block of a chain. */
export interface ChainHead {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly totalDifficulty: TotalDifficulty;
  readonly paidFees: bigint;
}

/** Whether a candidate takes the place of the best. */
export interface Choice {
  readonly isBetter: boolean;
  /** Nodes that know all uncles choose alike; otherwise only bounds were compared. */
  readonly isCertain: boolean;
}

/**
 * Compares a candidate with the best chain. Two bounds are compared as they are: both must count from one common
 * block, and by the same knowledge of uncles.
 */
export function chooseChain(candidate: ChainHead, best: ChainHead): Choice {
  const isCertain = candidate.totalDifficulty.kind === "exact" && best.totalDifficulty.kind === "exact";
  const [weight, bestWeight] = [lowerBound(candidate.totalDifficulty), lowerBound(best.totalDifficulty)];
  if (weight !== bestWeight) return { isBetter: weight > bestWeight, isCertain };
  const isPaidMore = candidate.paidFees > 2n * best.paidFees;
  // With equal work the smaller hash wins, unless its block is paid half as much or less; of unpaid ones the first stays.
  const isBetter = isPaidMore ||
    (best.paidFees < 2n * candidate.paidFees && isBefore(candidate.hash, best.hash));
  return { isBetter, isCertain };
}
