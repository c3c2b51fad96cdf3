/**
 * `cairn rootstock peers`: whom a running node is connected to.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import type { CliDeps } from "../deps.ts";
import { nodeClient, URL_HELP, type UrlOption } from "./options.ts";

/** Adds `rootstock peers`. */
export function registerPeers(rootstock: Command, deps: CliDeps): void {
  rootstock.command("peers")
    .description("List the peers a node is connected to: address and node id")
    .option("--url <url>", URL_HELP)
    .option("--json", "print JSON with stable keys")
    .action(async (options: UrlOption, command: Command) => {
      const client = await nodeClient(options, command, deps);
      const answer = await client.call("net_peerList");
      const peers = (Array.isArray(answer) ? answer : []).map((line) => {
        const [id = "", address = ""] = String(line).split(" | ");
        return { id, address };
      });
      if (options.json) return deps.out(JSON.stringify({ peers }));
      if (peers.length === 0) return deps.err("cairn: no peers");
      const width = Math.max(...peers.map(({ address }) => address.length));
      for (const { id, address } of peers) deps.out(`${address.padEnd(width)} ${id}`);
    });
}
