/**
 * Options and arguments that the verbs of `cairn blocks` share.
 *
 * Layer: cli.
 *
 * @module
 */

import { type Command, InvalidArgumentError } from "commander";
import { type CliDeps, loadCliConfig } from "../deps.ts";

/** Options of every verb that talks to a node. */
export interface ToOption {
  readonly to?: string;
}

/** Help of `--to`. */
export const TO_HELP = "block node to talk to, HOST:PORT (default: blocks.rpc.address of the configuration)";

/** The block node that `--to` or the configuration names. */
export async function nodeAddress({ to }: ToOption, command: Command, deps: CliDeps): Promise<string> {
  if (to !== undefined) return to;
  const { address } = (await loadCliConfig(command, deps)).values.blocks.rpc;
  // An address to listen on every interface is not one to connect to.
  return address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
}

/** Parses a positive number. @throws {InvalidArgumentError} */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("expected a number above 0");
  return value;
}

/** Parses a positive integer. @throws {InvalidArgumentError} */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError("expected an integer of at least 1");
  }
  return value;
}

/** Parses a block number. @throws {InvalidArgumentError} */
export function blockNumberOption(text: string): bigint {
  if (/^\d{1,19}$/.test(text) && BigInt(text) < 2n ** 63n) return BigInt(text);
  throw new InvalidArgumentError("expected a block number");
}

/** Runs `fn` with a signal that SIGINT aborts. */
export async function interruptible<T>(fn: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort(new Error("Interrupted"));
  Deno.addSignalListener("SIGINT", abort);
  try {
    return await fn(controller.signal);
  } finally {
    Deno.removeSignalListener("SIGINT", abort);
  }
}
