/**
 * The admin listener: `/healthz`, `/readyz`, `/metrics`, `/version`, `/statusz`.
 *
 * Layer: http. It starts first and stops last, so that probes get an answer during both.
 *
 * @module
 */

import { Hono } from "hono";
import type { Counter } from "prom-client";
import { CairnError } from "../kernel/errors.ts";
import type { Health } from "../kernel/health.ts";
import type { Logger } from "../kernel/log.ts";
import type { MetricScope } from "../kernel/metrics.ts";
import type { Context, Readiness, Service } from "../kernel/service.ts";
import { formatAddress, type HttpListener, listenHttp } from "./listen.ts";
import { problemResponse, RETRY_AFTER_SECONDS } from "./problem.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request_id.ts";

/** Options of {@link AdminService}; keys of the section `admin`. */
export interface AdminOptions {
  readonly host: string;
  readonly port: number;
}

/** What {@link AdminService} needs. */
export interface AdminDeps {
  readonly health: Health;
  /** Any scope of the registry that `/metrics` shows. */
  readonly metrics: MetricScope;
}

type Env = { Variables: { requestId: string } };

/** Serves {@link adminApp} on an address of its own. */
export class AdminService implements Service {
  readonly name = "admin";
  readonly needs: readonly string[] = [];
  readonly #options: AdminOptions;
  readonly #deps: AdminDeps;
  #listener: HttpListener | undefined;

  constructor(options: AdminOptions, deps: AdminDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  // deno-lint-ignore require-await -- a refused address must reject
  async start(context: Context): Promise<void> {
    const requests = createAdminMetrics(context.metrics);
    const app = adminApp({ ...this.#deps, log: context.log, requests });
    this.#listener = listenHttp({ ...this.#options, section: "admin" }, (request) => app.fetch(request));
  }

  readiness(): Readiness {
    return this.#listener === undefined ? { ready: false, reason: "is not listening" } : { ready: true };
  }

  listening(): readonly string[] {
    const listener = this.#listener;
    return listener === undefined ? [] : [`http ${formatAddress(listener)}`];
  }

  /** Port it listens on; what was asked for, or the free one that was found. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    await listener?.[Symbol.asyncDispose]();
  }
}

/** Registers the listener's one metric in `scope`, such as `cairn_admin_`. */
export function createAdminMetrics(scope: MetricScope): Counter<"path" | "status"> {
  return scope.counter({
    name: "requests_total",
    help: "Requests served; a flat line means that probes no longer get through",
    labels: ["path", "status"],
  });
}

/** What the routes need beyond {@link AdminDeps}. */
export interface AdminAppDeps extends AdminDeps {
  readonly log: Logger;
  readonly requests: Counter<"path" | "status">;
}

const PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics", "/version", "/statusz"]);

/** The routes, without a socket. */
export function adminApp({ health, metrics, log, requests }: AdminAppDeps): Hono<Env> {
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    const requestId = requestIdOf(c.req.raw);
    c.set("requestId", requestId);
    const beganMs = performance.now();
    await next();
    c.res.headers.set(REQUEST_ID_HEADER, requestId);
    c.res.headers.set("cache-control", "no-store");
    // What callers make up is one label, or they could grow the metric without bound.
    requests.inc({ path: PATHS.has(c.req.path) ? c.req.path : "other", status: c.res.status });
    const tookMs = Math.round((performance.now() - beganMs) * 1_000) / 1_000;
    log.debug("Request served", {
      requestId,
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      tookMs,
    });
  });

  app.use(async (c, next) => {
    if (c.req.method === "GET" || c.req.method === "HEAD") return await next();
    const error = new CairnError("METHOD_NOT_ALLOWED", `Cannot ${c.req.method} ${c.req.path}`, {
      hint: "use GET or HEAD",
    });
    const response = problemResponse(error, c.get("requestId"));
    response.headers.set("allow", "GET, HEAD");
    return response;
  });

  app.get("/healthz", (c) => c.json({ status: "ok", phase: health.phase }));

  app.get("/readyz", async (c) => {
    const report = await health.readiness();
    if (report.ready) return c.json(report);
    return c.json(report, 503, { "retry-after": String(RETRY_AFTER_SECONDS) });
  });

  app.get("/metrics", async (c) => {
    const { registry } = metrics;
    return c.body(await registry.metrics(), 200, { "content-type": registry.contentType });
  });

  app.get("/version", (c) => c.json(health.build));
  app.get("/statusz", (c) => c.json(health.status()));

  app.notFound((c) => {
    const error = new CairnError("ROUTE_NOT_FOUND", `Cannot find ${c.req.path}`, {
      hint: `there are ${[...PATHS].join(", ")}`,
    });
    return problemResponse(error, c.get("requestId"));
  });

  app.onError((error, c) => {
    const requestId = c.get("requestId");
    log.error("Request failed", { requestId, path: c.req.path, error });
    return problemResponse(error, requestId);
  });
  return app;
}
