/**
 * `cairn rootstock verify`: checks headers without a node.
 *
 * Layer: cli. Files hold a header as RLP, compressed or full, as its hexadecimal digits, a whole block of RLP, or the
 * JSON that rskj's `eth_getBlockByNumber` answers.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import { RootstockFault } from "../../protocols/rootstock/fault.ts";
import type { ChainTip } from "../../protocols/rootstock/ancestors.ts";
import { type HeaderReport, readTip, reportHeader } from "../../protocols/rootstock/header_report.ts";
import type { RootstockNetwork } from "../../protocols/rootstock/network.ts";
import { NETWORKS } from "../../protocols/rootstock/networks/mod.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT } from "../exit.ts";
import { readInput } from "../input.ts";

interface VerifyOptions {
  readonly network: RootstockNetwork["name"];
  readonly parent?: string;
  readonly json?: boolean;
}

/** Adds `rootstock verify`. */
export function registerVerify(rootstock: Command, deps: CliDeps): void {
  rootstock.command("verify")
    .description("Verify headers offline: hashes, proof of work, every rule; exit 1 if one is refused")
    .argument(
      "<file...>",
      "RLP, its hexadecimal digits, or JSON of eth_getBlockByNumber; '-' for standard input",
    )
    .addOption(
      new Option("--network <name>", "whose rules hold").choices(Object.keys(NETWORKS)).default("mainnet"),
    )
    .option(
      "--parent <file>",
      "header before the one that is verified; without it some rules are not checked",
    )
    .option("--json", "print one JSON object a file, with stable keys")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn rootstock verify block.json" +
        "\n  cairn rootstock verify header.rlp --parent parent.rlp --network testnet --json",
    )
    .action(async (files: string[], options: VerifyOptions) => {
      const network = NETWORKS[options.network];
      const parent = options.parent === undefined ? undefined : await readParent(options.parent, network);
      const nowSeconds = Math.floor(Date.now() / 1000);
      for (const file of files) {
        const bytes = await readInput(file);
        const about = { network, nowSeconds, ...(parent === undefined ? {} : { parent }) };
        const report = { file, ...reportHeader(bytes, about) };
        if (!report.ok) deps.setExitCode(EXIT.NO);
        if (options.json) deps.out(JSON.stringify(report));
        else for (const line of linesOf(report)) deps.out(line);
      }
    });
}

/** A parent that is no header is the fault of who named it, not of what is verified. */
async function readParent(path: string, network: RootstockNetwork): Promise<ChainTip> {
  const bytes = await readInput(path);
  try {
    return readTip(bytes, network);
  } catch (cause) {
    if (!(cause instanceof RootstockFault)) throw cause;
    throw new CairnError("FILE_UNREADABLE", `Cannot read the parent in '${path}': ${cause.message}`, {
      cause,
    });
  }
}

const MARKS = { pass: "ok  ", fail: "FAIL", suspicious: "odd ", "not-checked": "-   ", "not-active": "-   " };

function linesOf(report: HeaderReport): string[] {
  const { file = "", network, ok, number, version, hash, source, fault, message, powValid } = report;
  if (fault !== undefined) return [`${file}: header REFUSED ${fault}`, `  ${message}`];
  const work = powValid === undefined ? "" : `, proof of work ${powValid ? "valid" : "INVALID"}`;
  return [
    `${file}: ${network} block ${number} ${
      ok ? "valid" : "REFUSED"
    } (version ${version}, from ${source}${work})`,
    `  hash ${hash}`,
    ...(report.hashForMergedMining === undefined
      ? []
      : [`  hash for merged mining ${report.hashForMergedMining}`]),
    ...report.rules.map(({ rule, status, detail }) =>
      `  ${MARKS[status]} ${rule}${
        detail === undefined ? "" : status === "not-checked" ? `: not checked, ${detail}` : `: ${detail}`
      }`
    ),
  ];
}
