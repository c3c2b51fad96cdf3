/**
 * The one shared memory of the node and the kernels that work in it.
 *
 * Layer: hot. Source: wasm/layout.ts. The thread that creates the memory hands out its regions; every other
 * thread attaches to it by a handle that `postMessage` can carry, and instantiates the same compiled module.
 *
 * @module
 */

import {
  HEADER_OFFSET,
  HEADER_PAGES_OFFSET,
  HEADER_VERSION_OFFSET,
  HEAP_OFFSET,
  LAYOUT_VERSION,
  MAXIMUM_PAGES,
  PAGE_BYTES,
  REGION_ALIGN_BYTES,
  SCRATCH_BYTES,
  SCRATCH_UNSET,
} from "../../wasm/layout.ts";
import { HotError } from "./error.ts";
import type { HotKernels } from "./kernels.ts";
import { chooseBuild, type HotBuild, loadModule, loadModuleSync } from "./module.ts";

/** What another thread needs to attach; can be posted to a Worker. */
export interface HotMemoryHandle {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
}

/** Options of {@link HotMemory.create}. */
export interface HotMemoryOptions {
  /** Size of the memory, rounded up to pages of 64 KiB, at most 4 GiB. Pages become resident when first written. */
  readonly bytes: number;
  /** Build of the kernels. @default the fastest that this machine can run */
  readonly build?: HotBuild;
}

/**
 * Shared memory with its kernels and long-lived views. Fixed size, so views never detach.
 *
 * @example Another thread sees the same bytes
 * ```ts
 * import { HotMemory } from "./memory.ts";
 * const main = await HotMemory.create({ bytes: 1 << 20 });
 * const region = main.allocate(64, "example");
 * const other = HotMemory.attach(main.handle);
 * main.u8[region] = 7;
 * if (other.u8[region] !== 7) throw new Error("expected 7");
 * ```
 */
export class HotMemory {
  readonly handle: HotMemoryHandle;
  /** This thread's instance. Kernels other than the ring's trap unless the thread has its {@link scratch} area. */
  readonly kernels: HotKernels;
  readonly u8: Uint8Array<ArrayBufferLike>;
  readonly u32: Uint32Array<ArrayBufferLike>;
  readonly i32: Int32Array<ArrayBufferLike>;
  readonly f64: Float64Array<ArrayBufferLike>;
  /** Next free byte; `undefined` on a thread that only attached. */
  #heapEnd: number | undefined;
  #scratch: number | undefined;

  private constructor(handle: HotMemoryHandle, heapEnd?: number) {
    const instance = new WebAssembly.Instance(handle.module, { env: { memory: handle.memory } });
    this.kernels = instance.exports as unknown as HotKernels;
    if (this.kernels.layoutVersion() !== LAYOUT_VERSION || this.kernels.staticsEnd() > HEAP_OFFSET) {
      throw new HotError(
        "HOT_LAYOUT_MISMATCH",
        `Cannot use hot.wasm: its memory layout is version ${this.kernels.layoutVersion()}, this build has ${LAYOUT_VERSION}`,
      );
    }
    const { buffer } = handle.memory;
    this.handle = handle;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.#heapEnd = heapEnd;
  }

  /**
   * Allocates shared memory and compiles the kernels. Needs read permission for `wasm/hot.wasm`.
   *
   * @throws {RangeError} If `bytes` is not between one page and 4 GiB.
   * @throws {HotError} `HOT_LAYOUT_MISMATCH` if the module was built for another layout; `HOT_MEMORY_EXHAUSTED`
   *   if the machine has not so much address space.
   */
  static async create(options: HotMemoryOptions): Promise<HotMemory> {
    assertBytes(options.bytes);
    return HotMemory.#create(options.bytes, await loadModule(options.build ?? chooseBuild()));
  }

  /** As {@link create}, on the spot: compiling takes some milliseconds. */
  static createSync(options: HotMemoryOptions): HotMemory {
    assertBytes(options.bytes);
    return HotMemory.#create(options.bytes, loadModuleSync(options.build ?? chooseBuild()));
  }

  static #create(bytes: number, module: WebAssembly.Module): HotMemory {
    const pages = Math.ceil(bytes / PAGE_BYTES);
    let memory: WebAssembly.Memory;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    } catch (cause) {
      throw new HotError("HOT_MEMORY_EXHAUSTED", `Cannot create hot memory of ${bytes} bytes`, { cause });
    }
    const header = new Uint32Array(memory.buffer, HEADER_OFFSET);
    header[HEADER_VERSION_OFFSET >>> 2] = LAYOUT_VERSION;
    header[HEADER_PAGES_OFFSET >>> 2] = pages;
    return new HotMemory({ memory, module }, HEAP_OFFSET);
  }

  /**
   * Attaches the calling thread to memory that another one created.
   *
   * @param scratch Address that the creator got from {@link reserveScratch} for this thread; without it the thread
   *   has the ring but no other kernel.
   * @throws {HotError} `HOT_LAYOUT_MISMATCH` if that thread runs another build.
   */
  static attach(handle: HotMemoryHandle, scratch?: number): HotMemory {
    const version = new Uint32Array(handle.memory.buffer, HEADER_OFFSET)[HEADER_VERSION_OFFSET >>> 2];
    if (version !== LAYOUT_VERSION) {
      throw new HotError(
        "HOT_LAYOUT_MISMATCH",
        `Cannot attach to hot memory: its layout is version ${version}, this build has ${LAYOUT_VERSION}`,
      );
    }
    const attached = new HotMemory(handle);
    if (scratch !== undefined) attached.#useScratch(scratch);
    return attached;
  }

  /**
   * Address of this thread's scratch area (`wasm/layout.ts`). The creating thread takes its own from the heap at the
   * first use, 140 KiB; faces of kernels use it, who calls a kernel itself must have asked for it.
   *
   * @throws {HotError} `HOT_MEMORY_EXHAUSTED` if it does not fit.
   * @throws {TypeError} On a thread that attached without one.
   */
  get scratch(): number {
    return this.#scratch ?? this.#useScratch(this.reserveScratch("this thread"));
  }

  /**
   * Takes a scratch area from the heap for another thread, to be given to {@link attach} there. A thread that takes
   * the place of one that has ended may use its area.
   *
   * @param what Name of the thread, for the message when it does not fit.
   */
  reserveScratch(what: string): number {
    return this.allocate(SCRATCH_BYTES, `scratch area of ${what}`);
  }

  #useScratch(address: number): number {
    this.kernels.scratchInit(address);
    return this.#scratch = address;
  }

  /** Size of the memory in bytes. */
  get bytes(): number {
    return this.u8.length;
  }

  /** Bytes not yet handed out; 0 on a thread that only attached. */
  get freeBytes(): number {
    return this.#heapEnd === undefined ? 0 : Math.min(this.bytes, SCRATCH_UNSET) - this.#heapEnd;
  }

  /**
   * Hands out a zeroed region, aligned to 128 bytes, for the life of the memory. Only the creating thread may.
   *
   * @param what Name of the region, for the message when it does not fit.
   * @returns Address of the region.
   * @throws {HotError} `HOT_MEMORY_EXHAUSTED` if it does not fit.
   */
  allocate(bytes: number, what: string): number {
    const at = this.#heapEnd;
    if (at === undefined) {
      throw new TypeError(`Cannot allocate '${what}': this thread only attached to the memory`);
    }
    const size = Math.ceil(bytes / REGION_ALIGN_BYTES) * REGION_ALIGN_BYTES;
    if (!(size >= 0 && size <= this.freeBytes)) {
      throw new HotError(
        "HOT_MEMORY_EXHAUSTED",
        `Cannot allocate ${bytes} bytes of hot memory for '${what}': ${this.freeBytes} of ${this.bytes} bytes are free`,
      );
    }
    this.#heapEnd = at + size;
    return at;
  }
}

function assertBytes(bytes: number): void {
  if (!(bytes > HEAP_OFFSET && bytes <= MAXIMUM_PAGES * PAGE_BYTES)) {
    throw new RangeError(
      `Cannot create hot memory: 'bytes' must be > ${HEAP_OFFSET} and <= 4 GiB, got ${bytes}`,
    );
  }
}
