/**
 * Which heights to ask whom for: bounded ranges, several peers at a time, patience for none that lies.
 *
 * Layer: protocols. Source: spec/kimura.md §4. Knows peers and requests; what the blocks are worth is the peer machine's.
 *
 * @module
 */

import type { Fault } from "./fault.ts";
import type { PeerConfig, PeerEffect, PeerName, RequestRef } from "./peer_events.ts";
import type { SyncRequest } from "./sync_messages.ts";

/** What a lie costs; five of them end the connection. */
export const LIE_POINTS = 100;
/** What silence, an empty answer or a late one costs. */
export const FAILURE_POINTS = 10;

interface Peer {
  /** Highest block it said it has; nothing before its first answer and after a lie. */
  tip: bigint | undefined;
  failures: number;
  notBeforeMs: number;
  /** When its tip is asked for next. */
  tipDueMs: number;
  /** Its request under way. */
  busy: RequestRef | undefined;
}

/** A request under way. */
export interface Asked {
  readonly peer: PeerName;
  readonly ask: SyncRequest;
  readonly deadlineMs: number;
}

/** What the plan is made for. */
export interface Want {
  /** First height that is missing. */
  readonly from: bigint;
  /** Whether a height is held. */
  readonly has: (height: bigint) => boolean;
  /** Whether more may be held. */
  readonly hasRoom: boolean;
}

/** Peers and requests of a follower. */
export class CatchUp {
  readonly #config: PeerConfig;
  readonly #peers = new Map<PeerName, Peer>();
  readonly #asked = new Map<RequestRef, Asked>();
  #next: RequestRef = 1;

  constructor(config: PeerConfig) {
    this.#config = config;
  }

  /** Peers known. */
  get peers(): number {
    return this.#peers.size;
  }

  /** Requests under way. */
  get requests(): number {
    return this.#asked.size;
  }

  /** Highest height that a peer has, as far as it is believed. */
  get target(): bigint {
    let target = 0n;
    for (const { tip } of this.#peers.values()) if (tip !== undefined && tip > target) target = tip;
    return target;
  }

  connect(name: PeerName, nowMs: number): void {
    if (this.#peers.has(name) || this.#peers.size >= this.#config.maxPeers) return;
    this.#peers.set(name, {
      tip: undefined,
      failures: 0,
      notBeforeMs: nowMs,
      tipDueMs: nowMs,
      busy: undefined,
    });
  }

  disconnect(name: PeerName): void {
    const busy = this.#peers.get(name)?.busy;
    if (busy !== undefined) this.#asked.delete(busy);
    this.#peers.delete(name);
  }

  /** A peer has shown that it has, or must have, a block. */
  heard(height: bigint, from: PeerName): void {
    const peer = this.#peers.get(from);
    if (peer !== undefined && (peer.tip ?? 0n) < height) peer.tip = height;
  }

  /** A peer said what its last block is. */
  setTip(name: PeerName, tip: bigint): void {
    const peer = this.#peers.get(name);
    if (peer !== undefined) peer.tip = tip;
  }

  /** Ends a request. @returns `undefined` if it was given up before. */
  take(request: RequestRef): Asked | undefined {
    const asked = this.#asked.get(request);
    if (asked === undefined) return undefined;
    this.#asked.delete(request);
    const peer = this.#peers.get(asked.peer);
    if (peer?.busy === request) peer.busy = undefined;
    return asked;
  }

  /** A peer did what was asked. */
  succeeded(name: PeerName): void {
    const peer = this.#peers.get(name);
    if (peer !== undefined) peer.failures = 0;
  }

  /** A peer lied or failed: it waits, it is not believed, and it loses points. */
  failed(name: PeerName, points: number, fault: Fault, nowMs: number): PeerEffect[] {
    const peer = this.#peers.get(name);
    if (peer !== undefined) {
      const { backoffMs, maxBackoffMs } = this.#config;
      peer.notBeforeMs = nowMs + Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(peer.failures, 20));
      peer.failures++;
      peer.tip = undefined;
      peer.tipDueMs = peer.notBeforeMs;
    }
    return [{ kind: "penalise", peer: name, points, fault }];
  }

  /** Ends requests whose time is over. */
  expire(nowMs: number): PeerEffect[] {
    const effects: PeerEffect[] = [];
    for (const [request, { peer, deadlineMs }] of this.#asked) {
      if (deadlineMs > nowMs) continue;
      this.take(request);
      const fault: Fault = {
        code: "ANSWER_LATE",
        message: `No answer within ${this.#config.requestTimeoutMs} ms`,
      };
      effects.push(...this.failed(peer, FAILURE_POINTS, fault, nowMs));
    }
    return effects;
  }

  /** Asks one peer one thing, if it is free. */
  ask(name: PeerName, ask: SyncRequest, nowMs: number): PeerEffect | undefined {
    const peer = this.#peers.get(name);
    if (peer === undefined || peer.busy !== undefined || peer.notBeforeMs > nowMs) return undefined;
    const request = this.#next++;
    peer.busy = request;
    this.#asked.set(request, { peer: name, ask, deadlineMs: nowMs + this.#config.requestTimeoutMs });
    return { kind: "request", request, peer: name, ask };
  }

  /** Requests for tips that are due and for heights that are missing. */
  plan(want: Want, nowMs: number): PeerEffect[] {
    const effects: PeerEffect[] = [];
    for (const [name, peer] of this.#peers) {
      if (peer.tipDueMs > nowMs) continue;
      const effect = this.ask(name, { kind: "tip" }, nowMs);
      if (effect === undefined) continue;
      peer.tipDueMs = nowMs + this.#config.tipIntervalMs;
      effects.push(effect);
    }
    if (!want.hasRoom) return effects;
    const { maxRequests, maxAhead } = this.#config;
    const end = min(this.target, want.from + BigInt(maxAhead) - 1n);
    const ranges = [...this.#asked.values()].flatMap(({ ask }) => ask.kind === "blocks" ? [ask] : []);
    const isMissing = (height: bigint) =>
      !want.has(height) && !ranges.some(({ from, count }) => from <= height && height < from + BigInt(count));
    for (let from = want.from; from <= end && ranges.length < maxRequests; from++) {
      if (!isMissing(from)) continue;
      const peer = this.#free(from, nowMs);
      if (peer === undefined) break;
      const count = this.#run(isMissing, from, min(end, this.#peers.get(peer)!.tip!));
      const ask = { kind: "blocks", from, count } as const;
      ranges.push(ask);
      effects.push(this.ask(peer, ask, nowMs)!);
    }
    return effects;
  }

  /** Earliest moment at which something is due. */
  dueMs(): number | undefined {
    let due = Infinity;
    for (const { deadlineMs } of this.#asked.values()) due = Math.min(due, deadlineMs);
    for (const { tipDueMs, notBeforeMs, busy } of this.#peers.values()) {
      if (busy === undefined) due = Math.min(due, Math.max(tipDueMs, notBeforeMs));
    }
    return due === Infinity ? undefined : due;
  }

  /** How many heights from `from` on are missing in a row, up to a range. */
  #run(isMissing: (height: bigint) => boolean, from: bigint, end: bigint): number {
    let count = 1;
    while (
      count < this.#config.rangeBlocks && from + BigInt(count) <= end && isMissing(from + BigInt(count))
    ) count++;
    return count;
  }

  /** A peer that has a height and may be asked; of several the one that failed least. */
  #free(height: bigint, nowMs: number): PeerName | undefined {
    let found: [PeerName, Peer] | undefined;
    for (const [name, peer] of this.#peers) {
      const { tip, busy, notBeforeMs, failures } = peer;
      if (tip === undefined || tip < height || busy !== undefined || notBeforeMs > nowMs) continue;
      if (found === undefined || failures < found[1].failures) found = [name, peer];
    }
    return found?.[0];
  }
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
