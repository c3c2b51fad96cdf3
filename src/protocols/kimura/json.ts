/**
 * Blocks and messages as the original writes them on gossip: byte strings are lists of numbers.
 *
 * Layer: protocols. Source: spec/kimura.md §1 (wire). Our own fields (`leader`, `term`, `signature`) follow the original's;
 * it ignores fields it does not know, and so do we.
 *
 * @module
 */

import {
  type Block,
  type BlockHeader,
  type LeaderSeal,
  MAX_BLOCK_IDS,
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
} from "./block.ts";
import { equalBytes, HASH_BYTES } from "./bytes.ts";
import { KimuraFault } from "./fault.ts";
import { JsonReader } from "./json_reader.ts";
import { makeMessage, MAX_CONTENT_BYTES, MAX_SENDER_BYTES, type Message } from "./message.ts";

/** A character of JSON may take six bytes (`\u0000`). */
const ESCAPED = 6;

const list = (bytes: Uint8Array) => `[${bytes.join(",")}]`;

/** A block as JSON text. */
export function blockToJson({ header, messageIds, seal }: Block): string {
  const { height, timestamp, prevHash, messageRoot } = header;
  const fields = [
    `"header":{"height":${height},"timestamp":${timestamp},"prev_hash":${list(prevHash)},` +
    `"message_root":${list(messageRoot)}}`,
    `"message_ids":[${messageIds.map(list).join(",")}]`,
  ];
  if (seal !== undefined) {
    fields.push(`"leader":${list(seal.publicKey)}`, `"signature":${list(seal.signature)}`);
    if (seal.term !== undefined) fields.push(`"term":${seal.term}`);
  }
  return `{${fields.join(",")}}`;
}

/** A message as JSON text. */
export function messageToJson({ id, sender, content, timestamp, nonce, signature }: Message): string {
  const fields = [
    `"id":${list(id)}`,
    `"sender":${JSON.stringify(sender)}`,
    `"content":${JSON.stringify(content)}`,
    `"timestamp":${timestamp}`,
    `"nonce":${nonce}`,
  ];
  if (signature !== undefined) fields.push(`"signature":${list(signature)}`);
  return `{${fields.join(",")}}`;
}

/** Bytes of a list of numbers as JSON. */
function listLength(bytes: Uint8Array): number {
  let length = bytes.length + 1;
  for (const byte of bytes) length += byte < 10 ? 1 : byte < 100 ? 2 : 3;
  return length;
}

/** Bytes that one more id adds to a block's JSON, its comma included. */
export function idJsonBytes(id: Uint8Array): number {
  return listLength(id) + 1;
}

/** Most bytes of a block's JSON without its ids: header, seal and punctuation at their longest. */
export const BLOCK_JSON_FRAME_BYTES = 1_024;

/** Reads a block at the reader's place. @throws {KimuraFault} `MALFORMED_JSON`, `OVERSIZE`. */
export function readBlock(reader: JsonReader): Block {
  let header: BlockHeader | undefined;
  let messageIds: Uint8Array[] | undefined;
  let [publicKey, signature]: (Uint8Array | undefined)[] = [];
  let term: bigint | undefined;
  reader.object({
    header: () => header = readHeader(reader),
    message_ids: () => {
      const ids: Uint8Array[] = [];
      reader.list(MAX_BLOCK_IDS, () => ids.push(reader.bytes(HASH_BYTES)));
      messageIds = ids;
    },
    leader: () => publicKey = reader.bytes(PUBLIC_KEY_BYTES),
    signature: () => signature = reader.bytes(SIGNATURE_BYTES),
    term: () => term = reader.u64(),
  });
  if (header === undefined || messageIds === undefined) throw missing("block", "header and message_ids");
  if (publicKey === undefined && signature === undefined && term === undefined) return { header, messageIds };
  if (publicKey === undefined || signature === undefined) {
    throw missing("signed block", "leader and signature");
  }
  const seal: LeaderSeal = { publicKey, signature, ...(term === undefined ? {} : { term }) };
  return { header, messageIds, seal };
}

function readHeader(reader: JsonReader): BlockHeader {
  let [height, timestamp]: (bigint | undefined)[] = [];
  let [prevHash, messageRoot]: (Uint8Array | undefined)[] = [];
  reader.object({
    height: () => height = reader.u64(),
    timestamp: () => timestamp = reader.u64(),
    prev_hash: () => prevHash = reader.bytes(HASH_BYTES),
    message_root: () => messageRoot = reader.bytes(HASH_BYTES),
  });
  if (
    height === undefined || timestamp === undefined || prevHash === undefined || messageRoot === undefined
  ) {
    throw missing("header", "height, timestamp, prev_hash and message_root");
  }
  return { height, timestamp, prevHash, messageRoot };
}

/**
 * Reads a message at the reader's place.
 *
 * @throws {KimuraFault} `MALFORMED_JSON`, also when the id is not that of sender and nonce; `OVERSIZE`.
 */
export function readMessage(reader: JsonReader): Message {
  let [sender, content]: (string | undefined)[] = [];
  let [timestamp, nonce]: (bigint | undefined)[] = [];
  let [id, signature]: (Uint8Array | undefined)[] = [];
  reader.object({
    id: () => id = reader.bytes(HASH_BYTES),
    sender: () => sender = reader.text(MAX_SENDER_BYTES * ESCAPED),
    content: () => content = reader.text(MAX_CONTENT_BYTES * ESCAPED),
    timestamp: () => timestamp = reader.u64(),
    nonce: () => nonce = reader.u64(),
    signature: () => signature = reader.bytes(SIGNATURE_BYTES),
  });
  if (
    id === undefined || sender === undefined || content === undefined || timestamp === undefined ||
    nonce === undefined
  ) {
    throw missing("message", "id, sender, content, timestamp and nonce");
  }
  const encoder = new TextEncoder();
  if (
    encoder.encode(sender).length > MAX_SENDER_BYTES || encoder.encode(content).length > MAX_CONTENT_BYTES
  ) {
    throw new KimuraFault("OVERSIZE", "Cannot read message: its sender or content is too long");
  }
  const message = makeMessage({
    sender,
    content,
    timestamp,
    nonce,
    ...(signature === undefined ? {} : { signature }),
  });
  if (!equalBytes(id, message.id)) {
    throw new KimuraFault(
      "MALFORMED_JSON",
      "Cannot read message: its id is not that of its sender and nonce",
    );
  }
  return message;
}

function missing(what: string, fields: string): KimuraFault {
  return new KimuraFault("MALFORMED_JSON", `Cannot read ${what}: it needs ${fields}`);
}

/**
 * Reads one block that is all of `bytes`.
 *
 * @throws {KimuraFault} `MALFORMED_JSON`, `OVERSIZE`.
 */
export function blockFromJson(bytes: Uint8Array, maxBytes: number): Block {
  const reader = new JsonReader(bytes, maxBytes);
  const block = readBlock(reader);
  reader.end();
  return block;
}

/**
 * Reads one message that is all of `bytes`.
 *
 * @throws {KimuraFault} `MALFORMED_JSON`, `OVERSIZE`.
 */
export function messageFromJson(bytes: Uint8Array, maxBytes: number): Message {
  const reader = new JsonReader(bytes, maxBytes);
  const message = readMessage(reader);
  reader.end();
  return message;
}
