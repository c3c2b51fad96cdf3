/**
 * `cairn rootstock`: the commands of the Rootstock light client.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import type { CliDeps } from "../deps.ts";
import { registerVerify } from "./verify.ts";

/** Adds `rootstock` and its verbs. */
export function registerRootstock(program: Command, deps: CliDeps): void {
  const rootstock = program.command("rootstock")
    .description("Rootstock light client: verify")
    .helpGroup("Services:");
  registerVerify(rootstock, deps);
}
