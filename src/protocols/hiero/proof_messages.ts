/**
 * Messages of ProofService.getBlockContentsProof around an item that stays the bytes it is.
 *
 * Layer: protocols. Imports contents_proof and wire. Source: spec/block-node.md §1.8.
 *
 * @module
 */

import { type ContentsProof, encodeContentsProof, parseContentsProof } from "./contents_proof.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

/** BlockContentsProofResponse.Code. */
export const CONTENTS_PROOF_CODE = {
  UNKNOWN: 0,
  SUCCESS: 1,
  INVALID_REQUEST: 2,
  ERROR: 3,
  ITEM_NOT_FOUND: 4,
  NOT_AVAILABLE: 5,
  DUPLICATE_HASH_ITEM_FOUND: 6,
} as const;

/** Name of a BlockContentsProofResponse code. */
export type ContentsProofStatus = keyof typeof CONTENTS_PROOF_CODE;

/** Which item of a block is to be proved; `unset` if the request names none. */
export type ItemSpecifier =
  /** The serialized BlockItem. */
  | { readonly kind: "item"; readonly item: Uint8Array }
  /** Its leaf hash, H(0x00 ‖ item), 48 bytes. */
  | { readonly kind: "hash"; readonly hash: Uint8Array }
  /** Its position in the block, from 0. */
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "unset" };

/** BlockContentsProofRequest. */
export interface ContentsProofRequest {
  readonly blockNumber: bigint;
  readonly item: ItemSpecifier;
}

const STATUS_NAMES = Object.keys(CONTENTS_PROOF_CODE) as ContentsProofStatus[];

/**
 * Parses a BlockContentsProofRequest; the last member of the oneof wins. Item and hash are views on `bytes`.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function parseContentsProofRequest(bytes: Uint8Array): ContentsProofRequest {
  const reader = new WireReader(bytes);
  let blockNumber = 0n;
  let item: ItemSpecifier = { kind: "unset" };
  while (reader.nextTag()) {
    if (reader.is(1, WIRE_TYPE.VARINT)) blockNumber = reader.uint64();
    else if (reader.is(2, WIRE_TYPE.BYTES)) item = { kind: "item", item: reader.view() };
    else if (reader.is(3, WIRE_TYPE.BYTES)) item = { kind: "hash", hash: reader.view() };
    else if (reader.is(4, WIRE_TYPE.VARINT)) item = { kind: "index", index: reader.uint32() };
    else reader.skip();
  }
  return { blockNumber, item };
}

/** Serializes a BlockContentsProofRequest. Index 0 is written too: in a oneof it is a value. */
export function encodeContentsProofRequest({ blockNumber, item }: ContentsProofRequest): Uint8Array {
  const writer = new WireWriter();
  if (blockNumber !== 0n) writer.varint(1, blockNumber);
  if (item.kind === "item") writer.bytes(2, item.item);
  else if (item.kind === "hash") writer.bytes(3, item.hash);
  else if (item.kind === "index") writer.varint(4, item.index);
  return writer.finish();
}

/** Serializes a BlockContentsProofResponse; copies the item once, into the message. */
export function encodeContentsProofResponse(status: ContentsProofStatus, proof?: ContentsProof): Uint8Array {
  const encoded = proof && encodeContentsProof(proof);
  const writer = new WireWriter((encoded?.length ?? 0) + 16);
  if (status !== "UNKNOWN") writer.varint(1, CONTENTS_PROOF_CODE[status]);
  if (encoded !== undefined) writer.bytes(2, encoded);
  return writer.finish();
}

/**
 * Parses a BlockContentsProofResponse; the parts of the proof are views on `bytes`.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`, and what {@link parseContentsProof} throws.
 */
export function parseContentsProofResponse(
  bytes: Uint8Array,
): { readonly status: ContentsProofStatus; readonly proof: ContentsProof | undefined } {
  const reader = new WireReader(bytes);
  let status: ContentsProofStatus = "UNKNOWN";
  let proof: ContentsProof | undefined;
  while (reader.nextTag()) {
    if (reader.is(1, WIRE_TYPE.VARINT)) status = STATUS_NAMES[reader.int32()] ?? "UNKNOWN";
    else if (reader.is(2, WIRE_TYPE.BYTES)) proof = parseContentsProof(reader.view());
    else reader.skip();
  }
  return { status, proof };
}
