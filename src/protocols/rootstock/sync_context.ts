/**
 * What the parts of the sync machine share: the peers, the requests in flight to them, the clock and the effects.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 4.4 and 5.4.
 *
 * @module
 */

import { RequestBudget } from "./message_rate.ts";
import type { NodeId } from "./node_id.ts";
import type { RskMessage, RskStatus } from "./rsk_message.ts";
import type { HeaderIdentity, SyncConfig, SyncEffect, SyncScore } from "./sync_events.ts";

/** Latency assumed of a peer that has answered nothing, in milliseconds. */
const FIRST_LATENCY_MS = 500;
/** Weight of the newest answer in a peer's latency. */
const LATENCY_WEIGHT = 0.2;
/** Requests in flight to a peer that has answered nothing. */
const FIRST_ALLOWANCE = 4;

/** A connected peer. */
export interface SyncPeer {
  readonly id: NodeId;
  readonly budget: RequestBudget;
  status?: RskStatus;
  /** Best hash as hex; empty without a status. */
  bestHash: string;
  inFlight: number;
  /** Most requests in flight: grows by one with an answer, halves with one that came too late. */
  allowance: number;
  /** Smoothed. */
  latencyMs: number;
  /** Has lied, and is asked nothing more. */
  distrusted: boolean;
  /** Best hash that needs no more looking at. */
  explored: string;
  /** Best hash that is on no chain of ours near the tip: a walk has to find where it parts. */
  deep: string;
  /** Best hash whose height is being looked up, or has been. */
  lookedUp: string;
  /** Best hash in whose place the canonical chain has another. */
  differs: string;
  /** It has let a request for a body lapse, as header clients do, and is asked for none before this. */
  bodilessUntilMs: number;
  /** Attempts at this peer's claims that failed in a row. */
  failures: number;
  /** Its claim is not tried before this. */
  retryAtMs: number;
  /** Walks it has led, for a fair turn. */
  walks: number;
}

type ResponseType = Extract<RskMessage, { type: `${string}-response` }>["type"];
/** Message of one response type. */
export type ResponseOf<T extends ResponseType> = Extract<RskMessage, { type: T }>;

/** A request in flight, and who waits for it. */
interface PendingRequest {
  readonly peer: SyncPeer;
  readonly sentMs: number;
  readonly response: ResponseType;
  readonly received: (message: RskMessage) => void;
  readonly lost: () => void;
}

/** What a request asks for. */
export type RequestBody =
  | { readonly type: "block-hash-request"; readonly height: number }
  | { readonly type: "block-headers-request"; readonly hash: Uint8Array; readonly count: number }
  | { readonly type: "skeleton-request"; readonly startNumber: number }
  | { readonly type: "body-request"; readonly hash: Uint8Array };

interface ResponseFor {
  "block-hash-request": "block-hash-response";
  "block-headers-request": "block-headers-response";
  "skeleton-request": "skeleton-response";
  "body-request": "body-response";
}

const RESPONSE_FOR: Readonly<ResponseFor> = {
  "block-hash-request": "block-hash-response",
  "block-headers-request": "block-headers-response",
  "skeleton-request": "skeleton-response",
  "body-request": "body-response",
};

/** Reads a header without its ancestors: hash, number, parent; undefined if it is none or lacks its proof of work. */
export type IdentifyHeader = (bytes: Uint8Array) => HeaderIdentity | undefined;

/** See the module's note. */
export class SyncContext {
  readonly config: SyncConfig;
  readonly identify: IdentifyHeader;
  readonly peers = new Map<NodeId, SyncPeer>();
  nowMs = 0;
  /** Median of the peers' latencies, brought up to date by {@link SyncContext.expire}. */
  latencyMs = FIRST_LATENCY_MS;
  #effects: SyncEffect[] = [];
  readonly #pending = new Map<bigint, PendingRequest>();
  #nextId = 1n;
  #nextTicket = 1;

  constructor(config: SyncConfig, identify: IdentifyHeader) {
    this.config = config;
    this.identify = identify;
  }

  emit(effect: SyncEffect): void {
    this.#effects.push(effect);
  }

  takeEffects(): SyncEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  ticket(): number {
    return this.#nextTicket++;
  }

  get requestsInFlight(): number {
    return this.#pending.size;
  }

  /** A request older than this is asked of another peer too. */
  get stealAfterMs(): number {
    const { stealAfterMinMs, stealAfterMaxMs } = this.config;
    return Math.min(stealAfterMaxMs, Math.max(stealAfterMinMs, 4 * this.latencyMs));
  }

  join(id: NodeId, status?: RskStatus): void {
    if (this.peers.has(id) || this.peers.size >= this.config.peers) return;
    const { requestsPerMinute: perMinute, requestMinuteMs: minuteMs } = this.config;
    const peer: SyncPeer = {
      id,
      budget: new RequestBudget({ perMinute, minuteMs }),
      bestHash: "",
      inFlight: 0,
      allowance: Math.min(FIRST_ALLOWANCE, this.config.requestsInFlight),
      latencyMs: FIRST_LATENCY_MS,
      distrusted: false,
      explored: "",
      deep: "",
      lookedUp: "",
      differs: "",
      bodilessUntilMs: 0,
      failures: 0,
      retryAtMs: 0,
      walks: 0,
    };
    this.peers.set(id, peer);
    if (status !== undefined) this.tell(peer, status);
  }

  /** Takes what a peer says of its chain. */
  tell(peer: SyncPeer, status: RskStatus): void {
    peer.status = status;
    peer.bestHash = status.bestHash.toHex();
  }

  leave(id: NodeId): void {
    const peer = this.peers.get(id);
    if (peer === undefined) return;
    this.peers.delete(id);
    peer.distrusted = true;
    this.#drop((request) => request.peer === peer);
  }

  /** Reports a peer; what begins a punishment also ends its use here. */
  score(peer: SyncPeer, event: SyncScore, detail: string): void {
    // Whoever is not trusted has been reported for the first lie; the rest of its answers is not looked at.
    if (peer.distrusted) return;
    this.emit({ type: "score", peer: peer.id, event, detail });
    if (event.startsWith("invalid-")) peer.distrusted = true;
  }

  /** Whether a peer may be asked now. */
  isFree(peer: SyncPeer): boolean {
    return !peer.distrusted && peer.inFlight < peer.allowance && peer.budget.available(this.nowMs) >= 1;
  }

  /** Of the peers that may be asked now and fit, the one that will likely answer first. */
  pick(fits: (peer: SyncPeer) => boolean): SyncPeer | undefined {
    let best: SyncPeer | undefined;
    let bestCost = Infinity;
    for (const peer of this.peers.values()) {
      const cost = (peer.inFlight + 1) * peer.latencyMs;
      if (cost < bestCost && this.isFree(peer) && fits(peer)) [best, bestCost] = [peer, cost];
    }
    return best;
  }

  /**
   * Sends a request. Exactly one of `received` and `lost` (silence until the deadline, or the peer left) is called.
   *
   * @returns False if the peer may not be asked now; then neither is called.
   */
  request<T extends RequestBody>(
    peer: SyncPeer,
    body: T,
    received: (message: ResponseOf<ResponseFor[T["type"]]>) => void,
    lost: () => void,
  ): boolean {
    if (!this.isFree(peer) || !peer.budget.take(this.nowMs)) return false;
    const id = this.#nextId++;
    peer.inFlight++;
    this.#pending.set(id, {
      peer,
      sentMs: this.nowMs,
      response: RESPONSE_FOR[body.type],
      received: received as (message: RskMessage) => void,
      lost,
    });
    this.emit({ type: "send", peer: peer.id, message: { ...body, id } });
    return true;
  }

  /** Takes a response to whoever waits for it. */
  respond(peer: SyncPeer, message: ResponseOf<ResponseType>): void {
    const request = this.#pending.get(message.id);
    if (request === undefined || request.peer !== peer || request.response !== message.type) {
      this.score(peer, "unexpected-message", `No request ${message.id} for a ${message.type}`);
      return;
    }
    this.#pending.delete(message.id);
    peer.inFlight--;
    const tookMs = this.nowMs - request.sentMs;
    peer.latencyMs += (Math.max(1, tookMs) - peer.latencyMs) * LATENCY_WEIGHT;
    // An answer that came so late that another peer was asked says: ask this one for less at a time.
    peer.allowance = tookMs > this.stealAfterMs
      ? Math.max(1, peer.allowance >> 1)
      : Math.min(this.config.requestsInFlight, peer.allowance + 1);
    if (peer.distrusted) request.lost();
    else request.received(message);
  }

  /** Gives up requests that are past their deadline. */
  expire(): void {
    const latencies = [...this.peers.values()].filter(({ distrusted }) => !distrusted)
      .map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
    this.latencyMs = latencies[latencies.length >> 1] ?? FIRST_LATENCY_MS;
    const deadline = this.nowMs - this.config.requestTimeoutMs;
    const isLate = ({ sentMs }: PendingRequest) => sentMs <= deadline;
    // No bodies is no fault: a header client has none.
    this.#drop((request) => isLate(request) && request.response === "body-response");
    for (const peer of this.#drop(isLate)) {
      peer.allowance = 1;
      peer.latencyMs = Math.max(peer.latencyMs, this.config.requestTimeoutMs);
      this.score(peer, "timeout-message", `No answer in ${this.config.requestTimeoutMs} ms`);
    }
  }

  /** Ends requests without an answer; returns whose they were, each peer once. */
  #drop(matches: (request: PendingRequest) => boolean): Set<SyncPeer> {
    const dropped = [...this.#pending].filter(([, request]) => matches(request));
    for (const [id, { peer }] of dropped) {
      this.#pending.delete(id);
      peer.inFlight--;
    }
    for (const [, { lost }] of dropped) lost();
    return new Set(dropped.map(([, { peer }]) => peer));
  }
}
