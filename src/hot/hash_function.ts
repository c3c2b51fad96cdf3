/**
 * One shape for every hash function of this floor: one-shot, into an array, streaming, batch, in place.
 *
 * Layer: hot. Source: spec/hot-path.md section 3: a call costs nanoseconds, a copy tens, a new array hundreds.
 * Ordinary bytes are copied to the window of this thread's own memory; what lies in a `HotMemory` is hashed where it
 * lies.
 *
 * @module
 */

import {
  DIGEST_BYTES,
  HASH_ROW_ADDRESS,
  HASH_ROW_BYTES,
  HASH_ROW_LENGTH,
  HASH_ROW_OUT,
  SCRATCH_DIGESTS_BYTES,
  SCRATCH_DIGESTS_OFFSET,
  SCRATCH_TABLE_OFFSET,
  SCRATCH_WINDOW_BYTES,
  SCRATCH_WINDOW_OFFSET,
} from "../../wasm/layout.ts";
import { copyOut } from "./copies.ts";
import { HotError } from "./error.ts";
import type { HotMemory } from "./memory.ts";
import { threadMemory } from "./thread_memory.ts";

/** A hash of input that comes in pieces. */
export interface StreamingHash {
  /**
   * Adds bytes.
   *
   * @throws {TypeError} If the digest was taken.
   */
  update(input: Uint8Array): this;
  /**
   * Writes the digest of what came so far over the first 32 bytes of `out`, and returns `out`; the hash goes on. As the
   * running MACs of RLPx need it.
   *
   * @throws {TypeError} If the digest was taken.
   * @throws {RangeError} If `out` is shorter than a digest.
   */
  peek<Out extends Uint8Array>(out: Out): Out;
  /**
   * Ends the hash.
   *
   * @param bytes Length of the output, from 0 to 8,192; other than 32 only for a function with extendable output
   *   (BLAKE3). @default {32}
   * @throws {TypeError} If the digest was taken before.
   * @throws {RangeError} If the function has no output of that length.
   */
  digest(bytes?: number): Uint8Array<ArrayBuffer>;
}

/** A hash function with digests of 32 bytes. `Options` are its modes; without them it is the plain one. */
export interface HashFunction<Options> {
  /** Digest of `input` in an array of its own. Under Deno that array costs more than a short hash: see {@link into}. */
  (input: Uint8Array, options?: Options): Uint8Array<ArrayBuffer>;
  /**
   * Digest of `input` written over the first 32 bytes of `out`; returns `out`. Allocates nothing up to 64 KiB.
   *
   * @throws {RangeError} If `out` is shorter than a digest.
   */
  into<Out extends Uint8Array>(input: Uint8Array, out: Out, options?: Options): Out;
  /** A hash of input that comes in pieces. */
  create(options?: Options): StreamingHash;
  /**
   * Digests of independent inputs, in order: 32 bytes each, one after the other. Neighbours of the same length share
   * the lanes of a vector, so inputs sorted by length are faster.
   */
  batch(inputs: readonly Uint8Array[], options?: Options): Uint8Array<ArrayBuffer>;
  /**
   * Digest of `bytes` bytes at `address` of a memory, 32 bytes to address `out` of the same.
   *
   * @throws {HotError} `HOT_OUT_OF_BOUNDS` if they do not lie in it.
   */
  at(memory: HotMemory, address: number, bytes: number, out: number, options?: Options): void;
  /**
   * Digests of `count` rows (`HASH_ROW_*` of wasm/layout.ts) at address `rows` of a memory.
   *
   * @throws {WebAssembly.RuntimeError} If a row points out of it.
   */
  batchAt(memory: HotMemory, rows: number, count: number, options?: Options): void;
}

/** What {@link defineHash} needs of a hash function. */
export type HashDriver<Options> = Pick<HashFunction<Options>, "at" | "batchAt" | "create">;

/** Digests that fit in their region are one flush of a batch; the table has room for more rows than that. */
const ROWS_PER_FLUSH = SCRATCH_DIGESTS_BYTES / DIGEST_BYTES;

/** Makes a hash function of its kernels. */
export function defineHash<Options>(driver: HashDriver<Options>): HashFunction<Options> {
  const { create } = driver;

  function at(memory: HotMemory, address: number, bytes: number, out: number, options?: Options): void {
    assertRegions(memory, address, bytes, out);
    void memory.scratch;
    driver.at(memory, address, bytes, out, options);
  }

  function batchAt(memory: HotMemory, rows: number, count: number, options?: Options): void {
    void memory.scratch;
    driver.batchAt(memory, rows, count, options);
  }

  function into<Out extends Uint8Array>(input: Uint8Array, out: Out, options?: Options): Out {
    assertDigestFits(out);
    if (input.length > SCRATCH_WINDOW_BYTES) {
      out.set(create(options).update(input).digest());
      return out;
    }
    const memory = threadMemory();
    const { scratch } = memory;
    memory.u8.set(input, scratch + SCRATCH_WINDOW_OFFSET);
    const digest = scratch + SCRATCH_DIGESTS_OFFSET;
    driver.at(memory, scratch + SCRATCH_WINDOW_OFFSET, input.length, digest, options);
    copyOut(memory, digest, out, DIGEST_BYTES);
    return out;
  }

  function batch(inputs: readonly Uint8Array[], options?: Options): Uint8Array<ArrayBuffer> {
    const memory = threadMemory();
    const { scratch, u8, u32 } = memory;
    const rows = scratch + SCRATCH_TABLE_OFFSET;
    const window = scratch + SCRATCH_WINDOW_OFFSET;
    const out = scratch + SCRATCH_DIGESTS_OFFSET;
    const digests = new Uint8Array(inputs.length * DIGEST_BYTES);
    let [done, count, used] = [0, 0, 0];
    const flush = () => {
      batchAt(memory, rows, count, options);
      digests.set(u8.subarray(out, out + count * DIGEST_BYTES), done * DIGEST_BYTES);
      [done, count, used] = [done + count, 0, 0];
    };
    for (const input of inputs) {
      if (count === ROWS_PER_FLUSH || used + input.length > SCRATCH_WINDOW_BYTES) flush();
      if (input.length > SCRATCH_WINDOW_BYTES) {
        into(input, digests.subarray(done * DIGEST_BYTES), options);
        done++;
        continue;
      }
      u8.set(input, window + used);
      const row = (rows + count * HASH_ROW_BYTES) >>> 2;
      u32[row + (HASH_ROW_ADDRESS >>> 2)] = window + used;
      u32[row + (HASH_ROW_LENGTH >>> 2)] = input.length;
      u32[row + (HASH_ROW_OUT >>> 2)] = out + count * DIGEST_BYTES;
      used += (input.length + 7) & ~7;
      count++;
    }
    flush();
    return digests;
  }

  const hash = (input: Uint8Array, options?: Options) => into(input, new Uint8Array(DIGEST_BYTES), options);
  return Object.assign(hash, { into, create, batch, at, batchAt });
}

/** @throws {RangeError} If `out` is shorter than a digest. */
export function assertDigestFits(out: Uint8Array): void {
  if (out.length >= DIGEST_BYTES) return;
  throw new RangeError(`Cannot hash: 'out' must have at least ${DIGEST_BYTES} bytes, got ${out.length}`);
}

/**
 * Throws unless input and digest of a hash lie in the memory.
 *
 * @throws {HotError} `HOT_OUT_OF_BOUNDS`.
 */
export function assertRegions(memory: HotMemory, address: number, bytes: number, out: number): void {
  const end = memory.bytes;
  if (address >= 0 && bytes >= 0 && address + bytes <= end && out >= 0 && out + DIGEST_BYTES <= end) return;
  throw new HotError(
    "HOT_OUT_OF_BOUNDS",
    `Cannot hash ${bytes} bytes at ${address} to ${out}: the memory has ${end} bytes`,
  );
}
