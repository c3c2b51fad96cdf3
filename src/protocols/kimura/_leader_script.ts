/**
 * Runs the leader's machine from a text script, for tests: commands in, effects out, both readable.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LEADER, START_SECONDS, TEST_RULES, testMessage, testSender } from "./_chain.ts";
import { GENESIS } from "./block.ts";
import type { LeaderConfig, LeaderEffect, LeaderEvent } from "./leader_events.ts";
import { LeaderMachine } from "./leader_machine.ts";
import type { Message } from "./message.ts";
import { type ChainRules, checkBody, checkHeader, type Tip, tipOf } from "./rules.ts";
import type { FullBlock } from "./sync_messages.ts";

/** Milliseconds at which scripts start. */
const START_MS = Number(START_SECONDS) * 1_000;

/** A machine, its chain, and a clock that counts from 0. */
export class LeaderScript {
  readonly machine: LeaderMachine;
  readonly rules: ChainRules;
  readonly chain: FullBlock[] = [];
  readonly #stored = new Map<string, bigint>();
  readonly #names = new Map<string, string>();
  #tip: Tip = tipOf(GENESIS);
  #writing: FullBlock | undefined;
  #nowMs = 0;
  #ticket = 0;

  constructor(
    config: Partial<LeaderConfig> = {},
    rules: Partial<ChainRules> = {},
    pending: readonly Message[] = [],
  ) {
    this.rules = { ...TEST_RULES, ...rules };
    this.machine = new LeaderMachine({
      rules: this.rules,
      tip: this.#tip,
      seal: LEADER.sign,
      nowMs: START_MS,
      config: { blockIntervalMs: 1_000, ...config },
      pending: pending.map((message, order) => ({ message, order })),
    });
  }

  /**
   * Runs one command and returns the effects, one a line. Commands: `at MS` (with a tick) · `S says N [CONTENT]` (message N
   * of sender S) · `S forges N` (with a signature of another) · `S bare N` (unsigned) · `S old N` (nonce read at height 0) ·
   * `kept N` · `lost N` · `stored` · `unstored` · `stop`.
   */
  run(command: string): string[] {
    const [first = "", second = "", third = "", ...rest] = command.split(" ");
    if (/^\d+$/.test(first)) return this.#say(Number(first), second, Number(third), rest.join(" "));
    switch (first) {
      case "at":
        this.#nowMs = Number(second);
        return this.#step({ kind: "tick" });
      case "kept":
        return this.#step({ kind: "kept", order: Number(second) });
      case "lost":
        return this.#step({ kind: "keep-failed", order: Number(second) });
      case "stored": {
        const { block, messages } = this.#writing!;
        assert.equal(checkHeader(block, this.#tip, this.rules, block.header.timestamp), undefined);
        assert.equal(checkBody(block, messages, this.rules, (sender) => this.#stored.get(sender)), undefined);
        for (const { sender, nonce } of messages) this.#stored.set(sender, nonce);
        this.#tip = tipOf(block);
        this.chain.push(this.#writing!);
        return this.#step({ kind: "persisted", height: block.header.height });
      }
      case "unstored":
        return this.#step({ kind: "persist-failed", height: this.#writing!.block.header.height });
      case "stop":
        return this.#step({ kind: "stop" });
      default:
        throw new Error(`Cannot run script: unknown command '${command}'`);
    }
  }

  #say(sender: number, verb: string, nonce: number, content: string): string[] {
    let message = testMessage(sender, nonce, content || undefined);
    if (verb === "forges") message = { ...message, signature: testMessage(sender + 1, nonce).signature! };
    if (verb === "bare") {
      const { signature: _, ...bare } = message;
      message = bare;
    }
    this.#names.set(message.id.toHex(), `${sender}/${nonce}`);
    return this.#step({
      kind: "submit",
      ticket: this.#ticket++,
      message,
      lastNonce: verb === "old" ? undefined : this.#stored.get(testSender(sender)),
      readAt: verb === "old" ? 0n : this.#tip.height,
    });
  }

  #step(event: LeaderEvent): string[] {
    const effects = this.machine.step(event, START_MS + this.#nowMs);
    for (const effect of effects) if (effect.kind === "persist") this.#writing = effect.full;
    return effects.map((effect) => this.#text(effect));
  }

  #name(id: Uint8Array): string {
    return this.#names.get(id.toHex()) ?? "?";
  }

  #text(effect: LeaderEffect): string {
    switch (effect.kind) {
      case "keep":
        return `keep ${this.#name(effect.message.id)} as ${effect.order}`;
      case "accepted":
        return `accepted ${this.#name(effect.message.id)}`;
      case "refused":
        return `refused ${effect.fault.code}`;
      case "forget":
        return `forget ${effect.ids.map((id) => this.#name(id)).join(" ")}`;
      case "persist": {
        const { block } = effect.full;
        const names = block.messageIds.map((id) => this.#name(id)).join(" ");
        return `persist ${block.header.height} at ${block.header.timestamp - START_SECONDS} s: ${
          names || "empty"
        }`;
      }
      case "publish":
        return `publish ${effect.block.header.height} ${effect.form}`;
      case "wake":
        return `wake at ${effect.atMs - START_MS}`;
      case "note":
        return `note ${effect.note} ${effect.height}`;
    }
  }

  /** Runs a script: `> command` lines; returns it with the effects put in. */
  play(script: string): string {
    const lines: string[] = [];
    for (const line of script.split("\n").map((text) => text.trim())) {
      if (line.startsWith(">")) lines.push(line, ...this.run(line.slice(1).trim()));
    }
    return lines.join("\n");
  }

  /** Plays a script. Each line that starts with `>` is a command, the lines after it are all its effects. */
  check(script: string): this {
    const expected = script.split("\n").map((line) => line.trim()).filter((line) => line !== "").join("\n");
    assert.equal(this.play(script), expected);
    return this;
  }
}
