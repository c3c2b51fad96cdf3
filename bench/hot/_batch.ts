/**
 * A memory with inputs of one length and the rows of a batch over them.
 *
 * @module
 */

import {
  DIGEST_BYTES,
  HASH_ROW_ADDRESS,
  HASH_ROW_BYTES,
  HASH_ROW_LENGTH,
  HASH_ROW_OUT,
} from "../../wasm/layout.ts";
import { HotMemory } from "../../src/hot/memory.ts";

/** Inputs of a batch; as many as 64 KiB hold of 1 KiB. */
export const BATCH = 64;

/** Where a family's inputs lie. */
export interface Rig {
  readonly memory: HotMemory;
  /** `BATCH` inputs, one after the other. */
  readonly input: number;
  readonly rows: number;
  readonly out: number;
  /** The first input, in ordinary memory. */
  readonly ordinary: Uint8Array<ArrayBuffer>;
  /** Digest that the kernel left at `out`. */
  digest(): Uint8Array;
}

/** Lays inputs out; bytes are not zero. */
export async function openRig(bytes: number, count = BATCH): Promise<Rig> {
  const memory = await HotMemory.create({ bytes: bytes * count + (1 << 20) });
  void memory.scratch;
  const input = memory.allocate(bytes * count, "inputs");
  const rows = memory.allocate(count * HASH_ROW_BYTES, "rows");
  const out = memory.allocate(count * DIGEST_BYTES, "digests");
  for (let i = 0; i < bytes * count; i++) memory.u8[input + i] = 1 + i % 251;
  for (let i = 0; i < count; i++) {
    const row = rows + i * HASH_ROW_BYTES;
    memory.u32[(row + HASH_ROW_ADDRESS) >>> 2] = input + i * bytes;
    memory.u32[(row + HASH_ROW_LENGTH) >>> 2] = bytes;
    memory.u32[(row + HASH_ROW_OUT) >>> 2] = out + i * DIGEST_BYTES;
  }
  const ordinary = new Uint8Array(bytes);
  ordinary.set(memory.u8.subarray(input, input + bytes));
  return { memory, input, rows, out, ordinary, digest: () => memory.u8.subarray(out, out + DIGEST_BYTES) };
}
