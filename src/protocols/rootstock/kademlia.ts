/**
 * The table of established nodes: buckets by distance, each with its oldest entry first.
 *
 * Layer: protocols/rootstock. Imports ip_address, node_id. Source: spec/rootstock-network.md sections 2.4, 2.5.
 *
 * One network range may take only a part of a bucket and of the table: whoever owns a range cannot fill a bucket with
 * ids made for it. rskj has no such limit; a node that is refused here is still known to whoever dials.
 *
 * @module
 */

import { addressKind, networkRange, parseIpAddress } from "./ip_address.ts";
import { nodeHash, type NodeId } from "./node_id.ts";

/** A node and where it answers. */
export interface KademliaNode {
  readonly id: NodeId;
  /** Canonical text of an IP address. */
  readonly host: string;
  /** UDP port, and TCP port too. */
  readonly port: number;
}

/** Sizes of a {@link KademliaTable}. */
export interface KademliaConfig {
  /** Most entries of a bucket. @default {16} rskj's `peer.discovery.bucketSize` */
  readonly bucketSize: number;
  /** Most entries of one /24 (IPv6: /48) in a bucket; loopback is exempt. @default {2} */
  readonly maxPerRangeInBucket: number;
  /** Most entries of one /24 (IPv6: /48) in the table; loopback is exempt. @default {10} */
  readonly maxPerRange: number;
}

/** See {@link KademliaConfig} for each value. */
export const DEFAULT_KADEMLIA_CONFIG: KademliaConfig = {
  bucketSize: 16,
  maxPerRangeInBucket: 2,
  maxPerRange: 10,
};

/** What became of a node that was offered to the table. */
export type AddOutcome =
  | { readonly type: "added" }
  /** It was there: now the newest of its bucket, with the address it was offered with. */
  | { readonly type: "known"; readonly moved: boolean }
  | { readonly type: "bucket-full"; readonly oldest: KademliaNode }
  | { readonly type: "range-full" };

interface Entry extends KademliaNode {
  readonly hash: Uint8Array;
  readonly bucket: number;
  /** Absent for loopback. */
  readonly range: string | undefined;
}

const RANGE_BITS = { v4: 24, v6: 48 } as const;

/** Bits from the highest one that differs between two hashes to the lowest: 0 to 256. */
export function hashDistance(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! ^ b[i]!;
    if (difference !== 0) return 8 * (a.length - i) - Math.clz32(difference) + 24;
  }
  return 0;
}

/** Distance of two nodes: bit length of keccak(keccak(a)) xor keccak(keccak(b)), 0 to 256. */
export function nodeDistance(a: NodeId, b: NodeId): number {
  return hashDistance(nodeHash(a), nodeHash(b));
}

/** Orders by distance from a hash, down to the last bit. */
function compareDistance(from: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < from.length; i++) {
    const difference = (a[i]! ^ from[i]!) - (b[i]! ^ from[i]!);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Nodes around one node, in at most 256 buckets. */
export class KademliaTable {
  readonly #ownHash: Uint8Array;
  readonly #config: KademliaConfig;
  /** Buckets that have entries; oldest entry first. */
  readonly #buckets = new Map<number, Entry[]>();
  readonly #entries = new Map<NodeId, Entry>();
  readonly #ranges = new Map<string, number>();

  constructor(ownId: NodeId, config: Partial<KademliaConfig> = {}) {
    this.#ownHash = nodeHash(ownId);
    this.#config = { ...DEFAULT_KADEMLIA_CONFIG, ...config };
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Buckets with at least one entry. */
  get buckets(): number {
    return this.#buckets.size;
  }

  get(id: NodeId): KademliaNode | undefined {
    return this.#entries.get(id);
  }

  /** All nodes, in no particular order. */
  nodes(): IterableIterator<KademliaNode> {
    return this.#entries.values();
  }

  /** Puts a node that has just answered where the newest one of its bucket belongs. */
  add(node: KademliaNode): AddOutcome {
    const known = this.#entries.get(node.id);
    const entry = known !== undefined && known.host === node.host && known.port === node.port
      ? known
      : this.#entryOf(node, known?.hash);
    if (known !== undefined) this.#take(known);
    if (entry.range !== known?.range && this.#isRangeFull(entry)) {
      // It keeps the address it had: nothing says that it left there.
      if (known !== undefined) this.#put(known);
      return { type: "range-full" };
    }
    const bucket = this.#buckets.get(entry.bucket);
    if (bucket !== undefined && bucket.length >= this.#config.bucketSize) {
      return { type: "bucket-full", oldest: bucket[0]! };
    }
    this.#put(entry);
    return known === undefined ? { type: "added" } : { type: "known", moved: entry !== known };
  }

  /** @returns Whether it was there. */
  remove(id: NodeId): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#take(entry);
    return true;
  }

  /** The nodes closest to an id, nearest first; without that id itself. */
  closest(to: NodeId, count: number): KademliaNode[] {
    const hash = nodeHash(to);
    return [...this.#entries.values()]
      .filter(({ id }) => id !== to)
      .sort((a, b) => compareDistance(hash, a.hash, b.hash))
      .slice(0, count);
  }

  #entryOf({ id, host, port }: KademliaNode, hash = nodeHash(id)): Entry {
    const address = parseIpAddress(host);
    if (address === undefined) throw new TypeError(`Cannot add a node at '${host}': it is no IP address`);
    const isExempt = addressKind(address) === "loopback";
    return {
      id,
      host: address.text,
      port,
      hash,
      bucket: Math.max(hashDistance(this.#ownHash, hash) - 1, 0),
      range: isExempt ? undefined : networkRange(address, RANGE_BITS),
    };
  }

  #isRangeFull({ range, bucket }: Entry): boolean {
    if (range === undefined) return false;
    if ((this.#ranges.get(range) ?? 0) >= this.#config.maxPerRange) return true;
    const neighbours = this.#buckets.get(bucket)?.filter((entry) => entry.range === range) ?? [];
    return neighbours.length >= this.#config.maxPerRangeInBucket;
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.id, entry);
    const bucket = this.#buckets.get(entry.bucket);
    if (bucket === undefined) this.#buckets.set(entry.bucket, [entry]);
    else bucket.push(entry);
    if (entry.range !== undefined) this.#ranges.set(entry.range, (this.#ranges.get(entry.range) ?? 0) + 1);
  }

  #take(entry: Entry): void {
    this.#entries.delete(entry.id);
    const bucket = this.#buckets.get(entry.bucket)!;
    bucket.splice(bucket.indexOf(entry), 1);
    if (bucket.length === 0) this.#buckets.delete(entry.bucket);
    if (entry.range === undefined) return;
    const left = this.#ranges.get(entry.range)! - 1;
    if (left === 0) this.#ranges.delete(entry.range);
    else this.#ranges.set(entry.range, left);
  }
}

/**
 * Nodes that a peer is told of, or that are asked: all if they are few, else the closest and some of the others at
 * random (section 2.5).
 *
 * @param random Numbers from 0 to below 1.
 */
export function pickNodes(
  table: KademliaTable,
  to: NodeId,
  limits: { readonly all: number; readonly closest: number; readonly others: number },
  random: () => number,
): KademliaNode[] {
  const sorted = table.closest(to, table.size);
  if (sorted.length <= limits.all) return sorted;
  const picked = sorted.slice(0, limits.closest);
  const rest = sorted.slice(limits.closest);
  for (let i = 0; i < limits.others && rest.length > 0; i++) {
    const [other] = rest.splice(Math.floor(random() * rest.length), 1);
    picked.push(other!);
  }
  return picked;
}
