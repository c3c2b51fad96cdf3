/**
 * Nodes that may be dialled, and when: bounded, spread over network ranges, with back-off.
 *
 * Layer: protocols/rootstock. Imports types of this room and ip_address.
 *
 * @module
 */

import { addressKind, networkRange, parseIpAddress } from "./ip_address.ts";
import type { KademliaNode } from "./kademlia.ts";
import { isNodeId, type NodeId } from "./node_id.ts";
import type { PeerConfig, PeerRecord } from "./peer_events.ts";

/** A node that may be dialled. */
export interface Candidate {
  readonly id: NodeId;
  host: string;
  port: number;
  /** /16 of the address (IPv6: /32), of which connections are counted; absent for loopback. */
  range: string | undefined;
  /** /24 (IPv6: /48), of which candidates are counted. */
  crowd: string | undefined;
  readonly isStatic: boolean;
  seenMs: number;
  healthyMs: number | undefined;
  failures: number;
  nextDialMs: number;
}

/** The range whose connections are counted; absent for loopback and for what is no address. */
export function dialRange(host: string): string | undefined {
  const address = parseIpAddress(host);
  if (address === undefined || addressKind(address) === "loopback") return undefined;
  return networkRange(address, { v4: 16, v6: 32 });
}

function crowdOf(host: string): string | undefined {
  const address = parseIpAddress(host);
  if (address === undefined || addressKind(address) === "loopback") return undefined;
  return networkRange(address, { v4: 24, v6: 48 });
}

/** What the store keeps of a candidate. */
export function toRecord({ id, host, port, seenMs, healthyMs, failures }: Candidate): PeerRecord {
  return { id, host, port, seenMs, failures, ...(healthyMs === undefined ? {} : { healthyMs }) };
}

/** The known nodes. */
export class PeerBook {
  readonly #config: PeerConfig;
  readonly #random: () => number;
  readonly #candidates = new Map<NodeId, Candidate>();
  readonly #crowds = new Map<string, number>();

  constructor(config: PeerConfig, random: () => number) {
    this.#config = config;
    this.#random = random;
  }

  get size(): number {
    return this.#candidates.size;
  }

  get(id: NodeId): Candidate | undefined {
    return this.#candidates.get(id);
  }

  all(): IterableIterator<Candidate> {
    return this.#candidates.values();
  }

  addStatic({ id, host, port }: KademliaNode): void {
    this.#candidates.set(id, newCandidate({ id, host, port, seenMs: 0, failures: 0 }, true));
  }

  /**
   * Takes a node in, or its newer address.
   *
   * @returns `isNews`: whether there is something for the store; `forgotten`: who had to leave.
   */
  add(record: PeerRecord): { readonly isNews: boolean; readonly forgotten?: NodeId } {
    const address = parseIpAddress(record.host);
    const isUsable = address !== undefined && addressKind(address) !== "unusable" && isNodeId(record.id) &&
      record.port > 0 && record.port <= 0xffff;
    if (!isUsable) return { isNews: false };
    const host = address.text;
    const known = this.#candidates.get(record.id);
    if (known !== undefined) return { isNews: this.#refresh(known, { ...record, host }) };
    const candidate = newCandidate({ ...record, host }, false);
    if (this.#crowdSize(candidate.crowd) >= this.#config.maxCandidatesPerRange) return { isNews: false };
    const forgotten = this.#candidates.size >= this.#config.maxCandidates ? this.#forgetWorst() : undefined;
    this.#candidates.set(candidate.id, candidate);
    this.#count(candidate.crowd, 1);
    return { isNews: true, ...(forgotten === undefined ? {} : { forgotten }) };
  }

  #refresh(known: Candidate, { host, port, seenMs }: PeerRecord): boolean {
    known.seenMs = Math.max(known.seenMs, seenMs);
    if (known.isStatic || (known.host === host && known.port === port)) return false;
    const crowd = crowdOf(host);
    if (crowd !== known.crowd && this.#crowdSize(crowd) >= this.#config.maxCandidatesPerRange) return false;
    this.#count(known.crowd, -1);
    this.#count(crowd, 1);
    Object.assign(known, { host, port, crowd, range: dialRange(host), failures: 0, nextDialMs: 0 });
    return true;
  }

  remove(id: NodeId): void {
    const candidate = this.#candidates.get(id);
    if (candidate === undefined || candidate.isStatic) return;
    this.#candidates.delete(id);
    this.#count(candidate.crowd, -1);
  }

  /**
   * Notes that a connection failed or ended, and when the node may be dialled again.
   *
   * @param leastMs Not before this time is over, whatever the back-off.
   * @returns Whether the node was forgotten.
   */
  failed(candidate: Candidate, nowMs: number, leastMs = 0): boolean {
    candidate.failures++;
    if (!candidate.isStatic && candidate.failures >= this.#config.maxFailures) {
      this.remove(candidate.id);
      return true;
    }
    const { backoffMs, maxBackoffMs, maxStaticBackoffMs } = this.#config;
    const grown = backoffMs * 2 ** Math.min(candidate.failures - 1, 30);
    const most = candidate.isStatic ? maxStaticBackoffMs : maxBackoffMs;
    this.postpone(candidate, nowMs, Math.min(most, Math.max(leastMs, grown)));
    return false;
  }

  /** Not to be dialled before then: a quarter more or less, so that nodes do not act in step. */
  postpone(candidate: Candidate, nowMs: number, ms: number): void {
    candidate.nextDialMs = nowMs + ms * (0.75 + 0.5 * this.#random());
  }

  /**
   * One of the nodes that may be dialled now: first a range at random, then a node in it, so that a range with many
   * nodes is not preferred.
   */
  pick(nowMs: number, isWanted: (candidate: Candidate) => boolean): Candidate | undefined {
    const ranges = new Map<string, Candidate[]>();
    for (const candidate of this.#candidates.values()) {
      if (!this.isDue(candidate, nowMs) || !isWanted(candidate)) continue;
      const range = candidate.range ?? "";
      const others = ranges.get(range);
      if (others === undefined) ranges.set(range, [candidate]);
      else others.push(candidate);
    }
    return this.#any(this.#any([...ranges.values()]) ?? []);
  }

  isDue({ nextDialMs }: Candidate, nowMs: number): boolean {
    // The clock may have been set back.
    return nowMs >= nextDialMs || nextDialMs - nowMs > 2 * this.#config.maxBackoffMs;
  }

  #any<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }

  #forgetWorst(): NodeId | undefined {
    let worst: Candidate | undefined;
    for (const candidate of this.#candidates.values()) {
      if (candidate.isStatic) continue;
      const isWorse = worst === undefined || candidate.failures > worst.failures ||
        (candidate.failures === worst.failures && candidate.seenMs < worst.seenMs);
      if (isWorse) worst = candidate;
    }
    if (worst !== undefined) this.remove(worst.id);
    return worst?.id;
  }

  #crowdSize(crowd: string | undefined): number {
    return crowd === undefined ? 0 : this.#crowds.get(crowd) ?? 0;
  }

  #count(crowd: string | undefined, by: 1 | -1): void {
    if (crowd === undefined) return;
    const count = (this.#crowds.get(crowd) ?? 0) + by;
    if (count === 0) this.#crowds.delete(crowd);
    else this.#crowds.set(crowd, count);
  }
}

function newCandidate(record: PeerRecord, isStatic: boolean): Candidate {
  const { id, host, port, seenMs, healthyMs, failures } = record;
  return {
    id,
    host,
    port,
    range: dialRange(host),
    crowd: isStatic ? undefined : crowdOf(host),
    isStatic,
    seenMs,
    healthyMs,
    failures,
    nextDialMs: 0,
  };
}
