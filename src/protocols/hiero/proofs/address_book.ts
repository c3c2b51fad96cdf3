/**
 * Address books: the RSA keys of the nodes that signed record files.
 *
 * Layer: protocols. Imports fault and wire. Source: spec/block-node.md §2.3 (NodeAddressBook), §6.7.
 *
 * @module
 */

import { HieroFault } from "../fault.ts";
import { UINT64_MAX, WIRE_TYPE, WireReader } from "../wire.ts";
import { WireWriter } from "../wire_writer.ts";

const { VARINT, BYTES } = WIRE_TYPE;

/** Public keys, as DER SubjectPublicKeyInfo, by node id. */
export type AddressBook = ReadonlyMap<bigint, Uint8Array>;

/** The book of a range of blocks. */
export interface RangedAddressBook {
  readonly startBlock: bigint;
  /** Inclusive; 2^64 − 1 for a book still in use. */
  readonly endBlock: bigint;
  readonly book: AddressBook;
}

/** Node ids of the first book: account 0.0.3 is node 0. */
const FIRST_NODE_ACCOUNT = 3n;
const MEMO = /^0\.0\.(\d{1,18})$/;
const TEXT = new TextDecoder();

interface NodeAddress {
  nodeId?: bigint;
  account?: bigint;
  memo: string;
  rsaKey: string;
}

/**
 * Parses a NodeAddressBook message.
 *
 * The oldest book names no node ids: there a node's id is its account, from the memo, less three.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE` for broken bytes or a key that is no hex; `MISSING_VERIFICATION_DATA` if no
 *   node of the book has a key, or two have the same id.
 */
export function parseAddressBook(bytes: Uint8Array): AddressBook {
  const reader = new WireReader(bytes);
  const nodes: NodeAddress[] = [];
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) nodes.push(parseNode(reader.view()));
    else reader.skip();
  }
  const named = nodes.some(({ nodeId, account }) => nodeId !== undefined || account !== undefined);
  const book = new Map<bigint, Uint8Array>();
  for (const node of nodes) {
    const id = named ? node.nodeId ?? 0n : idFromMemo(node.memo);
    if (id === undefined || node.rsaKey === "") continue;
    const key = parseHex(node.rsaKey);
    const known = book.get(id);
    // The first book lists a node once for each of its addresses.
    if (known !== undefined && known.some((byte, i) => byte !== key[i])) {
      throw new HieroFault("MISSING_VERIFICATION_DATA", `Cannot use address book: two keys for node ${id}`, {
        check: "proof",
        nodeId: String(id),
      });
    }
    book.set(id, key);
  }
  if (book.size === 0) {
    throw new HieroFault("MISSING_VERIFICATION_DATA", "Cannot use address book: no node has a key", {
      check: "proof",
    });
  }
  return book;
}

function idFromMemo(memo: string): bigint | undefined {
  const account = MEMO.exec(memo)?.[1];
  return account === undefined || BigInt(account) < FIRST_NODE_ACCOUNT
    ? undefined
    : BigInt(account) - FIRST_NODE_ACCOUNT;
}

function parseNode(bytes: Uint8Array): NodeAddress {
  const reader = new WireReader(bytes);
  const node: NodeAddress = { memo: "", rsaKey: "" };
  while (reader.nextTag()) {
    if (reader.is(3, BYTES)) node.memo = TEXT.decode(reader.view());
    else if (reader.is(4, BYTES)) node.rsaKey = TEXT.decode(reader.view());
    else if (reader.is(5, VARINT)) node.nodeId = reader.int64();
    else if (reader.is(6, BYTES)) {
      node.account = 0n;
      reader.skip();
    } else reader.skip();
  }
  return node;
}

function parseHex(text: string): Uint8Array {
  try {
    return Uint8Array.fromHex(text);
  } catch {
    throw new HieroFault("UNABLE_TO_PARSE", "Cannot parse address book: RSA_PubKey is no hex", {
      check: "wire",
    });
  }
}

/** The book of a block; of several that cover it the last one. */
export function addressBookAt(books: readonly RangedAddressBook[], block: bigint): AddressBook | undefined {
  return books.findLast(({ startBlock, endBlock }) => startBlock <= block && block <= endBlock)?.book;
}

/** Serializes books as a RangedAddressBookHistory message (spec §1.6). */
export function encodeAddressBooks(books: readonly RangedAddressBook[]): Uint8Array {
  const history = new WireWriter();
  for (const { startBlock, endBlock, book } of books) {
    const nodes = new WireWriter();
    for (const [id, key] of book) {
      const node = new WireWriter().bytes(4, new TextEncoder().encode(key.toHex()));
      nodes.bytes(1, node.varint(5, id).finish());
    }
    const ranged = new WireWriter().bytes(1, nodes.finish()).varint(2, startBlock).varint(3, endBlock);
    history.bytes(1, ranged.finish());
  }
  return history.finish().slice();
}

/**
 * Reads a RangedAddressBookHistory message.
 *
 * @throws {HieroFault} as {@link parseAddressBook}.
 */
export function decodeAddressBooks(bytes: Uint8Array): RangedAddressBook[] {
  const reader = new WireReader(bytes);
  const books: RangedAddressBook[] = [];
  while (reader.nextTag()) {
    if (!reader.is(1, BYTES)) {
      reader.skip();
      continue;
    }
    const ranged = new WireReader(reader.view());
    let book: AddressBook = new Map();
    let startBlock = 0n;
    let endBlock = 0n;
    while (ranged.nextTag()) {
      if (ranged.is(1, BYTES)) book = parseAddressBook(ranged.view());
      else if (ranged.is(2, VARINT)) startBlock = ranged.uint64();
      else if (ranged.is(3, VARINT)) endBlock = ranged.uint64();
      else ranged.skip();
    }
    books.push({ startBlock, endBlock, book });
  }
  return books;
}

/** A book for all blocks from `startBlock` on. */
export function openEndedBook(book: AddressBook, startBlock = 0n): RangedAddressBook {
  return { startBlock, endBlock: UINT64_MAX, book };
}
