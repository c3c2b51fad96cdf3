/**
 * Runs the subscribe machine from a text script, for tests: commands in, effects out, both readable.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ITEM, itemRanges, peekItemKind } from "./items.ts";
import { parseItemSet } from "./publish_messages.ts";
import type { SubscribeConfig, SubscribeEffect, SubscribeEvent } from "./subscribe_events.ts";
import { SubscribeMachine } from "./subscribe_machine.ts";
import { parseSubscribeResponse } from "./subscribe_messages.ts";
import { UINT64_MAX } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

/** One record of a block: an item of one kind. */
export function record(kind: number, payload: Uint8Array): Uint8Array {
  const item = new WireWriter().bytes(kind, payload).finish();
  return new WireWriter().bytes(1, item).finish();
}

/** The header of a block as a record. */
export function headerRecord(number: bigint): Uint8Array {
  return record(ITEM.BLOCK_HEADER, new WireWriter().varint(3, number).finish());
}

/** A record that fills `bytes` or so; `mark` tells it from others. */
export function fillRecord(bytes: number, mark = 0): Uint8Array {
  return record(ITEM.SIGNED_TRANSACTION, new Uint8Array(bytes).fill(mark));
}

/** A proof. */
export const PROOF_RECORD: Uint8Array = record(ITEM.BLOCK_PROOF, new Uint8Array(2));

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** Kinds of the items in some records, short: `h3` a header of block 3, `t` a transaction, `p` a proof. */
function recordsText(records: Uint8Array): string {
  let text = "";
  for (const { recordStart, start, end } of itemRanges(records)) {
    const kind = peekItemKind(records, start, end);
    const { opening } = parseItemSet(records, recordStart, end);
    if (opening.kind === "header") text += `h${opening.number}`;
    else text += kind === ITEM.BLOCK_PROOF ? "p" : "t";
  }
  return text;
}

/** A response as text, such as `items h3tp` or `end 3`. */
export function responseText(message: Uint8Array): string {
  const response = parseSubscribeResponse(message)!;
  if (response.kind === "items") return `items ${recordsText(response.records)}`;
  return response.kind === "status" ? response.status : `end ${response.number}`;
}

function effectText(effect: SubscribeEffect): string {
  switch (effect.kind) {
    case "send": {
      const origin = effect.completes === undefined ? "" : ` (${effect.completes})`;
      return `${effect.subscriber} < ${responseText(effect.message)}${origin}`;
    }
    case "read":
      return `${effect.subscriber} reads ${effect.number}`;
    case "finish": {
      const { outcome, status } = effect;
      return `${effect.subscriber} ${outcome === status ? status : `${status} as ${outcome}`}`;
    }
  }
}

/** A machine, a clock, and a store with blocks of one header, one transaction and one proof. */
export class SubscribeScript {
  readonly machine: SubscribeMachine;
  readonly #first: bigint | undefined;
  #nowMs = 0;

  constructor(first: bigint | undefined, last: bigint, config: Partial<SubscribeConfig> = {}) {
    this.#first = first;
    this.machine = new SubscribeMachine({
      lastPersisted: last,
      config: { setOverheadBytes: 0, ...config },
    });
  }

  /**
   * Runs one command and returns the effects, one a line. Commands: `S connect START END` (`max` for no number) ·
   * `S ready` · `S gone` · `S fails` · `S block N [BYTES]` (the store's answer) · `S missing|unreadable` ·
   * `header N` · `items N` · `proof N` (a transaction and a proof) · `complete N` · `stored N` · `at MS` · `tick` ·
   * `shutdown`.
   */
  run(command: string): string[] {
    const [first = "", second = "", ...rest] = command.split(" ");
    if (/^\d+$/.test(first)) return this.#subscriber(Number(first), second, rest);
    const number = BigInt(second || 0);
    const accept = (records: Uint8Array) =>
      this.#step({ kind: "accepted", number, set: parseItemSet(records) });
    switch (first) {
      case "at":
        this.#nowMs = Number(second);
        return [];
      case "header":
        return accept(headerRecord(number));
      case "items":
        return accept(fillRecord(10));
      case "proof":
        return accept(concat(fillRecord(10), PROOF_RECORD));
      case "complete":
        return this.#step({ kind: "complete", number });
      case "stored":
        return this.#step({ kind: "persisted", number });
      case "tick":
      case "shutdown":
        return this.#step({ kind: first });
      default:
        throw new Error(`Cannot run script: unknown command '${command}'`);
    }
  }

  #subscriber(subscriber: number, verb: string, rest: readonly string[]): string[] {
    const number = (text = "max") => (text === "max" ? UINT64_MAX : BigInt(text));
    switch (verb) {
      case "connect": {
        const request = { start: number(rest[0]), end: number(rest[1]) };
        return this.#step({ kind: "connected", subscriber, request, first: this.#first });
      }
      case "ready":
      case "gone":
        return this.#step({ kind: verb, subscriber });
      case "fails":
        return this.#step({ kind: "failed", subscriber });
      case "missing":
      case "unreadable":
        return this.#step({ kind: "history", subscriber, block: verb });
      case "block": {
        const block = concat(headerRecord(number(rest[0])), fillRecord(Number(rest[1] ?? 10)), PROOF_RECORD);
        return this.#step({ kind: "history", subscriber, block });
      }
      default:
        throw new Error(`Cannot run script: unknown verb '${verb}'`);
    }
  }

  #step(event: SubscribeEvent): string[] {
    return this.machine.step(event, this.#nowMs).map(effectText);
  }
}

/**
 * Plays a script: each line that starts with `>` is a command, the lines after it are all its effects.
 *
 * @param stored First and last stored block; undefined for an empty node.
 */
export function check(
  script: string,
  stored: readonly [first: bigint, last: bigint] | undefined,
  config: Partial<SubscribeConfig> = {},
): SubscribeScript {
  const lines = script.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const runner = new SubscribeScript(stored?.[0], stored?.[1] ?? -1n, config);
  const played = lines.filter((line) => line.startsWith(">"))
    .flatMap((line) => [line, ...runner.run(line.slice(1).trim())]);
  assert.equal(played.join("\n"), lines.join("\n"));
  return runner;
}
