/**
 * The command line `cairn`: global options, and the list of commands.
 *
 * Layer: cli. A command is one file with one `registerX(program, deps)`; adding one is a line in {@link COMMANDS}.
 *
 * @module
 */

import { Command } from "commander";
import { formatBuildInfo, readBuildInfo } from "../kernel/version.ts";
import { checkRuntime } from "../rpc/runtime.ts";
import { registerBlocks } from "./blocks/mod.ts";
import { registerChain } from "./chain/mod.ts";
import { registerCompletions } from "./completions.ts";
import { registerConfig } from "./config.ts";
import type { CliDeps } from "./deps.ts";
import { EXIT, exitCodeOf, failureText } from "./exit.ts";
import { registerHash } from "./hash.ts";
import { registerHealthcheck } from "./healthcheck.ts";
import { registerRootstock } from "./rootstock/mod.ts";
import { registerStart } from "./start.ts";

/** Adds one command to the program. */
export type Register = (program: Command, deps: CliDeps) => void;

const COMMANDS: readonly Register[] = [
  registerStart,
  registerHealthcheck,
  registerConfig,
  registerBlocks,
  registerRootstock,
  registerChain,
  registerHash,
  registerCompletions,
];

const HELP_FOOTER = `
Every key of the configuration has an environment name: node.stopTimeoutMs is CAIRN__NODE__STOP_TIMEOUT_MS.
Precedence: flags > environment > cairn.local.toml > cairn.toml > defaults.

Exit codes: 0 clean; 1 fatal, or the answer is no; 2 usage or configuration; 3 data directory locked;
            4 data format too new; 128 + n forced by a second signal.

Examples:
  cairn start --data ./data
  cairn start --profile rootstock
  cairn blocks publish --generate 20
  cairn rootstock status
  cairn hash blake3 FILE
  cairn config show --origin
  cairn healthcheck --json`;

/** Where the command line writes, and what it reads. */
export type CliIo = Pick<CliDeps, "out" | "err" | "env">;

/** Builds the program with all its commands. */
export function createProgram(deps: CliDeps): Command {
  const program = new Command("cairn")
    .description("One node, as one process: Hiero block node, Rootstock light client, and more")
    .usage("[options] <command>")
    .version(formatBuildInfo(deps.build), "-V, --version", "print version, commit, Deno and WASM digest")
    .helpCommand(false)
    .helpOption("-h, --help", "print this help")
    .option("--config <file>", "configuration file (env CAIRN_CONFIG, default cairn.toml if it exists)")
    .option("--set <key=value>", "set one key, such as --set admin.port=9700; repeatable", collect, [])
    .option("--debug", "print the stack of an unexpected failure")
    .addHelpText("after", HELP_FOOTER)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => deps.out(text.replace(/\n$/, "")),
      writeErr: (text) => deps.err(text.replace(/\n$/, "")),
      outputError: (text, write) => write(text.replace(/^error: /, "cairn: ")),
    })
    .configureHelp({ showGlobalOptions: true });
  for (const register of COMMANDS) register(program, deps);
  return program;
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Runs one command line and gives its exit code. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let exitCode: number = EXIT.OK;
  const deps: CliDeps = {
    ...io,
    build: readBuildInfo(io.env),
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  const refused = checkRuntime(deps.build.deno);
  if (refused !== undefined) {
    deps.err(`cairn: ${refused.toLine()}`);
    return exitCodeOf(refused);
  }
  try {
    await createProgram(deps).parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (thrown) {
    const text = failureText(thrown, { debug: argv.includes("--debug") });
    if (text !== undefined) deps.err(text);
    return exitCodeOf(thrown);
  }
}
