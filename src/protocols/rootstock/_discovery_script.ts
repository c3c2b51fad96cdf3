/**
 * Runs the discovery machine from a text script, for tests: commands in, effects out, both readable.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { checkScript } from "./_script.ts";
import type { DiscoveryConfig, DiscoveryEffect, DiscoveryEvent } from "./discovery_events.ts";
import { DiscoveryMachine, type DiscoveryMachineOptions } from "./discovery_machine.ts";
import {
  checkFrom,
  type DiscoveryMessage,
  encodePacket,
  inspectPacket,
  signerOf,
} from "./discovery_packet.ts";
import type { NodeId } from "./node_id.ts";
import { NodeKey } from "./secp256k1.ts";

/** Network of every script. */
export const NETWORK_ID = 7_771;

/** A node that takes part in a script. */
export interface ScriptPeer {
  readonly name: string;
  readonly key: NodeKey;
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
}

/** The peer of a name: `a` to `z`, each with a key and a range of its own; a digit behind it changes the key alone. */
export function scriptPeer(name: string): ScriptPeer {
  const letter = name.charCodeAt(0) - 96;
  const key = new NodeKey(new Uint8Array(32).fill(letter).with(31, Number(name.slice(1) || 0)));
  return { name, key, id: key.id.toHex(), host: `198.51.${letter}.1`, port: 5_000 + letter };
}

/** Random bytes that count: the machine's first check is `#1`. */
export function countingBytes(): (count: number) => Uint8Array {
  let counter = 0;
  return (count) => {
    const bytes = new Uint8Array(count);
    new DataView(bytes.buffer).setUint32(count - 4, ++counter);
    return bytes;
  };
}

/** Check of a label: `#N` is the machine's, `@N` a peer's. */
function checkOf(label: string): string {
  const bytes = new Uint8Array(16);
  bytes[0] = label.startsWith("@") ? 0xaa : 0;
  new DataView(bytes.buffer).setUint32(12, Number(label.slice(1)));
  return checkFrom(bytes);
}

function labelOf(check: string): string {
  return `${check.startsWith("aa") ? "@" : "#"}${parseInt(check.slice(-8), 16)}`;
}

/** A machine with a clock and the peers it has met. */
export class DiscoveryScript {
  readonly machine: DiscoveryMachine;
  readonly #peers = new Map<string, ScriptPeer>();
  #nowMs = 0;

  constructor(config: Partial<DiscoveryConfig> = {}, options: Partial<DiscoveryMachineOptions> = {}) {
    this.machine = new DiscoveryMachine({
      key: new NodeKey(new Uint8Array(32).fill(0xee)),
      networkId: NETWORK_ID,
      self: { host: "203.0.113.1", port: 30_303 },
      randomBytes: countingBytes(),
      random: () => 0,
      config,
      ...options,
    });
  }

  peer(name: string): ScriptPeer {
    const peer = this.#peers.get(name) ?? scriptPeer(name);
    this.#peers.set(name, peer);
    return peer;
  }

  /**
   * Runs one command and returns the effects, one a line. Commands: `at MS` · `tick` · `boot PEER…` · `restore PEER…` ·
   * `ban PEER` · `PEER ping|pong|find CHECK [from PEER] [net N]` · `PEER neighbors CHECK [PEER…] [from PEER]` ·
   * `PEER meets` (pings, and answers the Ping that it gets).
   */
  run(command: string): string[] {
    const words = command.split(" ");
    const [first = "", second = ""] = words;
    const peers = (from: number) => words.slice(from).map((name) => this.peer(name));
    switch (first) {
      case "at":
        this.#nowMs = Number(second);
        return [];
      case "tick":
        return this.#handle({ type: "tick" });
      case "boot":
        return this.#handle({ type: "boot", endpoints: peers(1) });
      case "restore":
        return this.#handle({ type: "restore", nodes: peers(1) });
      case "ban":
        return this.#handle({ type: "banned", id: this.peer(second).id });
      default:
        return this.#packet(this.peer(first), words.slice(1));
    }
  }

  #packet(peer: ScriptPeer, words: readonly string[]): string[] {
    const option = (name: string) => {
      const at = words.indexOf(name);
      return at < 0 ? undefined : words[at + 1];
    };
    const [verb = "", label = ""] = words;
    if (verb === "meets") {
      const lines = this.#packet(peer, ["ping", "@1"]);
      const asked = lines.find((line) => line.startsWith(`to ${peer.name}: ping `));
      return asked === undefined ? lines : this.#packet(peer, ["pong", asked.split(" ").at(-1)!]);
    }
    const from = this.peer(option("from") ?? peer.name);
    const networkId = Number(option("net") ?? NETWORK_ID);
    const message = this.#message(verb, checkOf(label), peer, words.slice(2));
    const bytes = encodePacket({ ...message, networkId }, peer.key);
    return this.#handle({ type: "packet", from, bytes });
  }

  #message(
    verb: string,
    check: string,
    { host, port }: ScriptPeer,
    rest: readonly string[],
  ): DiscoveryMessage {
    switch (verb) {
      case "ping":
      case "pong":
        return { type: verb, check, host, port };
      case "find":
        return { type: "find-node", check, target: new Uint8Array(64) };
      case "neighbors": {
        const end = rest.findIndex((word) => word === "from" || word === "net");
        const names = rest.slice(0, end < 0 ? undefined : end);
        return { type: "neighbors", check, nodes: names.map((name) => this.peer(name)) };
      }
      default:
        throw new Error(`Cannot run script: unknown verb '${verb}'`);
    }
  }

  #handle(event: DiscoveryEvent): string[] {
    const before = this.machine.snapshot().packetsDropped;
    const lines = this.machine.handle(event, this.#nowMs).map((effect) => this.#text(effect));
    for (const [reason, count] of Object.entries(this.machine.snapshot().packetsDropped)) {
      if (count !== before[reason as keyof typeof before]) lines.push(`dropped: ${reason}`);
    }
    return lines;
  }

  #text(effect: DiscoveryEffect): string {
    if (effect.type === "node-found") return `found ${this.#nameOf(effect.id)}`;
    if (effect.type === "node-lost") return `lost ${this.#nameOf(effect.id)}`;
    const { to, bytes } = effect;
    const seen = inspectPacket(bytes);
    assert(seen.ok && signerOf(seen.packet) === this.machine.id);
    const { message } = seen.packet;
    assert.equal(message.networkId, NETWORK_ID);
    const at = [...this.#peers.values()].find(({ host, port }) => host === to.host && port === to.port);
    const told = message.type === "neighbors"
      ? message.nodes.map(({ id }) => ` ${this.#nameOf(id)}`).sort()
      : [];
    return `to ${at?.name ?? `${to.host}:${to.port}`}: ${message.type} ${labelOf(message.check)}${
      told.join("")
    }`;
  }

  #nameOf(id: NodeId): string {
    return [...this.#peers.values()].find((peer) => peer.id === id)?.name ?? id.slice(0, 8);
  }
}

/** Plays a script. Each line that starts with `>` is a command, the lines after it are all its effects. */
export function check(
  script: string,
  config: Partial<DiscoveryConfig> = {},
  options: Partial<DiscoveryMachineOptions> = {},
): DiscoveryScript {
  const runner = new DiscoveryScript(config, options);
  checkScript(script, (command) => runner.run(command));
  return runner;
}
