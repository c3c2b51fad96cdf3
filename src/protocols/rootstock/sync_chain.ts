/**
 * The verified chain as the sync machine knows it: the tip, the blocks near it with their forks, and the checkpoints.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 5.2 and 5.3.
 *
 * @module
 */

import type { BlockIdentifier } from "./block_identifier.ts";
import { equalBytes } from "./bytes.ts";
import { weightCeiling } from "./sync_claims.ts";
import type { SyncContext } from "./sync_context.ts";
import type { ChainPosition, StoredHeader, SyncCheckpoint, SyncEffect } from "./sync_events.ts";
import type { VerifiedHeader } from "./verify_segment.ts";

/** Fork choice (section 5.2): whether `candidate` takes the place of `best`. */
export type IsHeavier = (candidate: ChainPosition, best: ChainPosition) => boolean;

/** Contradictions remembered, so that each is reported once; as many that are but said. */
const REPORTED_MAX = 256;

/** A verified block in memory. */
export interface KnownBlock extends ChainPosition {
  /** Hex. */
  readonly parent: string;
  readonly hasUncles: boolean;
}

/** A segment that was taken into the chain, or why not. */
export type Taken = { readonly head: ChainPosition } | { readonly refused: "contradiction" };

/** See the module's note. */
export class SyncChain {
  /** The lowest block: genesis, or the checkpoint the chain starts from. */
  readonly base: ChainPosition;
  readonly isHeavier: IsHeavier;
  #tip: ChainPosition;
  #storedNumber: number;
  readonly #context: SyncContext;
  readonly #checkpoints: readonly SyncCheckpoint[];
  readonly #known = new Map<string, KnownBlock>();
  /** Hashes of the canonical blocks near the tip. */
  readonly #canonical = new Map<number, string>();
  readonly #storing = new Map<number, { number: number; readonly done: () => void }>();
  /** Taken and not yet filed under their hashes, the last `treeBlocks` or so. */
  readonly #fresh: { readonly headers: readonly StoredHeader[]; readonly canonical: boolean }[] = [];
  #freshHeaders = 0;
  readonly #reported = new Set<string>();
  readonly #denied = new Set<string>();
  #stopped = false;
  #adoptions = 0;

  constructor(
    context: SyncContext,
    base: ChainPosition,
    tip: ChainPosition,
    checkpoints: readonly SyncCheckpoint[],
    isHeavier: IsHeavier,
  ) {
    this.#context = context;
    this.base = base;
    this.isHeavier = isHeavier;
    this.#checkpoints = checkpoints;
    this.#tip = tip;
    this.#storedNumber = tip.number;
    this.#remember({ ...tip, parent: "", hasUncles: false }, true);
  }

  get tip(): ChainPosition {
    return this.#tip;
  }

  /** Last height of the canonical chain that is durably stored. */
  get storedNumber(): number {
    return Math.min(this.#storedNumber, this.#tip.number);
  }

  /** How often the canonical chain was left for another. */
  get adoptions(): number {
    return this.#adoptions;
  }

  /** A checkpoint was contradicted, and that is the end. */
  get stopped(): boolean {
    return this.#stopped;
  }

  known(hash: string): KnownBlock | undefined {
    this.#settle();
    return this.#known.get(hash);
  }

  /** Whether the block is one of the canonical chain, as far as memory reaches. */
  isCanonical(block: KnownBlock): boolean {
    this.#settle();
    return this.#canonical.get(block.number) === block.hash.toHex();
  }

  /** Canonical block of that height, if in memory. */
  canonicalAt(number: number): KnownBlock | undefined {
    this.#settle();
    const hash = this.#canonical.get(number);
    return hash === undefined ? undefined : this.#known.get(hash);
  }

  /**
   * Takes verified headers that follow `after`: sees them against the checkpoints, has them stored, and makes them the
   * canonical chain if they extend it. `done` is called once they are stored.
   */
  take(
    after: ChainPosition,
    headers: readonly VerifiedHeader[],
    bytes: readonly Uint8Array[],
    done: () => void,
  ): Taken {
    const stored: StoredHeader[] = [];
    let { totalDifficulty, totalDifficultyCeiling: ceiling } = after;
    // Runs once for every header there is: no spreads, no hex.
    for (let i = 0; i < headers.length; i++) {
      const { number, hash, parentHash, difficulty, timestamp, uncleCount, hasUncles, paidFees } =
        headers[i]!;
      totalDifficulty += difficulty;
      const header = {
        number,
        hash,
        parentHash,
        difficulty,
        timestamp,
        uncleCount,
        hasUncles,
        paidFees,
        bytes: bytes[i]!,
        totalDifficulty,
      };
      if (ceiling === undefined) stored.push(header);
      else {
        ceiling += hasUncles ? weightCeiling(difficulty) : difficulty;
        stored.push({ ...header, totalDifficultyCeiling: ceiling });
      }
    }
    const last = stored.at(-1);
    if (last === undefined) return { head: after };
    if (this.#contradicts(stored)) return { refused: "contradiction" };
    const canonical = equalBytes(after.hash, this.#tip.hash);
    this.#fresh.push({ headers: stored, canonical });
    this.#freshHeaders += stored.length;
    for (
      let [oldest] = this.#fresh;
      this.#freshHeaders - oldest!.headers.length >= this.#context.config.treeBlocks;
      [oldest] = this.#fresh
    ) {
      this.#freshHeaders -= oldest!.headers.length;
      this.#fresh.shift();
    }
    const ticket = this.#context.ticket();
    this.#storing.set(ticket, { number: canonical ? last.number : -1, done });
    this.#context.emit({ type: "store", ticket, headers: stored, canonical });
    const head = positionOf(last);
    if (canonical) this.#tip = head;
    return { head };
  }

  /** Makes `head` the tip: a branch that leaves the canonical chain at `forkPoint`, all of it handed to the store. */
  adopt(head: ChainPosition, forkPoint: ChainPosition): void {
    this.#settle();
    this.#adoptions++;
    const depth = this.#tip.number - forkPoint.number;
    for (let number = this.#tip.number; number > forkPoint.number; number--) this.#canonical.delete(number);
    for (
      let block = this.#known.get(head.hash.toHex());
      block !== undefined && block.number > forkPoint.number;
      block = this.#known.get(block.parent)
    ) this.#canonical.set(block.number, block.hash.toHex());
    this.#tip = head;
    this.#storedNumber = Math.min(this.#storedNumber, forkPoint.number);
    // The branch ends with the segment that was handed to the store last, unless that one is stored already.
    const last = [...this.#storing.values()].at(-1);
    if (last === undefined) this.#storedNumber = head.number;
    else last.number = head.number;
    this.#context.emit({
      type: "adopt",
      tip: head,
      forkPoint: { number: forkPoint.number, hash: forkPoint.hash },
      depth,
    });
  }

  stored(ticket: number): void {
    const segment = this.#storing.get(ticket);
    if (segment === undefined) return;
    this.#storing.delete(ticket);
    if (segment.number >= 0) this.#storedNumber = segment.number;
    segment.done();
  }

  /** Reports a checkpoint that verified headers contradict; once for each block found in its place. */
  contradiction(checkpoint: SyncCheckpoint, found: ChainPosition, detail: string): void {
    if (this.#context.config.onContradiction === "stop") this.#stopped = true;
    this.#report({ type: "contradiction", checkpoint, found, detail, isProven: true }, this.#reported);
  }

  /** Reports that a peer says it has another block in the place of the base. That proves nothing: anybody can say so. */
  denial(found: BlockIdentifier, detail: string): void {
    const { number, hash } = this.base;
    const checkpoint = { number, hash };
    this.#report({ type: "contradiction", checkpoint, found, detail, isProven: false }, this.#denied);
  }

  #report(effect: SyncEffect & { readonly type: "contradiction" }, reported: Set<string>): void {
    const key = `${effect.checkpoint.number} ${effect.found.hash.toHex()}`;
    if (reported.has(key) || reported.size >= REPORTED_MAX) return;
    reported.add(key);
    this.#context.emit(effect);
  }

  #contradicts(headers: readonly StoredHeader[]): boolean {
    const [first] = headers;
    let isContradicted = false;
    for (const checkpoint of this.#checkpoints) {
      const header = headers[checkpoint.number - first!.number];
      const detail = header === undefined ? undefined : contradictionOf(checkpoint, header);
      if (detail === undefined) continue;
      this.contradiction(checkpoint, positionOf(header!), detail);
      isContradicted = true;
    }
    return isContradicted && this.#context.config.onContradiction !== "follow";
  }

  /** Files what was taken since the last question: during a long walk nobody asks, and most is forgotten unfiled. */
  #settle(): void {
    if (this.#fresh.length === 0) return;
    for (const { headers, canonical } of this.#fresh.splice(0)) {
      for (const header of headers) {
        const { parentHash, hasUncles } = header;
        this.#remember({ ...positionOf(header), parent: parentHash.toHex(), hasUncles }, canonical);
      }
    }
    this.#freshHeaders = 0;
    this.#prune();
  }

  #remember(block: KnownBlock, canonical: boolean): void {
    const hash = block.hash.toHex();
    this.#known.delete(hash);
    this.#known.set(hash, block);
    if (canonical) this.#canonical.set(block.number, hash);
  }

  /** Oldest first: what lies too deep below the tip, and whatever is too much. */
  #prune(): void {
    const { treeBlocks } = this.#context.config;
    const lowest = this.#tip.number - treeBlocks;
    const tip = this.#tip.hash.toHex();
    for (const [hash, block] of this.#known) {
      if (this.#known.size <= treeBlocks || (block.number >= lowest && this.#known.size <= 4 * treeBlocks)) {
        break;
      }
      if (hash === tip) continue;
      this.#known.delete(hash);
      if (this.#canonical.get(block.number) === hash) this.#canonical.delete(block.number);
    }
  }
}

/** How a verified block contradicts a checkpoint of its height; undefined if it does not. */
export function contradictionOf(checkpoint: SyncCheckpoint, block: ChainPosition): string | undefined {
  const { hash, difficulty, totalDifficulty } = checkpoint;
  if (hash !== undefined && !equalBytes(hash, block.hash)) return "Another hash";
  if (difficulty !== undefined && difficulty !== block.difficulty) return "Another difficulty";
  if (totalDifficulty === undefined || block.totalDifficultyCeiling === undefined) return undefined;
  if (totalDifficulty < block.totalDifficulty) return "Less total difficulty than the headers alone have";
  if (totalDifficulty > block.totalDifficultyCeiling) {
    return "More total difficulty than headers and uncles can have";
  }
  return undefined;
}

/** The position alone, without the bytes: these are not kept. */
function positionOf(position: ChainPosition): ChainPosition {
  const { number, hash, difficulty, paidFees, totalDifficulty, totalDifficultyCeiling } = position;
  return {
    number,
    hash,
    difficulty,
    paidFees,
    totalDifficulty,
    ...(totalDifficultyCeiling === undefined ? {} : { totalDifficultyCeiling }),
  };
}
