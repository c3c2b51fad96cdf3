/**
 * What a handler knows of RPC: messages, calls and codes. Nothing here names the transport library.
 *
 * Layer: rpc. A handler gets decoded messages, or the received bytes untouched when its method says `raw`.
 *
 * @module
 */

import type { DescMessage, DescMethod, DescService, MessageShape } from "@bufbuild/protobuf";
import type { Logger } from "../kernel/log.ts";

/** Facts of one call. */
export interface CallContext {
  /** Aborted when the peer cancels, the deadline passes, the connection drops or the server is forced to stop. */
  readonly signal: AbortSignal;
  /** Address of the peer, for logs. */
  readonly peer: string;
  /** From the `x-request-id` or `hiero-correlation-id` metadata (cut to 64 characters), or made here. */
  readonly requestId: string;
  /** ASCII metadata of the request, lower-case keys, first value of each. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Logger of the service with the request id on every line. */
  readonly log: Logger;
}

/** Sending half of a streaming call. */
export interface Sender<Res> {
  /**
   * Sends one message. Back-pressure belongs to the connection: other calls on it count too.
   *
   * @returns `false` when the peer is slow: wait for {@link Sender.drained} before sending more.
   * @throws {CairnError} `MESSAGE_TOO_LARGE` above the server's limit.
   */
  send(message: Res): boolean;
  /** Resolves when the connection has room again, or when the call ended. */
  drained(): Promise<void>;
  /** Ends the call: with OK, or with the status of `error`. Idempotent. */
  end(error?: Error): void;
}

/** Receiving half of a bidirectional call, as the server drives it. Callbacks never overlap. */
export interface StreamHandler<Req> {
  /** One message has arrived. The bytes or message belong to the handler. */
  message(message: Req): void;
  /** The peer half-closed: no more messages. */
  halfClosed(): void;
  /** The call is over for any reason, exactly once; nothing can be sent any more. */
  closed(): void;
}

/** A bidirectional call handed to a handler. */
export interface BidiCall<Res> extends Sender<Res> {
  readonly context: CallContext;
  /** Stops reading from the peer (HTTP/2 flow control does the rest); messages already parsed may still arrive. */
  pause(): void;
  resume(): void;
}

/** Answers one request with one response; what it throws ends the call with that error's status. */
export type UnaryHandler<Req, Res> = (request: Req, context: CallContext) => Promise<Res>;
/** Answers one request with many responses; the call ends when the promise settles. */
export type ServerStreamHandler<Req, Res> = (
  request: Req,
  sender: Sender<Res>,
  context: CallContext,
) => Promise<void>;
/** Takes a bidirectional call over and says what to do with what arrives. */
export type BidiHandler<Req, Res> = (call: BidiCall<Res>) => StreamHandler<Req>;

type Handler<K extends DescMethod["methodKind"], Req, Res> = K extends "unary" ? UnaryHandler<Req, Res>
  : K extends "server_streaming" ? ServerStreamHandler<Req, Res>
  : K extends "bidi_streaming" ? BidiHandler<Req, Res>
  : never;

/**
 * Handler of one method: decoded messages, or with `raw: true` the bytes of both directions.
 * A raw handler writes exactly the serialized response message.
 */
export type MethodHandler<M extends DescMethod> =
  | {
    // `undefined` lets the compiler tell the two apart when `raw` is left out.
    readonly raw?: false | undefined;
    readonly handle: Handler<
      M["methodKind"],
      MessageShape<M["input"]>,
      MessageShape<M["output"]>
    >;
  }
  | { readonly raw: true; readonly handle: Handler<M["methodKind"], Uint8Array, Uint8Array> };

/** Handlers by the local name of the method; methods left out answer UNIMPLEMENTED. */
export type ServiceHandlers<S extends DescService> = {
  readonly [K in keyof S["method"]]?: MethodHandler<S["method"][K]>;
};

export type { DescMessage, DescMethod, DescService, MessageShape };
