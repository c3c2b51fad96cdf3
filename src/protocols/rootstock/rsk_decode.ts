/**
 * Decoding Rootstock messages.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 4.1, 4.3. Strict and bounded: canonical RLP,
 * as many elements as a message has, no more entries than rsk_types.ts says. The payload is `[[type, body]]`, where the
 * body is an item that holds the RLP of a list. Hashes, headers and blocks are views of the payload.
 *
 * @module
 */

import { RlpIndex } from "../../hot/rlp.ts";
import type { RlpFields } from "../../hot/rlp_fields.ts";
import type { BlockIdentifier } from "./block_identifier.ts";
import { DIFFICULTY_BYTES_MAX } from "./eth_status.ts";
import { encodingOf, expectFields, hashOf, integerOf, itemOf, uint64Of } from "./rlp_reading.ts";
import type { RskMessage, RskStatus } from "./rsk_message.ts";
import {
  ANNOUNCED_MAX,
  BODY_UNCLES_MAX,
  RSK_TYPE,
  SKELETON_MAX,
  SNAPSHOT_TYPE_MAX,
  SNAPSHOT_TYPE_MIN,
  TRANSACTIONS_MAX,
} from "./rsk_types.ts";
import { CHUNK_HEADERS } from "./skeleton.ts";
import { decoding, WireFault } from "./wire_fault.ts";

/** Most fields of the lists around the entries of a message. */
const BODY_FIELDS_MAX = 4;

/** A body being decoded. */
interface Body {
  readonly bytes: Uint8Array;
  readonly type: keyof typeof RSK_TYPE;
}

type Decoder = (body: Body) => RskMessage;

const malformed = (what: string, why: string) => new WireFault("malformed", `Cannot decode ${what}: ${why}`);

/** The list that a body is. */
function listOf({ bytes, type }: Body, least: number, most: number): RlpFields {
  const fields = RlpIndex.of(bytes, most);
  expectFields(fields, least, most, type);
  return fields;
}

/** Id and inner list of a request or a response: `[id, [fields]]`. */
function answerOf(
  body: Body,
  least: number,
  most: number,
): { readonly id: bigint; readonly fields: RlpFields } {
  const outer = listOf(body, 2, 2);
  const fields = outer.nested(1, most);
  expectFields(fields, least, most, body.type);
  return { id: uint64Of(outer, 0, body.type), fields };
}

function identifiers(fields: RlpFields, { type }: Body): BlockIdentifier[] {
  return Array.from({ length: fields.count }, (_, i) => {
    const entry = fields.nested(i, 2);
    expectFields(entry, 2, 2, type);
    return { hash: hashOf(entry, 0, type), number: integerOf(entry, 1) };
  });
}

/** The encodings of the lists in a list. */
function encodings(fields: RlpFields, { bytes, type }: Body): Uint8Array[] {
  const lists = new Array<Uint8Array>(fields.count);
  for (let i = 0; i < lists.length; i++) lists[i] = encodingOf(bytes, fields, i, type);
  return lists;
}

function blockOf(fields: RlpFields, { type }: Body): Uint8Array {
  const block = itemOf(fields, 0, type);
  if (block.length === 0 || block[0]! < 0xc0) throw malformed(type, "a block that is no list");
  return block;
}

/** Two's complement, never negative: the top bit of a large one has a zero byte before it (section 4.3). */
function difficultyOf(fields: RlpFields, i: number, what: string): bigint {
  const bytes = itemOf(fields, i, what);
  if (bytes.length === 0 || bytes.length > 1 + DIFFICULTY_BYTES_MAX) {
    throw malformed(what, `a difficulty of ${bytes.length} bytes`);
  }
  if (bytes[0]! >= 0x80) throw malformed(what, "a negative difficulty");
  if (bytes.length > 1 && bytes[0] === 0 && bytes[1]! < 0x80) {
    throw malformed(what, "a difficulty with leading zeros");
  }
  return BigInt(`0x${bytes.toHex()}`);
}

function statusOf(body: Body): RskStatus {
  const fields = listOf(body, 2, 4);
  const best = { bestNumber: integerOf(fields, 0), bestHash: hashOf(fields, 1, body.type) };
  if (fields.count === 2) return best;
  expectFields(fields, 4, 4, body.type);
  return {
    ...best,
    parentHash: hashOf(fields, 2, body.type),
    totalDifficulty: difficultyOf(fields, 3, body.type),
  };
}

function bodyResponse(body: Body): RskMessage {
  const { id, fields } = answerOf(body, 2, 3);
  const message = {
    type: "body-response",
    id,
    transactions: encodings(fields.nested(0, TRANSACTIONS_MAX), body),
    uncles: encodings(fields.nested(1, BODY_UNCLES_MAX), body),
  } as const;
  return fields.count === 2
    ? message
    : { ...message, extension: encodingOf(body.bytes, fields, 2, body.type) };
}

/** Requests that name a block by its hash: `[id, [hash]]`. */
const byHash = (type: "block-request" | "body-request" | "block-hash-response"): Decoder => (body) => {
  const { id, fields } = answerOf(body, 1, 1);
  return { type, id, hash: hashOf(fields, 0, type) };
};

/** Responses with one more level of lists: `[id, [[entry…]]]`. */
function entriesOf(body: Body, most: number): { readonly id: bigint; readonly fields: RlpFields } {
  const { id, fields } = answerOf(body, 1, 1);
  return { id, fields: fields.nested(0, most) };
}

const DECODERS: Readonly<Record<keyof typeof RSK_TYPE, Decoder>> = {
  "status": (body) => ({ type: "status", status: statusOf(body) }),
  "block": (body) => ({ type: "block", block: blockOf(listOf(body, 1, 1), body) }),
  "get-block": (body) => ({ type: "get-block", hash: hashOf(listOf(body, 1, 1), 0, body.type) }),
  "new-block-hashes": (body) => ({
    type: "new-block-hashes",
    blocks: identifiers(listOf(body, 0, ANNOUNCED_MAX), body),
  }),
  "transactions": (body) => ({
    type: "transactions",
    transactions: encodings(listOf(body, 0, TRANSACTIONS_MAX), body),
  }),
  "block-hash-request": (body) => {
    const { id, fields } = answerOf(body, 1, 1);
    return { type: "block-hash-request", id, height: integerOf(fields, 0) };
  },
  "block-headers-request": (body) => {
    const { id, fields } = answerOf(body, 2, 2);
    const [hash, count] = [hashOf(fields, 0, body.type), integerOf(fields, 1)];
    return { type: "block-headers-request", id, hash, count };
  },
  "block-headers-response": (body) => {
    const { id, fields } = entriesOf(body, CHUNK_HEADERS);
    return { type: "block-headers-response", id, headers: encodings(fields, body) };
  },
  "block-request": byHash("block-request"),
  "block-response": (body) => {
    const { id, fields } = answerOf(body, 1, 1);
    return { type: "block-response", id, block: blockOf(fields, body) };
  },
  "skeleton-response": (body) => {
    const { id, fields } = entriesOf(body, SKELETON_MAX);
    return { type: "skeleton-response", id, blocks: identifiers(fields, body) };
  },
  "body-request": byHash("body-request"),
  "body-response": bodyResponse,
  "skeleton-request": (body) => {
    const { id, fields } = answerOf(body, 1, 1);
    return { type: "skeleton-request", id, startNumber: integerOf(fields, 0) };
  },
  "new-block-hash": (body) => ({ type: "new-block-hash", hash: hashOf(listOf(body, 1, 1), 0, body.type) }),
  "block-hash-response": byHash("block-hash-response"),
};

const TYPES = new Map<number, keyof typeof RSK_TYPE>(
  Object.entries(RSK_TYPE).map(([type, code]) => [code, type as keyof typeof RSK_TYPE]),
);

/**
 * Decodes the payload of code 0x18. What it holds stays in the payload.
 *
 * @throws {WireFault} `malformed`, or `unexpected-message` for a type that does not exist.
 *
 * @example
 * ```ts
 * import { decodeRskMessage } from "./rsk_decode.ts";
 * const message = decodeRskMessage(Uint8Array.fromHex("c7c60884c301c119"));
 * if (message.type !== "block-hash-request" || message.height !== 25) throw new Error(message.type);
 * ```
 */
export function decodeRskMessage(payload: Uint8Array): RskMessage {
  return decoding("an RSK message", () => {
    const outer = RlpIndex.of(payload, 1);
    expectFields(outer, 1, 1, "an RSK message");
    const pair = outer.nested(0, BODY_FIELDS_MAX);
    expectFields(pair, 2, 2, "an RSK message");
    const code = integerOf(pair, 0);
    const type = TYPES.get(code);
    if (type !== undefined) return DECODERS[type]({ bytes: itemOf(pair, 1, type), type });
    if (code >= SNAPSHOT_TYPE_MIN && code <= SNAPSHOT_TYPE_MAX) return { type: "snapshot", code };
    throw new WireFault("unexpected-message", `Cannot decode an RSK message: there is no type ${code}`);
  });
}
