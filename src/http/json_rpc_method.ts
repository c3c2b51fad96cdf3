/**
 * Methods of a JSON-RPC interface: a table of names, each with the schema of its parameters and a handler.
 *
 * Layer: http.
 *
 * @module
 */

import { z } from "zod";
import { JsonRpcError, RPC_CODE } from "./json_rpc_error.ts";

/** What a handler is told beside its parameters. */
export interface RpcCall {
  /** Aborts when the request has run out of time. */
  readonly signal: AbortSignal;
}

/** One method. */
export interface RpcMethod {
  /**
   * Checks the parameters and answers.
   *
   * @returns What becomes `result`, JSON-serializable; `undefined` becomes `null`.
   * @throws {JsonRpcError} `INVALID_PARAMS`; whatever the handler throws.
   */
  call(params: unknown, call: RpcCall): unknown;
}

/** Methods by name. */
export type RpcMethods = Readonly<Record<string, RpcMethod>>;

/**
 * Declares a method.
 *
 * @param params Schema of `params`: a tuple for parameters by position, an object for parameters by name. Absent
 * parameters are an empty list for the one and an empty object for the other.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { rpcMethod } from "./json_rpc_method.ts";
 * const methods = { add: rpcMethod(z.tuple([z.number(), z.number()]), ([a, b]) => a + b) };
 * if (methods.add.call([1, 2], { signal: new AbortController().signal }) !== 3) throw new Error("expected 3");
 * ```
 */
export function rpcMethod<Params extends z.ZodType>(
  params: Params,
  handle: (params: z.output<Params>, call: RpcCall) => unknown,
): RpcMethod {
  const absent = params instanceof z.ZodObject ? {} : [];
  return {
    call: (given, call) => {
      const parsed = params.safeParse(given ?? absent);
      if (!parsed.success) throw invalidParams(parsed.error.issues);
      return handle(parsed.data, call);
    },
  };
}

function invalidParams(issues: readonly z.core.$ZodIssue[]): JsonRpcError {
  const [issue] = issues;
  const path = issue?.path ?? [];
  const place = path.map((part) => typeof part === "number" ? `[${part}]` : `.${String(part)}`).join("");
  const isCount = path.length === 0 && (issue?.code === "too_small" || issue?.code === "too_big");
  const message = isCount
    ? `Wrong number of parameters: ${issue.message}`
    : `Invalid params${place}: ${issue?.message}`;
  return new JsonRpcError(RPC_CODE.INVALID_PARAMS, message);
}
