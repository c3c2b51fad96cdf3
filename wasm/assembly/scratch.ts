/**
 * Where this thread's kernels keep their working memory.
 *
 * Layer: wasm. Source: spec/hot-path.md section 1: a global is an instance's own, so each thread is told its area;
 * static buffers would be shared, and a data race as soon as two threads hash.
 */

import {
  SCRATCH_AUXPOW_OFFSET,
  SCRATCH_CHAINING_OFFSET,
  SCRATCH_HEADERS_OFFSET,
  SCRATCH_LANES_OFFSET,
  SCRATCH_PADDED_OFFSET,
  SCRATCH_STATE_OFFSET,
  SCRATCH_UNSET,
} from "../layout";

let area: usize = SCRATCH_UNSET;

/** Tells this instance its scratch area; call it once, before any kernel but the ring's. */
export function scratchInit(address: usize): void {
  area = address;
}

export function lanesScratch(): usize {
  return area + SCRATCH_LANES_OFFSET;
}

export function paddedScratch(): usize {
  return area + SCRATCH_PADDED_OFFSET;
}

export function chainingScratch(): usize {
  return area + SCRATCH_CHAINING_OFFSET;
}

export function stateScratch(): usize {
  return area + SCRATCH_STATE_OFFSET;
}

export function auxpowScratch(): usize {
  return area + SCRATCH_AUXPOW_OFFSET;
}

export function headersScratch(): usize {
  return area + SCRATCH_HEADERS_OFFSET;
}
