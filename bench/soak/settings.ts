/**
 * What a soak does, and its command line.
 *
 * @module
 */

/** Settings of one soak. Times are seconds unless a name says otherwise. */
export interface SoakSettings {
  readonly seconds: number;
  readonly blocksPerSecond: number;
  /** signed_transaction items of a block, and bytes of each. */
  readonly items: number;
  readonly itemBytes: number;
  readonly publishers: number;
  readonly fastSubscribers: number;
  /** One slow subscriber for each: milliseconds it waits after every block. */
  readonly slowPausesMs: readonly number[];
  /** Between two kill -9 of the node; 0 never. */
  readonly nodeKillSeconds: number;
  /** Mean time between two kill -9 of a publisher; 0 never. */
  readonly publisherKillSeconds: number;
  /** Chooses the moments and the publishers. */
  readonly seed: number;
}

/**
 * The load. Sizes by the block node's own model, 245,737 + 910.5 T bytes for T transactions
 * (spec/block-node.md §9.1): at 20 transactions, which is 1,000 a second, 264 kB.
 */
export const FULL_SOAK: SoakSettings = {
  seconds: 1_800,
  blocksPerSecond: 50,
  items: 130,
  itemBytes: 2_000,
  publishers: 3,
  fastSubscribers: 15,
  slowPausesMs: [25, 50, 100, 200, 400],
  nodeKillSeconds: 60,
  publisherKillSeconds: 10,
  seed: 1,
};

/** Flags that set a number, and what each sets. */
const FLAGS: Readonly<Record<string, (value: number) => Partial<SoakSettings>>> = {
  "--minutes": (value) => ({ seconds: value * 60 }),
  "--blocks-per-second": (value) => ({ blocksPerSecond: value }),
  "--items": (value) => ({ items: value }),
  "--item-bytes": (value) => ({ itemBytes: value }),
  "--publishers": (value) => ({ publishers: value }),
  "--fast-subscribers": (value) => ({ fastSubscribers: value }),
  "--node-kill-seconds": (value) => ({ nodeKillSeconds: value }),
  "--publisher-kill-seconds": (value) => ({ publisherKillSeconds: value }),
  "--seed": (value) => ({ seed: value }),
};

/** @throws {Error} For a flag it does not know, or a value that is no number. */
export function parseSettings(args: readonly string[]): SoakSettings {
  let settings = FULL_SOAK;
  for (let i = 0; i < args.length; i += 2) {
    const flag = FLAGS[args[i]!];
    const value = Number(args[i + 1]);
    if (flag === undefined || args[i + 1] === undefined || !(value >= 0)) {
      throw new Error(
        `Cannot read '${args[i]} ${args[i + 1] ?? ""}': expected ${Object.keys(FLAGS).join(", ")}`,
      );
    }
    settings = { ...settings, ...flag(value) };
  }
  return settings;
}
