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
      description: "Time without a message after which a publish stream ends with CANCELLED, in milliseconds; " +
        "0 never. Keep it above the network's block interval",
      restart: true,
    }),
  duplicateBlockSkipWindow: z.int().min(0).max(1_000).default(5)
    .meta({
      description: "How far behind the last block a header is answered with SkipBlock; further back the stream " +
        "ends with DUPLICATE_BLOCK",
      restart: true,
    }),
  maxFutureBlocksBeforeStalled: z.int().min(3).max(50).default(3)
    .meta({
      description: "How many blocks others may complete past an unfinished block before its publisher gets TIMEOUT",
      restart: true,
    }),
  staleResendPruneBuffer: z.int().min(0).max(200).default(100)
    .meta({ description: "Resend requests older than the newest block by more than this are dropped", restart: true }),
  maxBlockBytes: z.int().min(MIB).max(768 * MIB).default(160 * MIB)
    .meta({
      description: "Largest block taken, in bytes; its publisher gets ERROR. At most bus.memoryBytes less 64 MiB",
      restart: true,
    }),
  maxQueuedBytes: z.int().min(MIB).max(4_096 * MIB).default(256 * MIB)
    .meta({
      description: "Bytes of blocks received and not yet on disk, over all publishers, past which streams are no " +
        "longer read, in bytes",
      restart: true,
    }),
  brokenLink: z.enum(["refuse", "warn"]).default("refuse")
    .meta({ description: "What a block gets whose previous hash is not the root of the block before", restart: true }),
  unverifiable: z.enum(["refuse", "store"]).default("refuse")
    .meta({
      description: "What a block gets whose generation (HAPI 0.69 and before) has a root hash nobody can reproduce",
      restart: true,
    }),
  rpc: rpcConfig.prefault({}).meta({ description: "The listener of the block API", restart: true }),
});

/** A validated `blocks` section. */
export type BlocksConfig = z.output<typeof blocksConfig>;
