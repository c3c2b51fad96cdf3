/**
 * Fork-detection data: 12 bytes in the coinbase that say which chain its miner saw (RSKIP110).
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 2.1.
 *
 * @module
 */

/** Bytes of the data. */
export const FORK_DATA_BYTES = 12;

const CPV_BYTES = 7;
/** Distance of the blocks whose hashes are in the data. */
const STEP = 64;
/** Ancestors whose uncles are counted. */
const UNCLES_SPAN = 32;
const COUNT_MAX = 255;

/**
 * Writes the data of a block.
 *
 * @param number Its number, from 449 on.
 * @param hashBytes First byte, in wire order, of the bitcoin hash of the block at height modulo the length, a power of two.
 * @param uncleCounts Uncle counts at the same places, capped at 255.
 */
export function writeForkData(
  number: number,
  hashBytes: Uint8Array,
  uncleCounts: Uint8Array,
  out: Uint8Array,
): void {
  const slots = hashBytes.length;
  const best = number - 1;
  const start = best - best % STEP;
  for (let i = 0; i < CPV_BYTES; i++) out[i] = hashBytes[(start - STEP * i) % slots]!;
  let uncles = 0;
  for (let i = 0; i < UNCLES_SPAN; i++) uncles += uncleCounts[(best - i) % slots]!;
  out[7] = uncles < COUNT_MAX ? uncles : COUNT_MAX;
  out[8] = number / 0x100_0000;
  out[9] = number >>> 16;
  out[10] = number >>> 8;
  out[11] = number;
}
