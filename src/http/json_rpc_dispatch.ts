/**
 * From the text of a JSON-RPC 2.0 request or batch to the text of the answer, without a socket.
 *
 * Layer: http. Source: jsonrpc.org/specification.
 *
 * @module
 */

import type { Logger } from "../kernel/log.ts";
import { isUnexpected, JsonRpcError, RPC_CODE, type RpcErrorBody, rpcErrorBody } from "./json_rpc_error.ts";
import type { RpcMethods } from "./json_rpc_method.ts";

/** Bounds of one request. */
export interface DispatchLimits {
  /** Calls of one batch. */
  readonly batchCalls: number;
  /** UTF-8 bytes of the answer. */
  readonly responseBytes: number;
}

/** What {@link JsonRpcDispatcher} tells of each call. */
export interface CallObserver {
  /** @param method Name in the table, or `unknown`: callers must not be able to grow a metric. */
  called(method: string, code: number | undefined, seconds: number): void;
}

/** What {@link JsonRpcDispatcher} needs. */
export interface DispatchDeps {
  readonly methods: RpcMethods;
  readonly limits: DispatchLimits;
  readonly log: Logger;
  readonly observer: CallObserver;
}

/** An answer; no text where there is nothing to answer (notifications alone). */
export interface DispatchResult {
  readonly text: string | undefined;
  /** Code of the error, if the answer is one error and no batch. */
  readonly code: number | undefined;
}

type Id = string | number | null;

/** A request as parsed, or what is wrong with it. */
interface Parsed {
  /** `undefined` in a notification. */
  readonly id: Id | undefined;
  readonly method: string;
  readonly params: unknown;
  readonly fault: JsonRpcError | undefined;
}

const UTF8 = new TextEncoder();

/** Answers requests from one table of methods. */
export class JsonRpcDispatcher {
  readonly #deps: DispatchDeps;
  readonly #methods: ReadonlyMap<string, RpcMethods[string]>;

  constructor(deps: DispatchDeps) {
    this.#deps = deps;
    this.#methods = new Map(Object.entries(deps.methods));
  }

  /** Calls that {@link dispatch} would make of a parsed body: what a rate limit counts. */
  static calls(body: unknown): number {
    return Array.isArray(body) ? Math.max(1, body.length) : 1;
  }

  /** Answers a parsed body. When `signal` aborts, what has no answer yet gets `RESOURCE_LIMIT`. */
  async dispatch(body: unknown, signal: AbortSignal): Promise<DispatchResult> {
    if (!Array.isArray(body)) {
      const answer = await this.#answer(parseRequest(body), signal);
      return answer === undefined ? { text: undefined, code: undefined } : this.#single(answer);
    }
    const { batchCalls } = this.#deps.limits;
    if (body.length === 0) return this.#refusal("Invalid request: an empty batch");
    if (body.length > batchCalls) {
      return this.#refusal(`Invalid request: ${body.length} calls in a batch, the limit is ${batchCalls}`);
    }
    const answers = await Promise.all(body.map((entry) => this.#answer(parseRequest(entry), signal)));
    return { text: this.#batch(answers.filter((answer) => answer !== undefined)), code: undefined };
  }

  #refusal(message: string): DispatchResult {
    const error = { code: RPC_CODE.INVALID_REQUEST, message };
    return { text: errorText(null, error), code: error.code };
  }

  #single({ id, text, code }: Answer): DispatchResult {
    const { responseBytes } = this.#deps.limits;
    if (!isLonger(text, responseBytes)) return { text, code };
    const error = tooLarge(responseBytes);
    return { text: errorText(id, error), code: error.code };
  }

  /** Answers that no longer fit become errors, so that the caller learns which. */
  #batch(answers: readonly Answer[]): string | undefined {
    if (answers.length === 0) return undefined;
    let left = this.#deps.limits.responseBytes;
    const texts = answers.map(({ id, text }) => {
      const shown = isLonger(text, left) ? errorText(id, tooLarge(this.#deps.limits.responseBytes)) : text;
      left -= shown.length;
      return shown;
    });
    return `[${texts.join(",")}]`;
  }

  async #answer(request: Parsed, signal: AbortSignal): Promise<Answer | undefined> {
    const beganMs = performance.now();
    const { id, method } = request;
    let error: RpcErrorBody | undefined;
    let text = "";
    try {
      const result = await this.#call(request, signal);
      if (id !== undefined) text = resultText(id, result);
    } catch (thrown) {
      if (isUnexpected(thrown)) this.#deps.log.error("JSON-RPC call failed", { method, error: thrown });
      error = rpcErrorBody(thrown);
      if (id !== undefined) text = errorText(id, error);
    }
    const name = this.#methods.has(method) ? method : "unknown";
    this.#deps.observer.called(name, error?.code, (performance.now() - beganMs) / 1_000);
    return id === undefined ? undefined : { id, text, code: error?.code };
  }

  async #call({ method, params, fault }: Parsed, signal: AbortSignal): Promise<unknown> {
    if (fault !== undefined) throw fault;
    const found = this.#methods.get(method);
    if (found === undefined) {
      throw new JsonRpcError(RPC_CODE.METHOD_NOT_FOUND, `Method not found: ${method.slice(0, 100)}`);
    }
    return await unlessAborted(found.call(params, { signal }), signal);
  }
}

interface Answer {
  readonly id: Id;
  readonly text: string;
  readonly code: number | undefined;
}

/** Body of an error response. */
export function errorText(id: Id, error: RpcErrorBody): string {
  return JSON.stringify({ jsonrpc: "2.0", id, error });
}

function resultText(id: Id, result: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id, result: result === undefined ? null : result });
}

function tooLarge(limit: number): RpcErrorBody {
  return { code: RPC_CODE.RESOURCE_LIMIT, message: `Response too large: the limit is ${limit} bytes` };
}

/** Whether a text has more UTF-8 bytes than `bytes`; counts only when its length does not tell. */
function isLonger(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  return text.length * 3 > bytes && UTF8.encode(text).length > bytes;
}

function parseRequest(value: unknown): Parsed {
  const refuse = (id: Id, reason: string, code: number = RPC_CODE.INVALID_REQUEST): Parsed => {
    const kind = code === RPC_CODE.INVALID_PARAMS ? "Invalid params" : "Invalid request";
    return { id, method: "", params: undefined, fault: new JsonRpcError(code, `${kind}: ${reason}`) };
  };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(null, "expected an object");
  }
  const { jsonrpc, method, id, params } = value as Record<string, unknown>;
  // Without an id nobody waits for an answer; an id of another type cannot be echoed.
  const isId = id === null || typeof id === "string" || typeof id === "number";
  if (id !== undefined && !isId) return refuse(null, "id must be a string, a number or null");
  if (typeof id === "number" && Number.isInteger(id) && !Number.isSafeInteger(id)) {
    return refuse(null, "id is a number too large to be echoed; send it as a string");
  }
  // What is no request gets an answer even without an id (section 5.1).
  if (jsonrpc !== "2.0") return refuse(id ?? null, 'jsonrpc must be "2.0"');
  if (typeof method !== "string") return refuse(id ?? null, "method must be a string");
  if (params !== undefined && params !== null && typeof params !== "object") {
    return refuse(id ?? null, "expected an array or an object", RPC_CODE.INVALID_PARAMS);
  }
  return { id, method, params: params ?? undefined, fault: undefined };
}

/** Rejects with `RESOURCE_LIMIT` as soon as the signal aborts; the work itself is told by the same signal. */
async function unlessAborted(work: unknown, signal: AbortSignal): Promise<unknown> {
  if (!(work instanceof Promise)) return work;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(new JsonRpcError(RPC_CODE.RESOURCE_LIMIT, "Request timed out"));
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
