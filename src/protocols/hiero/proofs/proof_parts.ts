/**
 * The parts of a block that its proofs need, as they were serialized.
 *
 * Layer: protocols. Imports items, wire and the proof files. Source: spec/block-node.md §2.3, §6.4.
 *
 * @module
 */

import { ITEM, itemRanges, openItem } from "../items.ts";
import { WIRE_TYPE, WireReader } from "../wire.ts";
import type { RecordBlockHeader } from "./record_file.ts";
import { findPublication, type TssData } from "./verification_data.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** One proof: its place in the oneof of BlockProof, 0 if there is none, and what is in it. */
export interface RawProof {
  /** Field `block`, 0 if absent. */
  readonly block: bigint;
  readonly field: number;
  readonly content: Uint8Array;
}

/** Views on a block. */
export interface ProofParts {
  readonly header: RecordBlockHeader;
  readonly proofs: readonly RawProof[];
  /** Payload of the record_file item. */
  readonly recordFile: Uint8Array | undefined;
  /** Block 0 only: what the network publishes about itself. */
  readonly publication: TssData | undefined;
}

/**
 * Walks a block whose structure was checked before.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function readProofParts(block: Uint8Array, number: bigint): ProofParts {
  const reader = new WireReader(block);
  const empty = block.subarray(0, 0);
  const header = { number, timestamp: empty, hapiVersion: empty };
  const proofs: RawProof[] = [];
  let recordFile: Uint8Array | undefined;
  let publication: TssData | undefined;
  for (const { start, end } of itemRanges(block)) {
    reader.reset(start, end);
    const field = openItem(reader);
    const payload = block.subarray(reader.pos, end);
    if (field === ITEM.BLOCK_PROOF) proofs.push(readProof(payload));
    else if (field === ITEM.RECORD_FILE) recordFile = payload;
    else if (field === ITEM.BLOCK_HEADER) {
      const fields = new WireReader(payload);
      while (fields.nextTag()) {
        if (fields.is(1, BYTES)) header.hapiVersion = fields.view();
        else if (fields.is(4, BYTES)) header.timestamp = fields.view();
        else fields.skip();
      }
    } else if (field === ITEM.SIGNED_TRANSACTION && number === 0n) publication ??= findPublication(payload);
  }
  return { header, proofs, recordFile, publication };
}

function readProof(bytes: Uint8Array): RawProof {
  const reader = new WireReader(bytes);
  const proof = { block: 0n, field: 0, content: bytes.subarray(0, 0) };
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) proof.block = reader.uint64();
    else if (reader.wireType === BYTES) {
      proof.field = reader.field;
      proof.content = reader.view();
    } else reader.skip();
  }
  return proof;
}
