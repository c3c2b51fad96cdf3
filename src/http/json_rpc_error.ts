/**
 * Errors of JSON-RPC 2.0, and what becomes one.
 *
 * Layer: http. Codes: the specification's own, EIP-1474 for limits and unsupported methods.
 *
 * @module
 */

import { CairnError, toCairnError } from "../kernel/errors.ts";

/** Codes that the shell itself gives. */
export const RPC_CODE = {
  PARSE_ERROR: -32700,
  INVALID_REQUEST: -32600,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMS: -32602,
  INTERNAL: -32603,
  /** EIP-1474: the method exists, this node cannot answer it. */
  METHOD_NOT_SUPPORTED: -32004,
  /** EIP-1474: too many calls; try again later. */
  LIMIT_EXCEEDED: -32005,
  /** As rskj: out of time, or an answer too large. */
  RESOURCE_LIMIT: -32011,
} as const;

/** The error member of a response. */
export interface RpcErrorBody {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** A failure that the caller is told as it is. */
export class JsonRpcError extends Error {
  override readonly name = "JsonRpcError";
  readonly code: number;
  /** JSON-serializable. */
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** Error member for whatever was thrown. The text of an unexpected failure stays inside the node. */
export function rpcErrorBody(thrown: unknown): RpcErrorBody {
  if (thrown instanceof JsonRpcError) {
    const { code, message, data } = thrown;
    return { code, message, ...(data === undefined ? {} : { data }) };
  }
  const { code, hint, mapping, message } = toCairnError(thrown);
  if (!(thrown instanceof CairnError)) return { code: RPC_CODE.INTERNAL, message: "Internal error" };
  return { code: mapping.jsonRpc, message, data: { code, ...(hint === undefined ? {} : { hint }) } };
}

/** Whether the failure is the node's own, so that its log should say more than the caller was told. */
export function isUnexpected(thrown: unknown): boolean {
  return !(thrown instanceof JsonRpcError || thrown instanceof CairnError);
}
