/**
 * `cairn blocks`: the commands of the block node.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import type { CliDeps } from "../deps.ts";
import { registerFsck } from "./fsck.ts";
import { registerGet } from "./get.ts";
import { registerProve } from "./prove.ts";
import { registerPublish } from "./publish.ts";
import { registerStatus } from "./status.ts";
import { registerSubscribe } from "./subscribe.ts";
import { registerVerify } from "./verify.ts";

/** Adds `blocks` and its verbs. */
export function registerBlocks(program: Command, deps: CliDeps): void {
  const blocks = program.command("blocks")
    .description("Hiero blocks: publish, subscribe, get, status, prove, verify, fsck")
    .helpGroup("Services:");
  registerPublish(blocks, deps);
  registerSubscribe(blocks, deps);
  registerGet(blocks, deps);
  registerStatus(blocks, deps);
  registerProve(blocks, deps);
  registerVerify(blocks, deps);
  registerFsck(blocks, deps);
}
