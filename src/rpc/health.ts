/**
 * grpc.health.v1: what probes ask.
 *
 * Layer: rpc. Source: github.com/grpc/grpc/blob/master/doc/health-checking.md.
 *
 * @module
 */

import { create } from "@bufbuild/protobuf";
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from "../../proto/gen/grpc/health/v1/health_pb.ts";
import type {
  Health,
  HealthCheckRequest,
  HealthCheckResponse,
} from "../../proto/gen/grpc/health/v1/health_pb.ts";
import { CairnError } from "../kernel/errors.ts";
import type { CallContext, Sender, ServiceHandlers } from "./types.ts";

/** What a service can be. */
export type HealthStatus = "SERVING" | "NOT_SERVING";

type Watcher = (status: ServingStatus) => void;

/** Status by service name; the empty name is the whole server. */
export class HealthBoard {
  readonly #statuses = new Map<string, ServingStatus>([["", ServingStatus.NOT_SERVING]]);
  // Bounded by the server's limit of open calls.
  readonly #watchers = new Map<Watcher, string>();
  #closed = false;

  /** Handlers of the Health service. */
  readonly handlers: ServiceHandlers<typeof Health> = {
    check: { handle: (request) => this.#check(request) },
    watch: { handle: (request, sender, context) => this.#watch(request, sender, context) },
  };

  /** Sets a status and tells who watches it. */
  set(service: string, status: HealthStatus): void {
    const value = ServingStatus[status];
    if (this.#statuses.get(service) === value) return;
    this.#statuses.set(service, value);
    for (const [watcher, watched] of this.#watchers) if (watched === service) watcher(value);
  }

  /** Everything stops serving, and whoever watches is told and let go: a probe must not hold up a stop. */
  close(): void {
    this.#closed = true;
    for (const service of this.#statuses.keys()) this.set(service, "NOT_SERVING");
    for (const watcher of [...this.#watchers.keys()]) watcher(ServingStatus.UNKNOWN);
  }

  // deno-lint-ignore require-await -- the handler's type asks for a promise, and a throw must become a rejection
  async #check(request: HealthCheckRequest): Promise<HealthCheckResponse> {
    const status = this.#statuses.get(request.service);
    if (status === undefined) {
      throw new CairnError("SERVICE_UNKNOWN", "Cannot check health: no such service");
    }
    return create(HealthCheckResponseSchema, { status });
  }

  async #watch(
    request: HealthCheckRequest,
    sender: Sender<HealthCheckResponse>,
    { signal }: CallContext,
  ): Promise<void> {
    const done = Promise.withResolvers<void>();
    const watcher: Watcher = (status) => {
      if (status === ServingStatus.UNKNOWN) done.resolve();
      else sender.send(create(HealthCheckResponseSchema, { status }));
    };
    watcher(this.#statuses.get(request.service) ?? ServingStatus.SERVICE_UNKNOWN);
    if (this.#closed) return;
    this.#watchers.set(watcher, request.service);
    signal.addEventListener("abort", () => done.resolve(), { once: true });
    if (signal.aborted) done.resolve();
    await done.promise;
    this.#watchers.delete(watcher);
  }
}
