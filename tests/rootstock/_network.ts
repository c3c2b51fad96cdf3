/**
 * Rootstock nodes in processes of their own, on loopback, and ways to wait for what they do.
 *
 * @module
 */

import { complain } from "../../scripts/process.ts";
import { JsonRpcClient } from "../../src/services/rootstock/json_rpc_client.ts";
import { type NodeProcess, startNode } from "../support/node_process.ts";
import { until } from "../support/until.ts";
import type { ChainBlock, TestChain } from "./_chain.ts";
import { freePort } from "./_peer.ts";

/** Exit code after SIGKILL. */
const KILLED = 137;

/** How a node is started. */
export interface RootstockNodeOptions {
  readonly dataDir: string;
  /** For peers and discovery. @default a free one */
  readonly port?: number;
  /** Answers with its own chain. @default {false} */
  readonly serve?: boolean;
  readonly staticPeers?: readonly string[];
  /** Where it asks for nodes over UDP; none: no discovery. */
  readonly bootNodes?: readonly string[];
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/** A block as JSON-RPC shows it. */
export interface RpcBlock {
  readonly number: string;
  readonly hash: string;
  readonly [field: string]: unknown;
}

/** A node of profile `rootstock`. */
export interface RootstockNode extends AsyncDisposable {
  readonly process: NodeProcess;
  readonly rpc: JsonRpcClient;
  /** `127.0.0.1:PORT`, for peers and discovery. */
  readonly endpoint: string;
  /** As `rootstock.p2p.staticPeers` wants it. */
  readonly address: string;
  /** Height of the canonical chain. */
  height(): Promise<number>;
  latest(): Promise<RpcBlock>;
  /** Whether the tip is this block. */
  isAt(block: ChainBlock): Promise<boolean>;
  /** Resolves once it is there. */
  reaches(chain: TestChain, withinMs?: number): Promise<void>;
  /** Ids of connected peers. */
  peers(): Promise<string[]>;
  /** `/statusz` of the service. */
  status(): Promise<Readonly<Record<string, unknown>>>;
  /** `/readyz`. */
  readiness(): Promise<{ readonly status: number; readonly text: string }>;
}

/** Starts a node and waits until it is up. */
export async function startRootstock(options: RootstockNodeOptions): Promise<RootstockNode> {
  const { dataDir, port = freePort(), serve = false, staticPeers = [], bootNodes, settings = {} } = options;
  const process = await startNode({
    dataDir,
    profile: "rootstock",
    settings: {
      "rootstock.network": "regtest",
      "rootstock.rpc.port": 0,
      "rootstock.p2p.serve": serve,
      "rootstock.p2p.host": "127.0.0.1",
      "rootstock.p2p.port": port,
      "rootstock.p2p.staticPeers": JSON.stringify(staticPeers),
      "rootstock.discovery.enabled": bootNodes !== undefined,
      "rootstock.discovery.host": "127.0.0.1",
      "rootstock.discovery.bootNodes": JSON.stringify(bootNodes ?? []),
      ...settings,
    },
  });
  void process.ended.then((code) => {
    // Whoever asks it next sees a refused connection only.
    if (code !== 0 && code !== KILLED) complain(`Node ended with ${code}\n${lastLines(process)}`);
  });
  const rpc = new JsonRpcClient(process.jsonRpc);
  const latest = async () => await rpc.call("eth_getBlockByNumber", "latest", false) as RpcBlock;
  const status = async () => {
    const { services } = await (await fetch(`${process.admin}/statusz`)).json();
    return services.find(({ name }: { name: string }) => name === "rootstock").status;
  };
  const isAt = async ({ hash }: ChainBlock) => (await latest())?.hash === `0x${hash.toHex()}`;
  const { id } = await status();
  return {
    process,
    rpc,
    endpoint: `127.0.0.1:${port}`,
    address: `${id}@127.0.0.1:${port}`,
    height: async () => Number(await rpc.call("eth_blockNumber")),
    latest,
    isAt,
    async reaches({ tip }, withinMs) {
      let seen = "";
      await until(
        () => `block ${tip.number} ${tip.hash.toHex()}; the node is at ${seen}\n${lastLines(process)}`,
        async () => {
          const block = await latest();
          seen = `${Number(block?.number)} ${block?.hash}`;
          return block?.hash === `0x${tip.hash.toHex()}`;
        },
        withinMs === undefined ? {} : { withinMs },
      );
    },
    async peers() {
      const lines = await rpc.call("net_peerList") as string[];
      return lines.map((line) => line.split(" | ")[0]!);
    },
    status,
    async readiness() {
      const response = await fetch(`${process.admin}/readyz`);
      return { status: response.status, text: await response.text() };
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

function lastLines({ logs }: NodeProcess): string {
  return logs.slice(-20).map((line) => JSON.stringify(line)).join("\n");
}
