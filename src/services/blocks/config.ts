/**
 * Configuration of the blocks service.
 *
 * Layer: services. The reference page is generated from these descriptions. Names follow the block node's own
 * settings where it has one (spec/block-node.md §8.4).
 *
 * @module
 */

import { z } from "zod";
import { rpcConfig } from "../../rpc/config.ts";

const MIB = 1_048_576;

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
  rpc: rpcConfig.prefault({}).meta({ description: "The listener of the block API", restart: true }),
});

/** A validated `blocks` section. */
export type BlocksConfig = z.output<typeof blocksConfig>;
