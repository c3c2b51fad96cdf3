/**
 * What proofs are checked against: the network's ledger id, roster and keys, and where they come from.
 *
 * Layer: protocols. Imports address_book, bytes, roster, fault and wire. Source: spec/block-node.md §1.6 (TssData,
 * RangedAddressBookHistory), §2.3 (LedgerIdPublication), §6.5 (source of trust).
 *
 * @module
 */

import { equalBytes, HieroFault, toHex } from "../fault.ts";
import { WIRE_TYPE, WireReader } from "../wire.ts";
import { WireWriter } from "../wire_writer.ts";
import { decodeAddressBooks, encodeAddressBooks, type RangedAddressBook } from "./address_book.ts";
import { badProof } from "./bytes.ts";
import { ledgerIdOf, type RosterEntry } from "./roster.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** Bytes of a ledger id. */
export const LEDGER_ID_BYTES = 32;

/** What TSS signatures are checked against: the TssData message of the API. */
export interface TssData {
  /** 32 bytes, little-endian: the Poseidon hash of the genesis roster. */
  readonly ledgerId: Uint8Array;
  /** 1768 bytes, or empty if the network has none yet. */
  readonly wrapsVerificationKey: Uint8Array;
  /** In the order of the publication: signer flags count by it. */
  readonly roster: readonly RosterEntry[];
  readonly validFromBlock: bigint;
}

/** All that a node knows to check proofs with. Plain data; {@link encodeVerificationData} makes it storable. */
export interface VerificationData {
  readonly tss?: TssData | undefined;
  /** For wrapped record blocks, ascending. */
  readonly addressBooks: readonly RangedAddressBook[];
}

/** A node that knows nothing yet: block 0 may tell it. */
export const NO_VERIFICATION_DATA: VerificationData = { addressBooks: [] };

const PUBLICATION_FIELD = 77;

/**
 * The ledger id publication of a block's transaction, if it is one; the caller asks for block 0 only.
 *
 * @param transaction A serialized SignedTransaction.
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function findPublication(transaction: Uint8Array): TssData | undefined {
  const signed = new WireReader(transaction);
  let found: TssData | undefined;
  while (signed.nextTag()) {
    if (!signed.is(1, BYTES)) {
      signed.skip();
      continue;
    }
    const body = new WireReader(signed.view());
    while (body.nextTag()) {
      if (body.is(PUBLICATION_FIELD, BYTES)) found = parseTss(body.view(), PUBLICATION_FIELDS);
      else body.skip();
    }
  }
  return found;
}

/** Where the two messages of the same content have their fields. */
interface TssFields {
  readonly roster: (bytes: Uint8Array) => RosterEntry[];
  readonly validFrom: number;
}
const PUBLICATION_FIELDS: TssFields = { roster: (bytes) => [parseEntry(bytes)], validFrom: 0 };
const TSS_DATA_FIELDS: TssFields = { roster: parseRoster, validFrom: 4 };

function parseTss(bytes: Uint8Array, { roster: parse, validFrom }: TssFields): TssData {
  const reader = new WireReader(bytes);
  const roster: RosterEntry[] = [];
  let ledgerId = new Uint8Array(0);
  let wrapsVerificationKey = new Uint8Array(0);
  let validFromBlock = 0n;
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) ledgerId = reader.view().slice();
    else if (reader.is(2, BYTES)) wrapsVerificationKey = reader.view().slice();
    else if (reader.is(3, BYTES)) roster.push(...parse(reader.view()));
    else if (reader.is(validFrom, VARINT)) validFromBlock = reader.uint64();
    else reader.skip();
  }
  return { ledgerId, wrapsVerificationKey, roster, validFromBlock };
}

function parseRoster(bytes: Uint8Array): RosterEntry[] {
  const reader = new WireReader(bytes);
  const entries: RosterEntry[] = [];
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) entries.push(parseEntry(reader.view()));
    else reader.skip();
  }
  return entries;
}

function parseEntry(bytes: Uint8Array): RosterEntry {
  const reader = new WireReader(bytes);
  let nodeId = 0n;
  let weight = 0n;
  let schnorrKey = new Uint8Array(0);
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) nodeId = reader.uint64();
    else if (reader.is(2, VARINT)) weight = reader.uint64();
    else if (reader.is(3, BYTES)) schnorrKey = reader.view().slice();
    else reader.skip();
  }
  return { nodeId, weight, schnorrKey };
}

/**
 * Holds a publication to itself, and to the ledger id the operator expects: its roster must hash to its ledger id.
 *
 * The hash makes a genesis block's word about its roster as good as the ledger id: whoever knows that from elsewhere
 * knows the roster.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `ledger-id`.
 */
export function checkPublication(data: TssData, expected?: Uint8Array): void {
  checkLedgerId(data, expected);
  const computed = ledgerIdOf(data.roster);
  if (!equalBytes(data.ledgerId, computed)) {
    throw badProof("ledger-id", "the published roster does not give the published ledger id", {
      expected: toHex(computed),
      actual: toHex(data.ledgerId),
    });
  }
}

/**
 * Holds TSS data to the ledger id the operator expects.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `ledger-id`.
 */
export function checkLedgerId({ ledgerId }: TssData, expected?: Uint8Array): void {
  if (ledgerId.length === LEDGER_ID_BYTES && (expected === undefined || equalBytes(ledgerId, expected))) {
    return;
  }
  throw badProof("ledger-id", "the ledger id is not the expected one", {
    ...(expected === undefined ? {} : { expected: toHex(expected) }),
    actual: toHex(ledgerId),
  });
}

/** Serializes TssData as the API's message. */
export function encodeTssData(data: TssData): Uint8Array {
  const roster = new WireWriter(1_024);
  for (const { nodeId, weight, schnorrKey } of data.roster) {
    roster.bytes(1, new WireWriter(256).varint(1, nodeId).varint(2, weight).bytes(3, schnorrKey).finish());
  }
  return new WireWriter(4_096).bytes(1, data.ledgerId).bytes(2, data.wrapsVerificationKey)
    .bytes(3, roster.finish()).varint(4, data.validFromBlock).finish().slice();
}

/**
 * Reads a TssData message.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`.
 */
export function decodeTssData(bytes: Uint8Array): TssData {
  return parseTss(bytes, TSS_DATA_FIELDS);
}

/** Serializes verification data for storage: field 1 a TssData, field 2 a RangedAddressBookHistory. */
export function encodeVerificationData({ tss, addressBooks }: VerificationData): Uint8Array {
  const writer = new WireWriter(4_096);
  if (tss !== undefined) writer.bytes(1, encodeTssData(tss));
  return writer.bytes(2, encodeAddressBooks(addressBooks)).finish().slice();
}

/**
 * Reads what {@link encodeVerificationData} wrote.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE` if the bytes are damaged.
 */
export function decodeVerificationData(bytes: Uint8Array): VerificationData {
  const reader = new WireReader(bytes);
  let tss: TssData | undefined;
  let addressBooks: RangedAddressBook[] = [];
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) tss = decodeTssData(reader.view());
    else if (reader.is(2, BYTES)) addressBooks = decodeAddressBooks(reader.view());
    else reader.skip();
  }
  return { tss, addressBooks };
}

/** What a check gets that lacks something to check against. */
export function missingData(message: string): HieroFault {
  return new HieroFault("MISSING_VERIFICATION_DATA", `Cannot verify block proof: ${message}`, {
    check: "proof",
  });
}
