/**
 * Messages of the catch-up protocol `/kimura/sync/1.0.0`: one request, one answer, each behind its length.
 *
 * Layer: protocols. Source: spec/kimura.md §4. The length (unsigned varint, as everywhere in libp2p) is the stream
 * shell's; these are the bytes behind it. All numbers big-endian.
 *
 * | first byte | request | answer |
 * | --- | --- | --- |
 * | 1 | tip | height u64 · hash u8[32] |
 * | 2 | blocks: from u64 · count u32 | number u32 · each: block (u32 length) · number of messages u32 · each message (u32 length) |
 * | 3 | messages: number u32 · ids u8[32] each | number u32 · each message (u32 length); those the peer has |
 *
 * An answer to blocks starts at `from` and may have fewer than asked for: as many as fit.
 *
 * @module
 */

import { type Block, decodeBlock, encodeBlock, MAX_BLOCK_BYTES, MAX_BLOCK_IDS } from "./block.ts";
import { ByteReader, ByteWriter, HASH_BYTES } from "./bytes.ts";
import { KimuraFault } from "./fault.ts";
import { decodeMessage, encodeMessage, MAX_MESSAGE_BYTES, type Message } from "./message.ts";

const [TIP, BLOCKS, MESSAGES] = [1, 2, 3];

/** Most blocks of one answer. */
export const MAX_SYNC_BLOCKS = 512;
/** Most ids of one request. */
export const MAX_SYNC_IDS = 4_096;
/** Bytes at which an answer ends; the block or message that crosses it is still in it. */
export const SOFT_SYNC_BYTES = 4_194_304;
/** Most bytes of a request. */
export const MAX_SYNC_REQUEST_BYTES = 16 + MAX_SYNC_IDS * HASH_BYTES;
/** Most bytes of an answer: the soft bound and one block of the largest size a chain may allow (64 MiB). */
export const MAX_SYNC_ANSWER_BYTES = SOFT_SYNC_BYTES + 67_108_864;

/** A block with its messages. */
export interface FullBlock {
  readonly block: Block;
  /** In the order of the block's ids; empty where bodies are not kept. */
  readonly messages: readonly Message[];
}

/** What a node asks another. */
export type SyncRequest =
  | { readonly kind: "tip" }
  | { readonly kind: "blocks"; readonly from: bigint; readonly count: number }
  | { readonly kind: "messages"; readonly ids: readonly Uint8Array[] };

/** What it gets. */
export type SyncAnswer =
  | { readonly kind: "tip"; readonly height: bigint; readonly hash: Uint8Array }
  | { readonly kind: "blocks"; readonly blocks: readonly FullBlock[] }
  | { readonly kind: "messages"; readonly messages: readonly Message[] };

/** Bytes of a request. */
export function encodeSyncRequest(request: SyncRequest): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  switch (request.kind) {
    case "tip":
      return writer.u8(TIP).finish();
    case "blocks":
      return writer.u8(BLOCKS).u64(request.from).u32(request.count).finish();
    case "messages":
      writer.u8(MESSAGES).u32(request.ids.length);
      for (const id of request.ids) writer.raw(id);
      return writer.finish();
  }
}

/** @throws {KimuraFault} `MALFORMED_BYTES`, `OVERSIZE`. */
export function decodeSyncRequest(bytes: Uint8Array): SyncRequest {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  let request: SyncRequest;
  if (kind === TIP) request = { kind: "tip" };
  else if (kind === BLOCKS) {
    request = { kind: "blocks", from: reader.u64(), count: reader.count(MAX_SYNC_BLOCKS, "a range") };
  } else if (kind === MESSAGES) {
    const count = reader.count(MAX_SYNC_IDS, "a list of ids");
    request = { kind: "messages", ids: Array.from({ length: count }, () => reader.raw(HASH_BYTES)) };
  } else throw new KimuraFault("MALFORMED_BYTES", `Cannot read request: kind ${kind} is unknown`);
  reader.end("request");
  return request;
}

/** Bytes of an answer. The caller keeps it within {@link SOFT_SYNC_BYTES}. */
export function encodeSyncAnswer(answer: SyncAnswer): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(1_024);
  switch (answer.kind) {
    case "tip":
      return writer.u8(TIP).u64(answer.height).raw(answer.hash).finish();
    case "blocks":
      writer.u8(BLOCKS).u32(answer.blocks.length);
      for (const { block, messages } of answer.blocks) {
        writer.sized(encodeBlock(block));
        writeMessages(writer, messages);
      }
      return writer.finish();
    case "messages":
      return writeMessages(writer.u8(MESSAGES), answer.messages).finish();
  }
}

function writeMessages(writer: ByteWriter, messages: readonly Message[]): ByteWriter {
  writer.u32(messages.length);
  for (const message of messages) writer.sized(encodeMessage(message));
  return writer;
}

function readMessages(reader: ByteReader, max: number): Message[] {
  const messages: Message[] = [];
  for (let left = reader.count(max, "a list of messages"); left > 0; left--) {
    messages.push(decodeMessage(reader.sized(MAX_MESSAGE_BYTES, "a message")));
  }
  return messages;
}

/**
 * Reads the answer to `request`.
 *
 * @throws {KimuraFault} `MALFORMED_BYTES`, `OVERSIZE`, `ANSWER_UNASKED` if it is not an answer to that.
 */
export function decodeSyncAnswer(bytes: Uint8Array, request: SyncRequest): SyncAnswer {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  const expected = { tip: TIP, blocks: BLOCKS, messages: MESSAGES }[request.kind];
  if (kind !== expected) {
    throw new KimuraFault("ANSWER_UNASKED", `Cannot read answer: expected kind ${expected}, got ${kind}`);
  }
  let answer: SyncAnswer;
  switch (request.kind) {
    case "tip":
      answer = { kind: "tip", height: reader.u64(), hash: reader.raw(HASH_BYTES) };
      break;
    case "blocks": {
      const blocks: FullBlock[] = [];
      for (let left = reader.count(request.count, "a range of blocks"); left > 0; left--) {
        const block = decodeBlock(reader.sized(MAX_BLOCK_BYTES, "a block"));
        if (block.header.height !== request.from + BigInt(blocks.length)) {
          throw new KimuraFault(
            "ANSWER_UNASKED",
            `Cannot read answer: expected block ${
              request.from + BigInt(blocks.length)
            }, got ${block.header.height}`,
          );
        }
        blocks.push({ block, messages: readMessages(reader, MAX_BLOCK_IDS) });
      }
      answer = { kind: "blocks", blocks };
      break;
    }
    case "messages":
      answer = { kind: "messages", messages: readMessages(reader, request.ids.length) };
  }
  reader.end("answer");
  return answer;
}
