/**
 * Spans over OpenTelemetry. Deno registers the provider when the process is started with `OTEL_DENO=true`.
 *
 * Layer: kernel. Without a provider `withSpan` is one branch and a call: no span object, no context switch.
 *
 * @module
 */

import {
  type Attributes,
  type Context as OtelContext,
  context,
  propagation,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer as OtelTracer,
} from "@opentelemetry/api";
import { toCairnError } from "./errors.ts";

/** Name of the instrumentation scope of the node's own spans. */
const SCOPE_NAME = "cairn";

/** Options of {@link Tracer}. */
export interface TracerOptions {
  /** `false` records nothing even where a provider is registered. @default {true} */
  readonly spans?: boolean;
}

/** How {@link Tracer.serve} names a request. */
export interface ServedRequest {
  readonly name: string;
  readonly attributes: Attributes;
  /** What the peer sent with it; `traceparent` and `tracestate` make the span a part of the peer's trace. */
  readonly metadata: () => ReadonlyMap<string, string>;
}

/** Work that is over, with its parts. Times in milliseconds since the epoch, with fractions. */
export interface FinishedWork {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes?: Attributes;
  readonly parts?: readonly FinishedWork[];
}

const MAP_GETTER = {
  get: (carrier: ReadonlyMap<string, string>, key: string) => carrier.get(key),
  keys: (carrier: ReadonlyMap<string, string>) => [...carrier.keys()],
};

/** Records the node's own spans. */
export class Tracer {
  readonly #tracer: OtelTracer | undefined;

  constructor({ spans = true }: TracerOptions = {}) {
    this.#tracer = spans && hasProvider() ? trace.getTracer(SCOPE_NAME) : undefined;
  }

  /** Whether spans are recorded. */
  get enabled(): boolean {
    return this.#tracer !== undefined;
  }

  /**
   * Runs `work` inside a span; spans opened meanwhile become its children. A failure is recorded with its code
   * and thrown on unchanged.
   */
  withSpan<T>(name: string, attributes: Attributes, work: (span?: Span) => Promise<T>): Promise<T> {
    if (this.#tracer === undefined) return work();
    return this.#tracer.startActiveSpan(name, { attributes }, (span) => finish(span, work));
  }

  /** As {@link withSpan}, for a peer's request: the span continues the peer's trace. */
  serve<T>({ name, attributes, metadata }: ServedRequest, work: () => Promise<T>): Promise<T> {
    if (this.#tracer === undefined) return work();
    const parent = propagation.extract(context.active(), metadata(), MAP_GETTER);
    const options = { attributes, kind: SpanKind.SERVER };
    return this.#tracer.startActiveSpan(name, options, parent, (span) => finish(span, work));
  }

  /** Records work that crossed threads and queues, once it is over: a trace of its own. */
  record(work: FinishedWork): void {
    if (this.#tracer !== undefined) recordUnder(ROOT_CONTEXT, work, this.#tracer);
  }

  /** Ids of the active span as log fields, so that log lines and traces meet. */
  activeIds(): { readonly traceId: string; readonly spanId: string } | undefined {
    if (this.#tracer === undefined) return undefined;
    const context = trace.getActiveSpan()?.spanContext();
    return context && { traceId: context.traceId, spanId: context.spanId };
  }
}

async function finish<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await work(span);
  } catch (thrown) {
    const { code, message } = toCairnError(thrown);
    span.setAttribute("error.type", code);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    throw thrown;
  } finally {
    span.end();
  }
}

function recordUnder(parent: OtelContext, work: FinishedWork, tracer: OtelTracer): void {
  const { name, startMs, endMs, attributes = {}, parts = [] } = work;
  const span = tracer.startSpan(name, { startTime: startMs, attributes }, parent);
  for (const part of parts) recordUnder(trace.setSpan(parent, span), part, tracer);
  span.end(endMs);
}

/** The API's own proxy stands in until somebody registers a real provider behind or instead of it. */
function hasProvider(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(SCOPE_NAME) !== undefined;
}
