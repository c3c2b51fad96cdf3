/**
 * What a command may touch of the world.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import type { ConfigFlag } from "../kernel/config/layers.ts";
import { loadConfig } from "../kernel/config/load.ts";
import { CairnError } from "../kernel/errors.ts";
import type { BuildInfo } from "../kernel/version.ts";
import { CONFIG_SECTIONS, type NodeConfig } from "../node.ts";

/** Handed to every command by `runCli`. */
export interface CliDeps {
  /** Writes a line of data to stdout. */
  readonly out: (line: string) => void;
  /** Writes a line for people to stderr. */
  readonly err: (line: string) => void;
  /** Variables whose names start with `CAIRN_`. */
  readonly env: Readonly<Record<string, string>>;
  readonly build: BuildInfo;
  /** Exit code when no command fails; a command that answers "no" sets 1. */
  setExitCode(code: number): void;
}

/** Options that every command understands. */
export interface GlobalOptions {
  readonly config?: string;
  readonly set?: readonly string[];
}

/** Loads the configuration for `command`, with its flags on top. */
export function loadCliConfig(
  command: Command,
  deps: CliDeps,
  flags: readonly ConfigFlag[] = [],
): Promise<NodeConfig> {
  const { config, set = [] } = command.optsWithGlobals<GlobalOptions>();
  return loadConfig({
    sections: CONFIG_SECTIONS,
    file: config ?? (deps.env["CAIRN_CONFIG"] || undefined),
    env: deps.env,
    flags: [...set.map(parseSetting), ...flags],
  });
}

function parseSetting(text: string): ConfigFlag {
  const at = text.indexOf("=");
  if (at <= 0) {
    throw new CairnError("USAGE", `Cannot read --set ${JSON.stringify(text)}`, {
      hint: "write --set section.key=value",
    });
  }
  return { key: text.slice(0, at).trim(), value: text.slice(at + 1), flag: "--set" };
}
