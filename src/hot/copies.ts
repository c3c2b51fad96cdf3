/**
 * Bytes between ordinary memory and a hot one.
 *
 * Layer: hot. Source: spec/hot-path.md section 3.
 *
 * @module
 */

import { SCRATCH_WINDOW_BYTES, SCRATCH_WINDOW_OFFSET } from "../../wasm/layout.ts";
import type { HotMemory } from "./memory.ts";

/** Copies `input` through the window of the thread's scratch area; yields how many bytes lie there each time. */
export function* windows(memory: HotMemory, input: Uint8Array): Generator<number> {
  for (let from = 0; from < input.length; from += SCRATCH_WINDOW_BYTES) {
    const piece = input.subarray(from, from + SCRATCH_WINDOW_BYTES);
    memory.u8.set(piece, memory.scratch + SCRATCH_WINDOW_OFFSET);
    yield piece.length;
  }
}

/** A copy of `bytes` bytes at `address` in an array of its own. */
export function copyOf(memory: HotMemory, address: number, bytes: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  copyOut(memory, address, copy, bytes);
  return copy;
}

/** Copies `bytes` bytes at `address` to the start of `out`; for a digest faster than a view made for the purpose. */
export function copyOut(memory: HotMemory, address: number, out: Uint8Array, bytes: number): void {
  const { u8 } = memory;
  for (let i = 0; i < bytes; i++) out[i] = u8[address + i]!;
}
