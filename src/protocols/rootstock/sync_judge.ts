/**
 * Which of two branches is the chain.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 5.2 and 7. Headers alone give a lower bound of
 * a branch's weight: the difficulty of uncles is in the bodies. With `exactBlocks` the uncles of the blocks above the
 * fork point are fetched and checked first, on both sides; deeper forks, and all without it, are compared by the trunk.
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

interface Candidate {
  readonly head: ChainPosition;
  readonly forkPoint: ChainPosition;
}

/** See the module's note. */
export class ForkJudge {
  readonly #context: SyncContext;
  readonly #chain: SyncChain;
  readonly #candidates: Candidate[] = [];
  /** Sum of the uncles' difficulties by block hash. */
  readonly #weights = new Map<string, bigint>();
  readonly #asking = new Set<string>();
  /** Peers that gave no body, or a wrong one, by block hash. */
  readonly #refused = new Map<string, Set<SyncPeer>>();
  readonly #checking = new Map<number, { readonly block: string; readonly peer: SyncPeer }>();

  constructor(context: SyncContext, chain: SyncChain) {
    this.#context = context;
    this.#chain = chain;
  }

  /** A branch has grown to `head`. Makes it the canonical chain if it is heavier, at once or once its uncles are known. */
  consider(head: ChainPosition, forkPoint: ChainPosition): void {
    const { tip } = this.#chain;
    if (head.hash.toHex() === tip.hash.toHex()) return;
    const depth = Math.max(head.number, tip.number) - forkPoint.number;
    if (depth > this.#context.config.exactBlocks) {
      if (this.#chain.isHeavier(head, tip)) this.#chain.adopt(head, forkPoint);
      return;
    }
    this.#candidates.push({ head, forkPoint });
    if (this.#candidates.length > CANDIDATES_MAX) this.#candidates.shift();
  }

  pump(): void {
    for (const candidate of [...this.#candidates]) {
      const isSettled = this.#settle(candidate);
      if (isSettled) this.#candidates.splice(this.#candidates.indexOf(candidate), 1);
    }
    if (this.#candidates.length === 0) this.#refused.clear();
  }

  checked(ticket: number, difficulty: bigint | undefined): void {
    const check = this.#checking.get(ticket);
    if (check === undefined) return;
    this.#checking.delete(ticket);
    this.#asking.delete(check.block);
    if (difficulty === undefined) {
      this.#refuse(check.block, check.peer);
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

  #refuse(block: string, peer: SyncPeer): void {
    const refused = this.#refused.get(block) ?? new Set();
    this.#refused.set(block, refused.add(peer));
  }

  /** True once the candidate has won, lost, or can no longer be compared. */
  #settle({ head, forkPoint }: Candidate): boolean {
    const { tip } = this.#chain;
    const block = this.#chain.known(forkPoint.hash.toHex());
    if (head.hash.toHex() === tip.hash.toHex() || block === undefined || !this.#chain.isCanonical(block)) {
      return true;
    }
    const [theirs, ours] = [this.#weigh(head, block), this.#weigh(tip, block)];
    if (theirs === "unknown" || ours === "unknown") return true;
    if (theirs === undefined || ours === undefined) return false;
    if (this.#chain.isHeavier(theirs, ours)) this.#chain.adopt(head, forkPoint);
    return true;
  }

  /** `head` with the uncles above `forkPoint` counted; undefined while bodies are awaited. */
  #weigh(head: ChainPosition, forkPoint: KnownBlock): ChainPosition | undefined | "unknown" {
    let total = forkPoint.totalDifficulty;
    let isComplete = true;
    let block = this.#chain.known(head.hash.toHex());
    for (; block !== undefined && block.number > forkPoint.number; block = this.#chain.known(block.parent)) {
      total += block.difficulty;
      if (!block.hasUncles) continue;
      const hash = block.hash.toHex();
      const weight = this.#weights.get(hash);
      if (weight !== undefined) total += weight;
      else {
        isComplete = false;
        this.#ask(block, hash);
      }
    }
    if (block === undefined) return "unknown";
    return isComplete ? { ...head, totalDifficulty: total } : undefined;
  }

  #ask(block: KnownBlock, hash: string): void {
    if (this.#asking.has(hash)) return;
    const refused = this.#refused.get(hash);
    const peer = this.#context.pick((candidate) => refused?.has(candidate) !== true);
    if (peer === undefined) {
      // Everybody has been asked: anew, for there is nobody else.
      if ([...this.#context.peers.values()].every((other) => refused?.has(other) === true)) {
        this.#refused.delete(hash);
      }
      return;
    }
    const isAsked = this.#context.request(peer, { type: "body-request", hash: block.hash }, ({ uncles }) => {
      if (uncles.length === 0 || uncles.length > UNCLES_MAX) {
        this.#asking.delete(hash);
        this.#refuse(hash, peer);
        return this.#context.score(
          peer,
          "invalid-message",
          `${uncles.length} uncles for block ${block.number}`,
        );
      }
      const ticket = this.#context.ticket();
      this.#checking.set(ticket, { block: hash, peer });
      this.#context.emit({
        type: "check-uncles",
        ticket,
        block: { number: block.number, hash: block.hash },
        uncles,
      });
    }, () => {
      this.#asking.delete(hash);
      this.#refuse(hash, peer);
    });
    if (isAsked) this.#asking.add(hash);
  }
}
