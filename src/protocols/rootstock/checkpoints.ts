/**
 * Whether a chain agrees with the blocks that a network's data name.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md, addendum. A contradiction is told, and no side taken:
 * the data of this release can be wrong, and so can the chain.
 *
 * @module
 */

import { equal } from "./bytes.ts";
import type { RootstockNetwork } from "./network.ts";
import type { TotalDifficulty } from "./total_difficulty.ts";

/** A block of a chain, as far as checkpoints go. */
export interface CheckpointCase {
  readonly number: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly difficulty: bigint;
  readonly totalDifficulty?: TotalDifficulty;
}

/** What a chain says other than a checkpoint. */
export interface Contradiction {
  readonly number: number;
  readonly what: "hash" | "difficulty" | "total-difficulty";
  readonly checkpoint: string;
  readonly chain: string;
}

/**
 * Contradictions between a block and the checkpoints at its height; none if there are no checkpoints.
 *
 * A total that is known only as a bound contradicts a checkpoint that is below it.
 */
export function findContradictions(block: CheckpointCase, network: RootstockNetwork): Contradiction[] {
  const { number, hash, difficulty, totalDifficulty } = block;
  const found: Contradiction[] = [];
  const differ = (what: Contradiction["what"], checkpoint: string, chain: string) => {
    if (!found.some((other) => other.what === what)) found.push({ number, what, checkpoint, chain });
  };
  const { hashCheckpoints, difficultyCheckpoints } = network;
  for (const checkpoint of [...hashCheckpoints, ...difficultyCheckpoints]) {
    if (checkpoint.number !== number || equal(checkpoint.hash, hash)) continue;
    differ("hash", checkpoint.hash.toHex(), hash.toHex());
  }
  for (const checkpoint of difficultyCheckpoints) {
    if (checkpoint.number !== number) continue;
    if (checkpoint.difficulty !== difficulty) {
      differ("difficulty", `${checkpoint.difficulty}`, `${difficulty}`);
    }
    if (totalDifficulty === undefined) continue;
    const { totalDifficulty: expected } = checkpoint;
    const isExact = totalDifficulty.kind === "exact";
    if (isExact ? totalDifficulty.total === expected : totalDifficulty.atLeast <= expected) continue;
    const chain = isExact ? `${totalDifficulty.total}` : `at least ${totalDifficulty.atLeast}`;
    differ("total-difficulty", `${expected}`, chain);
  }
  return found;
}
