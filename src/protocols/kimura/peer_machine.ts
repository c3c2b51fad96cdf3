/**
 * A follower as a state machine: gossip and answers in, verdicts, requests and stored blocks out.
 *
 * Layer: protocols. Source: spec/kimura.md §3, §4. Nothing is stored that was not verified in order on the tip. What
 * the leader signed is passed on at once; what is not from it counts against whoever sent it.
 *
 * @module
 */

import { type Block, blockHash } from "./block.ts";
import { equalBytes } from "./bytes.ts";
import { CatchUp, FAILURE_POINTS, LIE_POINTS } from "./catch_up.ts";
import type { Fault, FaultCode } from "./fault.ts";
import { isAnnouncedBy } from "./gossip.ts";
import { MessagePool } from "./message_pool.ts";
import type { Message } from "./message.ts";
import {
  DEFAULT_PEER_CONFIG,
  type GossipRef,
  type PeerConfig,
  type PeerEffect,
  type PeerEvent,
  type PeerName,
  type PeerSnapshot,
} from "./peer_events.ts";
import {
  type ChainRules,
  checkAlone,
  checkHeader,
  checkMessage,
  checkSeal,
  type Tip,
  tipOf,
} from "./rules.ts";
import { type FullBlock, MAX_SYNC_IDS, type SyncAnswer } from "./sync_messages.ts";

/** Hashes of stored blocks that are remembered, so that a late repetition is known without the disk. */
const RECENT_BLOCKS = 64;

/** Wait before blocks that could not be written are tried again. */
const WRITE_RETRY_MS = 1_000;

/** Options of {@link PeerMachine}. */
export interface PeerMachineOptions {
  readonly rules: ChainRules;
  /** Last block of the chain. */
  readonly tip: Tip;
  /** Overrides of {@link DEFAULT_PEER_CONFIG}. */
  readonly config?: Partial<PeerConfig>;
}

/** A block that waits for its turn. */
interface Held {
  readonly full: FullBlock;
  /** Who brought the block. */
  readonly from: PeerName;
  /** Whether its messages came with it; those of gossip may be another's fault. */
  readonly isWhole: boolean;
  readonly bytes: number;
}

/** A block of gossip whose messages are being asked for. */
interface Incomplete {
  readonly block: Block;
  readonly from: PeerName;
}

/** Drives a follower by events. Deterministic: same events and times, same effects. */
export class PeerMachine {
  readonly #rules: ChainRules;
  readonly #config: PeerConfig;
  readonly #catchUp: CatchUp;
  readonly #pool: MessagePool;
  readonly #held = new Map<bigint, Held>();
  readonly #recent = new Map<bigint, Uint8Array>();
  #heldBytes = 0;
  #tip: Tip;
  #incomplete: Incomplete | undefined;
  /** The batch that is verified or written. */
  #batch: readonly FullBlock[] | undefined;
  #isBehind = false;
  /** Nothing is written before: the disk failed a moment ago. */
  #resumeMs = 0;
  /** The `wake` that is in force. */
  #wakeMs: number | undefined;
  #effects: PeerEffect[] = [];

  constructor({ rules, tip, config }: PeerMachineOptions) {
    this.#rules = rules;
    this.#config = { ...DEFAULT_PEER_CONFIG, ...config };
    this.#tip = tip;
    this.#catchUp = new CatchUp(this.#config);
    this.#pool = new MessagePool({
      maxMessages: this.#config.maxPooled,
      maxLength: this.#config.maxPooledLength,
    });
    this.#recent.set(tip.height, tip.hash);
  }

  /** Takes one event; `nowMs` is the clock, milliseconds since 1970. */
  step(event: PeerEvent, nowMs: number): PeerEffect[] {
    this.#effects = this.#catchUp.expire(nowMs);
    switch (event.kind) {
      case "connected":
        this.#catchUp.connect(event.peer, nowMs);
        break;
      case "disconnected":
        this.#catchUp.disconnect(event.peer);
        if (this.#incomplete?.from === event.peer) this.#incomplete = undefined;
        break;
      case "block":
        this.#block(event.ref, event.block, event.from, nowMs);
        break;
      case "announcement":
        this.#announcement(event);
        break;
      case "message":
        this.#message(event.ref, event.message, nowMs);
        break;
      case "answer":
        this.#answer(event.request, event.answer, nowMs);
        break;
      case "failed": {
        const asked = this.#catchUp.take(event.request);
        if (asked === undefined) break;
        if (asked.ask.kind === "messages") this.#incomplete = undefined;
        const { fault } = event;
        const silence: Fault = { code: "ANSWER_EMPTY", message: "The peer gave no answer" };
        this.#blame(asked.peer, fault === undefined ? FAILURE_POINTS : LIE_POINTS, fault ?? silence, nowMs);
        break;
      }
      case "verified":
        this.#verified(event.count, event.fault, nowMs);
        break;
      case "persisted":
        this.#persisted();
        break;
      case "persist-failed":
        this.#note("persist-failed", this.#tip.height + 1n);
        this.#batch = undefined;
        this.#resumeMs = nowMs + WRITE_RETRY_MS;
        break;
      case "tick":
        this.#wakeMs = undefined;
    }
    this.#goOn(nowMs);
    return this.#effects;
  }

  /** State for gauges and status. */
  snapshot(): PeerSnapshot {
    return {
      height: this.#tip.height,
      target: this.#catchUp.target > this.#tip.height ? this.#catchUp.target : this.#tip.height,
      peers: this.#catchUp.peers,
      requests: this.#catchUp.requests,
      held: this.#held.size,
      pooled: this.#pool.size,
    };
  }

  #verdict(ref: GossipRef, verdict: "accept" | "ignore" | "reject", fault?: Fault): void {
    this.#effects.push({ kind: "verdict", ref, verdict, ...(fault === undefined ? {} : { fault }) });
  }

  #note(note: Extract<PeerEffect, { kind: "note" }>["note"], height: bigint): void {
    this.#effects.push({ kind: "note", note, height });
  }

  #blame(peer: PeerName, points: number, fault: Fault, nowMs: number): void {
    this.#effects.push(...this.#catchUp.failed(peer, points, fault, nowMs));
  }

  #block(ref: GossipRef, block: Block, from: PeerName, nowMs: number): void {
    const { height } = block.header;
    if (height <= this.#tip.height) return this.#old(ref, block, from);
    const seconds = BigInt(Math.floor(nowMs / 1_000));
    const isNext = height === this.#tip.height + 1n;
    const fault = isNext
      ? checkHeader(block, this.#tip, this.#rules, seconds)
      : checkAlone(block, this.#rules, seconds);
    if (fault !== undefined) return this.#verdict(ref, "reject", fault);
    // Without a leader's key nobody vouches for a block that does not extend the tip.
    const isVouched = isNext || this.#rules.leader !== undefined;
    this.#verdict(ref, isVouched ? "accept" : "ignore");
    this.#catchUp.heard(height, from);
    if (this.#held.has(height) || this.#incomplete?.block.header.height === height) return;
    if (!isNext && !this.#held.has(height - 1n) && height - 1n !== this.#inBatch()) {
      if (!this.#isBehind) this.#note("gap", height);
      this.#isBehind = true;
      return;
    }
    this.#complete({ block, from }, nowMs);
  }

  /** A block at or below the tip: the one that is stored, or a second one. */
  #old(ref: GossipRef, block: Block, from: PeerName): void {
    const known = this.#recent.get(block.header.height);
    if (known !== undefined && equalBytes(known, blockHash(block))) return this.#verdict(ref, "ignore");
    const fault = checkSeal(block, this.#rules);
    if (fault !== undefined) return this.#verdict(ref, "reject", fault);
    this.#verdict(ref, "ignore");
    if (this.#rules.leader !== undefined) this.#effects.push({ kind: "conflict", block, from });
  }

  /** Puts a block together with the messages that came by gossip; asks for the others. */
  #complete({ block, from }: Incomplete, nowMs: number): void {
    const messages: Message[] = [];
    const missing: Uint8Array[] = [];
    for (const id of this.#rules.leader === undefined ? [] : block.messageIds) {
      const message = this.#pool.get(id);
      if (message === undefined) missing.push(id);
      else messages.push(message);
    }
    if (missing.length === 0) return this.#hold({ block, messages }, from, false);
    this.#note("incomplete", block.header.height);
    if (missing.length > MAX_SYNC_IDS || this.#incomplete !== undefined) return;
    const effect = this.#catchUp.ask(from, { kind: "messages", ids: missing }, nowMs);
    // If it is busy the height stays missing, and the plan asks for the whole block.
    if (effect === undefined) return;
    this.#incomplete = { block, from };
    this.#effects.push(effect);
  }

  #announcement({ ref, announcement, from }: PeerEvent & { kind: "announcement" }): void {
    const { leader } = this.#rules;
    if (leader === undefined) return this.#verdict(ref, "ignore");
    if (!isAnnouncedBy(announcement, leader)) {
      const message = `The announcement of block ${announcement.height} is not the leader's`;
      return this.#verdict(ref, "reject", { code: "LEADER_SIGNATURE_INVALID", message });
    }
    this.#verdict(ref, "accept");
    this.#catchUp.heard(announcement.height, from);
  }

  #message(ref: GossipRef, message: Message, nowMs: number): void {
    if (this.#pool.get(message.id) !== undefined) return this.#verdict(ref, "ignore");
    const ahead = message.timestamp > BigInt(Math.floor(nowMs / 1_000)) + this.#rules.maxDriftSeconds;
    const fault = ahead
      ? { code: "TIMESTAMP_AHEAD" as FaultCode, message: `The message has time ${message.timestamp}` }
      : checkMessage(message, this.#rules);
    if (fault !== undefined) return this.#verdict(ref, "reject", fault);
    this.#pool.add(message);
    this.#verdict(ref, "accept");
  }

  #answer(request: number, answer: SyncAnswer, nowMs: number): void {
    const asked = this.#catchUp.take(request);
    if (asked === undefined) return;
    const { peer, ask } = asked;
    if (answer.kind === "tip") {
      this.#catchUp.succeeded(peer);
      this.#catchUp.setTip(peer, answer.height);
    } else if (answer.kind === "blocks") {
      if (answer.blocks.length === 0) {
        const from = ask.kind === "blocks" ? ask.from : 0n;
        const fault: Fault = {
          code: "ANSWER_EMPTY",
          message: `The peer said it has block ${from} and did not send it`,
        };
        return this.#blame(peer, FAILURE_POINTS, fault, nowMs);
      }
      this.#catchUp.succeeded(peer);
      for (const full of answer.blocks) this.#hold(full, peer, true);
    } else this.#messages(peer, answer.messages, nowMs);
  }

  /** Messages of the incomplete block. */
  #messages(peer: PeerName, messages: readonly Message[], nowMs: number): void {
    const incomplete = this.#incomplete;
    this.#incomplete = undefined;
    for (const message of messages) {
      const fault = checkMessage(message, this.#rules);
      if (fault !== undefined) return this.#blame(peer, LIE_POINTS, fault, nowMs);
      this.#pool.add(message);
    }
    this.#catchUp.succeeded(peer);
    if (incomplete === undefined || incomplete.block.header.height <= this.#tip.height) return;
    const { block, from } = incomplete;
    const found = block.messageIds.map((id) => this.#pool.get(id));
    // What is still missing is fetched with its block.
    if (found.every((message) => message !== undefined)) this.#hold({ block, messages: found }, from, false);
  }

  #hold(full: FullBlock, from: PeerName, isWhole: boolean): void {
    const { height } = full.block.header;
    if (height <= (this.#inBatch() ?? this.#tip.height) || this.#held.has(height)) return;
    if (height > this.#tip.height + BigInt(this.#config.maxAhead)) return;
    // Of a fetched block most messages came by gossip before, and their signatures need no second check.
    if (isWhole) {
      full = {
        block: full.block,
        messages: full.messages.map((message) => this.#pool.known(message)),
      };
    }
    let bytes = 200 + full.block.messageIds.length * 32;
    for (const { sender, content } of full.messages) bytes += sender.length + content.length + 96;
    this.#held.set(height, { full, from, isWhole, bytes });
    this.#heldBytes += bytes;
  }

  /** Height of the last block in the batch. */
  #inBatch(): bigint | undefined {
    return this.#batch?.at(-1)?.block.header.height;
  }

  #drop(height: bigint): void {
    const held = this.#held.get(height);
    if (held === undefined) return;
    this.#held.delete(height);
    this.#heldBytes -= held.bytes;
  }

  #verified(count: number, fault: Fault | undefined, nowMs: number): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    const bad = fault === undefined ? undefined : batch[count];
    if (fault !== undefined && bad !== undefined) this.#refuse(bad, fault, nowMs);
    // Blocks behind the bad one stay held if somebody else brought them.
    const good = batch.slice(0, count);
    this.#batch = good.length === 0 ? undefined : good;
    if (good.length > 0) this.#effects.push({ kind: "persist", blocks: good });
  }

  #refuse({ block }: FullBlock, fault: Fault, nowMs: number): void {
    const { height } = block.header;
    const held = this.#held.get(height);
    if (held === undefined) return;
    if (held.isWhole) {
      for (const [other, { from }] of [...this.#held]) {
        if (from === held.from && other >= height) this.#drop(other);
      }
      this.#blame(held.from, LIE_POINTS, fault, nowMs);
      return;
    }
    // The header is the leader's; a message that came by gossip may be another one with the same id.
    for (const id of block.messageIds) this.#pool.delete(id);
    this.#drop(height);
  }

  #persisted(): void {
    for (const { block } of this.#batch ?? []) {
      this.#tip = tipOf(block);
      this.#drop(this.#tip.height);
      this.#recent.set(this.#tip.height, this.#tip.hash);
      this.#recent.delete(this.#tip.height - BigInt(RECENT_BLOCKS));
      for (const id of block.messageIds) this.#pool.delete(id);
    }
    this.#batch = undefined;
    if (this.#isBehind && this.#catchUp.target <= this.#tip.height) {
      this.#isBehind = false;
      this.#note("caught-up", this.#tip.height);
    }
  }

  /** Verifies what follows the tip, asks for what is missing, and says when to look again. */
  #goOn(nowMs: number): void {
    if (this.#batch === undefined && nowMs >= this.#resumeMs) {
      const batch: FullBlock[] = [];
      const { batchBlocks } = this.#config;
      for (let height = this.#tip.height + 1n; batch.length < batchBlocks; height++) {
        const held = this.#held.get(height);
        if (held === undefined) break;
        batch.push(held.full);
      }
      if (batch.length > 0) {
        this.#batch = batch;
        this.#effects.push({ kind: "verify", blocks: batch });
      }
    }
    const incomplete = this.#incomplete?.block.header.height;
    const want = {
      from: this.#tip.height + 1n,
      has: (height: bigint) => this.#held.has(height) || height === incomplete,
      hasRoom: this.#heldBytes < this.#config.maxHeldBytes,
    };
    this.#effects.push(...this.#catchUp.plan(want, nowMs));
    const dueMs = Math.min(
      this.#catchUp.dueMs() ?? Infinity,
      this.#resumeMs > nowMs ? this.#resumeMs : Infinity,
    );
    if (dueMs === Infinity || dueMs === this.#wakeMs) return;
    this.#wakeMs = dueMs;
    this.#effects.push({ kind: "wake", atMs: dueMs });
  }
}
