/**
 * The leader as a state machine: messages and time in, blocks out.
 *
 * Layer: protocols. Source: spec/kimura.md §3, §4. A message counts as accepted when it is on disk; a block is published
 * when it is. Messages enter blocks in the order in which they came.
 *
 * @module
 */

import type { Block } from "./block.ts";
import { MAX_GOSSIP_DATA_BYTES } from "./gossip.ts";
import { BLOCK_JSON_FRAME_BYTES, idJsonBytes } from "./json.ts";
import {
  DEFAULT_LEADER_CONFIG,
  type LeaderConfig,
  type LeaderEffect,
  type LeaderEvent,
  type LeaderSnapshot,
  type Ticket,
} from "./leader_events.ts";
import type { Fault, FaultCode } from "./fault.ts";
import { messageRoot } from "./merkle.ts";
import { encodeMessage, type Message } from "./message.ts";
import { NonceTable } from "./nonce_table.ts";
import { type ChainRules, checkMessage, checkNonce, type Tip, tipOf } from "./rules.ts";
import type { FullBlock } from "./sync_messages.ts";

/** Options of {@link LeaderMachine}. */
export interface LeaderMachineOptions {
  readonly rules: ChainRules;
  /** Last block of the chain. */
  readonly tip: Tip;
  /** Accepted before and in no block yet, in order of arrival; all of them are on disk. */
  readonly pending?: readonly { readonly message: Message; readonly order: number }[];
  /** Seals a block; the identity for a chain without a leader's key. */
  readonly seal: (block: Block) => Block;
  /** Overrides of {@link DEFAULT_LEADER_CONFIG}. */
  readonly config?: Partial<LeaderConfig>;
  readonly nowMs: number;
}

interface Pending {
  readonly message: Message;
  readonly canonical: Uint8Array;
  readonly order: number;
  /** Who waits for the answer; nobody after a restart. */
  readonly ticket: Ticket | undefined;
  isKept: boolean;
}

/** Drives a leader by events. Deterministic: same events and times, same effects. */
export class LeaderMachine {
  readonly #rules: ChainRules;
  readonly #config: LeaderConfig;
  readonly #seal: (block: Block) => Block;
  readonly #nonces: NonceTable;
  readonly #perSender = new Map<string, number>();
  #pending: Pending[] = [];
  /** How many of them, from the first, are on disk and accepted. */
  #accepted = 0;
  #pendingBytes = 0;
  #nextOrder = 0;
  #tip: Tip;
  #writing: { readonly full: FullBlock; readonly count: number; readonly isCut: boolean } | undefined;
  #dueMs: number;
  #stopped = false;
  #effects: LeaderEffect[] = [];

  constructor({ rules, tip, pending = [], seal, config, nowMs }: LeaderMachineOptions) {
    this.#rules = rules;
    this.#config = { ...DEFAULT_LEADER_CONFIG, ...config };
    this.#seal = seal;
    this.#tip = tip;
    this.#nonces = new NonceTable(tip.height);
    this.#dueMs = nowMs + this.#config.blockIntervalMs;
    for (const { message, order } of pending) this.#add(message, order, undefined, true);
    this.#accepted = pending.length;
  }

  /** When the next block is due, in milliseconds; the driver's first `tick`. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Takes one event; `nowMs` is the machine's clock, milliseconds since 1970. */
  step(event: LeaderEvent, nowMs: number): LeaderEffect[] {
    this.#effects = [];
    switch (event.kind) {
      case "submit":
        this.#submit(event, nowMs);
        break;
      case "kept":
        this.#kept(event.order);
        break;
      case "keep-failed":
        this.#keepFailed(event.order);
        break;
      case "persisted":
        this.#persisted(event.height, nowMs);
        break;
      case "persist-failed":
        if (this.#writing === undefined) break;
        this.#writing = undefined;
        this.#effects.push({ kind: "note", note: "persist-failed", height: event.height });
        this.#wake();
        break;
      case "tick":
        this.#tick(nowMs);
        break;
      case "stop":
        this.#stopped = true;
    }
    return this.#effects;
  }

  /**
   * The nonce that a sender's next message must have.
   *
   * @param lastNonce Its last one in the chain, as read from the store.
   */
  nextNonce(sender: string, lastNonce: bigint | undefined): bigint {
    const last = this.#nonces.last(sender, lastNonce);
    return last === undefined ? 0n : last + 1n;
  }

  /** State for gauges and status. */
  snapshot(): LeaderSnapshot {
    return {
      height: this.#tip.height,
      pending: this.#pending.length,
      pendingBytes: this.#pendingBytes,
      isWriting: this.#writing !== undefined,
    };
  }

  #submit(event: LeaderEvent & { kind: "submit" }, nowMs: number): void {
    const { ticket, message } = event;
    const fault = this.#refusal(event, nowMs);
    if (fault !== undefined) {
      this.#effects.push({ kind: "refused", ticket, fault });
      return;
    }
    const order = this.#nextOrder;
    this.#add(message, order, ticket, false);
    this.#effects.push({ kind: "keep", message, order, receivedMs: nowMs });
  }

  #refusal(event: LeaderEvent & { kind: "submit" }, nowMs: number): Fault | undefined {
    const { message, lastNonce, readAt } = event;
    const { maxPending, maxPendingBytes, maxPendingPerSender, maxBlockBytes } = this.#config;
    const refuse = (code: FaultCode, text: string): Fault => ({ code, message: text });
    if (this.#stopped) return refuse("STOPPING", "The leader stops");
    if (!this.#nonces.isCurrent(readAt)) {
      return refuse(
        "STATE_OUTDATED",
        `The nonce was read at height ${readAt}, the chain is at ${this.#tip.height}`,
      );
    }
    if (message.timestamp > BigInt(Math.floor(nowMs / 1_000)) + this.#rules.maxDriftSeconds) {
      return refuse("TIMESTAMP_AHEAD", `The message has time ${message.timestamp}`);
    }
    // What costs nothing first; a signature costs a millisecond.
    const nonce = checkNonce(message.nonce, this.#nonces.last(message.sender, lastNonce));
    if (nonce !== undefined) return nonce;
    const bytes = message.content.length + message.sender.length;
    const isFull = this.#pending.length >= maxPending || this.#pendingBytes + bytes > maxPendingBytes ||
      (this.#perSender.get(message.sender) ?? 0) >= maxPendingPerSender;
    if (isFull) return refuse("PENDING_FULL", `${this.#pending.length} messages wait for a block`);
    if (bytes > maxBlockBytes) {
      return refuse("CONTENT_TOO_LARGE", `The message has more bytes than a block may`);
    }
    return checkMessage(message, this.#rules);
  }

  #add(message: Message, order: number, ticket: Ticket | undefined, isKept: boolean): void {
    const canonical = encodeMessage(message);
    this.#pending.push({ message, canonical, order, ticket, isKept });
    this.#pendingBytes += canonical.length;
    this.#nextOrder = Math.max(this.#nextOrder, order + 1);
    this.#perSender.set(message.sender, (this.#perSender.get(message.sender) ?? 0) + 1);
    this.#nonces.add(message.sender, message.nonce);
  }

  #drop({ message, canonical }: Pending): void {
    this.#pendingBytes -= canonical.length;
    const left = this.#perSender.get(message.sender)! - 1;
    if (left === 0) this.#perSender.delete(message.sender);
    else this.#perSender.set(message.sender, left);
  }

  #kept(order: number): void {
    const found = this.#find(order);
    if (found === undefined) return;
    found.isKept = true;
    this.#accept();
  }

  /** In order of arrival, so that nothing is accepted whose predecessor may still fail. */
  #accept(): void {
    for (; this.#accepted < this.#pending.length; this.#accepted++) {
      const { isKept, ticket, message } = this.#pending[this.#accepted]!;
      if (!isKept) return;
      if (ticket !== undefined) this.#effects.push({ kind: "accepted", ticket, message });
    }
  }

  /** Of one sender nothing after a lost message can be in the chain before it is sent again. */
  #keepFailed(order: number): void {
    const failed = this.#find(order);
    if (failed === undefined || failed.isKept) return;
    const { sender, nonce } = failed.message;
    const lost = this.#pending.filter((entry) => entry.order >= order && entry.message.sender === sender);
    this.#pending = this.#pending.filter((entry) => !lost.includes(entry));
    this.#nonces.takeBack(sender, nonce);
    for (const entry of lost) {
      this.#drop(entry);
      if (entry.ticket === undefined) continue;
      const fault: Fault = { code: "STORE_FAILED", message: "The message could not be stored" };
      this.#effects.push({ kind: "refused", ticket: entry.ticket, fault });
    }
    this.#effects.push({ kind: "forget", ids: lost.map(({ message }) => message.id) });
    this.#accept();
  }

  /** Orders ascend, so the place is found by halves. */
  #find(order: number): Pending | undefined {
    let [low, high] = [0, this.#pending.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#pending[middle]!.order < order) low = middle + 1;
      else high = middle;
    }
    const found = this.#pending[low];
    return found?.order === order ? found : undefined;
  }

  #tick(nowMs: number): void {
    // A clock that was set back must not stop the chain until the time it had is there again.
    this.#dueMs = Math.min(this.#dueMs, nowMs + this.#config.blockIntervalMs);
    if (nowMs < this.#dueMs) return this.#wake();
    if (this.#writing !== undefined) {
      this.#effects.push({ kind: "note", note: "late", height: this.#writing.full.block.header.height });
    } else this.#produce(nowMs);
    // The rhythm does not drift: what was missed is left out.
    const { blockIntervalMs } = this.#config;
    this.#dueMs += blockIntervalMs * (1 + Math.floor((nowMs - this.#dueMs) / blockIntervalMs));
    this.#wake();
  }

  #wake(): void {
    if (!this.#stopped) this.#effects.push({ kind: "wake", atMs: this.#dueMs });
  }

  #produce(nowMs: number): void {
    if (this.#stopped) return;
    const count = this.#fitting();
    const chosen = this.#pending.slice(0, count);
    const isCut = count < this.#accepted;
    const seconds = BigInt(Math.floor(nowMs / 1_000));
    const block = this.#seal({
      header: {
        height: this.#tip.height + 1n,
        timestamp: seconds > this.#tip.timestamp ? seconds : this.#tip.timestamp,
        prevHash: this.#tip.hash,
        messageRoot: messageRoot(chosen.map(({ canonical }) => canonical)),
      },
      messageIds: chosen.map(({ message }) => message.id),
    });
    const full = { block, messages: chosen.map(({ message }) => message) };
    this.#writing = { full, count, isCut };
    if (isCut) this.#effects.push({ kind: "note", note: "cut", height: block.header.height });
    this.#effects.push({ kind: "persist", full });
  }

  /** How many of the pending messages the next block takes: the first ones that are on disk, within every bound. */
  #fitting(): number {
    const { maxBlockBytes, oversize } = this.#config;
    const most = Math.min(this.#accepted, this.#rules.maxBlockMessages);
    let [count, bytes, json] = [0, 0, BLOCK_JSON_FRAME_BYTES];
    for (; count < most; count++) {
      const { message, canonical } = this.#pending[count]!;
      bytes += canonical.length;
      json += idJsonBytes(message.id);
      if (bytes > maxBlockBytes && count > 0) break;
      if (oversize === "split" && json > MAX_GOSSIP_DATA_BYTES) break;
    }
    return count;
  }

  #persisted(height: bigint, nowMs: number): void {
    const writing = this.#writing;
    if (writing === undefined || writing.full.block.header.height !== height) return;
    const { full: { block, messages }, count, isCut } = writing;
    this.#writing = undefined;
    for (const entry of this.#pending.slice(0, count)) this.#drop(entry);
    this.#pending = this.#pending.slice(count);
    this.#accepted -= count;
    this.#tip = tipOf(block);
    this.#nonces.stored(height, new Map(messages.map(({ sender, nonce }) => [sender, nonce])));
    const json = block.messageIds.reduce((sum, id) => sum + idJsonBytes(id), BLOCK_JSON_FRAME_BYTES);
    this.#effects.push({
      kind: "publish",
      block,
      form: json > MAX_GOSSIP_DATA_BYTES ? "announcement" : "whole",
    });
    // What did not fit follows at once, so that a full block does not halve the rate.
    if (isCut) this.#produce(nowMs);
  }
}
