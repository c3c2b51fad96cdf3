/**
 * Configuration of the message chain.
 *
 * Layer: services. The reference page is generated from these descriptions. Which role a node has, its profile says:
 * `chain-leader` or `chain-peer`.
 *
 * @module
 */

import { z } from "zod";
import { jsonRpcConfig } from "../../http/json_rpc_config.ts";
import { p2pConfig } from "../../p2p/config.ts";

/** Port of the original's JSON-RPC (spec/kimura.md §5). */
const RPC_PORT = 8_545;

const multiaddr = z.string().max(512).regex(
  /^(\/.*)?$/,
  "expected a multiaddr such as /ip4/127.0.0.1/tcp/4001, or nothing",
);

/** What makes a block or a message valid; every node of a chain must have the same. */
const rulesConfig = z.strictObject({
  maxDriftSeconds: z.int().min(0).max(86_400).default(15)
    .meta({
      description: "How far a timestamp may be ahead of this node's clock, in seconds",
      restart: true,
    }),
  maxBlockMessages: z.int().min(1).max(65_536).default(10_000)
    .meta({ description: "Most messages of a block", restart: true }),
  maxContentBytes: z.int().min(1).max(131_072).default(16_384)
    .meta({ description: "Most bytes of a message's content, in UTF-8", restart: true }),
});

/** How a leader makes blocks. */
const productionConfig = z.strictObject({
  blockIntervalMs: z.int().min(50).max(3_600_000).default(5_000)
    .meta({ description: "Time from one block to the next, in milliseconds", restart: true }),
  maxBlockBytes: z.int().min(1_024).max(67_108_864).default(16_777_216)
    .meta({
      description: "Most bytes of a block's messages; what does not fit goes to the next height",
      restart: true,
    }),
  oversize: z.enum(["announce", "split"]).default("announce")
    .meta({
      description:
        "What becomes of a block whose JSON is too large for gossip. announce: its hash is gossiped and peers fetch it. " +
        "split: the rest goes to the next heights, as nodes of the original need. Unsigned chains always split",
      restart: true,
    }),
  maxPending: z.int().min(1).max(1_000_000).default(50_000)
    .meta({
      description: "Messages accepted and in no block; one more is refused with PENDING_FULL",
      restart: true,
    }),
  maxPendingBytes: z.int().min(1_024).max(1_073_741_824).default(67_108_864)
    .meta({ description: "Bytes of them", restart: true }),
  maxPendingPerSender: z.int().min(1).max(1_000_000).default(10_000)
    .meta({ description: "How many of them one sender may have", restart: true }),
});

/** How a peer catches up. */
const syncConfig = z.strictObject({
  rangeBlocks: z.int().min(1).max(512).default(128)
    .meta({ description: "Most blocks asked for with one request", restart: true }),
  maxRequests: z.int().min(1).max(64).default(4)
    .meta({ description: "Requests under way, one a peer", restart: true }),
  maxAhead: z.int().min(1).max(65_536).default(1_024)
    .meta({ description: "Blocks beyond the last stored one that are asked for or held", restart: true }),
  maxHeldBytes: z.int().min(1_048_576).max(1_073_741_824).default(67_108_864)
    .meta({ description: "Bytes of held blocks beyond which nothing more is asked for", restart: true }),
  batchBlocks: z.int().min(1).max(1_024).default(64)
    .meta({ description: "Most blocks verified and written at a time", restart: true }),
  requestTimeoutMs: z.int().min(100).max(600_000).default(15_000)
    .meta({ description: "Time for a peer to answer, in milliseconds", restart: true }),
  tipIntervalMs: z.int().min(100).max(600_000).default(10_000)
    .meta({
      description: "Time between two questions for a peer's last block, in milliseconds",
      restart: true,
    }),
  backoffMs: z.int().min(10).max(600_000).default(500)
    .meta({
      description: "First wait before a peer that failed is asked again, in milliseconds; doubles",
      restart: true,
    }),
  maxBackoffMs: z.int().min(10).max(3_600_000).default(60_000)
    .meta({ description: "Longest such wait, in milliseconds", restart: true }),
  maxPooled: z.int().min(1).max(1_000_000).default(50_000)
    .meta({
      description: "Messages of gossip that wait for their block; beyond it the oldest is forgotten",
      restart: true,
    }),
  readyWithinBlocks: z.int().min(0).max(1_000_000).default(3)
    .meta({
      description: "A peer is ready while it lacks no more blocks than this of those it knows of",
      restart: true,
    }),
});

/** The HTTP and JSON-RPC listener. */
const rpcConfig = jsonRpcConfig(RPC_PORT).extend({
  enabled: z.boolean().default(true)
    .meta({ description: "Whether to answer HTTP and JSON-RPC", restart: true }),
});

/** Schema of the `chain` section. */
export const chainConfig = z.strictObject({
  leaderKey: z.string().regex(/^(0[23][0-9a-f]{64})?$/, "expected 66 hexadecimal digits, or nothing").default(
    "",
  )
    .meta({
      description:
        "Public key of the leader, as `cairn chain keys show` prints it. A peer needs it; a leader that has it refuses to " +
        "start with another key",
      restart: true,
    }),
  unsigned: z.boolean().default(false)
    .meta({
      description:
        "Compatibility with the original: blocks and messages that nobody signed are made and accepted. Anybody can then " +
        "publish a block",
      restart: true,
    }),
  leader: multiaddr.default("")
    .meta({
      description: "Multiaddr of the leader, which a peer keeps itself connected to (`--leader`)",
      restart: true,
    }),
  peers: z.array(multiaddr.min(1)).max(64).default([])
    .meta({ description: "Multiaddrs of other nodes to stay connected to", restart: true }),
  ephemeralIdentity: z.boolean().default(false)
    .meta({
      description: "Whether the network identity is made anew with every start, as the original does",
      restart: true,
    }),
  rules: rulesConfig.prefault({}).meta({
    description: "What is valid; the same on every node of a chain",
    restart: true,
  }),
  production: productionConfig.prefault({}).meta({ description: "How a leader makes blocks", restart: true }),
  sync: syncConfig.prefault({}).meta({ description: "How a peer catches up", restart: true }),
  p2p: p2pConfig.omit({ identityFile: true }).prefault({})
    .meta({ description: "Connections to other nodes", restart: true }),
  rpc: rpcConfig.prefault({}).meta({ description: "The HTTP and JSON-RPC listener", restart: true }),
});

/** A validated `chain` section. */
export type ChainConfig = z.output<typeof chainConfig>;
