/**
 * Serves subscribeBlockStream: drives the subscribe machine with live blocks, stored blocks and the transport.
 *
 * Layer: services. The machine (protocols/hiero/subscribe_machine.ts) decides; this file does what it decides.
 * Source: spec/block-node.md §4.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import { HieroFault } from "../../protocols/hiero/fault.ts";
import type { ItemSet } from "../../protocols/hiero/publish_messages.ts";
import type {
  SubscribeEffect,
  SubscribeEvent,
  SubscribeOutcome,
  SubscriberId,
} from "../../protocols/hiero/subscribe_events.ts";
import type { SubscribeMachine } from "../../protocols/hiero/subscribe_machine.ts";
import {
  encodeSubscribeResponse,
  parseSubscribeRequest,
  type SubscribeRequest,
} from "../../protocols/hiero/subscribe_messages.ts";
import type { CallContext, Sender } from "../../rpc/types.ts";
import { HistoryReader } from "./history_reader.ts";
import type { BlockStore } from "./store.ts";
import type { SubscribeMetrics } from "./subscribe_metrics.ts";

/** Granularity of the stall time-out. */
const TICK_MS = 250;
/** Reads at a time for all subscribers: enough to keep a disk busy. */
const MAX_READS = 4;

/** What {@link SubscribeService} works with. */
export interface SubscribeDeps {
  readonly machine: SubscribeMachine;
  readonly store: Pick<BlockStore, "first" | "block">;
  readonly metrics: SubscribeMetrics;
  readonly log: Logger;
  /** Most subscriptions at a time. */
  readonly maxSubscribers: number;
  /** Most bytes of stored blocks kept in memory for all subscribers together. */
  readonly historyBytes: number;
  /** Milliseconds on a clock that does not run backwards. */
  readonly now: () => number;
}

interface Session {
  readonly sender: Sender<Uint8Array>;
  readonly context: CallContext;
  readonly over: PromiseWithResolvers<void>;
}

/** One per node: subscribers come and go, blocks flow out. */
export class SubscribeService implements Disposable {
  readonly #deps: SubscribeDeps;
  readonly #sessions = new Map<SubscriberId, Session>();
  readonly #history: HistoryReader;
  /** Effects not performed yet: performing one may bring the next event, whose effects come after. */
  readonly #effects: SubscribeEffect[] = [];
  readonly #ticker: ReturnType<typeof setInterval>;
  #performing = false;
  #lastSubscriber = 0;

  constructor(deps: SubscribeDeps) {
    this.#deps = deps;
    this.#history = new HistoryReader({
      read: (number) => deps.store.block(number),
      cacheBytes: deps.historyBytes,
      maxReads: MAX_READS,
      onError: (number, error) => deps.log.error("Block unreadable", { number, error }),
    });
    this.#ticker = setInterval(() => this.#step({ kind: "tick" }), TICK_MS);
  }

  /** Open subscriptions. */
  get subscribers(): number {
    return this.#sessions.size;
  }

  /**
   * Serves one call; resolves when its status was sent, or its subscriber is gone.
   *
   * @throws {CairnError} `MALFORMED_MESSAGE`, `TOO_MANY_STREAMS`; `DEADLINE_EXCEEDED` for one dropped as too slow.
   */
  async subscribe(bytes: Uint8Array, sender: Sender<Uint8Array>, context: CallContext): Promise<void> {
    const request = parseRequest(bytes);
    const { maxSubscribers } = this.#deps;
    if (this.#sessions.size >= maxSubscribers) {
      throw new CairnError("TOO_MANY_STREAMS", `Cannot subscribe: ${maxSubscribers} subscriptions are open`, {
        hint: "try again later",
      });
    }
    const subscriber = ++this.#lastSubscriber;
    const over = Promise.withResolvers<void>();
    this.#sessions.set(subscriber, { sender, context, over });
    const leave = () => this.#step({ kind: "gone", subscriber });
    context.signal.addEventListener("abort", leave, { once: true });
    try {
      const { start, end } = request;
      context.log.info("Subscriber connected", { subscriber, peer: context.peer, start, end });
      this.#step({ kind: "connected", subscriber, request, first: this.#deps.store.first });
      if (context.signal.aborted) leave();
      await over.promise;
    } finally {
      context.signal.removeEventListener("abort", leave);
    }
  }

  /** A publisher's set was accepted as part of block `number`. */
  accepted(number: bigint, set: ItemSet): void {
    this.#step({ kind: "accepted", number, set });
  }

  /** All sets of block `number` are there. */
  complete(number: bigint): void {
    this.#step({ kind: "complete", number });
  }

  /** Block `number` is verified and on disk. */
  persisted(number: bigint): void {
    this.#step({ kind: "persisted", number });
  }

  /** Ends every subscription with SUCCESS; later ones get NOT_AVAILABLE. */
  shutdown(): void {
    this[Symbol.dispose]();
    this.#step({ kind: "shutdown" });
    this.#history.clear();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
  }

  #step(event: SubscribeEvent): void {
    this.#effects.push(...this.#deps.machine.step(event, this.#deps.now()));
    if (this.#performing) return;
    this.#performing = true;
    try {
      for (let next = this.#effects.shift(); next !== undefined; next = this.#effects.shift()) {
        this.#perform(next);
      }
    } finally {
      this.#performing = false;
    }
  }

  #perform(effect: SubscribeEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#send(effect);
      case "read":
        return this.#read(effect.subscriber, effect.number);
      case "finish":
        return this.#finish(effect);
    }
  }

  #send({ subscriber, message, completes }: SubscribeEffect & { kind: "send" }): void {
    const session = this.#sessions.get(subscriber);
    if (session === undefined) return;
    let hasRoom: boolean;
    try {
      hasRoom = session.sender.send(message);
    } catch (error) {
      session.context.log.error("Subscribe message failed", { subscriber, error });
      return this.#step({ kind: "failed", subscriber });
    }
    if (completes !== undefined) this.#deps.metrics.blocksSent.inc({ origin: completes });
    const ready = () => this.#step({ kind: "ready", subscriber });
    if (hasRoom) ready();
    else void session.sender.drained().then(ready);
  }

  #read(subscriber: SubscriberId, number: bigint): void {
    const block = this.#history.cached(number);
    if (block !== undefined) return this.#step({ kind: "history", subscriber, block });
    void this.#history.read(number).then((block) => this.#step({ kind: "history", subscriber, block }));
  }

  #finish({ subscriber, status, outcome }: SubscribeEffect & { kind: "finish" }): void {
    const session = this.#sessions.get(subscriber);
    if (session === undefined) return;
    this.#sessions.delete(subscriber);
    if (this.#sessions.size === 0) this.#history.clear();
    this.#deps.metrics.sessions.inc({ outcome });
    const { sender, context, over } = session;
    this.#report(subscriber, outcome, context.log);
    if (outcome !== "GONE") sender.send(encodeSubscribeResponse({ kind: "status", status }));
    if (outcome !== "SLOW") return over.resolve();
    // With OK the transport would go on counting what it can never write against the peer's other calls.
    over.reject(
      new CairnError("DEADLINE_EXCEEDED", "Cannot keep subscription: the subscriber does not read"),
    );
  }

  #report(subscriber: SubscriberId, outcome: SubscribeOutcome, log: Logger): void {
    const say = outcome === "ERROR" || outcome === "SLOW" ? log.warn : log.info;
    say.call(log, "Subscription ended", { subscriber, outcome });
  }
}

function parseRequest(bytes: Uint8Array): SubscribeRequest {
  try {
    return parseSubscribeRequest(bytes);
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    throw new CairnError("MALFORMED_MESSAGE", "Cannot decode SubscribeStreamRequest", { cause: thrown });
  }
}
