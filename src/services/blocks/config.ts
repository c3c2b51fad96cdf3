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
const historicConfig = z.strictObject({
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
  recent: recentConfig.prefault({}).meta({ description: "The hot tier", restart: true }),
  historic: historicConfig.prefault({}).meta({ description: "The cold tier", restart: true }),
  rpc: rpcConfig.prefault({}).meta({ description: "The listener of the block API", restart: true }),
});

/** A validated `blocks` section. */
export type BlocksConfig = z.output<typeof blocksConfig>;
