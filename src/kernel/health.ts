/**
 * What the node says of itself: phase, state and readiness of every service, facts for `/statusz`.
 *
 * Layer: kernel. The admin listener in `src/http/admin.ts` serves it.
 *
 * @module
 */

import { type Clock, withDeadline } from "./clock.ts";
import type { MetricScope } from "./metrics.ts";
import type { Readiness, Service } from "./service.ts";
import type { BuildInfo } from "./version.ts";

/** Where the node is in its life; the order is the value of the gauge `cairn_node_phase`. */
export const PHASES = ["starting", "running", "stopping", "stopped"] as const;
export type Phase = typeof PHASES[number];

/** Where one service is in its life. */
export type ServiceState = "waiting" | "starting" | "up" | "stopping" | "stopped" | "failed";

/** Readiness of one service. */
export interface ServiceReadiness {
  readonly name: string;
  readonly state: ServiceState;
  readonly ready: boolean;
  readonly reason?: string;
  /** What is wrong although the service is ready. */
  readonly note?: string;
}

/** Answer of `/readyz`. */
export interface ReadinessReport {
  readonly ready: boolean;
  readonly phase: Phase;
  /** One sentence for everything that stands in the way; empty when ready. */
  readonly reasons: readonly string[];
  readonly services: readonly ServiceReadiness[];
}

/** Answer of `/statusz`. */
export interface StatusReport {
  readonly phase: Phase;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly build: BuildInfo;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly services: readonly {
    readonly name: string;
    readonly state: ServiceState;
    readonly needs: readonly string[];
    readonly listening: readonly string[];
    readonly status: Readonly<Record<string, unknown>>;
  }[];
}

/** Options of {@link Health}. */
export interface HealthOptions {
  readonly build: BuildInfo;
  /** Time a service may take to answer, in milliseconds; then it counts as not ready. @default {1_000} */
  readonly readinessTimeoutMs?: number;
}

/** What {@link Health} needs. */
export interface HealthDeps {
  readonly metrics: MetricScope;
  readonly clock: Clock;
}

/** Collects states from the node and answers probes. */
export class Health {
  readonly build: BuildInfo;
  readonly #readinessTimeoutMs: number;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #states = new Map<Service, ServiceState>();
  readonly #facts: Record<string, unknown> = {};
  #phase: Phase = "starting";

  constructor(options: HealthOptions, { metrics, clock }: HealthDeps) {
    this.build = options.build;
    this.#readinessTimeoutMs = options.readinessTimeoutMs ?? 1_000;
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
    metrics.scope("node").gauge({
      name: "phase",
      help: "Phase of the node: 0 starting, 1 running, 2 stopping, 3 stopped",
      collect: (gauge) => gauge.set(PHASES.indexOf(this.#phase)),
    });
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Called by the node. */
  setPhase(phase: Phase): void {
    this.#phase = phase;
  }

  /** Called by the node; services are reported in the order in which they were first set. */
  setState(service: Service, state: ServiceState): void {
    this.#states.set(service, state);
  }

  /** Sets a fact for `/statusz`, such as the profile. */
  setFact(name: string, value: unknown): void {
    this.#facts[name] = value;
  }

  /** Asks every service, at the same time. */
  async readiness(): Promise<ReadinessReport> {
    const services = await Promise.all(
      [...this.#states].map(([service, state]) => this.#ask(service, state)),
    );
    const reasons = services.filter((service) => !service.ready).map(({ name, reason }) =>
      `${name}: ${reason}`
    );
    if (this.#phase !== "running") reasons.unshift(`node: is ${this.#phase}`);
    return { ready: reasons.length === 0, phase: this.#phase, reasons, services };
  }

  /** Everything an operator may want to see at once. */
  status(): StatusReport {
    return {
      phase: this.#phase,
      startedAt: new Date(this.#startedMs).toISOString(),
      uptimeSeconds: Math.round((this.#clock.nowMs() - this.#startedMs) / 1_000),
      build: this.build,
      facts: { ...this.#facts },
      services: [...this.#states].map(([service, state]) => ({
        name: service.name,
        state,
        needs: service.needs,
        listening: state === "up" ? service.listening?.() ?? [] : [],
        status: state === "up" ? service.status?.() ?? {} : {},
      })),
    };
  }

  async #ask(service: Service, state: ServiceState): Promise<ServiceReadiness> {
    const { name } = service;
    if (state !== "up") return { name, state, ready: false, reason: `is ${state}` };
    const work = (async () => await service.readiness())();
    const outcome = await withDeadline<Readiness>(work, this.#readinessTimeoutMs, this.#clock);
    if (outcome.kind === "done") return { name, state, ...outcome.value };
    const reason = outcome.kind === "late"
      ? `did not answer within ${this.#readinessTimeoutMs} ms`
      : `readiness check failed: ${outcome.error instanceof Error ? outcome.error.message : outcome.error}`;
    return { name, state, ready: false, reason };
  }
}
