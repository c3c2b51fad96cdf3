/**
 * Networks of Rootstock as data: identity, genesis, heights at which rules begin, parameters of the rules, checkpoints.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 3, 5.1 and 6, spec/rootstock-network.md
 * section 1. Everything is plain data that `postMessage` can carry; {@link adaptNetwork} changes what an operator
 * knows better than this release.
 *
 * @module
 */

/** Upgrades in the order of their heights (section 5.1). */
export const UPGRADES = [
  "bahamas",
  "afterBridgeSync",
  "orchid",
  "orchid060",
  "wasabi100",
  "twoToThree",
  "papyrus200",
  "iris300",
  "hop400",
  "hop401",
  "fingerroot500",
  "arrowhead600",
  "arrowhead631",
  "lovell700",
  "reed800",
  "reed810",
  "vetiver900",
  "tbd1000",
] as const;

/** Name of an upgrade. */
export type Upgrade = (typeof UPGRADES)[number];

/** Rules that a header shows, and the upgrade each comes with; networks name heights of their own for some. */
export const RULE_UPGRADES = {
  /** Short preimage of the block hash, Merkle proof as a list of siblings. */
  rskip92: "orchid",
  /** A gap of 600 seconds no longer resets the difficulty. */
  rskip97: "orchid",
  /** No signed blocks; bitcoin headers have 80 bytes. */
  rskip98: "orchid",
  /** Fork-detection data, from block 449 on. */
  rskip110: "wasabi100",
  /** Roots are those of the unitrie. */
  rskip126: "wasabi100",
  /** Difficulty divisor 400. */
  rskip156: "papyrus200",
  /** Slot for ummRoot. */
  rskipUmm: "papyrus200",
  /** Window around the bitcoin header's time. */
  rskip179: "iris300",
  /** Merkle proof of at most 960 bytes. */
  rskip180: "iris300",
  /** Bitcoin-time window of 7200 s on testnet. */
  rskip297: "hop400",
  /** Bound of gas prices, a rule of bodies. */
  rskip252: "fingerroot500",
  /** Edges of execution sublists. */
  rskip144: "reed810",
  /** Version 1 and the compressed form. */
  rskip351: "reed810",
  /** Minimum difficulty of testnet 550,000,000; tied to no upgrade. */
  rskip290: undefined,
  /** Version 2, with baseEvent; tied to no upgrade. */
  rskip535: undefined,
} as const satisfies Record<string, Upgrade | undefined>;

/** Name of a rule. */
export type RskRule = keyof typeof RULE_UPGRADES;

/** Heights; -1 is never. */
export type Heights<Name extends string> = Readonly<Record<Name, number>>;

/** Parameters of the difficulty (section 3.3). */
export interface DifficultyParameters {
  /** Seconds a block should take. */
  readonly blockSeconds: number;
  readonly divisor: number;
  /** From RSKIP156 on. */
  readonly divisorRskip156: number;
  readonly minimum: bigint;
  /** From RSKIP290 on. */
  readonly minimumRskip290: bigint;
}

/** Where to ask for peers. */
export interface BootNode {
  readonly host: string;
  readonly port: number;
}

/** The block that everybody begins with. */
export interface Genesis {
  /** RLP list. */
  readonly header: Uint8Array;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly totalDifficulty: bigint;
}

/** A block that is known to be in the chain: who is wrong about it is followed in silence. */
export interface HashCheckpoint {
  readonly number: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

/** A block with the work behind it, uncles counted: who is wrong about it is contradicted by the chain. */
export interface DifficultyCheckpoint extends HashCheckpoint {
  readonly difficulty: bigint;
  readonly totalDifficulty: bigint;
}

/** What networks/*.ts say of a network. */
export interface NetworkFacts {
  readonly name: "mainnet" | "testnet" | "regtest";
  /** Of transactions, `eth_chainId` and `net_version`. */
  readonly chainId: number;
  /** Of discovery and the status messages. */
  readonly networkId: number;
  /** TCP and UDP. */
  readonly port: number;
  readonly discovery: boolean;
  readonly bootNodes: readonly BootNode[];
  readonly helloPhrase: string;
  readonly genesis: Genesis;
  readonly upgrades: Heights<Upgrade>;
  /** Heights that differ from the upgrade's own. */
  readonly ruleHeights: Partial<Heights<RskRule>>;
  readonly difficulty: DifficultyParameters;
  /** How far a timestamp may be ahead, in seconds; 0: no rule on timestamps at all. */
  readonly maxFutureSeconds: number;
  /** Bitcoin's time differs by less, in seconds. */
  readonly btcWindowSeconds: number;
  /** From RSKIP297 on. */
  readonly btcWindowSecondsRskip297: number;
  /** Below this height a full header of version 2 may lack baseEvent; 0 for none. */
  readonly baseEventOptionalBelow: number;
  /** Signers of even and odd blocks before RSKIP98, 65 bytes each (section 4.5); empty for none. */
  readonly fallbackKeys: readonly Uint8Array[];
  /** Ascending. */
  readonly hashCheckpoints: readonly HashCheckpoint[];
  /** Ascending. */
  readonly difficultyCheckpoints: readonly DifficultyCheckpoint[];
}

/** A network whose rules have their heights. */
export interface RootstockNetwork extends NetworkFacts {
  readonly activations: Heights<RskRule>;
}

/** What may be changed of a network. */
export interface NetworkOverrides {
  /** Also moves the rules that come with them. */
  readonly upgrades?: Partial<Heights<Upgrade>>;
  /** Before those of the upgrades. */
  readonly ruleHeights?: Partial<Heights<RskRule>>;
  readonly difficulty?: Partial<DifficultyParameters>;
  readonly maxFutureSeconds?: number;
  readonly btcWindowSeconds?: number;
  readonly fallbackKeys?: readonly Uint8Array[];
  readonly hashCheckpoints?: readonly HashCheckpoint[];
  readonly difficultyCheckpoints?: readonly DifficultyCheckpoint[];
}

/** Gives every rule its height. */
export function defineNetwork(facts: NetworkFacts): RootstockNetwork {
  const rules = Object.keys(RULE_UPGRADES) as RskRule[];
  const activations = Object.fromEntries(rules.map((rule) => {
    const upgrade = RULE_UPGRADES[rule];
    return [rule, facts.ruleHeights[rule] ?? (upgrade === undefined ? -1 : facts.upgrades[upgrade])];
  })) as Heights<RskRule>;
  return { ...facts, activations };
}

/**
 * A network with other heights or parameters.
 *
 * @throws {RangeError} If a height is not an integer from -1 on.
 *
 * @example Version 2 headers on mainnet from block 10,000,000
 * ```ts
 * import { adaptNetwork } from "./network.ts";
 * import { MAINNET } from "./networks/mainnet.ts";
 * const network = adaptNetwork(MAINNET, { upgrades: { reed810: 10_000_000 }, ruleHeights: { rskip535: 10_000_000 } });
 * if (network.activations.rskip351 !== 10_000_000) throw new Error("expected the height of its upgrade");
 * ```
 */
export function adaptNetwork(network: NetworkFacts, overrides: NetworkOverrides): RootstockNetwork {
  const heights = { ...overrides.upgrades, ...overrides.ruleHeights };
  for (const [name, height] of Object.entries(heights)) {
    if (Number.isSafeInteger(height) && height >= -1) continue;
    throw new RangeError(`Cannot adapt '${network.name}': height of '${name}' must be >= -1, got ${height}`);
  }
  return defineNetwork({
    ...network,
    ...overrides,
    upgrades: { ...network.upgrades, ...overrides.upgrades },
    ruleHeights: { ...network.ruleHeights, ...overrides.ruleHeights },
    difficulty: { ...network.difficulty, ...overrides.difficulty },
  });
}

/** Whether a rule is active at a height. */
export function isActive(network: RootstockNetwork, rule: RskRule, number: number): boolean {
  const from = network.activations[rule];
  return from >= 0 && number >= from;
}
