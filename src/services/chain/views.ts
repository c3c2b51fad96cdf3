// deno-lint-ignore-file camelcase -- names of the protocol's JSON
/**
 * Blocks and messages as HTTP and JSON-RPC show them: byte strings as lower-case hex.
 *
 * Layer: services. Heights, times and nonces are numbers: a chain that begins at 0 stays below 2^53.
 *
 * @module
 */

import { type Block, blockHash } from "../../protocols/kimura/block.ts";
import type { Message } from "../../protocols/kimura/message.ts";

/** A block; `header` and `message_ids` are the original's. */
export interface BlockView {
  readonly header: {
    readonly height: number;
    readonly timestamp: number;
    readonly prev_hash: string;
    readonly message_root: string;
  };
  readonly message_ids: readonly string[];
  readonly hash: string;
  readonly leader?: string;
  readonly signature?: string;
  readonly term?: number;
}

/** The last block of a chain. */
export interface HeightView {
  readonly height: number;
  readonly hash: string;
}

/** A message and where it is. */
export interface MessageView {
  readonly message_id: string;
  /** `stored`: in a block; `pending`: accepted by this leader, in the next ones. */
  readonly status: "stored" | "pending";
  /** `null` while it is pending, as is `index`. */
  readonly height: number | null;
  readonly index: number | null;
  readonly sender: string;
  readonly content: string;
  readonly timestamp: number;
  readonly nonce: number;
  readonly signature: string | null;
}

/** Shows a block. */
export function toBlockView(block: Block): BlockView {
  const { header: { height, timestamp, prevHash, messageRoot }, messageIds, seal } = block;
  return {
    header: {
      height: Number(height),
      timestamp: Number(timestamp),
      prev_hash: prevHash.toHex(),
      message_root: messageRoot.toHex(),
    },
    message_ids: messageIds.map((id) => id.toHex()),
    hash: blockHash(block).toHex(),
    ...(seal === undefined ? {} : { leader: seal.publicKey.toHex(), signature: seal.signature.toHex() }),
    ...(seal?.term === undefined ? {} : { term: Number(seal.term) }),
  };
}

/** Shows a message; without a place it is pending. */
export function toMessageView(
  { id, sender, content, timestamp, nonce, signature }: Message,
  place?: { readonly height: bigint; readonly index: number },
): MessageView {
  return {
    message_id: id.toHex(),
    status: place === undefined ? "pending" : "stored",
    height: place === undefined ? null : Number(place.height),
    index: place?.index ?? null,
    sender,
    content,
    timestamp: Number(timestamp),
    nonce: Number(nonce),
    signature: signature?.toHex() ?? null,
  };
}
