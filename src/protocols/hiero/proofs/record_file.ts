/**
 * Wrapped record blocks: the check of the nodes' signatures, and that the block says what they signed.
 *
 * Layer: protocols. Imports address_book, bytes, record_stream, fault, merkle and wire. Source: spec/block-node.md §2.3, §6.7.
 *
 * @module
 */

import { equalBytes, type HieroFault } from "../fault.ts";
import { HASH_BYTES, type Sha384 } from "../merkle.ts";
import { WIRE_TYPE, WireReader } from "../wire.ts";
import type { AddressBook } from "./address_book.ts";
import { badProof } from "./bytes.ts";
import { fieldOf, malformed, parseRecordStreamFile, recordFileHash } from "./record_stream.ts";

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
