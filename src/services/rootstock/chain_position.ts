/**
 * Where a stored chain stands, in the terms of the sync machine.
 *
 * Layer: services. The machine counts a lower bound of the total difficulty and a ceiling; what is kept on disk is
 * either exact or a bound. The two meet here.
 *
 * @module
 */

import { checkHeader } from "../../hot/header.ts";
import { rulesAt } from "../../protocols/rootstock/block_rules.ts";
import { isFallbackSigned } from "../../protocols/rootstock/fallback_signature.ts";
import { decodeHeader } from "../../protocols/rootstock/header_codec.ts";
import type { RootstockNetwork } from "../../protocols/rootstock/network.ts";
import type {
  ChainPosition,
  HeaderIdentity,
  StoredHeader,
  SyncCheckpoint,
} from "../../protocols/rootstock/sync_events.ts";
import { exactly, lowerBound, type TotalDifficulty } from "../../protocols/rootstock/total_difficulty.ts";
import type { ChainHeader } from "./chain_records.ts";

/** The position of a stored header. A bound has no ceiling: what its uncles weigh is not kept. */
export function positionOf(
  { number, hash, header, totalDifficulty }: ChainHeader,
  network: RootstockNetwork,
): ChainPosition {
  const form = number === 0 ? "full" : "compressed";
  const { difficulty, paidFees } = decodeHeader(header, { network, form });
  return {
    ...{ number, hash, difficulty, paidFees },
    totalDifficulty: totalDifficulty === undefined ? 0n : lowerBound(totalDifficulty),
    ...(totalDifficulty?.kind === "exact" ? { totalDifficultyCeiling: totalDifficulty.total } : {}),
  };
}

/** A verified header as it is kept. */
export function toChainHeader(header: StoredHeader): ChainHeader {
  const { number, hash, bytes } = header;
  return { number, hash, header: bytes, totalDifficulty: totalOf(header) };
}

/** Exact where nothing is unknown: bound and ceiling are one. */
export function totalOf(
  { totalDifficulty, totalDifficultyCeiling }: Pick<
    ChainPosition,
    "totalDifficulty" | "totalDifficultyCeiling"
  >,
): TotalDifficulty {
  if (totalDifficultyCeiling === totalDifficulty) return exactly(totalDifficulty);
  return { kind: "at-least", atLeast: totalDifficulty };
}

/** Reads a header without its ancestors; `undefined` if it is none, or has not the proof of work it says. */
export function identifyHeader(bytes: Uint8Array, network: RootstockNetwork): HeaderIdentity | undefined {
  try {
    const header = decodeHeader(bytes, { network, form: "compressed" });
    const { number, parentHash } = header;
    const rules = rulesAt(network, number);
    const { valid, facts } = checkHeader({ bytes, rules });
    // Whether a signed block is signed by the right key, verification says.
    const isProved = valid || isFallbackSigned(header, rules);
    return isProved ? facts && { number, parentHash, hash: facts.hash } : undefined;
  } catch {
    return undefined;
  }
}

/** Blocks that a network's data name, one entry a height. */
export function checkpointsOf(network: RootstockNetwork): SyncCheckpoint[] {
  const found = new Map<number, SyncCheckpoint>();
  for (const { number, hash } of network.hashCheckpoints) found.set(number, { number, hash });
  for (const { number, hash, difficulty, totalDifficulty } of network.difficultyCheckpoints) {
    found.set(number, { number, hash, difficulty, totalDifficulty });
  }
  return [...found.values()].sort((a, b) => a.number - b.number);
}
