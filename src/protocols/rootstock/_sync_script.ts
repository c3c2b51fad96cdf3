/**
 * Runs the sync machine from a text script, for tests: commands in, effects out, both readable. Blocks are written
 * `branch@number`.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  identifyToy,
  isHeavierToy,
  readToyHash,
  TOY_GROWTH,
  type ToyWorld,
  verifyToy,
} from "./_sync_world.ts";
import type { HeaderRule } from "./header_rules.ts";
import { answerOf, planAnswer } from "./header_server.ts";
import type { RskMessage } from "./rsk_message.ts";
import type { SyncEffect, SyncEvent } from "./sync_events.ts";
import { SyncMachine, type SyncMachineOptions } from "./sync_machine.ts";

function blockText(hash: Uint8Array): string {
  const { branch, number } = readToyHash(hash);
  return `${branch}@${number}`;
}

function requestText(message: RskMessage): string {
  switch (message.type) {
    case "block-headers-request":
      return `headers ${blockText(message.hash)} x${message.count}`;
    case "block-hash-request":
      return `hash of ${message.height}`;
    case "skeleton-request":
      return `skeleton from ${message.startNumber}`;
    case "body-request":
      return `body ${blockText(message.hash)}`;
    default:
      throw new Error(`Cannot show ${message.type}: the machine does not send it`);
  }
}

function effectText(effect: SyncEffect): string {
  switch (effect.type) {
    case "send":
      return `${effect.peer} < ${requestText(effect.message)}`;
    case "verify":
      return `verify ${effect.headers.length} after ${blockText(effect.after.hash)}`;
    case "store": {
      const { headers, canonical } = effect;
      return `store ${canonical ? "" : "aside "}${blockText(headers[0]!.hash)} to ${
        blockText(headers.at(-1)!.hash)
      }`;
    }
    case "adopt":
      return `adopt ${blockText(effect.tip.hash)} from ${
        blockText(effect.forkPoint.hash)
      }, ${effect.depth} deep`;
    case "anchor":
      return `anchor ${blockText(effect.headers[0]!.hash)} to ${blockText(effect.headers.at(-1)!.hash)}`;
    case "lookup":
      return `lookup ${effect.number}`;
    case "check-uncles":
      return `check ${effect.uncles.length} uncles of ${blockText(effect.block.hash)}`;
    case "score":
      return `score ${effect.peer} ${effect.event}: ${effect.detail}`;
    case "inexact":
      return `inexact ${blockText(effect.head.hash)} or ${blockText(effect.tip.hash)}`;
    case "contradiction":
      return `${effect.isProven ? "contradiction" : "denial"} at ${effect.checkpoint.number}: ${
        blockText(effect.found.hash)
      }. ${effect.detail}`;
    case "progress":
      return `progress ${effect.progress.phase} ${effect.progress.tip.number}`;
  }
}

type Ticketed = SyncEffect & { type: "verify" | "store" | "anchor" | "lookup" | "check-uncles" };

/** A machine, a clock, and what it waits for. */
export class SyncScript {
  readonly machine: SyncMachine;
  readonly #world: ToyWorld;
  readonly #branches = new Map<string, { branch: number; best: number }>();
  readonly #requests = new Map<string, RskMessage[]>();
  readonly #waiting: Ticketed[] = [];
  #nowMs = 0;

  constructor(world: ToyWorld, options: Partial<SyncMachineOptions> = {}) {
    this.#world = world;
    this.machine = new SyncMachine({
      base: world.position(0, 0),
      identify: identifyToy,
      isHeavier: isHeavierToy,
      growth: TOY_GROWTH,
      ...options,
      config: { expectedPeers: 1, progressMs: Infinity, ...options.config },
    });
    // The first event would report.
    this.machine.handle({ type: "tick" }, 0);
  }

  /**
   * Runs one command and returns the effects, one a line. `P joins|says BRANCH@BEST [TIMES]` (total difficulty, times so
   * much) · `P answers [BRANCH]` (its oldest request, as a node of that branch would) · `P answers short|nothing|other`
   * (the headers but one; an empty skeleton or list; the header of another block) · `P uncles DIFFICULTY…` ·
   * `P announces BRANCH@NUMBER` · `P tells BRANCH@NUMBER` (by hash alone) · `P gone` · `verified` · `invalid RULE INDEX` ·
   * `stored` · `found BRANCH` · `missing` · `weighed [DIFFICULTY]` · `at MS` · `tick`. What the machine waits for is
   * answered oldest first.
   */
  run(command: string): string[] {
    const [first = "", second = "", ...rest] = command.split(" ");
    switch (first) {
      case "at":
        this.#nowMs = Number(second);
        return [];
      case "tick":
        return this.#step({ type: "tick" });
      case "verified": {
        const { ticket, after, headers } = this.#next("verify");
        return this.#step({ type: "segment-verified", ticket, verdict: verifyToy(after.hash, headers) });
      }
      case "invalid": {
        const { ticket } = this.#next("verify");
        const verdict = {
          valid: false,
          rule: second as HeaderRule,
          index: Number(rest[0]),
          detail: "",
          headers: [],
        } as const;
        return this.#step({ type: "segment-verified", ticket, verdict });
      }
      case "stored":
        return this.#step({ type: "segment-stored", ticket: this.#next("store", "anchor").ticket });
      case "found": {
        const { ticket, number } = this.#next("lookup");
        const block = this.#world.position(Number(second), number);
        return this.#step({ type: "answer", ticket, block });
      }
      case "missing":
        return this.#step({ type: "answer", ticket: this.#next("lookup").ticket });
      case "weighed": {
        const { ticket } = this.#next("check-uncles");
        return this.#step({
          type: "uncles-checked",
          ticket,
          ...(second === "" ? {} : { difficulty: BigInt(second) }),
        });
      }
      default:
        return this.#peer(first, second, rest);
    }
  }

  #peer(peer: string, verb: string, rest: readonly string[]): string[] {
    const [branch = 0, number = 0] = (rest[0] ?? "").split("@").map(Number);
    switch (verb) {
      case "joins":
      case "says": {
        this.#branches.set(peer, { branch, best: number });
        const status = {
          bestNumber: number,
          bestHash: this.#world.hash(branch, number),
          totalDifficulty: this.#world.totalDifficulty(branch, number) * BigInt(rest[1] ?? 1),
        };
        return this.#step({ type: verb === "joins" ? "peer-joined" : "peer-status", peer, status });
      }
      case "gone":
        return this.#step({ type: "peer-gone", peer });
      case "announces": {
        const blocks = [{ number, hash: this.#world.hash(branch, number) }];
        return this.#step({ type: "message", peer, message: { type: "new-block-hashes", blocks } });
      }
      case "tells": {
        const hash = this.#world.hash(branch, number);
        return this.#step({ type: "message", peer, message: { type: "new-block-hash", hash } });
      }
      case "uncles":
      case "answers": {
        const request = this.#requests.get(peer)?.shift();
        assert.ok(request !== undefined, `${peer} was asked nothing`);
        const message = this.#answer(peer, request, verb === "uncles" ? ["uncles", ...rest] : rest);
        return this.#step({ type: "message", peer, message });
      }
      default:
        throw new Error(`Cannot run script: unknown verb '${verb}'`);
    }
  }

  #answer(peer: string, request: RskMessage, [how = "", ...rest]: readonly string[]): RskMessage {
    if (request.type === "body-request") {
      const uncles = rest.map((difficulty) => new Uint8Array([Number(difficulty)]));
      return { type: "body-response", id: request.id, transactions: [], uncles };
    }
    const { branch, best } = this.#branches.get(peer)!;
    const of = /^\d+$/.test(how) ? Number(how) : branch;
    const plan = planAnswer(request, best);
    assert.ok(plan !== undefined, "A request that is met with silence");
    if (how === "nothing") {
      const { id } = plan;
      return plan.lookup === "headers"
        ? { type: "block-headers-response", id, headers: [] }
        : { type: "skeleton-response", id, blocks: [] };
    }
    if (plan.lookup === "canonical") {
      return answerOf(
        plan,
        plan.heights.map((height) => this.#world.hash(of, height)),
      )!;
    }
    const top = readToyHash(plan.hash).number - (how === "other" ? 1 : 0);
    const count = plan.count - (how === "short" ? 1 : 0);
    return answerOf(plan, Array.from({ length: count }, (_, i) => this.#world.header(of, top - i)))!;
  }

  #next<T extends Ticketed["type"]>(...types: T[]): Ticketed & { type: T } {
    const at = this.#waiting.findIndex(({ type }) => (types as string[]).includes(type));
    assert.ok(at >= 0, `Nothing of ${types} is awaited`);
    return this.#waiting.splice(at, 1)[0] as Ticketed & { type: T };
  }

  #step(event: SyncEvent): string[] {
    const effects = this.machine.handle(event, this.#nowMs);
    for (const effect of effects) {
      if ("ticket" in effect) this.#waiting.push(effect);
      if (effect.type === "send") {
        this.#requests.set(effect.peer, [...this.#requests.get(effect.peer) ?? [], effect.message]);
      }
    }
    return effects.map(effectText);
  }
}

/** Plays a script: each line that starts with `>` is a command, the lines after it are all its effects. */
export function check(
  script: string,
  world: ToyWorld,
  options: Partial<SyncMachineOptions> = {},
): SyncScript {
  const lines = script.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const runner = new SyncScript(world, options);
  const played = lines.filter((line) => line.startsWith(">"))
    .flatMap((line) => [line, ...runner.run(line.slice(1).trim())]);
  assert.equal(played.join("\n"), lines.join("\n"));
  return runner;
}
