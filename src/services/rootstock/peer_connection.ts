/**
 * A TCP connection to one peer: moves the bytes of a session, keeps its time and the pace of what is sent.
 *
 * Layer: services. Source: spec/rootstock-network.md sections 3.1, 3.6, 4.4, 6. Bounds: the queue of messages, in number
 * and bytes; output that the socket has not taken (while there is much of it, nothing is read either); the pace that
 * rskj allows; the deadlines of the session. Sockets are node:net's: a write to a Deno.Conn that waits for the peer goes
 * on when the connection is closed, so that a peer that never reads would keep socket and bytes for as long as it likes.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { CairnError, toCairnError } from "../../kernel/errors.ts";
import { MessagePace, MESSAGES_PER_MINUTE, PACE_WINDOW_MS } from "../../protocols/rootstock/message_rate.ts";
import type { DisconnectReason } from "../../protocols/rootstock/p2p_messages.ts";
import { encodeRskMessage } from "../../protocols/rootstock/rsk_encode.ts";
import type { RskMessage } from "../../protocols/rootstock/rsk_message.ts";
import { RskSession } from "../../protocols/rootstock/rsk_session.ts";
import type { RskSessionOptions, SessionEvent } from "../../protocols/rootstock/session_events.ts";

/** Sealed bytes on their way to the socket beyond which no message follows and nothing is read. */
const OUTPUT_BYTES_HIGH = 262_144;

/** Bounds of a connection. */
export interface PeerConnectionConfig {
  /** Messages that wait. @default {1,024} */
  readonly maxQueuedMessages: number;
  /** Bytes of messages that wait. @default {4,194,304} */
  readonly maxQueuedBytes: number;
  /** Messages in any {@link paceWindowMs}. @default {1,000} */
  readonly messagesPerWindow: number;
  /** @default {61,000} */
  readonly paceWindowMs: number;
  /** Time for the TCP connection. @default {5,000} */
  readonly dialTimeoutMs: number;
  /** Time for the last bytes at the end. @default {1,000} */
  readonly goodbyeTimeoutMs: number;
  /** How often the session is told the time. @default {1,000} */
  readonly tickIntervalMs: number;
}

/** Defaults of {@link PeerConnectionConfig}. */
export const DEFAULT_PEER_CONNECTION_CONFIG: PeerConnectionConfig = {
  maxQueuedMessages: 1_024,
  maxQueuedBytes: 4_194_304,
  messagesPerWindow: MESSAGES_PER_MINUTE,
  paceWindowMs: PACE_WINDOW_MS,
  dialTimeoutMs: 5_000,
  goodbyeTimeoutMs: 1_000,
  tickIntervalMs: 1_000,
};

/** Options of a {@link PeerConnection}. */
export interface PeerConnectionOptions {
  /** Told in order; nothing more is read before what it returns resolves. Must not throw. */
  readonly onEvent: (event: SessionEvent, connection: PeerConnection) => void | Promise<void>;
  /** Milliseconds on a clock that does not go back. @default {performance.now} */
  readonly nowMs?: () => number;
  readonly config?: Partial<PeerConnectionConfig>;
}

/** How a connection ended. */
export type ConnectionEnd =
  /** The session had a fault, or either side said goodbye: the last event says which. */
  | { readonly kind: "session" }
  /** {@link PeerConnection.disconnect}. */
  | { readonly kind: "local"; readonly reason: DisconnectReason }
  /** The peer closed without a word. */
  | { readonly kind: "eof" }
  /** The socket failed. */
  | { readonly kind: "socket"; readonly message: string };

/** An address of a peer. */
export interface PeerAddress {
  /** IP address, or when dialled a name. */
  readonly host: string;
  readonly port: number;
}

/** A connection. Disposing says goodbye. */
export class PeerConnection implements AsyncDisposable {
  /** Where the peer is. */
  readonly remote: PeerAddress;
  /** Resolves to whether the peer is on our network, as soon as that is known. Never rejects. */
  readonly opened: Promise<boolean>;
  /** Resolves when the connection is over and the socket closed. Never rejects. */
  readonly closed: Promise<ConnectionEnd>;
  readonly #socket: Socket;
  readonly #session: RskSession;
  readonly #options: PeerConnectionOptions;
  readonly #config: PeerConnectionConfig;
  readonly #nowMs: () => number;
  readonly #pace: MessagePace;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | undefined;
  #end: ConnectionEnd | undefined;
  readonly #opened = Promise.withResolvers<boolean>();
  readonly #ended = Promise.withResolvers<void>();
  #telling: Promise<void> = Promise.resolve();
  readonly #ticker: ReturnType<typeof setInterval>;
  #paceTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Takes over a socket that is connected.
   *
   * @throws {Error} If the session's remote id is no point of the curve; the socket is closed then.
   */
  constructor(socket: Socket, session: RskSessionOptions, options: PeerConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#config = { ...DEFAULT_PEER_CONNECTION_CONFIG, ...options.config };
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#pace = new MessagePace(this.#config.messagesPerWindow, this.#config.paceWindowMs);
    this.remote = remoteOf(socket);
    try {
      this.#session = new RskSession(session, this.#nowMs());
    } catch (error) {
      socket.destroy();
      throw error;
    }
    this.#ticker = setInterval(() => this.#tick(), this.#config.tickIntervalMs);
    this.opened = this.#opened.promise;
    this.closed = this.#run();
  }

  /**
   * Connects to a peer.
   *
   * @throws {CairnError} `PEER_UNAVAILABLE`.
   */
  static async dial(
    { host, port }: PeerAddress,
    session: RskSessionOptions,
    options: PeerConnectionOptions,
  ): Promise<PeerConnection> {
    const { dialTimeoutMs } = { ...DEFAULT_PEER_CONNECTION_CONFIG, ...options.config };
    const outcome = Promise.withResolvers<void>();
    const socket = connect({ host, port }, outcome.resolve);
    socket.on("error", outcome.reject);
    const timer = setTimeout(
      () => outcome.reject(new Error(`no answer within ${dialTimeoutMs} ms`)),
      dialTimeoutMs,
    );
    try {
      await outcome.promise;
      socket.off("error", outcome.reject);
      return new PeerConnection(socket, session, options);
    } catch (cause) {
      socket.destroy();
      throw new CairnError(
        "PEER_UNAVAILABLE",
        `Cannot connect to ${host}:${port}: ${toCairnError(cause).message}`,
        {
          detail: { host, port },
          cause,
        },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Node id of the peer, once it has proved it. */
  get remoteId(): Uint8Array | undefined {
    return this.#session.remoteId;
  }

  /** Whether messages reach the peer. */
  get isOpen(): boolean {
    return this.#session.state === "open";
  }

  /** Messages that wait. */
  get queuedMessages(): number {
    return this.#queue.length;
  }

  /**
   * Sends a message, when the connection is open and the pace allows it.
   *
   * @returns false if the queue is full or the connection over: the message is not sent.
   * @throws {TypeError | RangeError} If it cannot be encoded.
   */
  send(message: RskMessage): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#config;
    if (this.#session.state === "closed" || this.#queue.length >= maxQueuedMessages) return false;
    const payload = encodeRskMessage(message);
    // One message fits always: the bound is on what waits behind it.
    if (this.#queue.length > 0 && this.#queuedBytes + payload.length > maxQueuedBytes) return false;
    this.#queue.push(payload);
    this.#queuedBytes += payload.length;
    this.#pump();
    return true;
  }

  /** Says goodbye and closes; resolves when that is done. Idempotent. */
  async disconnect(reason: DisconnectReason): Promise<void> {
    if (this.#end === undefined) {
      this.#session.disconnect(reason);
      this.#finish({ kind: "local", reason });
    }
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect("peer-quitting");
  }

  async #run(): Promise<ConnectionEnd> {
    const socket = this.#socket;
    const gone = socket.closed ? undefined : new Promise<void>((resolve) => socket.once("close", resolve));
    socket.setNoDelay(true);
    socket.on("error", (error) => this.#finish({ kind: "socket", message: error.message }));
    socket.on("end", () => this.#finish({ kind: "eof" }));
    socket.on("close", () => this.#finish({ kind: "eof" }));
    // A reset may come before anybody listens for it.
    if (socket.destroyed) this.#finish({ kind: "eof" });
    socket.on("data", (bytes) => void this.#receive(bytes as Uint8Array));
    socket.resume();
    // The initiator speaks first.
    this.#flush();
    await this.#ended.promise;
    clearInterval(this.#ticker);
    clearTimeout(this.#paceTimer);
    this.#queue = [];
    this.#queuedBytes = 0;
    await this.#sayGoodbye();
    this.#session.close();
    socket.destroy();
    // Not for whoever is told of events: it may be waiting for this.
    await gone;
    return this.#end!;
  }

  /** The last bytes, for as long as the peer has to take them. */
  async #sayGoodbye(): Promise<void> {
    this.#flush();
    if (this.#writing === undefined) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, this.#config.goodbyeTimeoutMs);
    await Promise.race([this.#writing, late.promise]);
    clearTimeout(timer);
  }

  async #receive(bytes: Uint8Array): Promise<void> {
    if (this.#end !== undefined) return;
    this.#socket.pause();
    await this.#tell(this.#session.receive(bytes, this.#nowMs()));
    // A peer that asks and does not read the answers is not read either; silence then ends it.
    while (this.#session.outputBytes > OUTPUT_BYTES_HIGH && this.#writing !== undefined) await this.#writing;
    if (this.#end === undefined) this.#socket.resume();
  }

  #tick(): void {
    void this.#tell(this.#session.tick(this.#nowMs()));
  }

  /** Events of one moment after those of the one before. */
  #tell(events: readonly SessionEvent[]): Promise<void> {
    if (this.isOpen) this.#opened.resolve(true);
    this.#pump();
    if (events.length > 0) this.#telling = this.#telling.then(() => this.#deliver(events));
    return this.#telling;
  }

  async #deliver(events: readonly SessionEvent[]): Promise<void> {
    for (const event of events) await this.#options.onEvent(event, this);
    if (this.#session.state === "closed") this.#finish({ kind: "session" });
  }

  #finish(end: ConnectionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#opened.resolve(false);
    this.#ended.resolve();
  }

  /** Hands messages to the session as far as pace and socket allow. */
  #pump(): void {
    let sent = 0;
    while (sent < this.#queue.length && this.isOpen && this.#session.outputBytes <= OUTPUT_BYTES_HIGH) {
      const nowMs = this.#nowMs();
      const delayMs = this.#pace.delayMs(nowMs);
      if (delayMs > 0) {
        this.#paceTimer ??= setTimeout(() => {
          this.#paceTimer = undefined;
          this.#pump();
        }, delayMs);
        break;
      }
      const payload = this.#queue[sent++]!;
      this.#session.sendEncoded(payload);
      this.#pace.count(nowMs);
      this.#queuedBytes -= payload.length;
    }
    if (sent > 0) this.#queue.splice(0, sent);
    this.#flush();
  }

  /** Starts to write what the session has, unless that is going on. */
  #flush(): void {
    if (this.#writing !== undefined || this.#session.outputBytes === 0) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      // What came meanwhile.
      if (this.#end === undefined) this.#pump();
    });
  }

  async #write(): Promise<void> {
    while (this.#session.outputBytes > 0 && !this.#socket.destroyed) {
      // In one write: rskj reads auth and ack only if they are there whole (section 3.1).
      const output = this.#session.takeOutput();
      // A failure is told by the event of it.
      await new Promise<void>((resolve) => this.#socket.write(output, () => resolve()));
      if (this.#end === undefined) this.#pump();
    }
  }
}

/** An IPv4 address that came over an IPv6 socket is an IPv4 address. */
export function remoteOf({ remoteAddress = "", remotePort = 0 }: Socket): PeerAddress {
  return { host: remoteAddress.replace(/^::ffff:(?=\d+\.)/i, ""), port: remotePort };
}
