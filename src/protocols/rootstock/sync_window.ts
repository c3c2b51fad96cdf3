/**
 * Header chunks between the network and the store: asked for from many peers at once, stolen from slow ones, handed on
 * in ascending order.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 5.2.
 *
 * @module
 */

import type { BlockIdentifier } from "./block_identifier.ts";
import { equalBytes } from "./bytes.ts";
import type { SyncContext, SyncPeer } from "./sync_context.ts";
import type { Anchor, SkeletonLine } from "./sync_line.ts";

/** How often a peer was asked for a chunk, when last, and how many of these requests are open. */
interface Asked {
  lastMs: number;
  times: number;
  open: number;
}

/** A chunk: the headers above `from` up to `to`. */
export interface Chunk {
  readonly from: BlockIdentifier;
  readonly to: Anchor;
  readonly count: number;
  /** Peers that were asked. */
  readonly asked: Map<SyncPeer, Asked>;
  /** Peers that are not asked again: their answer was wrong, or did not come however often they were asked. */
  readonly refused: Set<SyncPeer>;
  phase: "wanted" | "fetched" | "verifying" | "storing" | "dropped";
  /** Ascending, once fetched. */
  headers: readonly Uint8Array[];
  bytes: number;
  /** Who delivered it. */
  by?: SyncPeer;
}

/** A peer is asked for the same chunk so often. */
const ASKED_MAX = 3;
/** Size assumed of a header before one has come, in bytes. */
const FIRST_HEADER_BYTES = 1_100;

/** Why a chunk cannot be had, or does not fit. */
export interface ChunkFailure {
  readonly chunk: Chunk;
  /** `unlinked`: the anchors below and above it are not on one chain. `unavailable`: nobody gave it. */
  readonly reason: "unlinked" | "unavailable";
}

/** See the module's note. */
export class ChunkWindow {
  readonly #context: SyncContext;
  readonly #line: SkeletonLine;
  readonly #chunks: Chunk[] = [];
  #end: BlockIdentifier;
  #headers = 0;
  #bytes = 0;
  #headerBytes = FIRST_HEADER_BYTES;
  #failure: ChunkFailure | undefined;

  /** @param connection The block below the first chunk. */
  constructor(context: SyncContext, line: SkeletonLine, connection: BlockIdentifier) {
    this.#context = context;
    this.#line = line;
    this.#end = connection;
  }

  /** Headers asked for and not yet stored. */
  get headers(): number {
    return this.#headers;
  }

  /** Bytes of those received. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first failure; the chunks from there on are dropped. */
  get failure(): ChunkFailure | undefined {
    return this.#failure;
  }

  /** The next chunk to verify, if it is there. */
  next(): Chunk | undefined {
    const chunk = this.#chunks.find(({ phase }) => phase === "wanted" || phase === "fetched");
    return chunk?.phase === "fetched" ? chunk : undefined;
  }

  /** A chunk is stored, and leaves the window. */
  done(chunk: Chunk): void {
    const at = this.#chunks.indexOf(chunk);
    if (at < 0) return;
    this.#chunks.splice(at, 1);
    this.#forget(chunk);
  }

  /** Asks for a chunk once more, and of others: what one peer delivered did not hold. */
  refetch(chunk: Chunk): void {
    this.#bytes -= chunk.bytes;
    if (chunk.by !== undefined) chunk.refused.add(chunk.by);
    chunk.phase = "wanted";
    chunk.headers = [];
    chunk.bytes = 0;
  }

  /** Puts chunks that were handed out for verification back in line: one before them failed. */
  rewind(): void {
    for (const chunk of this.#chunks) if (chunk.phase === "verifying") chunk.phase = "fetched";
  }

  /** Drops a chunk and all above it. */
  cut(chunk: Chunk, reason: ChunkFailure["reason"]): void {
    this.#failure ??= { chunk, reason };
    const at = this.#chunks.indexOf(chunk);
    if (at < 0) return;
    for (const dropped of this.#chunks.splice(at)) this.#forget(dropped);
    this.#line.close();
  }

  /** Asks for what may be asked for now. */
  pump(): void {
    this.#fill();
    for (const chunk of this.#chunks) {
      if (chunk.phase !== "wanted") continue;
      if (!this.#ask(chunk)) break;
      if (this.#failure !== undefined) break;
    }
  }

  #fill(): void {
    const { windowHeaders, windowBytes } = this.#context.config;
    while (this.#failure === undefined && !this.#isBehind()) {
      const to = this.#line.peek();
      if (to === undefined) return;
      const count = to.number - this.#end.number;
      const waiting = this.#headers + count;
      if (this.#chunks.length > 0 && (waiting > windowHeaders || waiting * this.#headerBytes > windowBytes)) {
        return;
      }
      this.#line.take();
      this.#chunks.push({
        from: this.#end,
        to,
        count,
        asked: new Map(),
        refused: new Set(),
        phase: "wanted",
        headers: [],
        bytes: 0,
      });
      this.#headers += count;
      this.#end = to;
    }
  }

  /** Whether verification and storage have enough to do. */
  #isBehind(): boolean {
    let bytes = 0;
    for (const chunk of this.#chunks) {
      if (chunk.phase === "wanted") return false;
      bytes += chunk.bytes;
      if (bytes > this.#context.config.backlogBytes) return true;
    }
    return false;
  }

  #forget(chunk: Chunk): void {
    this.#headers -= chunk.count;
    this.#bytes -= chunk.bytes;
    chunk.phase = "dropped";
    chunk.headers = [];
  }

  /** Asks a peer for a chunk if it is time to; false if nobody is free for anything. */
  #ask(chunk: Chunk): boolean {
    const context = this.#context;
    const { nowMs, stealAfterMs, config } = context;
    const open = [...chunk.asked].filter(([, asked]) => asked.open > 0);
    const newestMs = open.reduce((newest, [, { lastMs }]) => Math.max(newest, lastMs), -Infinity);
    if (nowMs - newestMs < stealAfterMs || open.length >= config.askedPerChunk) return true;
    const mayServe = (peer: SyncPeer) => !chunk.refused.has(peer) && this.#line.mayServe(peer, chunk.to);
    const others = (peer: SyncPeer) => mayServe(peer) && (chunk.asked.get(peer)?.open ?? 0) === 0;
    let peer = context.pick(others);
    if (peer === undefined) {
      const peers = [...context.peers.values()];
      const hasOthers = peers.some(others);
      if (open.length === 0 && !hasOthers) this.cut(chunk, "unavailable");
      // Nobody else has it: an answer may have been lost.
      else if (!hasOthers && nowMs - newestMs >= 3 * stealAfterMs) {
        peer = context.pick((again) => mayServe(again) && chunk.asked.get(again)!.times < ASKED_MAX);
      }
      if (peer === undefined) return peers.some((other) => context.isFree(other));
    }
    this.#send(chunk, peer);
    // Whoever is overtaken is asked for less at a time.
    for (const [slow] of open) slow.allowance = Math.max(1, slow.allowance >> 1);
    return true;
  }

  #send(chunk: Chunk, peer: SyncPeer): void {
    const asked = chunk.asked.get(peer) ?? { lastMs: 0, times: 0, open: 0 };
    const isSent = this.#context.request(
      peer,
      { type: "block-headers-request", hash: chunk.to.hash, count: chunk.count },
      ({ headers }) => {
        asked.open--;
        this.#receive(chunk, peer, headers);
      },
      () => {
        asked.open--;
        if (asked.open === 0 && asked.times >= ASKED_MAX) chunk.refused.add(peer);
      },
    );
    if (!isSent) return;
    asked.lastMs = this.#context.nowMs;
    asked.times++;
    asked.open++;
    chunk.asked.set(peer, asked);
  }

  #receive(chunk: Chunk, peer: SyncPeer, descending: readonly Uint8Array[]): void {
    if (chunk.phase !== "wanted") return;
    const refuse = (event: "invalid-message" | "invalid-header", detail: string) => {
      chunk.refused.add(peer);
      this.#context.score(peer, event, detail);
    };
    if (descending.length !== chunk.count) {
      return refuse("invalid-message", `${descending.length} headers instead of ${chunk.count}`);
    }
    if (descending.some(({ length }) => length > this.#context.config.headerBytes)) {
      return refuse("invalid-header", `Header above ${this.#context.config.headerBytes} bytes`);
    }
    const top = this.#context.identify(descending[0]!);
    if (top === undefined || !equalBytes(top.hash, chunk.to.hash)) {
      return refuse("invalid-message", `First header is not that of block ${chunk.to.number}`);
    }
    const headers = [...descending].reverse();
    const lowest = this.#context.identify(headers[0]!);
    if (
      top.number !== chunk.to.number || lowest === undefined ||
      !equalBytes(lowest.parentHash, chunk.from.hash)
    ) {
      if (!this.isLinked(headers)) {
        return refuse("invalid-header", `Headers up to block ${chunk.to.number} do not link`);
      }
      return this.cut(chunk, "unlinked");
    }
    chunk.phase = "fetched";
    chunk.headers = headers;
    chunk.by = peer;
    for (const { length } of headers) chunk.bytes += length;
    this.#bytes += chunk.bytes;
    this.#headerBytes += (chunk.bytes / chunk.count - this.#headerBytes) * 0.05;
  }

  /** Whether headers, ascending, are each the parent of the next. Costs a hash a header: for deciding who lied. */
  isLinked(headers: readonly Uint8Array[]): boolean {
    let parent: string | undefined;
    for (const bytes of headers) {
      const header = this.#context.identify(bytes);
      if (header === undefined || (parent !== undefined && header.parentHash.toHex() !== parent)) {
        return false;
      }
      parent = header.hash.toHex();
    }
    return true;
  }
}
