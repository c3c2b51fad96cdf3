/**
 * What a pool's Workers are told, and what one part of each job is.
 *
 * Layer: hot.
 *
 * @module
 */

import {
  AUXPOW_ROW_BYTES,
  BLAKE3_CHUNK_BYTES,
  DIGEST_BYTES,
  HASH_ROW_BYTES,
  HEADER_ROW_BYTES,
  SCRATCH_STREAM_OFFSET,
} from "../../wasm/layout.ts";
import type { HotKernels } from "./kernels.ts";
import type { HotMemory, HotMemoryHandle } from "./memory.ts";

/** Rows of one part of a batch: some microseconds of work, so that taking a part costs next to nothing. */
export const ROWS_PER_PART = 64;

/** A kernel that works through rows; their layout is that of wasm/layout.ts. */
interface RowKernel {
  readonly rowBytes: number;
  run(kernels: HotKernels, rows: number, count: number): void;
}

const ROW_KERNELS = {
  blake3: {
    rowBytes: HASH_ROW_BYTES,
    run: (kernels, rows, count) => kernels.blake3Batch(rows, count, kernels.blake3UnkeyedKey(), 0),
  },
  keccak256: {
    rowBytes: HASH_ROW_BYTES,
    run: (kernels, rows, count) => kernels.keccak256Batch(rows, count),
  },
  sha256d: {
    rowBytes: HASH_ROW_BYTES,
    run: (kernels, rows, count) => kernels.sha256dBatch(rows, count),
  },
  auxpow: {
    rowBytes: AUXPOW_ROW_BYTES,
    run: (kernels, rows, count) => void kernels.auxpowBatch(rows, count),
  },
  header: {
    rowBytes: HEADER_ROW_BYTES,
    run: (kernels, rows, count) => void kernels.headerBatch(rows, count),
  },
} as const satisfies Record<string, RowKernel>;

/** Kernels that work through rows: `HASH_ROW_*`, `AUXPOW_ROW_*` or `HEADER_ROW_*` of wasm/layout.ts. */
export type BatchKernel = keyof typeof ROW_KERNELS;

/** Work that is cut into parts, numbered from 0, any of which any Worker may do. */
export type PoolJob =
  | { readonly kind: "batch"; readonly kernel: BatchKernel; readonly rows: number; readonly count: number }
  | {
    readonly kind: "subtrees";
    readonly address: number;
    /** Chunks of each part, a power of two. */
    readonly chunks: number;
    /** Where the chaining values go, part by part. */
    readonly values: number;
  };

/** First message to a Worker. */
export interface PoolWorkerStart {
  readonly memory: HotMemoryHandle;
  readonly scratch: number;
  /** Address of the u32 from which parts are taken. */
  readonly next: number;
}

/** Any later message: a job of `parts` parts. */
export interface PoolWorkerJob {
  readonly job: PoolJob;
  readonly parts: number;
}

/** What a Worker answers when it is ready, and after each job: whether a kernel trapped, and how. */
export interface PoolWorkerReply {
  readonly trap?: string;
}

/** Does one part of a job. */
export function runPart(memory: HotMemory, job: PoolJob, part: number): void {
  if (job.kind === "batch") {
    const from = part * ROWS_PER_PART;
    const { rowBytes, run } = ROW_KERNELS[job.kernel];
    return run(memory.kernels, job.rows + from * rowBytes, Math.min(ROWS_PER_PART, job.count - from));
  }
  const { kernels, scratch } = memory;
  const state = scratch + SCRATCH_STREAM_OFFSET;
  const bytes = job.chunks * BLAKE3_CHUNK_BYTES;
  kernels.blake3StartSubtree(state, kernels.blake3UnkeyedKey(), 0, part * job.chunks, 0);
  kernels.blake3Update(state, job.address + part * bytes, bytes);
  kernels.blake3FinishSubtree(state, job.values + part * DIGEST_BYTES);
}
