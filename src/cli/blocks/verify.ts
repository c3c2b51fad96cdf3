/**
 * `cairn blocks verify`: checks block files without a node.
 *
 * Layer: cli. Files that follow each other by number are checked as a chain.
 *
 * @module
 */

import type { Command } from "commander";
import { toCairnError } from "../../kernel/errors.ts";
import { ChainVerifier } from "../../protocols/hiero/chain.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { blockNumber, listBlockFiles, readBlockFile } from "../../services/blocks/block_files.ts";
import { toVerdictReport, type VerdictReport } from "../../services/blocks/report.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT } from "../exit.ts";

/** Adds `blocks verify`. */
export function registerVerify(blocks: Command, deps: CliDeps): void {
  blocks.command("verify")
    .description("Verify .blk, .blk.gz and .blk.zstd files offline; exit 1 if one is refused")
    .argument("<path...>", "files, or directories of them; consecutive numbers are checked as a chain")
    .option("--json", "print one JSON object a file, with stable keys")
    .action(async (paths: string[], options: { json?: boolean }) => {
      const chain = new ChainVerifier({ sha384: nativeSha384 });
      for (const file of await listBlockFiles(paths)) {
        const report = await verifyFile(file, chain);
        if (!report.ok) deps.setExitCode(EXIT.NO);
        if (options.json) deps.out(JSON.stringify(report));
        else for (const line of reportLines(report)) deps.out(line);
      }
    });
}

async function verifyFile(file: string, chain: ChainVerifier): Promise<VerdictReport> {
  let block: Uint8Array;
  try {
    block = await readBlockFile(file);
  } catch (thrown) {
    const { code, message } = toCairnError(thrown);
    return { file, number: undefined, verdict: code, ok: false, message };
  }
  // A file that does not follow the one before begins a chain of its own.
  const next = chain.head === undefined ? undefined : chain.head.number + 1n;
  if (next === undefined || blockNumber(block) !== next) chain.rebase(undefined);
  return { file, ...toVerdictReport(chain.verify(block)) };
}

/** A report for people: one line, and one more for what is wrong. */
export function reportLines(report: VerdictReport): string[] {
  const { ok, file, number = "?", verdict, rootHash = "unknown", hashRule, items, bytes, proofs = [], link } =
    report;
  const where = file === undefined ? "" : `${file}: `;
  if (!ok) return [`${where}block ${number} REFUSED ${verdict}`, `  ${report.message}`];
  const proof = proofs.map(({ kind }) => kind).join("+");
  return [
    `${where}block ${number} ${verdict} (${hashRule}, link ${link}), ${items} items, ${bytes} bytes, proof ${proof}`,
    `  root ${rootHash}`,
  ];
}
