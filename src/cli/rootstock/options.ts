/**
 * Options that the verbs of `cairn rootstock` share.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { formatAddress } from "../../http/listen.ts";
import { JsonRpcClient } from "../../services/rootstock/json_rpc_client.ts";
import { type CliDeps, loadCliConfig } from "../deps.ts";

/** Options of every verb that asks a node. */
export interface UrlOption {
  readonly url?: string;
  readonly json?: boolean;
}

/** Help of `--url`. */
export const URL_HELP = "JSON-RPC of the node to ask (default: rootstock.rpc of the configuration)";

/** A client of the node that `--url` or the configuration names. */
export async function nodeClient(
  { url }: UrlOption,
  command: Command,
  deps: CliDeps,
): Promise<JsonRpcClient> {
  if (url !== undefined) return new JsonRpcClient(url);
  const { host, port } = (await loadCliConfig(command, deps)).values.rootstock.rpc;
  // An address to listen on every interface is not one to connect to.
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return new JsonRpcClient(`http://${formatAddress({ host: reachable, port })}/`);
}

/** Prints names and values in two columns. */
export function printFields(fields: Readonly<Record<string, unknown>>, deps: CliDeps): void {
  const width = Math.max(...Object.keys(fields).map((name) => name.length)) + 1;
  for (const [name, value] of Object.entries(fields)) deps.out(`${name.padEnd(width)} ${value ?? "-"}`);
}
