/**
 * Configuration of the Rootstock light client.
 *
 * Layer: services. The reference page is generated from these descriptions. What is 0 or empty here comes from the
 * network's own data.
 *
 * @module
 */

import { z } from "zod";
import { jsonRpcConfig } from "../../http/json_rpc_config.ts";

/** Networks that the client knows. */
export const ROOTSTOCK_NETWORKS = ["mainnet", "testnet", "regtest"] as const;

/** Port of rskj's JSON-RPC (spec/rootstock-network.md section 1). */
const RPC_PORT = 4_444;

const hostPort = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/, "expected host:port");

/** Finding peers over UDP. */
const discoveryConfig = z.strictObject({
  enabled: z.boolean().default(true)
    .meta({ description: "Whether to look for peers over UDP and to answer those who do", restart: true }),
  host: z.string().min(1).default("0.0.0.0")
    .meta({ description: "Address of the UDP socket", restart: true }),
  port: z.int().min(0).max(65_535).default(0)
    .meta({ description: "UDP port; 0 is the network's own (mainnet 5050, testnet 50505)", restart: true }),
  bootNodes: z.array(hostPort).default([])
    .meta({ description: "`host:port` of nodes to ask first; none: those of the network", restart: true }),
});

/** Connections to peers. */
const p2pConfig = z.strictObject({
  listen: z.boolean().default(true)
    .meta({ description: "Whether peers may connect to this node", restart: true }),
  host: z.string().min(1).default("0.0.0.0")
    .meta({ description: "Address to listen on for peers", restart: true }),
  port: z.int().min(0).max(65_535).default(0)
    .meta({ description: "TCP port; 0 is the network's own (mainnet 5050, testnet 50505)", restart: true }),
  maxInbound: z.int().min(0).max(10_000).default(16)
    .meta({
      description: "Most peers that have connected to this node; one more is turned away",
      restart: true,
    }),
  targetPeers: z.int().min(1).max(1_000).default(8)
    .meta({ description: "Peers to connect to as long as there are fewer", restart: true }),
  messagesPerMinute: z.int().min(60).max(60_000).default(1_000)
    .meta({
      description:
        "Most messages to and from one peer in a minute, rskj's own limit; what comes beyond it is not answered",
      restart: true,
    }),
  serve: z.boolean().default(false)
    .meta({
      description:
        "Whether peers are told how far this node's chain goes, so that they sync headers from it. rskj asks such a peer " +
        "for blocks too, which this node has not got: for networks of header clients. Requests are answered either way",
      restart: true,
    }),
  staticPeers: z.array(z.string().regex(/^[0-9a-f]{128}@\S+:\d{1,5}$/, "expected id@host:port")).default([])
    .meta({
      description: "Peers to stay connected to, as `id@host:port` with the node id in 128 hexadecimal digits",
      restart: true,
    }),
});

/** Getting the headers. */
const syncConfig = z.strictObject({
  mode: z.enum(["genesis", "checkpoint"]).default("genesis")
    .meta({
      description:
        "genesis: every header since the first block is fetched and verified. checkpoint: the chain begins at " +
        "a block that is believed, which saves the time and the disk of those before it",
      restart: true,
    }),
  checkpoint: z.string().regex(/^(\d+:(0x)?[0-9a-fA-F]{64})?$/, "expected number:hash, or nothing").default(
    "",
  )
    .meta({
      description:
        "Block to begin at, as `number:hash`; empty: the newest one in the network's data. Only with mode checkpoint. A " +
        "chain that is stored already is held to it",
      restart: true,
    }),
  totalDifficulty: z.enum(["bound", "exact"]).default("bound")
    .meta({
      description:
        "How two branches are compared. bound: by the difficulty of their headers, which leaves out what uncles weigh. " +
        "exact: up to 64 blocks a side, the uncles are fetched and checked, as nodes with bodies count; if no peer gives " +
        "them, the headers decide and the log says so",
      restart: true,
    }),
  onContradiction: z.enum(["refuse", "stop", "follow"]).default("refuse")
    .meta({
      description:
        "What to do with a chain of valid headers that contradicts a checkpoint. It is always reported. refuse: such a " +
        "chain is not followed. stop: the sync ends. follow: it counts like any other",
      restart: true,
    }),
  requestsPerMinute: z.int().min(2).max(60_000).default(900)
    .meta({
      description:
        "Most messages to one peer in a minute; rskj drops what comes beyond 1,000 (peer.messageQueue)",
      restart: true,
    }),
  requestTimeoutMs: z.int().min(100).max(600_000).default(30_000)
    .meta({
      description: "Time for a peer to answer, in milliseconds; there is no other sign of a no",
      restart: true,
    }),
});

/** The JSON-RPC listener. */
const rpcConfig = jsonRpcConfig(RPC_PORT).extend({
  enabled: z.boolean().default(true)
    .meta({ description: "Whether to answer JSON-RPC", restart: true }),
  unknownTransactions: z.enum(["omit", "empty"]).default("omit")
    .meta({
      description:
        "What blocks show as `transactions`, which headers do not tell. omit: nothing. empty: `[]`, for clients " +
        "that fail without the field, such as ethers; they will take every block for empty",
      restart: true,
    }),
});

/** Schema of the `rootstock` section. */
export const rootstockConfig = z.strictObject({
  network: z.enum(ROOTSTOCK_NETWORKS).default("mainnet")
    .meta({
      description: "Network to join; a data directory belongs to the network it was begun with",
      restart: true,
    }),
  keptForkBlocks: z.int().min(1_000).max(1_000_000).default(30_000)
    .meta({
      description:
        "Blocks below the tip for which headers off the canonical chain are kept; a reorganisation cannot reach deeper",
      restart: true,
    }),
  discovery: discoveryConfig.prefault({}).meta({ description: "Finding peers", restart: true }),
  p2p: p2pConfig.prefault({}).meta({ description: "Connections to peers", restart: true }),
  sync: syncConfig.prefault({}).meta({ description: "Getting the headers", restart: true }),
  rpc: rpcConfig.prefault({}).meta({ description: "The JSON-RPC listener", restart: true }),
});

/** A validated `rootstock` section. */
export type RootstockConfig = z.output<typeof rootstockConfig>;
