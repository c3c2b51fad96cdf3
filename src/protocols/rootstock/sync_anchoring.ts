/**
 * The start from a checkpoint: its header and those below it, taken by hash alone.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 2.1: the fork-detection rule looks 449 blocks
 * back. Each header is the parent of the one before, down from the checkpoint's hash; nothing else vouches for them. A
 * peer is first asked what it has at the checkpoint's height: to a hash that it lacks it would be silent, and a wrong
 * checkpoint would look like slow peers.
 *
 * @module
 */

import type { BlockIdentifier } from "./block_identifier.ts";
import { equalBytes } from "./bytes.ts";
import { CHUNK_HEADERS } from "./skeleton.ts";
import type { SyncChain } from "./sync_chain.ts";
import type { SyncContext, SyncPeer } from "./sync_context.ts";
import type { HeaderIdentity } from "./sync_events.ts";

/** See the module's note. */
export class SyncAnchoring {
  readonly #context: SyncContext;
  readonly #count: number;
  /** Descending. */
  readonly #headers: (HeaderIdentity & { readonly bytes: Uint8Array })[] = [];
  readonly #chain: SyncChain;
  readonly #base: BlockIdentifier;
  #wanted: Uint8Array;
  #isAsking = false;
  /** Peers that have the checkpoint, as they say. */
  readonly #having = new Set<SyncPeer>();
  /** Peers that did not have what was asked for. */
  readonly #refused = new Set<SyncPeer>();
  #refusedMs = 0;
  #ticket: number | undefined;
  #isDone = false;

  /** @param ancestors Headers wanted below the chain's base. */
  constructor(context: SyncContext, chain: SyncChain, ancestors: number) {
    const { base } = chain;
    this.#context = context;
    this.#chain = chain;
    this.#base = base;
    this.#wanted = base.hash;
    this.#count = Math.min(ancestors, base.number) + 1;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  stored(ticket: number): void {
    if (ticket === this.#ticket) this.#isDone = true;
  }

  pump(): void {
    if (this.#isAsking || this.#ticket !== undefined) return;
    const mayAsk = (peer: SyncPeer) =>
      !this.#refused.has(peer) && (peer.status?.bestNumber ?? 0) >= this.#base.number;
    const peer = this.#context.pick(mayAsk);
    if (peer === undefined) {
      // All have been asked: anew after a while, for there is nobody else.
      const { nowMs, config } = this.#context;
      if (this.#refused.size > 0 && nowMs - this.#refusedMs >= config.retryAfterMs) this.#refused.clear();
      return;
    }
    const lost = () => {
      this.#isAsking = false;
      this.#refuse(peer);
    };
    if (!this.#having.has(peer)) {
      const height = this.#base.number;
      const received = ({ hash }: { readonly hash: Uint8Array }) => this.#compare(peer, hash);
      this.#isAsking = this.#context.request(peer, { type: "block-hash-request", height }, received, lost);
      return;
    }
    const count = Math.min(CHUNK_HEADERS, this.#count - this.#headers.length);
    this.#isAsking = this.#context.request(
      peer,
      { type: "block-headers-request", hash: this.#wanted, count },
      ({ headers }) => this.#receive(peer, headers, count),
      lost,
    );
  }

  #compare(peer: SyncPeer, hash: Uint8Array): void {
    this.#isAsking = false;
    if (equalBytes(hash, this.#base.hash)) {
      this.#having.add(peer);
      return;
    }
    this.#refuse(peer);
    this.#chain.denial({ number: this.#base.number, hash }, "A peer has another block there");
  }

  #refuse(peer: SyncPeer): void {
    this.#having.delete(peer);
    this.#refused.add(peer);
    this.#refusedMs = this.#context.nowMs;
  }

  #receive(peer: SyncPeer, headers: readonly Uint8Array[], count: number): void {
    this.#isAsking = false;
    // Fewer is no lie: a node may lack the history.
    if (headers.length < count) this.#refuse(peer);
    for (const bytes of headers.slice(0, count)) {
      const header = bytes.length > this.#context.config.headerBytes
        ? undefined
        : this.#context.identify(bytes);
      if (header === undefined || header.hash.toHex() !== this.#wanted.toHex()) {
        return this.#context.score(peer, "invalid-header", "Header is not the parent of the one above it");
      }
      if (header.number !== this.#base.number - this.#headers.length) {
        const detail = `Block ${header.number} is not at height ${this.#base.number}, as was said of it`;
        return this.#context.score(peer, "invalid-message", detail);
      }
      this.#headers.push({ ...header, bytes });
      this.#wanted = header.parentHash;
    }
    if (this.#headers.length < this.#count) return;
    this.#ticket = this.#context.ticket();
    this.#context.emit({ type: "anchor", ticket: this.#ticket, headers: this.#headers.splice(0).reverse() });
  }
}
