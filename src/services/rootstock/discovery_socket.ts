/**
 * The UDP socket of the discovery.
 *
 * Layer: services/rootstock. node:dgram, because Deno's own datagrams (`Deno.listenDatagram`) need `--unstable-net`,
 * which neither the launcher nor an executable should; measured under Deno 2.9.3: datagrams of 8,192 bytes and more,
 * IPv4, IPv6 and both on one socket work, each arrives in a buffer of its own.
 *
 * @module
 */

import dgram from "node:dgram";
import { CairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Endpoint } from "../../protocols/rootstock/discovery_events.ts";
import { addressKind, endpointKey, parseIpAddress } from "../../protocols/rootstock/ip_address.ts";

/** Datagrams handed to the system and not yet taken by it; more are dropped, as a network would. */
const MAX_SENDS = 256;

/** Options of {@link DiscoverySocket.open}. */
export interface DiscoverySocketOptions {
  /** Address to bind: IPv4, IPv6, or `::` for both. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** What a {@link DiscoverySocket} needs. */
export interface DiscoverySocketDeps {
  readonly log: Logger;
  /** Borrows the bytes until it returns. The sender's address is canonical. */
  readonly onPacket: (from: Endpoint, bytes: Uint8Array) => void;
}

/** What went wrong on a socket so far. */
export interface DiscoverySocketCounts {
  /** Datagrams that could not be sent: no route, no permission, the other address family. */
  readonly sendFailures: number;
  /** Datagrams dropped because too many were waiting. */
  readonly sendOverflows: number;
}

/** A bound UDP socket. */
export class DiscoverySocket implements AsyncDisposable {
  readonly #socket: dgram.Socket;
  readonly #isV6: boolean;
  readonly #log: Logger;
  #sends = 0;
  #sendFailures = 0;
  #sendOverflows = 0;
  #closed: Promise<void> | undefined;

  private constructor(socket: dgram.Socket, isV6: boolean, { log, onPacket }: DiscoverySocketDeps) {
    this.#socket = socket;
    this.#isV6 = isV6;
    this.#log = log;
    socket.on("message", (bytes, { address, port }) => {
      const host = parseIpAddress(address.replace(/%.*$/, ""))?.text;
      // As what it is: a Buffer's slice() would not copy.
      const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      if (host !== undefined) onPacket({ host, port }, plain);
    });
    socket.on("error", (error) => log.warn("Discovery socket failed", { error: error.message }));
  }

  /**
   * Binds.
   *
   * @throws {CairnError} `ADDRESS_IN_USE`; `SERVICE_START_FAILED` if the address cannot be bound or is not permitted.
   */
  static async open(
    { host, port }: DiscoverySocketOptions,
    deps: DiscoverySocketDeps,
  ): Promise<DiscoverySocket> {
    const address = parseIpAddress(host);
    if (address === undefined) {
      throw new CairnError(
        "SERVICE_START_FAILED",
        `Cannot listen for discovery on '${host}': it is no IP address`,
      );
    }
    const isV6 = host.includes(":");
    await checkPermissions(host, port, addressKind(address) === "loopback", deps.log);
    const socket = dgram.createSocket({ type: isV6 ? "udp6" : "udp4" });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("error", reject);
        socket.bind(port, host, () => {
          socket.off("error", reject);
          resolve();
        });
      });
    } catch (thrown) {
      socket.close();
      const { code, message } = thrown as Error & { readonly code?: string };
      throw new CairnError(
        code === "EADDRINUSE" ? "ADDRESS_IN_USE" : "SERVICE_START_FAILED",
        `Cannot listen for discovery on UDP ${endpointKey(host, port)}: ${message}`,
        { cause: thrown, hint: "another node may be running: choose another port" },
      );
    }
    return new DiscoverySocket(socket, isV6, deps);
  }

  /** Where it is bound. */
  get endpoint(): Endpoint {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  get counts(): DiscoverySocketCounts {
    return { sendFailures: this.#sendFailures, sendOverflows: this.#sendOverflows };
  }

  /** Sends a datagram, or drops it; who waits for an answer asks again. Borrows the bytes until they are sent. */
  send({ host, port }: Endpoint, bytes: Uint8Array): void {
    if (this.#closed !== undefined) return;
    if (this.#sends >= MAX_SENDS) {
      this.#sendOverflows++;
      return;
    }
    if (host.includes(":") && !this.#isV6) {
      this.#sendFailures++;
      return;
    }
    this.#sends++;
    this.#socket.send(bytes, port, host, (error) => {
      this.#sends--;
      if (error === null || error === undefined) return;
      this.#sendFailures++;
      this.#log.debug("Discovery packet not sent", { to: endpointKey(host, port), error: error.message });
    });
  }

  /** Closes; idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#socket.close(() => resolve()));
    return this.#closed;
  }
}

/** node:dgram throws past its caller when an address is not permitted, and sends to others fail without a reason. */
async function checkPermissions(host: string, port: number, isLoopback: boolean, log: Logger): Promise<void> {
  const own = await Deno.permissions.query({ name: "net", host: endpointKey(host, port) });
  if (own.state !== "granted") {
    throw new CairnError(
      "SERVICE_START_FAILED",
      `Cannot listen for discovery on UDP ${endpointKey(host, port)}: not permitted`,
      { hint: "start with --allow-net" },
    );
  }
  if (isLoopback) return;
  const all = await Deno.permissions.query({ name: "net" });
  if (all.state === "granted") return;
  log.warn("Discovery may send to permitted addresses only", {
    hint: "start with --allow-net to reach all nodes",
  });
}
