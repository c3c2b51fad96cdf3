/**
 * Spans over OpenTelemetry. Deno registers the provider when the process is started with `OTEL_DENO=true`.
 *
 * Layer: kernel. Without a provider `withSpan` is one branch and a call: no span object, no context switch.
 *
 * @module
 */

import {
  type Attributes,
  ProxyTracerProvider,
  type Span,
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
    return this.#tracer.startActiveSpan(name, { attributes }, async (span) => {
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
    });
  }

  /** Ids of the active span as log fields, so that log lines and traces meet. */
  activeIds(): { readonly traceId: string; readonly spanId: string } | undefined {
    if (this.#tracer === undefined) return undefined;
    const context = trace.getActiveSpan()?.spanContext();
    return context && { traceId: context.traceId, spanId: context.spanId };
  }
}

/** The API's own proxy stands in until somebody registers a real provider behind or instead of it. */
function hasProvider(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(SCOPE_NAME) !== undefined;
}
