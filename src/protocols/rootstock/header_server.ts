/**
 * Answers to what peers ask of a chain of headers, as rskj would give them: its limits, and its silences.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 4.3 and 4.4. Pure: a request becomes a list of
 * look-ups, what they find becomes the answer. There is no negative answer on this wire; what cannot be answered is met
 * with silence. Bodies and blocks are never answered: a header client has none.
 *
 * @module
 */

import type { BlockIdentifier } from "./block_identifier.ts";
import { MinuteLimit, type RateOptions } from "./message_rate.ts";
import type { RskMessage } from "./rsk_message.ts";
import { CHUNK_HEADERS, skeletonHeights } from "./skeleton.ts";

/** What has to be looked up in the chain for one answer, and the request it is for. */
export type AnswerPlan =
  /** The header of `hash`, canonical or not, then its ancestors, descending: `count` in all, fewer at the chain's end. */
  | {
    readonly lookup: "headers";
    readonly id: bigint;
    readonly hash: Uint8Array;
    readonly count: number;
  }
  /** Hashes of the canonical blocks at these heights, ascending. */
  | {
    readonly lookup: "canonical";
    readonly id: bigint;
    readonly of: "block-hash";
    readonly heights: readonly number[];
  }
  | {
    readonly lookup: "canonical";
    readonly id: bigint;
    readonly of: "skeleton";
    readonly heights: readonly number[];
  };

/**
 * What to look up for a request, given the height of the best canonical block; undefined for silence, and for messages
 * that ask nothing of a header client.
 */
export function planAnswer(request: RskMessage, best: number): AnswerPlan | undefined {
  switch (request.type) {
    case "block-headers-request": {
      const { id, hash, count } = request;
      if (count > CHUNK_HEADERS || count < 0) return undefined;
      // A count of 0 still gives one header (section 4.4).
      return { lookup: "headers", id, hash, count: Math.max(1, count) };
    }
    case "block-hash-request": {
      const { id, height } = request;
      if (height === 0 || height > best) return undefined;
      return { lookup: "canonical", id, of: "block-hash", heights: [height] };
    }
    case "skeleton-request": {
      const { id, startNumber } = request;
      if (startNumber > best) return undefined;
      return { lookup: "canonical", id, of: "skeleton", heights: skeletonHeights(startNumber, best) };
    }
    default:
      return undefined;
  }
}

/**
 * The answer from what was found.
 *
 * @param found For `headers` the headers in their compressed form, descending; for `canonical` one hash a height, or
 * undefined where there is none.
 * @returns Undefined for silence: a hash or a height that is not known.
 */
export function answerOf(
  plan: AnswerPlan,
  found: readonly (Uint8Array | undefined)[],
): RskMessage | undefined {
  const known = found.filter((bytes) => bytes !== undefined);
  if (plan.lookup === "headers") {
    return known.length === 0 ? undefined : { type: "block-headers-response", id: plan.id, headers: known };
  }
  if (known.length !== plan.heights.length) return undefined;
  if (plan.of === "block-hash") return { type: "block-hash-response", id: plan.id, hash: known[0]! };
  const blocks = plan.heights.map((number, i): BlockIdentifier => ({ number, hash: known[i]! }));
  return { type: "skeleton-response", id: plan.id, blocks };
}

/** What {@link HeaderServer} is told. */
export interface HeaderServerOptions extends RateOptions {
  /** Most requests of one peer that are planned and not yet answered; further ones are dropped, as rskj does. */
  readonly pendingPerPeer: number;
}

/** rskj's figures (section 4.4). */
export const DEFAULT_HEADER_SERVER: HeaderServerOptions = { perMinute: 1_000, pendingPerPeer: 2_000 };

/**
 * Admits the requests of peers within their limits. One entry a connected peer: say who is gone.
 *
 * @typeParam Peer What names a peer: a node id as text.
 *
 * @example Height 0 is met with silence, height 1 with a look-up
 * ```ts
 * import { HeaderServer } from "./header_server.ts";
 *
 * const server = new HeaderServer<string>();
 * const ask = (height: number) => server.request("a", { type: "block-hash-request", id: 1n, height }, 10, 0);
 * if (ask(0) !== undefined || ask(1)?.lookup !== "canonical") throw new Error("expected one look-up");
 * ```
 */
export class HeaderServer<Peer> {
  readonly #options: HeaderServerOptions;
  readonly #peers = new Map<Peer, { readonly limit: MinuteLimit; pending: number }>();

  constructor(options: Partial<HeaderServerOptions> = {}) {
    this.#options = { ...DEFAULT_HEADER_SERVER, ...options };
  }

  /**
   * The plan for a request; undefined for silence. Every message of a peer counts against its rate. A plan counts as
   * pending until {@link HeaderServer.done} is called.
   */
  request(peer: Peer, message: RskMessage, best: number, nowMs: number): AnswerPlan | undefined {
    const use = this.#peers.get(peer) ?? { limit: new MinuteLimit(this.#options), pending: 0 };
    this.#peers.set(peer, use);
    if (!use.limit.admit(nowMs) || use.pending >= this.#options.pendingPerPeer) return undefined;
    const plan = planAnswer(message, best);
    if (plan !== undefined) use.pending++;
    return plan;
  }

  /** A planned request has been answered, or met with silence. */
  done(peer: Peer): void {
    const use = this.#peers.get(peer);
    if (use !== undefined) use.pending = Math.max(0, use.pending - 1);
  }

  gone(peer: Peer): void {
    this.#peers.delete(peer);
  }
}
