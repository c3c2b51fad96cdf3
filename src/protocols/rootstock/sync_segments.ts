/**
 * Segments in verification: handed out in order, their verdicts taken in that order.
 *
 * Layer: protocols/rootstock.
 *
 * @module
 */

import type { BlockIdentifier } from "./block_identifier.ts";
import type { SyncContext } from "./sync_context.ts";
import type { SegmentVerdict } from "./verify_segment.ts";

interface Segment {
  readonly ticket: number;
  readonly owner: object;
  readonly done: (verdict: SegmentVerdict) => void;
  isCancelled: boolean;
  verdict?: SegmentVerdict;
}

/** See the module's note. */
export class SyncSegments {
  readonly #context: SyncContext;
  readonly #queue: Segment[] = [];

  constructor(context: SyncContext) {
    this.#context = context;
  }

  /** Whether another segment may be handed out. */
  get isFree(): boolean {
    return this.#queue.length < this.#context.config.verifyAhead;
  }

  /** Segments whose verdict is awaited. */
  get size(): number {
    return this.#queue.length;
  }

  submit(
    owner: object,
    after: BlockIdentifier,
    headers: readonly Uint8Array[],
    done: (verdict: SegmentVerdict) => void,
  ): void {
    const ticket = this.#context.ticket();
    this.#queue.push({ ticket, owner, done, isCancelled: false });
    this.#context.emit({
      type: "verify",
      ticket,
      after: { number: after.number, hash: after.hash },
      headers,
    });
  }

  /** Verdicts of this owner count for nothing from here on. */
  cancel(owner: object): void {
    for (const segment of this.#queue) if (segment.owner === owner) segment.isCancelled = true;
  }

  verified(ticket: number, verdict: SegmentVerdict): void {
    const segment = this.#queue.find((queued) => queued.ticket === ticket);
    if (segment === undefined) return;
    segment.verdict = verdict;
    while (this.#queue[0]?.verdict !== undefined) {
      const { isCancelled, done, verdict } = this.#queue.shift()!;
      if (!isCancelled) done(verdict!);
    }
  }
}
