/**
 * What can be said about a block proof without checking a signature: its kind, its shape, the hashes it names.
 *
 * Layer: protocols. Imports fault and wire. Source: spec/block-node.md §2.3, §6.4-6.6, §6.2.5.
 *
 * @module
 */

import { HieroFault } from "./fault.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** Genesis proof: hinTS key and signature with a Schnorr multi-signature behind (spec §6.5). */
export const SCHNORR_SIGNATURE_BYTES = 2920;
/** Settled proof: the same with a compressed WRAPS proof behind. */
export const WRAPS_SIGNATURE_BYTES = 3432;
/** Two leaves and the join they meet in (spec §6.6). */
const STATE_PROOF_MIN_PATHS = 3;

/** One block proof, as far as its shape goes. `field` is its place in the oneof of BlockProof. */
export type BlockProof =
  | { readonly kind: "tss"; readonly field: 2; readonly signatureBytes: number }
  | {
    readonly kind: "stateProof";
    readonly field: 3;
    readonly paths: number;
    readonly signatureBytes: number;
    /** Contents of the paths that start from a ready hash: one of them must be this block's root. */
    readonly pathHashes: readonly Uint8Array[];
  }
  | {
    readonly kind: "signedRecordFile";
    readonly field: 4;
    readonly version: number;
    readonly signatures: number;
  }
  /** HAPI 0.69 and before: `rootDigest` is H(block root), 48 bytes, or empty. */
  | { readonly kind: "legacy"; readonly field: 5; readonly rootDigest: Uint8Array }
  | { readonly kind: "unknown"; readonly field: number };

/** Name of a proof kind. */
export type ProofKind = BlockProof["kind"];

/**
 * Parses a BlockProof. Of several proofs in the oneof the last one counts, as protobuf has it.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE` for broken bytes; `BAD_BLOCK_PROOF` for a shape no valid proof has.
 */
export function parseBlockProof(bytes: Uint8Array, start = 0, end: number = bytes.length): BlockProof {
  const reader = new WireReader(bytes, start, end);
  let proof: BlockProof = { kind: "unknown", field: 0 };
  while (reader.nextTag()) {
    const { field } = reader;
    if (field === 1 || reader.wireType !== BYTES) {
      reader.skip();
      continue;
    }
    const length = reader.length();
    const from = reader.pos;
    reader.pos += length;
    if (field === 2) proof = { kind: "tss", field, signatureBytes: tssSignature(bytes, from, reader.pos) };
    else if (field === 3) proof = parseStateProof(bytes, from, reader.pos);
    else if (field === 4) proof = parseRecordFileProof(bytes, from, reader.pos);
    else if (field === 5) {
      proof = { kind: "legacy", field, rootDigest: legacyDigest(bytes, from, reader.pos) };
    } else proof = { kind: "unknown", field };
  }
  return proof;
}

function bad(message: string): HieroFault {
  return new HieroFault("BAD_BLOCK_PROOF", `Cannot accept block proof: ${message}`, { check: "proof" });
}

function tssSignature(bytes: Uint8Array, start: number, end: number): number {
  const reader = new WireReader(bytes, start, end);
  let length = 0;
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) length = reader.view().length;
    else reader.skip();
  }
  if (length !== SCHNORR_SIGNATURE_BYTES && length !== WRAPS_SIGNATURE_BYTES) {
    throw bad(
      `signature must be ${SCHNORR_SIGNATURE_BYTES} or ${WRAPS_SIGNATURE_BYTES} bytes, got ${length}`,
    );
  }
  return length;
}

function parseStateProof(bytes: Uint8Array, start: number, end: number): BlockProof {
  const reader = new WireReader(bytes, start, end);
  const pathHashes: Uint8Array[] = [];
  let paths = 0;
  let signatureBytes = 0;
  while (reader.nextTag()) {
    if (reader.wireType !== BYTES) {
      reader.skip();
      continue;
    }
    const { field } = reader;
    const length = reader.length();
    const from = reader.pos;
    reader.pos += length;
    if (field === 1) {
      paths++;
      const hash = pathHash(bytes, from, reader.pos);
      if (hash !== undefined) pathHashes.push(hash);
    } else if (field === 2) signatureBytes = tssSignature(bytes, from, reader.pos);
    else if (field === 3) signatureBytes = 0;
  }
  if (paths < STATE_PROOF_MIN_PATHS) {
    throw bad(`state proof needs ${STATE_PROOF_MIN_PATHS} paths, got ${paths}`);
  }
  if (signatureBytes === 0) throw bad("state proof carries no TSS signature");
  return { kind: "stateProof", field: 3, paths, signatureBytes, pathHashes };
}

function pathHash(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const reader = new WireReader(bytes, start, end);
  let hash: Uint8Array | undefined;
  while (reader.nextTag()) {
    const content = reader.field >= 3 && reader.field <= 6 && reader.wireType === BYTES;
    if (!content) reader.skip();
    else if (reader.field === 3) hash = reader.view();
    else {
      reader.skip();
      hash = undefined;
    }
  }
  return hash === undefined || hash.length === 0 ? undefined : hash;
}

function parseRecordFileProof(bytes: Uint8Array, start: number, end: number): BlockProof {
  const reader = new WireReader(bytes, start, end);
  let version = 0;
  let signatures = 0;
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) version = reader.uint32();
    else {
      if (reader.is(2, BYTES)) signatures++;
      reader.skip();
    }
  }
  if (signatures === 0) throw bad("record file proof carries no signature");
  return { kind: "signedRecordFile", field: 4, version, signatures };
}

function legacyDigest(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const reader = new WireReader(bytes, start, end);
  let digest = bytes.subarray(start, start);
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) digest = reader.view();
    else reader.skip();
  }
  return digest;
}
