/**
 * Blocks above the newest one, from a peer: they take part in the publish race like those of any publisher.
 *
 * Layer: services. One path for every block that continues the chain: the publish machine decides, the verify Worker
 * checks, the store writes, all publishers are acknowledged and next_expected moves on. Source: spec/block-node.md
 * §3.5, §7.4.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import { encodeEndOfBlock, encodeItemsRequest } from "../../protocols/hiero/publish_messages.ts";
import { type EndOfStreamStatus, parsePublishResponse } from "../../protocols/hiero/publish_responses.ts";
import type { BidiCall, StreamHandler } from "../../rpc/types.ts";
import {
  type BlockRangeRequest,
  type FetchLimits,
  type FetchOutcome,
  peerFault,
  readRange,
} from "./backfill_fetch.ts";
import type { BackfillPeer } from "./backfill_peer.ts";

/** Granularity of looking for blocks that have been lost on the way. */
const LOOK_MS = 100;
/** What the publish machine says about a block that is the sender's fault. */
const PEER_FAULTS: Partial<Record<EndOfStreamStatus, string>> = {
  BAD_BLOCK_PROOF: "refused",
  INVALID_REQUEST: "malformed",
};

/** What {@link fetchLiveTail} works with. */
export interface LiveTailDeps {
  /** PublishPipeline.connect(). */
  readonly connect: (call: BidiCall<Uint8Array>) => StreamHandler<Uint8Array>;
  /** Last stored block. */
  readonly lastStored: () => bigint | undefined;
  /** Lowest block above it that nobody is bringing. */
  readonly next: () => bigint;
  readonly log: Logger;
}

/** Fetches the blocks and settles when they are stored, or cannot be. Never throws. */
export async function fetchLiveTail(
  peer: BackfillPeer,
  { name, signal, ...range }: BlockRangeRequest & { readonly name: string; readonly signal: AbortSignal },
  limits: FetchLimits,
  deps: LiveTailDeps,
): Promise<FetchOutcome> {
  const publisher = new PeerPublisher(name, signal, deps);
  try {
    const ready = () => publisher.ready();
    const cancel = AbortSignal.any([signal, publisher.over]);
    for await (const part of readRange(peer, range, { ...limits, signal: cancel, ready })) {
      if (part.kind === "end-of-block") publisher.endBlock(part.number);
      else publisher.items(part.set.records, part.opens);
    }
    return await publisher.stored(range, limits.perBlockTimeoutMs);
  } catch (error) {
    return publisher.outcome ??
      (signal.aborted ? { kind: "interrupted", reason: "stopping" } : peerFault(error));
  } finally {
    publisher.close();
  }
}

/** The peer's blocks as a publish stream inside of this process. */
class PeerPublisher implements BidiCall<Uint8Array> {
  readonly context: BidiCall<Uint8Array>["context"];
  /** Why the stream came to its end; undefined while it is open. */
  outcome: FetchOutcome | undefined;
  readonly #deps: LiveTailDeps;
  readonly #handler: StreamHandler<Uint8Array>;
  readonly #over = new AbortController();
  #paused: PromiseWithResolvers<void> | undefined;
  #skipping = false;
  /** Whether the peer has sent everything: it cannot be late any more. */
  #complete = false;

  constructor(name: string, signal: AbortSignal, deps: LiveTailDeps) {
    this.#deps = deps;
    this.context = { signal, peer: name, requestId: "backfill", metadata: new Map(), log: deps.log };
    this.#handler = deps.connect(this);
  }

  /** Aborted when nothing more is taken. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Resolves when the node takes more, or nothing any more. */
  async ready(): Promise<void> {
    while (this.#paused !== undefined) await this.#paused.promise;
    this.over.throwIfAborted();
  }

  items(records: Uint8Array, opens: boolean): void {
    if (opens) this.#skipping = false;
    if (!this.#skipping) this.#handler.message(encodeItemsRequest(records));
  }

  endBlock(number: bigint): void {
    if (!this.#skipping) this.#handler.message(encodeEndOfBlock(number));
  }

  /** Waits until the blocks are stored. One that takes longer than `timeoutMs` ends the wait. */
  async stored({ first, last }: BlockRangeRequest, timeoutMs: number): Promise<FetchOutcome> {
    this.#complete = true;
    let before = this.#deps.lastStored();
    let sinceMs = performance.now();
    for (;;) {
      const now = this.#deps.lastStored();
      if (now !== undefined && now >= last) return { kind: "fetched", blocks: Number(last - first) + 1 };
      if (this.outcome !== undefined) return this.outcome;
      // A block that somebody else was bringing has failed or was given up.
      if (this.#deps.next() <= last) return { kind: "interrupted", reason: "missing" };
      if (now !== before) [before, sinceMs] = [now, performance.now()];
      else if (performance.now() - sinceMs > timeoutMs) return { kind: "interrupted", reason: "slow" };
      await this.#nextAnswer();
    }
  }

  #answered: PromiseWithResolvers<void> | undefined;

  async #nextAnswer(): Promise<void> {
    this.#answered = Promise.withResolvers();
    const timer = setTimeout(this.#answered.resolve, LOOK_MS);
    await this.#answered.promise;
    clearTimeout(timer);
  }

  send(bytes: Uint8Array): boolean {
    const response = parsePublishResponse(bytes);
    if (response?.kind === "skip") this.#skipping = true;
    else if (response?.kind === "behind" || response?.kind === "resend") {
      this.#finish({ kind: "interrupted", reason: "missing" });
    } else if (response?.kind === "end-stream") {
      const { status, proximate } = response;
      const fault = PEER_FAULTS[status];
      this.#finish(
        fault === undefined
          ? { kind: "interrupted", reason: status }
          : { kind: "failed", reason: fault, message: `Cannot take block ${proximate}: ${status}` },
      );
    }
    this.#answered?.resolve();
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  end(error?: Error): void {
    const isLate = error instanceof CairnError && error.code === "IDLE_TIMEOUT" && !this.#complete;
    this.#finish(
      isLate
        ? { kind: "failed", reason: "timeout", message: error.message }
        : { kind: "interrupted", reason: "ended" },
    );
  }

  /** Gives up what is unfinished; what came whole goes on. */
  close(): void {
    this.#finish({ kind: "interrupted", reason: "ended" });
    this.#handler.closed();
  }

  #finish(outcome: FetchOutcome): void {
    this.outcome ??= outcome;
    this.#over.abort();
    this.resume();
    this.#answered?.resolve();
  }
}
