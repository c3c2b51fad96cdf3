/**
 * `cairn blocks verify`: checks block files and contents proofs without a node.
 *
 * Layer: cli. Blocks that follow each other by number are checked as a chain. A proof is told from a block by its
 * content (protocols/hiero/contents_file.ts).
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError, toCairnError } from "../../kernel/errors.ts";
import { ChainVerifier } from "../../protocols/hiero/chain.ts";
import { isContentsProof } from "../../protocols/hiero/contents_file.ts";
import { HASH_BYTES } from "../../protocols/hiero/merkle.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { blockNumber, listBlockFiles, readBlockFile } from "../../services/blocks/block_files.ts";
import { type ProofReport, toProofReport } from "../../services/blocks/proof_report.ts";
import { toVerdictReport, type VerdictReport } from "../../services/blocks/report.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT } from "../exit.ts";

/** Adds `blocks verify`. */
export function registerVerify(blocks: Command, deps: CliDeps): void {
  blocks.command("verify")
    .description(
      "Verify .blk, .blk.gz and .blk.zstd files and contents proofs offline; exit 1 if one is refused",
    )
    .argument("<path...>", "files, or directories of blocks; consecutive numbers are checked as a chain")
    .option("--root <hash>", "root that contents proofs must lead to, in hexadecimal")
    .option("--json", "print one JSON object a file, with stable keys")
    .action(async (paths: string[], options: { json?: boolean; root?: string }) => {
      const root = options.root === undefined ? undefined : parseRoot(options.root);
      const chain = new ChainVerifier({ sha384: nativeSha384 });
      for (const file of await listBlockFiles(paths)) {
        const report = await verifyFile(file, chain, root);
        if (!report.ok) deps.setExitCode(EXIT.NO);
        if (options.json) deps.out(JSON.stringify(report));
        else for (const line of linesOf(report)) deps.out(line);
      }
    });
}

async function verifyFile(
  file: string,
  chain: ChainVerifier,
  root: Uint8Array | undefined,
): Promise<VerdictReport | ProofReport> {
  let block: Uint8Array;
  try {
    block = await readBlockFile(file);
  } catch (thrown) {
    const { code, message } = toCairnError(thrown);
    return { file, number: undefined, verdict: code, ok: false, message };
  }
  if (isContentsProof(block)) return { file, ...toProofReport(block, root) };
  // A file that does not follow the one before begins a chain of its own.
  const next = chain.head === undefined ? undefined : chain.head.number + 1n;
  if (next === undefined || blockNumber(block) !== next) chain.rebase(undefined);
  return { file, ...toVerdictReport(chain.verify(block)) };
}

function parseRoot(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]*$/.test(text) || text.length !== 2 * HASH_BYTES) {
    throw new CairnError("USAGE", `Cannot compare with root '${text}'`, {
      hint: `give ${2 * HASH_BYTES} hexadecimal digits`,
    });
  }
  return Uint8Array.fromHex(text);
}

function linesOf(report: VerdictReport | ProofReport): string[] {
  if (!("proof" in report)) return reportLines(report);
  const { file, itemKind, hashRule, rootHash, rootFrom, blockNumber, itemIndex, verdict, message } = report;
  if (!report.ok) return [`${file}: contents proof REFUSED ${verdict}`, `  ${message}`];
  const from = blockNumber === undefined ? "" : `; taken from block ${blockNumber}, item ${itemIndex}`;
  return [
    `${file}: contents proof ${verdict} (${hashRule}), a ${itemKind}${from}`,
    `  root ${rootHash}, ${rootFrom === "option" ? "as given" : "as the file says"}`,
  ];
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
