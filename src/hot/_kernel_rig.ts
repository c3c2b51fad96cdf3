/**
 * A memory for testing kernels: inputs and outputs lie between random bytes that nobody may write.
 *
 * Layer: hot, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { HotMemory } from "./memory.ts";
import type { HotBuild } from "./module.ts";

const GUARD_BYTES = 96;
const BUILDS: readonly HotBuild[] = ["simd", "scalar"];

/** Registers a test once for each build of the kernels. */
export function kernelTest(name: string, fn: (rig: KernelRig) => void | Promise<void>): void {
  for (const build of BUILDS) {
    Deno.test(`${name} (${build})`, async () => await fn(await KernelRig.create(build)));
  }
}

/** Random bytes, not reproducible: tests print what failed. */
export function randomBytes(bytes: number): Uint8Array {
  return randomFillSync(new Uint8Array(bytes));
}

/** See the module. Regions are taken from the heap one after the other and given back by `reset()`. */
export class KernelRig {
  readonly hot: HotMemory;
  readonly #start: number;
  readonly #end: number;
  #next: number;
  #used: [from: number, to: number, before?: Uint8Array][] = [];
  /** What the whole heap held before the regions were filled. */
  readonly #noise: Uint8Array;

  private constructor(hot: HotMemory) {
    this.hot = hot;
    void hot.scratch;
    const bytes = hot.freeBytes;
    this.#start = this.#next = hot.allocate(bytes, "heap of the rig");
    this.#end = this.#start + bytes;
    this.#noise = randomBytes(bytes);
    hot.u8.set(this.#noise, this.#start);
  }

  static async create(build: HotBuild, bytes: number = 1 << 21): Promise<KernelRig> {
    return new KernelRig(await HotMemory.create({ bytes, build }));
  }

  /** Room for `bytes` bytes between guards, with any alignment the last region left. */
  room(bytes: number, align = 1): number {
    const at = Math.ceil((this.#next + GUARD_BYTES) / align) * align;
    assert.ok(at + bytes + GUARD_BYTES <= this.#end, "the rig is full");
    this.#next = at + bytes;
    this.#used.push([at, at + bytes]);
    return at;
  }

  /** Copies an input between guards; it must still be there at {@link check}. */
  put(bytes: Uint8Array, align = 1): number {
    const at = this.room(bytes.length, align);
    this.hot.u8.set(bytes, at);
    this.#used.at(-1)![2] = bytes.slice();
    return at;
  }

  /** Copies an input to where the memory ends: a read beyond it traps. */
  putAtEnd(bytes: Uint8Array): number {
    const at = this.#end - bytes.length;
    this.hot.u8.set(bytes, at);
    this.#used.push([at, this.#end, bytes.slice()]);
    return at;
  }

  /** Copies rows of u32. */
  putWords(words: readonly number[]): number {
    const at = this.put(new Uint8Array(Uint32Array.from(words).buffer), 4);
    return at;
  }

  /** Copies bytes out. */
  read(at: number, bytes: number): Uint8Array {
    return Uint8Array.from(this.hot.u8.subarray(at, at + bytes));
  }

  hex(at: number, bytes = 32): string {
    return this.read(at, bytes).toHex();
  }

  /** Fails if a kernel wrote outside the regions, or into an input. */
  check(): void {
    const heap = this.read(this.#start, this.#end - this.#start);
    const expected = this.#noise.slice();
    for (const [from, to, before] of this.#used) {
      expected.set(before ?? heap.subarray(from - this.#start, to - this.#start), from - this.#start);
    }
    if (Buffer.compare(heap, expected) !== 0) {
      const at = heap.findIndex((byte, i) => byte !== expected[i]) + this.#start;
      assert.fail(`a kernel wrote to ${at}; regions: ${this.#used.map(([from, to]) => `${from}-${to}`)}`);
    }
  }

  /** {@link check}, then forgets all regions. */
  reset(): void {
    this.check();
    this.hot.u8.set(this.#noise, this.#start);
    this.#used = [];
    this.#next = this.#start;
  }
}
