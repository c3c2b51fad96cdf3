/**
 * What gossip makes of a peer's behaviour, and what services add to it.
 *
 * Layer: p2p. Source: gossipsub v1.1, peer scoring (P1-P7). Numbers are chosen so that five invalid messages of a topic
 * within a few seconds put a peer on the graylist, and honest silence costs nothing.
 *
 * @module
 */

import type { PeerName } from "./types.ts";

/** Share of a counter that is left after a decay interval of one second. */
const DECAY_PER_SECOND = 0.9;
/** Below this a counter is 0. */
const DECAY_TO_ZERO = 0.1;
/** Most peers whose penalties are remembered; the smallest is forgotten first. */
const MAX_PENALISED = 4_096;

/** P1-P4 of one topic, in the library's words. */
export const TOPIC_PARAMS = {
  topicWeight: 1,
  // P1: up to 1 for an hour in the mesh.
  timeInMeshWeight: 1 / 3_600,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 3_600,
  // P2: up to 5 for bringing news first; a peer cannot buy the right to send junk with it.
  firstMessageDeliveriesWeight: 0.05,
  firstMessageDeliveriesDecay: 0.9,
  firstMessageDeliveriesCap: 100,
  // P3: off. A chain is silent between its blocks, and a silent mesh peer is no culprit.
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 100,
  meshMessageDeliveriesThreshold: 20,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 5_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  // P4: -5 times the square of the invalid messages: -5, -20, -45, -80, -125.
  invalidMessageDeliveriesWeight: -5,
  invalidMessageDeliveriesDecay: DECAY_PER_SECOND,
};

/** Parameters of the whole, without topics: each gets its own when it is subscribed to. */
export function scoreOptions(graylistBelow: number, penalty: (peer: PeerName) => number) {
  return {
    scoreParams: {
      topicScoreCap: 20,
      appSpecificScore: (peer: PeerName) => -penalty(peer),
      appSpecificWeight: 1,
      // P7: promises that a busy peer keeps late are no attack; from the seventh within seconds on they count.
      behaviourPenaltyThreshold: 6,
      // Nodes of one machine share its loopback address.
      IPColocationFactorWhitelist: new Set(["127.0.0.1", "::1"]),
      decayInterval: 1_000,
      decayToZero: DECAY_TO_ZERO,
    },
    scoreThresholds: {
      gossipThreshold: graylistBelow / 4,
      publishThreshold: graylistBelow / 2,
      graylistThreshold: graylistBelow,
    },
  };
}

/** Points that services hold against peers; they fade by a tenth a second. */
export class Penalties {
  readonly #points = new Map<PeerName, number>();

  add(peer: PeerName, points: number): void {
    this.#points.set(peer, this.of(peer) + points);
    if (this.#points.size <= MAX_PENALISED) return;
    const [least] = [...this.#points].reduce((a, b) => b[1] < a[1] ? b : a);
    this.#points.delete(least);
  }

  of(peer: PeerName): number {
    return this.#points.get(peer) ?? 0;
  }

  /** Lets all points fade as in `seconds`. */
  fade(seconds: number): void {
    for (const [peer, points] of this.#points) {
      const left = points * DECAY_PER_SECOND ** seconds;
      if (left < DECAY_TO_ZERO) this.#points.delete(peer);
      else this.#points.set(peer, left);
    }
  }
}

/** Peers that are kept away, and until when. */
export class Bans {
  readonly #until = new Map<PeerName, number>();

  add(peer: PeerName, untilMs: number): void {
    this.#until.delete(peer);
    this.#until.set(peer, untilMs);
    if (this.#until.size > MAX_PENALISED) this.#until.delete(this.#until.keys().next().value!);
  }

  has(peer: PeerName, nowMs: number): boolean {
    const until = this.#until.get(peer);
    if (until === undefined) return false;
    if (until > nowMs) return true;
    this.#until.delete(peer);
    return false;
  }
}
