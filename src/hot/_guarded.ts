/**
 * For tests: regions of a hot memory between guard bytes, to see that a kernel neither reads nor writes beside them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { HotMemory } from "./memory.ts";
import type { HotBuild } from "./module.ts";

/** Bytes on both sides of a guarded region. */
const GUARD_BYTES = 256;

/** Both builds of the kernels; the scalar one is the oracle of the other. */
export const BUILDS: readonly HotBuild[] = ["simd", "scalar"];

/** Memory for a test of kernels, its scratch area in use. */
export async function createTestMemory(build: HotBuild, bytes: number): Promise<HotMemory> {
  const memory = await HotMemory.create({ bytes: bytes + (1 << 18), build });
  void memory.scratch;
  return memory;
}

/** Regions of one memory, each between guards. */
export class GuardedRegions {
  readonly memory: HotMemory;
  readonly #regions: { readonly at: number; readonly bytes: number }[] = [];
  readonly #filled: number[] = [];

  constructor(memory: HotMemory) {
    this.memory = memory;
  }

  /** A region of exactly `bytes` bytes, not aligned to anything in particular when `shift` is odd. */
  add(bytes: number, shift = 0): number {
    const at = this.memory.allocate(bytes + 2 * GUARD_BYTES + shift, "guarded region") + GUARD_BYTES + shift;
    this.#regions.push({ at, bytes });
    return at;
  }

  /** Fills every guard with bytes drawn from `random`. */
  fill(random: () => number): void {
    this.#filled.length = 0;
    this.#eachGuard((at) => {
      this.memory.u8[at] = random() * 256;
      this.#filled.push(this.memory.u8[at]!);
    });
  }

  /** Fails if a guard is not what {@link fill} made it. */
  assertUntouched(what: string): void {
    let i = 0;
    this.#eachGuard((at) => {
      if (this.memory.u8[at] !== this.#filled[i++]) assert.fail(`${what}: wrote beside its region, at ${at}`);
    });
  }

  #eachGuard(visit: (at: number) => void): void {
    for (const { at, bytes } of this.#regions) {
      for (let i = 1; i <= GUARD_BYTES; i++) visit(at - i);
      for (let i = 0; i < GUARD_BYTES; i++) visit(at + bytes + i);
    }
  }
}

/** A generator of the same numbers in [0, 1) for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Bytes drawn from `random`. */
export function randomBytes(random: () => number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random() * 256;
  return bytes;
}

/** Lengths around every edge of blocks, chunks and subtrees: spec/hot-path.md section 8. */
export const EDGE_LENGTHS: readonly number[] = [
  ...[0, 1, 3, 7, 8, 9, 31, 32, 33, 55, 56, 63, 64, 65, 119, 127, 128, 129, 135, 136, 137, 271, 272, 273],
  ...[1023, 1024, 1025, 2047, 2048, 2049, 3072, 4095, 4096, 4097, 5 * 1024, 8 * 1024 + 1, 31 * 1024],
  ...[65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 3_000_000],
];
