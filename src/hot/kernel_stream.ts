/**
 * A streaming hash whose state is a kernel's.
 *
 * Layer: hot. States live in ordinary memory, so that there may be any number of them and the collector takes them; the
 * one in use lies in this thread's scratch area, and stays there until another one needs the place.
 *
 * @module
 */

import {
  DIGEST_BYTES,
  SCRATCH_DIGESTS_OFFSET,
  SCRATCH_STREAM_OFFSET,
  SCRATCH_WINDOW_OFFSET,
} from "../../wasm/layout.ts";
import { copyOut, windows } from "./copies.ts";
import { assertDigestFits, type StreamingHash } from "./hash_function.ts";
import type { HotKernels } from "./kernels.ts";
import { threadMemory } from "./thread_memory.ts";

/** The kernels of one streaming hash. */
export interface StreamKernels {
  /** Bytes of a state, at most `SCRATCH_STREAM_BYTES`. */
  readonly stateBytes: number;
  /** Longest output, at most `SCRATCH_DIGESTS_BYTES`; 32 for a function that is not extendable. */
  readonly maxOutputBytes: number;
  update(kernels: HotKernels, state: number, address: number, bytes: number): void;
  finish(kernels: HotKernels, state: number, out: number, bytes: number): void;
}

/** The hash whose state lies in this thread's scratch area. */
let resident: KernelStream | undefined;

/** A streaming hash that runs in this thread's own memory. */
export class KernelStream implements StreamingHash {
  readonly #stream: StreamKernels;
  readonly #memory = threadMemory();
  readonly #state = this.#memory.scratch + SCRATCH_STREAM_OFFSET;
  /** Where the state waits while another hash has the place; made the first time that happens. */
  #parked: Uint8Array<ArrayBuffer> | undefined;
  #ended = false;

  /** @param start Writes the first state at an address of this thread's memory. */
  constructor(stream: StreamKernels, start: (kernels: HotKernels, state: number) => void) {
    this.#stream = stream;
    this.#takePlace();
    start(this.#memory.kernels, this.#state);
  }

  /** Moves the state that lies there to the hash that it belongs to. */
  #takePlace(): void {
    if (resident !== undefined) resident.#park();
    resident = this;
  }

  /** Copies the state, which lies in the scratch area, to ordinary memory. */
  #park(): void {
    const { stateBytes } = this.#stream;
    this.#parked ??= new Uint8Array(stateBytes);
    this.#parked.set(this.#memory.u8.subarray(this.#state, this.#state + stateBytes));
  }

  /** Brings the state back to the scratch area. */
  #resume(action: string): void {
    if (this.#ended) throw new TypeError(`Cannot ${action}: the digest was taken before`);
    if (resident === this) return;
    this.#takePlace();
    this.#memory.u8.set(this.#parked!, this.#state);
  }

  update(input: Uint8Array): this {
    this.#resume("update");
    const { kernels, scratch } = this.#memory;
    for (const bytes of windows(this.#memory, input)) {
      this.#stream.update(kernels, this.#state, scratch + SCRATCH_WINDOW_OFFSET, bytes);
    }
    return this;
  }

  peek<Out extends Uint8Array>(out: Out): Out {
    assertDigestFits(out);
    this.#resume("peek at the digest");
    const { kernels, scratch } = this.#memory;
    this.#park();
    this.#stream.finish(kernels, this.#state, scratch + SCRATCH_DIGESTS_OFFSET, DIGEST_BYTES);
    // What lies there is spent: the hash goes on from what was parked.
    resident = undefined;
    copyOut(this.#memory, scratch + SCRATCH_DIGESTS_OFFSET, out, DIGEST_BYTES);
    return out;
  }

  digest(bytes: number = DIGEST_BYTES): Uint8Array<ArrayBuffer> {
    assertOutputBytes(bytes, this.#stream.maxOutputBytes);
    this.#resume("take the digest");
    const { kernels, scratch, u8 } = this.#memory;
    const out = scratch + SCRATCH_DIGESTS_OFFSET;
    this.#stream.finish(kernels, this.#state, out, bytes);
    this.#ended = true;
    this.#parked = undefined;
    resident = undefined;
    return new Uint8Array(u8.subarray(out, out + bytes));
  }
}

/** Refuses an output length that a function does not have: 32 bytes it always has, others up to `max`. */
export function assertOutputBytes(bytes: number, max: number): void {
  if (
    bytes === DIGEST_BYTES || (Number.isInteger(bytes) && bytes >= 0 && bytes <= max && max > DIGEST_BYTES)
  ) {
    return;
  }
  const what = max > DIGEST_BYTES ? `from 0 to ${max}` : `${DIGEST_BYTES}`;
  throw new RangeError(`Cannot take the digest: 'bytes' must be ${what}, got ${bytes}`);
}
