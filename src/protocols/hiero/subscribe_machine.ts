/**
 * The subscribe protocol as a state machine: events in, effects out. Decides for every subscriber what it gets next,
 * from the live blocks or from the store.
 *
 * Layer: protocols. Imports the subscribe files of this room. Source: spec/block-node.md §4.
 *
 * Each subscriber has a cursor: the block it is at, and how many bytes of it were sent. Only bytes at the cursor are
 * ever sent, so there is neither gap nor repeat, wherever they come from. Live items go out as publishers bring them,
 * before they are verified; `end_of_block` goes out once the block is verified and stored, so a block that was ended
 * never changes. If a block is refused or given up before, it begins again with its header.
 *
 * @module
 */

import { HieroFault } from "./fault.ts";
import { itemRanges } from "./items.ts";
import { parseItemSet } from "./publish_messages.ts";
import { checkSubscribe } from "./subscribe_checks.ts";
import {
  type BlockOrigin,
  DEFAULT_SUBSCRIBE_CONFIG,
  type SubscribeConfig,
  type SubscribeEffect,
  type SubscribeEvent,
  type SubscribeOutcome,
  type SubscriberId,
  type SubscribeSnapshot,
} from "./subscribe_events.ts";
import { LiveFeed } from "./subscribe_feed.ts";
import { encodeSubscribeResponse, nextChunk, type SubscribeStatus } from "./subscribe_messages.ts";

/** Options of {@link SubscribeMachine}. */
export interface SubscribeMachineOptions {
  /** Last stored block, -1n if none. */
  readonly lastPersisted: bigint;
  /** Overrides of {@link DEFAULT_SUBSCRIBE_CONFIG}. */
  readonly config?: Partial<SubscribeConfig>;
}

interface Subscriber {
  readonly id: SubscriberId;
  readonly end: bigint | undefined;
  /** Block it is at; undefined until the next one begins. */
  next: bigint | undefined;
  /** Bytes of that block it was sent. */
  offset: number;
  /** Sets of that block it was sent out of the feed. */
  liveSets: number;
  /** All items of that block were sent, out of the store. */
  whole: boolean;
  /** Waits for the transport, or for the store. */
  busy: "sending" | "reading" | undefined;
  /** When what was sent last must have been taken. */
  deadlineMs: number;
}

/**
 * Serves all subscribers of a node. Deterministic: same events and times, same effects.
 *
 * @example A range that nobody can have
 * ```ts
 * import { SubscribeMachine } from "./subscribe_machine.ts";
 * const machine = new SubscribeMachine({ lastPersisted: 9n });
 * const request = { start: 10n, end: 5n };
 * const [effect] = machine.step({ kind: "connected", subscriber: 1, request, first: 0n }, 0);
 * if (effect?.kind !== "finish" || effect.status !== "INVALID_END_BLOCK_NUMBER") throw new Error("expected refusal");
 * ```
 */
export class SubscribeMachine {
  readonly #config: SubscribeConfig;
  readonly #feed: LiveFeed;
  readonly #subscribers = new Map<SubscriberId, Subscriber>();
  #effects: SubscribeEffect[] = [];
  #nowMs = 0;
  #persisted: bigint;
  /** Highest block seen, stored or not. */
  #latest: bigint;
  #stopping = false;

  constructor(options: SubscribeMachineOptions) {
    this.#config = { ...DEFAULT_SUBSCRIBE_CONFIG, ...options.config };
    this.#feed = new LiveFeed(this.#config.liveBytes, this.#config.setOverheadBytes);
    this.#persisted = options.lastPersisted;
    this.#latest = options.lastPersisted;
  }

  /** Takes one event; `nowMs` is any clock that does not run backwards. */
  step(event: SubscribeEvent, nowMs: number): SubscribeEffect[] {
    this.#nowMs = nowMs;
    this.#effects = [];
    switch (event.kind) {
      case "connected":
        this.#connect(event);
        break;
      case "accepted":
        this.#accepted(event);
        break;
      case "complete":
        this.#feed.complete(event.number);
        break;
      case "persisted":
        this.#stored(event.number);
        break;
      case "history":
        this.#history(event.subscriber, event.block);
        break;
      case "ready":
        this.#ready(event.subscriber);
        break;
      case "failed":
        this.#with(event.subscriber, (subscriber) => this.#finish(subscriber, "ERROR"));
        break;
      case "gone":
        this.#with(event.subscriber, (subscriber) => this.#finish(subscriber, "SUCCESS", "GONE"));
        break;
      case "tick":
        this.#dropStalled();
        break;
      case "shutdown":
        this.#stopping = true;
        for (const subscriber of [...this.#subscribers.values()]) this.#finish(subscriber, "SUCCESS");
    }
    return this.#effects;
  }

  /** State for gauges and status. */
  snapshot(): SubscribeSnapshot {
    let lag = 0n;
    for (const { next } of this.#subscribers.values()) {
      if (next !== undefined && this.#persisted - next + 1n > lag) lag = this.#persisted - next + 1n;
    }
    return { subscribers: this.#subscribers.size, liveBytes: this.#feed.bytes, lag: Number(lag) };
  }

  #connect({ subscriber: id, request, first }: SubscribeEvent & { kind: "connected" }): void {
    const checked = this.#stopping
      ? { ok: false, status: "NOT_AVAILABLE" } as const
      : checkSubscribe(request, { first, latest: this.#latest }, this.#config.maximumFutureRequest);
    if (!checked.ok) {
      const { status } = checked;
      this.#effects.push({ kind: "finish", subscriber: id, status, outcome: status });
      return;
    }
    const { next, end } = checked;
    const subscriber: Subscriber = {
      id,
      next,
      end,
      offset: 0,
      liveSets: 0,
      whole: false,
      busy: undefined,
      deadlineMs: Infinity,
    };
    this.#subscribers.set(id, subscriber);
    this.#advance(subscriber);
  }

  #accepted({ number, set }: SubscribeEvent & { kind: "accepted" }): void {
    if (number > this.#latest) this.#latest = number;
    if (this.#subscribers.size === 0) return;
    this.#feed.add(number, set, this.#persisted);
    const begins = set.opening.kind === "header";
    for (const subscriber of this.#subscribers.values()) {
      if (begins) subscriber.next ??= number;
      if (subscriber.next !== number) continue;
      if (begins) restart(subscriber);
      this.#advance(subscriber);
    }
  }

  #stored(number: bigint): void {
    this.#persisted = number;
    if (number > this.#latest) this.#latest = number;
    // Stored from elsewhere: what is stored need not be what was being received.
    const isOther = this.#feed.get(number)?.complete === false;
    if (isOther) this.#feed.remove(number);
    for (const subscriber of [...this.#subscribers.values()]) {
      if (isOther && subscriber.next === number) restart(subscriber);
      this.#advance(subscriber);
    }
    const wanted = new Set<bigint | undefined>();
    for (const { next } of this.#subscribers.values()) wanted.add(next);
    this.#feed.prune(number, (block) => wanted.has(block));
  }

  #ready(id: SubscriberId): void {
    this.#with(id, (subscriber) => {
      subscriber.busy = undefined;
      this.#advance(subscriber);
    });
  }

  /** Brings a subscriber one message on, if there is one for it. */
  #advance(subscriber: Subscriber): void {
    const { next, end } = subscriber;
    if (subscriber.busy !== undefined || next === undefined) return;
    if (end !== undefined && next > end) return this.#finish(subscriber, "SUCCESS");
    const isStored = next <= this.#persisted;
    if (subscriber.whole) return this.#endBlock(subscriber, next, "history");
    const live = this.#feed.get(next);
    // A block that began in the store goes on there: the feed takes no stored block in, and lets go for good.
    if (live?.sets !== undefined) {
      const set = live.sets[subscriber.liveSets];
      if (set !== undefined) {
        subscriber.liveSets++;
        subscriber.offset += set.recordBytes;
        return this.#send(subscriber, set.message);
      }
      if (isStored) this.#endBlock(subscriber, next, "live");
    } else if (isStored) {
      subscriber.busy = "reading";
      this.#effects.push({ kind: "read", subscriber: subscriber.id, number: next });
    }
  }

  #history(id: SubscriberId, block: Uint8Array | "missing" | "unreadable"): void {
    this.#with(id, (subscriber) => {
      subscriber.busy = undefined;
      if (block === "missing") return this.#finish(subscriber, "NOT_AVAILABLE");
      if (block === "unreadable" || !this.#sendChunk(subscriber, block)) this.#finish(subscriber, "ERROR");
    });
  }

  /** @returns Whether the block can be read and is the one that was asked for. */
  #sendChunk(subscriber: Subscriber, block: Uint8Array): boolean {
    try {
      const { records, nextOffset, last } = nextChunk(block, subscriber.offset, this.#config.chunkBytes);
      if (subscriber.offset === 0) {
        const first = itemRanges(records).next();
        const { opening } = parseItemSet(records, 0, first.done ? 0 : first.value.end);
        if (opening.kind !== "header" || opening.number !== subscriber.next) return false;
      }
      subscriber.offset = nextOffset;
      subscriber.whole = last;
      if (records.length === 0) this.#advance(subscriber);
      else this.#send(subscriber, encodeSubscribeResponse({ kind: "items", records }));
      return true;
    } catch (thrown) {
      if (!(thrown instanceof HieroFault)) throw thrown;
      return false;
    }
  }

  #endBlock(subscriber: Subscriber, number: bigint, completes: BlockOrigin): void {
    subscriber.next = number + 1n;
    restart(subscriber);
    this.#send(subscriber, encodeSubscribeResponse({ kind: "end-of-block", number }), completes);
  }

  #send(subscriber: Subscriber, message: Uint8Array, completes?: BlockOrigin): void {
    subscriber.busy = "sending";
    const { stallTimeoutMs, chunkBytes } = this.#config;
    // A large item goes in one message and takes its time on any line.
    const allowedMs = stallTimeoutMs * Math.max(1, message.length / chunkBytes);
    subscriber.deadlineMs = stallTimeoutMs > 0 ? this.#nowMs + allowedMs : Infinity;
    this.#effects.push({
      kind: "send",
      subscriber: subscriber.id,
      message,
      ...(completes === undefined ? {} : { completes }),
    });
  }

  #dropStalled(): void {
    for (const subscriber of [...this.#subscribers.values()]) {
      const isLate = subscriber.busy === "sending" && this.#nowMs > subscriber.deadlineMs;
      if (isLate) this.#finish(subscriber, "ERROR", "SLOW");
    }
  }

  #finish({ id }: Subscriber, status: SubscribeStatus, outcome: SubscribeOutcome = status): void {
    this.#subscribers.delete(id);
    if (this.#subscribers.size === 0) this.#feed.clear();
    this.#effects.push({ kind: "finish", subscriber: id, status, outcome });
  }

  /** Events may cross: what is heard of a subscriber that is finished counts for nothing. */
  #with(id: SubscriberId, act: (subscriber: Subscriber) => void): void {
    const subscriber = this.#subscribers.get(id);
    if (subscriber !== undefined) act(subscriber);
  }
}

/** Sets the cursor to the beginning of its block. */
function restart(subscriber: Subscriber): void {
  subscriber.offset = 0;
  subscriber.liveSets = 0;
  subscriber.whole = false;
}
