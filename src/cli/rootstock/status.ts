/**
 * `cairn rootstock status`: where a running node stands.
 *
 * Layer: cli. Asks with standard methods only, so it answers for rskj as well.
 *
 * @module
 */

import type { Command } from "commander";
import type { JsonRpcClient, RpcAnswer } from "../../services/rootstock/json_rpc_client.ts";
import { paceOf, progressText, type SyncLook, type SyncPace } from "../../services/rootstock/sync_pace.ts";
import type { CliDeps } from "../deps.ts";
import { nodeClient, printFields, URL_HELP, type UrlOption } from "./options.ts";

const NETWORKS: Readonly<Record<string, string>> = { "30": "mainnet", "31": "testnet", "33": "regtest" };

/** Time between two looks with `--watch`, in milliseconds. */
const WATCH_INTERVAL_MS = 1_000;

interface StatusOptions extends UrlOption {
  readonly watch?: boolean;
}

/** Adds `rootstock status`. */
export function registerStatus(rootstock: Command, deps: CliDeps): void {
  rootstock.command("status")
    .description("Say which block a node is at, how far its sync is, and how many peers it has")
    .option("--url <url>", URL_HELP)
    .option("--watch", "say it again every second, with rate and time left, until Ctrl-C or the node is gone")
    .option("--json", "print JSON with stable keys; with --watch one line a second")
    .action(async (options: StatusOptions, command: Command) => {
      const client = await nodeClient(options, command, deps);
      if (!options.watch) return show(await readStatus(client), options, deps);
      await watch(client, options, deps);
    });
}

/** @throws {CairnError} `PEER_UNAVAILABLE` once the node no longer answers. */
async function watch(client: JsonRpcClient, options: StatusOptions, deps: CliDeps): Promise<never> {
  const isRedrawn = options.json !== true && Deno.stdout.isTerminal();
  let first: SyncLook | undefined;
  while (true) {
    const status = await readStatus(client);
    const now: SyncLook = { stored: status.blockNumber ?? 0, atMs: performance.now() };
    first ??= now;
    // The whole screen, as lines may be wrapped.
    if (isRedrawn) Deno.stdout.writeSync(new TextEncoder().encode("\x1b[2J\x1b[H"));
    const highest = status.syncing?.highestBlock;
    show(status, options, deps, typeof highest === "number" ? paceOf(first, now, highest) : undefined);
    await new Promise((resolve) => setTimeout(resolve, WATCH_INTERVAL_MS));
  }
}

function show(
  status: Awaited<ReturnType<typeof readStatus>>,
  { json }: StatusOptions,
  deps: CliDeps,
  pace?: SyncPace,
): void {
  if (json) return deps.out(JSON.stringify(pace === undefined ? status : { ...status, ...pace }));
  const { syncing: at, ...rest } = status;
  const { currentBlock, highestBlock } = at ?? {};
  const isSyncing = typeof currentBlock === "number" && typeof highestBlock === "number";
  const progress = isSyncing ? progressText(currentBlock, highestBlock, pace) : "no";
  printFields({ ...rest, syncing: progress }, deps);
}

async function readStatus(client: JsonRpcClient) {
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
  return {
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
