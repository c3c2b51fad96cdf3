/**
 * A Rootstock node as a client sees it: calls over JSON-RPC, one or several at a time.
 *
 * Layer: services. For the command line and tests; it talks to rskj as well.
 *
 * @module
 */

import { CairnError, toCairnError } from "../../kernel/errors.ts";

/** Time for an answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 10_000;

/** A call to make. */
export interface RpcRequest {
  readonly method: string;
  readonly params?: readonly unknown[];
}

/** What a node answered to one call. */
export type RpcAnswer =
  | { readonly result: unknown; readonly error?: undefined }
  | { readonly error: { readonly code: number; readonly message: string }; readonly result?: undefined };

/** Talks to one node. */
export class JsonRpcClient {
  readonly url: string;

  /** @throws {CairnError} `USAGE` if this is no URL of HTTP. */
  constructor(url: string) {
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
      throw new CairnError("USAGE", `Cannot ask '${url}'`, {
        hint: "give a URL such as http://127.0.0.1:4444",
      });
    }
    this.url = url;
  }

  /**
   * One call.
   *
   * @throws {CairnError} `PEER_UNAVAILABLE`, also for an error that the node answered.
   */
  async call(method: string, ...params: unknown[]): Promise<unknown> {
    const [answer] = await this.batch([{ method, params }]);
    if (answer?.error === undefined) return answer?.result;
    const { code, message } = answer.error;
    throw this.#failure(`${method}: ${message} (${code})`);
  }

  /**
   * Several calls in one request.
   *
   * @returns Answers in the order of the calls.
   * @throws {CairnError} `PEER_UNAVAILABLE` if there is no answer, or not one to every call.
   */
  async batch(calls: readonly RpcRequest[]): Promise<RpcAnswer[]> {
    const body = calls.map(({ method, params = [] }, id) => ({ jsonrpc: "2.0", id, method, params }));
    const answers = await this.#post(body);
    if (!Array.isArray(answers)) {
      const { error } = (answers ?? {}) as { error?: { message?: unknown } };
      throw this.#failure(String(error?.message ?? "the answer is not JSON-RPC"));
    }
    const byId = new Map<unknown, RpcAnswer>(answers.map((answer) => [answer?.id, answer]));
    return calls.map(({ method }, id) => {
      const answer = byId.get(id);
      if (answer === undefined) throw this.#failure(`no answer to ${method}`);
      return answer;
    });
  }

  async #post(body: unknown): Promise<unknown> {
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      const text = await response.text();
      try {
        return JSON.parse(text);
      } catch {
        throw this.#failure(`the answer is not JSON (status ${response.status})`);
      }
    } catch (thrown) {
      if (thrown instanceof CairnError) throw thrown;
      const cause = thrown instanceof Error ? thrown.cause ?? thrown : thrown;
      throw this.#failure(toCairnError(cause).message.split("\n", 1)[0]!);
    }
  }

  #failure(reason: string): CairnError {
    return new CairnError("PEER_UNAVAILABLE", `Cannot ask ${this.url}: ${reason}`, {
      hint: "is a node running there, with rootstock.rpc.enabled?",
    });
  }
}
