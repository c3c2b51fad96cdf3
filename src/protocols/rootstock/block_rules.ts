/**
 * The rules at a height, with their parameters.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 1.3, 3 and 5.1.
 *
 * @module
 */

import type { DifficultyRules, HeaderRules } from "../../hot/header.ts";
import { isActive, type RootstockNetwork, type RskRule } from "./network.ts";

/** From here on coinbases carry fork-detection data, once RSKIP110 is active; from the next on it is checked. */
export const FORK_DATA_FROM = 449;

/** Rules of a range of heights: one object for the whole range. */
export interface BlockRules extends HeaderRules {
  /** First height. */
  readonly from: number;
  /** First height behind the range, or Infinity. */
  readonly to: number;
  /** Bitcoin headers have 80 bytes, and no block is signed. */
  readonly rskip98: boolean;
  /** Full headers have a slot for edges. */
  readonly edges: boolean;
  /** Fork-detection data has to be that of the ancestors. */
  readonly forkDataChecked: boolean;
  /** Seconds by which bitcoin's time differs by less; `undefined`: no such rule. */
  readonly btcWindowSeconds: number | undefined;
  readonly difficulty: DifficultyRules;
}

function rulesOfRange(network: RootstockNetwork, from: number, to: number): BlockRules {
  const active = (rule: RskRule) => isActive(network, rule, from);
  const { difficulty } = network;
  const minimum = active("rskip290") ? difficulty.minimumRskip290 : difficulty.minimum;
  const digits = minimum.toString(16);
  const window = active("rskip297") ? network.btcWindowSecondsRskip297 : network.btcWindowSeconds;
  return {
    from,
    to,
    rskip92: active("rskip92"),
    rskip98: active("rskip98") && from > 0,
    rskip180: active("rskip180"),
    umm: active("rskipUmm"),
    version: !active("rskip351") ? 0 : active("rskip535") ? 2 : 1,
    edges: active("rskip351") && active("rskip144"),
    forkData: active("rskip110") && from >= FORK_DATA_FROM,
    forkDataChecked: active("rskip110") && from > FORK_DATA_FROM,
    btcWindowSeconds: active("rskip179") && network.maxFutureSeconds > 0 ? window : undefined,
    difficulty: {
      blockSeconds: difficulty.blockSeconds,
      divisor: active("rskip156") ? difficulty.divisorRskip156 : difficulty.divisor,
      minimum: Uint8Array.fromHex(digits.length % 2 === 0 ? digits : `0${digits}`),
      rskip97: active("rskip97"),
    },
  };
}

const ranges = new WeakMap<RootstockNetwork, readonly BlockRules[]>();

function rangesOf(network: RootstockNetwork): readonly BlockRules[] {
  let found = ranges.get(network);
  if (found === undefined) {
    const heights = [0, 1, FORK_DATA_FROM, FORK_DATA_FROM + 1, ...Object.values(network.activations)];
    const starts = [...new Set(heights.filter((height) => height >= 0))].sort((a, b) => a - b);
    found = starts.map((from, i) => rulesOfRange(network, from, starts[i + 1] ?? Infinity));
    ranges.set(network, found);
  }
  return found;
}

/**
 * Rules of the block with this number.
 *
 * @throws {RangeError} If the number is not a safe integer from 0 on.
 *
 * @example Mainnet's blocks have a slot for ummRoot since 2,392,700
 * ```ts
 * import { rulesAt } from "./block_rules.ts";
 * import { MAINNET } from "./networks/mainnet.ts";
 * if (rulesAt(MAINNET, 2_392_699).umm || !rulesAt(MAINNET, 2_392_700).umm) throw new Error("expected the height");
 * ```
 */
export function rulesAt(network: RootstockNetwork, number: number): BlockRules {
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new RangeError(`Cannot tell the rules of block ${number}: it has to be a safe integer >= 0`);
  }
  const all = rangesOf(network);
  let i = all.length - 1;
  while (all[i]!.from > number) i--;
  return all[i]!;
}
