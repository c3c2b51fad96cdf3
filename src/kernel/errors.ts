/**
 * The one error class of the node, and the one table that says what each code means to every transport.
 *
 * Layer: kernel. Imports nothing. A code is part of the public contract: people script against it, so a
 * code is never reused for another meaning.
 *
 * @module
 */

/** What a code becomes on each transport: gRPC status number, HTTP status, JSON-RPC code, process exit code. */
export interface CodeMapping {
  readonly grpc: number;
  readonly http: number;
  readonly jsonRpc: number;
  readonly exit: number;
}

/** gRPC status numbers by their canonical names (grpc.io/docs/guides/status-codes). */
export const GRPC_STATUS = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const S = GRPC_STATUS;
const map = (grpc: number, http: number, jsonRpc: number, exit = 1): CodeMapping => ({
  grpc,
  http,
  jsonRpc,
  exit,
});

/** Every stable code of the node. Exit codes: 1 fatal, 2 usage or config, 3 directory locked, 4 format too new. */
export const CODES = {
  // Command line and configuration
  USAGE: map(S.INVALID_ARGUMENT, 400, -32602, 2),
  CONFIG_INVALID: map(S.FAILED_PRECONDITION, 500, -32000, 2),
  RUNTIME_UNSUPPORTED: map(S.FAILED_PRECONDITION, 500, -32000, 2),
  // Life cycle
  SERVICE_START_FAILED: map(S.UNAVAILABLE, 503, -32000),
  SERVICE_STOP_TIMEOUT: map(S.INTERNAL, 500, -32603),
  NOT_READY: map(S.UNAVAILABLE, 503, -32000),
  SHUTTING_DOWN: map(S.UNAVAILABLE, 503, -32000),
  ADDRESS_IN_USE: map(S.UNAVAILABLE, 503, -32000),
  // Hot memory and bus
  HOT_LAYOUT_MISMATCH: map(S.INTERNAL, 500, -32603),
  HOT_MEMORY_EXHAUSTED: map(S.RESOURCE_EXHAUSTED, 507, -32000),
  HOT_OUT_OF_BOUNDS: map(S.INTERNAL, 500, -32603),
  HOT_POOL_STOPPED: map(S.UNAVAILABLE, 503, -32000),
  BUS_FULL: map(S.RESOURCE_EXHAUSTED, 503, -32000),
  BUS_EVENT_TOO_LARGE: map(S.RESOURCE_EXHAUSTED, 413, -32000),
  BUS_SUBSCRIBERS_EXHAUSTED: map(S.RESOURCE_EXHAUSTED, 503, -32000),
  BUS_SUBSCRIBER_EXPELLED: map(S.ABORTED, 503, -32000),
  // RLP
  RLP_TRUNCATED: map(S.INVALID_ARGUMENT, 400, -32602),
  RLP_TRAILING_BYTES: map(S.INVALID_ARGUMENT, 400, -32602),
  RLP_NOT_A_LIST: map(S.INVALID_ARGUMENT, 400, -32602),
  RLP_NOT_CANONICAL: map(S.INVALID_ARGUMENT, 400, -32602),
  RLP_NOT_AN_INTEGER: map(S.INVALID_ARGUMENT, 400, -32602),
  RLP_TOO_MANY_FIELDS: map(S.INVALID_ARGUMENT, 400, -32602),
  RLP_TOO_DEEP: map(S.INVALID_ARGUMENT, 400, -32602),
  RLP_TOO_LARGE: map(S.RESOURCE_EXHAUSTED, 413, -32000),
  // Storage
  STORE_LOCKED: map(S.UNAVAILABLE, 503, -32000, 3),
  STORE_FORMAT_TOO_NEW: map(S.FAILED_PRECONDITION, 500, -32000, 4),
  STORE_FORMAT_INVALID: map(S.DATA_LOSS, 500, -32000, 4),
  STORE_CLOSED: map(S.UNAVAILABLE, 503, -32000),
  STORE_WRITE_FAILED: map(S.DATA_LOSS, 507, -32000),
  STORE_READ_FAILED: map(S.DATA_LOSS, 500, -32000),
  STORE_FAMILY_UNKNOWN: map(S.INTERNAL, 500, -32603),
  // Transports
  MESSAGE_TOO_LARGE: map(S.RESOURCE_EXHAUSTED, 413, -32000),
  MALFORMED_MESSAGE: map(S.INVALID_ARGUMENT, 400, -32700),
  DEADLINE_EXCEEDED: map(S.DEADLINE_EXCEEDED, 504, -32000),
  CANCELLED: map(S.CANCELLED, 499, -32000),
  IDLE_TIMEOUT: map(S.CANCELLED, 408, -32000),
  TOO_MANY_STREAMS: map(S.RESOURCE_EXHAUSTED, 429, -32005),
  SERVICE_UNKNOWN: map(S.NOT_FOUND, 404, -32001),
  UNIMPLEMENTED: map(S.UNIMPLEMENTED, 501, -32601),
  ROUTE_NOT_FOUND: map(S.NOT_FOUND, 404, -32601),
  METHOD_NOT_ALLOWED: map(S.UNIMPLEMENTED, 405, -32601),
  PEER_UNAVAILABLE: map(S.UNAVAILABLE, 502, -32000),
  // Peer to peer
  P2P_MULTIADDR_INVALID: map(S.FAILED_PRECONDITION, 400, -32602, 2),
  P2P_IDENTITY_INVALID: map(S.FAILED_PRECONDITION, 500, -32000, 2),
  P2P_TRANSPORT_FAILED: map(S.UNAVAILABLE, 503, -32000),
  P2P_DIAL_FAILED: map(S.UNAVAILABLE, 502, -32000),
  P2P_PUBLISH_FAILED: map(S.UNAVAILABLE, 503, -32000),
  P2P_SUBSCRIBE_FAILED: map(S.INTERNAL, 500, -32603),
  // Blocks
  BLOCK_MALFORMED: map(S.INVALID_ARGUMENT, 400, -32602),
  BLOCK_NOT_FOUND: map(S.NOT_FOUND, 404, -32001),
  BLOCK_ITEM_NOT_FOUND: map(S.NOT_FOUND, 404, -32001),
  FILE_UNREADABLE: map(S.NOT_FOUND, 404, -32001),
  // Message chain: why a message is refused (protocols/kimura/fault.ts), and what is not there
  SENDER_INVALID: map(S.INVALID_ARGUMENT, 400, -32602),
  MESSAGE_UNSIGNED: map(S.UNAUTHENTICATED, 400, -32003),
  MESSAGE_SIGNATURE_INVALID: map(S.UNAUTHENTICATED, 400, -32003),
  NONCE_REPLAYED: map(S.ALREADY_EXISTS, 409, -32003),
  NONCE_SKIPPED: map(S.FAILED_PRECONDITION, 409, -32003),
  PENDING_FULL: map(S.RESOURCE_EXHAUSTED, 503, -32005),
  STATE_OUTDATED: map(S.ABORTED, 503, -32000),
  MESSAGE_NOT_FOUND: map(S.NOT_FOUND, 404, -32001),
  // Peers
  NODE_KEY_INVALID: map(S.FAILED_PRECONDITION, 500, -32000, 2),
  // Everything that should not happen
  INTERNAL: map(S.INTERNAL, 500, -32603),
} as const satisfies Record<string, CodeMapping>;

/** A stable error code of the node. */
export type ErrorCode = keyof typeof CODES;

/** Extra facts of a {@link CairnError}. */
export interface CairnErrorOptions extends ErrorOptions {
  /** What the reader can do about it, as a sentence without a final period. */
  readonly hint?: string;
  /** Machine-readable facts; must be JSON-serializable. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/**
 * An expected failure: a stable code, what happened, and what to do about it.
 *
 * @example A locked data directory exits with 3
 * ```ts
 * import { CairnError } from "./errors.ts";
 * const error = new CairnError("STORE_LOCKED", "Cannot open data directory 'data': held by pid 7");
 * if (error.mapping.exit !== 3) throw new Error("expected 3");
 * ```
 */
export class CairnError extends Error {
  override readonly name = "CairnError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: CairnErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
    this.detail = options.detail ?? {};
  }

  /** What this code becomes on each transport. */
  get mapping(): CodeMapping {
    return CODES[this.code];
  }

  /** One line for a terminal: message, code and hint. */
  toLine(): string {
    return `${this.message} [${this.code}]${this.hint ? `; ${this.hint}` : ""}`;
  }
}

/**
 * Turns whatever was thrown into a {@link CairnError}: errors of the floor below keep their code, unknown failures
 * become `code`, with the cause kept.
 */
export function toCairnError(thrown: unknown, code: ErrorCode = "INTERNAL"): CairnError {
  if (thrown instanceof CairnError) return thrown;
  if (!(thrown instanceof Error)) return new CairnError(code, String(thrown), { cause: thrown });
  const own = (thrown as { readonly code?: unknown }).code;
  const known = typeof own === "string" && Object.hasOwn(CODES, own) ? own as ErrorCode : code;
  return new CairnError(known, thrown.message, { cause: thrown });
}
