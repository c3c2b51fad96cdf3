/**
 * Runs the sync machine: what peers say goes in, what it asks for is done by peers, verify Worker and store.
 *
 * Layer: services.
 *
 * @module
 */

import { toCairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type { BlockIdentifier } from "../../protocols/rootstock/block_identifier.ts";
import type { RootstockNetwork } from "../../protocols/rootstock/network.ts";
import type { NodeId } from "../../protocols/rootstock/node_id.ts";
import type { RskMessage, RskStatus } from "../../protocols/rootstock/rsk_message.ts";
import type {
  ChainPosition,
  SyncEffect,
  SyncEvent,
  SyncProgress,
} from "../../protocols/rootstock/sync_events.ts";
import { SyncMachine, type SyncMachineOptions } from "../../protocols/rootstock/sync_machine.ts";
import { positionOf, toChainHeader, totalOf } from "./chain_position.ts";
import type { ChainHeader } from "./chain_records.ts";
import type { RootstockChainStore } from "./chain_store.ts";
import type { RootstockMetrics } from "./metrics.ts";
import type { PeerMessage } from "./peers.ts";
import { checkStoredUncles } from "./uncle_check.ts";
import type { VerifyLane } from "./verify_lane.ts";

const TICK_MS = 100;
/** Requests whose time is measured at once; beyond the machine's own bound nothing is. */
const MEASURED_MAX = 8_192;

/** The effects that need an answer or a hand. */
type Effect<T extends SyncEffect["type"]> = Extract<SyncEffect, { type: T }>;

/** What the driver uses of the peers. */
export interface SyncPeers {
  send(peer: NodeId, message: RskMessage): boolean;
  score(peer: NodeId, event: Effect<"score">["event"]): void;
  served(peer: NodeId, headers: number, elapsedMs: number): void;
}

/** What {@link SyncDriver} works with. */
export interface SyncDriverDeps {
  readonly network: RootstockNetwork;
  readonly store: RootstockChainStore;
  readonly lane: VerifyLane;
  readonly peers: SyncPeers;
  readonly metrics: RootstockMetrics;
  readonly log: Logger;
  readonly nowSeconds: () => number;
  /** A failure that sync cannot survive. */
  readonly fatal: (error: Error) => void;
}

/** A contradicted checkpoint, for readiness and status. */
export interface ReportedContradiction {
  readonly number: number;
  readonly checkpoint: string;
  readonly found: string;
  readonly detail: string;
  /** Verified headers contradict it; otherwise it is but what a peer says. */
  readonly isProven: boolean;
}

/** Drives one machine. */
export class SyncDriver implements AsyncDisposable {
  readonly #machine: SyncMachine;
  readonly #deps: SyncDriverDeps;
  readonly #base: ChainPosition;
  /** When requests were sent, by id. */
  readonly #sentMs = new Map<bigint, number>();
  readonly #work = new Set<Promise<void>>();
  readonly #storing = new Set<Promise<void>>();
  readonly #contradictions: ReportedContradiction[] = [];
  #ticker: ReturnType<typeof setInterval> | undefined;
  #isStopped = false;

  constructor(options: SyncMachineOptions, deps: SyncDriverDeps) {
    this.#machine = new SyncMachine(options);
    this.#base = options.base;
    this.#deps = deps;
  }

  start(): void {
    this.#ticker = setInterval(() => this.#handle({ type: "tick" }), TICK_MS);
  }

  /** What it is at. */
  get progress(): SyncProgress {
    return this.#machine.snapshot();
  }

  /** Checkpoints that chains of valid headers did not agree with. */
  get contradictions(): readonly ReportedContradiction[] {
    return this.#contradictions;
  }

  joined(peer: NodeId): void {
    this.#handle({ type: "peer-joined", peer });
  }

  status(peer: NodeId, status: RskStatus): void {
    this.#handle({ type: "peer-status", peer, status });
  }

  gone(peer: NodeId): void {
    this.#handle({ type: "peer-gone", peer });
  }

  /** A response or an announcement. */
  message(peer: NodeId, message: PeerMessage): void {
    if ("id" in message) this.#measure(peer, message);
    this.#handle({ type: "message", peer, message });
  }

  /**
   * Headers up to a block, ascending, as many as the rules look back; none for genesis. For the verify Worker.
   *
   * @returns `undefined` if the block is not stored.
   * @throws {CairnError} `STORE_READ_FAILED`.
   */
  async ancestorsOf(block: BlockIdentifier): Promise<readonly Uint8Array[] | undefined> {
    if (block.number === 0) return [];
    // It may be on its way to the disk.
    await Promise.all(this.#storing);
    const headers = await this.#deps.store.ancestorsOf(block.hash);
    if (headers.length === 0) return undefined;
    // Genesis has a form of its own, and no rule reads it as an ancestor.
    return headers.length === block.number + 1 ? headers.slice(1) : headers;
  }

  /** Waits until what was begun is stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#ticker);
    await Promise.all(this.#work);
  }

  #measure(peer: NodeId, message: Extract<PeerMessage, { id: bigint }>): void {
    const sentMs = this.#sentMs.get(message.id);
    if (sentMs === undefined) return;
    this.#sentMs.delete(message.id);
    const elapsedMs = performance.now() - sentMs;
    this.#deps.metrics.requestSeconds.observe({ type: message.type }, elapsedMs / 1_000);
    if (message.type === "block-headers-response") {
      this.#deps.peers.served(peer, message.headers.length, elapsedMs);
    }
  }

  #handle(event: SyncEvent): void {
    if (this.#isStopped) return;
    for (const effect of this.#machine.handle(event, performance.now())) this.#perform(effect);
  }

  #perform(effect: SyncEffect): void {
    const { peers, log } = this.#deps;
    switch (effect.type) {
      case "send":
        this.#send(effect);
        break;
      case "verify":
        this.#run(() => this.#verify(effect));
        break;
      case "anchor":
        this.#run(() => this.#anchor(effect));
        break;
      case "store":
        this.#run(() => this.#store(effect), this.#storing);
        break;
      case "adopt":
        this.#run(() => this.#adopt(effect), this.#storing);
        break;
      case "lookup":
        this.#run(() => this.#lookup(effect));
        break;
      case "check-uncles":
        this.#run(() => this.#checkUncles(effect));
        break;
      case "score":
        log.debug("Peer scored", { peer: effect.peer, event: effect.event, detail: effect.detail });
        peers.score(effect.peer, effect.event);
        break;
      case "contradiction":
        this.#contradicted(effect);
        break;
      case "inexact": {
        const [ours, theirs] = [effect.tip, effect.head].map(({ number, hash }) =>
          `${number} ${hash.toHex()}`
        );
        const facts = { forkPoint: effect.forkPoint.number, ours, theirs };
        log.info("No peer gives the uncles of two branches: they are compared by their headers alone", facts);
        break;
      }
      case "progress":
        log.trace("Sync", { ...effect.progress });
    }
  }

  #contradicted({ checkpoint, found, detail, isProven }: Effect<"contradiction">): void {
    const { store, metrics, log } = this.#deps;
    const reported = {
      number: checkpoint.number,
      checkpoint: checkpoint.hash?.toHex() ?? "",
      found: found.hash.toHex(),
      detail,
      isProven,
    };
    this.#contradictions.push(reported);
    if (!isProven) {
      // Once there is a chain, what a peer says of it changes nothing.
      const level = store.tip === undefined ? "warn" : "info";
      return log[level]("A peer denies the block that the sync begins from", reported);
    }
    metrics.contradictions.inc();
    log.error("A chain of valid headers contradicts a checkpoint", reported);
  }

  #send({ peer, message }: Effect<"send">): void {
    if ("id" in message && message.type.endsWith("-request") && this.#sentMs.size < MEASURED_MAX) {
      this.#sentMs.set(message.id, performance.now());
    }
    // What does not get out is not answered: the machine asks somebody else when its time is over.
    this.#deps.peers.send(peer, message);
  }

  /** Does work whose end the stop waits for; a failure of it ends the node, for the chain cannot go on. */
  #run(work: () => Promise<void>, group?: Set<Promise<void>>): void {
    const running = work().catch((error) => {
      if (!this.#isStopped) this.#deps.fatal(toCairnError(error));
    }).finally(() => {
      this.#work.delete(running);
      group?.delete(running);
    });
    this.#work.add(running);
    group?.add(running);
  }

  async #verify({ ticket, after, headers }: Effect<"verify">): Promise<void> {
    const { lane, metrics } = this.#deps;
    const beganMs = performance.now();
    const verdict = await lane.verify(after, headers);
    metrics.verifySeconds.observe((performance.now() - beganMs) / 1_000);
    metrics.headersVerified.inc(verdict.headers.length);
    if (!verdict.valid) metrics.headersRefused.inc({ rule: verdict.rule });
    this.#handle({ type: "segment-verified", ticket, verdict });
  }

  async #anchor({ ticket, headers }: Effect<"anchor">): Promise<void> {
    const { store, metrics } = this.#deps;
    const below: ChainHeader[] = headers.map(({ number, hash, bytes }) => ({ number, hash, header: bytes }));
    // What lies below the base is there for the rules only: nothing is known of the work behind it.
    await store.begin(below.with(-1, { ...below.at(-1)!, totalDifficulty: totalOf(this.#base) }));
    metrics.headersStored.inc({ chain: "canonical" }, headers.length);
    this.#handle({ type: "segment-stored", ticket });
  }

  async #store({ ticket, headers, canonical }: Effect<"store">): Promise<void> {
    const { store, metrics } = this.#deps;
    const beganMs = performance.now();
    await store.append(headers.map(toChainHeader), { canonical });
    metrics.storeSeconds.observe((performance.now() - beganMs) / 1_000);
    metrics.headersStored.inc({ chain: canonical ? "canonical" : "fork" }, headers.length);
    this.#handle({ type: "segment-stored", ticket });
  }

  async #adopt({ tip, forkPoint, depth }: Effect<"adopt">): Promise<void> {
    const { store, metrics, log } = this.#deps;
    await store.reorganise(tip.hash);
    metrics.reorganisations.inc();
    metrics.reorganisedBlocks.inc(depth);
    const facts = { forkPoint: forkPoint.number, depth, tip: tip.number, hash: tip.hash.toHex() };
    if (depth > 0) log.info("Another branch is the chain from here on", facts);
  }

  async #lookup({ ticket, number }: Effect<"lookup">): Promise<void> {
    const { store, network } = this.#deps;
    const found = await store.headerByNumber(number);
    const block = found && positionOf(found, network);
    this.#handle({ type: "answer", ticket, ...(block === undefined ? {} : { block }) });
  }

  async #checkUncles({ ticket, block, uncles }: Effect<"check-uncles">): Promise<void> {
    const { store, network, nowSeconds, log } = this.#deps;
    const verdict = await checkStoredUncles(block, uncles, { store, network, nowSeconds: nowSeconds() });
    if (!verdict.valid) {
      log.debug("Uncles refused", { block: block.number, rule: verdict.rule, detail: verdict.detail });
    }
    const difficulty = verdict.valid
      ? verdict.uncles.reduce((sum, uncle) => sum + uncle.difficulty, 0n)
      : undefined;
    this.#handle({ type: "uncles-checked", ticket, ...(difficulty === undefined ? {} : { difficulty }) });
  }
}
