/**
 * Accepts peers, as many as it may.
 *
 * Layer: services. Source: spec/rootstock-network.md section 6. What is too much is closed before a byte is read: an auth
 * costs a multiplication on the curve, and a stranger may send it from as many sockets as it likes.
 *
 * @module
 */

import { createServer, type Server, type Socket } from "node:net";
import { listenError } from "../../http/listen.ts";
import type { Logger } from "../../kernel/log.ts";
import { type PeerAddress, type PeerConnection, remoteOf } from "./peer_connection.ts";

/** Bounds of a {@link PeerListener}. */
export interface PeerListenerConfig {
  /** Connections, those in the handshake included. @default {32} */
  readonly maxConnections: number;
  /** Connections in the handshake. @default {16} */
  readonly maxHandshakes: number;
  /** Connections of one address in the handshake. @default {4} */
  readonly maxHandshakesPerAddress: number;
}

/** Defaults of {@link PeerListenerConfig}. */
export const DEFAULT_PEER_LISTENER_CONFIG: PeerListenerConfig = {
  maxConnections: 32,
  maxHandshakes: 16,
  maxHandshakesPerAddress: 4,
};

/** Why a connection was closed unread. */
export type RefusalReason = "filter" | "connections" | "handshakes" | "handshakes-of-address";

/** Options of a {@link PeerListener}. */
export interface PeerListenerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Section of the configuration that holds `host` and `port`, for hints. */
  readonly section: string;
  /** Whether an address may connect: bans, ranges. */
  readonly admit: (address: PeerAddress) => boolean;
  /** Makes a connection of an accepted socket, as responder. */
  readonly connect: (socket: Socket) => PeerConnection;
  /** Told of what is closed unread. */
  readonly onRefused?: (reason: RefusalReason, address: PeerAddress) => void;
  readonly log: Logger;
  readonly config?: Partial<PeerListenerConfig>;
}

/** A listener. Disposing stops it; connections that were accepted go on. */
export class PeerListener implements AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  readonly #options: PeerListenerOptions;
  readonly #config: PeerListenerConfig;
  readonly #connections = new Set<PeerConnection>();
  /** Connections in the handshake, by address. */
  readonly #handshakes = new Map<string, number>();
  #handshakeCount = 0;

  private constructor(server: Server, options: PeerListenerOptions) {
    this.#server = server;
    this.#options = options;
    this.#config = { ...DEFAULT_PEER_LISTENER_CONFIG, ...options.config };
    const address = server.address();
    this.host = options.host;
    this.port = typeof address === "object" && address !== null ? address.port : options.port;
    server.on("connection", (socket) => this.#take(socket));
    server.on("error", (error) => options.log.warn("Cannot accept a peer", { error }));
  }

  /**
   * Listens.
   *
   * @throws {CairnError} `ADDRESS_IN_USE`, or `SERVICE_START_FAILED`.
   */
  static async open(options: PeerListenerOptions): Promise<PeerListener> {
    const server = createServer({ pauseOnConnect: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port, options.host, resolve);
      });
    } catch (error) {
      throw listenError(error, options);
    }
    server.removeAllListeners("error");
    return new PeerListener(server, options);
  }

  /** Accepted connections that are not over. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    // What close() would wait for are the connections.
    this.#server.close();
    return Promise.resolve();
  }

  #take(socket: Socket): void {
    const address = remoteOf(socket);
    const refusal = this.#refusal(address);
    if (refusal !== undefined) {
      socket.destroy();
      this.#options.onRefused?.(refusal, address);
      return;
    }
    const connection = this.#options.connect(socket);
    const { host } = address;
    this.#connections.add(connection);
    this.#handshakeCount++;
    this.#handshakes.set(host, this.#handshakesOf(host) + 1);
    void connection.opened.then(() => this.#forgetHandshake(host));
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  #refusal(address: PeerAddress): RefusalReason | undefined {
    const { maxConnections, maxHandshakes, maxHandshakesPerAddress } = this.#config;
    if (!this.#options.admit(address)) return "filter";
    if (this.#connections.size >= maxConnections) return "connections";
    if (this.#handshakeCount >= maxHandshakes) return "handshakes";
    if (this.#handshakesOf(address.host) >= maxHandshakesPerAddress) return "handshakes-of-address";
    return undefined;
  }

  #handshakesOf(host: string): number {
    return this.#handshakes.get(host) ?? 0;
  }

  #forgetHandshake(host: string): void {
    this.#handshakeCount--;
    const left = this.#handshakesOf(host) - 1;
    if (left === 0) this.#handshakes.delete(host);
    else this.#handshakes.set(host, left);
  }
}
