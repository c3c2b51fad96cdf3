/**
 * Runs the publish machine from a text script, for tests: commands in, effects out, both readable.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PublishMachine } from "./publish_machine.ts";
import type { PublishConfig, PublishEffect, PublishEvent } from "./publish_events.ts";
import type { ItemSet, PublishRequest, SetOpening } from "./publish_messages.ts";
import { END_STREAM_CODE } from "./publish_messages.ts";
import { UINT64_MAX } from "./wire.ts";

/** Bytes of every set a script sends, unless it says otherwise. */
const SET_BYTES = 10;

function makeSet(opening: SetOpening, endsWithProof: boolean, bytes = SET_BYTES): ItemSet {
  return { records: new Uint8Array(bytes), itemCount: 1, opening, endsWithProof };
}

function numberText(number: bigint): string {
  return number === UINT64_MAX ? "max" : String(number);
}

function effectText(effect: PublishEffect): string {
  switch (effect.kind) {
    case "respond": {
      const { response } = effect;
      return response.kind === "end-stream"
        ? `${effect.handler} < ${response.status} last ${numberText(response.number)} about ${
          numberText(response.proximate)
        }`
        : `${effect.handler} < ${response.kind} ${numberText(response.number)}`;
    }
    case "close":
      return `${effect.handler} closed: ${effect.reason}`;
    case "verify":
      return `verify ${effect.number} #${effect.attempt}, ${effect.bytes} bytes`;
    case "persist":
      return `persist ${effect.number} #${effect.attempt}`;
    case "backfill":
      return `backfill up to ${effect.upTo}`;
    case "wake":
      return `wake at ${effect.atMs}`;
    case "note":
      return `note ${effect.note}${effect.handler === undefined ? "" : ` ${effect.handler}`}${
        effect.number === undefined ? "" : ` block ${effect.number}`
      }`;
    case "accepted":
      return `accepted ${effect.number}`;
    default:
      return `${effect.kind} ${effect.handler}`;
  }
}

/** A machine with a clock and the attempts it handed out. */
export class PublishScript {
  readonly machine: PublishMachine;
  readonly #attempts = new Map<bigint, number>();
  readonly #current = new Map<number, bigint>();
  #nowMs = 0;

  constructor(lastPersisted = -1n, config: Partial<PublishConfig> = {}) {
    this.machine = new PublishMachine({ lastPersisted, config: { setOverheadBytes: 0, ...config } });
  }

  /**
   * Runs one command and returns the effects, one a line. Commands: `at MS` · `H connect|half-close|gone|malformed|crash` ·
   * `H header N [BYTES]` · `H items [BYTES]` · `H proof` · `H whole N [BYTES]` (header to proof) · `H end [N]` · `H block N`
   * (whole and end) · `H empty|unset|bad-header|empty-header` · `H bye CODE EARLIEST LATEST` · `verified N [ATTEMPT]` ·
   * `failed N [ATTEMPT]` · `stored N` · `done N` (verified and stored) · `unstored N` · `tick` · `shutdown`.
   */
  run(command: string): string[] {
    const [first = "", second = "", ...rest] = command.split(" ");
    if (/^\d+$/.test(first)) return this.#stream(Number(first), second, rest);
    const number = BigInt(second || 0);
    const attempt = rest[0] === undefined ? this.#attempts.get(number) ?? 0 : Number(rest[0]);
    switch (first) {
      case "at":
        this.#nowMs = Number(second);
        return [];
      case "tick":
      case "shutdown":
        return this.#step({ kind: first });
      case "verified":
      case "failed":
        return this.#step({ kind: first, number, attempt });
      case "stored":
        return this.#step({ kind: "persisted", number });
      case "unstored":
        return this.#step({ kind: "persist-failed", number });
      case "done":
        return [
          ...this.#step({ kind: "verified", number, attempt }),
          ...this.#step({ kind: "persisted", number }),
        ];
      default:
        throw new Error(`Cannot run script: unknown command '${command}'`);
    }
  }

  #stream(handler: number, verb: string, rest: readonly string[]): string[] {
    const message = (request: PublishRequest) => this.#step({ kind: "message", handler, request });
    const items = (opening: SetOpening, proof: boolean, bytes?: string) =>
      message({
        kind: "items",
        set: makeSet(opening, proof, bytes === undefined ? undefined : Number(bytes)),
      });
    const opening = { kind: "header", number: BigInt(/^\d+$/.test(rest[0] ?? "") ? rest[0]! : 0) } as const;
    switch (verb) {
      case "connect":
        return this.#step({ kind: "connected", handler });
      case "half-close":
        return this.#step({ kind: "half-closed", handler });
      case "gone":
        return this.#step({ kind: "disconnected", handler });
      case "malformed":
        return this.#step({ kind: "malformed", handler });
      case "crash":
        return this.#step({ kind: "internal-error", handler });
      case "header":
      case "whole":
        this.#current.set(handler, opening.number);
        return items(opening, verb === "whole", rest[1]);
      case "items":
        return items({ kind: "continuation" }, false, rest[0]);
      case "proof":
        return items({ kind: "continuation" }, true);
      case "end": {
        const named = rest[0] === undefined ? this.#current.get(handler) ?? 0n : BigInt(rest[0]);
        return message({ kind: "end-of-block", number: named });
      }
      case "block":
        return [...items(opening, true), ...message({ kind: "end-of-block", number: opening.number })];
      case "empty":
        return message({
          kind: "items",
          set: { ...makeSet({ kind: "continuation" }, false, 0), itemCount: 0 },
        });
      case "unset":
        return message({ kind: "unset" });
      case "bad-header":
      case "empty-header":
        return items({ kind: "bad-header", empty: verb === "empty-header", message: "" }, false);
      case "bye": {
        const code = END_STREAM_CODE[rest[0] as keyof typeof END_STREAM_CODE];
        return message({
          kind: "end-stream",
          code,
          earliest: BigInt.asUintN(64, BigInt(rest[1]!)),
          latest: BigInt.asUintN(64, BigInt(rest[2]!)),
        });
      }
      default:
        throw new Error(`Cannot run script: unknown verb '${verb}'`);
    }
  }

  #step(event: PublishEvent): string[] {
    const effects = this.machine.step(event, this.#nowMs);
    for (const effect of effects) {
      if (effect.kind === "verify") this.#attempts.set(effect.number, effect.attempt);
    }
    // Every set of a block in progress is accepted unless the lines say otherwise: saying so each time hides the rest.
    return effects.filter(({ kind }) => kind !== "accepted").map(effectText);
  }

  /** Runs a script: `> command` lines, each followed by nothing; returns it with the effects put in. */
  play(script: string): string {
    const lines: string[] = [];
    for (const line of script.split("\n").map((text) => text.trim())) {
      if (!line.startsWith(">")) continue;
      lines.push(line, ...this.run(line.slice(1).trim()));
    }
    return lines.join("\n");
  }
}

/** Plays a script. Each line that starts with `>` is a command, the lines after it are all its effects. */
export function check(script: string, last = -1n, config: Partial<PublishConfig> = {}): PublishScript {
  const expected = script.split("\n").map((line) => line.trim()).filter((line) => line !== "").join("\n");
  const runner = new PublishScript(last, config);
  assert.equal(runner.play(script), expected);
  return runner;
}
