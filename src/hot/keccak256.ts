/**
 * Keccak-256 as Ethereum and Rootstock use it: the original padding, not SHA3-256's.
 *
 * Layer: hot. Source: FIPS 202 with padding 0x01; spec/hot-path.md section 5.
 *
 * @module
 */

import { DIGEST_BYTES, KECCAK_STATE_BYTES } from "../../wasm/layout.ts";
import { defineHash, type HashFunction } from "./hash_function.ts";
import { KernelStream, type StreamKernels } from "./kernel_stream.ts";

const STREAM: StreamKernels = {
  stateBytes: KECCAK_STATE_BYTES,
  maxOutputBytes: DIGEST_BYTES,
  update: (kernels, state, address, bytes) => kernels.keccak256Update(state, address, bytes),
  finish: (kernels, state, out) => kernels.keccak256Finish(state, out),
};

/**
 * Keccak-256. It has no modes.
 *
 * @example
 * ```ts
 * import { keccak256 } from "./keccak256.ts";
 * const digest = keccak256(new Uint8Array()).toHex();
 * if (!digest.startsWith("c5d2460186f7233c")) throw new Error("expected the digest of nothing");
 * ```
 */
export const keccak256: HashFunction<undefined> = defineHash<undefined>({
  at: (memory, address, bytes, out) => memory.kernels.keccak256(address, bytes, out),
  batchAt: (memory, rows, count) => memory.kernels.keccak256Batch(rows, count),
  create: () => new KernelStream(STREAM, (kernels, state) => kernels.keccak256Start(state)),
});
