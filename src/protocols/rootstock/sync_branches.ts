/**
 * Blocks near the tip, fetched by hash: what peers announce, and short forks.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 4.4 (headers also of blocks that are not
 * canonical) and 5.3.
 *
 * @module
 */

import { equalBytes } from "./bytes.ts";
import { CHUNK_HEADERS } from "./skeleton.ts";
import type { KnownBlock, SyncChain } from "./sync_chain.ts";
import type { SyncContext, SyncPeer } from "./sync_context.ts";
import type { ChainPosition, HeaderIdentity } from "./sync_events.ts";
import type { SyncSegments } from "./sync_segments.ts";
import type { SegmentVerdict } from "./verify_segment.ts";

/** Branches that one peer may have on their way, so that none keeps those of others out. */
const BRANCHES_PER_PEER = 2;
/** Peers remembered that say they have a branch, beside the one that is asked. */
const OTHERS_MAX = 8;

/** A branch on its way, from one peer at a time. */
interface Branch {
  /** Who is asked. */
  peer: SyncPeer;
  /** Others that said they have its top block, to be asked if this one is slow. */
  readonly others: SyncPeer[];
  askedMs: number;
  /** Hex of its top block. */
  readonly top: string;
  /** What a peer claimed of the top block, if it was in a status. */
  readonly claim?: { readonly peer: SyncPeer; readonly totalDifficulty: bigint };
  /** Descending from the top. */
  readonly headers: { readonly identity: HeaderIdentity; readonly bytes: Uint8Array }[];
  /** Hash of the header that comes next. */
  wanted: Uint8Array;
  count: number;
  phase: "wanted" | "asked" | "fetched" | "verifying";
}

/** What {@link SyncBranches} works with. */
export interface BranchParts {
  readonly context: SyncContext;
  readonly chain: SyncChain;
  readonly segments: SyncSegments;
  readonly consider: (head: ChainPosition, forkPoint: ChainPosition) => void;
}

/** See the module's note. */
export class SyncBranches {
  readonly #parts: BranchParts;
  readonly #branches: Branch[] = [];

  constructor(parts: BranchParts) {
    this.#parts = parts;
  }

  /**
   * Fetches the block `hash` from a peer, and what lies between it and a known block. Does nothing if it is known, on
   * its way, or there are too many branches already.
   */
  want(peer: SyncPeer, hash: Uint8Array, number?: number, totalDifficulty?: bigint): void {
    const { context, chain } = this.#parts;
    const top = hash.toHex();
    if (peer.distrusted || chain.known(top) !== undefined) return;
    const same = this.#branches.find((branch) => branch.top === top);
    if (same !== undefined) {
      const isNew = same.peer !== peer && !same.others.includes(peer);
      if (isNew && same.others.length < OTHERS_MAX) same.others.push(peer);
      return;
    }
    if (this.#branches.length >= context.config.branches) return;
    if (this.#branches.filter((branch) => branch.peer === peer).length >= BRANCHES_PER_PEER) return;
    const isPart = this.#branches.some(({ headers }) =>
      headers.some(({ identity }) => equalBytes(identity.hash, hash))
    );
    if (isPart) return;
    // One more than the gap shows at once whether the branch leaves our tip or a block below it.
    const gap = number === undefined ? 1 : number - chain.tip.number + 1;
    this.#branches.push({
      peer,
      others: [],
      askedMs: 0,
      top,
      ...(totalDifficulty === undefined ? {} : { claim: { peer, totalDifficulty } }),
      headers: [],
      wanted: hash,
      count: Math.min(CHUNK_HEADERS, Math.max(1, gap)),
      phase: "wanted",
    });
  }

  pump(): void {
    const { nowMs, stealAfterMs } = this.#parts.context;
    for (const branch of [...this.#branches]) {
      const isLate = branch.phase === "asked" && nowMs - branch.askedMs >= stealAfterMs;
      const isOpen = branch.phase === "wanted" || branch.phase === "asked";
      if (isOpen && (branch.peer.distrusted || (isLate && branch.others.length > 0))) this.#turnTo(branch);
      if (branch.phase === "wanted") this.#ask(branch);
    }
    // One at a time: what the next has in common with it is known by then.
    if (this.#branches.some(({ phase }) => phase === "verifying")) return;
    const fetched = this.#branches.find(({ phase }) => phase === "fetched");
    if (fetched !== undefined) this.#verify(fetched);
  }

  #drop(branch: Branch): void {
    const at = this.#branches.indexOf(branch);
    if (at >= 0) this.#branches.splice(at, 1);
  }

  /** Drops what is not in verification; whether nothing is left. */
  clear(): boolean {
    for (const branch of [...this.#branches]) if (branch.phase !== "verifying") this.#drop(branch);
    return this.#branches.length === 0;
  }

  /** Asks the next peer that has the branch, if there is one. */
  #turnTo(branch: Branch): void {
    const next = branch.others.shift();
    if (next === undefined) return this.#drop(branch);
    branch.peer = next;
    branch.phase = "wanted";
  }

  /** The attempt led nowhere: the peer's claims are left alone for a while. */
  #fail(branch: Branch, peer: SyncPeer): void {
    const { context } = this.#parts;
    peer.retryAtMs = context.nowMs + context.config.retryAfterMs * 2 ** Math.min(6, peer.failures++);
    if (branch.peer === peer) this.#turnTo(branch);
  }

  /** What the branch holds is not to be had from anybody. */
  #giveUp(branch: Branch): void {
    branch.others.length = 0;
    this.#fail(branch, branch.peer);
  }

  #ask(branch: Branch): void {
    const { context } = this.#parts;
    const { peer, wanted: hash, count } = branch;
    // A peer that was overtaken may still answer first; what it was asked for has to be what is wanted.
    const isWanted = () => branch.wanted === hash && (branch.phase === "asked" || branch.phase === "wanted");
    const isAsked = context.request(
      peer,
      { type: "block-headers-request", hash, count },
      ({ headers }) => {
        if (isWanted()) this.#receive(branch, peer, headers, count);
      },
      () => {
        if (isWanted()) this.#fail(branch, peer);
      },
    );
    if (!isAsked) return;
    branch.phase = "asked";
    branch.askedMs = context.nowMs;
  }

  #receive(branch: Branch, peer: SyncPeer, headers: readonly Uint8Array[], count: number): void {
    const { context, chain } = this.#parts;
    const refuse = (detail: string) => {
      context.score(peer, "invalid-header", detail);
      this.#fail(branch, peer);
    };
    if (headers.length === 0 || headers.length > count) {
      return refuse(`${headers.length} headers for ${count}`);
    }
    branch.peer = peer;
    for (const bytes of headers) {
      const identity = bytes.length > context.config.headerBytes ? undefined : context.identify(bytes);
      if (identity === undefined || !equalBytes(identity.hash, branch.wanted)) {
        return refuse("Header is not the one asked for, or not the parent of the one before");
      }
      if (chain.known(identity.hash.toHex()) !== undefined) break;
      branch.headers.push({ identity, bytes });
      branch.wanted = identity.parentHash;
    }
    const lowest = branch.headers.at(-1);
    if (lowest === undefined) return this.#drop(branch);
    if (chain.known(lowest.identity.parentHash.toHex()) !== undefined) branch.phase = "fetched";
    else if (
      lowest.identity.number <= chain.base.number || branch.headers.length >= context.config.branchHeaders
    ) {
      // Too long for this, or no chain of ours: a walk may find where it parts.
      peer.deep = branch.top;
      this.#drop(branch);
    } else {
      branch.count = CHUNK_HEADERS;
      branch.phase = "wanted";
    }
  }

  #verify(branch: Branch): void {
    const { chain, segments } = this.#parts;
    while (
      branch.headers.length > 0 && chain.known(branch.headers.at(-1)!.identity.hash.toHex()) !== undefined
    ) {
      branch.headers.pop();
    }
    const lowest = branch.headers.at(-1);
    const after = lowest === undefined ? undefined : chain.known(lowest.identity.parentHash.toHex());
    if (after === undefined) return this.#drop(branch);
    if (!segments.isFree) return;
    branch.phase = "verifying";
    const bytes = branch.headers.map((header) => header.bytes).reverse();
    segments.submit(this, after, bytes, (verdict) => this.#verified(branch, after, bytes, verdict));
  }

  #verified(branch: Branch, after: KnownBlock, bytes: readonly Uint8Array[], verdict: SegmentVerdict): void {
    const { context, chain, consider } = this.#parts;
    if (!verdict.valid) {
      if (!context.config.transientRules.includes(verdict.rule)) {
        context.score(
          branch.peer,
          "invalid-header",
          `${verdict.rule} at block ${after.number + 1 + verdict.index}`,
        );
      }
      return this.#giveUp(branch);
    }
    const taken = chain.take(after, verdict.headers, bytes, () => {});
    if ("refused" in taken) return this.#giveUp(branch);
    this.#drop(branch);
    branch.peer.failures = 0;
    const { totalDifficultyCeiling: ceiling } = taken.head;
    const { claim } = branch;
    if (claim !== undefined && ceiling !== undefined && claim.totalDifficulty > ceiling) {
      context.score(
        claim.peer,
        "invalid-message",
        `Total difficulty above what block ${taken.head.number} can have`,
      );
    }
    const forkPoint = this.#forkPoint(after);
    if (forkPoint !== undefined) consider(taken.head, forkPoint);
  }

  /** The canonical block below `block`; itself if it is one. Undefined if memory does not reach it. */
  #forkPoint(block: KnownBlock): KnownBlock | undefined {
    const { chain } = this.#parts;
    let at: KnownBlock | undefined = block;
    while (at !== undefined && !chain.isCanonical(at)) at = chain.known(at.parent);
    return at;
  }
}
