/**
 * Runs the discovery machine on a socket: packets and time in, packets out, found nodes to whoever wants them.
 *
 * Layer: services/rootstock.
 *
 * @module
 */

import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/log.ts";
import type {
  DiscoveryEvent,
  DiscoverySnapshot,
  Endpoint,
} from "../../protocols/rootstock/discovery_events.ts";
import {
  DiscoveryMachine,
  type DiscoveryMachineOptions,
} from "../../protocols/rootstock/discovery_machine.ts";
import type { KademliaNode } from "../../protocols/rootstock/kademlia.ts";
import type { NodeId } from "../../protocols/rootstock/node_id.ts";
import { followBootHosts } from "./boot_hosts.ts";
import { DiscoverySocket, type DiscoverySocketCounts, type DiscoverySocketDeps } from "./discovery_socket.ts";

const TICK_MS = 1_000;

/** Options of {@link Discovery.open}. */
export interface DiscoveryOptions
  extends Omit<DiscoveryMachineOptions, "random" | "randomBytes" | "self" | "signatures"> {
  /** Address to bind; see {@link DiscoverySocket.open}. */
  readonly host: string;
  readonly port: number;
  /** `host:port` of the boot nodes; names or addresses. */
  readonly bootHosts: readonly Endpoint[];
  /** Nodes known from before. */
  readonly known?: readonly KademliaNode[];
}

/** What a {@link Discovery} needs. */
export interface DiscoveryDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly onFound: (node: KademliaNode) => void;
}

/** Discovery at work. */
export class Discovery implements AsyncDisposable {
  readonly #machine: DiscoveryMachine;
  readonly #deps: DiscoveryDeps;
  readonly #stop = new AbortController();
  readonly #socket: DiscoverySocket;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(machine: DiscoveryMachine, socket: DiscoverySocket, deps: DiscoveryDeps) {
    this.#machine = machine;
    this.#socket = socket;
    this.#deps = deps;
  }

  /**
   * Binds the socket and begins.
   *
   * @throws {CairnError} As {@link DiscoverySocket.open}.
   */
  static async open(options: DiscoveryOptions, deps: DiscoveryDeps): Promise<Discovery> {
    const { host, port, bootHosts, known = [], ...machineOptions } = options;
    const handle: { packet?: DiscoverySocketDeps["onPacket"] } = {};
    const socket = await DiscoverySocket.open({ host, port }, {
      log: deps.log,
      onPacket: (from, bytes) => handle.packet?.(from, bytes),
    });
    const machine = new DiscoveryMachine({
      ...machineOptions,
      // rskj does not rely on it: it answers where a packet came from.
      self: { host, port: socket.endpoint.port },
      random: Math.random,
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    });
    const discovery = new Discovery(machine, socket, deps);
    handle.packet = (from, bytes) => discovery.#handle({ type: "packet", from, bytes });
    discovery.#begin(known, bootHosts);
    return discovery;
  }

  #begin(known: readonly KademliaNode[], bootHosts: readonly Endpoint[]): void {
    const { clock, log } = this.#deps;
    const { signal } = this.#stop;
    const onEndpoints = (endpoints: readonly Endpoint[]) => this.#handle({ type: "boot", endpoints });
    if (known.length > 0) this.#handle({ type: "restore", nodes: known });
    this.#work = Promise.all([
      this.#tick(signal),
      followBootHosts(bootHosts, { clock, log, random: Math.random, onEndpoints }, signal),
    ]);
  }

  /** Id of this node. */
  get id(): NodeId {
    return this.#machine.id;
  }

  /** Where the socket is bound. */
  get endpoint(): Endpoint {
    return this.#socket.endpoint;
  }

  /** Established nodes. */
  nodes(): KademliaNode[] {
    return this.#machine.nodes();
  }

  /** Lets go of whoever is banned. */
  banned(ban: { readonly id?: NodeId; readonly host?: string }): void {
    this.#handle({ type: "banned", ...ban });
  }

  snapshot(): DiscoverySnapshot & DiscoverySocketCounts {
    return { ...this.#machine.snapshot(), ...this.#socket.counts };
  }

  /** Stops and closes the socket; idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
    await this.#socket[Symbol.asyncDispose]();
  }

  async #tick(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#handle({ type: "tick" });
      await this.#deps.clock.sleep(TICK_MS, signal);
    }
  }

  #handle(event: DiscoveryEvent): void {
    if (this.#stop.signal.aborted) return;
    for (const effect of this.#machine.handle(event, this.#deps.clock.nowMs())) {
      if (effect.type === "send") this.#socket.send(effect.to, effect.bytes);
      else if (effect.type === "node-found") {
        const { id, host, port } = effect;
        this.#deps.onFound({ id, host, port });
      }
      // A node that is lost here may still be dialled: whether it is there, the dial shows.
    }
  }
}
