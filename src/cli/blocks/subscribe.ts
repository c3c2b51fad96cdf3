/**
 * `cairn blocks subscribe`: blocks of a running node as they come, each verified, until the last one or Ctrl-C.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import { ChainVerifier } from "../../protocols/hiero/chain.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { BlockNodeClient } from "../../services/blocks/node_client.ts";
import { toVerdictReport } from "../../services/blocks/report.ts";
import type { SubscribeRange } from "../../services/blocks/subscription.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT } from "../exit.ts";
import { blockNumberOption, interruptible, nodeAddress, TO_HELP, type ToOption } from "./options.ts";
import { reportLines } from "./verify.ts";

/** Digits of a block number in a file name, as block nodes name their files. */
const FILE_NAME_DIGITS = 19;

interface SubscribeCommandOptions extends ToOption {
  readonly from?: bigint;
  readonly until?: bigint;
  readonly output?: string;
  readonly json?: boolean;
}

/** Adds `blocks subscribe`. */
export function registerSubscribe(blocks: Command, deps: CliDeps): void {
  blocks.command("subscribe")
    .description(
      "Follow a node: verify and print each block as it comes, exit 1 at the first that is refused; Ctrl-C ends it",
    )
    .option(
      "--from <number>",
      "first block (default: the next one that the node receives)",
      blockNumberOption,
    )
    .option("--until <number>", "last block (default: no end)", blockNumberOption)
    .option("--to <address>", TO_HELP)
    .option("-o, --output <directory>", "write each block to a file of its own in this directory")
    .option("--json", "print each block as a line of JSON with stable keys")
    .action(async (options: SubscribeCommandOptions, command: Command) => {
      const { from, until, output } = options;
      if (from !== undefined && until !== undefined && from > until) {
        throw new CairnError("USAGE", `Cannot subscribe: --from ${from} is after --until ${until}`);
      }
      if (output !== undefined) await Deno.mkdir(output, { recursive: true });
      using client = new BlockNodeClient(await nodeAddress(options, command, deps));
      await interruptible(async (signal) => {
        try {
          await follow(client, options, deps, signal);
        } catch (thrown) {
          // Ctrl-C is how one leaves: what was printed and written is whole.
          if (!signal.aborted || thrown !== signal.reason) throw thrown;
        }
      });
    });
}

async function follow(
  client: BlockNodeClient,
  { from, until, output, json }: SubscribeCommandOptions,
  deps: CliDeps,
  signal: AbortSignal,
): Promise<void> {
  const range: SubscribeRange = {
    ...(from === undefined ? {} : { first: from }),
    ...(until === undefined ? {} : { last: until }),
  };
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  for await (const { number, bytes } of client.subscribe(range, signal)) {
    if (output !== undefined) {
      await Deno.writeFile(`${output}/${String(number).padStart(FILE_NAME_DIGITS, "0")}.blk`, bytes);
    }
    const report = toVerdictReport(chain.verify(bytes));
    if (json) deps.out(JSON.stringify(report));
    else for (const line of reportLines(report)) deps.out(line);
    if (report.ok) continue;
    deps.setExitCode(EXIT.NO);
    return;
  }
}
