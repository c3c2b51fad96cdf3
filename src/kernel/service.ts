/**
 * The shape every service has, and what it is given.
 *
 * Layer: kernel. The storage engine and the RPC shell live on the floor above; a service that needs them takes
 * them in its constructor, from `src/node.ts`, the one place that knows every service.
 *
 * @module
 */

import type { Logger } from "./log.ts";
import type { MetricScope } from "./metrics.ts";

/**
 * Whether a service can do its work, and why not. `reason` is one sentence for the operator, `note` what is wrong
 * although it can.
 */
export type Readiness =
  | { readonly ready: true; readonly note?: string }
  | { readonly ready: false; readonly reason: string };

/** What a service is given at its start. */
export interface Context {
  /** Child logger of this service. */
  readonly log: Logger;
  /** Registers metrics under `cairn_<service>_`. */
  readonly metrics: MetricScope;
  /** Reports a failure the service cannot survive: the node stops and exits 1 with one line. */
  readonly fatal: (error: Error) => void;
}

/** A part of the node that can be started and stopped. Constructing one does nothing. */
export interface Service extends AsyncDisposable {
  readonly name: string;
  /** Names of services that must be up first. */
  readonly needs: readonly string[];
  /** Resolves when the service serves. `signal` aborts a start that is taking too long or no longer wanted. */
  start(context: Context, signal: AbortSignal): Promise<void>;
  /** Asked by `/readyz`; must be cheap and must not throw. */
  readiness(): Readiness | Promise<Readiness>;
  /** Address lines for the start-up banner and `/statusz`, such as `grpc 127.0.0.1:40840`. */
  listening?(): readonly string[];
  /** Facts for `/statusz`; JSON-serializable. */
  status?(): Readonly<Record<string, unknown>>;
  /** Stops: in-flight work finishes, what was acknowledged is on disk. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
