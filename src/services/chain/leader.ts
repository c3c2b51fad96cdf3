/**
 * A leader: drives the leader's machine with submissions, gossip, the store and a timer.
 *
 * Layer: services. What is decided is decided in protocols/kimura/leader_machine.ts; this does it.
 *
 * @module
 */

import type { Block } from "../../protocols/kimura/block.ts";
import { blockHash } from "../../protocols/kimura/block.ts";
import type { Fault } from "../../protocols/kimura/fault.ts";
import {
  announcementFromJson,
  ANNOUNCEMENTS_TOPIC,
  announcementToJson,
  BLOCKS_TOPIC,
  isAnnouncedBy,
  MAX_GOSSIP_BYTES,
  MESSAGES_TOPIC,
  signAnnouncement,
} from "../../protocols/kimura/gossip.ts";
import { blockFromJson, blockToJson, messageFromJson, messageToJson } from "../../protocols/kimura/json.ts";
import { createBlockSigner } from "../../protocols/kimura/keys.ts";
import type {
  LeaderConfig,
  LeaderEffect,
  LeaderEvent,
  LeaderSnapshot,
} from "../../protocols/kimura/leader_events.ts";
import { LeaderMachine } from "../../protocols/kimura/leader_machine.ts";
import type { Message } from "../../protocols/kimura/message.ts";
import { type ChainRules, checkSeal } from "../../protocols/kimura/rules.ts";
import type { FullBlock } from "../../protocols/kimura/sync_messages.ts";
import type { PeerName, Verdict } from "../../p2p/types.ts";
import { type ChainDeps, countRefusal, decoding, keepConflict } from "./gossip.ts";
import type { PendingMessage } from "./store.ts";

/** Times a submission whose nonce was overtaken by blocks is tried. */
const SUBMIT_TRIES = 3;
/** Refusals that are no fault of the neighbour that passed a message on: it cannot know what is pending here. */
const BLAMELESS: ReadonlySet<Fault["code"]> = new Set([
  "NONCE_REPLAYED",
  "NONCE_SKIPPED",
  "PENDING_FULL",
  "STATE_OUTDATED",
  "STORE_FAILED",
  "STOPPING",
]);

/** Options of {@link Leader}. */
export interface LeaderOptions {
  readonly rules: ChainRules;
  /** u8[32]; absent for a chain that nobody signs. */
  readonly secretKey: Uint8Array | undefined;
  /** Fencing term of the lease, if leadership is held under one. */
  readonly term?: bigint;
  readonly config?: Partial<LeaderConfig>;
  /** What was accepted before the start. */
  readonly pending: readonly PendingMessage[];
}

/** What became of a submission. */
export type SubmitResult =
  | { readonly status: "accepted"; readonly message: Message }
  | { readonly status: "refused"; readonly fault: Fault };

/** Runs from {@link Leader.start} to disposal. */
export class Leader implements AsyncDisposable {
  readonly #deps: ChainDeps;
  readonly #rules: ChainRules;
  readonly #secretKey: Uint8Array | undefined;
  readonly #machine: LeaderMachine;
  readonly #answers = new Map<number, (result: SubmitResult) => void>();
  readonly #work = new Set<Promise<void>>();
  #toKeep: PendingMessage[] = [];
  #isKeeping = false;
  #ticket = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** Subscribes; the network may start before or after. Blocks are made from {@link start} on. */
  constructor({ rules, secretKey, term, config = {}, pending }: LeaderOptions, deps: ChainDeps) {
    this.#deps = deps;
    this.#rules = rules;
    this.#secretKey = secretKey;
    const signer = secretKey === undefined ? undefined : createBlockSigner(secretKey);
    this.#machine = new LeaderMachine({
      rules,
      tip: deps.store.tip,
      pending,
      seal: (block) => signer === undefined ? block : signer.sign(block, term),
      config: { ...config, ...(signer === undefined ? { oversize: "split" } : {}) },
      nowMs: deps.nowMs(),
    });
    const { p2p } = deps;
    p2p.subscribe(
      BLOCKS_TOPIC,
      decoding(
        deps,
        "block",
        (data) => blockFromJson(data, MAX_GOSSIP_BYTES),
        (block, { from }) => this.#foreignBlock(block, from),
      ),
    );
    p2p.subscribe(
      ANNOUNCEMENTS_TOPIC,
      decoding(deps, "announcement", announcementFromJson, (announcement, { from }) => {
        const { leader } = rules;
        if (leader === undefined || isAnnouncedBy(announcement, leader)) return "ignore";
        const message = `The announcement of block ${announcement.height} is not the leader's`;
        countRefusal(deps, "announcement", { code: "LEADER_SIGNATURE_INVALID", message }, from);
        return "reject";
      }),
    );
    p2p.subscribe(
      MESSAGES_TOPIC,
      decoding(
        deps,
        "message",
        (data) => messageFromJson(data, MAX_GOSSIP_BYTES),
        async (message, { from }) => {
          const result = await this.submit(message);
          if (result.status === "accepted") return "accept";
          if (BLAMELESS.has(result.fault.code)) return "ignore";
          deps.log.debug("Message of a peer refused", { peer: from, code: result.fault.code });
          return "reject";
        },
      ),
    );
  }

  /** Begins to make blocks. */
  start(): void {
    this.#wake(this.#machine.dueMs);
  }

  /** State for gauges and status. */
  snapshot(): LeaderSnapshot {
    return this.#machine.snapshot();
  }

  /** The nonce that a sender's next message must have. */
  async nextNonce(sender: string): Promise<bigint> {
    return this.#machine.nextNonce(sender, (await this.#deps.store.nonces([sender])).get(sender));
  }

  /** Takes a message. Resolves when it is on disk, or refused. */
  async submit(message: Message): Promise<SubmitResult> {
    const { store, metrics } = this.#deps;
    const startedMs = performance.now();
    let result: SubmitResult | undefined;
    for (let tries = 0; tries < SUBMIT_TRIES; tries++) {
      // The height first: what is read later can only be newer.
      const readAt = store.tip.height;
      const lastNonce = (await store.nonces([message.sender])).get(message.sender);
      const ticket = this.#ticket++;
      const { promise, resolve } = Promise.withResolvers<SubmitResult>();
      this.#answers.set(ticket, resolve);
      this.#step({ kind: "submit", ticket, message, lastNonce, readAt });
      result = await promise;
      if (result.status === "accepted" || result.fault.code !== "STATE_OUTDATED") break;
    }
    metrics.submitSeconds.observe((performance.now() - startedMs) / 1_000);
    if (result!.status === "refused") countRefusal(this.#deps, "submission", result!.fault);
    return result!;
  }

  /** Finishes the block that is being written; what was accepted stays on disk for the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#step({ kind: "stop" });
    this.#isStopped = true;
    clearTimeout(this.#timer);
    while (this.#work.size > 0) await Promise.all(this.#work);
    const fault: Fault = { code: "STOPPING", message: "The leader stops" };
    for (const answer of this.#answers.values()) answer({ status: "refused", fault });
    this.#answers.clear();
  }

  #step(event: LeaderEvent): void {
    for (const effect of this.#machine.step(event, this.#deps.nowMs())) this.#perform(effect);
  }

  #perform(effect: LeaderEffect): void {
    const { store, metrics, log } = this.#deps;
    switch (effect.kind) {
      case "keep": {
        const { message, order, receivedMs } = effect;
        this.#toKeep.push({ message, order, receivedMs });
        if (!this.#isKeeping) this.#run(this.#keepAll());
        return;
      }
      case "accepted":
        this.#answer(effect.ticket, { status: "accepted", message: effect.message });
        return this.#run(this.#publish(MESSAGES_TOPIC, messageToJson(effect.message)));
      case "refused":
        return this.#answer(effect.ticket, { status: "refused", fault: effect.fault });
      case "forget":
        return this.#run(
          store.forget(effect.ids).catch((error) => log.error("Messages not forgotten", { error })),
        );
      case "persist":
        return this.#run(this.#persist(effect.full));
      case "publish":
        return this.#run(this.#publishBlock(effect.block, effect.form));
      case "wake":
        return this.#wake(effect.atMs);
      case "note":
        metrics.events.inc({ event: effect.note });
        log.debug("Leader noted", { event: effect.note, height: effect.height });
    }
  }

  #answer(ticket: number, result: SubmitResult): void {
    this.#answers.get(ticket)?.(result);
    this.#answers.delete(ticket);
  }

  #wake(atMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.#step({ kind: "tick" }), Math.max(0, atMs - this.#deps.nowMs()));
  }

  #run(task: Promise<void>): void {
    this.#work.add(task);
    task.finally(() => this.#work.delete(task));
  }

  /** One write at a time; what comes meanwhile goes with the next. */
  async #keepAll(): Promise<void> {
    this.#isKeeping = true;
    while (this.#toKeep.length > 0) {
      const group = this.#toKeep;
      this.#toKeep = [];
      let kind: "kept" | "keep-failed" = "kept";
      try {
        await this.#deps.store.keep(group);
      } catch (error) {
        kind = "keep-failed";
        this.#deps.log.error("Messages not stored", { count: group.length, error });
      }
      for (const { order } of group) this.#step({ kind, order });
    }
    this.#isKeeping = false;
  }

  async #persist(full: FullBlock): Promise<void> {
    const { store, metrics, log, onStored } = this.#deps;
    const { height } = full.block.header;
    const startedMs = performance.now();
    try {
      await store.append([full]);
    } catch (error) {
      log.error("Block not stored", { height, error });
      return this.#step({ kind: "persist-failed", height });
    }
    metrics.persistSeconds.observe((performance.now() - startedMs) / 1_000);
    metrics.blocks.inc();
    metrics.messages.inc(full.messages.length);
    onStored(height);
    this.#step({ kind: "persisted", height });
  }

  async #publishBlock(block: Block, form: "whole" | "announcement"): Promise<void> {
    if (form === "whole" || this.#secretKey === undefined) {
      return await this.#publish(BLOCKS_TOPIC, blockToJson(block));
    }
    const announcement = signAnnouncement(this.#secretKey, block.header.height, blockHash(block));
    await this.#publish(ANNOUNCEMENTS_TOPIC, announcementToJson(announcement));
  }

  /** What gossip loses peers fetch, so a failure is counted and no more. */
  async #publish(topic: string, json: string): Promise<void> {
    try {
      await this.#deps.p2p.publish(topic, new TextEncoder().encode(json));
    } catch (error) {
      this.#deps.metrics.events.inc({ event: "publish-failed" });
      this.#deps.log.warn("Not published", { topic, error });
    }
  }

  /** A block that is not of this node: a stranger's, or of a second node with the leader's key. */
  async #foreignBlock(block: Block, from: PeerName): Promise<Verdict> {
    const fault = checkSeal(block, this.#rules);
    if (fault !== undefined) {
      countRefusal(this.#deps, "block", fault, from);
      return "reject";
    }
    if (this.#rules.leader !== undefined) await keepConflict(this.#deps, block, from);
    return "ignore";
  }
}
