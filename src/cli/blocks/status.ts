/**
 * `cairn blocks status`: what a running node has and wants.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { BlockNodeClient } from "../../services/blocks/node_client.ts";
import type { CliDeps } from "../deps.ts";
import { interruptible, nodeAddress, TO_HELP, type ToOption } from "./options.ts";

/** Adds `blocks status`. */
export function registerStatus(blocks: Command, deps: CliDeps): void {
  blocks.command("status")
    .description("Say which blocks a node has and which one it wants next")
    .option("--to <address>", TO_HELP)
    .option("--json", "print JSON with stable keys")
    .action(async (options: ToOption & { json?: boolean }, command: Command) => {
      using client = new BlockNodeClient(await nodeAddress(options, command, deps));
      const status = await interruptible((signal) => client.status(signal));
      const shown = {
        address: client.address,
        firstAvailableBlock: status.firstAvailableBlock?.toString() ?? null,
        lastAvailableBlock: status.lastAvailableBlock?.toString() ?? null,
        nextExpectedBlock: status.nextExpectedBlock?.toString() ?? null,
      };
      if (options.json) return deps.out(JSON.stringify(shown));
      for (const [key, value] of Object.entries(shown)) deps.out(`${key.padEnd(20)} ${value ?? "-"}`);
    });
}
