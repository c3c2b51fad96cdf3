/**
 * A small typed gRPC client, for the command line and for peers.
 *
 * Layer: rpc. Errors are {@link CairnError}s: the server's own code where it is one of ours, else the code of
 * its gRPC status (`PEER_UNAVAILABLE`, `DEADLINE_EXCEEDED`, ...).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { PeerCertificate } from "node:tls";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { CallOptions as TransportOptions, ChannelCredentials, ServiceError } from "@grpc/grpc-js";
import { CairnError } from "../kernel/errors.ts";
import { closeChannel } from "./close_channel.ts";
import { splitAddress } from "./config.ts";
import { statusToError } from "./status.ts";
import type { DescMethod, DescService, MessageShape } from "./types.ts";

/** Receive window of the client, so that one big answer needs no round trips. */
const WINDOW_BYTES = 8 * 1_048_576;

/** Name sent when the server is addressed by IP: TLS allows no address there. The certificate is checked for the address. */
const NAME_FOR_ADDRESSES = "localhost";

/** TLS of a client. PEM bytes. */
export interface ClientTls {
  /** Authorities to trust. @default the well-known ones */
  readonly ca?: Uint8Array;
  /** Client certificate, with `key`. */
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
  /** Name the certificate must have, when it is not the host of the address. */
  readonly serverName?: string;
}

/** Options of {@link createClient}. */
export interface ClientOptions {
  /** @default cleartext */
  readonly tls?: ClientTls;
  /** Largest message in either direction, in bytes. @default {131_072_000} */
  readonly maxMessageBytes?: number;
}

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call; its reason is thrown unchanged. */
  readonly signal?: AbortSignal;
  /** Deadline from now, in milliseconds. @default none */
  readonly timeoutMs?: number;
  /** ASCII metadata to send. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Client side of a bidirectional call. Iterate it once for the answers; the iteration throws how the call failed. */
export interface ClientStream<Req, Res> extends AsyncIterable<Res> {
  /**
   * Sends one message. The runtime takes what is sent even when the peer does not read: bound what is in flight by
   * the peer's answers, not by this alone.
   *
   * @returns `false` when {@link ClientStream.drained} should be awaited before sending more.
   */
  send(message: Req): boolean;
  /** Resolves when there is room again, or when the call ended. */
  drained(): Promise<void>;
  /** Says that no more messages will come. */
  halfClose(): void;
  /** Gives the call up. */
  cancel(): void;
}

/** Local names of the methods of `S` that have the kind `K`. */
export type MethodsOfKind<S extends DescService, K extends DescMethod["methodKind"]> = {
  [N in keyof S["method"]]: S["method"][N]["methodKind"] extends K ? N : never;
}[keyof S["method"]];

type Req<S extends DescService, N extends keyof S["method"]> = MessageInitShape<S["method"][N]["input"]>;
type Res<S extends DescService, N extends keyof S["method"]> = MessageShape<S["method"][N]["output"]>;

/** Calls whose messages stay bytes. */
export interface RawCalls<S extends DescService> {
  unary(method: MethodsOfKind<S, "unary">, request: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  serverStream(
    method: MethodsOfKind<S, "server_streaming">,
    request: Uint8Array,
    options?: CallOptions,
  ): AsyncIterable<Uint8Array>;
  bidi(
    method: MethodsOfKind<S, "bidi_streaming">,
    options?: CallOptions,
  ): ClientStream<Uint8Array, Uint8Array>;
}

/** A client of one service at one address. */
export interface RpcClient<S extends DescService> extends Disposable {
  unary<N extends MethodsOfKind<S, "unary">>(
    method: N,
    request: Req<S, N>,
    options?: CallOptions,
  ): Promise<Res<S, N>>;
  serverStream<N extends MethodsOfKind<S, "server_streaming">>(
    method: N,
    request: Req<S, N>,
    options?: CallOptions,
  ): AsyncIterable<Res<S, N>>;
  bidi<N extends MethodsOfKind<S, "bidi_streaming">>(
    method: N,
    options?: CallOptions,
  ): ClientStream<Req<S, N>, Res<S, N>>;
  /** The same calls on bytes: what is sent and received is exactly the serialized message. */
  readonly raw: RawCalls<S>;
  /** Closes the connection. Idempotent. */
  close(): void;
}

/**
 * Makes a client. Connects with the first call.
 *
 * @param address `HOST:PORT`.
 */
export function createClient<S extends DescService>(
  service: S,
  address: string,
  options: ClientOptions = {},
): RpcClient<S> {
  const typed = new Calls(service, address, options);
  const close = () => closeChannel(typed.client);
  const raw = new Calls(service, address, options, typed.client);
  // The class works on any service; the interface is what ties names to messages.
  return Object.assign(typed, { raw, close, [Symbol.dispose]: close }) as unknown as RpcClient<S>;
}

interface Codec {
  readonly path: string;
  readonly encode: (message: unknown) => Buffer;
  readonly decode: (bytes: Buffer) => unknown;
}

/** The calls themselves: decoded, or on bytes when it shares the client of another. */
class Calls {
  readonly client: Client;
  readonly #service: DescService;
  readonly #address: string;
  readonly #raw: boolean;

  constructor(service: DescService, address: string, options: ClientOptions, shared?: Client) {
    this.#service = service;
    this.#address = address;
    this.#raw = shared !== undefined;
    this.client = shared ?? openChannel(address, options);
  }

  async unary(name: string, request: unknown, options: CallOptions = {}): Promise<unknown> {
    options.signal?.throwIfAborted();
    const { path, encode, decode } = this.#codec(name);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const call = this.client.makeUnaryRequest(
      path,
      encode,
      decode,
      request,
      metadataOf(options),
      transportOptions(options),
      (error, response) => error === null ? resolve(response) : reject(error),
    );
    try {
      cancelOnAbort(call, options.signal);
      return await promise;
    } catch (error) {
      throw this.#toError(error, name, options.signal);
    }
  }

  async *serverStream(name: string, request: unknown, options: CallOptions = {}): AsyncIterable<unknown> {
    options.signal?.throwIfAborted();
    const { path, encode, decode } = this.#codec(name);
    const call = this.client.makeServerStreamRequest(
      path,
      encode,
      decode,
      request,
      metadataOf(options),
      transportOptions(options),
    );
    cancelOnAbort(call, options.signal);
    yield* this.#iterate(call, name, options.signal);
  }

  bidi(name: string, options: CallOptions = {}): ClientStream<unknown, unknown> {
    options.signal?.throwIfAborted();
    const { path, encode, decode } = this.#codec(name);
    const call = this.client.makeBidiStreamRequest(
      path,
      encode,
      decode,
      metadataOf(options),
      transportOptions(options),
    );
    let over = false;
    call.on("status", () => over = true);
    call.on("error", () => over = true); // Thrown by the iteration; without a listener it would be uncaught.
    cancelOnAbort(call, options.signal);
    const answers = this.#iterate(call, name, options.signal);
    return {
      send: (message) => !over && call.write(message),
      drained: () => over || !call.writableNeedDrain ? Promise.resolve() : drainOrEnd(call),
      halfClose: () => call.end(),
      cancel: () => call.cancel(),
      [Symbol.asyncIterator]: () => answers[Symbol.asyncIterator](),
    };
  }

  async *#iterate(
    call: AsyncIterable<unknown> & { cancel(): void },
    name: string,
    signal: AbortSignal | undefined,
  ): AsyncIterable<unknown> {
    try {
      for await (const message of call) yield message;
    } catch (error) {
      throw this.#toError(error, name, signal);
    } finally {
      call.cancel();
    }
  }

  #codec(name: string): Codec {
    const method = this.#service.method[name];
    if (method === undefined) {
      throw new CairnError("INTERNAL", `Cannot call '${name}': not a method of ${this.#service.typeName}`);
    }
    const path = `/${this.#service.typeName}/${method.name}`;
    if (this.#raw) {
      return {
        path,
        encode: (bytes) => asBuffer(bytes as Uint8Array),
        decode: (bytes) => bytes,
      };
    }
    return {
      path,
      encode: (message) =>
        asBuffer(toBinary(method.input, create(method.input, message as Record<string, unknown>))),
      decode: (bytes) => fromBinary(method.output, bytes),
    };
  }

  #toError(error: unknown, name: string, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    if (!isServiceError(error)) return error;
    return statusToError(error, `call ${name} at ${this.#address}`);
  }
}

function openChannel(address: string, options: ClientOptions): Client {
  const { maxMessageBytes = 131_072_000, tls } = options;
  const { host } = splitAddress(address);
  const name = tls?.serverName ?? (isIP(host) === 0 ? undefined : NAME_FOR_ADDRESSES);
  return new Client(address, tls === undefined ? credentials.createInsecure() : tlsCredentials(tls, host), {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc-node.flow_control_window": WINDOW_BYTES,
    // A retried publish would be a second publish.
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_channelz": 0,
    ...(tls !== undefined && name !== undefined ? { "grpc.ssl_target_name_override": name } : {}),
  });
}

function tlsCredentials({ ca, cert, key, serverName }: ClientTls, host: string): ChannelCredentials {
  return credentials.createSsl(
    ca === undefined ? null : asBuffer(ca),
    key === undefined ? null : asBuffer(key),
    cert === undefined ? null : asBuffer(cert),
    {
      checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
        checkServerIdentity(serverName ?? host, certificate),
    },
  );
}

function metadataOf({ metadata = {} }: CallOptions): Metadata {
  const sent = new Metadata();
  for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
  return sent;
}

function transportOptions({ timeoutMs }: CallOptions): TransportOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

/** Gives the call up when the signal fires, and lets go of the signal when the call is over. */
function cancelOnAbort(
  call: { cancel(): void; once(event: "status", listener: () => void): unknown },
  signal: AbortSignal | undefined,
): void {
  if (signal === undefined) return;
  const cancel = () => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  call.once("status", () => signal.removeEventListener("abort", cancel));
}

function drainOrEnd(call: ReturnType<Client["makeBidiStreamRequest"]>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ["drain", "status", "error"]) call.off(event, done);
      resolve();
    };
    for (const event of ["drain", "status", "error"]) call.on(event, done);
  });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
