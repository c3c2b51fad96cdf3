/**
 * Total difficulty of a chain: exact where every uncle is known, otherwise at least so much.
 *
 * Layer: protocols/rootstock. Imports nothing of it. Source: spec/rootstock-consensus.md sections 5.2 and 7. Headers do
 * not say what their uncles weigh, so a chain of headers has a lower bound only: on mainnet the total is about 1.75 to
 * 1.91 times that. The two have no field in common, so that neither is taken for the other.
 *
 * @module
 */

/** Work of a chain, uncles counted, and all of them known. */
export interface ExactDifficulty {
  readonly kind: "exact";
  readonly total: bigint;
}

/** Work of a chain of which some uncles are not known. */
export interface DifficultyBound {
  readonly kind: "at-least";
  /** The total is this or more. */
  readonly atLeast: bigint;
}

/** Either of the two. */
export type TotalDifficulty = ExactDifficulty | DifficultyBound;

/** Total difficulty that is known exactly: of genesis, of a checkpoint. */
export function exactly(total: bigint): ExactDifficulty {
  return { kind: "exact", total };
}

/** The greatest number that the total is known not to be below. */
export function lowerBound(difficulty: TotalDifficulty): bigint {
  return difficulty.kind === "exact" ? difficulty.total : difficulty.atLeast;
}

/**
 * Total difficulty with one more block.
 *
 * @param block Its own difficulty.
 * @param uncles Difficulties of its uncles, checked against its unclesHash; `undefined` if they are not known. A block
 *   whose unclesHash is that of the empty list has none, whatever its uncle count says.
 */
export function addBlock(
  parent: TotalDifficulty,
  block: bigint,
  uncles: readonly bigint[] | undefined,
): TotalDifficulty {
  const known = (uncles ?? []).reduce((sum, difficulty) => sum + difficulty, block);
  if (parent.kind === "exact" && uncles !== undefined) return exactly(parent.total + known);
  return { kind: "at-least", atLeast: lowerBound(parent) + known };
}
