/**
 * State and rules of the publish race; publish_machine.ts turns events into calls of these methods.
 *
 * Layer: protocols. Imports the publish files of this room. Source: spec/block-node.md §3.2-3.7.
 *
 * @module
 */

import type {
  CloseReason,
  HandlerId,
  PublishConfig,
  PublishEffect,
  PublishSnapshot,
} from "./publish_events.ts";
import type { ItemSet } from "./publish_messages.ts";
import { lowest, PublishQueue } from "./publish_queue.ts";
import type { EndOfStreamStatus } from "./publish_responses.ts";
import { type Handler, PublishStreams } from "./publish_streams.ts";
import { UINT64_MAX } from "./wire.ts";

/** Rules and state; every method adds to the effects that {@link PublishRace.finish} hands out. */
export class PublishRace {
  readonly streams: PublishStreams;
  readonly #config: PublishConfig;
  readonly #queue: PublishQueue;
  /** W: who won a block and is still sending it. */
  readonly #winners = new Map<bigint, HandlerId>();
  #persisted: bigint;
  #newest: bigint;
  #next: bigint;

  constructor(config: PublishConfig, lastPersisted: bigint) {
    this.#config = config;
    this.streams = new PublishStreams(config);
    this.#persisted = lastPersisted;
    this.#newest = lastPersisted;
    const { earliestManagedBlock } = config;
    this.#next = lastPersisted < earliestManagedBlock ? earliestManagedBlock : lastPersisted + 1n;
    // Where U leaves a gap behind it, the first block that is started sets the base of the chain.
    const base = this.#next === lastPersisted + 1n ? this.#next : undefined;
    this.#queue = new PublishQueue(base, config.setOverheadBytes);
  }

  /** Closes a step: hands out what is ready, applies back-pressure, returns the effects. */
  finish(): PublishEffect[] {
    for (const effect of this.#queue.takeReady()) this.streams.emit(effect);
    this.#regulate();
    return this.streams.takeEffects();
  }

  /** A set that opens block N (spec §3.3 and the header rows of §3.4). */
  header(id: HandlerId, number: bigint, set: ItemSet): void {
    const handler = this.streams.get(id)!;
    if (handler.current === number && this.#queue.get(number)?.handler === id) {
      this.#queue.open(number, id);
      this.#append(handler, set);
      return;
    }
    if (handler.current !== undefined) this.#abandon(handler);
    this.#decide(handler, number, set);
  }

  #decide(handler: Handler, number: bigint, set: ItemSet): void {
    const { earliestManagedBlock, duplicateBlockSkipWindow, maxPendingBlocks } = this.#config;
    if (this.#queue.resend.delete(number)) {
      this.#queue.resending.add(number);
      return this.#accept(handler, number, set);
    }
    if (this.#persisted >= this.#next) this.#next = this.#persisted + 1n;
    if (number <= this.#persisted) {
      if (this.#persisted - number <= duplicateBlockSkipWindow) {
        return this.streams.respond(handler.id, "skip", number);
      }
      return this.endStream(handler.id, "DUPLICATE_BLOCK", number);
    }
    if (number < this.#next) {
      const nobodyStarted = this.#next === earliestManagedBlock && this.#queue.size === 0;
      if (number < earliestManagedBlock && nobodyStarted) {
        this.#next = number + 1n;
        return this.#accept(handler, number, set);
      }
      return this.streams.respond(handler.id, "skip", number);
    }
    const full = this.#queue.size + this.#queue.resend.size >= maxPendingBlocks;
    if (number > this.#next || full) return this.streams.respond(handler.id, "behind", this.#persisted);
    this.#next = number + 1n;
    this.#accept(handler, number, set);
  }

  #accept(handler: Handler, number: bigint, set: ItemSet): void {
    handler.current = number;
    this.#winners.set(number, handler.id);
    this.#queue.open(number, handler.id);
    this.#append(handler, set);
  }

  /** A set that goes on with the block in progress. */
  items(id: HandlerId, set: ItemSet): void {
    const handler = this.streams.get(id)!;
    if (handler.current === undefined) return this.streams.note("items-dropped", id);
    const block = this.#queue.get(handler.current);
    if (block === undefined || block.handler !== id || block.stage !== "receiving") {
      this.streams.respond(id, "skip", handler.current);
      this.#abandon(handler);
    } else if (block.hasProof) this.streams.note("late-items-dropped", id, block.number);
    else this.#append(handler, set);
  }

  #append(handler: Handler, set: ItemSet): void {
    const number = handler.current!;
    const block = this.#queue.get(number)!;
    const { maxBlockBytes, maxBlockItems } = this.#config;
    if (block.bytes + set.records.length > maxBlockBytes || block.itemCount + set.itemCount > maxBlockItems) {
      return this.endStream(handler.id, "INVALID_REQUEST", number);
    }
    while (this.#queue.bytes + this.#queue.cost(set) > this.#config.maxQueuedBytes) {
      const victim = this.#highestIdleBlock();
      if (victim === undefined || victim === number) {
        this.streams.note("block-evicted", handler.id, number);
        return this.endStream(handler.id, "ERROR", number);
      }
      this.#evict(victim);
    }
    this.#queue.append(block, set);
    this.streams.emit({ kind: "accepted", number, set });
  }

  /** The highest block that is not being verified or stored: the last one that anybody needs. */
  #highestIdleBlock(): bigint | undefined {
    let highest: bigint | undefined;
    for (const { number, stage } of this.#queue.blocks()) {
      const idle = stage === "receiving" || stage === "complete";
      if (idle && (highest === undefined || number > highest)) highest = number;
    }
    return highest;
  }

  #evict(number: bigint): void {
    this.streams.note("block-evicted", this.#winners.get(number), number);
    this.#lose(number, "ERROR");
  }

  /** A winner loses its block: it is told so, and the block is asked for again. */
  #lose(number: bigint, status: EndOfStreamStatus): void {
    const winner = this.#winners.get(number);
    this.#winners.delete(number);
    this.#queue.drop(number);
    this.#queue.resending.delete(number);
    if (number > this.#persisted) this.#queue.resend.add(number);
    if (winner !== undefined) this.endStream(winner, status, number);
  }

  /** BlockEnd of the block in progress, whatever number it names (spec §3.4). */
  endOfBlock(id: HandlerId, named: bigint): void {
    const handler = this.streams.get(id)!;
    const number = handler.current;
    if (number === undefined) return this.streams.note("end-of-block-ignored", id);
    if (named !== number) this.streams.note("end-of-block-misnamed", id, named);
    const block = this.#queue.get(number);
    if (block?.handler === id && block.stage === "receiving") {
      // The reference node leaves such a block in its queue until it counts as stalled. Nothing can complete it,
      // so it gets at once what a verification without a proof would get.
      if (!block.hasProof) return this.#lose(number, "BAD_BLOCK_PROOF");
      block.stage = "complete";
    }
    handler.sent.add(number);
    handler.current = undefined;
    this.#winners.delete(number);
    this.#dropStalled(number);
    const hole = lowest(this.#queue.resend);
    // The stall check may just have ended this very stream.
    if (hole !== undefined && this.streams.get(id) !== undefined) this.streams.respond(id, "resend", hole);
  }

  /** Unfinished blocks too far behind a finished one are taken from their winners (spec §3.7). */
  #dropStalled(finished: bigint): void {
    for (const { number, stage } of [...this.#queue.blocks()]) {
      const behind = finished > number + this.#config.maxFutureBlocksBeforeStalled;
      if (stage !== "receiving" || !behind || this.#queue.resending.has(number)) continue;
      this.streams.note("block-stalled", this.#winners.get(number), number);
      this.#lose(number, "TIMEOUT");
    }
  }

  verified(number: bigint, attempt: number): void {
    const block = this.#queue.get(number);
    if (block?.stage !== "verifying" || block.attempt !== attempt) {
      return this.streams.note("verdict-outdated");
    }
    block.stage = "verified";
    for (const effect of this.#queue.takeVerified()) this.streams.emit(effect);
  }

  /** Verification refused block N: its sender is told, everybody else may send it again (spec §3.6). */
  failed(number: bigint, attempt: number): void {
    const block = this.#queue.get(number);
    if (block?.stage !== "verifying" || block.attempt !== attempt) {
      return this.streams.note("verdict-outdated");
    }
    this.#queue.drop(number);
    this.#queue.resending.delete(number);
    this.#queue.resend.add(number);
    this.#queue.rewind(number);
    const sender = this.streams.get(block.handler);
    if (sender?.sent.has(number)) this.endStream(sender.id, "BAD_BLOCK_PROOF", number);
  }

  /** Block N is on disk (spec §3.5). */
  persisted(number: bigint): void {
    const block = this.#queue.get(number);
    const winner = this.#winners.get(number);
    this.#winners.delete(number);
    this.#queue.stored(number, this.#config.maxPendingBlocks);
    if (number > this.#newest) this.#newest = number;
    // Another source was faster than the publisher that is sending this very block.
    if (winner !== undefined && block?.stage === "receiving") this.endStream(winner, "TIMEOUT", number);
    this.#dropStalled(number);
    for (const hole of this.#queue.resend) {
      if (hole <= this.#newest - this.#config.staleResendPruneBuffer) this.#queue.resend.delete(hole);
    }
    if (number > this.#persisted) this.#acknowledge(number);
    if (this.#next <= number) this.#next = number + 1n;
  }

  /** Never past a known hole: not past a block in memory, nor one that must come again. */
  #acknowledge(number: bigint): void {
    let value = number;
    for (const hole of [this.#queue.lowest(), lowest(this.#queue.resend), lowest(this.#queue.resending)]) {
      if (hole !== undefined && hole <= value) value = hole - 1n;
    }
    if (value < 0n || value <= this.#persisted) return;
    this.#persisted = value;
    for (const handler of this.streams.all()) {
      for (const sent of handler.sent) if (sent <= value) handler.sent.delete(sent);
      this.streams.respond(handler.id, "acknowledgement", value);
      this.#closeIfAnswered(handler);
    }
  }

  /** A write failed: P stays, everything from N on must come again, and every publisher is told (spec §3.6). */
  persistFailed(number: bigint): void {
    this.#winners.clear();
    for (const handler of this.streams.all()) handler.current = undefined;
    this.#queue.reset(number);
    this.#next = number;
    for (const id of [...this.streams.ids()]) this.endStream(id, "PERSISTENCE_FAILED", number);
  }

  /** EndOfStream, then close. Without `proximate` it is about the block in progress, uint64_max if there is none. */
  endStream(id: HandlerId, status: EndOfStreamStatus, proximate?: bigint): void {
    const handler = this.streams.get(id);
    if (handler === undefined) return;
    const about = proximate ?? handler.current ?? UINT64_MAX;
    const number = BigInt.asUintN(64, this.#persisted);
    this.streams.emit({
      kind: "respond",
      handler: id,
      response: { kind: "end-stream", status, number, proximate: about },
    });
    this.#close(handler, "ended");
  }

  /** The publisher said goodbye: no response. */
  leave(id: HandlerId): void {
    const handler = this.streams.get(id);
    if (handler !== undefined) this.#close(handler, "left");
  }

  /** The publisher sends no more: its unfinished block is given up, what it sent whole is still answered. */
  halfClose(id: HandlerId): void {
    const handler = this.streams.get(id);
    if (handler === undefined) return;
    this.#abandon(handler);
    handler.leaving = true;
    this.#closeIfAnswered(handler);
  }

  #closeIfAnswered(handler: Handler): void {
    if (!handler.leaving) return;
    for (const number of handler.sent) if (number > this.#persisted) return;
    this.#close(handler, "left");
  }

  /** The stream is gone already: only clean up. */
  forget(id: HandlerId): void {
    const handler = this.streams.get(id);
    if (handler === undefined) return;
    this.#abandon(handler);
    this.streams.remove(id);
  }

  requestBackfill(upTo: bigint): void {
    if (upTo > this.#persisted) this.streams.emit({ kind: "backfill", upTo });
  }

  /** Ends streams that brought nothing for too long. Never while this node itself holds them back. */
  closeIdle(): void {
    const { idleTimeoutMs } = this.#config;
    if (idleTimeoutMs <= 0 || this.streams.paused) return;
    for (const handler of [...this.streams.all()]) {
      if (this.streams.isIdle(handler, idleTimeoutMs)) this.#close(handler, "idle");
    }
  }

  shutdown(): void {
    for (const id of [...this.streams.ids()]) this.endStream(id, "SUCCESS", 0n);
  }

  snapshot(): PublishSnapshot {
    return {
      lastPersisted: this.#persisted,
      nextUnstarted: this.#next,
      resend: [...this.#queue.resend].toSorted((a, b) => (a < b ? -1 : 1)),
      handlers: this.streams.size,
      queuedBlocks: this.#queue.size,
      queuedBytes: this.#queue.bytes,
      inFlight: this.#queue.inFlight,
      paused: this.streams.paused,
      held: this.streams.held,
    };
  }

  #close(handler: Handler, reason: CloseReason): void {
    this.forget(handler.id);
    this.streams.emit({ kind: "close", handler: handler.id, reason });
  }

  /** The block in progress is given up; if nobody has stored it, somebody must send it again. */
  #abandon(handler: Handler): void {
    const number = handler.current;
    handler.current = undefined;
    if (number === undefined) return;
    if (this.#winners.get(number) === handler.id) this.#winners.delete(number);
    const block = this.#queue.get(number);
    if (block?.handler !== handler.id || block.stage !== "receiving") return;
    this.#queue.drop(number);
    this.#queue.resending.delete(number);
    if (number > this.#persisted && number < this.#next) this.#queue.resend.add(number);
    this.streams.note("block-abandoned", handler.id, number);
  }

  /** Reading stops only while blocks are in flight: their end is what starts it again, so it cannot stay stopped. */
  #regulate(): void {
    const { pauseAboveBytes } = this.#config;
    const { bytes, inFlight } = this.#queue;
    const limit = this.streams.paused ? pauseAboveBytes / 2 : pauseAboveBytes;
    this.streams.setPaused(inFlight > 0 && bytes > limit);
  }
}
