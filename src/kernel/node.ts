/**
 * Life cycle: starts services in order of need, stops them in reverse, and bounds both.
 *
 * Layer: kernel. Knows no service by name; `src/node.ts` says which there are.
 *
 * @module
 */

import { type Clock, withDeadline } from "./clock.ts";
import { CairnError, toCairnError } from "./errors.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./log.ts";
import type { MetricScope } from "./metrics.ts";
import { orderByNeed } from "./order.ts";
import type { Service } from "./service.ts";
import type { Tracer } from "./telemetry.ts";

/** Options of {@link Node}; keys of the section `node`. */
export interface NodeOptions {
  /** Time one service may take to start. */
  readonly startTimeoutMs: number;
  /** Time all services together may take to stop. */
  readonly stopTimeoutMs: number;
}

/** What {@link Node} needs. */
export interface NodeDeps {
  readonly log: Logger;
  readonly metrics: MetricScope;
  readonly health: Health;
  readonly tracer: Tracer;
  readonly clock: Clock;
}

/**
 * A set of services with one life. Used once: start, then stop.
 *
 * @example A node without services starts and stops
 * ```ts ignore
 * const node = new Node([], { startTimeoutMs: 1_000, stopTimeoutMs: 1_000 }, deps);
 * await node.start();
 * await node.stop("done");
 * ```
 */
export class Node implements AsyncDisposable {
  readonly #services: readonly Service[];
  readonly #options: NodeOptions;
  readonly #deps: NodeDeps;
  readonly #root = new AbortController();
  readonly #finished = Promise.withResolvers<CairnError | undefined>();
  /** Services whose start was called, in that order: the ones that have to be stopped. */
  readonly #begun: Service[] = [];
  #starting: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  #failure: CairnError | undefined;

  /** @throws {CairnError} `SERVICE_START_FAILED` when the services cannot be ordered. */
  constructor(services: readonly Service[], options: NodeOptions, deps: NodeDeps) {
    this.#services = orderByNeed(services);
    this.#options = options;
    this.#deps = deps;
    for (const service of this.#services) deps.health.setState(service, "waiting");
  }

  /** Services in the order in which they start. */
  get services(): readonly Service[] {
    return this.#services;
  }

  /** Resolves when everything has stopped: with what made the node fail, or with nothing. Never rejects. */
  get finished(): Promise<CairnError | undefined> {
    return this.#finished.promise;
  }

  /**
   * Starts every service. Resolves when all are up, or when a stop asked for meanwhile is over.
   *
   * @throws {CairnError} What made a service fail, with its code kept, after the others have stopped.
   */
  async start(): Promise<void> {
    this.#starting = this.#startAll();
    await this.#starting;
    if (this.#stopping === undefined) return;
    const failure = await this.finished;
    if (failure) throw failure;
  }

  /** Stops every service; the first call decides. Resolves when all have stopped or the deadline has passed. */
  stop(reason: string): Promise<void> {
    this.#stopping ??= this.#stopAll(reason);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("disposed");
  }

  async #startAll(): Promise<void> {
    const { log, health, clock } = this.#deps;
    const beganMs = clock.nowMs();
    for (const service of this.#services) {
      if (this.#root.signal.aborted) return;
      if (!await this.#startOne(service)) return;
    }
    if (this.#root.signal.aborted) return;
    health.setPhase("running");
    log.info("Node is up", {
      services: this.#services.map(({ name }) => name),
      tookMs: clock.nowMs() - beganMs,
    });
  }

  async #startOne(service: Service): Promise<boolean> {
    const { log, metrics, health, tracer, clock } = this.#deps;
    const { name } = service;
    const beganMs = clock.nowMs();
    const abort = new AbortController();
    const signal = AbortSignal.any([this.#root.signal, abort.signal]);
    const context = {
      log: log.child(name),
      metrics: metrics.scope(name),
      fatal: (error: Error) => this.#fail(named(error, `Service '${name}' failed`)),
    };
    this.#begun.push(service);
    health.setState(service, "starting");
    const work = tracer.withSpan(
      "service.start",
      { "cairn.service": name },
      async () => await service.start(context, signal),
    );
    const outcome = await withDeadline(work, this.#options.startTimeoutMs, clock);
    if (outcome.kind === "done") {
      health.setState(service, "up");
      log.debug("Service is up", { service: name, tookMs: clock.nowMs() - beganMs });
      return true;
    }
    health.setState(service, "failed");
    // A start that was interrupted by a stop has not failed.
    if (this.#root.signal.aborted) return false;
    if (outcome.kind === "failed") {
      this.#fail(named(outcome.error, `Cannot start service '${name}'`, "SERVICE_START_FAILED"));
      return false;
    }
    const limitMs = this.#options.startTimeoutMs;
    const late = new CairnError(
      "SERVICE_START_FAILED",
      `Cannot start service '${name}': not up after ${limitMs} ms`,
      { hint: "raise node.startTimeoutMs if the machine is slow", detail: { service: name, limitMs } },
    );
    abort.abort(late);
    this.#fail(late);
    return false;
  }

  #fail(error: CairnError): void {
    if (this.#failure !== undefined) {
      return this.#deps.log.warn("Another failure while the node is going down", { error });
    }
    this.#failure = error;
    void this.stop("failure");
  }

  async #stopAll(reason: string): Promise<void> {
    const { log, health, clock } = this.#deps;
    const deadlineMs = clock.nowMs() + this.#options.stopTimeoutMs;
    health.setPhase("stopping");
    log.info("Node is stopping", { reason });
    this.#root.abort(new CairnError("SHUTTING_DOWN", `Node is stopping: ${reason}`));
    await withDeadline(this.#starting, this.#budgetMs(deadlineMs, this.#begun.length), clock);

    const stuck: string[] = [];
    const pending = [...this.#begun];
    for (let service = pending.pop(); service; service = pending.pop()) {
      const budgetMs = this.#budgetMs(deadlineMs, pending.length);
      if (!await this.#stopOne(service, budgetMs)) stuck.push(service.name);
    }
    if (stuck.length > 0) {
      this.#failure ??= new CairnError(
        "SERVICE_STOP_TIMEOUT",
        `Cannot stop ${stuck.map((name) => `'${name}'`).join(", ")} within ${this.#options.stopTimeoutMs} ms`,
        { hint: "raise node.stopTimeoutMs if there is that much to finish", detail: { services: stuck } },
      );
    }
    health.setPhase("stopped");
    log.info("Node has stopped", { reason });
    this.#finished.resolve(this.#failure);
  }

  /** @returns `false` when the service did not stop in time. */
  async #stopOne(service: Service, budgetMs: number): Promise<boolean> {
    const { log, health, clock } = this.#deps;
    const { name } = service;
    health.setState(service, "stopping");
    const work = (async () => await service[Symbol.asyncDispose]())();
    const outcome = await withDeadline(work, budgetMs, clock);
    if (outcome.kind === "late") {
      log.error("Service did not stop in time", { service: name, waitedMs: Math.round(budgetMs) });
      return false;
    }
    health.setState(service, outcome.kind === "done" ? "stopped" : "failed");
    if (outcome.kind === "failed") {
      const error = named(outcome.error, `Cannot stop service '${name}'`);
      log.error("Service failed to stop", { service: name, error });
      this.#failure ??= error;
    }
    return true;
  }

  /**
   * Time for the next step, when `later` services come after it. A tenth of the whole is kept for each of those, at
   * most half of what is left, so that one stuck service cannot take from the store below it the time to close.
   */
  #budgetMs(deadlineMs: number, later: number): number {
    const leftMs = Math.max(0, deadlineMs - this.#deps.clock.nowMs());
    if (later === 0) return leftMs;
    return Math.max(leftMs / 2, leftMs - later * this.#options.stopTimeoutMs / 10);
  }
}

/** Puts the failed action before the message and keeps code, hint and detail. */
function named(
  thrown: unknown,
  action: string,
  fallback: "SERVICE_START_FAILED" | "INTERNAL" = "INTERNAL",
): CairnError {
  const { code, message, hint, detail } = toCairnError(thrown, fallback);
  return new CairnError(code, `${action}: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    detail,
    cause: thrown,
  });
}
