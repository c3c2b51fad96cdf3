/**
 * The one place where errors become gRPC statuses and gRPC statuses become errors.
 *
 * Layer: rpc. The node's stable code travels in the trailing metadata `cairn-code`, so that a client of ours
 * gets the very error back and a script need not parse the message.
 *
 * @module
 */

import { Metadata } from "@grpc/grpc-js";
import type { StatusObject } from "@grpc/grpc-js";
import { CairnError, CODES, GRPC_STATUS } from "../kernel/errors.ts";
import type { ErrorCode } from "../kernel/errors.ts";

/** Trailing metadata key of the node's own error code. */
export const CODE_METADATA_KEY = "cairn-code";

/** Longest status message sent, in characters: header blocks are small, and peers limit them to 8 KiB. */
const MAX_DETAILS_CHARACTERS = 1_024;

const OK: StatusObject = { code: GRPC_STATUS.OK, details: "OK", metadata: new Metadata() };

/** Whether `thrown` is an expected failure, whose message may leave the node. */
export function isExpected(thrown: unknown): thrown is CairnError {
  return thrown instanceof CairnError && thrown.code !== "INTERNAL";
}

/** The status a call ends with: OK for `undefined`; anything unexpected is INTERNAL and says nothing of its cause. */
export function errorToStatus(thrown: unknown): StatusObject {
  if (thrown === undefined) return OK;
  const code: ErrorCode = isExpected(thrown) ? thrown.code : "INTERNAL";
  const details = isExpected(thrown)
    ? `${thrown.message}${thrown.hint ? `; ${thrown.hint}` : ""}`
    : "Internal error";
  // A lone surrogate would make the percent-encoding of the header throw.
  const sendable = details.slice(0, MAX_DETAILS_CHARACTERS).toWellFormed();
  return { code: CODES[code].grpc, details: sendable, metadata: codeMetadata(code) };
}

/** Trailing metadata that names `code`. */
export function codeMetadata(code: ErrorCode): Metadata {
  const metadata = new Metadata();
  metadata.set(CODE_METADATA_KEY, code);
  return metadata;
}

/** The node's code for a status that the transport made up itself (deadline, oversize, compression). */
export function codeOfTransportStatus(grpcCode: number): ErrorCode {
  return TRANSPORT_CODES[grpcCode] ?? "INTERNAL";
}

const TRANSPORT_CODES: Readonly<Record<number, ErrorCode>> = {
  [GRPC_STATUS.CANCELLED]: "CANCELLED",
  [GRPC_STATUS.DEADLINE_EXCEEDED]: "DEADLINE_EXCEEDED",
  [GRPC_STATUS.RESOURCE_EXHAUSTED]: "MESSAGE_TOO_LARGE",
  [GRPC_STATUS.UNIMPLEMENTED]: "UNIMPLEMENTED",
  [GRPC_STATUS.UNAVAILABLE]: "PEER_UNAVAILABLE",
  [GRPC_STATUS.INTERNAL]: "MALFORMED_MESSAGE",
};

/** Codes a client gives to statuses of servers that send no `cairn-code`. */
const FOREIGN_CODES: Readonly<Record<number, ErrorCode>> = {
  ...TRANSPORT_CODES,
  [GRPC_STATUS.INTERNAL]: "INTERNAL",
};

/**
 * The error a client throws for a status that is not OK. The peer's words stay in `detail`, cut, and out of
 * the message.
 *
 * @param action What was tried, such as `call serverStatus at 127.0.0.1:40840`.
 */
export function statusToError(
  status: { readonly code: number; readonly details: string; readonly metadata?: Metadata },
  action: string,
): CairnError {
  const named = status.metadata?.get(CODE_METADATA_KEY)[0];
  const code = typeof named === "string" && Object.hasOwn(CODES, named)
    ? named as ErrorCode
    : FOREIGN_CODES[status.code] ?? "INTERNAL";
  return new CairnError(code, `Cannot ${action}: ${grpcStatusName(status.code)}`, {
    detail: { grpcCode: status.code, peerMessage: status.details.slice(0, MAX_DETAILS_CHARACTERS) },
  });
}

const STATUS_NAMES = new Map<number, string>(Object.entries(GRPC_STATUS).map(([name, code]) => [code, name]));

/** Canonical name of a gRPC status number, such as `NOT_FOUND`; `CODE_<n>` for a number nobody defined. */
export function grpcStatusName(code: number): string {
  return STATUS_NAMES.get(code) ?? `CODE_${code}`;
}
