/**
 * A network of simulated peers on a virtual clock, with the driver of a sync machine in their midst: latency, loss, the
 * limits of rskj, and liars. Holds what the machine does against its rules while it runs.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  identifyToy,
  isHeavierToy,
  readToyHash,
  TOY_GROWTH,
  type ToyWorld,
  verifyToy,
} from "./_sync_world.ts";
import { answerOf, HeaderServer, planAnswer } from "./header_server.ts";
import { Prng } from "./prng.ts";
import type { RskMessage } from "./rsk_message.ts";
import type {
  ChainPosition,
  StoredHeader,
  SyncConfig,
  SyncEffect,
  SyncEvent,
  SyncScore,
} from "./sync_events.ts";
import { SyncMachine, type SyncMachineOptions } from "./sync_machine.ts";

/** How a peer behaves. */
export type Manner =
  | "honest"
  /** Chunks whose middle does not link. */
  | "wrong-links"
  /** A skeleton without end, and headers for it that break rules. */
  | "endless-skeleton"
  /** Answers nothing. */
  | "silent"
  /** Answers everything, 20 s late. */
  | "slow-drip"
  /** A total difficulty and a best block that do not exist. */
  | "thin-air"
  /** Other headers than asked for. */
  | "garbage";

/** A simulated peer. */
export interface PeerPlan {
  readonly branch: number;
  readonly best: number;
  readonly manner?: Manner;
  /** One way, in milliseconds. */
  readonly latencyMs?: number;
  /** Share of the answers that never come. */
  readonly loss?: number;
  readonly joinMs?: number;
  readonly leaveMs?: number;
  /** A new block every so often. */
  readonly blockMs?: number;
}

/** What a {@link SyncNetwork} is built of. */
export interface NetworkPlan {
  readonly world: ToyWorld;
  readonly peers: readonly PeerPlan[];
  readonly seed?: number;
  readonly config?: Partial<SyncConfig>;
  readonly machine?: Partial<SyncMachineOptions>;
  /** Virtual time that a segment's verification takes, and its write. */
  readonly verifyMs?: number;
  readonly storeMs?: number;
  /** Messages that each peer takes in a minute. */
  readonly perMinute?: number;
  /** Blocks that the store keeps below its tip; all without it. */
  readonly kept?: number;
}

/** Things that happen at a time, the earliest first, in the order they were put in. */
class Agenda {
  readonly #heap: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;

  put(atMs: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs, order: this.#order++, run });
    for (let i = heap.length - 1; i > 0;) {
      const up = (i - 1) >> 1;
      if (!this.#isBefore(i, up)) break;
      [heap[i], heap[up]] = [heap[up]!, heap[i]!];
      i = up;
    }
  }

  take(): { readonly atMs: number; readonly run: () => void } | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || first === last) return first;
    heap[0] = last!;
    for (let i = 0;;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === i) return first;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a]!, this.#heap[b]!];
    return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
  }
}

class SimulatedPeer {
  readonly id: string;
  readonly plan: PeerPlan;
  readonly #world: ToyWorld;
  readonly #server: HeaderServer<string>;
  /** Requests that came above the limit: rskj drops them. */
  dropped = 0;
  /** Times of the last requests, for the widest count in a minute. */
  readonly #times: number[] = [];
  busiestMinute = 0;
  best: number;

  constructor(index: number, plan: PeerPlan, world: ToyWorld, perMinute: number) {
    this.id = `peer${index}`;
    this.plan = plan;
    this.best = plan.best;
    this.#world = world;
    this.#server = new HeaderServer({ perMinute });
  }

  get #claimedBest(): number {
    const { manner } = this.plan;
    return manner === "endless-skeleton" || manner === "thin-air" ? this.best + 1_000_000 : this.best;
  }

  status(): { bestNumber: number; bestHash: Uint8Array; parentHash: Uint8Array; totalDifficulty: bigint } {
    const { branch, manner } = this.plan;
    const bestNumber = this.#claimedBest;
    const totalDifficulty = this.#world.totalDifficulty(branch, bestNumber) *
      (manner === "thin-air" ? 1_000_000_000n : 1n);
    const bestHash = manner === "thin-air"
      ? new Uint8Array(32).fill(0xee)
      : this.#world.hash(branch, bestNumber);
    return { bestNumber, bestHash, parentHash: this.#world.hash(branch, bestNumber - 1), totalDifficulty };
  }

  /** Counts a request on its way. */
  expect(nowMs: number): void {
    this.#times.push(nowMs);
    while (this.#times[0]! <= nowMs - 60_000) this.#times.shift();
    this.busiestMinute = Math.max(this.busiestMinute, this.#times.length);
  }

  /** The answer to a request, or undefined for silence. */
  answer(request: RskMessage, nowMs: number): RskMessage | undefined {
    const { branch, manner } = this.plan;
    const best = manner === "thin-air" ? this.best : this.#claimedBest;
    const plan = this.#server.request(this.id, request, best, nowMs);
    if (plan === undefined) {
      if (planAnswer(request, best) !== undefined) this.dropped++;
      return undefined;
    }
    this.#server.done(this.id);
    if (manner === "silent") return undefined;
    if (plan.lookup === "canonical") {
      return answerOf(plan, plan.heights.map((height) => this.#world.hash(branch, height)));
    }
    const at = readToyHash(plan.hash);
    // A peer knows the blocks of its own chain.
    if (at.number > best || this.#world.hash(branch, at.number).toHex() !== plan.hash.toHex()) {
      return undefined;
    }
    const headers: Uint8Array[] = [];
    for (let i = 0; i < plan.count && at.number - i >= 0; i++) {
      headers.push(this.#world.header(branch, at.number - i));
    }
    if (manner === "garbage") return answerOf(plan, headers.map((bytes) => bytes.map((byte) => byte ^ 0x55)));
    if (manner === "wrong-links" && headers.length > 2) {
      headers[headers.length >> 1] = this.#world.header(
        branch,
        Math.max(0, at.number - (headers.length >> 1) - 7),
      );
    }
    return answerOf(plan, headers);
  }
}

/** See the module's note. */
export class SyncNetwork {
  readonly machine: SyncMachine;
  readonly peers: readonly SimulatedPeer[];
  /** Canonical chain as stored, by height. */
  readonly canonical: (ChainPosition | undefined)[] = [];
  readonly scores: { readonly peer: string; readonly event: SyncScore; readonly detail: string }[] = [];
  readonly contradictions: (SyncEffect & { type: "contradiction" })[] = [];
  readonly adoptions: (SyncEffect & { type: "adopt" })[] = [];
  readonly anchored: (SyncEffect & { type: "anchor" })[] = [];
  nowMs = 0;
  events = 0;
  /** Time spent in the machine. */
  machineMs = 0;
  busiestWindow = 0;
  storedHeaders = 0;
  readonly #plan: NetworkPlan;
  readonly #config: { readonly windowHeaders: number; readonly requestsPerMinute: number };
  readonly #agenda = new Agenda();
  readonly #prng: Prng;
  readonly #gone = new Set<string>();
  /** Headers in the store that are not canonical, by hash. */
  readonly #side = new Map<string, StoredHeader>();
  readonly #now: () => number;
  #verifierFreeMs = 0;

  /** @param now Real clock, for measuring the machine itself. */
  constructor(plan: NetworkPlan, now: () => number = () => 0) {
    this.#plan = plan;
    this.#now = now;
    this.#prng = new Prng(plan.seed ?? 1);
    const { config = {}, world, machine } = plan;
    this.#config = { windowHeaders: 36_864, requestsPerMinute: 900, ...config };
    this.machine = new SyncMachine({
      base: world.position(0, 0),
      identify: identifyToy,
      isHeavier: isHeavierToy,
      growth: TOY_GROWTH,
      config,
      ...machine,
    });
    const tip = machine?.tip ?? machine?.base ?? world.position(0, 0);
    this.canonical[tip.number] = tip;
    this.peers = plan.peers.map((peer, i) => new SimulatedPeer(i, peer, world, plan.perMinute ?? 1_000));
    for (const peer of this.peers) this.#schedule(peer);
    const tick = () => {
      this.#handle({ type: "tick" });
      this.#agenda.put(this.nowMs + 100, tick);
    };
    this.#agenda.put(0, tick);
  }

  get tip(): ChainPosition {
    return this.canonical[this.canonical.length - 1]!;
  }

  /** Runs until `isDone`, or the virtual time given; says whether it was done. */
  run(untilMs: number, isDone: () => boolean = () => false): boolean {
    while (this.nowMs < untilMs) {
      const next = this.#agenda.take();
      if (next === undefined) return false;
      this.nowMs = next.atMs;
      next.run();
      if (isDone()) return true;
    }
    return false;
  }

  #schedule(peer: SimulatedPeer): void {
    const { joinMs = 0, leaveMs, blockMs } = peer.plan;
    this.#agenda.put(
      joinMs,
      () => this.#handle({ type: "peer-joined", peer: peer.id, status: peer.status() }),
    );
    const say = () => {
      if (this.#gone.has(peer.id)) return;
      this.#handle({ type: "peer-status", peer: peer.id, status: peer.status() });
      this.#agenda.put(this.nowMs + 11_000, say);
    };
    this.#agenda.put(joinMs + 11_000, say);
    if (leaveMs !== undefined) this.#agenda.put(leaveMs, () => this.#leave(peer.id));
    if (blockMs === undefined) return;
    const mine = () => {
      peer.best++;
      const block = { number: peer.best, hash: this.#plan.world.hash(peer.plan.branch, peer.best) };
      if (!this.#gone.has(peer.id)) {
        this.#handle({
          type: "message",
          peer: peer.id,
          message: { type: "new-block-hashes", blocks: [block] },
        });
      }
      this.#agenda.put(this.nowMs + blockMs, mine);
    };
    this.#agenda.put(joinMs + blockMs, mine);
  }

  #leave(peer: string): void {
    if (this.#gone.has(peer)) return;
    this.#gone.add(peer);
    this.#handle({ type: "peer-gone", peer });
  }

  #handle(event: SyncEvent): void {
    const began = this.#now();
    const effects = this.machine.handle(event, this.nowMs);
    this.machineMs += this.#now() - began;
    this.events++;
    for (const effect of effects) this.#perform(effect);
    const { windowHeaders } = this.machine.snapshot();
    this.busiestWindow = Math.max(this.busiestWindow, windowHeaders);
  }

  #perform(effect: SyncEffect): void {
    switch (effect.type) {
      case "send":
        this.#send(effect.peer, effect.message);
        break;
      case "verify": {
        const { verifyMs = 2 } = this.#plan;
        this.#verifierFreeMs = Math.max(this.nowMs, this.#verifierFreeMs) + verifyMs;
        const verdict = verifyToy(effect.after.hash, effect.headers);
        this.#agenda.put(
          this.#verifierFreeMs,
          () => this.#handle({ type: "segment-verified", ticket: effect.ticket, verdict }),
        );
        break;
      }
      case "store":
        this.#store(effect);
        break;
      case "adopt":
        this.#adopt(effect);
        break;
      case "lookup": {
        const block = this.canonical[effect.number];
        const answer = {
          type: "answer",
          ticket: effect.ticket,
          ...(block === undefined ? {} : { block }),
        } as const;
        this.#agenda.put(this.nowMs + 1, () => this.#handle(answer));
        break;
      }
      case "anchor":
        this.anchored.push(effect);
        this.#agenda.put(
          this.nowMs + 1,
          () => this.#handle({ type: "segment-stored", ticket: effect.ticket }),
        );
        break;
      case "check-uncles": {
        // A toy uncle is its difficulty in four bytes.
        const difficulty = effect.uncles.reduce(
          (sum, bytes) => sum + BigInt(new DataView(bytes.buffer).getUint32(0)),
          0n,
        );
        this.#agenda.put(
          this.nowMs + 1,
          () => this.#handle({ type: "uncles-checked", ticket: effect.ticket, difficulty }),
        );
        break;
      }
      case "score":
        this.scores.push(effect);
        // As the peer machine does: whoever lies is cut off.
        if (effect.event.startsWith("invalid-")) {
          this.#agenda.put(this.nowMs + 1, () => this.#leave(effect.peer));
        }
        break;
      case "contradiction":
        this.contradictions.push(effect);
        break;
      case "progress":
        assert.ok(effect.progress.stored <= effect.progress.tip.number);
    }
  }

  #send(id: string, request: RskMessage): void {
    assert.ok(!this.#gone.has(id), `A request to ${id}, which is gone`);
    const peer = this.peers.find((other) => other.id === id)!;
    const { latencyMs = 40, loss = 0, manner } = peer.plan;
    peer.expect(this.nowMs);
    const oneWay = () => latencyMs * (0.5 + this.#prng.fraction());
    this.#agenda.put(this.nowMs + oneWay(), () => {
      const message = peer.answer(request, this.nowMs);
      if (message === undefined || this.#prng.fraction() < loss) return;
      const slowMs = manner === "slow-drip" ? 20_000 : 0;
      this.#agenda.put(this.nowMs + oneWay() + slowMs, () => {
        if (!this.#gone.has(id)) this.#handle({ type: "message", peer: id, message });
      });
    });
  }

  #store({ ticket, headers, canonical }: SyncEffect & { type: "store" }): void {
    for (const header of headers) {
      const parent = header.parentHash.toHex();
      if (canonical) {
        assert.equal(parent, this.tip.hash.toHex(), `Block ${header.number} does not follow the stored tip`);
        assert.equal(header.number, this.canonical.length);
        this.canonical.push(header);
        this.canonical[header.number - (this.#plan.kept ?? Infinity)] &&= undefined;
      } else {
        const isKnown = this.#side.has(parent) || this.canonical[header.number - 1]?.hash.toHex() === parent;
        assert.ok(isKnown, `Block ${header.number} of a fork is stored without its parent`);
        this.#side.set(header.hash.toHex(), header);
      }
    }
    this.storedHeaders += headers.length;
    this.#agenda.put(
      this.nowMs + (this.#plan.storeMs ?? 1),
      () => this.#handle({ type: "segment-stored", ticket }),
    );
  }

  #adopt(effect: SyncEffect & { type: "adopt" }): void {
    const { tip, forkPoint } = effect;
    assert.equal(this.canonical[forkPoint.number]?.hash.toHex(), forkPoint.hash.toHex());
    assert.equal(effect.depth, this.tip.number - forkPoint.number);
    assert.ok(tip.totalDifficulty > this.tip.totalDifficulty, "A lighter chain was adopted");
    const blocks: StoredHeader[] = [];
    for (let hash = tip.hash.toHex(); hash !== forkPoint.hash.toHex();) {
      const header = this.#side.get(hash);
      assert.ok(header !== undefined, "A header of the adopted chain is not stored");
      blocks.push(header);
      hash = header.parentHash.toHex();
    }
    for (const old of this.canonical.splice(forkPoint.number + 1)) {
      this.#side.set(old!.hash.toHex(), old as StoredHeader);
    }
    this.canonical.push(...blocks.reverse());
    this.adoptions.push(effect);
  }

  /** What must hold however it went. */
  assertRules(): void {
    const { windowHeaders, requestsPerMinute } = this.#config;
    assert.ok(this.busiestWindow <= windowHeaders, `${this.busiestWindow} headers in the window`);
    for (const peer of this.peers) {
      assert.equal(peer.dropped, 0, `${peer.id} dropped requests`);
      assert.ok(
        peer.busiestMinute <= requestsPerMinute,
        `${peer.busiestMinute} requests to ${peer.id} in a minute`,
      );
    }
    const liars = new Set(
      this.peers.filter(({ plan }) => (plan.manner ?? "honest") !== "honest").map(({ id }) => id),
    );
    const wronged = this.scores.filter(({ peer, event }) => event.startsWith("invalid-") && !liars.has(peer));
    assert.deepEqual(wronged, [], "An honest peer was punished");
  }
}
