/**
 * One walk: from where our chain and a peer's part to that peer's best block, with the help of all others.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 5.2: checking the best header, the connection
 * point, skeletons, headers.
 *
 * @module
 */

import type { SyncChain } from "./sync_chain.ts";
import { type GrowthRules, isAboveGrowth } from "./sync_claims.ts";
import { ConnectionSearch } from "./sync_connection.ts";
import { CHUNK_HEADERS } from "./skeleton.ts";
import type { SyncContext, SyncPeer } from "./sync_context.ts";
import type { ChainPosition, SyncPhase, SyncVerdict } from "./sync_events.ts";
import { SkeletonLine } from "./sync_line.ts";
import type { SyncLookups } from "./sync_lookups.ts";
import type { SyncSegments } from "./sync_segments.ts";
import { type Chunk, ChunkWindow } from "./sync_window.ts";

/** How a walk ended: `done` at the end of its skeleton, `refused` at a checkpoint, `failed` before. */
export type WalkEnd = "done" | "refused" | "failed";

/** What a {@link Walk} works with. */
export interface WalkParts {
  readonly context: SyncContext;
  readonly chain: SyncChain;
  readonly segments: SyncSegments;
  readonly lookups: SyncLookups;
  readonly growth: GrowthRules;
  /** A branch has grown to `head`: make it the canonical chain if it is heavier. */
  readonly consider: (head: ChainPosition, forkPoint: ChainPosition) => void;
}

/** See the module's note. */
export class Walk {
  readonly guide: SyncPeer;
  /** Best block of the guide when the walk began. */
  readonly target: { readonly number: number; readonly hash: Uint8Array; readonly totalDifficulty?: bigint };
  readonly #parts: WalkParts;
  #phase: SyncPhase = "checking-best";
  #end: WalkEnd | undefined;
  #isAsking = false;
  #search: ConnectionSearch | undefined;
  #connection: ChainPosition | undefined;
  #isConnectionChecked = false;
  #line: SkeletonLine | undefined;
  #window: ChunkWindow | undefined;
  #head: ChainPosition | undefined;

  constructor(parts: WalkParts, guide: SyncPeer) {
    const { bestNumber: number, bestHash: hash, totalDifficulty } = guide.status!;
    this.#parts = parts;
    this.guide = guide;
    this.target = { number, hash, ...(totalDifficulty === undefined ? {} : { totalDifficulty }) };
  }

  get phase(): SyncPhase {
    return this.#phase;
  }

  /** How it ended, once it has. */
  get end(): WalkEnd | undefined {
    return this.#end;
  }

  /** The last verified block of the walk, if it got that far. */
  get head(): ChainPosition | undefined {
    return this.#head;
  }

  /** Headers were verified. */
  get hasGrown(): boolean {
    return this.#head !== this.#connection;
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
    if (this.#phase !== "downloading" && this.guide.distrusted) return this.#finish("failed");
    if (this.#phase === "checking-best") this.#checkBest();
    else if (this.#phase === "finding-connection") this.#findConnection();
    if (this.#phase === "downloading") this.#download();
  }

  #finish(end: WalkEnd): void {
    this.#end ??= end;
    this.#parts.segments.cancel(this);
    this.#line?.close();
  }

  #checkBest(): void {
    if (this.#isAsking) return;
    const { context } = this.#parts;
    const { hash, number } = this.target;
    this.#isAsking = context.request(
      this.guide,
      { type: "block-headers-request", hash, count: 1 },
      ({ headers }) => {
        this.#isAsking = false;
        const [bytes] = headers;
        const best = headers.length === 1 && bytes!.length <= context.config.headerBytes
          ? context.identify(bytes!)
          : undefined;
        if (best === undefined || best.hash.toHex() !== hash.toHex() || best.number !== number) {
          context.score(this.guide, "invalid-header", `Best header is not block ${number} as advertised`);
          return this.#finish("failed");
        }
        this.#beginSearch();
      },
      () => this.#finish("failed"),
    );
  }

  #beginSearch(): void {
    const { base, tip } = this.#parts.chain;
    this.#phase = "finding-connection";
    // Nothing but the base, and that is the lowest a chain may part from ours: no question needed.
    if (tip.number === base.number && base.number === 0) return this.#connect(base);
    if (this.target.number <= tip.number) {
      this.#search = new ConnectionSearch(base.number, this.target.number);
    }
  }

  /** The tip first, which most peers have; then the binary search, then the base itself unless it is genesis. */
  #findConnection(): void {
    if (this.#isAsking) return;
    const { chain } = this.#parts;
    const search = this.#search;
    if (search === undefined) {
      return this.#compare(chain.tip.number, (ours) => {
        if (ours !== undefined) this.#connect(ours);
        else if (chain.tip.number === chain.base.number) this.#contradictBase();
        else this.#search = new ConnectionSearch(chain.base.number, chain.tip.number);
      });
    }
    if (search.result === undefined) {
      return this.#compare(search.height, (ours) => search.answer(ours !== undefined));
    }
    if (search.result === 0) return this.#connect(chain.base);
    this.#compare(search.result, (ours) => {
      if (ours !== undefined) this.#connect(ours);
      else if (search.result === chain.base.number) this.#contradictBase();
      else this.#finish("failed");
    });
  }

  /** Asks the guide for its block at a height and looks ours up; `ours` is there if they are one. */
  #compare(height: number, done: (ours: ChainPosition | undefined) => void): void {
    const { context, lookups } = this.#parts;
    let theirs: Uint8Array | undefined;
    this.#isAsking = context.request(this.guide, { type: "block-hash-request", height }, ({ hash }) => {
      theirs = hash;
      lookups.ask(height, (ours) => {
        this.#isAsking = false;
        if (this.#end !== undefined) return;
        done(ours !== undefined && ours.hash.toHex() === theirs!.toHex() ? ours : undefined);
      });
    }, () => this.#finish("failed"));
  }

  #contradictBase(): void {
    const { base } = this.#parts.chain;
    const found = { number: base.number, hash: this.target.hash };
    this.#parts.chain.contradiction(
      { number: base.number, hash: base.hash },
      found,
      `A chain with block ${this.target.number} as its best does not have this block`,
    );
    this.#finish("refused");
  }

  #connect(connection: ChainPosition): void {
    const { context, chain, growth } = this.#parts;
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
    const isFork = connection.number < chain.tip.number;
    this.#connection = connection;
    this.#head = connection;
    this.#isConnectionChecked = !isFork;
    this.#line = new SkeletonLine(context, { guide: this.guide, target: number, connection, isFork });
    this.#window = new ChunkWindow(context, this.#line, connection);
    this.#phase = "downloading";
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
      this.#parts.context.score(
        this.guide,
        "invalid-message",
        `Block ${anchor.number} both is and is not shared`,
      );
      this.#finish("failed");
    });
  }

  #verify(chunk: Chunk): void {
    chunk.phase = "verifying";
    this.#parts.segments.submit(this, chunk.from, chunk.headers, (verdict) => this.#verified(chunk, verdict));
  }

  #verified(chunk: Chunk, verdict: SyncVerdict): void {
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
