/**
 * The beginning of a walk: whether a peer has the block it calls its best, and where its chain and ours part.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 5.2.
 *
 * @module
 */

import { equalBytes } from "./bytes.ts";
import type { RequestBody, ResponseOf, SyncContext, SyncPeer } from "./sync_context.ts";
import type { SyncChain } from "./sync_chain.ts";
import { ConnectionSearch } from "./sync_connection.ts";
import type { ChainPosition } from "./sync_events.ts";
import type { SyncLookups } from "./sync_lookups.ts";

/** A question that stays open is asked so often. */
const ASKED_MAX = 3;

/** What an {@link Approach} works with. */
export interface ApproachParts {
  readonly context: SyncContext;
  readonly chain: SyncChain;
  readonly lookups: SyncLookups;
}

/** A question to the guide. */
interface Question {
  readonly send: () => boolean;
  asked: number;
  askedMs: number;
  isAnswered: boolean;
}

/** How an approach ended: at the last block that both chains share, at a contradicted base, or before. */
export type ApproachEnd = { readonly connection: ChainPosition } | "refused" | "failed";

/** See the module's note. */
export class Approach {
  readonly #parts: ApproachParts;
  readonly #guide: SyncPeer;
  readonly #target: { readonly number: number; readonly hash: Uint8Array };
  /** So long a question may stay open before it is asked again; longer for a peer that failed before. */
  readonly #patienceMs: number;
  /** No lower block is asked for. */
  readonly #lowest: ChainPosition;
  #question: Question | undefined;
  #hasBest = false;
  #search: ConnectionSearch | undefined;
  /** The highest block that the search has found to be shared. */
  #shared: ChainPosition | undefined;
  #end: ApproachEnd | undefined;

  constructor(
    parts: ApproachParts,
    guide: SyncPeer,
    target: { readonly number: number; readonly hash: Uint8Array },
    lowest: ChainPosition = parts.chain.base,
  ) {
    this.#parts = parts;
    this.#lowest = lowest;
    this.#guide = guide;
    this.#target = target;
    const { stealAfterMs, config } = parts.context;
    this.#patienceMs = Math.min(config.requestTimeoutMs / ASKED_MAX, stealAfterMs * 2 ** guide.failures);
  }

  get end(): ApproachEnd | undefined {
    return this.#end;
  }

  /** The guide has shown the header of its best block. */
  get hasBest(): boolean {
    return this.#hasBest;
  }

  /**
   * The same for another tip of ours; the best header need not be shown again.
   *
   * @param lowest A block known to be shared.
   */
  again(lowest: ChainPosition): Approach {
    const approach = new Approach(this.#parts, this.#guide, this.#target, lowest);
    approach.#hasBest = this.#hasBest;
    return approach;
  }

  pump(): void {
    if (this.#end === undefined && this.#guide.distrusted) this.#end = "failed";
    while (this.#end === undefined) {
      this.#question ??= this.#hasBest ? this.#next() : this.#askBest();
      const question = this.#question;
      if (question === undefined) continue;
      if (question.isAnswered) return;
      const { nowMs } = this.#parts.context;
      if (question.asked > 0 && nowMs - question.askedMs <= this.#patienceMs) return;
      if (question.asked >= ASKED_MAX) {
        this.#end = "failed";
        return;
      }
      if (!question.send()) return;
      question.asked++;
      question.askedMs = nowMs;
    }
  }

  /** A question whose first answer counts. */
  #ask<T extends RequestBody>(body: T, received: (message: AnswerTo<T>) => void): Question {
    const question: Question = {
      send: () =>
        this.#parts.context.request<T>(this.#guide, body, (message) => {
          if (this.#question !== question || question.isAnswered || this.#end !== undefined) return;
          question.isAnswered = true;
          received(message as AnswerTo<T>);
        }, () => {}),
      asked: 0,
      askedMs: 0,
      isAnswered: false,
    };
    return question;
  }

  #askBest(): Question {
    const { context } = this.#parts;
    const { hash, number } = this.#target;
    return this.#ask({ type: "block-headers-request", hash, count: 1 }, ({ headers }) => {
      const [bytes] = headers;
      const isOne = headers.length === 1 && bytes!.length <= context.config.headerBytes;
      const best = isOne ? context.identify(bytes!) : undefined;
      this.#question = undefined;
      if (best !== undefined && equalBytes(best.hash, hash) && best.number === number) {
        this.#hasBest = true;
        return;
      }
      context.score(this.#guide, "invalid-header", `Best header is not block ${number} as advertised`);
      this.#end = "failed";
    });
  }

  /** The tip first, which most peers have; then the binary search, then the base itself unless it is genesis. */
  #next(): Question | undefined {
    const { tip, base } = this.#parts.chain;
    const lowest = this.#lowest;
    if (this.#search === undefined) {
      // Nothing but genesis, which all chains share: no question needed.
      if (tip.number === 0) this.#end = { connection: base };
      else if (this.#target.number > tip.number) {
        return this.#compare(tip.number, (ours) => {
          if (ours !== undefined) this.#end = { connection: ours };
          else this.#search = new ConnectionSearch(lowest.number, tip.number);
        });
      } else this.#search = new ConnectionSearch(lowest.number, this.#target.number);
      return undefined;
    }
    const { result, height } = this.#search;
    if (result === undefined) {
      return this.#compare(height, (ours) => {
        this.#shared = ours ?? this.#shared;
        this.#search!.answer(ours !== undefined);
      });
    }
    const isGiven = result === 0 || lowest !== base;
    const connection = this.#shared ?? (isGiven ? lowest : undefined);
    if (connection !== undefined) {
      this.#end = { connection };
      return undefined;
    }
    return this.#compare(base.number, (ours) => {
      if (ours !== undefined) this.#end = { connection: ours };
      else this.#contradictBase();
    });
  }

  /** Asks the guide for its block at a height and looks ours up; `ours` is there if they are one. */
  #compare(height: number, done: (ours: ChainPosition | undefined) => void): Question {
    return this.#ask({ type: "block-hash-request", height }, ({ hash }) => {
      this.#parts.lookups.ask(height, (ours) => {
        if (this.#end !== undefined) return;
        this.#question = undefined;
        done(ours !== undefined && equalBytes(ours.hash, hash) ? ours : undefined);
      });
    });
  }

  #contradictBase(): void {
    this.#parts.chain.denial(
      this.#target,
      `The chain of block ${this.#target.number} does not have the block that sync began from`,
    );
    this.#end = "refused";
  }
}

type AnswerTo<T extends RequestBody> = T["type"] extends "block-hash-request"
  ? ResponseOf<"block-hash-response">
  : ResponseOf<"block-headers-response">;
