/**
 * A connection with one peer, from the first byte to messages: bytes in, events and bytes out.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 3 to 6. It opens no socket and reads no clock:
 * whoever owns it moves bytes, and calls {@link RskSession.tick} now and then.
 *
 * | state | waits for | sends when it comes |
 * | --- | --- | --- |
 * | handshake | auth or ack | ack, Hello |
 * | hello | Hello | both Status |
 * | status | eth-style Status | |
 * | open | anything | Pong for Ping |
 *
 * @module
 */

import { equalBytes } from "./bytes.ts";
import { decodeEthStatus, encodeEthStatus, type EthStatus, PROTOCOL_VERSION } from "./eth_status.ts";
import { ChunkAssembler, type WireMessage } from "./frame_chunks.ts";
import { GrowingBytes, joinBytes } from "./growing_bytes.ts";
import {
  decodeDisconnect,
  decodeHello,
  type DisconnectReason,
  EMPTY_LIST,
  encodeDisconnect,
  encodeHello,
  type Hello,
  P2P_CODE,
  SUBPROTOCOL_CODE,
} from "./p2p_messages.ts";
import { FrameReader, FrameWriter } from "./rlpx_frames.ts";
import { InitiatorHandshake, ResponderHandshake } from "./rlpx_handshake.ts";
import { decodeRskMessage } from "./rsk_decode.ts";
import { encodeRskMessage } from "./rsk_encode.ts";
import type { RskMessage } from "./rsk_message.ts";
import { RSK_CODE } from "./rsk_types.ts";
import {
  DEFAULT_SESSION_CONFIG,
  type RskSessionOptions,
  type SessionConfig,
  type SessionEvent,
  type SessionState,
} from "./session_events.ts";
import { snappyCompress, snappyDecompress } from "./snappy.ts";
import { WireFault, type WireFaultCode } from "./wire_fault.ts";

const CAPABILITY = { name: "rsk", version: PROTOCOL_VERSION };
const P2P_VERSION = 4;
/** From this version on devp2p compresses. rskj takes 4 and 5. */
const SNAPPY_VERSION = 5;
/** How rskj's client id begins. */
const RSKJ_CLIENT = "Ethereum(J)/";

/** What we say to a peer whose fault ends the connection; nothing where there are no keys to say it with. */
const GOODBYE: Readonly<Partial<Record<WireFaultCode, DisconnectReason>>> = {
  "oversize": "bad-protocol",
  "malformed": "bad-protocol",
  "unexpected-message": "bad-protocol",
  "incompatible-version": "incompatible-protocol",
  "wrong-network": "null-identity",
  "wrong-genesis": "unexpected-genesis",
  "handshake-timeout": "useless-peer",
  "idle-timeout": "ping-timeout",
};

/**
 * A session. It holds native objects until it is closed, by a fault, a Disconnect of either side, or {@link close}.
 *
 * @example Two ends of a connection
 * ```ts
 * import { ReplayGuard } from "./rlpx_handshake.ts";
 * import { RskSession } from "./rsk_session.ts";
 * import { genesisStatus } from "./session_events.ts";
 * import { NodeKey } from "./secp256k1.ts";
 *
 * const randomBytes = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
 * const genesisHash = new Uint8Array(32);
 * const status = genesisStatus(genesisHash, 1n);
 * const common = { randomBytes, clientId: "example", listenPort: 0, networkId: 7771, genesisHash, status };
 * const [key, remoteKey] = [NodeKey.generate(randomBytes), NodeKey.generate(randomBytes)];
 * const a = new RskSession({ ...common, role: "initiator", key, remoteId: remoteKey.id }, 0);
 * const b = new RskSession({ ...common, role: "responder", key: remoteKey, replays: new ReplayGuard() }, 0);
 * while (a.outputBytes + b.outputBytes > 0) {
 *   b.receive(a.takeOutput(), 0);
 *   a.receive(b.takeOutput(), 0);
 * }
 * if (a.state !== "open" || b.state !== "open") throw new Error("expected both to be open");
 * a.disconnect("peer-quitting");
 * const [event] = b.receive(a.takeOutput(), 0);
 * if (event?.type !== "disconnect" || b.state !== "closed") throw new Error("expected a goodbye");
 * ```
 */
export class RskSession {
  readonly #options: RskSessionOptions;
  readonly #config: SessionConfig;
  readonly #startedMs: number;
  #state: SessionState = "handshake";
  #handshake: InitiatorHandshake | ResponderHandshake | undefined;
  readonly #handshakeBytes = new GrowingBytes();
  #frames:
    | { readonly reader: FrameReader; readonly writer: FrameWriter; readonly chunks: ChunkAssembler }
    | undefined;
  #isCompressed = false;
  #remoteId: Uint8Array | undefined;
  #output: Uint8Array[] = [];
  #outputBytes = 0;
  #nowMs: number;
  #heardMs: number;
  #pingedMs: number;
  #isPongAwaited = false;

  /**
   * @param nowMs The time on any clock that does not go back; the same in all calls.
   * @throws {Error} If the remote id is no point of the curve.
   */
  constructor(options: RskSessionOptions, nowMs: number) {
    this.#options = options;
    this.#config = { ...DEFAULT_SESSION_CONFIG, ...options.config };
    this.#startedMs =
      this.#nowMs =
      this.#heardMs =
      this.#pingedMs =
        nowMs;
    if (options.role === "initiator") {
      this.#handshake = new InitiatorHandshake(options);
      this.#push(this.#handshake.packet);
    } else this.#handshake = new ResponderHandshake(options);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Node id of the peer, once it has proved it. */
  get remoteId(): Uint8Array | undefined {
    return this.#remoteId;
  }

  /** Bytes that {@link takeOutput} would give. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** What is to be sent, in one write; also after the session was closed. */
  takeOutput(): Uint8Array {
    const output = this.#output.length === 1 ? this.#output[0]! : joinBytes(this.#output);
    this.#output = [];
    this.#outputBytes = 0;
    return output;
  }

  /**
   * Bytes from the peer, however they were split. What messages hold may be kept; the bytes themselves are not.
   *
   * @returns What they mean; nothing once the session is closed. Never throws.
   */
  receive(bytes: Uint8Array, nowMs: number): SessionEvent[] {
    if (this.#state === "closed" || bytes.length === 0) return [];
    this.#nowMs = this.#heardMs = nowMs;
    const events: SessionEvent[] = [];
    try {
      this.#read(bytes, events);
    } catch (error) {
      events.push(this.#fail(error));
    }
    return events;
  }

  /** Time passes: deadlines and pings. */
  tick(nowMs: number): SessionEvent[] {
    if (this.#state === "closed") return [];
    this.#nowMs = nowMs;
    const { handshakeTimeoutMs, idleTimeoutMs, pingIntervalMs } = this.#config;
    if (this.#state !== "open") {
      if (nowMs - this.#startedMs < handshakeTimeoutMs) return [];
      return [
        this.#fail(
          new WireFault("handshake-timeout", `Cannot connect: no Status within ${handshakeTimeoutMs} ms`),
        ),
      ];
    }
    if (nowMs - this.#heardMs >= idleTimeoutMs) {
      return [this.#fail(new WireFault("idle-timeout", `Nothing came within ${idleTimeoutMs} ms`))];
    }
    if (nowMs - this.#pingedMs >= pingIntervalMs) {
      this.#pingedMs = nowMs;
      this.#isPongAwaited = true;
      this.#seal(P2P_CODE.PING, EMPTY_LIST);
    }
    return [];
  }

  /**
   * Sends a message.
   *
   * @returns false if the session is not open: nothing was sent.
   * @throws {TypeError | RangeError} If it cannot be encoded, or is too large for a frame.
   */
  send(message: RskMessage): boolean {
    return this.sendEncoded(encodeRskMessage(message));
  }

  /** As {@link send}, of a message that is encoded already. */
  sendEncoded(payload: Uint8Array): boolean {
    if (this.#state !== "open") return false;
    this.#seal(RSK_CODE, payload);
    return true;
  }

  /** Says goodbye, if there are keys to say it with, and closes. */
  disconnect(reason: DisconnectReason): void {
    if (this.#frames !== undefined && this.#state !== "closed") {
      this.#seal(P2P_CODE.DISCONNECT, encodeDisconnect(reason));
    }
    this.close();
  }

  /** Closes without a word. Idempotent. */
  close(): void {
    this.#state = "closed";
    this.#frames?.reader[Symbol.dispose]();
    this.#frames?.writer[Symbol.dispose]();
    this.#frames = undefined;
    this.#handshake = undefined;
  }

  #push(bytes: Uint8Array): void {
    this.#output.push(bytes);
    this.#outputBytes += bytes.length;
  }

  #seal(code: number, payload: Uint8Array): void {
    this.#push(this.#frames!.writer.seal(code, this.#isCompressed ? snappyCompress(payload) : payload));
  }

  #fail(error: unknown): SessionEvent {
    // A decoder has no other faults to throw; should one have, the connection ends all the same.
    const code = error instanceof WireFault ? error.code : "malformed";
    const goodbye = GOODBYE[code];
    if (goodbye === undefined) this.close();
    else this.disconnect(goodbye);
    return { type: "fault", code, message: error instanceof Error ? error.message : String(error) };
  }

  #read(bytes: Uint8Array, events: SessionEvent[]): void {
    const rest = this.#frames === undefined ? this.#readHandshake(bytes, events) : bytes;
    if (this.#frames === undefined) return;
    const { reader, chunks } = this.#frames;
    for (const frame of reader.receive(rest)) {
      const message = chunks.add(frame);
      if (message !== undefined) this.#handle(message, events);
      if (this.#frames === undefined) return;
    }
  }

  /** @returns What follows the handshake. */
  #readHandshake(bytes: Uint8Array, events: SessionEvent[]): Uint8Array {
    this.#handshakeBytes.append(bytes);
    const all = this.#handshakeBytes.view();
    const result = this.#handshake!.receive(all);
    if (result === undefined) return bytes;
    const { remoteId, form, secrets, bytesRead } = result;
    if (equalBytes(remoteId, this.#options.key.id)) {
      throw new WireFault("own-identity", "Cannot connect: the peer has this node's own key");
    }
    this.#handshake = undefined;
    this.#remoteId = remoteId;
    const { maxMessageBytes } = this.#config;
    this.#frames = {
      reader: new FrameReader(secrets, maxMessageBytes),
      writer: new FrameWriter(secrets),
      chunks: new ChunkAssembler(maxMessageBytes),
    };
    if (result.packet !== undefined) this.#push(result.packet);
    this.#state = "hello";
    this.#seal(P2P_CODE.HELLO, encodeHello(this.#hello()));
    events.push({ type: "handshaken", remoteId, form });
    return this.#handshakeBytes.take().subarray(bytesRead);
  }

  #hello(): Hello {
    const { clientId, listenPort, key, snappy = false } = this.#options;
    const p2pVersion = snappy ? SNAPPY_VERSION : P2P_VERSION;
    return { p2pVersion, clientId, capabilities: [CAPABILITY], listenPort, nodeId: key.id };
  }

  #handle({ code, payload: received }: WireMessage, events: SessionEvent[]): void {
    if (code === P2P_CODE.DISCONNECT) {
      const reason = this.#reasonOf(received);
      this.close();
      events.push({ type: "disconnect", reason });
      return;
    }
    const payload = this.#isCompressed ? this.#decompress(received) : received;
    if (this.#state === "hello") {
      if (code !== P2P_CODE.HELLO) throw unexpected(code, "before Hello");
      this.#handleHello(decodeHello(payload), events);
    } else if (code < SUBPROTOCOL_CODE) this.#handleBase(code, events);
    else if (code === SUBPROTOCOL_CODE) {
      const status = decodeEthStatus(payload);
      this.#checkStatus(status);
      this.#state = "open";
      events.push({ type: "eth-status", status });
    } else if (code !== RSK_CODE || this.#state !== "open") throw unexpected(code, "here");
    else {
      const message = decodeRskMessage(payload);
      if (message.type === "status") events.push(message);
      else events.push({ type: "message", message });
    }
  }

  #decompress(payload: Uint8Array): Uint8Array {
    return snappyDecompress(payload, this.#config.maxMessageBytes);
  }

  /** Reason of a Disconnect, which some never compress. */
  #reasonOf(payload: Uint8Array): DisconnectReason {
    if (this.#isCompressed) {
      try {
        return decodeDisconnect(this.#decompress(payload));
      } catch (error) {
        if (!(error instanceof WireFault)) throw error;
      }
    }
    return decodeDisconnect(payload);
  }

  #handleHello(hello: Hello, events: SessionEvent[]): void {
    const { p2pVersion, clientId, capabilities } = hello;
    if (p2pVersion !== P2P_VERSION && p2pVersion !== SNAPPY_VERSION) {
      throw new WireFault(
        "incompatible-version",
        `Cannot talk: the peer speaks version ${p2pVersion} of devp2p`,
      );
    }
    if (
      !capabilities.some(({ name, version }) => name === CAPABILITY.name && version === CAPABILITY.version)
    ) {
      throw new WireFault("incompatible-version", "Cannot talk: the peer does not speak rsk 62");
    }
    this.#isCompressed = this.#options.snappy === true && p2pVersion === SNAPPY_VERSION &&
      !clientId.startsWith(RSKJ_CLIENT);
    events.push({ type: "hello", hello, isCompressed: this.#isCompressed });
    this.#state = "status";
    const { networkId, genesisHash, status } = this.#options;
    const { bestHash, totalDifficulty } = status;
    const protocolVersion = PROTOCOL_VERSION;
    this.#seal(
      SUBPROTOCOL_CODE,
      encodeEthStatus({ protocolVersion, networkId, totalDifficulty, bestHash, genesisHash }),
    );
    this.#seal(RSK_CODE, encodeRskMessage({ type: "status", status }));
  }

  #handleBase(code: number, events: SessionEvent[]): void {
    switch (code) {
      case P2P_CODE.PING:
        // Always: rskj sends no other before this one is answered.
        this.#seal(P2P_CODE.PONG, EMPTY_LIST);
        return;
      case P2P_CODE.PONG:
        if (!this.#isPongAwaited) return;
        this.#isPongAwaited = false;
        events.push({ type: "pong", roundTripMs: this.#nowMs - this.#pingedMs });
        return;
      case P2P_CODE.GET_PEERS:
      case P2P_CODE.PEERS:
        // Peers come from discovery; rskj ignores these too.
        return;
      default:
        throw unexpected(code, "here");
    }
  }

  #checkStatus({ protocolVersion, networkId, genesisHash }: EthStatus): void {
    if (protocolVersion !== PROTOCOL_VERSION) {
      throw new WireFault(
        "incompatible-version",
        `Cannot talk: the peer speaks version ${protocolVersion} of rsk`,
      );
    }
    if (networkId !== this.#options.networkId) {
      throw new WireFault("wrong-network", `Cannot talk: the peer is on network ${networkId}`);
    }
    if (!equalBytes(genesisHash, this.#options.genesisHash)) {
      throw new WireFault("wrong-genesis", "Cannot talk: the peer has another genesis block");
    }
  }
}

function unexpected(code: number, where: string): WireFault {
  return new WireFault("unexpected-message", `Cannot read a message: code ${code} is not expected ${where}`);
}
