/**
 * Keys, messages and chains for tests and benchmarks.
 *
 * Layer: protocols. Not imported by the node.
 *
 * @module
 */

import { type Block, GENESIS, zeroHash } from "./block.ts";
import { createBlockSigner, publicKeyOf, signMessage, VerifyingKey } from "./keys.ts";
import { messageRoot } from "./merkle.ts";
import { encodeMessage, keyToSender, type Message } from "./message.ts";
import { type ChainRules, DEFAULT_CHAIN_RULES, type Tip, tipOf } from "./rules.ts";
import type { FullBlock } from "./sync_messages.ts";

/** Secret key number `n`, from 1. */
export function testKey(n: number): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(28, n);
  key[0] = 1;
  return key;
}

/** The leader of test chains. */
export const LEADER_SECRET = testKey(1);
/** Its hand. */
export const LEADER = createBlockSigner(LEADER_SECRET);
/** Its public half. */
export const LEADER_KEY = new VerifyingKey(LEADER.publicKey);
/** Rules of a test chain. */
export const TEST_RULES: ChainRules = { ...DEFAULT_CHAIN_RULES, leader: LEADER_KEY };
/** Time of the first block after genesis. */
export const START_SECONDS = 1_700_000_000n;

/** Message number `nonce` of sender `n`. */
export function testMessage(n: number, nonce: number, content = `message ${nonce} of ${n}`): Message {
  return signMessage(testKey(100 + n), { content, nonce: BigInt(nonce), timestamp: START_SECONDS });
}

/** Sender `n` as messages name it. */
export function testSender(n: number): string {
  return keyToSender(publicKeyOf(testKey(100 + n)));
}

/** Fields of a block that a test may want otherwise. */
export interface BlockChanges {
  readonly height?: bigint;
  readonly timestamp?: bigint;
  readonly prevHash?: Uint8Array;
  readonly term?: bigint;
  /** Whose key signs; `null` leaves it unsigned. */
  readonly secret?: Uint8Array | null;
}

/** A block on `parent`. */
export function nextBlock(
  parent: Tip,
  messages: readonly Message[] = [],
  changes: BlockChanges = {},
): FullBlock {
  const height = changes.height ?? parent.height + 1n;
  const block: Block = {
    header: {
      height,
      timestamp: changes.timestamp ?? START_SECONDS + height,
      prevHash: changes.prevHash ?? parent.hash,
      messageRoot: messages.length === 0 ? zeroHash() : messageRoot(messages.map(encodeMessage)),
    },
    messageIds: messages.map(({ id }) => id),
  };
  const { secret = LEADER_SECRET, term } = changes;
  if (secret === null) return { block, messages };
  const signer = secret === LEADER_SECRET ? LEADER : createBlockSigner(secret);
  return { block: signer.sign(block, term), messages };
}

/** `count` blocks after genesis; block h has the messages that `fill` gives. */
export function testChain(
  count: number,
  fill: (height: number) => readonly Message[] = () => [],
): FullBlock[] {
  const chain: FullBlock[] = [];
  let parent = tipOf(GENESIS);
  for (let height = 1; height <= count; height++) {
    const next = nextBlock(parent, fill(height));
    chain.push(next);
    parent = tipOf(next.block);
  }
  return chain;
}
