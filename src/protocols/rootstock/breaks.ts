/**
 * Ways to break one rule of a header and no other, for those who have to see that it is held.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 3.
 *
 * @module
 */

import type { ChainTip } from "./ancestors.ts";
import type { RootstockHeader } from "./header.ts";
import type { RootstockNetwork } from "./network.ts";
import { signedBytes, unsignedValue } from "./quantities.ts";
import { EXTRA_DATA_BYTES_MAX, UNCLES_MAX } from "./rules.ts";

/** Rules that a generated header can break. */
export type BreakableRule =
  | "parent-hash"
  | "number"
  | "proof-of-work"
  | "merkle-proof"
  | "difficulty"
  | "timestamp-future"
  | "timestamp-bitcoin"
  | "timestamp-parent"
  | "fork-detection"
  | "gas-limit-parent"
  | "gas-limit-minimum"
  | "gas-used"
  | "minimum-gas-price"
  | "extra-data"
  | "uncle-count"
  | "form";

/** How a rule is broken; everything else of the header, its work too, is made for what stands there then. */
export interface Break {
  /** Fields to change before the header is mined. */
  readonly header?: (
    draft: RootstockHeader,
    parent: ChainTip,
    network: RootstockNetwork,
  ) => Partial<RootstockHeader>;
  /** The coinbase names other fork-detection data. */
  readonly forkData?: true;
  /** Seconds that the bitcoin header is off. */
  readonly btcSeconds?: number;
  /** The bitcoin header misses the target. */
  readonly miss?: true;
  /** Changes the Merkle proof when the work is done. */
  readonly proof?: (proof: Uint8Array) => void;
}

/** Farther in the future than any chain of tests goes: the year 2106. */
const LATE = 0xffff_ff00;

/** The ways, by rule. `gas-limit-minimum` needs a parent that is close to the minimum. */
export const BREAKS: Readonly<Record<BreakableRule, Break>> = {
  "parent-hash": { header: ({ stateRoot }) => ({ parentHash: stateRoot }) },
  "number": { header: ({ number }) => ({ number: number + 1 }) },
  "proof-of-work": { miss: true },
  "merkle-proof": {
    proof: (proof) => {
      proof[0]! ^= 1;
    },
  },
  "difficulty": { header: ({ difficulty }) => ({ difficulty: difficulty + 1n }) },
  "timestamp-future": { header: () => ({ timestamp: LATE }) },
  "timestamp-bitcoin": { btcSeconds: -300 },
  "timestamp-parent": { header: (_, parent) => ({ timestamp: parent.timestamp }) },
  "fork-detection": { forkData: true },
  "gas-limit-parent": {
    header: (_, parent) => ({ gasLimit: signedBytes(parent.gasLimit * 1025n / 1024n + 1n) }),
  },
  "gas-limit-minimum": { header: () => ({ gasLimit: signedBytes(2_999_999n), gasUsed: 0n }) },
  "gas-used": { header: ({ gasLimit }) => ({ gasUsed: unsignedValue(gasLimit) + 1n }) },
  "minimum-gas-price": {
    header: (_, parent) => {
      const price = parent.minimumGasPrice ?? 0n;
      return { minimumGasPrice: price + price / 100n + 2n };
    },
  },
  "extra-data": { header: () => ({ extraData: new Uint8Array(EXTRA_DATA_BYTES_MAX + 1) }) },
  "uncle-count": { header: () => ({ uncleCount: UNCLES_MAX + 1 }) },
  "form": { header: () => ({ stateRoot: new Uint8Array(31) }) },
};
