/**
 * The publish protocol as a state machine: events in, effects out. Several publishers race for blocks; this decides
 * who wins, who is told to skip, what is asked for again and what is acknowledged.
 *
 * Layer: protocols. Imports the publish files of this room. Source: spec/block-node.md §3.2-3.7. Letters P, U, E, S,
 * A, Q and W are the specification's.
 *
 * @module
 */

import {
  DEFAULT_PUBLISH_CONFIG,
  type HandlerId,
  type PublishConfig,
  type PublishEffect,
  type PublishEvent,
  type PublishSnapshot,
} from "./publish_events.ts";
import { END_STREAM_CODE, type PublishRequest } from "./publish_messages.ts";
import { PublishRace } from "./publish_race.ts";

/** Options of {@link PublishMachine}. */
export interface PublishMachineOptions {
  /** Last stored block, -1n if none. */
  readonly lastPersisted: bigint;
  /** Overrides of {@link DEFAULT_PUBLISH_CONFIG}. */
  readonly config?: Partial<PublishConfig>;
}

/**
 * Drives the race by events. Deterministic: same events and times, same effects.
 *
 * @example The first block of an empty node is accepted in silence, block 7 is too far ahead
 * ```ts
 * import { PublishMachine } from "./publish_machine.ts";
 * const machine = new PublishMachine({ lastPersisted: -1n });
 * machine.step({ kind: "connected", handler: 1 }, 0);
 * const set = { records: new Uint8Array(9), itemCount: 1, endsWithProof: false };
 * const effects = machine.step({
 *   kind: "message",
 *   handler: 1,
 *   request: { kind: "items", set: { ...set, opening: { kind: "header", number: 7n } } },
 * }, 0);
 * const [effect] = effects;
 * if (effect?.kind !== "respond" || effect.response.kind !== "behind") throw new Error("expected behind");
 * ```
 */
export class PublishMachine {
  readonly #race: PublishRace;
  readonly #config: PublishConfig;

  /** @throws {RangeError} If a block could never fit into the queue. */
  constructor(options: PublishMachineOptions) {
    this.#config = { ...DEFAULT_PUBLISH_CONFIG, ...options.config };
    const { maxBlockBytes, maxQueuedBytes } = this.#config;
    if (maxQueuedBytes < maxBlockBytes) {
      throw new RangeError(
        `Cannot build publish machine: maxQueuedBytes ${maxQueuedBytes} is less than maxBlockBytes ${maxBlockBytes}`,
      );
    }
    this.#race = new PublishRace(this.#config, options.lastPersisted);
  }

  /** Takes one event; `nowMs` is any clock that does not run backwards. */
  step(event: PublishEvent, nowMs: number): PublishEffect[] {
    const race = this.#race;
    race.streams.begin(nowMs);
    switch (event.kind) {
      case "connected":
        race.streams.connect(event.handler);
        break;
      case "message":
        if (!race.streams.touch(event.handler)) break;
        this.#message(event.handler, event.request);
        race.streams.charge(event.handler);
        break;
      case "malformed":
        race.endStream(event.handler, "ERROR");
        break;
      case "internal-error":
        race.endStream(event.handler, "ERROR", 0n);
        break;
      case "half-closed":
        race.halfClose(event.handler);
        break;
      case "disconnected":
        race.forget(event.handler);
        break;
      case "verified":
        race.verified(event.number, event.attempt);
        break;
      case "failed":
        race.failed(event.number, event.attempt);
        break;
      case "persisted":
        race.persisted(event.number);
        break;
      case "persist-failed":
        race.persistFailed(event.number);
        break;
      case "tick":
        race.closeIdle();
        break;
      case "shutdown":
        race.shutdown();
    }
    return race.finish();
  }

  /** State for gauges and status. */
  snapshot(): PublishSnapshot {
    return this.#race.snapshot();
  }

  #message(handler: HandlerId, request: PublishRequest): void {
    const race = this.#race;
    switch (request.kind) {
      case "unset":
        race.endStream(handler, "ERROR");
        return;
      case "end-of-block":
        race.endOfBlock(handler, request.number);
        return;
      case "items": {
        const { set } = request;
        if (set.itemCount === 0) race.endStream(handler, "INVALID_REQUEST");
        else if (set.opening.kind === "header") race.header(handler, set.opening.number, set);
        else if (set.opening.kind === "continuation") race.items(handler, set);
        else race.endStream(handler, set.opening.empty ? "ERROR" : "INVALID_REQUEST");
        return;
      }
      case "end-stream":
        this.#endStream(handler, request);
    }
  }

  #endStream(handler: HandlerId, request: PublishRequest & { kind: "end-stream" }): void {
    const { code, earliest, latest } = request;
    const [low, high] = [BigInt.asIntN(64, earliest), BigInt.asIntN(64, latest)];
    if (code !== END_STREAM_CODE.ERROR && !(low >= 0n && low <= high)) {
      this.#race.streams.note("end-stream-invalid", handler);
    }
    if (code === END_STREAM_CODE.TOO_FAR_BEHIND) this.#race.requestBackfill(high);
    this.#race.leave(handler);
  }
}
