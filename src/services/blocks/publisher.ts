/**
 * A block stream publisher: sends blocks in order, keeps what is not acknowledged, and does what the node answers.
 *
 * Layer: services. Source: spec/block-node.md §3 (from the publisher's side). Used by `cairn blocks publish`, the
 * example and the load test; the transport comes in as a {@link PublishChannel}.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import { splitBlock } from "../../protocols/hiero/block_split.ts";
import {
  encodeEndOfBlock,
  encodeEndStream,
  encodeItemsRequest,
  END_STREAM_CODE,
} from "../../protocols/hiero/publish_messages.ts";
import {
  type EndOfStreamStatus,
  parsePublishResponse,
  type PublishResponse,
} from "../../protocols/hiero/publish_responses.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";

/** Time to let the node's other answers arrive before sending again from where it stands: each block on its way gets
 * one, and a node whose queue is full needs a moment anyway. */
const BEHIND_PAUSE_MS = 100;

/** A publishBlockStream call, as the publisher drives it. */
export interface PublishChannel {
  /** Sends one serialized PublishStreamRequest. @returns `false` if {@link drained} should be awaited first. */
  send(request: Uint8Array): boolean;
  drained(): Promise<void>;
  /** Half-closes. */
  end(): void;
  /** Breaks the call off. */
  cancel(): void;
  /** Serialized PublishStreamResponses; ends when the call ends with OK, throws otherwise. */
  readonly responses: AsyncIterable<Uint8Array>;
}

/** Where blocks come from. */
export interface BlockSource {
  readonly first: bigint;
  /** The serialized block, or `undefined` past the last one. Asked in order, and again for a resend. */
  block(number: bigint): Promise<Uint8Array | undefined> | Uint8Array | undefined;
}

/** Options of {@link publishBlocks}. */
export interface PublishOptions {
  readonly signal: AbortSignal;
  /** Blocks per second at most. @default {Infinity} */
  readonly blocksPerSecond?: number;
  /** Blocks sent and not acknowledged at most. @default {64} */
  readonly window?: number;
  /** Called after every answer. */
  readonly onProgress?: (progress: PublishProgress) => void;
  /** Called with every entry of {@link PublishResult.latenciesMs}, as it arrives. */
  readonly onLatency?: (milliseconds: number) => void;
  /** Milliseconds, monotonic. @default {performance.now} */
  readonly now?: () => number;
}

/** Where a publication stands. */
export interface PublishProgress {
  readonly sent: number;
  readonly acknowledged: number;
  readonly skipped: number;
  readonly resent: number;
  readonly bytes: number;
  readonly lastAcknowledged: bigint | undefined;
}

/** How a publication ended. */
export interface PublishResult extends PublishProgress {
  readonly seconds: number;
  /** Milliseconds from the block's end sent to its acknowledgement, in order of arrival. */
  readonly latenciesMs: readonly number[];
  /** Set if the node ended the stream before everything was acknowledged. */
  readonly ended:
    | { readonly status: EndOfStreamStatus; readonly number: bigint; readonly proximate: bigint }
    | undefined;
}

interface InFlight {
  readonly block: Uint8Array;
  /** Undefined until its BlockEnd is sent. */
  sentAtMs: number | undefined;
}

/** One publication over one call. */
class Publication {
  readonly #channel: PublishChannel;
  readonly #source: BlockSource;
  readonly #options: Required<Pick<PublishOptions, "blocksPerSecond" | "window" | "now">> & PublishOptions;
  /** Sent, neither acknowledged nor skipped; at most `window`. */
  readonly #inFlight = new Map<bigint, InFlight>();
  readonly #latenciesMs: number[] = [];
  /** Sent, then given up because the node said it is behind; acknowledged all the same, they are done. */
  readonly #givenUp = new Set<bigint>();
  #next: bigint;
  #resend: bigint[] = [];
  #resumeAtMs = 0;
  #counts = { sent: 0, acknowledged: 0, skipped: 0, resent: 0, bytes: 0 };
  #lastAcknowledged: bigint | undefined;
  #ended: PublishResult["ended"];
  #failure: unknown;
  #over = false;
  #wake: () => void = () => {};

  constructor(channel: PublishChannel, source: BlockSource, options: PublishOptions) {
    this.#channel = channel;
    this.#source = source;
    this.#next = source.first;
    this.#options = { blocksPerSecond: Infinity, window: 64, now: () => performance.now(), ...options };
  }

  async run(): Promise<PublishResult> {
    const started = this.#options.now();
    const answers = this.#listen();
    try {
      await this.#sendAll(started);
      if (!this.#over) {
        const last = this.#lastAcknowledged ?? 0n;
        this.#channel.send(encodeEndStream(END_STREAM_CODE.RESET, this.#source.first, last));
        this.#channel.end();
      }
    } catch (thrown) {
      // Said once the call is over: a call left open would keep the node and this process waiting for each other.
      this.#failure ??= thrown;
      this.#channel.cancel();
    }
    await answers;
    if (this.#failure !== undefined) throw this.#failure;
    return {
      ...this.#progress(),
      seconds: (this.#options.now() - started) / 1000,
      latenciesMs: this.#latenciesMs,
      ended: this.#ended,
    };
  }

  async #sendAll(started: number): Promise<void> {
    const { blocksPerSecond, signal, now } = this.#options;
    let paced = 0;
    while (!this.#over) {
      signal.throwIfAborted();
      if (this.#resumeAtMs > now()) {
        await this.#change(Math.max(1, this.#resumeAtMs - now()));
        continue;
      }
      const again = this.#resend.shift();
      if (again === undefined) {
        // Before the source is asked: it may make a block for every question.
        const dueMs = started + (paced * 1000) / blocksPerSecond;
        const isFull = this.#inFlight.size >= this.#options.window;
        if (isFull || dueMs > now() + 1) {
          await this.#change(isFull ? undefined : Math.max(1, dueMs - now()));
          continue;
        }
      }
      const number = again ?? this.#next;
      const block = this.#inFlight.get(number)?.block ?? await this.#source.block(number);
      if (block === undefined) {
        if (again !== undefined) throw unavailable(number);
        if (this.#inFlight.size === 0) return;
        await this.#change();
        continue;
      }
      if (again === undefined) {
        if (this.#over || number !== this.#next) continue;
        paced++;
        this.#next = number + 1n;
      }
      await this.#send(number, block);
    }
  }

  async #send(number: bigint, block: Uint8Array): Promise<void> {
    const entry: InFlight = { block, sentAtMs: undefined };
    this.#inFlight.set(number, entry);
    this.#givenUp.delete(number);
    let room = true;
    for (const run of splitBlock(block)) {
      if (!room) await this.#channel.drained();
      if (this.#over) return;
      room = this.#channel.send(encodeItemsRequest(run));
    }
    entry.sentAtMs = this.#options.now();
    room = this.#channel.send(encodeEndOfBlock(number));
    this.#counts.sent++;
    this.#counts.bytes += block.length;
    if (!room) await this.#channel.drained();
  }

  async #listen(): Promise<void> {
    try {
      for await (const bytes of this.#channel.responses) {
        const response = parsePublishResponse(bytes);
        if (response === undefined) continue;
        this.#answer(response);
        this.#options.onProgress?.(this.#progress());
        this.#wake();
      }
      if (this.#ended === undefined && this.#inFlight.size > 0) {
        this.#failure ??= new CairnError(
          "PEER_UNAVAILABLE",
          `Cannot publish: the stream ended with ${this.#inFlight.size} blocks unacknowledged`,
        );
      }
    } catch (thrown) {
      this.#failure ??= thrown;
    } finally {
      this.#over = true;
      this.#wake();
    }
  }

  #answer(response: PublishResponse): void {
    switch (response.kind) {
      case "acknowledgement": {
        const now = this.#options.now();
        // Cumulative (spec §3.5): it stands for every block below, too.
        for (const [number, { sentAtMs }] of this.#inFlight) {
          if (number > response.number) continue;
          this.#inFlight.delete(number);
          this.#counts.acknowledged++;
          // Before its end was sent, another publisher's copy was acknowledged.
          if (sentAtMs === undefined) continue;
          this.#latenciesMs.push(now - sentAtMs);
          this.#options.onLatency?.(now - sentAtMs);
        }
        for (const number of this.#givenUp) {
          if (number > response.number) continue;
          this.#givenUp.delete(number);
          this.#counts.acknowledged++;
          if (this.#next <= number) this.#next = number + 1n;
        }
        this.#lastAcknowledged = response.number;
        return;
      }
      case "skip":
        if (this.#inFlight.delete(response.number)) this.#counts.skipped++;
        return;
      case "resend":
        // Said at every BlockEnd until the block arrives; one that is on its way is not sent twice.
        if (this.#inFlight.has(response.number) || this.#resend.includes(response.number)) return;
        this.#counts.resent++;
        this.#resend.push(response.number);
        return;
      case "behind":
        // The node has nothing after this number: go on from there, also where that means going back.
        this.#next = response.number === UINT64_MAX ? 0n : response.number + 1n;
        for (const number of this.#inFlight.keys()) this.#givenUp.add(number);
        this.#inFlight.clear();
        this.#resumeAtMs = this.#options.now() + BEHIND_PAUSE_MS;
        if (this.#next < this.#source.first) throw unavailable(this.#next);
        return;
      case "end-stream":
        this.#ended = response;
        this.#over = true;
    }
  }

  #progress(): PublishProgress {
    return { ...this.#counts, lastAcknowledged: this.#lastAcknowledged };
  }

  /** Resolves at the next answer, at the end, or after `timeoutMs`. */
  #change(timeoutMs?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#options;
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(wake, timeoutMs);
    this.#wake = wake;
    signal.addEventListener("abort", wake, { once: true });
    if (this.#over || signal.aborted) wake();
    return promise;
  }
}

function unavailable(number: bigint): CairnError {
  return new CairnError(
    "BLOCK_NOT_FOUND",
    `Cannot publish: the node asks for block ${number}, which is not at hand`,
    {
      hint: "publish from an earlier block",
    },
  );
}

/**
 * Publishes every block of `source` over `channel` and waits until all are acknowledged or skipped.
 *
 * @returns How it went; `ended` is set if the node gave up on the stream.
 * @throws {CairnError} `PEER_UNAVAILABLE` and other transport errors; `BLOCK_NOT_FOUND` if the node asks for a block
 *   that the source does not have. The signal's reason is rethrown unchanged.
 */
export function publishBlocks(
  channel: PublishChannel,
  source: BlockSource,
  options: PublishOptions,
): Promise<PublishResult> {
  return new Publication(channel, source, options).run();
}
