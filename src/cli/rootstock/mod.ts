/**
 * `cairn rootstock`: the commands of the Rootstock light client.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import type { CliDeps } from "../deps.ts";
import { registerHeader } from "./header.ts";
import { registerPeers } from "./peers.ts";
import { registerStatus } from "./status.ts";
import { registerVerify } from "./verify.ts";

/** Adds `rootstock` and its verbs. */
export function registerRootstock(program: Command, deps: CliDeps): void {
  const rootstock = program.command("rootstock")
    .description("Rootstock light client: status, peers, header, verify")
    .helpGroup("Services:");
  registerStatus(rootstock, deps);
  registerPeers(rootstock, deps);
  registerHeader(rootstock, deps);
  registerVerify(rootstock, deps);
}
