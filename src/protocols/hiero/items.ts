/**
 * Kinds of block items and the sub-tree each is hashed into, without decoding an item past its first tag.
 *
 * Layer: protocols. Imports fault and wire. Source: spec/block-node.md §2.1, §6.2, §6.3.
 *
 * @module
 */

import { HieroFault } from "./fault.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";

/** Field numbers of BlockItem that this node must tell apart. */
export const ITEM = {
  BLOCK_HEADER: 1,
  EVENT_HEADER: 2,
  ROUND_HEADER: 3,
  SIGNED_TRANSACTION: 4,
  TRANSACTION_RESULT: 5,
  TRANSACTION_OUTPUT: 6,
  STATE_CHANGES: 7,
  FILTERED_SINGLE_ITEM: 8,
  BLOCK_PROOF: 9,
  RECORD_FILE: 10,
  TRACE_DATA: 11,
  BLOCK_FOOTER: 12,
  REDACTED_ITEM: 19,
} as const;

const KIND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ITEM).map(([name, field]) => [field, name.toLowerCase()]),
);

const UNNAMED = "field_";

/** Name of an item kind as the protobuf definition spells it; `field_N` for kinds of the future. */
export function itemKindName(field: number): string {
  return KIND_NAMES.get(field) ?? `${UNNAMED}${field}`;
}

/** Items of kinds that this version does not know, by what their number says about hashing (spec §6.3). */
export interface FutureItems {
  readonly hashed: number;
  readonly notHashed: number;
}

/** Future items among those of a block that was scanned. @param counts Items by {@link itemKindName}. */
export function countFutureItems(counts: Readonly<Record<string, number>>): FutureItems {
  let [hashed, notHashed] = [0, 0];
  for (const [name, count] of Object.entries(counts)) {
    // Every kind without a name of its own that passes a scan is one of the future.
    if (!name.startsWith(UNNAMED)) continue;
    if (subtreeOf(Number(name.slice(UNNAMED.length))) === NOT_HASHED) notHashed += count;
    else hashed += count;
  }
  return { hashed, notHashed };
}

/** Whether a kind is one that this version does not know and whose number says how to hash it, or to refuse it. */
export function isFutureKind(field: number): boolean {
  return field >= FIRST_FUTURE_FIELD;
}

/** Sub-trees in the order of their leaves in the block root: 0-4 are leaves 4-8, 5-12 are leaves 9-16. */
export const SUBTREES = [
  "consensusHeaders",
  "inputs",
  "outputs",
  "stateChanges",
  "traceData",
  "extension0",
  "extension1",
  "extension2",
  "extension3",
  "extension4",
  "extension5",
  "extension6",
  "extension7",
] as const;

/** Name of a sub-tree of the block root. */
export type SubtreeName = (typeof SUBTREES)[number];

/** {@link subtreeOf} of items that are read but not hashed as items: proof, footer and their future kin. */
export const NOT_HASHED: number = -1;

/** Sub-tree of the fields 0-19; `undefined` refuses the block. */
const SUBTREE_OF_FIELD: readonly (number | undefined)[] = [
  undefined, // 0 is no field number
  2, // block_header
  0, // event_header
  0, // round_header
  1, // signed_transaction
  2, // transaction_result
  2, // transaction_output
  3, // state_changes
  undefined, // filtered_single_item
  NOT_HASHED, // block_proof
  2, // record_file
  4, // trace_data
  NOT_HASHED, // block_footer
  ...Array<undefined>(7), // 13-18 reserved, 19 redacted_item
];

/** Future fields (20 and above) by their number modulo 20 (spec §6.3). */
const FUTURE_SUBTREE: readonly (number | undefined)[] = [
  NOT_HASHED,
  undefined, // 1, 2: specific handling, so nobody can hash them without knowing it
  undefined,
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  undefined, // 16-18 reserved
  undefined,
  undefined,
  NOT_HASHED,
];

/** First future field number: from here on a kind tells its sub-tree by its number. */
const FIRST_FUTURE_FIELD = 20;

/**
 * Index into {@link SUBTREES} of an item kind, or {@link NOT_HASHED}.
 *
 * @throws {HieroFault} `UNSUPPORTED_ITEM_TYPE` for kinds that refuse the block.
 */
export function subtreeOf(field: number): number {
  const subtree = field < FIRST_FUTURE_FIELD
    ? SUBTREE_OF_FIELD[field]
    : FUTURE_SUBTREE[field % FIRST_FUTURE_FIELD];
  if (subtree === undefined) {
    throw new HieroFault("UNSUPPORTED_ITEM_TYPE", `Cannot hash block item of kind ${itemKindName(field)}`, {
      check: "structure",
      field,
    });
  }
  return subtree;
}

/**
 * Reads the one field of a BlockItem. Afterwards `reader.pos` is the start of its payload and `reader.end` its end.
 *
 * @returns The field number.
 * @throws {HieroFault} `UNKNOWN_ERROR` for an empty item, `UNSUPPORTED_STREAM_FORMAT` for more than one field,
 *   `UNABLE_TO_PARSE` for anything that is not a length-delimited field.
 */
export function openItem(reader: WireReader): number {
  const start = reader.pos;
  if (!reader.nextTag()) {
    throw new HieroFault("UNKNOWN_ERROR", `Cannot read block item: no content at offset ${start}`, {
      check: "structure",
      offset: start,
    });
  }
  const { field } = reader;
  if (reader.wireType !== WIRE_TYPE.BYTES) {
    throw new HieroFault("UNABLE_TO_PARSE", `Cannot read block item: field ${field} is no message`, {
      check: "wire",
      field,
      offset: start,
    });
  }
  const length = reader.length();
  if (reader.pos + length !== reader.end) {
    throw new HieroFault("UNSUPPORTED_STREAM_FORMAT", "Cannot read block item: more than one field", {
      check: "structure",
      field,
      offset: start,
    });
  }
  return field;
}

/**
 * Field number of an item's first tag, however the rest looks; 0 if it is empty or no tag can be read.
 * For routing only: {@link openItem} decides whether the item is good.
 */
export function peekItemKind(bytes: Uint8Array, start: number, end: number): number {
  const reader = new WireReader(bytes, start, end);
  try {
    return reader.nextTag() ? reader.field : 0;
  } catch (thrown) {
    if (thrown instanceof HieroFault) return 0;
    throw thrown;
  }
}

/** Where one item lies inside a Block or BlockItemSet. */
export interface ItemRange {
  /** First byte of the record that wraps the item (its field-1 tag). */
  readonly recordStart: number;
  /** First byte of the BlockItem itself: what is hashed starts here. */
  readonly start: number;
  /** First byte past the item, and past its record. */
  readonly end: number;
}

/**
 * Walks the items of a serialized Block or BlockItemSet: both are field 1, repeated. Other fields are stepped over.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE` at the first byte that is no well-formed record.
 */
export function* itemRanges(bytes: Uint8Array, start = 0, end: number = bytes.length): Generator<ItemRange> {
  const reader = new WireReader(bytes, start, end);
  for (let recordStart = start; reader.nextTag(); recordStart = reader.pos) {
    if (!reader.is(1, WIRE_TYPE.BYTES)) {
      reader.skip();
      continue;
    }
    const length = reader.length();
    const range = { recordStart, start: reader.pos, end: reader.pos + length };
    reader.pos = range.end;
    yield range;
  }
}
