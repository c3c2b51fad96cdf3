/**
 * Encoding Rootstock messages.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 4.1, 4.3. Headers and blocks are copied once,
 * from where they lie to the payload.
 *
 * @module
 */

import { rlpEncode, type RlpInput, rlpPrefix } from "../../hot/rlp_encode.ts";
import type { BlockIdentifier } from "./block_identifier.ts";
import { joinBytes } from "./growing_bytes.ts";
import type { RskMessage, RskStatus } from "./rsk_message.ts";
import { RSK_TYPE } from "./rsk_types.ts";

/** Encoded RLP in pieces. */
type Parts = readonly Uint8Array[];

function prefixed(kind: 0x80 | 0xc0, parts: Parts): Parts {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return [rlpPrefix(kind, bytes), ...parts];
}

const list = (...members: readonly Parts[]): Parts => prefixed(0xc0, members.flat());
const value = (input: RlpInput): Parts => [rlpEncode(input)];
/** An item that holds an encoding: never one byte below 0x80. */
const wrapped = (encoding: Parts): Parts => prefixed(0x80, encoding);

const identifiers = (blocks: readonly BlockIdentifier[]): Parts =>
  value(blocks.map(({ hash, number }) => [hash, number]));

/** Two's complement: a zero byte before a set top bit, and one for zero. */
function signedBytes(difficulty: bigint): Uint8Array {
  const hex = difficulty.toString(16);
  const bytes = Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
  return bytes[0]! < 0x80 ? bytes : joinBytes([Uint8Array.of(0), bytes]);
}

/** Always in the form of four elements: one of two stops rskj's own sync (section 6). */
function status({ bestNumber, bestHash, parentHash, totalDifficulty }: RskStatus): Parts {
  if (parentHash === undefined || totalDifficulty === undefined) {
    throw new TypeError("Cannot encode Status: it must have a parent hash and a total difficulty");
  }
  return value([bestNumber, bestHash, parentHash, signedBytes(totalDifficulty)]);
}

function bodyOf(message: Exclude<RskMessage, { type: "snapshot" }>): Parts {
  switch (message.type) {
    case "status":
      return status(message.status);
    case "block":
      return list(wrapped([message.block]));
    case "get-block":
    case "new-block-hash":
      return value([message.hash]);
    case "new-block-hashes":
      return identifiers(message.blocks);
    case "transactions":
      return list(message.transactions);
    case "block-hash-request":
      return value([message.id, [message.height]]);
    case "block-headers-request":
      return value([message.id, [message.hash, message.count]]);
    case "block-headers-response":
      return list(value(message.id), list(list(message.headers)));
    case "block-request":
    case "body-request":
    case "block-hash-response":
      return value([message.id, [message.hash]]);
    case "block-response":
      return list(value(message.id), list(wrapped([message.block])));
    case "skeleton-request":
      return value([message.id, [message.startNumber]]);
    case "skeleton-response":
      return list(value(message.id), list(identifiers(message.blocks)));
    case "body-response": {
      const { transactions, uncles, extension } = message;
      const members = [list(transactions), list(uncles), extension === undefined ? [] : [extension]];
      return list(value(message.id), list(...members));
    }
  }
}

/**
 * Payload of code 0x18.
 *
 * @throws {TypeError} For a Status of two elements, and for a message of the snapshot protocol.
 */
export function encodeRskMessage(message: RskMessage): Uint8Array<ArrayBuffer> {
  if (message.type === "snapshot") throw new TypeError("Cannot encode a message of the snapshot protocol");
  const pair = list(value(RSK_TYPE[message.type]), wrapped(bodyOf(message)));
  return joinBytes(list(pair));
}
