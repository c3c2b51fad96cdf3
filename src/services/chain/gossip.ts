/**
 * Gossip of the chain as typed values: decoding, refusals counted, evidence of a second leader kept.
 *
 * Layer: services.
 *
 * @module
 */

import type { Logger } from "../../kernel/log.ts";
import { type Block, blockHash } from "../../protocols/kimura/block.ts";
import { equalBytes } from "../../protocols/kimura/bytes.ts";
import { attempt, type Fault } from "../../protocols/kimura/fault.ts";
import type { P2pNode } from "../../p2p/node.ts";
import type { GossipHandler, GossipMessage, PeerName, Verdict } from "../../p2p/types.ts";
import type { ChainMetrics } from "./metrics.ts";
import type { ChainStore } from "./store.ts";

/** What leader and follower share. */
export interface ChainDeps {
  readonly store: ChainStore;
  readonly p2p: P2pNode;
  readonly metrics: ChainMetrics;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** Told of every batch of blocks that was stored. */
  readonly onStored: (height: bigint) => void;
}

/** Kinds of what gossip brings, as metrics name them. */
export type GossipKind = "block" | "announcement" | "message";

/** Counts a refusal. */
export function countRefusal(
  { metrics, log }: Pick<ChainDeps, "metrics" | "log">,
  what: GossipKind | "submission",
  fault: Fault,
  peer?: PeerName,
): void {
  metrics.refused.inc({ what, code: fault.code });
  log.debug("Refused", {
    what,
    code: fault.code,
    reason: fault.message,
    ...(peer === undefined ? {} : { peer }),
  });
}

/** A handler that decodes; what cannot be decoded is rejected. */
export function decoding<T>(
  deps: Pick<ChainDeps, "metrics" | "log">,
  what: GossipKind,
  decode: (data: Uint8Array) => T,
  handle: (value: T, message: GossipMessage) => Verdict | Promise<Verdict>,
): GossipHandler {
  return (message) => {
    const read = attempt(() => decode(message.data));
    if ("fault" in read) {
      countRefusal(deps, what, read.fault, message.from);
      return "reject";
    }
    return handle(read.value, message);
  };
}

/** Keeps evidence if the leader signed another block than the one stored at its height. */
export async function keepConflict(
  { store, metrics, log }: ChainDeps,
  second: Block,
  from: PeerName,
): Promise<void> {
  const { height } = second.header;
  const first = await store.block(height);
  if (first === undefined || equalBytes(blockHash(first), blockHash(second))) return;
  metrics.conflicts.inc();
  log.error("The leader signed two blocks of one height; the first stays, the evidence is kept", {
    height,
    first: blockHash(first).toHex(),
    second: blockHash(second).toHex(),
    peer: from,
  });
  await store.putEvidence({ first, second });
}
