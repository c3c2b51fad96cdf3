/**
 * Runs the peer machine from a text script, for tests: commands in, effects out, both readable.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import { checkScript } from "./_script.ts";
import type { NodeId } from "./node_id.ts";
import type { PeerConfig, PeerEffect, PeerEvent } from "./peer_events.ts";
import { PeerMachine, type PeerMachineOptions } from "./peer_machine.ts";
import type { ScoreEvent } from "./peer_score.ts";

/** A node of a script: `a` to `z`, each in a range of its own; a digit behind it stays in the range. */
export function peerNode(
  name: string,
): { readonly id: NodeId; readonly host: string; readonly port: number } {
  const letter = name.charCodeAt(0) - 96;
  const digit = Number(name.slice(1) || 0);
  return {
    id: `${letter.toString(16).padStart(2, "0")}${digit}`.padEnd(128, "0"),
    host: `198.${letter}.0.${digit + 1}`,
    port: 5_050,
  };
}

/** A machine with a clock. Peers are dialled in the order of their names unless `random` says otherwise. */
export class PeerScript {
  readonly machine: PeerMachine;
  readonly #names = new Map<string, string>();
  nowMs = 0;

  constructor(config: Partial<PeerConfig> = {}, options: Partial<PeerMachineOptions> = {}) {
    for (const letter of "abcdefghijklmnopqrstuvwxyz") {
      for (const digit of ["", "1", "2", "3"]) {
        const { id, host } = peerNode(letter + digit);
        this.#names.set(id, letter + digit).set(host, letter + digit);
      }
    }
    this.machine = new PeerMachine({ ownId: "ff".repeat(64), random: () => 0, config, ...options });
  }

  /**
   * Runs one command and returns the effects, one a line, `remember` left out. Commands: `at MS` · `tick` · `stop` ·
   * `found NODE…` · `N incoming NODE` · `N in|out NODE` (connected) · `N gone [REASON]` · `NODE failed|healthy` ·
   * `NODE served HEADERS MS` · `NODE scored EVENT` · `N meets NODE` (out, healthy).
   */
  run(command: string): string[] {
    const [first = "", verb = "", ...rest] = command.split(" ");
    if (first === "at") {
      this.nowMs = Number(verb);
      return [];
    }
    if (first === "tick" || first === "stop") return this.#handle({ type: first });
    if (first === "found") {
      return [verb, ...rest].flatMap((name) => this.#handle({ type: "node-found", ...peerNode(name) }));
    }
    return /^\d+$/.test(first)
      ? this.#connection(Number(first), verb, rest[0])
      : this.#peer(peerNode(first).id, verb, rest);
  }

  #connection(connection: number, verb: string, name: string | undefined): string[] {
    if (verb === "gone") {
      return this.#handle({ type: "gone", connection, ...(name === undefined ? {} : { reason: name }) });
    }
    const { id: peer, host, port } = peerNode(name!);
    if (verb === "incoming") return this.#handle({ type: "incoming", connection, host });
    const direction = verb === "in" ? "inbound" : "outbound";
    const lines = this.#handle({ type: "connected", connection, peer, host, port, direction });
    return verb === "meets" ? [...lines, ...this.#handle({ type: "healthy", peer })] : lines;
  }

  #peer(peer: NodeId, verb: string, [value = "", ms = "1"]: readonly string[]): string[] {
    switch (verb) {
      case "failed":
        return this.#handle({ type: "dial-failed", peer });
      case "healthy":
        return this.#handle({ type: "healthy", peer });
      case "served":
        return this.#handle({ type: "served", peer, headers: Number(value), elapsedMs: Number(ms) });
      case "scored":
        return this.#handle({ type: "scored", peer, event: value as ScoreEvent });
      default:
        throw new Error(`Cannot run script: unknown verb '${verb}'`);
    }
  }

  #handle(event: PeerEvent): string[] {
    return this.machine.handle(event, this.nowMs).filter(({ type }) => type !== "remember")
      .map((effect) => this.#text(effect));
  }

  #text(effect: PeerEffect): string {
    const name = (key: string) => this.#names.get(key) ?? key.slice(0, 8);
    switch (effect.type) {
      case "dial":
        return `dial ${name(effect.peer)}`;
      case "disconnect":
        return `close ${effect.connection}${
          effect.peer === undefined ? "" : ` ${name(effect.peer)}`
        }: ${effect.reason}`;
      case "ban":
        return `ban ${effect.ban.kind} ${name(effect.ban.key)} until ${effect.ban.untilMs}`;
      case "ban-ended":
        return `unban ${effect.kind} ${name(effect.key)}`;
      case "forget":
        return `forget ${name(effect.id)}`;
      case "remember":
        return `remember ${name(effect.record.id)}`;
    }
  }
}

/** Plays a script. Each line that starts with `>` is a command, the lines after it are all its effects. */
export function check(
  script: string,
  config: Partial<PeerConfig> = {},
  options: Partial<PeerMachineOptions> = {},
): PeerScript {
  const runner = new PeerScript(config, options);
  checkScript(script, (command) => runner.run(command));
  return runner;
}
