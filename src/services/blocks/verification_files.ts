/**
 * What proofs are checked against, as operators have it in files: TSS data and address books.
 *
 * Layer: services. Source: spec/block-node.md §7.3 (bootstrap files are protobuf JSON), §1.6.
 *
 * @module
 */

import { type DescMessage, fromJsonString, toBinary } from "@bufbuild/protobuf";
import { NodeAddressBookSchema } from "../../../proto/gen/com/hedera/hapi/services/basic_types_pb.ts";
import {
  RangedAddressBookHistorySchema,
  TssDataSchema,
} from "../../../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { CairnError, toCairnError } from "../../kernel/errors.ts";
import {
  decodeAddressBooks,
  openEndedBook,
  parseAddressBook,
  type RangedAddressBook,
} from "../../protocols/hiero/proofs/address_book.ts";
import {
  decodeTssData,
  type TssData,
  type VerificationData,
} from "../../protocols/hiero/proofs/verification_data.ts";

/** Files to read; those left out give nothing. */
export interface VerificationFiles {
  /** JSON of a TssData message. */
  readonly tssData?: string | undefined;
  /** JSON of a RangedAddressBookHistory or a NodeAddressBook, or the bytes of a NodeAddressBook. */
  readonly addressBook?: string | undefined;
}

/**
 * Reads verification data from files.
 *
 * @throws {CairnError} `FILE_UNREADABLE` for a file that cannot be read or is something else.
 */
export async function readVerificationFiles(files: VerificationFiles): Promise<VerificationData> {
  return {
    tss: files.tssData === undefined ? undefined : await readFile(files.tssData, parseTssData),
    addressBooks: files.addressBook === undefined ? [] : await readFile(files.addressBook, parseAddressBooks),
  };
}

async function readFile<T>(path: string, parse: (bytes: Uint8Array) => T): Promise<T> {
  try {
    return parse(await Deno.readFile(path));
  } catch (thrown) {
    const cause = toCairnError(thrown);
    throw new CairnError("FILE_UNREADABLE", `Cannot read verification data '${path}': ${cause.message}`, {
      cause,
    });
  }
}

function fromJson(schema: DescMessage, bytes: Uint8Array): Uint8Array {
  return toBinary(
    schema,
    fromJsonString(schema, new TextDecoder().decode(bytes), { ignoreUnknownFields: true }),
  );
}

function parseTssData(bytes: Uint8Array): TssData {
  return decodeTssData(fromJson(TssDataSchema, bytes));
}

const OPEN_BRACE = 0x7b;

function parseAddressBooks(bytes: Uint8Array): RangedAddressBook[] {
  if (bytes[0] !== OPEN_BRACE) return [openEndedBook(parseAddressBook(bytes))];
  const keys = Object.keys(JSON.parse(new TextDecoder().decode(bytes)));
  return keys.some((key) => key === "addressBooks" || key === "address_books")
    ? decodeAddressBooks(fromJson(RangedAddressBookHistorySchema, bytes))
    : [openEndedBook(parseAddressBook(fromJson(NodeAddressBookSchema, bytes)))];
}
