/**
 * `cairn blocks get`: one block from a running node, as a summary, as JSON, or as the bytes themselves.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import type { BlockSpecifier } from "../../protocols/hiero/access_messages.ts";
import { BlockVerifier } from "../../protocols/hiero/verify.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";
import { BlockNodeClient } from "../../services/blocks/node_client.ts";
import { toVerdictReport } from "../../services/blocks/report.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT } from "../exit.ts";
import { interruptible, nodeAddress, TO_HELP, type ToOption } from "./options.ts";
import { reportLines } from "./verify.ts";

interface GetOptions extends ToOption {
  readonly json?: boolean;
  readonly output?: string;
}

/** Adds `blocks get`. */
export function registerGet(blocks: Command, deps: CliDeps): void {
  blocks.command("get")
    .description("Get a block and verify what came, exit 1 if it is refused; --output keeps its bytes")
    .argument("<number>", "block number, or `latest`")
    .option("--to <address>", TO_HELP)
    .option("-o, --output <file>", "write the serialized Block to this file")
    .option("--json", "print JSON with stable keys")
    .action(async (text: string, options: GetOptions, command: Command) => {
      const specifier = parseSpecifier(text);
      using client = new BlockNodeClient(await nodeAddress(options, command, deps));
      const block = await interruptible((signal) => client.block(specifier, signal));
      if (options.output !== undefined) await Deno.writeFile(options.output, block);
      const report = toVerdictReport(new BlockVerifier(nativeSha384).verify(block));
      if (!report.ok) deps.setExitCode(EXIT.NO);
      if (options.json) deps.out(JSON.stringify(report));
      else for (const line of reportLines(report)) deps.out(line);
    });
}

function parseSpecifier(text: string): BlockSpecifier {
  if (text === "latest") return { kind: "latest", latest: true };
  if (/^\d{1,20}$/.test(text) && BigInt(text) <= UINT64_MAX) return { kind: "number", number: BigInt(text) };
  throw new CairnError("USAGE", `Cannot get block '${text}'`, { hint: "give a number or `latest`" });
}
