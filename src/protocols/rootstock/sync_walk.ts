/**
 * One walk: from where our chain and a peer's part to that peer's best block, with the help of all others.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 5.2: checking the best header, the connection
 * point, skeletons, headers.
 *
 * @module
 */

import { Approach } from "./sync_approach.ts";
import type { SyncChain } from "./sync_chain.ts";
import { type GrowthRules, isAboveGrowth } from "./sync_claims.ts";
import { CHUNK_HEADERS } from "./skeleton.ts";
import type { SyncContext, SyncPeer } from "./sync_context.ts";
import type { ChainPosition, SyncPhase } from "./sync_events.ts";
import { SkeletonLine } from "./sync_line.ts";
import type { SyncLookups } from "./sync_lookups.ts";
import type { SyncSegments } from "./sync_segments.ts";
import { type Chunk, ChunkWindow } from "./sync_window.ts";
import type { SegmentVerdict } from "./verify_segment.ts";

/** How a walk ended: `done` at the end of its skeleton, `refused` at a checkpoint, `failed` before. */
export type WalkEnd = "done" | "refused" | "failed";

/** What a {@link Walk} works with. */
export interface WalkParts {
  readonly context: SyncContext;
  readonly chain: SyncChain;
  readonly segments: SyncSegments;
  readonly lookups: SyncLookups;
  readonly growth: GrowthRules;
  /** Ends what is on its way beside the walk, which then alone extends the chain; false while it has to be waited for. */
  readonly clear: () => boolean;
  /** A branch has grown to `head`: make it the canonical chain if it is heavier. */
  readonly consider: (head: ChainPosition, forkPoint: ChainPosition) => void;
}

/** See the module's note. */
export class Walk {
  readonly guide: SyncPeer;
  /** Best block of the guide when the walk began. */
  readonly target: { readonly number: number; readonly hash: Uint8Array; readonly totalDifficulty?: bigint };
  readonly #parts: WalkParts;
  #end: WalkEnd | undefined;
  #approach: Approach;
  /** Where the chain stood when the approach began. */
  #begun: { readonly tip: ChainPosition; readonly adoptions: number };
  #isAsking = false;
  #connection: ChainPosition | undefined;
  #isConnectionChecked = false;
  #isFork = false;
  #line: SkeletonLine | undefined;
  #window: ChunkWindow | undefined;
  #head: ChainPosition | undefined;

  constructor(parts: WalkParts, guide: SyncPeer) {
    const { bestNumber: number, bestHash: hash, totalDifficulty } = guide.status!;
    this.#parts = parts;
    this.guide = guide;
    this.target = { number, hash, ...(totalDifficulty === undefined ? {} : { totalDifficulty }) };
    this.#approach = new Approach(parts, guide, this.target);
    this.#begun = { tip: parts.chain.tip, adoptions: parts.chain.adoptions };
  }

  get phase(): SyncPhase {
    if (this.#line !== undefined) return "downloading";
    return this.#approach.hasBest ? "finding-connection" : "checking-best";
  }

  /** How it ended, once it has. */
  get end(): WalkEnd | undefined {
    return this.#end;
  }

  /** The last verified block of the walk, if it got that far. */
  get head(): ChainPosition | undefined {
    return this.#head;
  }

  /** The canonical chain has grown by it. */
  get hasGrown(): boolean {
    return this.#head !== this.#connection && !this.#isFork;
  }

  /** Still asking where to begin: the chain may change meanwhile. */
  get isApproaching(): boolean {
    return this.#line === undefined;
  }

  get windowHeaders(): number {
    return this.#window?.headers ?? 0;
  }

  get windowBytes(): number {
    return this.#window?.bytes ?? 0;
  }

  /** Does what can be done now. */
  pump(): void {
    if (this.#end !== undefined) return;
    if (this.#line === undefined) {
      this.#approach.pump();
      const { end } = this.#approach;
      if (end === "failed" || end === "refused") this.#finish(end);
      else if (end !== undefined && this.#parts.clear()) this.#connect(end.connection);
    }
    if (this.#line !== undefined) this.#download();
  }

  #finish(end: WalkEnd): void {
    this.#end ??= end;
    this.#parts.segments.cancel(this);
    this.#line?.close();
  }

  #connect(connection: ChainPosition): void {
    const { context, chain, growth } = this.#parts;
    const { tip, adoptions } = this.#begun;
    const hasLeft = adoptions !== chain.adoptions;
    if (hasLeft || (connection.number === tip.number && tip !== chain.tip)) {
      // Blocks came meanwhile: the place may be higher, or on a chain that was left be none.
      this.#begun = { tip: chain.tip, adoptions: chain.adoptions };
      this.#approach = this.#approach.again(hasLeft ? chain.base : connection);
      return this.#approach.pump();
    }
    const { number, totalDifficulty } = this.target;
    const { totalDifficultyCeiling } = connection;
    if (
      totalDifficulty !== undefined && totalDifficultyCeiling !== undefined &&
      isAboveGrowth(
        totalDifficulty,
        { ...connection, totalDifficultyCeiling },
        number - connection.number,
        growth,
      )
    ) {
      context.score(
        this.guide,
        "invalid-message",
        `Total difficulty that no chain of ${number} blocks can have`,
      );
      return this.#finish("failed");
    }
    const isFork = this.#isFork = connection.number < chain.tip.number;
    this.#connection = connection;
    this.#head = connection;
    this.#isConnectionChecked = !isFork;
    this.#line = new SkeletonLine(context, { guide: this.guide, target: number, connection, isFork });
    this.#window = new ChunkWindow(context, this.#line, connection);
  }

  #download(): void {
    const { context, segments } = this.#parts;
    const [line, window] = [this.#line!, this.#window!];
    line.pump(Math.ceil((2 * context.config.windowHeaders) / CHUNK_HEADERS));
    if (!this.#isConnectionChecked) return this.#checkConnection(line);
    window.pump();
    for (let chunk = window.next(); chunk !== undefined && segments.isFree; chunk = window.next()) {
      this.#verify(chunk);
    }
    if (window.headers > 0 || this.#end !== undefined) return;
    if (window.failure !== undefined) this.#blame(window);
    else if (line.end !== undefined && line.peek() === undefined) {
      this.#finish(line.end === "complete" ? "done" : "failed");
    }
  }

  /** A chain that is said to leave ours early must not have our blocks above: else headers we have are sent again. */
  #checkConnection(line: SkeletonLine): void {
    const anchor = line.peek();
    if (anchor === undefined) {
      if (line.end !== undefined) this.#finish("failed");
      return;
    }
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#parts.lookups.ask(anchor.number, (ours) => {
      this.#isAsking = false;
      if (ours === undefined || ours.hash.toHex() !== anchor.hash.toHex()) {
        this.#isConnectionChecked = true;
        return;
      }
      // Said by others alone, it shows but that the line is theirs.
      if (anchor.vouchers.includes(this.guide)) {
        this.#parts.context.score(
          this.guide,
          "invalid-message",
          `Block ${anchor.number} both is and is not shared`,
        );
      }
      this.#finish("failed");
    });
  }

  #verify(chunk: Chunk): void {
    chunk.phase = "verifying";
    this.#parts.segments.submit(this, chunk.from, chunk.headers, (verdict) => this.#verified(chunk, verdict));
  }

  #verified(chunk: Chunk, verdict: SegmentVerdict): void {
    const { chain, context, segments } = this.#parts;
    const window = this.#window!;
    if (!verdict.valid) {
      segments.cancel(this);
      window.rewind();
      if (!window.isLinked(chunk.headers)) {
        context.score(
          chunk.by!,
          "invalid-header",
          `${verdict.rule} at header ${verdict.index}: ${verdict.detail}`,
        );
        window.refetch(chunk);
        return;
      }
      // Hash-linked to its anchor, and invalid: so is everything above, and who vouched for it lied.
      if (!context.config.transientRules.includes(verdict.rule)) {
        for (const peer of new Set([...chunk.to.vouchers, chunk.by!])) {
          context.score(
            peer,
            "invalid-header",
            `${verdict.rule} at block ${chunk.from.number + 1 + verdict.index}`,
          );
        }
      }
      window.cut(chunk, "unavailable");
      return;
    }
    const taken = chain.take(this.#head!, verdict.headers, chunk.headers, () => window.done(chunk));
    if ("refused" in taken) {
      segments.cancel(this);
      window.cut(chunk, "unavailable");
      return this.#finish("refused");
    }
    chunk.phase = "storing";
    this.#head = taken.head;
    this.#parts.consider(taken.head, this.#connection!);
  }

  /** Who is to blame for anchors that do not hold, once all below them is stored. */
  #blame(window: ChunkWindow): void {
    const { chunk, reason } = window.failure!;
    // Near its best block an honest peer may have reorganised between two answers.
    const isNearBest = chunk.to.number > this.target.number - 2 * CHUNK_HEADERS;
    if (reason === "unlinked" && !isNearBest && chunk.from.number > this.#connection!.number) {
      const below = (chunk.from as { vouchers?: readonly SyncPeer[] }).vouchers ?? [];
      for (const peer of chunk.to.vouchers) {
        if (below.includes(peer) && !peer.distrusted) {
          this.#parts.context.score(
            peer,
            "invalid-message",
            `Skeleton at block ${chunk.to.number} is not on one chain`,
          );
        }
      }
    }
    this.#finish("failed");
  }
}
