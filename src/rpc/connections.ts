/**
 * Accepts connections, bounds them, and hands those that speak HTTP/2 to the gRPC library.
 *
 * Layer: rpc. The library has no cap on connections and no time-out before the first frame, so the sockets are
 * accepted here and injected. A connection costs the node nothing but a socket until its preface is complete.
 *
 * @module
 */

import type { Http2Server, ServerHttp2Session } from "node:http2";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { setImmediate } from "node:timers";
import { createServer as createTlsServer } from "node:tls";
import type { TlsOptions, TLSSocket } from "node:tls";
import { CairnError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { RefusalReason, RpcMetrics } from "./metrics.ts";
import { WriteGauge } from "./write_gauge.ts";

/** What every HTTP/2 connection starts with (RFC 9113 section 3.4). */
const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Empty SETTINGS, then GOAWAY with ENHANCE_YOUR_CALM: how a full server says no before it has a session. */
const GOAWAY_CALM = Uint8Array.of(
  ...[0, 0, 0, 4, 0, 0, 0, 0, 0],
  ...[0, 0, 8, 7, 0, 0, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 11],
);

/** A person with a browser or curl gets a sentence instead of a dead connection. */
const HTTP1_ANSWER = "HTTP/1.1 505 HTTP Version Not Supported\r\ncontent-type: text/plain\r\n" +
  "connection: close\r\n\r\nThis port speaks gRPC over HTTP/2\n";

/**
 * Receive window of a whole connection. 8 MiB carries 80 MB/s over a round trip of 100 ms, and bounds what a
 * paused connection can make the node hold.
 */
const CONNECTION_WINDOW_BYTES = 8 * 1_048_576;

/** Options of {@link ConnectionGate}. */
export interface ConnectionGateOptions {
  readonly maxConnections: number;
  readonly handshakeTimeoutMs: number;
  /** TLS material and policy; cleartext when absent. */
  readonly tls?: Pick<TlsOptions, "cert" | "key" | "ca" | "requestCert" | "rejectUnauthorized">;
}

/** What {@link ConnectionGate} works with. */
export interface ConnectionGateDeps {
  /** HTTP/2 server of the gRPC library; never listens itself. */
  readonly http2: Http2Server;
  readonly log: Logger;
  readonly metrics: RpcMetrics;
}

/** Owner of the listening socket and of every connection behind it. */
export class ConnectionGate {
  readonly #options: ConnectionGateOptions;
  readonly #http2: Http2Server;
  readonly #log: Logger;
  readonly #metrics: RpcMetrics;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #gauges = new Map<string, WriteGauge>();
  readonly #timers = new WeakMap<object, ReturnType<typeof setTimeout>>();
  #stopping = false;
  #emptied = Promise.withResolvers<void>();

  constructor(options: ConnectionGateOptions, { http2, log, metrics }: ConnectionGateDeps) {
    this.#options = options;
    this.#http2 = http2;
    this.#log = log;
    this.#metrics = metrics;
    if (options.tls === undefined) {
      this.#server = createServer((socket) => this.#accept(socket) && this.#awaitPreface(socket));
    } else {
      const server = createTlsServer({
        ...options.tls,
        ALPNProtocols: ["h2"],
        minVersion: "TLSv1.2",
        handshakeTimeout: options.handshakeTimeoutMs,
      });
      server.on("connection", (socket: Socket) => this.#accept(socket));
      server.on("secureConnection", (socket) => this.#awaitPreface(socket));
      server.on("tlsClientError", (error, socket) => this.#handshakeFailed(error, socket));
      this.#server = server;
    }
    http2.on("session", (session) => this.#trackSession(session));
    http2.on("sessionError", (error) => this.#log.debug("Connection failed", { reason: error.message }));
  }

  /** Number of open connections. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Back-pressure of the connection with `peer`, an address as the gRPC library names it (`IP:PORT`). */
  gaugeOf(peer: string): WriteGauge | undefined {
    return this.#gauges.get(peer);
  }

  /**
   * Binds and starts to accept.
   *
   * @throws {CairnError} `ADDRESS_IN_USE`, or `CONFIG_INVALID` if the address cannot be bound for another reason.
   */
  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: Error & { code?: string }) => reject(bindError(error, host, port)));
      this.#server.listen({ host, port, backlog: this.#options.maxConnections }, resolve);
    });
    this.#server.on("error", (error) => this.#log.error("Listener failed", { reason: error.message }));
    const address = this.#server.address();
    if (address === null || typeof address === "string") {
      throw new CairnError("INTERNAL", `Cannot listen on ${host}:${port}: no TCP address`);
    }
    return { host: address.address, port: address.port };
  }

  /** Stops accepting; open connections stay. Idempotent. */
  stopAccepting(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#server.close();
    // Whoever has not started a session has nothing in flight.
    for (const socket of this.#sockets) if (this.#timers.has(socket)) socket.destroy();
    this.#checkEmptied();
  }

  /** Says GOAWAY on every connection: each closes when its last call has ended. */
  sayGoaway(): void {
    for (const session of this.#sessions) if (!session.closed) session.close();
  }

  /**
   * Resolves when, after {@link stopAccepting}, no connection is open, nor a session: sessions hold timers for a moment
   * longer.
   */
  emptied(): Promise<void> {
    return this.#emptied.promise;
  }

  /** Cuts every connection. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): boolean {
    this.#metrics.connectionOpened();
    this.#sockets.add(socket);
    socket.on("error", (error) => this.#log.debug("Socket failed", { reason: error.message }));
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#disarm(socket);
      this.#metrics.connectionClosed();
      this.#checkEmptied();
    });
    if (this.#stopping) return this.#refuse(socket, "stopping");
    if (this.#sockets.size > this.#options.maxConnections) {
      // Inside TLS nobody could read the frame.
      return this.#refuse(socket, "limit", this.#options.tls === undefined ? GOAWAY_CALM : undefined);
    }
    socket.setNoDelay(true);
    return true;
  }

  #refuse(socket: Socket, reason: RefusalReason, farewell?: Uint8Array | string): false {
    this.#metrics.connectionRefused(reason);
    this.#log.debug("Connection refused", { reason, peer: socket.remoteAddress });
    if (farewell === undefined) socket.destroy();
    else {
      socket.write(farewell);
      socket.destroySoon();
    }
    return false;
  }

  #handshakeFailed(error: Error, socket: TLSSocket): void {
    if (!this.#stopping) {
      this.#metrics.connectionRefused(error.message.includes("timeout") ? "timeout" : "tls");
    }
    this.#log.debug("TLS handshake failed", { reason: error.message });
    socket.destroy();
  }

  /** Reads until the preface is complete or wrong, then gives the bytes back and injects the connection. */
  #awaitPreface(socket: Socket): void {
    if (this.#options.tls !== undefined) socket.on("error", () => {});
    this.#arm(socket, () => this.#refuse(socket, "timeout"));
    let seen: Uint8Array = new Uint8Array(0);
    const onData = (chunk: Uint8Array) => {
      seen = seen.length === 0 ? chunk : concat(seen, chunk);
      const compared = Math.min(seen.length, PREFACE.length);
      const matches = seen.subarray(0, compared).every((byte, index) => byte === PREFACE[index]);
      if (matches && compared < PREFACE.length) return;
      socket.off("data", onData);
      socket.pause();
      this.#disarm(socket);
      if (matches) {
        socket.unshift(seen);
        this.#gaugeFor(socket);
        this.#http2.emit("connection", socket);
      } else this.#refuse(socket, "not_http2", looksLikeHttp1(seen) ? HTTP1_ANSWER : undefined);
    };
    socket.on("data", onData);
  }

  #gaugeFor(socket: Socket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#gauges.set(peer, new WriteGauge(socket));
    socket.once("close", () => this.#gauges.delete(peer));
  }

  #trackSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    // A preface without SETTINGS would otherwise hold its connection until the idle time-out.
    this.#arm(session, () => {
      this.#metrics.connectionRefused("timeout");
      session.destroy();
    });
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.once("remoteSettings", () => this.#disarm(session));
    session.on("error", () => {}); // Reported by sessionError; without a listener it would be uncaught.
    const handle = nativeHandle(session);
    session.once("close", () => {
      this.#disarm(session);
      this.#sessions.delete(session);
      this.#checkEmptied();
      setImmediate(() => unlink(handle));
    });
    if (this.#stopping) session.close();
  }

  #checkEmptied(): void {
    if (this.#stopping && this.#sockets.size === 0 && this.#sessions.size === 0) this.#emptied.resolve();
  }

  #arm(key: object, onTimeout: () => void): void {
    this.#timers.set(key, setTimeout(onTimeout, this.#options.handshakeTimeoutMs));
  }

  #disarm(key: object): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }
}

/**
 * The native half of a session. Deno 2.9.3 never frees it, and it holds on to the session, the socket and all they
 * refer to (4 kB of heap a connection), unless its links are cut by {@link unlink}.
 */
function nativeHandle(session: object): Record<PropertyKey, unknown> | undefined {
  const key = Object.getOwnPropertySymbols(session).find(({ description }) => description === "kHandle");
  return key === undefined ? undefined : (session as Record<symbol, Record<PropertyKey, unknown>>)[key];
}

function unlink(handle: Record<PropertyKey, unknown> | undefined): void {
  if (handle === undefined) return;
  for (const key of Reflect.ownKeys(handle)) delete handle[key];
}

function bindError(error: Error & { code?: string }, host: string, port: number): CairnError {
  const inUse = error.code === "EADDRINUSE";
  return new CairnError(
    inUse ? "ADDRESS_IN_USE" : "CONFIG_INVALID",
    `Cannot listen on ${host}:${port}: ${inUse ? "the address is in use" : error.message}`,
    { hint: "stop the other process, or set another address", cause: error },
  );
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** An upper-case method followed by a space. */
function looksLikeHttp1(bytes: Uint8Array): boolean {
  return /^[A-Z]{3,7} /.test(new TextDecoder("latin1").decode(bytes.subarray(0, 8)));
}
