/**
 * Fetching a range of blocks from a peer: what every fetch shares, and how one may end.
 *
 * Layer: services. Source: spec/block-node.md §7.4.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import { BlockRangeError, type BlockRangePart, BlockRangeReader } from "../../protocols/hiero/block_range.ts";
import type { BackfillPeer } from "./backfill_peer.ts";

/** Blocks to fetch, both ends included. */
export interface BlockRangeRequest {
  readonly first: bigint;
  readonly last: bigint;
}

/** Bounds of one fetch. */
export interface FetchLimits {
  readonly maxBlockBytes: number;
  /** Time for a block to arrive whole while this node reads, and for one to be verified and stored, in milliseconds. */
  readonly perBlockTimeoutMs: number;
  /** Time for the whole call, in milliseconds. */
  readonly fetchTimeoutMs: number;
}

/** How a fetch ended. `failed`: by the peer's fault. `interrupted`: by nobody's, try again. */
export type FetchOutcome =
  | { readonly kind: "fetched"; readonly blocks: number }
  | { readonly kind: "failed"; readonly reason: string; readonly message: string }
  | { readonly kind: "interrupted"; readonly reason: string };

/** Fetches, verifies and stores a range; settles when all of it is stored, or cannot be. */
export type FetchLane = (
  peer: BackfillPeer,
  range: BlockRangeRequest & { readonly name: string; readonly signal: AbortSignal },
  limits: FetchLimits,
) => Promise<FetchOutcome>;

/** What {@link readRange} works with. */
export interface FetchOptions extends FetchLimits {
  readonly signal: AbortSignal;
  /** Awaited before each message is handed on: while it is pending, the peer is held back and not timed. */
  readonly ready?: () => Promise<void>;
}

/**
 * The parts of a range, message by message.
 *
 * @throws {BlockRangeError} If the peer sends anything else.
 * @throws {CairnError} `DEADLINE_EXCEEDED` if it is too slow, or a transport error.
 */
export async function* readRange(
  peer: BackfillPeer,
  range: BlockRangeRequest,
  { signal, ready, maxBlockBytes, perBlockTimeoutMs, fetchTimeoutMs }: FetchOptions,
): AsyncIterable<BlockRangePart> {
  const reader = new BlockRangeReader({ ...range, maxBlockBytes });
  const late = new AbortController();
  const watch = new Stopwatch(perBlockTimeoutMs, () => {
    const message = `Cannot read block ${reader.next}: it did not come within ${perBlockTimeoutMs} ms`;
    late.abort(new CairnError("DEADLINE_EXCEEDED", message));
  });
  try {
    const messages = peer.blocks(range.first, range.last, {
      signal: AbortSignal.any([signal, late.signal]),
      timeoutMs: fetchTimeoutMs,
    });
    watch.run();
    for await (const bytes of messages) {
      watch.pause();
      const part = reader.read(bytes);
      await ready?.();
      yield part;
      if (reader.complete) return;
      if (part.kind === "end-of-block") watch.reset();
      watch.run();
    }
    reader.end();
  } finally {
    watch.pause();
  }
}

/** What a thrown error of {@link readRange} means for the peer. */
export function peerFault(error: unknown): FetchOutcome {
  if (error instanceof BlockRangeError) {
    return { kind: "failed", reason: error.problem, message: error.message };
  }
  if (error instanceof CairnError) {
    const reason = error.code === "DEADLINE_EXCEEDED" ? "timeout" : "unavailable";
    return { kind: "failed", reason, message: error.message };
  }
  throw error;
}

/** Runs out after a time of running; time spent paused does not count. */
class Stopwatch {
  readonly #limitMs: number;
  readonly #onEnd: () => void;
  #leftMs: number;
  #startedAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limitMs: number, onEnd: () => void) {
    this.#limitMs = limitMs;
    this.#leftMs = limitMs;
    this.#onEnd = onEnd;
  }

  run(): void {
    this.#startedAtMs = performance.now();
    this.#timer = setTimeout(this.#onEnd, this.#leftMs);
  }

  pause(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#startedAtMs));
  }

  reset(): void {
    this.#leftMs = this.#limitMs;
  }
}
