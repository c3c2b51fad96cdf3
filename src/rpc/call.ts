/**
 * One call on the server: drives the transport's call directly, message by message.
 *
 * Layer: rpc. The transport would buffer up to sixteen messages a call in a stream object; here one message is
 * asked for at a time, so that pausing a call holds back the peer by HTTP/2 flow control and nothing else.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Metadata, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { CairnError, GRPC_STATUS } from "../kernel/errors.ts";
import type { ErrorCode } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { Tracer } from "../kernel/telemetry.ts";
import type { MethodMetrics } from "./metrics.ts";
import { codeMetadata, codeOfTransportStatus, errorToStatus, isExpected } from "./status.ts";
import type { BidiCall, CallContext, StreamHandler } from "./types.ts";
import type { WriteGauge } from "./write_gauge.ts";

/** Longest request id kept, in characters, as the Java block node does. */
const MAX_REQUEST_ID_CHARACTERS = 64;

const REQUEST_ID_KEYS = ["x-request-id", "hiero-correlation-id"] as const;

type TransportListener = Parameters<ServerInterceptingCallInterface["start"]>[0];
type TransportStatus = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/** One method as the server runs it: codecs already chosen by `raw`. */
export interface BoundMethod {
  /** Full name without leading slash. */
  readonly name: string;
  readonly kind: "unary" | "server_streaming" | "bidi_streaming";
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly encode: (message: unknown) => Uint8Array;
  // The public types of types.ts bind handlers to messages; past `add` the messages are opaque.
  // deno-lint-ignore no-explicit-any
  readonly handle: (...args: any[]) => any;
  readonly metrics: MethodMetrics;
}

/** What a call needs of its server. */
export interface CallDeps {
  readonly log: Logger;
  readonly tracer: Tracer;
  readonly maxMessageBytes: number;
  readonly requestTimeoutMs: number;
  /** Back-pressure of the connection with `peer`; `undefined` when it is gone. */
  readonly gaugeOf: (peer: string) => WriteGauge | undefined;
  /** Told when the call is over; nothing happens on it afterwards. */
  readonly onClosed: (call: ServerCall) => void;
}

/** A call in flight. Created when its headers have arrived. */
export class ServerCall implements BidiCall<unknown> {
  readonly #raw: ServerInterceptingCallInterface;
  readonly #method: BoundMethod;
  readonly #deps: CallDeps;
  readonly #startedMs = performance.now();
  readonly context: Context;
  #stream: StreamHandler<unknown> | undefined;
  #request: Uint8Array | undefined;
  #requestTimer: ReturnType<typeof setTimeout> | undefined;
  #paused = false;
  #pumping = false;
  #wanted = false;
  readonly #gauge: WriteGauge | undefined;
  readonly #over = Promise.withResolvers<void>();
  #endedCode: number | undefined;
  #closed = false;

  private constructor(
    raw: ServerInterceptingCallInterface,
    metadata: Metadata,
    method: BoundMethod,
    deps: CallDeps,
  ) {
    this.#raw = raw;
    this.#method = method;
    this.#deps = deps;
    const peer = raw.getPeer();
    this.#gauge = deps.gaugeOf(peer);
    this.context = new Context(peer, metadata, deps.log);
  }

  /**
   * Takes over `raw`. Nothing happens, and `admit` is not asked, if the peer is gone already.
   *
   * @param admit Asked once with the call; returns why it is refused, or `undefined`.
   */
  static open(
    raw: ServerInterceptingCallInterface,
    method: BoundMethod,
    deps: CallDeps,
    admit: (call: ServerCall) => CairnError | undefined,
  ): void {
    let call: ServerCall | undefined;
    const listener: TransportListener = {
      onReceiveMetadata(metadata) {
        call = new ServerCall(raw, metadata, method, deps);
        call.#begin(admit(call));
      },
      onReceiveMessage(bytes: Uint8Array) {
        if (call !== undefined) call.#onMessage(bytes);
      },
      onReceiveHalfClose() {
        if (call !== undefined) call.#onHalfClose();
      },
      onCancel() {
        if (call !== undefined) call.#onClosed();
      },
    };
    raw.start(listener);
  }

  send(message: unknown): boolean {
    if (this.#endedCode !== undefined || this.#closed) return false;
    const bytes = this.#method.encode(message);
    if (bytes.length > this.#deps.maxMessageBytes) {
      throw new CairnError("MESSAGE_TOO_LARGE", `Cannot send message: ${bytes.length} bytes`, {
        hint: `the limit is ${this.#deps.maxMessageBytes} bytes`,
      });
    }
    this.#method.metrics.sent(bytes.length);
    this.#raw.sendMessage(asBuffer(bytes), () => {});
    return this.#gauge?.add(bytes.length) ?? true;
  }

  drained(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    // Ended and not closed yet: nothing can be sent, so a loop of send and wait must not spin until it is.
    if (this.#endedCode !== undefined) return this.#over.promise;
    if (this.#gauge === undefined || this.#gauge.hasRoom) return Promise.resolve();
    return Promise.race([this.#gauge.drained(), this.#over.promise]);
  }

  end(error?: unknown): void {
    if (this.#endedCode !== undefined || this.#closed) return;
    if (error !== undefined && !isExpected(error)) {
      this.context.log.error("Handler failed", { method: this.#method.name, error });
    }
    const status = errorToStatus(error);
    this.#endedCode = status.code;
    this.#raw.sendStatus(status);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#read();
  }

  #begin(refusal: CairnError | undefined): void {
    this.#method.metrics.started();
    this.#observeTransportStatus();
    if (refusal !== undefined) return this.end(refusal);
    if (this.#method.kind === "bidi_streaming") {
      this.#guard(() => this.#stream = this.#method.handle(this));
    } else {
      const { requestTimeoutMs } = this.#deps;
      this.#requestTimer = setTimeout(() => this.#requestTimedOut(), requestTimeoutMs);
    }
    this.#read();
  }

  /** The transport ends calls too (deadline, oversize); its statuses get the node's code and are counted. */
  #observeTransportStatus(): void {
    const send = this.#raw.sendStatus.bind(this.#raw);
    this.#raw.sendStatus = (status: TransportStatus) => {
      if (this.#endedCode !== undefined) return send(status);
      this.#endedCode = status.code;
      send({ ...status, metadata: codeMetadata(codeOfTransportStatus(status.code)) });
    };
  }

  #requestTimedOut(): void {
    const { requestTimeoutMs } = this.#deps;
    // A peer's own deadline is its business once the request is here.
    if (this.#request !== undefined && this.#raw.getDeadline() !== Infinity) return;
    this.end(new CairnError("DEADLINE_EXCEEDED", `Cannot finish call within ${requestTimeoutMs} ms`));
  }

  /** Asks for the next message. Flat, because the transport may answer before `startRead` returns. */
  #read(): void {
    this.#wanted = true;
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#wanted && !this.#paused && this.#endedCode === undefined && !this.#closed) {
      this.#wanted = false;
      this.#raw.startRead();
    }
    this.#pumping = false;
  }

  #onMessage(bytes: Uint8Array): void {
    if (this.#endedCode !== undefined) return;
    this.#method.metrics.received(bytes.length);
    if (this.#method.kind === "bidi_streaming") {
      this.#guard(() => this.#stream?.message(this.#method.decode(bytes)));
    } else if (this.#request === undefined) {
      this.#request = bytes;
    } else {
      return this.end(
        new CairnError("MALFORMED_MESSAGE", "Cannot take a second request message on this method"),
      );
    }
    this.#read();
  }

  #onHalfClose(): void {
    if (this.#endedCode !== undefined) return;
    if (this.#method.kind === "bidi_streaming") return this.#guard(() => this.#stream?.halfClosed());
    if (this.#request === undefined) {
      return this.end(new CairnError("MALFORMED_MESSAGE", "Cannot serve a call without a request message"));
    }
    void this.#answer(this.#request);
  }

  async #answer(bytes: Uint8Array): Promise<void> {
    const { context } = this;
    const [service, method] = this.#method.name.split("/");
    try {
      await this.#deps.tracer.serve({
        name: this.#method.name,
        attributes: {
          "rpc.system": "grpc",
          "rpc.service": service,
          "rpc.method": method,
          "cairn.request_id": context.requestId,
        },
        metadata: () => context.metadata,
      }, () => this.#handle(bytes));
      this.end();
    } catch (error) {
      this.end(error);
    }
  }

  async #handle(bytes: Uint8Array): Promise<void> {
    const request = this.#method.decode(bytes);
    // Answers pile up on a connection that does not read: no further work for it until it does.
    await this.drained();
    if (this.#endedCode !== undefined || this.#closed) return;
    if (this.#method.kind === "unary") this.send(await this.#method.handle(request, this.context));
    else {
      clearTimeout(this.#requestTimer);
      await this.#method.handle(request, this, this.context);
    }
  }

  #onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#requestTimer);
    const code = this.#endedCode ?? GRPC_STATUS.CANCELLED;
    this.#method.metrics.ended(code, (performance.now() - this.#startedMs) / 1_000);
    if (code !== GRPC_STATUS.OK) this.#gauge?.forget();
    this.#over.resolve();
    // A handler that is done has no use for the signal; making one only to abort it would be waste.
    if (code !== GRPC_STATUS.OK) this.context.abort(codeOfTransportStatus(code));
    try {
      this.#stream?.closed();
    } catch (error) {
      this.context.log.error("Handler failed after its call ended", { method: this.#method.name, error });
    }
    this.#deps.onClosed(this);
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.end(error);
    }
  }
}

/** Facts of a call; what costs something is made when it is asked for. */
class Context implements CallContext {
  readonly peer: string;
  readonly requestId: string;
  readonly #metadata: Metadata;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #map: ReadonlyMap<string, string> | undefined;
  #child: Logger | undefined;

  constructor(peer: string, metadata: Metadata, log: Logger) {
    this.peer = peer;
    this.#metadata = metadata;
    this.#log = log;
    this.requestId = requestIdOf(metadata);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get metadata(): ReadonlyMap<string, string> {
    this.#map ??= new Map(
      Object.entries(this.#metadata.getMap()).filter((entry): entry is [string, string] =>
        typeof entry[1] === "string"
      ),
    );
    return this.#map;
  }

  get log(): Logger {
    this.#child ??= this.#log.child("call", { requestId: this.requestId });
    return this.#child;
  }

  abort(code: ErrorCode): void {
    this.#abort.abort(new CairnError(code, "Cannot go on: the call is over"));
  }
}

function requestIdOf(metadata: Metadata): string {
  for (const key of REQUEST_ID_KEYS) {
    const value = metadata.get(key)[0];
    if (typeof value === "string" && value !== "") return value.slice(0, MAX_REQUEST_ID_CHARACTERS);
  }
  return crypto.randomUUID();
}

/** The transport copies what it is given, but asks for the Node class. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
