/**
 * Options that the verbs of `cairn chain` share.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import { ChainClient } from "../../services/chain/client.ts";
import { type CliDeps, loadCliConfig } from "../deps.ts";

/** Options of every verb that asks a node. */
export interface UrlOption {
  readonly url?: string;
  readonly json?: boolean;
}

/** Help of `--url`. */
export const URL_HELP = "HTTP address of the node to ask (default: chain.rpc of the configuration)";

/** A client of the node that `--url` or the configuration names. */
export async function nodeClient({ url }: UrlOption, command: Command, deps: CliDeps): Promise<ChainClient> {
  if (url !== undefined) return new ChainClient(url);
  const { host, port } = (await loadCliConfig(command, deps)).values.chain.rpc;
  // An address to listen on every interface is not one to connect to.
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return new ChainClient(`http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`);
}

/** @throws {CairnError} `USAGE` if the text is not the id of a message. */
export function parseMessageId(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new CairnError("USAGE", `Cannot read message id '${text}'`, { hint: "give 64 hexadecimal digits" });
}
