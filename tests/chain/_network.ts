/**
 * Nodes of the message chain in processes of their own, on loopback, and ways to wait for what they do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { testKey } from "../../src/protocols/kimura/_chain.ts";
import { signMessage } from "../../src/protocols/kimura/keys.ts";
import type { Message } from "../../src/protocols/kimura/message.ts";
import { ChainClient } from "../../src/services/chain/client.ts";
import type { BlockView } from "../../src/services/chain/views.ts";
import { type NodeProcess, startNode } from "../support/node_process.ts";
import { until } from "../support/until.ts";

/** Whether tests run in their long form: the numbers that docs/chain.md states. */
export const IS_LONG = Deno.env.get("CAIRN_LONG_TESTS") === "1";
/** How a node is started. */
export interface ChainNodeOptions {
  readonly dataDir: string;
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/** A node of the chain. */
export interface ChainNode extends AsyncDisposable {
  readonly process: NodeProcess;
  readonly client: ChainClient;
  /** Multiaddr with its identity. */
  readonly address: string;
  /** Public key of its leader; empty on an unsigned chain. */
  readonly leaderKey: string;
  height(): Promise<number>;
  /** Resolves once it has a block of this height. */
  reaches(height: number, withinMs?: number): Promise<void>;
  /** `/statusz` of the service. */
  status(): Promise<Readonly<Record<string, unknown>>>;
  /** Sum of a metric, without its prefix `cairn_chain_`. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

/** Starts a leader; a block every 200 ms unless the settings say otherwise. */
export function startLeader({ dataDir, settings = {} }: ChainNodeOptions): Promise<ChainNode> {
  return start("chain-leader", dataDir, { "chain.production.blockIntervalMs": 200, ...settings });
}

/** Starts a peer that follows `leader`; `via` another address than the leader's own. */
export function startPeer(
  leader: Pick<ChainNode, "address" | "leaderKey">,
  { dataDir, settings = {}, via = leader.address }: ChainNodeOptions & { readonly via?: string },
): Promise<ChainNode> {
  return start("chain-peer", dataDir, {
    "chain.leader": via,
    "chain.leaderKey": leader.leaderKey,
    "chain.sync.tipIntervalMs": 1_000,
    "chain.p2p.redialMinMs": 50,
    "chain.p2p.redialMaxMs": 500,
    ...settings,
  });
}

async function start(
  profile: string,
  dataDir: string,
  settings: Readonly<Record<string, string | number | boolean>>,
): Promise<ChainNode> {
  const process = await startNode({
    dataDir,
    profile,
    settings: {
      "chain.rpc.port": 0,
      "chain.p2p.listen": JSON.stringify(["/ip4/127.0.0.1/tcp/0"]),
      "chain.p2p.heartbeatMs": 200,
      // All of a test's nodes are one host.
      "chain.p2p.inboundPerSecond": 1_000,
      ...settings,
    },
  });
  const client = new ChainClient(process.address("chain json-rpc "));
  const height = async () => (await client.height()).height;
  const leaderLine = process.listening.find((line) => line.startsWith("chain leader-key "));
  return {
    process,
    client,
    address: process.address("chain p2p "),
    leaderKey: leaderLine?.slice("chain leader-key ".length) ?? "",
    height,
    async reaches(target, withinMs) {
      let seen = -1;
      const lastLines = () => process.logs.slice(-5).map((line) => JSON.stringify(line)).join("\n");
      await until(
        () => `block ${target}; the node is at ${seen}\n${lastLines()}`,
        async () => (seen = await height()) >= target,
        withinMs === undefined ? {} : { withinMs },
      );
    },
    async status() {
      const { services } = await (await fetch(`${process.admin}/statusz`)).json();
      return services.find(({ name }: { name: string }) => name === "chain").status;
    },
    metric: (name, labels) => process.metric(`cairn_chain_${name}`, labels),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Message number `nonce` of sender `n`, made now. */
export function freshMessage(n: number, nonce: number, content = `message ${nonce} of ${n}`): Message {
  const timestamp = BigInt(Math.floor(Date.now() / 1_000));
  return signMessage(testKey(100 + n), { content, nonce: BigInt(nonce), timestamp });
}

/** Every block from 1 to `height`, in order. */
export async function blocksOf({ client }: ChainNode, height: number): Promise<BlockView[]> {
  const blocks: BlockView[] = [];
  for (let at = 1; at <= height; at++) blocks.push(await client.block(at));
  return blocks;
}

/** All nodes hold the same blocks up to the first one's height now; no height is missing, no message is there twice. */
export async function assertSameChain(...nodes: readonly ChainNode[]): Promise<BlockView[]> {
  const height = await nodes[0]!.height();
  for (const node of nodes) await node.reaches(height);
  const [first, ...others] = await Promise.all(nodes.map((node) => blocksOf(node, height)));
  for (const [i, block] of first!.entries()) {
    assert.equal(block.header.height, i + 1);
    if (i > 0) assert.equal(block.header.prev_hash, first![i - 1]!.hash, `link of block ${i + 1}`);
  }
  for (const other of others) assert.deepEqual(other, first);
  const ids = first!.flatMap(({ message_ids: inBlock }) => inBlock);
  assert.equal(new Set(ids).size, ids.length, "a message is in two blocks");
  return first!;
}
