/**
 * Skeletons: the hashes of every 192nd block, by which header chunks are asked for.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 4.4 and 5.
 *
 * @module
 */

import type { BlockIdentifier } from "./block_identifier.ts";

/** Headers of a chunk, and the step of a skeleton. */
export const CHUNK_HEADERS = 192;
/** Chunks of one skeleton. */
export const SKELETON_CHUNKS = 20;
/** Heights that one skeleton covers. */
export const SKELETON_SPAN: number = CHUNK_HEADERS * SKELETON_CHUNKS;

/** First height of the skeleton that a peer answers for `height`. */
export function skeletonStart(height: number): number {
  return Math.floor(height / CHUNK_HEADERS) * CHUNK_HEADERS;
}

/** Heights of the skeleton that a peer with `best` answers for `start`: 2 to 21, or one if `start` is its best. */
export function skeletonHeights(start: number, best: number): number[] {
  const heights: number[] = [];
  let height = skeletonStart(start);
  const limit = Math.min(best, height + SKELETON_SPAN);
  for (; height < limit; height += CHUNK_HEADERS) heights.push(height);
  heights.push(Math.min(best, height));
  return heights;
}

/**
 * Why `blocks` is no answer to a request for `start`; undefined if it is one. Only the last height may be off the step.
 */
export function skeletonFault(blocks: readonly BlockIdentifier[], start: number): string | undefined {
  if (blocks.length < 2) return `Skeleton of ${blocks.length} entries`;
  if (blocks.length > SKELETON_CHUNKS + 1) return `Skeleton of ${blocks.length} entries, at most 21`;
  const first = skeletonStart(start);
  for (let i = 0; i < blocks.length; i++) {
    const height = first + i * CHUNK_HEADERS;
    const { number } = blocks[i]!;
    const isTail = i === blocks.length - 1 && number > height - CHUNK_HEADERS && number < height;
    if (number !== height && !isTail) return `Skeleton entry ${i} has height ${number}, not ${height}`;
  }
  return undefined;
}
