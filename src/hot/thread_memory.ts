/**
 * The hot memory behind functions that take ordinary bytes: a small one for each thread, made at first use.
 *
 * Layer: hot. Not state in any sense a caller could notice: nothing in it outlives a call.
 *
 * @module
 */

import { HEAP_OFFSET, SCRATCH_BYTES } from "../../wasm/layout.ts";
import { HotMemory } from "./memory.ts";

let memory: HotMemory | undefined;

/** This thread's own memory, with its scratch area in use. Needs read permission for `wasm/` the first time. */
export function threadMemory(): HotMemory {
  if (memory === undefined) {
    memory = HotMemory.createSync({ bytes: HEAP_OFFSET + SCRATCH_BYTES });
    void memory.scratch;
  }
  return memory;
}
