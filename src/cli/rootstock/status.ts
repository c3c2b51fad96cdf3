/**
 * `cairn rootstock status`: where a running node stands.
 *
 * Layer: cli. Asks with standard methods only, so it answers for rskj as well.
 *
 * @module
 */

import type { Command } from "commander";
import type { RpcAnswer } from "../../services/rootstock/json_rpc_client.ts";
import type { CliDeps } from "../deps.ts";
import { nodeClient, printFields, URL_HELP, type UrlOption } from "./options.ts";

const NETWORKS: Readonly<Record<string, string>> = { "30": "mainnet", "31": "testnet", "33": "regtest" };

/** Adds `rootstock status`. */
export function registerStatus(rootstock: Command, deps: CliDeps): void {
  rootstock.command("status")
    .description("Say which block a node is at, how far its sync is, and how many peers it has")
    .option("--url <url>", URL_HELP)
    .option("--json", "print JSON with stable keys")
    .action(async (options: UrlOption, command: Command) => {
      const client = await nodeClient(options, command, deps);
      const [version, network, syncing, peers, listening, latest] = await client.batch([
        { method: "web3_clientVersion" },
        { method: "net_version" },
        { method: "eth_syncing" },
        { method: "net_peerCount" },
        { method: "net_listening" },
        { method: "eth_getBlockByNumber", params: ["latest", false] },
      ]);
      const block = (latest?.result ?? {}) as Readonly<Record<string, unknown>>;
      const progress = syncing?.result as Readonly<Record<string, string>> | false | undefined;
      const status = {
        url: client.url,
        client: value(version),
        network: NETWORKS[String(network?.result)] ?? null,
        chainId: number(network?.result),
        blockNumber: number(block["number"]),
        blockHash: block["hash"] ?? null,
        blockTime: time(block["timestamp"]),
        totalDifficulty: decimal(block["totalDifficulty"]),
        totalDifficultyIsLowerBound: block["totalDifficultyIsLowerBound"] ?? null,
        syncing: progress
          ? {
            startingBlock: number(progress["startingBlock"]),
            currentBlock: number(progress["currentBlock"]),
            highestBlock: number(progress["highestBlock"]),
          }
          : null,
        peers: number(peers?.result),
        listening: value(listening),
      };
      if (options.json) return deps.out(JSON.stringify(status));
      const { syncing: at, ...rest } = status;
      printFields(
        { ...rest, syncing: at === null ? "no" : `${at.currentBlock} of ${at.highestBlock}` },
        deps,
      );
    });
}

const value = (answer: RpcAnswer | undefined) => answer?.result ?? null;

function decimal(quantity: unknown): string | null {
  return typeof quantity === "string" && /^(0x[0-9a-f]+|\d+)$/i.test(quantity)
    ? String(BigInt(quantity))
    : null;
}

function number(quantity: unknown): number | null {
  const text = decimal(quantity);
  return text === null ? null : Number(text);
}

function time(quantity: unknown): string | null {
  const seconds = number(quantity);
  return seconds === null || seconds > 8.64e12 ? null : new Date(seconds * 1_000).toISOString();
}
