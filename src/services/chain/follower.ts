/**
 * A follower: drives the peer machine with gossip, requests, the store and a timer.
 *
 * Layer: services. What is decided is decided in protocols/kimura/peer_machine.ts; this does it.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import { type ChainVerdict, checkChainSteps } from "../../protocols/kimura/check_chain.ts";
import { type Fault, KimuraFault } from "../../protocols/kimura/fault.ts";
import {
  announcementFromJson,
  ANNOUNCEMENTS_TOPIC,
  BLOCKS_TOPIC,
  MAX_GOSSIP_BYTES,
  MESSAGES_TOPIC,
  SYNC_PROTOCOL,
} from "../../protocols/kimura/gossip.ts";
import { blockFromJson, messageFromJson, messageToJson } from "../../protocols/kimura/json.ts";
import type { Message } from "../../protocols/kimura/message.ts";
import type { PeerConfig, PeerEffect, PeerEvent, PeerSnapshot } from "../../protocols/kimura/peer_events.ts";
import { PeerMachine } from "../../protocols/kimura/peer_machine.ts";
import { type ChainRules, checkMessage, checkNonce } from "../../protocols/kimura/rules.ts";
import {
  decodeSyncAnswer,
  encodeSyncRequest,
  type FullBlock,
  MAX_SYNC_ANSWER_BYTES,
} from "../../protocols/kimura/sync_messages.ts";
import type { Verdict } from "../../p2p/types.ts";
import { type ChainDeps, countRefusal, decoding, type GossipKind, keepConflict } from "./gossip.ts";

/** Longest stretch of checking signatures without letting others run, in milliseconds. */
const STRETCH_MS = 8;

/** Options of {@link Follower}. */
export interface FollowerOptions {
  readonly rules: ChainRules;
  readonly config?: Partial<PeerConfig>;
}

/** What became of a message that a follower was given. */
export type ForwardResult =
  | { readonly status: "forwarded"; readonly message: Message }
  | { readonly status: "refused"; readonly fault: Fault };

interface Waiting {
  readonly what: GossipKind;
  readonly resolve: (verdict: Verdict) => void;
}

/** Runs from construction to disposal. */
export class Follower implements AsyncDisposable {
  readonly #deps: ChainDeps;
  readonly #rules: ChainRules;
  readonly #timeoutMs: number;
  readonly #machine: PeerMachine;
  readonly #stopping = new AbortController();
  readonly #verdicts = new Map<number, Waiting>();
  readonly #work = new Set<Promise<void>>();
  readonly #unlisten: () => void;
  #ref = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Subscribes; the network may start before or after. */
  constructor({ rules, config = {} }: FollowerOptions, deps: ChainDeps) {
    this.#deps = deps;
    this.#rules = rules;
    this.#timeoutMs = config.requestTimeoutMs ?? 15_000;
    this.#machine = new PeerMachine({ rules, tip: deps.store.tip, config });
    const { p2p } = deps;
    p2p.subscribe(
      BLOCKS_TOPIC,
      decoding(
        deps,
        "block",
        (data) => blockFromJson(data, MAX_GOSSIP_BYTES),
        (block, { from }) => this.#ask("block", (ref) => ({ kind: "block", ref, block, from })),
      ),
    );
    p2p.subscribe(
      ANNOUNCEMENTS_TOPIC,
      decoding(
        deps,
        "announcement",
        announcementFromJson,
        (announcement, { from }) =>
          this.#ask("announcement", (ref) => ({ kind: "announcement", ref, announcement, from })),
      ),
    );
    p2p.subscribe(
      MESSAGES_TOPIC,
      decoding(deps, "message", (data) => messageFromJson(data, MAX_GOSSIP_BYTES), async (message) => {
        // A message that is in the chain is no news, and would wait for a block that never comes.
        if (await deps.store.message(message.id) !== undefined) return "ignore";
        return await this.#ask("message", (ref) => ({ kind: "message", ref, message }));
      }),
    );
    this.#unlisten = p2p.onPeer(({ kind, peer }) => this.#step({ kind, peer }));
    for (const { peer } of p2p.isStarted ? p2p.peers() : []) this.#step({ kind: "connected", peer });
  }

  /** State for gauges and status. */
  snapshot(): PeerSnapshot {
    return this.#machine.snapshot();
  }

  /** The nonce that follows a sender's last one in the chain; what the leader holds beyond it is not known here. */
  async nextNonce(sender: string): Promise<bigint> {
    const last = (await this.#deps.store.nonces([sender])).get(sender);
    return last === undefined ? 0n : last + 1n;
  }

  /**
   * Sends a message on to the leader by gossip. What becomes of it the chain will show: nobody answers gossip.
   *
   * @throws {CairnError} `PEER_UNAVAILABLE` if no node listens; `P2P_PUBLISH_FAILED`, `MESSAGE_TOO_LARGE`.
   */
  async forward(message: Message): Promise<ForwardResult> {
    const { p2p, nowMs } = this.#deps;
    const fault = await this.#refusal(message, BigInt(Math.floor(nowMs() / 1_000)));
    if (fault !== undefined) {
      countRefusal(this.#deps, "submission", fault);
      return { status: "refused", fault };
    }
    await this.#ask("message", (ref) => ({ kind: "message", ref, message }));
    const data = new TextEncoder().encode(messageToJson(message));
    if (await p2p.publish(MESSAGES_TOPIC, data) > 0) return { status: "forwarded", message };
    throw new CairnError("PEER_UNAVAILABLE", "Cannot pass the message on: no node is connected", {
      hint: "wait until this node reaches its leader, or submit to the leader",
    });
  }

  async #refusal(message: Message, nowSeconds: bigint): Promise<Fault | undefined> {
    const { maxDriftSeconds } = this.#rules;
    if (message.timestamp > nowSeconds + maxDriftSeconds) {
      return { code: "TIMESTAMP_AHEAD", message: `The message has time ${message.timestamp}` };
    }
    const expected = await this.nextNonce(message.sender);
    // A higher one may follow messages that wait at the leader.
    if (message.nonce < expected) return checkNonce(message.nonce, expected - 1n);
    return checkMessage(message, this.#rules);
  }

  /** Waits for what is being verified or written; gossip is ignored from now on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#unlisten();
    clearTimeout(this.#timer);
    for (const { resolve } of this.#verdicts.values()) resolve("ignore");
    this.#verdicts.clear();
    await Promise.all(this.#work);
  }

  #ask(what: GossipKind, event: (ref: number) => PeerEvent): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const ref = this.#ref++;
    this.#verdicts.set(ref, { what, resolve });
    this.#step(event(ref));
    return promise;
  }

  #step(event: PeerEvent): void {
    if (this.#stopping.signal.aborted) {
      if ("ref" in event) this.#verdicts.get(event.ref)?.resolve("ignore");
      return;
    }
    for (const effect of this.#machine.step(event, this.#deps.nowMs())) this.#perform(effect);
  }

  #perform(effect: PeerEffect): void {
    const { p2p, metrics, log } = this.#deps;
    switch (effect.kind) {
      case "verdict": {
        const waiting = this.#verdicts.get(effect.ref);
        this.#verdicts.delete(effect.ref);
        if (waiting === undefined) return;
        if (effect.fault !== undefined) countRefusal(this.#deps, waiting.what, effect.fault);
        waiting.resolve(effect.verdict);
        return;
      }
      case "request":
        return this.#run(this.#request(effect));
      case "verify":
        return this.#run(this.#verify(effect.blocks));
      case "persist":
        return this.#run(this.#persist(effect.blocks));
      case "penalise":
        metrics.penalties.inc({ code: effect.fault.code });
        log.debug("Peer failed", {
          peer: effect.peer,
          code: effect.fault.code,
          reason: effect.fault.message,
        });
        p2p.penalise(effect.peer, effect.points, effect.fault.code);
        return;
      case "conflict":
        return this.#run(
          keepConflict(this.#deps, effect.block, effect.from).catch((error) =>
            log.error("Evidence not kept", { height: effect.block.header.height, error })
          ),
        );
      case "wake":
        clearTimeout(this.#timer);
        this.#timer = setTimeout(
          () => this.#step({ kind: "tick" }),
          Math.max(0, effect.atMs - this.#deps.nowMs()),
        );
        return;
      case "note":
        metrics.events.inc({ event: effect.note });
        log.debug("Follower noted", { event: effect.note, height: effect.height });
    }
  }

  #run(task: Promise<void>): void {
    this.#work.add(task);
    task.finally(() => this.#work.delete(task));
  }

  async #request({ request, peer, ask }: PeerEffect & { kind: "request" }): Promise<void> {
    const { p2p, log } = this.#deps;
    try {
      const bytes = await p2p.request(peer, SYNC_PROTOCOL, encodeSyncRequest(ask), {
        signal: this.#stopping.signal,
        maxAnswerBytes: MAX_SYNC_ANSWER_BYTES,
        timeoutMs: this.#timeoutMs,
      });
      this.#step({ kind: "answer", request, answer: decodeSyncAnswer(bytes, ask) });
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      log.debug("Request failed", { peer, what: ask.kind, error: thrown });
      const fault = thrown instanceof KimuraFault ? { fault: thrown.toFault() } : {};
      this.#step({ kind: "failed", request, ...fault });
    }
  }

  async #verify(blocks: readonly FullBlock[]): Promise<void> {
    const { store, nowMs, log } = this.#deps;
    try {
      const senders = blocks.flatMap(({ messages }) => messages.map(({ sender }) => sender));
      const nonces = await store.nonces(senders);
      const verdict = await this.#check(
        blocks,
        (sender) => nonces.get(sender),
        BigInt(Math.floor(nowMs() / 1_000)),
      );
      if (verdict === undefined) return;
      if (verdict.fault !== undefined) countRefusal(this.#deps, "block", verdict.fault);
      this.#step({ kind: "verified", ...verdict });
    } catch (error) {
      // The store cannot be read: as with a failed write, the blocks wait and are tried again.
      log.error("Blocks not verified", { error });
      this.#step({ kind: "persist-failed" });
    }
  }

  /** Checks with pauses, so that gossip and probes get through. @returns `undefined` when stopped. */
  async #check(
    blocks: readonly FullBlock[],
    lastNonce: (sender: string) => bigint | undefined,
    nowSeconds: bigint,
  ): Promise<ChainVerdict | undefined> {
    const { tip } = this.#deps.store;
    const steps = checkChainSteps(blocks, { tip, rules: this.#rules, nowSeconds, lastNonce });
    let startedMs = performance.now();
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (performance.now() - startedMs < STRETCH_MS) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (this.#stopping.signal.aborted) return undefined;
      startedMs = performance.now();
    }
  }

  async #persist(blocks: readonly FullBlock[]): Promise<void> {
    const { store, metrics, log, onStored } = this.#deps;
    const startedMs = performance.now();
    try {
      await store.append(blocks);
    } catch (error) {
      log.error("Blocks not stored", { from: blocks[0]?.block.header.height, error });
      this.#step({ kind: "persist-failed" });
      return;
    }
    metrics.persistSeconds.observe((performance.now() - startedMs) / 1_000);
    metrics.blocks.inc(blocks.length);
    metrics.messages.inc(blocks.reduce((sum, { messages }) => sum + messages.length, 0));
    onStored(store.tip.height);
    this.#step({ kind: "persisted" });
  }
}
