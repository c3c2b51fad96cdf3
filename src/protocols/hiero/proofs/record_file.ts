/**
 * Wrapped record blocks: what the nodes signed of a record file in its three formats, and the check of signatures.
 *
 * Layer: protocols. Imports address_book, bytes, fault, merkle and wire. Source: spec/block-node.md §2.3, §6.7.
 *
 * @module
 */

import { equalBytes, HieroFault } from "../fault.ts";
import { HASH_BYTES, type Sha384 } from "../merkle.ts";
import { WIRE_TYPE, WireReader } from "../wire.ts";
import type { AddressBook } from "./address_book.ts";
import { badProof, concatBytes } from "./bytes.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** RecordFileItem ends with its amendments. */
const LAST_ITEM_FIELD = 4;

/**
 * Whether `signature` is RSASSA-PKCS1-v1_5 with SHA-384 over `message` under a DER SubjectPublicKeyInfo.
 * Handed in, as hashing is: the runtime's own library does it.
 */
export type RsaVerify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** The parts of a block that its record file must agree with: fields of the header as they were serialized. */
export interface RecordBlockHeader {
  readonly number: bigint;
  readonly timestamp: Uint8Array;
  readonly hapiVersion: Uint8Array;
}

/** One signature of a SignedRecordFileProof. */
export interface RecordFileSignature {
  readonly nodeId: bigint;
  readonly signature: Uint8Array;
}

/** A SignedRecordFileProof message. */
export interface RecordFileProof {
  readonly version: number;
  readonly signatures: readonly RecordFileSignature[];
}

/**
 * Parses a SignedRecordFileProof message.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function parseRecordFileProof(bytes: Uint8Array): RecordFileProof {
  const reader = new WireReader(bytes);
  let version = 0;
  const signatures: RecordFileSignature[] = [];
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) version = reader.uint32();
    else if (reader.is(2, BYTES)) {
      const inner = new WireReader(reader.view());
      let nodeId = 0n;
      let signature = bytes.subarray(0, 0);
      while (inner.nextTag()) {
        if (inner.is(1, BYTES)) signature = inner.view();
        else if (inner.is(2, VARINT)) nodeId = BigInt(inner.int32());
        else inner.skip();
      }
      signatures.push({ nodeId, signature });
    } else reader.skip();
  }
  return { version, signatures };
}

interface RecordStreamFile {
  readonly hapiVersion: Uint8Array;
  readonly startHash: Uint8Array;
  readonly endHash: Uint8Array | undefined;
  readonly items: readonly { readonly transaction: Uint8Array; readonly record: Uint8Array }[];
  readonly blockNumber: bigint;
  readonly sidecarHashes: readonly Uint8Array[];
}

function malformed(message: string): HieroFault {
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
function fieldOf(bytes: Uint8Array, field: number): Uint8Array | undefined {
  const reader = new WireReader(bytes);
  while (reader.nextTag()) {
    if (reader.is(field, BYTES)) return reader.view();
    reader.skip();
  }
  return undefined;
}

/** Versions 2 and 5 sign the parts, not the bytes, so a field that is not among them could hide anything. */
function parseRecordStreamFile(bytes: Uint8Array, isSigned: boolean): RecordStreamFile {
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

/** What {@link verifyRecordFile} found. */
export interface RecordFileVerdict {
  readonly version: number;
  /** Nodes with a valid signature. */
  readonly signers: number;
  /** Signatures of nodes that the address book does not know. */
  readonly unknownSigners: number;
}

/**
 * Verifies a record file proof: the file agrees with the block around it, every signature of a known node is valid,
 * and there is at least one.
 *
 * @param item The payload of the record_file item.
 * @throws {HieroFault} `MISSING_MANDATORY_FIELD`; `BAD_BLOCK_PROOF`, step `record-version`, `record-number`,
 *   `record-time`, `rsa-signature` or `rsa-no-signer`.
 */
export function verifyRecordFile(
  proof: RecordFileProof,
  item: Uint8Array,
  header: RecordBlockHeader,
  book: AddressBook,
  { sha384, rsaVerify }: { readonly sha384: Sha384; readonly rsaVerify: RsaVerify },
): RecordFileVerdict {
  const contents = fieldOf(item, 2);
  if (contents === undefined) throw malformed("no record_file_contents");
  const hash = recordFileHash(proof.version, contents, header.hapiVersion, sha384);
  checkAgreement(item, contents, proof.version, header, sha384);
  const valid = new Set<bigint>();
  let unknownSigners = 0;
  for (const { nodeId, signature } of proof.signatures) {
    const key = book.get(nodeId);
    if (key === undefined) {
      unknownSigners++;
      continue;
    }
    // Zeros stand for a node that did not sign; no bytes at all stand for nothing.
    const isZero = signature.length > 0 && signature.every((byte) => byte === 0);
    if (valid.has(nodeId) || isZero) continue;
    if (!rsaVerify(key, hash, signature)) {
      throw badProof("rsa-signature", `signature of node ${nodeId} does not match the record file`, {
        nodeId: String(nodeId),
      });
    }
    valid.add(nodeId);
  }
  if (valid.size === 0) throw badProof("rsa-no-signer", "no signature of a known node");
  return { version: proof.version, signers: valid.size, unknownSigners };
}

/** The block says nothing else than the file that was signed: time, number, version, and the sidecars it names. */
function checkAgreement(
  item: Uint8Array,
  contents: Uint8Array,
  version: number,
  header: RecordBlockHeader,
  sha384: Sha384,
): void {
  const file = parseRecordStreamFile(contents, version === 6);
  if (!equalBytes(file.hapiVersion, header.hapiVersion)) {
    throw badProof("record-version", "record file has another HAPI version than the block header");
  }
  // Files from before block numbers were introduced have none.
  if (file.blockNumber !== 0n && file.blockNumber !== header.number) {
    throw badProof("record-number", `record file is that of block ${file.blockNumber}`, {
      expected: String(header.number),
      actual: String(file.blockNumber),
    });
  }
  const reader = new WireReader(item);
  let timed = false;
  let sidecars = 0;
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) {
      timed = equalBytes(reader.view(), header.timestamp);
      if (!timed) break;
    } else if (reader.is(3, BYTES)) {
      const digest = new Uint8Array(HASH_BYTES);
      sha384(reader.view(), digest);
      const expected = file.sidecarHashes[sidecars++];
      if (expected === undefined || !equalBytes(digest, expected)) throw wrongSidecar(sidecars);
    } else if (reader.field <= LAST_ITEM_FIELD) reader.skip();
    else throw malformed(`unknown field ${reader.field} beside the record file`);
  }
  if (!timed) throw badProof("record-time", "record file has not the creation time of the block header");
  if (version === 6 && sidecars < file.sidecarHashes.length) throw wrongSidecar(sidecars + 1);
}

function wrongSidecar(number: number): HieroFault {
  return badProof("record-sidecar", `sidecar ${number} is not the one that the record file names`);
}
