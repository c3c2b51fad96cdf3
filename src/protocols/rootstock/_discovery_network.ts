/**
 * A network of discovery machines that loses packets, for tests: one clock, one order of events, one source of chance.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import type { DiscoveryConfig, DiscoveryEffect, Endpoint } from "./discovery_events.ts";
import { keccak256 } from "../../hot/keccak256.ts";
import { DiscoveryMachine } from "./discovery_machine.ts";
import type { PacketSignatures } from "./discovery_packet.ts";
import type { NodeId } from "./node_id.ts";
import { Prng } from "./prng.ts";
import { NodeKey } from "./secp256k1.ts";

/**
 * Signatures of this process alone: what nobody has signed has no signer. A hundred times cheaper than the curve, which
 * other tests cover; here a few hundred thousand packets fly.
 */
function registeredSignatures(): PacketSignatures {
  const signers = new Map<string, NodeId>();
  return {
    sign(hash, key) {
      const id = key.id.toHex();
      const signature = new Uint8Array(65);
      signature.set(hash);
      signature.set(keccak256(Uint8Array.fromHex(id + hash.toHex())), 32);
      signers.set(signature.toHex(), id);
      return signature;
    },
    recover: (_hash, signature) => signers.get(signature.toHex()),
  };
}

/** One machine, where it lives, and whom it has found. */
export interface NetworkNode {
  readonly endpoint: Endpoint;
  readonly machine: DiscoveryMachine;
  readonly found: Set<NodeId>;
}

interface Flight {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

/** Machines and the packets between them. */
export class DiscoveryNetwork {
  readonly nodes = new Map<string, NetworkNode>();
  readonly #prng: Prng;
  readonly #lossRate: number;
  /** Packets by the millisecond they arrive in. */
  readonly #flights = new Map<number, Flight[]>();
  readonly #signatures = registeredSignatures();
  nowMs = 0;
  /** Packets delivered. */
  delivered = 0;

  constructor(options: { readonly seed: number; readonly lossRate: number }) {
    this.#prng = new Prng(options.seed);
    this.#lossRate = options.lossRate;
  }

  /** Adds the `n`th node, 1 to 254, in a range of its own; in place of the one that was there. */
  add(n: number, config: Partial<DiscoveryConfig> = {}): NetworkNode {
    const endpoint = { host: `203.0.${n}.1`, port: 5_050 };
    const machine = new DiscoveryMachine({
      key: new NodeKey(new Uint8Array(32).fill(n)),
      networkId: 7_771,
      self: endpoint,
      randomBytes: (count) => this.#prng.bytes(count),
      random: () => this.#prng.fraction(),
      signatures: this.#signatures,
      config,
    });
    const node = { endpoint, machine, found: new Set<NodeId>() };
    this.nodes.set(endpoint.host, node);
    return node;
  }

  /** Carries out what a machine wants. */
  act(node: NetworkNode, effects: readonly DiscoveryEffect[]): void {
    for (const effect of effects) {
      if (effect.type === "node-found") node.found.add(effect.id);
      if (effect.type !== "send" || this.#prng.fraction() < this.#lossRate) continue;
      const atMs = this.nowMs + 10 + Math.floor(this.#prng.fraction() * 190);
      const flight = { from: node.endpoint, to: effect.to, bytes: effect.bytes };
      const others = this.#flights.get(atMs);
      if (others === undefined) this.#flights.set(atMs, [flight]);
      else others.push(flight);
    }
  }

  /** Lets time go by: packets arrive in order, every machine ticks once a second. */
  run(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.nowMs < untilMs) {
      this.nowMs++;
      for (const { from, to, bytes } of this.#flights.get(this.nowMs) ?? []) {
        const node = this.nodes.get(to.host);
        if (node === undefined) continue;
        this.delivered++;
        this.act(node, node.machine.handle({ type: "packet", from, bytes }, this.nowMs));
      }
      this.#flights.delete(this.nowMs);
      if (this.nowMs % 1_000 !== 0) continue;
      for (const node of this.nodes.values()) {
        this.act(node, node.machine.handle({ type: "tick" }, this.nowMs));
      }
    }
  }
}
