/**
 * BLAKE3: hash, keyed hash, key derivation, output of any length.
 *
 * Layer: hot. Source: the BLAKE3 paper; spec/hot-path.md section 4.
 *
 * @module
 */

import {
  BLAKE3_DERIVE_KEY_CONTEXT,
  BLAKE3_DERIVE_KEY_MATERIAL,
  BLAKE3_KEYED_HASH,
  BLAKE3_STATE_BYTES,
  DIGEST_BYTES,
  SCRATCH_DIGESTS_BYTES,
  SCRATCH_KEY_BYTES,
  SCRATCH_KEY_OFFSET,
  SCRATCH_STATE_OFFSET,
} from "../../wasm/layout.ts";
import { defineHash, type HashFunction } from "./hash_function.ts";
import { KernelStream, type StreamKernels } from "./kernel_stream.ts";
import type { HotMemory } from "./memory.ts";
import { threadMemory } from "./thread_memory.ts";

/** Mode of a BLAKE3 hash; plain when neither is given. */
export interface Blake3Options {
  /** Keyed hash: a key of 32 bytes. */
  readonly key?: Uint8Array;
  /** Key derivation: the hard-coded, globally unique context; the input is the key material. */
  readonly context?: string;
}

const STREAM: StreamKernels = {
  stateBytes: BLAKE3_STATE_BYTES,
  maxOutputBytes: SCRATCH_DIGESTS_BYTES,
  update: (kernels, state, address, bytes) => kernels.blake3Update(state, address, bytes),
  finish: (kernels, state, out, bytes) => kernels.blake3Finish(state, out, bytes),
};

/** Writes the key of a mode into the memory's scratch area. */
function modeOf(memory: HotMemory, options: Blake3Options): { readonly key: number; readonly flags: number } {
  const { key, context } = options;
  const at = memory.scratch + SCRATCH_KEY_OFFSET;
  if (key !== undefined && context !== undefined) {
    throw new TypeError("Cannot hash: give 'key' or 'context', not both");
  }
  if (key !== undefined) {
    if (key.length !== DIGEST_BYTES) {
      throw new RangeError(`Cannot hash: 'key' must have ${DIGEST_BYTES} bytes, got ${key.length}`);
    }
    memory.u8.set(key, at);
    return { key: at, flags: BLAKE3_KEYED_HASH };
  }
  if (context === undefined) return { key: memory.kernels.blake3UnkeyedKey(), flags: 0 };
  deriveContextKey(memory, context, at);
  return { key: at, flags: BLAKE3_DERIVE_KEY_MATERIAL };
}

/**
 * Digest of a context, which is the key of the hash that derives keys from material. It passes through the key region,
 * because the window may hold the input already.
 */
function deriveContextKey({ kernels, scratch, u8 }: HotMemory, context: string, out: number): void {
  const state = scratch + SCRATCH_STATE_OFFSET;
  const bytes = new TextEncoder().encode(context);
  kernels.blake3Start(state, kernels.blake3UnkeyedKey(), BLAKE3_DERIVE_KEY_CONTEXT);
  for (let from = 0; from < bytes.length; from += SCRATCH_KEY_BYTES) {
    const piece = bytes.subarray(from, from + SCRATCH_KEY_BYTES);
    u8.set(piece, scratch + SCRATCH_KEY_OFFSET);
    kernels.blake3Update(state, scratch + SCRATCH_KEY_OFFSET, piece.length);
  }
  kernels.blake3Finish(state, out, DIGEST_BYTES);
}

/**
 * BLAKE3.
 *
 * @example
 * ```ts
 * import { blake3 } from "./blake3.ts";
 * const digest = blake3(new TextEncoder().encode("abc"));
 * if (!digest.toHex().startsWith("6437b3ac38465133")) throw new Error("expected the digest of abc");
 * const key = blake3(new Uint8Array(32), { context: "example.org 2026-11-21 session key" });
 * if (key.length !== 32) throw new Error("expected 32 bytes");
 * ```
 */
export const blake3: HashFunction<Blake3Options> = defineHash<Blake3Options>({
  at(memory, address, bytes, out, options) {
    if (options === undefined) return memory.kernels.blake3(address, bytes, out);
    const { key, flags } = modeOf(memory, options);
    memory.kernels.blake3Keyed(address, bytes, key, flags, out);
  },
  batchAt(memory, rows, count, options) {
    const { key, flags } = modeOf(memory, options ?? {});
    memory.kernels.blake3Batch(rows, count, key, flags);
  },
  create(options) {
    const { key, flags } = modeOf(threadMemory(), options ?? {});
    return new KernelStream(STREAM, (kernels, state) => kernels.blake3Start(state, key, flags));
  },
});
