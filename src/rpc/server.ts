/**
 * The gRPC server: services in, one listening address out.
 *
 * Layer: rpc. Carries @grpc/grpc-js; nothing above this folder sees it. Why this library and which runtime:
 * docs/decisions/0001-deno-2.9.3-and-grpc-js.md.
 *
 * @module
 */

import type { Http2Server, ServerOptions } from "node:http2";
import { Server, ServerCredentials, ServerInterceptingCall } from "@grpc/grpc-js";
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { CairnError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { MetricScope } from "../kernel/metrics.ts";
import { Tracer } from "../kernel/telemetry.ts";
import { ServerCall } from "./call.ts";
import type { BoundMethod, CallDeps } from "./call.ts";
import { splitAddress } from "./config.ts";
import type { RpcConfig } from "./config.ts";
import { ConnectionGate } from "./connections.ts";
import { Health } from "../../proto/gen/grpc/health/v1/health_pb.ts";
import { guardAgainstForeign } from "./foreign_requests.ts";
import { HealthBoard } from "./health.ts";
import type { HealthStatus } from "./health.ts";
import { RpcMetrics } from "./metrics.ts";
import { addReflection } from "./reflection.ts";
import { readTlsMaterial } from "./tls.ts";
import type { DescMethod, DescService, ServiceHandlers } from "./types.ts";

/** Receive window of one call: what a paused call can make the node hold beside the message in progress. */
const STREAM_WINDOW_BYTES = 1_048_576;

/** Bound of a request's headers, as in the Java block node. */
const MAX_HEADER_LIST_BYTES = 8_192;

/** Time for peers to act on GOAWAY once their calls have ended; after it their sockets are cut. */
const GOAWAY_GRACE_MS = 1_000;

/** What {@link RpcServer} works with. */
export interface RpcServerDeps {
  readonly log: Logger;
  /** Scope whose prefix the metrics get, such as `cairn_rpc_`. */
  readonly metrics: MetricScope;
  /** Records a span for each unary and server-streaming call. @default {one that records where OTEL_DENO is set} */
  readonly tracer?: Tracer;
}

/** Options of {@link RpcServer.stop}. */
export interface StopOptions {
  /** Time for calls in flight to finish, in milliseconds. @default {10_000} */
  readonly graceMs?: number;
}

/**
 * Serves gRPC on one address.
 *
 * @example A service with one method
 * ```ts ignore
 * await using server = new RpcServer(rpcConfig.parse({ address: "127.0.0.1:0" }), { log, metrics });
 * server.add(BlockNodeService, { serverStatus: { handle: () => Promise.resolve(status) } });
 * const { port } = await server.listen();
 * ```
 */
export class RpcServer implements AsyncDisposable {
  readonly #config: RpcConfig;
  readonly #log: Logger;
  readonly #metrics: RpcMetrics;
  readonly #methods = new Map<string, BoundMethod>();
  readonly #services: DescService[] = [];
  readonly #calls = new Set<ServerCall>();
  readonly #health = new HealthBoard();
  readonly #grpc: Server;
  readonly #callDeps: CallDeps;
  #gate: ConnectionGate | undefined;
  #stopping: Promise<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(config: RpcConfig, { log, metrics, tracer = new Tracer() }: RpcServerDeps) {
    this.#config = config;
    this.#log = log;
    this.#metrics = new RpcMetrics(metrics);
    this.#grpc = new Server({
      "grpc.enable_channelz": 0,
      "grpc.max_receive_message_length": config.maxMessageBytes,
      "grpc.max_send_message_length": config.maxMessageBytes,
      "grpc.keepalive_time_ms": config.keepaliveIntervalMs,
      "grpc.keepalive_timeout_ms": config.keepaliveTimeoutMs,
      "grpc.max_connection_idle_ms": config.idleConnectionMs,
      interceptors: [(method, call) => this.#takeOver(method.path, call)],
    });
    this.#callDeps = {
      log,
      tracer,
      maxMessageBytes: config.maxMessageBytes,
      requestTimeoutMs: config.requestTimeoutMs,
      gaugeOf: (peer) => this.#gate?.gaugeOf(peer),
      onClosed: (call) => this.#release(call),
    };
    this.add(Health, this.#health.handlers);
  }

  /** Number of calls in flight. */
  get openCalls(): number {
    return this.#calls.size;
  }

  /**
   * Offers a service. Methods without a handler, and client-streaming ones, answer UNIMPLEMENTED.
   *
   * @throws {CairnError} `INTERNAL` after {@link listen}, or if the service was added before.
   */
  add<S extends DescService>(service: S, handlers: NoInfer<ServiceHandlers<S>>): this {
    if (this.#gate !== undefined) throw new CairnError("INTERNAL", "Cannot add a service: already listening");
    if (this.#services.includes(service)) {
      throw new CairnError("INTERNAL", `Cannot add service '${service.typeName}' twice`);
    }
    this.#services.push(service);
    for (const method of service.methods) {
      const bound = this.#bind(method, (handlers as Partial<Record<string, AnyHandler>>)[method.localName]);
      this.#methods.set(`/${bound.name}`, bound);
      this.#grpc.register(`/${bound.name}`, () => {}, identity, identity, "bidi");
    }
    this.#health.set(service.typeName, "NOT_SERVING");
    return this;
  }

  /** Sets what grpc.health.v1 answers for `service`; the empty name is the whole server. */
  setHealth(service: string, status: HealthStatus): void {
    if (this.#stopping === undefined) this.#health.set(service, status);
  }

  /**
   * Binds the configured address and serves.
   *
   * @returns The bound address, with the real port where 0 was asked for.
   * @throws {CairnError} `ADDRESS_IN_USE`, or `CONFIG_INVALID` if the address or the TLS files cannot be used.
   */
  async listen(): Promise<{ host: string; port: number }> {
    if (this.#gate !== undefined || this.#stopping !== undefined) {
      throw new CairnError("INTERNAL", "Cannot listen twice");
    }
    if (this.#config.reflection) addReflection(this, [...this.#services]);
    const tls = this.#config.tls === undefined ? undefined : await readTlsMaterial(this.#config.tls);
    this.#gate = new ConnectionGate({
      maxConnections: this.#config.maxConnections,
      handshakeTimeoutMs: this.#config.handshakeTimeoutMs,
      ...(tls === undefined ? {} : { tls }),
    }, { http2: this.#createHttp2(), log: this.#log, metrics: this.#metrics });
    const { host, port } = splitAddress(this.#config.address);
    const bound = await this.#gate.listen(host, port);
    this.#log.info("gRPC listening", { host: bound.host, port: bound.port, tls: tls !== undefined });
    return bound;
  }

  /**
   * Stops: no new connections and calls, calls in flight finish, then GOAWAY. Calls that are still open after
   * `graceMs` end with UNAVAILABLE and their connections are cut. Idempotent: later calls wait for the first.
   */
  stop({ graceMs = 10_000 }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(graceMs: number): Promise<void> {
    this.#health.close();
    this.#gate?.stopAccepting();
    if (this.#calls.size > 0) {
      this.#idle = Promise.withResolvers();
      await within(this.#idle.promise, graceMs);
    }
    if (this.#calls.size > 0) {
      this.#log.warn("Calls cut at stop", { calls: this.#calls.size, graceMs });
      for (const call of this.#calls) {
        call.end(new CairnError("SHUTTING_DOWN", "Cannot finish call: the node stops"));
      }
    }
    this.#gate?.sayGoaway();
    if (this.#gate !== undefined) {
      await within(this.#gate.emptied(), GOAWAY_GRACE_MS);
      this.#gate.destroy();
      await within(this.#gate.emptied(), GOAWAY_GRACE_MS);
    }
    this.#grpc.forceShutdown();
  }

  /** The library's HTTP/2 server, which takes injected connections and carries settings the library has no option for. */
  #createHttp2(): Http2Server {
    // The library has options for neither windows nor header limits; a test reads the SETTINGS a client gets.
    const inner = this.#grpc as unknown as {
      commonServerOptions: ServerOptions;
      http2Servers: Map<Http2Server, unknown>;
    };
    inner.commonServerOptions.settings = {
      maxConcurrentStreams: this.#config.maxStreamsPerConnection,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxHeaderListSize: MAX_HEADER_LIST_BYTES,
    };
    this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    const [http2] = inner.http2Servers.keys();
    if (http2 === undefined) throw new CairnError("INTERNAL", "Cannot find the gRPC library's HTTP/2 server");
    guardAgainstForeign(http2, () => this.#metrics.callRefused("not_grpc"));
    return http2;
  }

  #bind(method: DescMethod, handler: AnyHandler | undefined): BoundMethod {
    const name = `${method.parent.typeName}/${method.name}`;
    const metrics = this.#metrics.method(name);
    const kind = method.methodKind;
    if (handler === undefined || kind === "client_streaming") {
      const handle = () => {
        throw new CairnError("UNIMPLEMENTED", `Cannot call '${name}': not implemented`);
      };
      return { name, kind: "bidi_streaming", decode: identity, encode: identity, handle, metrics };
    }
    if (handler.raw) {
      return { name, kind, decode: identity, encode: identity, handle: handler.handle, metrics };
    }
    return {
      name,
      kind,
      decode: (bytes) => decode(method, bytes),
      // deno-lint-ignore no-explicit-any
      encode: (message) => toBinary(method.output, message as any),
      handle: handler.handle,
      metrics,
    };
  }

  #takeOver(path: string, raw: ServerInterceptingCallInterface): ServerInterceptingCall {
    const method = this.#methods.get(path);
    // Only registered paths get here, and every registered path has a method.
    if (method !== undefined) ServerCall.open(raw, method, this.#callDeps, (call) => this.#admit(call));
    return new DetachedCall(raw);
  }

  #admit(call: ServerCall): CairnError | undefined {
    const full = this.#calls.size >= this.#config.maxStreams;
    this.#calls.add(call);
    if (this.#stopping !== undefined) {
      this.#metrics.callRefused("stopping");
      return new CairnError("SHUTTING_DOWN", "Cannot take call: the node stops");
    }
    if (!full) return undefined;
    this.#metrics.callRefused("limit");
    return new CairnError("TOO_MANY_STREAMS", `Cannot take call: ${this.#config.maxStreams} are open`, {
      hint: "try again later",
    });
  }

  #release(call: ServerCall): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#idle?.resolve();
  }
}

/** What the library's own handler machinery is given in place of a call that is driven elsewhere: it never starts. */
class DetachedCall extends ServerInterceptingCall {
  override start(): void {}
}

/** A handler whose method is no longer known to the type system. */
interface AnyHandler {
  readonly raw?: boolean;
  readonly handle: BoundMethod["handle"];
}

// deno-lint-ignore no-explicit-any
const identity = (bytes: any) => bytes;

function decode(method: DescMethod, bytes: Uint8Array): unknown {
  try {
    return fromBinary(method.input, bytes);
  } catch (cause) {
    throw new CairnError("MALFORMED_MESSAGE", `Cannot decode ${method.input.typeName}`, { cause });
  }
}

/** Waits for `promise`, but not longer than `timeoutMs`. */
async function within(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
