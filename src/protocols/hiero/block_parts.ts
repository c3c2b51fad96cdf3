/**
 * Header and footer of a block. Only what §2.3 of the specification names is
 * taken; unknown fields are stepped over.
 *
 * Layer: protocols. Imports fault, merkle and wire. Source: spec/block-node.md §2.3, §6.2.3.
 *
 * @module
 */

import { HieroFault } from "./fault.ts";
import { HASH_BYTES } from "./merkle.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** A version as HAPI and node software state it. */
export interface SemanticVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Pre-release part, "" if none. */
  readonly pre: string;
}

/** Consensus time: seconds since 1970 and nanoseconds, 0 to 999,999,999. */
export interface Timestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** output.BlockHeader. */
export interface BlockHeader {
  readonly hapiVersion: SemanticVersion | undefined;
  readonly number: bigint;
  readonly timestamp: Timestamp | undefined;
  /** Offset range of the serialized timestamp in the bytes that were parsed: the first leaf of the block root. */
  readonly timestampStart: number;
  readonly timestampEnd: number;
  /** 0 is SHA2-384, the only one defined. */
  readonly hashAlgorithm: number;
}

/** output.BlockFooter: views on the block's bytes; an absent field is an empty view. */
export interface BlockFooter {
  readonly previousBlockRootHash: Uint8Array;
  readonly allBlocksRootHash: Uint8Array;
  readonly startOfBlockStateRootHash: Uint8Array;
}

/** `0.78.0-SNAPSHOT` from its parts. */
export function versionText(version: SemanticVersion): string {
  const core = `${version.major}.${version.minor}.${version.patch}`;
  return version.pre === "" ? core : `${core}-${version.pre}`;
}

const TEXT = new TextDecoder();

function parseVersion(bytes: Uint8Array, start: number, end: number): SemanticVersion {
  const reader = new WireReader(bytes, start, end);
  const version = { major: 0, minor: 0, patch: 0, pre: "" };
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) version.major = reader.int32();
    else if (reader.is(2, VARINT)) version.minor = reader.int32();
    else if (reader.is(3, VARINT)) version.patch = reader.int32();
    else if (reader.is(4, BYTES)) version.pre = TEXT.decode(reader.view());
    else reader.skip();
  }
  return version;
}

function parseTimestamp(bytes: Uint8Array, start: number, end: number): Timestamp {
  const reader = new WireReader(bytes, start, end);
  let seconds = 0n;
  let nanos = 0;
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) seconds = reader.int64();
    else if (reader.is(2, VARINT)) nanos = reader.int32();
    else reader.skip();
  }
  return { seconds, nanos };
}

/**
 * Parses a BlockHeader from a range of bytes.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function parseBlockHeader(bytes: Uint8Array, start = 0, end: number = bytes.length): BlockHeader {
  const reader = new WireReader(bytes, start, end);
  let hapiVersion: SemanticVersion | undefined;
  let timestamp: Timestamp | undefined;
  let number = 0n;
  let hashAlgorithm = 0;
  let timestampStart = 0;
  let timestampEnd = 0;
  while (reader.nextTag()) {
    if (reader.is(3, VARINT)) number = reader.uint64();
    else if (reader.is(5, VARINT)) hashAlgorithm = reader.int32();
    else if (reader.is(1, BYTES)) {
      const length = reader.length();
      hapiVersion = parseVersion(bytes, reader.pos, reader.pos + length);
      reader.pos += length;
    } else if (reader.is(4, BYTES)) {
      const length = reader.length();
      timestampStart = reader.pos;
      timestampEnd = timestampStart + length;
      timestamp = parseTimestamp(bytes, timestampStart, timestampEnd);
      reader.pos = timestampEnd;
    } else reader.skip();
  }
  return { hapiVersion, number, timestamp, timestampStart, timestampEnd, hashAlgorithm };
}

/**
 * Parses a BlockFooter and holds it to the length rules.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`; `MISSING_MANDATORY_FIELD` for an absent or empty hash; `UNKNOWN_ERROR` if
 *   hash 1 or 2 is not 48 bytes long (hash 3 is used as it is, spec §6.2).
 */
export function parseBlockFooter(bytes: Uint8Array, start = 0, end: number = bytes.length): BlockFooter {
  const reader = new WireReader(bytes, start, end);
  const fields: (Uint8Array | undefined)[] = [undefined, undefined, undefined];
  while (reader.nextTag()) {
    if (reader.field <= 3 && reader.wireType === BYTES) fields[reader.field - 1] = reader.view();
    else reader.skip();
  }
  const names = [
    "previous_block_root_hash",
    "root_hash_of_all_block_hashes_tree",
    "start_of_block_state_root_hash",
  ];
  const [previous, all, state] = fields.map((field, i) => {
    if (field === undefined || field.length === 0) {
      throw new HieroFault("MISSING_MANDATORY_FIELD", `Cannot verify block: footer has no ${names[i]}`);
    }
    if (i < 2 && field.length !== HASH_BYTES) {
      throw new HieroFault(
        "UNKNOWN_ERROR",
        `Cannot verify block: footer ${names[i]} must be ${HASH_BYTES} bytes, got ${field.length}`,
      );
    }
    return field;
  });
  return { previousBlockRootHash: previous!, allBlocksRootHash: all!, startOfBlockStateRootHash: state! };
}
