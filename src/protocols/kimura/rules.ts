/**
 * When a block is valid: against its parent, and against the messages it names.
 *
 * Layer: protocols. Source: spec/kimura.md §1 (continuity), §4 (everything else). The two halves are apart because the
 * first needs only the header and decides whether a block is passed on; the second needs every message.
 *
 * @module
 */

import { type Block, blockHash } from "./block.ts";
import { equalBytes } from "./bytes.ts";
import type { Fault, FaultCode } from "./fault.ts";
import { isSealedBy, isSignedBySender, type VerifyingKey } from "./keys.ts";
import { messageRoot } from "./merkle.ts";
import { encodeMessage, type Message, senderToKey } from "./message.ts";

/** Rules of one chain; every node of it must have the same. */
export interface ChainRules {
  /** Who may make blocks; `undefined` accepts blocks and messages nobody signed, as the original makes them. */
  readonly leader: VerifyingKey | undefined;
  /** How far a timestamp may be ahead of the reader's clock, in seconds. */
  readonly maxDriftSeconds: bigint;
  /** Most messages of a block. */
  readonly maxBlockMessages: number;
  /** Most bytes of a message's content, in UTF-8. */
  readonly maxContentBytes: number;
}

/** Defaults that fit the original's figures (1,000 and more messages a block). */
export const DEFAULT_CHAIN_RULES: Omit<ChainRules, "leader"> = {
  maxDriftSeconds: 15n,
  maxBlockMessages: 10_000,
  maxContentBytes: 16_384,
};

/** What of a parent its child is checked against. */
export interface Tip {
  readonly height: bigint;
  /** u8[32]. */
  readonly hash: Uint8Array;
  readonly timestamp: bigint;
  readonly term: bigint | undefined;
}

/** The tip that a block becomes once it is stored. */
export function tipOf(block: Block): Tip {
  const { header: { height, timestamp }, seal } = block;
  return { height, hash: blockHash(block), timestamp, term: seal?.term };
}

const fault = (code: FaultCode, message: string): Fault => ({ code, message });

/** Whether the rules' leader made this block. */
export function checkSeal(block: Block, { leader }: ChainRules): Fault | undefined {
  if (leader === undefined) return undefined;
  const { seal, header: { height } } = block;
  if (seal === undefined) return fault("LEADER_UNSIGNED", `Block ${height} has no leader's signature`);
  if (!equalBytes(seal.publicKey, leader.bytes)) {
    return fault(
      "LEADER_KEY_WRONG",
      `Block ${height} is signed by ${seal.publicKey.toHex()}, expected ${leader.bytes.toHex()}`,
    );
  }
  return isSealedBy(block, leader)
    ? undefined
    : fault("LEADER_SIGNATURE_INVALID", `Block ${height} has a signature that is not its leader's`);
}

/** Whether a block links to its parent. Cheap: no signature is looked at. */
export function checkLink(block: Block, parent: Tip): Fault | undefined {
  const { header: { height, prevHash, timestamp }, seal } = block;
  if (height !== parent.height + 1n) {
    return fault("HEIGHT_MISMATCH", `Expected block ${parent.height + 1n}, got ${height}`);
  }
  if (!equalBytes(prevHash, parent.hash)) {
    return fault(
      "PREV_HASH_MISMATCH",
      `Block ${height} follows ${prevHash.toHex()}, expected ${parent.hash.toHex()}`,
    );
  }
  if (timestamp < parent.timestamp) {
    return fault(
      "TIMESTAMP_BEFORE_PARENT",
      `Block ${height} has time ${timestamp}, its parent ${parent.timestamp}`,
    );
  }
  if ((seal?.term ?? 0n) < (parent.term ?? 0n)) {
    return fault(
      "TERM_BEFORE_PARENT",
      `Block ${height} has term ${seal?.term ?? 0n}, its parent ${parent.term}`,
    );
  }
  return undefined;
}

/** What can be said of a block without its parent: time, sizes, seal. `nowSeconds` is the reader's clock. */
export function checkAlone(block: Block, rules: ChainRules, nowSeconds: bigint): Fault | undefined {
  const { header: { height, timestamp }, messageIds } = block;
  if (timestamp > nowSeconds + rules.maxDriftSeconds) {
    return fault(
      "TIMESTAMP_AHEAD",
      `Block ${height} has time ${timestamp}, more than ${rules.maxDriftSeconds} s after ${nowSeconds}`,
    );
  }
  if (messageIds.length > rules.maxBlockMessages) {
    return fault(
      "TOO_MANY_MESSAGES",
      `Block ${height} has ${messageIds.length} messages of ${rules.maxBlockMessages}`,
    );
  }
  if (new Set(messageIds.map((id) => id.toHex())).size !== messageIds.length) {
    return fault("MESSAGE_ID_REPEATED", `Block ${height} names a message twice`);
  }
  return checkSeal(block, rules);
}

/** All of a header: its link first, so that a stranger's block costs no signature. */
export function checkHeader(
  block: Block,
  parent: Tip,
  rules: ChainRules,
  nowSeconds: bigint,
): Fault | undefined {
  return checkLink(block, parent) ?? checkAlone(block, rules, nowSeconds);
}

/** One message by itself: shape, size, signature. Not its nonce. */
export function checkMessage(message: Message, rules: ChainRules): Fault | undefined {
  const { sender, content } = message;
  if (!sender.isWellFormed() || !content.isWellFormed()) {
    return fault("SENDER_INVALID", "The sender or content has a lone surrogate");
  }
  const bytes = new TextEncoder().encode(content).length;
  if (bytes > rules.maxContentBytes) {
    return fault("CONTENT_TOO_LARGE", `The content has ${bytes} bytes of ${rules.maxContentBytes}`);
  }
  if (rules.leader === undefined && message.signature === undefined) return undefined;
  if (senderToKey(sender) === undefined) {
    return fault("SENDER_INVALID", "The sender is not a public key: expected 66 lower-case hex digits");
  }
  if (message.signature === undefined) return fault("MESSAGE_UNSIGNED", "The message has no signature");
  return isSignedBySender(message)
    ? undefined
    : fault("MESSAGE_SIGNATURE_INVALID", `The signature is not that of ${sender}`);
}

/** Whether a nonce follows the sender's last one; the first is 0. */
export function checkNonce(nonce: bigint, last: bigint | undefined): Fault | undefined {
  const expected = last === undefined ? 0n : last + 1n;
  if (nonce === expected) return undefined;
  return nonce < expected
    ? fault("NONCE_REPLAYED", `Expected nonce ${expected}, got ${nonce}`)
    : fault("NONCE_SKIPPED", `Expected nonce ${expected}, got ${nonce}`);
}

/**
 * A block's messages: those it names in that order, each valid, nonces without gap, root as in the header.
 *
 * @param lastNonce Last nonce of a sender in the chain before this block.
 */
export function checkBody(
  block: Block,
  messages: readonly Message[],
  rules: ChainRules,
  lastNonce: (sender: string) => bigint | undefined,
): Fault | undefined {
  return drain(checkBodySteps(block, messages, rules, lastNonce));
}

/** As {@link checkBody}, a step a signature: a thousand of them take a second, and somebody may be waiting. */
export function* checkBodySteps(
  block: Block,
  messages: readonly Message[],
  rules: ChainRules,
  lastNonce: (sender: string) => bigint | undefined,
): Generator<void, Fault | undefined> {
  const { header: { height }, messageIds } = block;
  if (
    messages.length !== messageIds.length || messages.some(({ id }, i) => !equalBytes(id, messageIds[i]!))
  ) {
    return fault("BODY_MISMATCH", `Block ${height} does not name these messages`);
  }
  // The root first: it is a hundred times cheaper than the signatures, and catches every tampered body.
  const root = messageRoot(messages.map(encodeMessage));
  if (!equalBytes(root, block.header.messageRoot)) {
    return fault(
      "MESSAGE_ROOT_MISMATCH",
      `Block ${height} has root ${block.header.messageRoot.toHex()}, its messages ${root.toHex()}`,
    );
  }
  const last = new Map<string, bigint>();
  for (const message of messages) {
    const { sender, nonce } = message;
    const found = checkNonce(nonce, last.get(sender) ?? lastNonce(sender)) ?? checkMessage(message, rules);
    if (found !== undefined) {
      return {
        code: found.code,
        message: `Block ${height}, message ${message.id.toHex()}: ${found.message}`,
      };
    }
    last.set(sender, nonce);
    yield;
  }
  return undefined;
}

/** Runs a check to its end. */
export function drain<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
