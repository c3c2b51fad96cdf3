/**
 * Checks several blocks in order, as the follower's machine asks for.
 *
 * Layer: protocols. Source: spec/kimura.md §4: verified in order before anything is stored.
 *
 * @module
 */

import type { Fault } from "./fault.ts";
import { type ChainRules, checkBodySteps, checkHeader, drain, type Tip, tipOf } from "./rules.ts";
import type { FullBlock } from "./sync_messages.ts";

/** How many of the blocks are valid, and what is wrong with the next. */
export interface ChainVerdict {
  readonly count: number;
  readonly fault?: Fault;
}

/** What blocks are checked against. */
export interface ChainState {
  /** The block before the first. */
  readonly tip: Tip;
  readonly rules: ChainRules;
  /** The reader's clock, Unix seconds. */
  readonly nowSeconds: bigint;
  /** Last nonce of a sender in the chain at the tip. */
  readonly lastNonce: (sender: string) => bigint | undefined;
}

/** Checks blocks in order. */
export function checkChain(blocks: readonly FullBlock[], state: ChainState): ChainVerdict {
  return drain(checkChainSteps(blocks, state));
}

/** As {@link checkChain}, a step a signature. */
export function* checkChainSteps(
  blocks: readonly FullBlock[],
  { tip, rules, nowSeconds, lastNonce }: ChainState,
): Generator<void, ChainVerdict> {
  const nonces = new Map<string, bigint>();
  const last = (sender: string) => nonces.get(sender) ?? lastNonce(sender);
  for (const [count, { block, messages }] of blocks.entries()) {
    // Blocks of the original come without their messages, and nothing says what they were.
    const isBare = rules.leader === undefined && messages.length === 0;
    const fault = checkHeader(block, tip, rules, nowSeconds) ??
      (isBare ? undefined : yield* checkBodySteps(block, messages, rules, last));
    if (fault !== undefined) return { count, fault };
    for (const { sender, nonce } of messages) nonces.set(sender, nonce);
    tip = tipOf(block);
    yield;
  }
  return { count: blocks.length };
}
