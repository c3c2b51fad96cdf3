/**
 * Messages: id, canonical bytes, what a sender signs.
 *
 * Layer: protocols. Imports src/hot. Source: spec/kimura.md §1 (wire) and §4.
 *
 * @module
 */

import { blake3 } from "../../hot/blake3.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "./block.ts";
import { ByteReader, ByteWriter, fromUtf8, utf8 } from "./bytes.ts";
import { KimuraFault } from "./fault.ts";

/** Most bytes of a sender that codecs read; a signed message's sender has 66. */
export const MAX_SENDER_BYTES = 256;
/** Most bytes of a content that codecs read. A chain's own rule is lower. */
export const MAX_CONTENT_BYTES = 131_072;
/** Most bytes of a message's canonical form. */
export const MAX_MESSAGE_BYTES = MAX_CONTENT_BYTES + MAX_SENDER_BYTES + 128;

/** A message. Its id is a function of sender and nonce, so it is computed, never believed. */
export interface Message {
  /** u8[32]. */
  readonly id: Uint8Array;
  /** UTF-8; of a signed message the public key, 66 lower-case hex digits. */
  readonly sender: string;
  /** UTF-8. */
  readonly content: string;
  /** u64, Unix seconds: when it was submitted. */
  readonly timestamp: bigint;
  /** u64; rises by one with every message of a sender, from 0. */
  readonly nonce: bigint;
  /** u8[64]; absent in messages of the original. */
  readonly signature?: Uint8Array;
}

/** BLAKE3 of the sender's UTF-8 and the nonce, u64 big-endian (wire). It does not commit to the content. */
export function messageId(sender: string, nonce: bigint): Uint8Array<ArrayBuffer> {
  const text = utf8(sender);
  return blake3(new ByteWriter(text.length + 8).raw(text).u64(nonce).finish());
}

/** Puts a message together; its id follows from its fields. */
export function makeMessage(fields: Omit<Message, "id">): Message {
  return { id: messageId(fields.sender, fields.nonce), ...fields };
}

/** What a sender signs: BLAKE3 of public key (u8[33]) · nonce (u64 big-endian) · content (UTF-8). */
export function messageDigest(
  publicKey: Uint8Array,
  nonce: bigint,
  content: string,
): Uint8Array<ArrayBuffer> {
  const text = utf8(content);
  return blake3(new ByteWriter(text.length + 48).raw(publicKey).u64(nonce).raw(text).finish());
}

/** Sender of a public key: lower-case hex. */
export function keyToSender(publicKey: Uint8Array): string {
  return publicKey.toHex();
}

/** Public key of a signed message's sender; `undefined` if the text is not 66 lower-case hex digits. */
export function senderToKey(sender: string): Uint8Array<ArrayBuffer> | undefined {
  if (sender.length !== PUBLIC_KEY_BYTES * 2 || !/^[0-9a-f]+$/.test(sender)) return undefined;
  return Uint8Array.fromHex(sender);
}

/** First byte of a canonical message. */
const MESSAGE_FORMAT = 1;

/**
 * Canonical bytes: what message_root commits to, what is stored, what peers send. One message has one form:
 * format (1) · sender length (u32) · sender · nonce (u64) · timestamp (u64) · content length (u32) · content ·
 * signature length (u8, 0 or 64) · signature; all big-endian.
 */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const [sender, content] = [utf8(message.sender), utf8(message.content)];
  const { nonce, timestamp, signature } = message;
  const writer = new ByteWriter(sender.length + content.length + 96).u8(MESSAGE_FORMAT);
  writer.sized(sender).u64(nonce).u64(timestamp).sized(content).u8(signature?.length ?? 0);
  return (signature === undefined ? writer : writer.raw(signature)).finish();
}

/**
 * Reads canonical bytes; nothing but the canonical form is accepted.
 *
 * @throws {KimuraFault} `MALFORMED_BYTES`, `OVERSIZE`.
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== MESSAGE_FORMAT) {
    throw new KimuraFault("MALFORMED_BYTES", `Cannot read message: format ${format} is unknown`);
  }
  const sender = fromUtf8(reader.sized(MAX_SENDER_BYTES, "the message's sender"));
  const [nonce, timestamp] = [reader.u64(), reader.u64()];
  const content = fromUtf8(reader.sized(MAX_CONTENT_BYTES, "the message's content"));
  const signatureBytes = reader.u8();
  if (signatureBytes !== 0 && signatureBytes !== SIGNATURE_BYTES) {
    throw new KimuraFault(
      "MALFORMED_BYTES",
      `Cannot read message: a signature has no ${signatureBytes} bytes`,
    );
  }
  const signature = signatureBytes === 0 ? {} : { signature: reader.raw(SIGNATURE_BYTES) };
  reader.end("message");
  return makeMessage({ sender, content, timestamp, nonce, ...signature });
}
