/**
 * Messages of BlockAccessService around a block that stays the bytes it is.
 *
 * Layer: protocols. Imports wire. Source: spec/block-node.md §1.5.
 *
 * @module
 */

import { WIRE_TYPE, WireReader } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

/** BlockResponse.Code. */
export const BLOCK_RESPONSE_CODE = {
  UNKNOWN: 0,
  SUCCESS: 1,
  INVALID_REQUEST: 2,
  ERROR: 3,
  NOT_FOUND: 4,
  NOT_AVAILABLE: 5,
} as const;

/** Name of a BlockResponse code. */
export type BlockResponseStatus = keyof typeof BLOCK_RESPONSE_CODE;

/** Which block is asked for; `unset` if the request names none. */
export type BlockSpecifier =
  | { readonly kind: "number"; readonly number: bigint }
  | { readonly kind: "latest"; readonly latest: boolean }
  | { readonly kind: "unset" };

const STATUS_NAMES = Object.keys(BLOCK_RESPONSE_CODE) as BlockResponseStatus[];

/**
 * Parses a BlockRequest; the last member of the oneof wins.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function parseBlockRequest(bytes: Uint8Array): BlockSpecifier {
  const reader = new WireReader(bytes);
  let specifier: BlockSpecifier = { kind: "unset" };
  while (reader.nextTag()) {
    if (reader.is(1, WIRE_TYPE.VARINT)) specifier = { kind: "number", number: reader.uint64() };
    else if (reader.is(2, WIRE_TYPE.VARINT)) specifier = { kind: "latest", latest: reader.uint64() !== 0n };
    else reader.skip();
  }
  return specifier;
}

/** Serializes a BlockRequest. The zero is written too: in a oneof it is a value. */
export function encodeBlockRequest(specifier: BlockSpecifier): Uint8Array {
  const writer = new WireWriter(16);
  if (specifier.kind === "number") writer.varint(1, specifier.number);
  else if (specifier.kind === "latest") writer.varint(2, specifier.latest ? 1 : 0);
  return writer.finish();
}

/** Serializes a BlockResponse around a stored block; copies the block once, into the message. */
export function encodeBlockResponse(status: BlockResponseStatus, block?: Uint8Array): Uint8Array {
  const writer = new WireWriter((block?.length ?? 0) + 16);
  if (status !== "UNKNOWN") writer.varint(1, BLOCK_RESPONSE_CODE[status]);
  if (block !== undefined) writer.bytes(2, block);
  return writer.finish();
}

/**
 * Parses a BlockResponse; the block is a view on `bytes`.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function parseBlockResponse(
  bytes: Uint8Array,
): { readonly status: BlockResponseStatus; readonly block: Uint8Array | undefined } {
  const reader = new WireReader(bytes);
  let status: BlockResponseStatus = "UNKNOWN";
  let block: Uint8Array | undefined;
  while (reader.nextTag()) {
    if (reader.is(1, WIRE_TYPE.VARINT)) status = STATUS_NAMES[reader.int32()] ?? "UNKNOWN";
    else if (reader.is(2, WIRE_TYPE.BYTES)) block = reader.view();
    else reader.skip();
  }
  return { status, block };
}
