/**
 * Which of two branches is the chain.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 5.2 and 7. Headers alone give a lower bound of
 * a branch's weight: the difficulty of uncles is in the bodies. With `exactBlocks` the uncles of the blocks above the
 * fork point are fetched and checked first, on both sides; deeper forks, and all without it, are compared by the trunk.
 * So are those whose bodies no peer gives, and that is said: peers that are header clients themselves have none.
 *
 * @module
 */

import type { KnownBlock, SyncChain } from "./sync_chain.ts";
import { UNCLES_MAX } from "./rules.ts";
import type { SyncContext, SyncPeer } from "./sync_context.ts";
import type { ChainPosition } from "./sync_events.ts";

/** Branches that wait for bodies. */
const CANDIDATES_MAX = 8;
/** Weights of blocks remembered. */
const WEIGHTS_MAX = 8_192;
/** Whoever has let a request for a body lapse is not asked for bodies for so long. */
const BODILESS_MS = 600_000;

interface Candidate {
  readonly head: ChainPosition;
  readonly forkPoint: ChainPosition;
  readonly sinceMs: number;
}

/** Who has been asked for a body. */
interface Question {
  readonly asked: Set<SyncPeer>;
  /** Requests without an answer, and answers being checked. */
  open: number;
  lastMs: number;
}

/** See the module's note. */
export class ForkJudge {
  readonly #context: SyncContext;
  readonly #chain: SyncChain;
  readonly #candidates: Candidate[] = [];
  /** Sum of the uncles' difficulties by block hash. */
  readonly #weights = new Map<string, bigint>();
  /** By block hash. */
  readonly #questions = new Map<string, Question>();
  readonly #checking = new Map<
    number,
    { readonly block: string; readonly peer: SyncPeer; readonly question: Question }
  >();

  constructor(context: SyncContext, chain: SyncChain) {
    this.#context = context;
    this.#chain = chain;
  }

  /** A branch has grown to `head`. Makes it the canonical chain if it is heavier, at once or once its uncles are known. */
  consider(head: ChainPosition, forkPoint: ChainPosition): void {
    const { tip } = this.#chain;
    if (head.hash.toHex() === tip.hash.toHex()) return;
    const { config, nowMs } = this.#context;
    const depth = Math.max(head.number, tip.number) - forkPoint.number;
    if (depth > config.exactBlocks) return this.#byTrunk(head, forkPoint);
    this.#candidates.push({ head, forkPoint, sinceMs: nowMs });
    if (this.#candidates.length > CANDIDATES_MAX) this.#candidates.shift();
  }

  pump(): void {
    for (const candidate of [...this.#candidates]) {
      const isSettled = this.#settle(candidate);
      if (isSettled) this.#candidates.splice(this.#candidates.indexOf(candidate), 1);
    }
    if (this.#candidates.length === 0) this.#questions.clear();
  }

  checked(ticket: number, difficulty: bigint | undefined): void {
    const check = this.#checking.get(ticket);
    if (check === undefined) return;
    this.#checking.delete(ticket);
    check.question.open--;
    if (difficulty === undefined) {
      this.#context.score(
        check.peer,
        "invalid-message",
        `Uncles of block ${check.block} are not those of its header`,
      );
    } else {
      if (this.#weights.size >= WEIGHTS_MAX) this.#weights.delete(this.#weights.keys().next().value!);
      this.#weights.set(check.block, difficulty);
    }
  }

  #byTrunk(head: ChainPosition, forkPoint: ChainPosition): void {
    if (this.#chain.isHeavier(head, this.#chain.tip)) this.#chain.adopt(head, forkPoint);
  }

  /** True once the candidate has won, lost, or can no longer be compared. */
  #settle({ head, forkPoint, sinceMs }: Candidate): boolean {
    const { tip } = this.#chain;
    const block = this.#chain.known(forkPoint.hash.toHex());
    if (head.hash.toHex() === tip.hash.toHex() || block === undefined || !this.#chain.isCanonical(block)) {
      return true;
    }
    const [theirs, ours] = [this.#weigh(head, block), this.#weigh(tip, block)];
    if (theirs === "unknown" || ours === "unknown") return true;
    if (typeof theirs === "object" && typeof ours === "object") {
      if (this.#chain.isHeavier(theirs, ours)) this.#chain.adopt(head, forkPoint);
      return true;
    }
    const { nowMs, config } = this.#context;
    const isHopeless = theirs === "missing" || ours === "missing";
    if (!isHopeless && nowMs - sinceMs < config.requestTimeoutMs) return false;
    this.#context.emit({ type: "inexact", head, tip, forkPoint });
    this.#byTrunk(head, forkPoint);
    return true;
  }

  /** `head` with the uncles above `forkPoint` counted; `missing` if nobody gives a body of them. */
  #weigh(head: ChainPosition, forkPoint: KnownBlock): ChainPosition | "awaited" | "missing" | "unknown" {
    let total = forkPoint.totalDifficulty;
    let [isAwaited, isMissing] = [false, false];
    let block = this.#chain.known(head.hash.toHex());
    for (; block !== undefined && block.number > forkPoint.number; block = this.#chain.known(block.parent)) {
      total += block.difficulty;
      if (!block.hasUncles) continue;
      const hash = block.hash.toHex();
      const weight = this.#weights.get(hash);
      if (weight !== undefined) total += weight;
      else if (this.#ask(block, hash)) isAwaited = true;
      else isMissing = true;
    }
    if (block === undefined) return "unknown";
    if (isMissing) return "missing";
    return isAwaited ? "awaited" : { ...head, totalDifficulty: total };
  }

  /** Asks for a body, unless it is on its way; false if nobody is left to ask. */
  #ask(block: KnownBlock, hash: string): boolean {
    const { nowMs, stealAfterMs, peers } = this.#context;
    const question = this.#questions.get(hash) ?? { asked: new Set(), open: 0, lastMs: -Infinity };
    this.#questions.set(hash, question);
    if (question.open > 0 && nowMs - question.lastMs < stealAfterMs) return true;
    const mayHave = (peer: SyncPeer) => !question.asked.has(peer) && peer.bodilessUntilMs <= nowMs;
    const peer = this.#context.pick(mayHave);
    if (peer !== undefined) {
      this.#send(peer, block, question);
      return true;
    }
    const trusted = [...peers.values()].filter(({ distrusted }) => !distrusted);
    return question.open > 0 || trusted.length === 0 || trusted.some(mayHave);
  }

  #send(peer: SyncPeer, { number, hash }: KnownBlock, question: Question): void {
    const isAsked = this.#context.request(peer, { type: "body-request", hash }, ({ uncles }) => {
      if (uncles.length === 0 || uncles.length > UNCLES_MAX) {
        question.open--;
        return this.#context.score(peer, "invalid-message", `${uncles.length} uncles for block ${number}`);
      }
      const ticket = this.#context.ticket();
      this.#checking.set(ticket, { block: hash.toHex(), peer, question });
      this.#context.emit({ type: "check-uncles", ticket, block: { number, hash }, uncles });
    }, () => {
      question.open--;
      peer.bodilessUntilMs = this.#context.nowMs + BODILESS_MS;
    });
    if (!isAsked) return;
    question.asked.add(peer);
    question.open++;
    question.lastMs = this.#context.nowMs;
  }
}
