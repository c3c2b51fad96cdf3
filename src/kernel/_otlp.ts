/**
 * An OpenTelemetry collector for tests: takes spans over OTLP as JSON and keeps those of the node.
 *
 * Layer: kernel, tests only.
 *
 * @module
 */

/** A span as OTLP writes it. */
export interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

/** Listens on a free port until it is disposed. */
export class OtlpCollector implements AsyncDisposable {
  readonly spans: OtlpSpan[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => this.#take(request),
  );

  /** Environment of a process that sends here. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
    };
  }

  /** The first span of this name. */
  span(name: string): OtlpSpan | undefined {
    return this.spans.find((span) => span.name === name);
  }

  async #take(request: Request): Promise<Response> {
    const body = await request.json();
    for (const resource of body.resourceSpans ?? []) {
      for (const { scope, spans } of resource.scopeSpans) {
        if (scope.name === "cairn") this.spans.push(...spans);
      }
    }
    return Response.json({});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
