/**
 * Configuration of the blocks service.
 *
 * Layer: services. The reference page is generated from these descriptions. Names follow the block node's own
 * settings where it has one (spec/block-node.md §8.4).
 *
 * @module
 */

import { z } from "zod";
import { MAX_POWER, MIN_POWER } from "../../protocols/hiero/archive_layout.ts";
import { rpcConfig } from "../../rpc/config.ts";
import { backfillConfig } from "./backfill_config.ts";

const MIB = 1_048_576;

/** The hot tier: blocks in the store. */
const recentConfig = z.strictObject({
  blockRetentionThreshold: z.int().min(0).default(0)
    .meta({
      description:
        "Blocks kept in the store; older ones are removed once they are archived and the archive was read " +
        "back. 0 keeps all of them",
      restart: true,
    }),
});

/** The cold tier: zip archives of consecutive blocks. */
export const historicConfig = z.strictObject({
  enabled: z.boolean().default(false)
    .meta({
      description: "Whether to archive complete batches of blocks. Archives already there are read anyway",
      restart: true,
    }),
  powersOfTenPerZipFileContents: z.int().min(MIN_POWER).max(MAX_POWER).default(4)
    .meta({ description: "Blocks of an archive, as a power of ten", restart: true }),
  blockRetentionThreshold: z.int().min(0).default(0)
    .meta({
      description:
        "Archives kept; the oldest beyond this number are removed, and their blocks with them. 0 keeps all " +
        "of them",
      restart: true,
    }),
  maxBytesPerSecond: z.int().min(0).default(33_554_432)
    .meta({
      description:
        "Most bytes of blocks taken from the store for archives in a second, before compression; 0 sets no bound",
      restart: true,
    }),
});

/** A validated section `blocks.historic`. */
export type HistoricConfig = z.output<typeof historicConfig>;

/** What becomes of block proofs. */
export const PROOF_POLICIES = ["require", "when-known", "off"] as const;
/** One of {@link PROOF_POLICIES}. */
export type ProofPolicy = (typeof PROOF_POLICIES)[number];

/** Schema of the `blocks` section. */
export const blocksConfig = z.strictObject({
  enablePublish: z.boolean().default(true)
    .meta({ description: "Whether to serve publishBlockStream", restart: true }),
  earliestManagedBlock: z.int().min(0).default(0)
    .meta({ description: "First block this node asks for when it has none", restart: true }),
  publisherIdleMs: z.int().min(0).max(86_400_000).default(30_000)
    .meta({
      description:
        "Time without a message after which a publish stream ends with CANCELLED, in milliseconds; " +
        "0 never. Keep it above the network's block interval",
      restart: true,
    }),
  duplicateBlockSkipWindow: z.int().min(0).max(1_000).default(5)
    .meta({
      description:
        "How far behind the last block a header is answered with SkipBlock; further back the stream " +
        "ends with DUPLICATE_BLOCK",
      restart: true,
    }),
  maxFutureBlocksBeforeStalled: z.int().min(3).max(50).default(3)
    .meta({
      description:
        "How many blocks others may complete past an unfinished block before its publisher gets TIMEOUT",
      restart: true,
    }),
  staleResendPruneBuffer: z.int().min(0).max(200).default(100)
    .meta({
      description: "Resend requests older than the newest block by more than this are dropped",
      restart: true,
    }),
  maxBlockBytes: z.int().min(MIB).max(1_024 * MIB).default(134_217_728)
    .meta({
      description:
        "Largest block taken, in bytes; its publisher gets INVALID_REQUEST. Shared memory of this size " +
        "is reserved and becomes resident only as blocks need it",
      restart: true,
    }),
  pauseAboveBytes: z.int().min(MIB).max(4_096 * MIB).default(67_108_864)
    .meta({
      description:
        "Bytes of blocks received and not yet stored above which publish streams are not read, in bytes",
      restart: true,
    }),
  maxQueuedBytes: z.int().min(MIB).max(16_384 * MIB).default(536_870_912)
    .meta({
      description:
        "Most bytes of blocks in memory; beyond it the highest unfinished block is dropped and its " +
        "publisher gets ERROR. At least maxBlockBytes",
      restart: true,
    }),
  perHandlerMessageBudget: z.int().min(0).max(1_000_000).default(100)
    .meta({
      description:
        "Messages of one publish stream in 10 ms after which it is not read until the next 10 ms; 0 no limit",
      restart: true,
    }),
  totalMessageBudgetPerInterval: z.int().min(0).max(10_000_000).default(1_000)
    .meta({
      description: "The same for all publish streams together; 0 no limit",
      restart: true,
    }),
  fullIntervalsForPenalty: z.int().min(0).max(100_000).default(0)
    .meta({
      description:
        "Used-up intervals in a row after which a publish stream is not read for 30 s, for 60 s the next time, " +
        "and so on; forgotten after an hour. 0 never: a publisher that catches up uses them up, too",
      restart: true,
    }),
  brokenLink: z.enum(["refuse", "warn"]).default("refuse")
    .meta({
      description: "What a block gets whose previous hash is not the root of the block before",
      restart: true,
    }),
  unverifiable: z.enum(["refuse", "store"]).default("refuse")
    .meta({
      description:
        "What a block gets whose generation (HAPI 0.69 and before) has a root hash nobody can reproduce",
      restart: true,
    }),
  proofs: z.enum(PROOF_POLICIES).default("when-known")
    .meta({
      description:
        "How block proofs are checked. require: a block whose signatures cannot be verified is refused. " +
        "when-known: a block with a bad proof is refused, one whose keys this node does not know is stored as " +
        "unverified and counted. off: signatures are not looked at",
      restart: true,
    }),
  unknownProofs: z.enum(["refuse", "store"]).default("refuse")
    .meta({
      description:
        "What a block gets whose proofs are all of kinds this node does not know; stored ones are " +
        "unverified and counted",
      restart: true,
    }),
  ledgerId: z.string().regex(/^([0-9a-fA-F]{64})?$/, "expected 64 hexadecimal digits, or nothing").default("")
    .meta({
      description:
        "Ledger id, 64 hexadecimal digits: a block 0 of another ledger is refused. Empty: the first block 0 " +
        "that verifies is believed",
      restart: true,
    }),
  tssDataFile: z.string().default("")
    .meta({
      description:
        "JSON of TssData (ledger id, WRAPS key, roster) to check TSS signatures with, as tss-bootstrap-roster.json; " +
        "replaces what block 0 told if it is valid from a later block. Empty: block 0 tells",
      restart: true,
    }),
  addressBookFile: z.string().default("")
    .meta({
      description:
        "Address books to check record file signatures with: JSON of RangedAddressBookHistory or NodeAddressBook, " +
        "or the bytes of a NodeAddressBook. Empty: wrapped record blocks cannot be verified",
      restart: true,
    }),
  enableSubscribe: z.boolean().default(true)
    .meta({ description: "Whether to serve subscribeBlockStream", restart: true }),
  maxSubscribers: z.int().min(1).max(65_535).default(1_000)
    .meta({
      description: "Subscriptions at a time. One more ends with RESOURCE_EXHAUSTED, code TOO_MANY_STREAMS",
      restart: true,
    }),
  maximumFutureRequest: z.int().min(0).max(1_000_000).default(4_000)
    .meta({
      description: "How far past the latest known block a subscription may start; further gets NOT_AVAILABLE",
      restart: true,
    }),
  subscriberStallMs: z.int().min(0).max(86_400_000).default(30_000)
    .meta({
      description:
        "Time for a subscriber's transport to take a message, for each maxChunkSizeBytes of it, in " +
        "milliseconds; then the subscriber is dropped with ERROR. 0 never",
      restart: true,
    }),
  maxChunkSizeBytes: z.int().min(1_024).max(128 * MIB).default(MIB)
    .meta({
      description:
        "Most bytes of stored items in one message to a subscriber; a larger item goes in a message of its own",
      restart: true,
    }),
  subscriberLiveBytes: z.int().min(0).max(16_384 * MIB).default(67_108_864)
    .meta({
      description:
        "Most bytes of live blocks held for all subscribers together; beyond it they get a block once it " +
        "is stored",
      restart: true,
    }),
  subscriberHistoryBytes: z.int().min(0).max(16_384 * MIB).default(67_108_864)
    .meta({
      description: "Most bytes of stored blocks kept in memory for all subscribers together",
      restart: true,
    }),
  backfill: backfillConfig.prefault({}).meta({ description: "Missing blocks from peers", restart: true }),
  recent: recentConfig.prefault({}).meta({ description: "The hot tier", restart: true }),
  historic: historicConfig.prefault({}).meta({ description: "The cold tier", restart: true }),
  rpc: rpcConfig.prefault({}).meta({ description: "The listener of the block API", restart: true }),
});

/** A validated `blocks` section. */
export type BlocksConfig = z.output<typeof blocksConfig>;
