/**
 * Runs the follower's machine from a text script, for tests: commands in, effects out, both readable.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  LEADER_SECRET,
  nextBlock,
  START_SECONDS,
  TEST_RULES,
  testChain,
  testKey,
  testMessage,
} from "./_chain.ts";
import { type Block, blockHash, GENESIS } from "./block.ts";
import { signAnnouncement } from "./gossip.ts";
import type { Message } from "./message.ts";
import type { PeerConfig, PeerEffect, PeerEvent, PeerName } from "./peer_events.ts";
import { checkChain } from "./check_chain.ts";
import { PeerMachine } from "./peer_machine.ts";
import { type ChainRules, type Tip, tipOf } from "./rules.ts";
import type { FullBlock, SyncAnswer, SyncRequest } from "./sync_messages.ts";

/** Milliseconds at which scripts start: late enough for every block of the chain. */
const START_MS = Number(START_SECONDS) * 1_000 + 1_000_000;

/** A machine, the true chain, and what was stored of it. */
export class PeerScript {
  readonly machine: PeerMachine;
  readonly rules: ChainRules;
  readonly chain: readonly FullBlock[];
  readonly stored: FullBlock[] = [];
  readonly #requests = new Map<number, { readonly peer: PeerName; readonly ask: SyncRequest }>();
  readonly #nonces = new Map<string, bigint>();
  #tip: Tip = tipOf(GENESIS);
  #verifying: readonly FullBlock[] = [];
  #writing: readonly FullBlock[] = [];
  #nowMs = 0;
  #ref = 0;

  /** The chain has `length` blocks; every third has two messages of one sender. */
  constructor(length: number, config: Partial<PeerConfig> = {}, rules: Partial<ChainRules> = {}) {
    this.chain = testChain(
      length,
      (height) =>
        height % 3 === 0 ? [testMessage(1, height / 3 * 2 - 2), testMessage(1, height / 3 * 2 - 1)] : [],
    );
    this.rules = { ...TEST_RULES, ...rules };
    this.machine = new PeerMachine({
      rules: this.rules,
      tip: this.#tip,
      config: { tipIntervalMs: 10_000, requestTimeoutMs: 1_000, rangeBlocks: 4, ...config },
    });
  }

  /**
   * Runs one command and returns the effects, one a line. Commands: `at MS` (with a tick) · `P joins|leaves` · `P block H` (of
   * the chain) · `P fork H` (another of that height, signed) · `P unsigned|foreign|broken|future|unlinked H` · `P announces
   * H` · `P forges H` (an announcement) · `message H I` (message I of block H) · `forged H I` · `P tip H` · `P sends [N]` (what
   * it was asked for, N of it) · `P lies` (the same with a wrong block) · `P tampers` (with another content) · `P empty` ·
   * `P fails` · `P garbles` · `verified` · `stored` · `unstored`.
   */
  run(command: string): string[] {
    const [first = "", second = "", third = ""] = command.split(" ");
    switch (first) {
      case "at":
        this.#nowMs = Number(second);
        return this.#step({ kind: "tick" });
      case "message":
      case "forged": {
        const message = this.#block(Number(second)).messages[Number(third)]!;
        const forged = { ...message, content: "forged" };
        return this.#step({
          kind: "message",
          ref: this.#ref++,
          message: first === "forged" ? forged : message,
        });
      }
      case "late": {
        // The sender signs no time, so a stranger can pass on a valid message with another one.
        const message = this.#block(Number(second)).messages[Number(third)]!;
        return this.#step({ kind: "message", ref: this.#ref++, message: { ...message, timestamp: 1n } });
      }
      case "verified": {
        const state = {
          tip: this.#tip,
          rules: this.rules,
          nowSeconds: BigInt(Math.floor((START_MS + this.#nowMs) / 1_000)),
          lastNonce: (sender: string) => this.#nonces.get(sender),
        };
        return this.#step({ kind: "verified", ...checkChain(this.#verifying, state) });
      }
      case "stored":
        for (const full of this.#writing) {
          this.stored.push(full);
          this.#tip = tipOf(full.block);
          for (const { sender, nonce } of full.messages) this.#nonces.set(sender, nonce);
        }
        return this.#step({ kind: "persisted" });
      case "unstored":
        return this.#step({ kind: "persist-failed" });
      default:
        return this.#peer(first, second, third);
    }
  }

  #block(height: number): FullBlock {
    return this.chain[height - 1]!;
  }

  #gossip(from: PeerName, block: Block): string[] {
    return this.#step({ kind: "block", ref: this.#ref++, block, from });
  }

  #peer(peer: PeerName, verb: string, rest: string): string[] {
    const height = Number(rest);
    // Not every verb's number is that of a block.
    const parent = () => height > 1 ? tipOf(this.#block(height - 1).block) : tipOf(GENESIS);
    const announce = (secret: Uint8Array) =>
      this.#step({
        kind: "announcement",
        ref: this.#ref++,
        from: peer,
        announcement: signAnnouncement(secret, BigInt(height), blockHash(this.#block(height).block)),
      });
    switch (verb) {
      case "joins":
        return this.#step({ kind: "connected", peer });
      case "leaves":
        return this.#step({ kind: "disconnected", peer });
      case "block":
        return this.#gossip(peer, this.#block(height).block);
      case "fork":
        return this.#gossip(peer, nextBlock(parent(), [testMessage(9, 0)]).block);
      case "unsigned":
        return this.#gossip(peer, nextBlock(parent(), [], { secret: null }).block);
      case "foreign":
        return this.#gossip(peer, nextBlock(parent(), [], { secret: testKey(2) }).block);
      case "broken": {
        const { block } = nextBlock(parent());
        return this.#gossip(peer, {
          ...block,
          header: { ...block.header, timestamp: block.header.timestamp + 1n },
        });
      }
      case "future":
        return this.#gossip(peer, nextBlock(parent(), [], { timestamp: START_SECONDS * 2n }).block);
      case "unlinked":
        return this.#gossip(peer, nextBlock(parent(), [], { prevHash: new Uint8Array(32) }).block);
      case "announces":
        return announce(LEADER_SECRET);
      case "forges":
        return announce(testKey(2));
      default:
        return this.#reply(peer, verb, rest);
    }
  }

  #reply(peer: PeerName, verb: string, rest: string): string[] {
    const [request, { ask }] = [...this.#requests].findLast(([, asked]) => asked.peer === peer)!;
    this.#requests.delete(request);
    switch (verb) {
      case "tip":
        return this.#step({
          kind: "answer",
          request,
          answer: { kind: "tip", height: BigInt(rest), hash: new Uint8Array(32) },
        });
      case "fails":
        return this.#step({ kind: "failed", request });
      case "garbles":
        return this.#step({ kind: "failed", request, fault: { code: "MALFORMED_BYTES", message: "" } });
      case "empty":
        return this.#step({ kind: "answer", request, answer: this.#answer(ask, 0) });
      case "sends":
        return this.#step({ kind: "answer", request, answer: this.#answer(ask, Number(rest || Infinity)) });
      case "lies":
      case "tampers": {
        const answer = this.#answer(ask, Infinity);
        assert(answer.kind === "blocks");
        const blocks = answer.blocks.map((full, i): FullBlock => {
          if (verb === "tampers") {
            return {
              ...full,
              messages: full.messages.map((message) => ({ ...message, content: "tampered" })),
            };
          }
          return i === 1 ? { ...full, block: { ...full.block, messageIds: [new Uint8Array(32)] } } : full;
        });
        return this.#step({ kind: "answer", request, answer: { kind: "blocks", blocks } });
      }
      default:
        throw new Error(`Cannot run script: unknown verb '${verb}'`);
    }
  }

  #answer(ask: SyncRequest, most: number): SyncAnswer {
    if (ask.kind === "tip") {
      return { kind: "tip", height: BigInt(this.chain.length), hash: new Uint8Array(32) };
    }
    if (ask.kind === "blocks") {
      const from = Number(ask.from) - 1;
      return { kind: "blocks", blocks: this.chain.slice(from, from + Math.min(ask.count, most)) };
    }
    const all = this.chain.flatMap(({ messages }) => messages);
    const found = ask.ids.map((id) => all.find((message) => message.id.toHex() === id.toHex()));
    return {
      kind: "messages",
      messages: found.filter((message): message is Message => !!message).slice(0, most),
    };
  }

  #step(event: PeerEvent): string[] {
    const effects = this.machine.step(event, START_MS + this.#nowMs);
    for (const effect of effects) {
      if (effect.kind === "request") this.#requests.set(effect.request, effect);
      if (effect.kind === "verify") this.#verifying = effect.blocks;
      if (effect.kind === "persist") this.#writing = effect.blocks;
    }
    // When to look again is the subject of one script; elsewhere it hides the rest.
    return effects.filter(({ kind }) => kind !== "wake" || this.showsWakes).map((effect) =>
      this.#text(effect)
    );
  }

  /** Whether scripts list `wake`. */
  showsWakes = false;

  #text(effect: PeerEffect): string {
    const heights = (blocks: readonly FullBlock[]) =>
      `${blocks[0]!.block.header.height}..${blocks.at(-1)!.block.header.height}`;
    switch (effect.kind) {
      case "verdict":
        return effect.fault === undefined ? effect.verdict : `${effect.verdict} ${effect.fault.code}`;
      case "request": {
        const { ask, peer } = effect;
        if (ask.kind === "tip") return `ask ${peer} for its tip`;
        return ask.kind === "messages"
          ? `ask ${peer} for ${ask.ids.length} messages`
          : `ask ${peer} for ${ask.from}..${ask.from + BigInt(ask.count) - 1n}`;
      }
      case "verify":
        return `verify ${heights(effect.blocks)}`;
      case "persist":
        return `persist ${heights(effect.blocks)}`;
      case "penalise":
        return `penalise ${effect.peer} ${effect.points} ${effect.fault.code}`;
      case "conflict":
        return `conflict ${effect.block.header.height}`;
      case "wake":
        return `wake at ${effect.atMs - START_MS}`;
      case "note":
        return `note ${effect.note} ${effect.height}`;
    }
  }

  /** Plays a script. Each line that starts with `>` is a command, the lines after it are all its effects. */
  check(script: string): this {
    const lines = script.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    const played = lines.filter((line) => line.startsWith(">"))
      .flatMap((line) => [line, ...this.run(line.slice(1).trim())]);
    assert.equal(played.join("\n"), lines.join("\n"));
    return this;
  }
}
