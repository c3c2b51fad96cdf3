/**
 * One pass over a serialized block: structure rules held, every item hashed into its sub-tree, and the few parts
 * that must be read handed out.
 *
 * Layer: protocols. Imports the parsers of this room. Source: spec/block-node.md §2.2, §6.2.3, §6.4, §6.9.
 *
 * @module
 */

import { type BlockFooter, type BlockHeader, parseBlockFooter, parseBlockHeader } from "./block_parts.ts";
import { HieroFault } from "./fault.ts";
import { ITEM, itemKindName, itemRanges, NOT_HASHED, openItem, subtreeOf } from "./items.ts";
import { type BlockProof, parseBlockProof } from "./proof.ts";
import type { RootHasher } from "./root_hash.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";

/** What one pass over a block gives. */
export interface ScannedBlock {
  readonly header: BlockHeader;
  readonly footer: BlockFooter;
  readonly proofs: readonly BlockProof[];
  readonly itemCount: number;
  /** Items by kind name, in order of first appearance. */
  readonly itemCounts: Readonly<Record<string, number>>;
  /** Whether this is a wrapped record block (spec §2.2). */
  readonly hasRecordFile: boolean;
}

/** The field of RecordFileItem that its proof signs; must be there whatever the proof kind (spec §6.7). */
const RECORD_FILE_CONTENTS_FIELD = 2;

/**
 * Walks a block and feeds `hasher`, which must be clear. Borrows `bytes` as {@link RootHasher.addItem} does.
 *
 * @param expectedNumber The number the block was announced with, if there was an announcement.
 * @throws {HieroFault} The first thing wrong with the block's structure.
 */
export function scanBlock(
  bytes: Uint8Array,
  hasher: Pick<RootHasher, "addItem">,
  expectedNumber?: bigint,
): ScannedBlock {
  const reader = new WireReader(bytes);
  const counts = new Map<number, number>();
  const proofs: BlockProof[] = [];
  let header: BlockHeader | undefined;
  let footer: BlockFooter | undefined;
  let hasRecordFile = false;
  let itemCount = 0;

  for (const { start, end } of itemRanges(bytes)) {
    reader.reset(start, end);
    const field = openItem(reader);
    if (header === undefined) {
      header = openBlock(field, bytes, reader, expectedNumber);
    } else if (field === ITEM.BLOCK_HEADER) throw second("block_header");
    else if (field === ITEM.SIGNED_TRANSACTION && header.number === 0n) {
      walkTransaction(bytes, reader.pos, end);
    } else if (field === ITEM.RECORD_FILE) {
      if (hasRecordFile) throw second("record_file");
      hasRecordFile = true;
      requireRecordContents(bytes, reader.pos, end);
    } else if (field === ITEM.BLOCK_FOOTER) {
      if (footer !== undefined) throw second("block_footer");
      footer = parseBlockFooter(bytes, reader.pos, end);
    } else if (field === ITEM.BLOCK_PROOF) proofs.push(parseBlockProof(bytes, reader.pos, end));
    itemCount++;
    counts.set(field, (counts.get(field) ?? 0) + 1);
    const subtree = subtreeOf(field);
    if (subtree !== NOT_HASHED) hasher.addItem(subtree, bytes, start, end);
  }

  if (header === undefined) throw missing("block_header");
  if (footer === undefined) throw missing("block_footer");
  if (proofs.length === 0) throw missing("block_proof");
  const itemCounts: Record<string, number> = {};
  for (const [field, count] of counts) itemCounts[itemKindName(field)] = count;
  return { header, footer, proofs, itemCount, itemCounts, hasRecordFile };
}

function openBlock(
  field: number,
  bytes: Uint8Array,
  reader: WireReader,
  expectedNumber?: bigint,
): BlockHeader {
  if (field !== ITEM.BLOCK_HEADER) {
    throw new HieroFault(
      "MISSING_VERIFICATION_DATA",
      `Cannot verify block: first item must be block_header, got ${itemKindName(field)}`,
    );
  }
  const header = parseBlockHeader(bytes, reader.pos, reader.end);
  if (expectedNumber !== undefined && header.number !== expectedNumber) {
    throw new HieroFault(
      "MISSING_VERIFICATION_DATA",
      `Cannot verify block: expected number ${expectedNumber}, header says ${header.number}`,
      { check: "number", expected: String(expectedNumber), actual: String(header.number) },
    );
  }
  if (header.hapiVersion === undefined) throw missingField("hapi_proto_version");
  if (header.timestamp === undefined) throw missingField("block_timestamp");
  if (header.hashAlgorithm !== 0) {
    throw new HieroFault(
      "UNSUPPORTED_STREAM_FORMAT",
      `Cannot verify block ${header.number}: unknown hash algorithm ${header.hashAlgorithm}`,
    );
  }
  return header;
}

/** Block 0 names the network's keys in a transaction, so each of its transactions must be readable (spec §6.2.3). */
function walkTransaction(bytes: Uint8Array, start: number, end: number): void {
  const reader = new WireReader(bytes, start, end);
  while (reader.nextTag()) {
    if (!reader.is(1, WIRE_TYPE.BYTES)) {
      reader.skip();
      continue;
    }
    const length = reader.length();
    const body = new WireReader(bytes, reader.pos, reader.pos + length);
    while (body.nextTag()) body.skip();
    reader.pos += length;
  }
}

function requireRecordContents(bytes: Uint8Array, start: number, end: number): void {
  const reader = new WireReader(bytes, start, end);
  let found = false;
  while (reader.nextTag()) {
    if (reader.is(RECORD_FILE_CONTENTS_FIELD, WIRE_TYPE.BYTES)) found = true;
    reader.skip();
  }
  if (!found) {
    throw new HieroFault(
      "MISSING_MANDATORY_FIELD",
      "Cannot verify block: record_file has no record_file_contents",
    );
  }
}

function second(kind: string): HieroFault {
  return new HieroFault("UNSUPPORTED_STREAM_FORMAT", `Cannot verify block: more than one ${kind}`);
}

function missing(kind: string): HieroFault {
  return new HieroFault("MISSING_MANDATORY_ITEM", `Cannot verify block: no ${kind}`);
}

function missingField(name: string): HieroFault {
  return new HieroFault("MISSING_MANDATORY_FIELD", `Cannot verify block: header has no ${name}`);
}
