/**
 * Where the sync begins: at genesis, at a checkpoint, or where it was.
 *
 * Layer: services. Source: spec/rootstock-consensus.md sections 5 and 7, and its addendum.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import type { BlockIdentifier } from "../../protocols/rootstock/block_identifier.ts";
import { ANCESTORS_NEEDED } from "../../protocols/rootstock/ancestors.ts";
import { equalBytes } from "../../protocols/rootstock/bytes.ts";
import { chooseChain } from "../../protocols/rootstock/fork_choice.ts";
import type { RootstockNetwork } from "../../protocols/rootstock/network.ts";
import type { GrowthRules } from "../../protocols/rootstock/sync_claims.ts";
import type { ChainPosition, SyncCheckpoint } from "../../protocols/rootstock/sync_events.ts";
import type { SyncMachineOptions } from "../../protocols/rootstock/sync_machine.ts";
import { exactly } from "../../protocols/rootstock/total_difficulty.ts";
import { checkpointsOf, identifyHeader, positionOf, totalOf } from "./chain_position.ts";
import type { ChainHeader } from "./chain_records.ts";
import type { RootstockChainStore } from "./chain_store.ts";
import type { RootstockConfig } from "./config.ts";

/** Uncles of so many blocks a side are fetched to decide between two branches. */
const EXACT_BLOCKS = 64;

/** The genesis block as it is kept. */
export function genesisHeader({ genesis }: RootstockNetwork): ChainHeader {
  const { header, hash, totalDifficulty } = genesis;
  return { number: 0, hash, header, totalDifficulty: exactly(totalDifficulty) };
}

/**
 * Options of the sync machine for a store; an empty one is begun if the chain begins at genesis.
 *
 * @throws {CairnError} `CONFIG_INVALID` for a checkpoint that nothing can begin with; those of the store.
 */
export async function startOfSync(
  config: RootstockConfig,
  network: RootstockNetwork,
  store: RootstockChainStore,
): Promise<SyncMachineOptions> {
  const { mode, checkpoint, totalDifficulty, onContradiction, ...limits } = config.sync;
  const checkpoints = checkpointsOf(network);
  const common = {
    identify: (bytes: Uint8Array) => identifyHeader(bytes, network),
    isHeavier,
    growth: growthOf(network),
    config: { ...limits, onContradiction, exactBlocks: totalDifficulty === "exact" ? EXACT_BLOCKS : 0 },
  };
  if (store.tip === undefined && mode === "genesis") await store.begin([genesisHeader(network)]);
  const first = store.first;
  if (first === undefined) {
    const base = checkpointBase(checkpoint, checkpoints);
    return { ...common, base, ancestors: ANCESTORS_NEEDED, checkpoints: above(checkpoints, base) };
  }
  const [base, tip] = [await baseOf(store, first), await store.headerByNumber(store.tip!.number)];
  const position = positionOf(base, network);
  const own = mode === "checkpoint" ? parseCheckpoint(checkpoint) : undefined;
  if (own !== undefined && onContradiction !== "follow") await requireStored(own, store);
  // A chain that is stored already is held to what was configured later.
  const all = own === undefined || checkpoints.some(({ number }) => number === own.number)
    ? checkpoints
    : [...checkpoints, own].sort((a, b) => a.number - b.number);
  return { ...common, base: position, tip: positionOf(tip!, network), checkpoints: above(all, position) };
}

/** A configured checkpoint, whose form the schema has checked. */
function parseCheckpoint(
  configured: string,
): { readonly number: number; readonly hash: Uint8Array } | undefined {
  const [number = "", hash = ""] = configured.split(":");
  if (configured === "") return undefined;
  return { number: Number(number), hash: Uint8Array.fromHex(hash.replace(/^0x/, "")) };
}

/** @throws {CairnError} `CONFIG_INVALID` if the stored chain has another block there. */
async function requireStored({ number, hash }: BlockIdentifier, store: RootstockChainStore): Promise<void> {
  const stored = await store.canonicalHash(number);
  if (stored === undefined || equalBytes(stored, hash)) return;
  throw invalid(
    `the stored chain has block ${stored.toHex()} at height ${number}`,
    "correct it, or set node.dataDir to an empty directory if you trust it more than what is stored",
  );
}

/** The first block of a stored chain whose work counts; those below it are there for the rules. */
async function baseOf(store: RootstockChainStore, first: number): Promise<ChainHeader> {
  const numbers = Array.from({ length: ANCESTORS_NEEDED + 1 }, (_, i) => first + i);
  const base = (await store.headersByNumber(numbers)).find((header) => header?.totalDifficulty !== undefined);
  if (base !== undefined) return base;
  throw new CairnError(
    "STORE_READ_FAILED",
    "Cannot sync: the store lacks the block that its chain begins with",
    {
      hint: "set node.dataDir to an empty directory",
    },
  );
}

/** The checkpoint to begin at, before anything of it has been fetched. */
function checkpointBase(configured: string, known: readonly SyncCheckpoint[]): ChainPosition {
  const newest = known.at(-1);
  const chosen = parseCheckpoint(configured) ??
    (newest?.hash === undefined ? undefined : { number: newest.number, hash: newest.hash });
  if (chosen === undefined) {
    throw invalid(
      "the network has no checkpoint of its own",
      "set it to number:hash, or sync.mode to genesis",
    );
  }
  if (chosen.number <= ANCESTORS_NEEDED) {
    throw invalid(`it has to be above block ${ANCESTORS_NEEDED}`, "set sync.mode to genesis");
  }
  const same = known.find(({ number, hash }) =>
    number === chosen.number && hash?.toHex() === chosen.hash.toHex()
  );
  const { totalDifficulty, difficulty } = same ?? {};
  return {
    number: chosen.number,
    hash: chosen.hash,
    difficulty: difficulty ?? 0n,
    paidFees: 0n,
    totalDifficulty: totalDifficulty ?? 0n,
    ...(totalDifficulty === undefined ? {} : { totalDifficultyCeiling: totalDifficulty }),
  };
}

function invalid(why: string, hint: string): CairnError {
  return new CairnError("CONFIG_INVALID", `Cannot begin at rootstock.sync.checkpoint: ${why}`, { hint });
}

function above(checkpoints: readonly SyncCheckpoint[], base: ChainPosition): readonly SyncCheckpoint[] {
  return checkpoints.filter(({ number }) => number > base.number);
}

/** Fork choice: both sides count from the same base, so bounds compare as they are. */
function isHeavier(candidate: ChainPosition, best: ChainPosition): boolean {
  const head = (position: ChainPosition) => ({ ...position, totalDifficulty: totalOf(position) });
  return chooseChain(head(candidate), head(best)).isBetter;
}

/** Bounds of growth: whatever rule allows the most, at a height or later. */
function growthOf({ difficulty, activations }: RootstockNetwork): GrowthRules {
  const { divisor, divisorRskip156, minimum, minimumRskip290 } = difficulty;
  const isPast = (activation: number, height: number) => activation >= 0 && height >= activation;
  return {
    divisorFrom: (height) => {
      if (isPast(activations.rskip156, height)) return BigInt(divisorRskip156);
      return BigInt(activations.rskip156 < 0 ? divisor : Math.min(divisor, divisorRskip156));
    },
    minimumFrom: () => minimum > minimumRskip290 ? minimum : minimumRskip290,
  };
}
