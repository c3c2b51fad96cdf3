/**
 * Record files in their three formats, and what the nodes signed of them.
 *
 * Layer: protocols. Imports fault, merkle and wire. Source: spec/block-node.md §2.3 (RecordStreamFile), §6.7.
 *
 * @module
 */

import { HieroFault } from "../fault.ts";
import { HASH_BYTES, type Sha384 } from "../merkle.ts";
import { WIRE_TYPE, WireReader } from "../wire.ts";
import { concatBytes } from "./bytes.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** A RecordStreamFile message, as far as it is signed or must agree with its block. */
export interface RecordStreamFile {
  readonly hapiVersion: Uint8Array;
  readonly startHash: Uint8Array;
  readonly endHash: Uint8Array | undefined;
  readonly items: readonly { readonly transaction: Uint8Array; readonly record: Uint8Array }[];
  readonly blockNumber: bigint;
  readonly sidecarHashes: readonly Uint8Array[];
}

/** What a record file gets that lacks a part or has one that nobody knows. */
export function malformed(message: string): HieroFault {
  return new HieroFault("MISSING_MANDATORY_FIELD", `Cannot verify record file: ${message}`, {
    check: "proof",
  });
}

/** A HashObject's 48 bytes; its algorithm and length are constants in what is signed, so they must say the same. */
function parseHashObject(bytes: Uint8Array): Uint8Array {
  const reader = new WireReader(bytes);
  let algorithm = 0;
  let length = 0;
  let hash = bytes.subarray(0, 0);
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) algorithm = reader.int32();
    else if (reader.is(2, VARINT)) length = reader.int32();
    else if (reader.is(3, BYTES)) hash = reader.view();
    else throw malformed(`unknown field ${reader.field} in a running hash`);
  }
  if (algorithm !== 1 || length !== HASH_BYTES || hash.length !== HASH_BYTES) {
    throw malformed("a running hash is no SHA-384");
  }
  return hash;
}

/** The first field of a message that has this number, as a view; undefined if there is none. */
export function fieldOf(bytes: Uint8Array, field: number): Uint8Array | undefined {
  const reader = new WireReader(bytes);
  while (reader.nextTag()) {
    if (reader.is(field, BYTES)) return reader.view();
    reader.skip();
  }
  return undefined;
}

/**
 * Parses a RecordStreamFile message.
 *
 * @param isSigned Whether its bytes are what was signed. Versions 2 and 5 sign the parts, so there a field that is
 *   not among them could hide anything, and is refused.
 * @throws {HieroFault} `UNABLE_TO_PARSE`, `MISSING_MANDATORY_FIELD`.
 */
export function parseRecordStreamFile(bytes: Uint8Array, isSigned: boolean): RecordStreamFile {
  const reader = new WireReader(bytes);
  const file = {
    hapiVersion: bytes.subarray(0, 0),
    startHash: undefined as Uint8Array | undefined,
    endHash: undefined as Uint8Array | undefined,
    items: [] as { transaction: Uint8Array; record: Uint8Array }[],
    blockNumber: 0n,
    sidecarHashes: [] as Uint8Array[],
  };
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) file.hapiVersion = reader.view();
    else if (reader.is(2, BYTES)) file.startHash = parseHashObject(reader.view());
    else if (reader.is(3, BYTES)) file.items.push(parseItem(reader.view(), isSigned));
    else if (reader.is(4, BYTES)) file.endHash = parseHashObject(reader.view());
    else if (reader.is(5, VARINT)) file.blockNumber = reader.int64();
    else if (reader.is(6, BYTES)) {
      const hashObject = fieldOf(reader.view(), 1);
      if (hashObject !== undefined) file.sidecarHashes.push(parseHashObject(hashObject));
    } else if (isSigned) reader.skip();
    else throw malformed(`unknown field ${reader.field}`);
  }
  if (file.startHash === undefined) throw malformed("no start_object_running_hash");
  return { ...file, startHash: file.startHash };
}

function parseItem(bytes: Uint8Array, isSigned: boolean) {
  const reader = new WireReader(bytes);
  let transaction = bytes.subarray(0, 0);
  let record = transaction;
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) transaction = reader.view();
    else if (reader.is(2, BYTES)) record = reader.view();
    else if (isSigned) reader.skip();
    else throw malformed(`unknown field ${reader.field} in an item`);
  }
  return { transaction, record };
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

function parseVersion(bytes: Uint8Array): readonly [number, number, number] {
  const reader = new WireReader(bytes);
  const version: [number, number, number] = [0, 0, 0];
  while (reader.nextTag()) {
    if (reader.field <= 3 && reader.wireType === VARINT) version[reader.field - 1] = reader.int32();
    else reader.skip();
  }
  return version;
}

/** Class ids and the version in front of each object that the node software serialized in format 5. */
const HASH_OBJECT_V5 = Uint8Array.fromHex("f422da83a251741e0000000158ff811b00000030");
const RECORD_STREAM_OBJECT_V5 = Uint8Array.fromHex("e370929ba5429d8b00000001");

const withLength = (bytes: Uint8Array) => [int32(bytes.length), bytes];

/**
 * The 48 bytes that nodes signed of a record file.
 *
 * @param contents Field 2 of RecordFileItem, as it was serialized.
 * @throws {HieroFault} `MISSING_MANDATORY_FIELD` for a version other than 2, 5 and 6, or if a part is missing.
 */
export function recordFileHash(
  version: number,
  contents: Uint8Array,
  hapiVersion: Uint8Array,
  sha384: Sha384,
): Uint8Array {
  const digest = (...parts: readonly Uint8Array[]) => {
    const out = new Uint8Array(HASH_BYTES);
    sha384(concatBytes(...parts), out);
    return out;
  };
  if (version === 6) return digest(int32(6), contents);
  if (version !== 2 && version !== 5) throw malformed(`unknown record file version ${version}`);
  const file = parseRecordStreamFile(contents, false);
  const [major, minor, patch] = parseVersion(hapiVersion);
  if (version === 2) {
    const head = concatBytes(int32(2), int32(major === 0 ? minor : major), Uint8Array.of(1), file.startHash);
    return digest(
      head,
      digest(
        ...file.items.flatMap(({ transaction, record }) => [
          Uint8Array.of(2),
          ...withLength(transaction),
          ...withLength(record),
        ]),
      ),
    );
  }
  if (file.endHash === undefined) throw malformed("no end_object_running_hash");
  return digest(
    ...[5, major, minor, patch, 1].map(int32),
    HASH_OBJECT_V5,
    file.startHash,
    ...file.items.flatMap(({ transaction, record }) => [
      RECORD_STREAM_OBJECT_V5,
      ...withLength(record),
      ...withLength(transaction),
    ]),
    HASH_OBJECT_V5,
    file.endHash,
  );
}
