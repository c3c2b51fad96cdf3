/**
 * Blocks below a stored one, from a peer: verified in a Worker of their own, stored from the top down. They are history
 * before the first block, or fill a hole that a lost archive has left.
 *
 * Layer: services. A block below a stored one is known before it comes: the footer above names its root. So nothing
 * a peer sends can be stored but the chain that this node already follows. Source: spec/block-node.md §7.4.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import { parseBlockFooter } from "../../protocols/hiero/block_parts.ts";
import { type ChainHead, decodeChainHead } from "../../protocols/hiero/chain.ts";
import { ITEM, itemRanges, peekItemKind } from "../../protocols/hiero/items.ts";
import { HASH_BYTES } from "../../protocols/hiero/merkle.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import type { RootCandidate } from "../../protocols/hiero/root_hash.ts";
import { WireReader } from "../../protocols/hiero/wire.ts";
import {
  type BlockRangeRequest,
  type FetchLimits,
  type FetchOutcome,
  peerFault,
  readRange,
} from "./backfill_fetch.ts";
import type { BackfillPeer } from "./backfill_peer.ts";
import type { BackfillWorkerReply, BackfillWorkerRequest } from "./backfill_worker.ts";
import type { BlockStore, StoredBlock } from "./store.ts";
import { decodeVerdict, type VerdictBody } from "./verdict_codec.ts";
import type { AnnouncedBlock, VerifyTaskOptions } from "./verify_task.ts";

/** What {@link HistoryLane} works with. */
export interface HistoryDeps {
  readonly store: BlockStore;
  /** Lowest block this node wants. */
  readonly earliest: bigint;
  /** How blocks are verified, with what is known of keys now. */
  readonly verifyOptions: () => VerifyTaskOptions;
  /** Told of the network's keys when a block has told them and they are stored. */
  readonly onKeys: (verificationData: Uint8Array) => void;
  /** Told when blocks were stored. */
  readonly onStored: () => void;
  /** Most bytes of blocks in memory; of a larger range the highest blocks are kept. */
  readonly maxBytes: number;
}

/** Fetches ranges that end right below a stored block. */
export class HistoryLane implements Disposable {
  readonly #deps: HistoryDeps;
  #worker: Worker | undefined;
  #asked: PromiseWithResolvers<BackfillWorkerReply> | undefined;

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
  }

  /** Fetches the blocks and settles when they are stored, or cannot be. One call at a time. */
  async fetch(
    peer: BackfillPeer,
    { signal, first, last }: BlockRangeRequest & { readonly signal: AbortSignal },
    limits: FetchLimits,
  ): Promise<FetchOutcome> {
    const { store, verifyOptions, earliest } = this.#deps;
    const named = await this.#namedBelow(last + 1n);
    if (named === undefined) return { kind: "interrupted", reason: "missing" };
    let blocks: readonly AnnouncedBlock[];
    try {
      blocks = await this.#read(peer, { first: this.#lowestMissing(first, last), last }, {
        ...limits,
        signal,
      });
    } catch (error) {
      if (signal.aborted) return { kind: "interrupted", reason: "stopping" };
      return peerFault(error);
    }
    const found = await this.#verify({ options: verifyOptions(), blocks });
    const verdicts = found.verdicts.map(decodeVerdict);
    const refusal = verdicts.find((verdict) => verdict.status === "fault");
    if (refusal !== undefined) return { kind: "failed", reason: "refused", message: refusal.fault.message };
    const linked = linkedTo(verdicts.filter(isOk), named);
    if (linked === undefined) {
      const message = `Cannot accept block ${last}: its root is not what block ${last + 1n} names`;
      return { kind: "failed", reason: "unlinked", message };
    }
    if (signal.aborted) return { kind: "interrupted", reason: "stopping" };
    const known = store.verificationData;
    try {
      await store.fillBelow(linked.map((verdict, i) => ({ ...verdict, ...found.blocks[i]! })));
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      return { kind: "interrupted", reason: error.code };
    }
    if (store.verificationData !== undefined && store.verificationData !== known) {
      this.#deps.onKeys(store.verificationData);
    }
    this.#deps.onStored();
    // There may never be another range: the Worker's memory is worth more than its start.
    if (store.first === earliest && store.holes().length === 0) this.#end();
    return { kind: "fetched", blocks: blocks.length };
  }

  /** The root that a stored block names for the one before it; undefined if it cannot be read. */
  async #namedBelow(number: bigint): Promise<Uint8Array | undefined> {
    try {
      const above = await this.#deps.store.block(number);
      return above && previousHash(above);
    } catch (error) {
      // Whoever reads a damaged archive names it; nothing below it can be fetched.
      if (!(error instanceof CairnError) || error.code !== "STORE_READ_FAILED") throw error;
      return undefined;
    }
  }

  /** A hole may be smaller than a range: what lies below it is there. */
  #lowestMissing(first: bigint, last: bigint): bigint {
    const below = this.#deps.store.ranges().findLast((range) => range.last < last);
    return below === undefined || below.last < first ? first : below.last + 1n;
  }

  /** The blocks of a range in order, or as many of the highest as fit. */
  async #read(
    peer: BackfillPeer,
    range: BlockRangeRequest,
    options: FetchLimits & { readonly signal: AbortSignal },
  ): Promise<readonly AnnouncedBlock[]> {
    const blocks: AnnouncedBlock[] = [];
    let bytes = 0;
    let segments: Uint8Array[] = [];
    for await (const part of readRange(peer, range, options)) {
      if (part.kind === "items") segments.push(part.set.records);
      else {
        const block = concatenate(segments);
        segments = [];
        blocks.push({ number: part.number, block });
        bytes += block.length;
        while (bytes > this.#deps.maxBytes && blocks.length > 1) bytes -= blocks.shift()!.block.length;
      }
    }
    return blocks;
  }

  #verify(request: BackfillWorkerRequest): Promise<BackfillWorkerReply> {
    const asked = this.#asked = Promise.withResolvers<BackfillWorkerReply>();
    this.#worker ??= this.#start();
    this.#worker.postMessage(request, request.blocks.map(({ block }) => block.buffer as ArrayBuffer));
    return asked.promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./backfill_worker.ts", import.meta.url), {
      type: "module",
      name: "blocks-backfill",
    });
    worker.onmessage = (event: MessageEvent<BackfillWorkerReply>) => this.#asked?.resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end();
      this.#asked?.reject(new CairnError("INTERNAL", `Backfill Worker failed: ${event.message}`));
    };
    return worker;
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** Ends the Worker; what it was asked is not answered. */
  [Symbol.dispose](): void {
    this.#end();
    this.#asked?.reject(new CairnError("SHUTTING_DOWN", "Cannot verify blocks: the node stops"));
  }
}

type Verified = VerdictBody & { readonly status: "ok" };

function isOk(verdict: VerdictBody): verdict is Verified {
  return verdict.status === "ok";
}

/** The verdicts, the last one under the root that the block above names; undefined if it has no such root. */
function linkedTo(
  verdicts: readonly Verified[],
  named: Uint8Array,
): readonly Omit<StoredBlock, "number" | "block">[] | undefined {
  const last = verdicts.at(-1)!;
  const rule = ruleOf(decodeChainHead(last.chainState), named);
  if (rule === undefined) return undefined;
  if (rule === "opaque") return verdicts;
  return [...verdicts.slice(0, -1), { ...last, record: { ...last.record, rule, rootHash: named.toHex() } }];
}

function ruleOf(
  { roots, rootDigest }: ChainHead,
  named: Uint8Array,
): RootCandidate["rule"] | "opaque" | undefined {
  const root = roots.find(({ hash }) => hash.toHex() === named.toHex());
  if (root !== undefined || roots.length > 0 || rootDigest === undefined) return root?.rule;
  const digest = new Uint8Array(HASH_BYTES);
  nativeSha384(named, digest);
  return digest.toHex() === rootDigest.toHex() ? "opaque" : undefined;
}

/** What a block's footer says about the block before. */
function previousHash(block: Uint8Array): Uint8Array | undefined {
  for (const { start, end } of itemRanges(block)) {
    if (peekItemKind(block, start, end) !== ITEM.BLOCK_FOOTER) continue;
    const item = new WireReader(block, start, end);
    item.nextTag();
    const length = item.length();
    return parseBlockFooter(block, item.pos, item.pos + length).previousBlockRootHash;
  }
  return undefined;
}

function concatenate(segments: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(segments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const segment of segments) {
    whole.set(segment, at);
    at += segment.length;
  }
  return whole;
}
