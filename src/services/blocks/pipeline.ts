/**
 * Drives a block from a publisher's stream to the disk: publish machine, verification lane, store, acknowledgement.
 *
 * Layer: services. The machine (protocols/hiero/publish_machine.ts) decides; this file does what it decides.
 * Source: spec/block-node.md §3, §6.9.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Tracer } from "../../kernel/telemetry.ts";
import { HieroFault } from "../../protocols/hiero/fault.ts";
import type { HandlerId, PublishEffect, PublishEvent } from "../../protocols/hiero/publish_events.ts";
import type { PublishMachine } from "../../protocols/hiero/publish_machine.ts";
import {
  END_STREAM_CODE,
  type ItemSet,
  parsePublishRequest,
  type PublishRequest,
} from "../../protocols/hiero/publish_messages.ts";
import { isFutureKind } from "../../protocols/hiero/items.ts";
import type { ProofStatus } from "../../protocols/hiero/verdict.ts";
import { encodePublishResponse } from "../../protocols/hiero/publish_responses.ts";
import type { BidiCall, StreamHandler } from "../../rpc/types.ts";
import type { BlocksMetrics } from "./metrics.ts";
import type { BlockStore, StoredBlock } from "./store.ts";
import type { LaneVerdict, VerifyLane } from "./verify_lane.ts";

/** Time between the last response of a stream and its end, so that the response gets out (spec §3.6). */
const CLOSE_DELAY_MS = 10;
/** Granularity of idle time-outs. */
const TICK_MS = 250;
/** Most block bytes of one storage batch: above it, one fsync costs more than it saves. */
const MAX_BATCH_BYTES = 16_777_216;

/** Names of EndStream codes by number. */
const END_STREAM_NAMES = Object.keys(END_STREAM_CODE);

/** Told of every durable block, in order. */
export type PersistedListener = (block: { readonly number: bigint; readonly bytes: number }) => void;

/** Told of every set that became part of a block, and of every block whose sets are all there. */
export interface LiveListener {
  accepted(number: bigint, set: ItemSet): void;
  complete(number: bigint): void;
}

/** What the pipeline works with. */
export interface PipelineDeps {
  readonly machine: PublishMachine;
  readonly lane: VerifyLane;
  readonly store: BlockStore;
  readonly metrics: BlocksMetrics;
  readonly log: Logger;
  readonly tracer: Tracer;
  readonly onPersisted: PersistedListener;
  /** Told when a publisher knows blocks up to a number that this node lacks. */
  readonly onBehind?: (upTo: bigint) => void;
  readonly live: LiveListener;
  /** Told of what must never happen: the node then stops rather than going on half. */
  readonly fatal: (error: Error) => void;
  /** Milliseconds since the epoch with fractions; the same clock as the verify Worker's. */
  readonly now: () => number;
}

interface Publisher {
  readonly call: BidiCall<Uint8Array>;
  /** Set once nothing more may be sent. */
  closing: boolean;
  /** The block it sends, since its header. */
  receiving: { readonly number: bigint; readonly sinceMs: number } | undefined;
}

/** A block between the machine's `verify` and its place on disk. */
interface Submission {
  readonly number: bigint;
  readonly bytes: number;
  readonly completeAtMs: number;
  submittedAtMs: number;
  verifiedAtMs: number;
  stored: StoredBlock | undefined;
}

/** One per node: publishers come and go, blocks flow through. */
export class PublishPipeline {
  readonly #deps: PipelineDeps;
  readonly #publishers = new Map<HandlerId, Publisher>();
  /** By attempt; bounded by the machine's maxPendingBlocks. */
  readonly #submissions = new Map<number, Submission>();
  /** Attempts to write next, in order. */
  #persistQueue: number[] = [];
  #writing = false;
  /** Effects not performed yet: performing one may bring the next event, whose effects come after. */
  readonly #effects: PublishEffect[] = [];
  #performing = false;
  #draining = false;
  #lastHandler = 0;
  #writeFailure: string | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  readonly #ticker: ReturnType<typeof setInterval>;
  #wakeTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #closeTimers = new Set<ReturnType<typeof setTimeout>>();

  constructor(deps: PipelineDeps) {
    this.#deps = deps;
    this.#ticker = setInterval(() => this.#step({ kind: "tick" }), TICK_MS);
    deps.lane.onVerdicts((verdicts) => this.#onVerdicts(verdicts));
  }

  /** Open publish streams. */
  get publishers(): number {
    return this.#publishers.size;
  }

  /** Why the last write failed; undefined after one that succeeded. */
  get writeFailure(): string | undefined {
    return this.#writeFailure;
  }

  /** Takes over a publishBlockStream call. */
  connect(call: BidiCall<Uint8Array>): StreamHandler<Uint8Array> {
    const handler = ++this.#lastHandler;
    const publisher: Publisher = { call, closing: false, receiving: undefined };
    this.#publishers.set(handler, publisher);
    call.context.log.info("Publisher connected", { publisher: handler, peer: call.context.peer });
    if (this.#draining) call.pause();
    this.#step({ kind: "connected", handler });
    return {
      message: (bytes) => this.#onMessage(handler, bytes),
      halfClosed: () => this.#step({ kind: "half-closed", handler }),
      closed: () => this.#onGone(handler),
    };
  }

  /** Takes nothing more from publishers; resolves when nothing is being verified or written. */
  drain(): Promise<void> {
    this.#draining = true;
    for (const { call } of this.#publishers.values()) call.pause();
    if (this.#submissions.size === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  /** Tells every publisher that the node stops (EndOfStream SUCCESS) and ends their calls. */
  shutdown(): void {
    clearInterval(this.#ticker);
    this.#step({ kind: "shutdown" });
    clearTimeout(this.#wakeTimer);
    for (const timer of this.#closeTimers) clearTimeout(timer);
    this.#closeTimers.clear();
    for (const { call } of this.#publishers.values()) call.end();
    this.#publishers.clear();
  }

  #onMessage(handler: HandlerId, bytes: Uint8Array): void {
    const publisher = this.#publishers.get(handler);
    if (this.#draining || publisher?.closing !== false) return;
    const { metrics } = this.#deps;
    try {
      const request = parsePublishRequest(bytes);
      this.#count(request, publisher);
      this.#step({ kind: "message", handler, request });
    } catch (thrown) {
      if (!(thrown instanceof HieroFault)) {
        metrics.streamErrors.inc({ reason: "internal" });
        this.#deps.log.error("Publish message failed", { publisher: handler, error: thrown });
        this.#step({ kind: "internal-error", handler });
        return;
      }
      metrics.streamErrors.inc({ reason: "malformed" });
      this.#deps.log.warn("Malformed publish message", { publisher: handler, reason: thrown.message });
      this.#step({ kind: "malformed", handler });
    }
  }

  #count(request: PublishRequest, publisher: Publisher): void {
    const { metrics, now } = this.#deps;
    if (request.kind === "items") {
      metrics.bytesReceived.inc(request.set.records.length);
      metrics.itemsReceived.inc(request.set.itemCount);
      const { opening } = request.set;
      if (opening.kind === "header") publisher.receiving = { number: opening.number, sinceMs: now() };
    } else if (request.kind === "end-of-block") {
      const { receiving } = publisher;
      publisher.receiving = undefined;
      if (receiving?.number === request.number) {
        metrics.receiveSeconds.observe((now() - receiving.sinceMs) / 1000);
      }
    } else if (request.kind === "end-stream") {
      // Codes of the future share one series: a label must not be what a peer chooses.
      metrics.endStreams.inc({ code: END_STREAM_NAMES[request.code] ?? "OTHER" });
    }
  }

  #onGone(handler: HandlerId): void {
    const publisher = this.#publishers.get(handler);
    if (publisher === undefined) return;
    this.#publishers.delete(handler);
    publisher.call.context.log.info("Publisher gone", { publisher: handler });
    this.#step({ kind: "disconnected", handler });
  }

  #step(event: PublishEvent): void {
    this.#perform(this.#deps.machine.step(event, this.#deps.now()));
  }

  /** In order, also when the transport calls back from within (a send that closes, a resume that delivers). */
  #perform(effects: readonly PublishEffect[]): void {
    this.#effects.push(...effects);
    if (this.#performing) return;
    this.#performing = true;
    try {
      for (let next = this.#effects.shift(); next !== undefined; next = this.#effects.shift()) {
        this.#performOne(next);
      }
    } finally {
      this.#performing = false;
    }
  }

  #performOne(effect: PublishEffect): void {
    switch (effect.kind) {
      case "respond":
        return this.#respond(effect);
      case "close":
        return this.#close(effect.handler, effect.reason);
      case "accepted":
        return this.#deps.live.accepted(effect.number, effect.set);
      case "verify":
        this.#deps.live.complete(effect.number);
        return this.#submit(effect);
      case "persist":
        this.#persistQueue.push(effect.attempt);
        return;
      case "wake":
        clearTimeout(this.#wakeTimer);
        this.#wakeTimer = setTimeout(
          () => this.#step({ kind: "tick" }),
          Math.max(1, Math.ceil(effect.atMs - this.#deps.now())),
        );
        return;
      case "pause":
        this.#deps.metrics.pauses.inc();
        return this.#publishers.get(effect.handler)?.call.pause();
      case "resume":
        if (!this.#draining) this.#publishers.get(effect.handler)?.call.resume();
        return;
      case "backfill":
        this.#deps.log.info("Publisher is ahead of this node", { upTo: effect.upTo });
        return this.#deps.onBehind?.(effect.upTo);
      case "note":
        if (effect.note === "items-dropped" || effect.note === "late-items-dropped") {
          this.#deps.metrics.setsDropped.inc();
        } else if (effect.note === "held-budget") this.#deps.metrics.publishersHeld.inc({ reason: "budget" });
        else if (effect.note === "held-penalty") this.#deps.metrics.publishersHeld.inc({ reason: "penalty" });
        this.#deps.metrics.publishEvents.inc({ event: effect.note });
        this.#deps.log.debug("Publish event", effect);
    }
  }

  #respond({ handler, response }: PublishEffect & { kind: "respond" }): void {
    const publisher = this.#publishers.get(handler);
    if (publisher === undefined || publisher.closing) return;
    const { metrics, log } = this.#deps;
    metrics.responses.inc({ kind: response.kind });
    if (response.kind === "acknowledgement") metrics.acknowledgements.inc();
    else if (response.kind === "end-stream") {
      metrics.endOfStreams.inc({ status: response.status });
      log.warn("Publish stream ended", {
        publisher: handler,
        status: response.status,
        block: response.proximate,
      });
    }
    publisher.call.send(encodePublishResponse(response));
  }

  #close(handler: HandlerId, reason: "ended" | "left" | "idle"): void {
    if (reason === "idle") {
      this.#endCall(
        handler,
        new CairnError("IDLE_TIMEOUT", "Cannot keep publish stream: it was idle for too long"),
      );
    } else if (reason === "left") this.#endCall(handler, undefined);
    else {
      const publisher = this.#publishers.get(handler);
      if (publisher === undefined) return;
      publisher.closing = true;
      const timer = setTimeout(() => {
        this.#closeTimers.delete(timer);
        this.#endCall(handler, undefined);
      }, CLOSE_DELAY_MS);
      this.#closeTimers.add(timer);
    }
  }

  #endCall(handler: HandlerId, error: CairnError | undefined): void {
    const publisher = this.#publishers.get(handler);
    if (publisher === undefined) return;
    publisher.closing = true;
    publisher.call.end(error);
  }

  #submit(effect: PublishEffect & { kind: "verify" }): void {
    const { number, attempt, segments, bytes } = effect;
    this.#deps.metrics.blocksReceived.inc();
    const now = this.#deps.now();
    const submission: Submission = {
      number,
      bytes,
      completeAtMs: now,
      submittedAtMs: now,
      verifiedAtMs: now,
      stored: undefined,
    };
    this.#submissions.set(attempt, submission);
    this.#deps.lane.submit({ number, attempt, segments, bytes }, () => {
      submission.submittedAtMs = this.#deps.now();
      this.#observe("ingest", submission.submittedAtMs - submission.completeAtMs);
    });
  }

  #onVerdicts(verdicts: readonly LaneVerdict[]): void {
    for (const verdict of verdicts) this.#onVerdict(verdict);
    void this.#flush();
  }

  #onVerdict(verdict: LaneVerdict): void {
    const { metrics, log } = this.#deps;
    const { attempt, number } = verdict;
    const submission = this.#submissions.get(attempt);
    if (submission === undefined) throw new Error(`Verdict for unknown attempt ${attempt}`);
    submission.verifiedAtMs = verdict.verifiedAtMs;
    this.#observe("hash", verdict.verifiedAtMs - submission.submittedAtMs);
    const event = { kind: verdict.status === "ok" ? "verified" : "failed", number, attempt } as const;
    const effects = this.#deps.machine.step(event, this.#deps.now());
    // Overtaken meanwhile, by a refusal below it or a failed write: nobody will write this one.
    if (effects.some((effect) => effect.kind === "note" && effect.note === "verdict-outdated")) {
      this.#done(attempt);
    } else if (verdict.status === "ok") {
      metrics.blocksVerified.inc({ rule: verdict.record.rule });
      countProof(metrics, verdict.record.proof);
      metrics.futureItems.inc({ handling: "hashed" }, verdict.futureItems?.hashed ?? 0);
      metrics.futureItems.inc({ handling: "not-hashed" }, verdict.futureItems?.notHashed ?? 0);
      for (const warning of verdict.warnings) {
        log.warn("Block accepted with a warning", { number, ...warning });
      }
      submission.stored = {
        number,
        block: verdict.block,
        record: verdict.record,
        chainState: verdict.chainState,
        verificationData: verdict.verificationData,
      };
    } else {
      this.#done(attempt);
      const { type, message, detail } = verdict.fault;
      metrics.blocksRejected.inc({ fault: type });
      if (type === "UNSUPPORTED_ITEM_TYPE" && isFutureKind(Number(detail["field"]))) {
        metrics.futureItems.inc({ handling: "refused" });
      }
      if (detail.check === "proof") metrics.proofsRefused.inc({ step: String(detail["step"] ?? type) });
      log.warn("Block refused", { number, fault: type, reason: message });
    }
    this.#perform(effects);
  }

  /** Writes what is verified, one batch at a time; what arrives meanwhile makes the next batch. */
  async #flush(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      while (this.#persistQueue.length > 0) await this.#writeBatch();
      this.#writing = false;
    } catch (error) {
      // Whatever this was, it was not the disk. It stays "writing": after it nothing may be acknowledged.
      this.#deps.fatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #writeBatch(): Promise<void> {
    const { store, log } = this.#deps;
    const batch: [attempt: number, submission: Submission][] = [];
    let bytes = 0;
    while (this.#persistQueue.length > 0 && (bytes < MAX_BATCH_BYTES || batch.length === 0)) {
      const attempt = this.#persistQueue.shift()!;
      const submission = this.#submissions.get(attempt)!;
      batch.push([attempt, submission]);
      bytes += submission.bytes;
    }
    const first = batch[0]![1].number;
    try {
      await store.append(batch.map(([, submission]) => submission.stored!));
      this.#writeFailure = undefined;
    } catch (error) {
      this.#writeFailure = error instanceof Error ? error.message : String(error);
      log.error("Block write failed", { first, blocks: batch.length, error });
      for (const [attempt] of batch) this.#done(attempt);
      for (const attempt of this.#persistQueue.splice(0)) this.#done(attempt);
      this.#deps.lane.rebase(store.chainState);
      this.#step({ kind: "persist-failed", number: first });
      return;
    }
    this.#acknowledge(batch);
  }

  #acknowledge(batch: readonly [attempt: number, submission: Submission][]): void {
    const { machine, metrics, onPersisted, now } = this.#deps;
    const persistedAtMs = now();
    const effects: PublishEffect[] = [];
    for (const [, { number }] of batch) {
      effects.push(...machine.step({ kind: "persisted", number }, persistedAtMs));
    }
    this.#perform(withoutOvertaken(effects));
    const acknowledgedAtMs = now();
    for (const [attempt, submission] of batch) {
      const { number, bytes, completeAtMs, verifiedAtMs } = submission;
      metrics.blocksPersisted.inc();
      metrics.persistedBytes.inc(bytes);
      this.#observe("persist", persistedAtMs - verifiedAtMs);
      this.#observe("acknowledge", acknowledgedAtMs - persistedAtMs);
      this.#observe("total", acknowledgedAtMs - completeAtMs);
      this.#trace(submission, persistedAtMs, acknowledgedAtMs);
      onPersisted({ number, bytes });
      this.#done(attempt);
    }
  }

  #done(attempt: number): void {
    if (!this.#submissions.delete(attempt)) return;
    this.#deps.lane.release(attempt);
    if (this.#submissions.size === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
  }

  /** One trace a block, with the stages as its spans. */
  #trace(submission: Submission, persistedAtMs: number, acknowledgedAtMs: number): void {
    const { tracer } = this.#deps;
    if (!tracer.enabled) return;
    const { number, bytes, completeAtMs, submittedAtMs, verifiedAtMs } = submission;
    tracer.record({
      name: "block",
      startMs: completeAtMs,
      endMs: acknowledgedAtMs,
      attributes: { "block.number": Number(number), "block.bytes": bytes },
      parts: [
        { name: "block.ingest", startMs: completeAtMs, endMs: submittedAtMs },
        { name: "block.hash", startMs: submittedAtMs, endMs: verifiedAtMs },
        { name: "block.persist", startMs: verifiedAtMs, endMs: persistedAtMs },
        { name: "block.acknowledge", startMs: persistedAtMs, endMs: acknowledgedAtMs },
      ],
    });
  }

  #observe(stage: string, milliseconds: number): void {
    this.#deps.metrics.stageSeconds.observe({ stage }, Math.max(0, milliseconds) / 1000);
  }
}

function countProof(metrics: BlocksMetrics, proof: ProofStatus | undefined): void {
  if (proof?.status === "verified") { for (const kind of proof.kinds) metrics.proofsVerified.inc({ kind }); }
  else if (proof?.status === "unverified") metrics.proofsUnverified.inc({ reason: proof.reason });
}

/** Drops an acknowledgement that the same stream's next response would repeat with a higher number (spec §3.5). */
function withoutOvertaken(effects: readonly PublishEffect[]): PublishEffect[] {
  const nextIsAcknowledgement = new Set<HandlerId>();
  const kept: PublishEffect[] = [];
  for (const effect of effects.toReversed()) {
    if (effect.kind === "respond" && effect.response.kind === "acknowledgement") {
      if (nextIsAcknowledgement.has(effect.handler)) continue;
      nextIsAcknowledgement.add(effect.handler);
    } else if (effect.kind === "respond" || effect.kind === "close") {
      nextIsAcknowledgement.delete(effect.handler);
    }
    kept.push(effect);
  }
  return kept.reverse();
}
