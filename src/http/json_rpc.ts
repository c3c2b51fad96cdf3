/**
 * JSON-RPC 2.0 over HTTP POST: one path, a table of methods, and every bound that a public door needs. Routes of plain
 * HTTP may stand behind the same door.
 *
 * Layer: http. The methods belong to the service; this room knows transport, limits and errors.
 *
 * @module
 */

import { type Context as HonoContext, Hono } from "hono";
import type { Counter, Gauge, Histogram } from "prom-client";
import { CairnError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import { LATENCY_BUCKETS_SECONDS, type MetricScope } from "../kernel/metrics.ts";
import { readBody } from "./bounded_body.ts";
import { isAllowedHost, isAllowedOrigin } from "./host_check.ts";
import type { JsonRpcConfig } from "./json_rpc_config.ts";
import { errorText, JsonRpcDispatcher } from "./json_rpc_dispatch.ts";
import { isUnexpected, RPC_CODE } from "./json_rpc_error.ts";
import type { RpcMethods } from "./json_rpc_method.ts";
import { type HttpListener, type HttpPeer, listenHttp } from "./listen.ts";
import { problemResponse, RETRY_AFTER_SECONDS } from "./problem.ts";
import { RateLimit } from "./rate_limit.ts";

/** Options of {@link listenJsonRpc}. */
export interface JsonRpcOptions {
  readonly config: JsonRpcConfig;
  /** Section of the configuration that holds `host` and `port`, for hints. */
  readonly section: string;
  /** Codes of errors that are answered with HTTP status 400 instead of 200. A batch is always 200. */
  readonly badRequestCodes: ReadonlySet<number>;
}

/** What the listener needs. */
export interface JsonRpcDeps {
  readonly methods: RpcMethods;
  /** Plain HTTP beside it, behind the same checks and limits; a request counts as one call. @default none */
  readonly routes?: readonly HttpRoute[];
  readonly log: Logger;
  readonly metrics: JsonRpcMetrics;
}

/** A request to an {@link HttpRoute}. */
export interface RouteRequest {
  /** Named parts of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Of a POST, as text; empty otherwise. */
  readonly body: string;
}

/** One route. What it throws is answered as problem+json. */
export interface HttpRoute {
  readonly method: "GET" | "POST";
  /** As Hono writes it: `/block/:height`. */
  readonly path: string;
  handle(request: RouteRequest): Response | Promise<Response>;
}

/** Metrics of a JSON-RPC listener. */
export interface JsonRpcMetrics {
  readonly requests: Counter<"status">;
  readonly calls: Counter<"method" | "outcome">;
  readonly callSeconds: Histogram;
  readonly inFlight: Gauge;
}

/** Registers the metrics in `scope`, such as `cairn_rootstock_jsonrpc_`. */
export function createJsonRpcMetrics(scope: MetricScope): JsonRpcMetrics {
  return {
    requests: scope.counter({
      name: "requests_total",
      help: "HTTP requests answered; a growing 429 or 503 means that callers meet the limits",
      labels: ["status"],
    }),
    calls: scope.counter({
      name: "calls_total",
      help: "Calls answered, of batches one by one; outcome is `ok` or the code of the error",
      labels: ["method", "outcome"],
    }),
    callSeconds: scope.histogram({
      name: "call_duration_seconds",
      help: "Time from a parsed call to its answer",
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    inFlight: scope.gauge({ name: "requests_in_flight", help: "HTTP requests that are being answered" }),
  };
}

type Env = { Bindings: HttpPeer };

/**
 * Listens and answers.
 *
 * @throws {CairnError} As `listenHttp`.
 */
export function listenJsonRpc(options: JsonRpcOptions, deps: JsonRpcDeps): HttpListener {
  const app = jsonRpcApp(options, deps);
  const { host, port } = options.config;
  return listenHttp(
    { host, port, section: options.section },
    (request, peer) => app.fetch(request, peer),
  );
}

const JSON_TYPES: ReadonlySet<string> = new Set(["application/json", "application/json-rpc"]);
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** For routes, whose handlers say what is wrong with their text. */
const UTF8_TEXT = new TextDecoder();

/** The routes, without a socket. `fetch` takes the caller's address as its second argument. */
export function jsonRpcApp({ config, badRequestCodes }: JsonRpcOptions, deps: JsonRpcDeps): Hono<Env> {
  const { log, metrics, routes = [] } = deps;
  const { batchCalls, responseBytes, bodyBytes, timeoutMs, requestsInFlight } = config;
  const dispatcher = new JsonRpcDispatcher({
    ...deps,
    limits: { batchCalls, responseBytes },
    observer: {
      called(method, code, seconds) {
        metrics.calls.inc({ method, outcome: code === undefined ? "ok" : String(code) });
        metrics.callSeconds.observe(seconds);
      },
    },
  });
  const limit = new RateLimit({
    perSecond: config.callsPerSecond,
    burst: config.callsBurst,
    addresses: config.rateAddresses,
  });
  const hosts = {
    listenHost: config.host,
    allowedHosts: config.allowedHosts,
    allowedOrigins: config.allowedOrigins,
  };
  let inFlight = 0;
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    metrics.inFlight.set(++inFlight);
    try {
      await next();
    } finally {
      metrics.inFlight.set(--inFlight);
      metrics.requests.inc({ status: c.res.status });
      c.res.headers.set("cache-control", "no-store");
    }
  });

  app.use(async (c, next) => {
    const { headers } = c.req.raw;
    if (!isAllowedHost(headers.get("host"), hosts)) {
      return refuse(c, 403, "Host is not a name of this node", "add it to allowedHosts");
    }
    const origin = headers.get("origin");
    if (!isAllowedOrigin(origin, hosts)) {
      return refuse(c, 403, "Web pages of this origin may not call", "add it to allowedOrigins");
    }
    await next();
    if (origin !== null) {
      c.res.headers.set("access-control-allow-origin", origin);
      c.res.headers.append("vary", "origin");
    }
  });

  // Reached by allowed origins alone: what a browser asks before it lets a page call.
  app.options(routes.length === 0 ? "/" : "*", (c) => {
    if (c.req.header("origin") === undefined) return methodNotAllowed(c);
    c.header("access-control-allow-methods", routes.length === 0 ? "POST" : "GET, POST");
    c.header("access-control-allow-headers", "content-type");
    c.header("access-control-max-age", "600");
    return c.body(null, 204);
  });

  app.post("/", async (c) => {
    return refuseBody(c) ?? await within(c, async (signal) => await respond(c, signal));
  });

  for (const { method, path, handle } of routes) {
    app.on(method, path, async (c) => {
      const refused = method === "POST" ? refuseBody(c) : undefined;
      return refused ?? await within(c, async (signal) => {
        const waitSeconds = limit.take(c.env.remoteAddress, 1, performance.now());
        if (waitSeconds > 0) return busy(c, 429, Math.ceil(waitSeconds), "Too many calls from this address");
        try {
          const body = method === "POST"
            ? UTF8_TEXT.decode(await readBody(c.req.raw, bodyBytes, signal))
            : "";
          return await handle({ params: c.req.param(), query: new URL(c.req.url).searchParams, body });
        } catch (thrown) {
          if (isUnexpected(thrown)) log.error("HTTP request failed", { path, error: thrown });
          return problemResponse(thrown);
        }
      });
    });
  }

  /** Why a POST is not read: what no web page can send without asking is all that is taken. */
  function refuseBody(c: HonoContext<Env>): Response | undefined {
    const { headers } = c.req.raw;
    const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
    if (type === undefined || !JSON_TYPES.has(type)) {
      return refuse(c, 415, "Content-Type must be application/json");
    }
    if ((headers.get("content-encoding") ?? "identity") !== "identity") {
      return refuse(c, 415, "Content-Encoding is not supported");
    }
    return undefined;
  }

  /** Runs within the bounds of number and time. */
  async function within(
    c: HonoContext<Env>,
    run: (signal: AbortSignal) => Promise<Response>,
  ): Promise<Response> {
    if (inFlight > requestsInFlight) {
      return busy(c, 503, RETRY_AFTER_SECONDS, "Too many requests are being answered");
    }
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    try {
      return await run(controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  app.all("/", methodNotAllowed);
  app.notFound((c) => refuse(c, 404, "Not found", "POST to /"));
  app.onError((error, c) => {
    if (error instanceof CairnError) return refuse(c, error.mapping.http, error.message);
    log.error("JSON-RPC request failed", { error });
    return answer(errorText(null, { code: RPC_CODE.INTERNAL, message: "Internal error" }), 500);
  });

  async function respond(c: HonoContext<Env>, signal: AbortSignal): Promise<Response> {
    const bytes = await readBody(c.req.raw, bodyBytes, signal);
    let body: unknown;
    try {
      body = JSON.parse(UTF8.decode(bytes));
    } catch {
      const error = { code: RPC_CODE.PARSE_ERROR, message: "Parse error: the body is not JSON" };
      return answer(errorText(null, error), statusOf(error.code));
    }
    const calls = Math.min(JsonRpcDispatcher.calls(body), batchCalls, config.callsBurst);
    const waitSeconds = limit.take(c.env.remoteAddress, calls, performance.now());
    if (waitSeconds > 0) return busy(c, 429, Math.ceil(waitSeconds), "Too many calls from this address");
    const { text, code } = await dispatcher.dispatch(body, signal);
    return text === undefined ? new Response(null, { status: 204 }) : answer(text, statusOf(code));
  }

  function statusOf(code: number | undefined): number {
    return code !== undefined && badRequestCodes.has(code) ? 400 : 200;
  }

  return app;
}

function methodNotAllowed(c: HonoContext<Env>): Response {
  const response = refuse(c, 405, "Method not allowed", "use POST");
  response.headers.set("allow", "POST");
  return response;
}

function busy(c: HonoContext<Env>, status: number, seconds: number, reason: string): Response {
  const error = { code: RPC_CODE.LIMIT_EXCEEDED, message: reason, data: { retryAfterSeconds: seconds } };
  const response = answer(errorText(null, error), status);
  response.headers.set("retry-after", String(seconds));
  void c.req.raw.body?.cancel().catch(() => {});
  return response;
}

/** What is no request to JSON-RPC's rules is refused by HTTP's, with a body that its clients can read. */
function refuse(c: HonoContext<Env>, status: number, reason: string, hint?: string): Response {
  const data = hint === undefined ? {} : { data: { hint } };
  void c.req.raw.body?.cancel().catch(() => {});
  return answer(errorText(null, { code: RPC_CODE.INVALID_REQUEST, message: reason, ...data }), status);
}

function answer(text: string, status: number): Response {
  return new Response(text, { status, headers: { "content-type": "application/json" } });
}
