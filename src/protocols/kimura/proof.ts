/**
 * Files that convince somebody who has no node: that a message is in a block, and that a leader made two blocks of one
 * height.
 *
 * Layer: protocols. Source: spec/kimura.md §4. JSON with the parts in their wire form, so one codec reads everything. A
 * block's hash and its seal commit to all ids, so a proof carries them.
 *
 * @module
 */

import { type Block, blockHash, MAX_BLOCK_IDS } from "./block.ts";
import { equalBytes, HASH_BYTES } from "./bytes.ts";
import { attempt, type Fault, KimuraFault } from "./fault.ts";
import { blockToJson, messageToJson, readBlock, readMessage } from "./json.ts";
import { JsonReader } from "./json_reader.ts";
import { isSealedBy, isSignedBySender, type VerifyingKey } from "./keys.ts";
import { MAX_PATH_STEPS, merklePath, verifyPath } from "./merkle.ts";
import { encodeMessage, MAX_MESSAGE_BYTES, type Message } from "./message.ts";

/** First field of a proof file. */
export const PROOF_FORMAT = "cairn/kimura/message-proof/1";
/** First field of an evidence file. */
export const EVIDENCE_FORMAT = "cairn/kimura/conflict/1";
/** Most bytes of either file: ids of 130 bytes, and a message whose every character is escaped. */
export const MAX_PROOF_BYTES = 2 * MAX_BLOCK_IDS * 130 + 6 * MAX_MESSAGE_BYTES;

/** A message, its block, and the way from one to the other. */
export interface MessageProof {
  readonly block: Block;
  readonly message: Message;
  /** Place of the message in the block. */
  readonly index: number;
  /** Siblings from the leaf upwards. */
  readonly path: readonly Uint8Array[];
}

/** What the checker trusts; at least one of them makes the proof worth something. */
export interface ProofTrust {
  /** The leader whose seal the block must carry. */
  readonly leader?: VerifyingKey;
  /** The hash the block must have, from a node that is trusted. */
  readonly blockHash?: Uint8Array;
}

/** What a proof says. */
export type ProofVerdict =
  | {
    readonly status: "ok";
    readonly height: bigint;
    readonly blockHash: Uint8Array;
    readonly message: Message;
    /** Whether the sender's signature was there and valid. */
    readonly isSigned: boolean;
  }
  | { readonly status: "fault"; readonly fault: Fault };

/**
 * Proof for message `index` of a block.
 *
 * @param messages All messages of the block, in order.
 * @throws {RangeError} If the block has no such message.
 */
export function makeProof(block: Block, messages: readonly Message[], index: number): MessageProof {
  const path = merklePath(messages.map(encodeMessage), index);
  return { block, message: messages[index]!, index, path };
}

/** Checks a proof offline. */
export function verifyProof(proof: MessageProof, trust: ProofTrust): ProofVerdict {
  const { block, message, index, path } = proof;
  const hash = blockHash(block);
  const refuse = (text: string): ProofVerdict => ({
    status: "fault",
    fault: { code: "PROOF_INVALID", message: text },
  });
  const id = block.messageIds[index];
  if (id === undefined || !equalBytes(id, message.id)) {
    return refuse(`Block ${block.header.height} does not name the message at place ${index}`);
  }
  if (!verifyPath(encodeMessage(message), index, block.messageIds.length, path, block.header.messageRoot)) {
    return refuse(`The path does not lead from the message to the root of block ${block.header.height}`);
  }
  if (trust.blockHash !== undefined && !equalBytes(hash, trust.blockHash)) {
    return refuse(`The block has hash ${hash.toHex()}, expected ${trust.blockHash.toHex()}`);
  }
  if (trust.leader !== undefined && !isSealedBy(block, trust.leader)) {
    return refuse(`Block ${block.header.height} is not signed by ${trust.leader.bytes.toHex()}`);
  }
  const isSigned = isSignedBySender(message);
  if (message.signature !== undefined && !isSigned) {
    return refuse("The message's signature is not its sender's");
  }
  return { status: "ok", height: block.header.height, blockHash: hash, message, isSigned };
}

/** A proof as the text of a file. */
export function proofToJson({ block, message, index, path }: MessageProof): string {
  const steps = path.map((sibling) => `[${sibling.join(",")}]`).join(",");
  return `{"format":"${PROOF_FORMAT}","index":${index},"path":[${steps}],"message":${
    messageToJson(message)
  },` +
    `"block":${blockToJson(block)}}`;
}

/**
 * Reads a proof file.
 *
 * @throws {KimuraFault} `MALFORMED_JSON`, `OVERSIZE`, `PROOF_INVALID` if it is a file of another format.
 */
export function proofFromJson(bytes: Uint8Array): MessageProof {
  const reader = new JsonReader(bytes, MAX_PROOF_BYTES);
  let [block, message, index, format]: [Block?, Message?, number?, string?] = [];
  const path: Uint8Array[] = [];
  reader.object({
    format: () => format = reader.text(64),
    index: () => index = reader.integer(MAX_BLOCK_IDS),
    path: () => reader.list(MAX_PATH_STEPS, () => path.push(reader.bytes(HASH_BYTES))),
    message: () => message = readMessage(reader),
    block: () => block = readBlock(reader),
  });
  reader.end();
  if (format !== PROOF_FORMAT || block === undefined || message === undefined || index === undefined) {
    throw new KimuraFault("PROOF_INVALID", `Cannot read proof: expected a file of format ${PROOF_FORMAT}`);
  }
  return { block, message, index, path };
}

/** Two blocks of one height, both signed by the leader. */
export interface ConflictEvidence {
  /** The one that was there first, and stays. */
  readonly first: Block;
  readonly second: Block;
}

/** Whether the evidence holds against `leader`. */
export function checkEvidence({ first, second }: ConflictEvidence, leader: VerifyingKey): Fault | undefined {
  const refuse = (message: string): Fault => ({ code: "EVIDENCE_INVALID", message });
  if (first.header.height !== second.header.height) {
    return refuse(`The blocks have heights ${first.header.height} and ${second.header.height}`);
  }
  if (equalBytes(blockHash(first), blockHash(second))) return refuse("The blocks are the same");
  return isSealedBy(first, leader) && isSealedBy(second, leader)
    ? undefined
    : refuse(`Not both blocks are signed by ${leader.bytes.toHex()}`);
}

/** Evidence as the text of a file. */
export function evidenceToJson({ first, second }: ConflictEvidence): string {
  return `{"format":"${EVIDENCE_FORMAT}","first":${blockToJson(first)},"second":${blockToJson(second)}}`;
}

/**
 * Reads an evidence file.
 *
 * @throws {KimuraFault} `MALFORMED_JSON`, `OVERSIZE`, `EVIDENCE_INVALID` if it is a file of another format.
 */
export function evidenceFromJson(bytes: Uint8Array): ConflictEvidence {
  const reader = new JsonReader(bytes, MAX_PROOF_BYTES);
  let [first, second, format]: [Block?, Block?, string?] = [];
  reader.object({
    format: () => format = reader.text(64),
    first: () => first = readBlock(reader),
    second: () => second = readBlock(reader),
  });
  reader.end();
  if (format !== EVIDENCE_FORMAT || first === undefined || second === undefined) {
    throw new KimuraFault(
      "EVIDENCE_INVALID",
      `Cannot read evidence: expected a file of format ${EVIDENCE_FORMAT}`,
    );
  }
  return { first, second };
}

/** Reads and checks a proof file. */
export function verifyProofFile(bytes: Uint8Array, trust: ProofTrust): ProofVerdict {
  const read = attempt(() => proofFromJson(bytes));
  return "fault" in read ? { status: "fault", fault: read.fault } : verifyProof(read.value, trust);
}
