/**
 * `cairn blocks fsck`: checks every block of a data directory without a node.
 *
 * Layer: cli. It takes the lock of the directory, so it refuses while a node runs, and none starts meanwhile. Opening
 * the database replays its log, as every start does; else it writes nothing without `--repair-index`.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError, toCairnError } from "../../kernel/errors.ts";
import { equalBytes, toHex } from "../../protocols/hiero/fault.ts";
import { fsckBlocks, type FsckFinding, type FsckProofs } from "../../services/blocks/fsck.ts";
import { readVerificationFiles } from "../../services/blocks/verification_files.ts";
import { BLOCKS_FAMILIES } from "../../services/blocks/store.ts";
import type { Engine } from "../../store/engine.ts";
import { openRocksEngine } from "../../store/rocks_engine.ts";
import { type CliDeps, loadCliConfig } from "../deps.ts";
import { EXIT } from "../exit.ts";
import { Progress } from "../progress.ts";
import { interruptible } from "./options.ts";

interface FsckCommandOptions {
  readonly data?: string;
  readonly json?: boolean;
  readonly repairIndex?: boolean;
  readonly proofs?: boolean;
}

/** Adds `blocks fsck`. */
export function registerFsck(blocks: Command, deps: CliDeps): void {
  blocks.command("fsck")
    .description("Check every block of a data directory, in store and archives; exit 1 if something is wrong")
    .option("--data <dir>", "data directory (default: node.dataDir of the configuration)")
    .option(
      "--repair-index",
      "mend records of blocks and remove unfinished archives; blocks stay as they are",
    )
    .option(
      "--proofs",
      "check signatures too, with the keys of the store, of block 0 or of the files that the configuration names",
    )
    .option("--json", "print one JSON object a finding and one for the summary, with stable keys")
    .action(async (options: FsckCommandOptions, command: Command) => {
      const directory = options.data ?? (await loadCliConfig(command, deps)).values.node.dataDir;
      await requireDataDirectory(directory);
      const say = (finding: FsckFinding) => {
        if (options.json) return deps.out(JSON.stringify(finding));
        const where = finding.path === undefined ? "" : `${finding.path}: `;
        const mended = finding.repaired ? " (repaired)" : "";
        deps.out(`${finding.severity} ${finding.check}: ${where}${finding.message}${mended}`);
      };
      const proofs = options.proofs ? await configuredKeys(command, deps) : undefined;
      const { engine, fault } = await openEngine(directory);
      await using _engine = engine;
      if (fault !== undefined) say(fault);
      using progress = new Progress({ unit: "blocks" });
      const { ok: blocksAreWell, ...summary } = await interruptible((signal) =>
        fsckBlocks({
          engine,
          root: `${directory}/historic`,
          repairIndex: options.repairIndex ?? false,
          proofs,
          signal,
          onFinding: say,
          onProgress: (done) => progress.update(done),
        })
      );
      const errors = summary.errors + (fault === undefined ? 0 : 1);
      const ok = blocksAreWell && fault === undefined;
      if (options.json) deps.out(JSON.stringify({ ok, ...summary, errors }));
      else {
        deps.out(
          `${summary.first === null ? "no blocks" : `blocks ${summary.first} to ${summary.last}`}: ` +
            `${summary.hotBlocks} in the store, ${summary.coldBlocks} in ${summary.archives} archives, ` +
            `${(summary.bytes / 1e6).toFixed(1)} MB; ${errors} errors, ${summary.warnings} warnings`,
        );
        const { verified, unverified, refused } = summary.proofs ?? {};
        if (proofs !== undefined) {
          deps.out(`proofs: ${verified} verified, ${unverified} not checked, ${refused} refused`);
        }
      }
      if (!ok) deps.setExitCode(EXIT.NO);
    });
}

/** What a node with this configuration would check proofs against at its first start. */
async function configuredKeys(command: Command, deps: CliDeps): Promise<FsckProofs> {
  const { ledgerId, tssDataFile, addressBookFile } = (await loadCliConfig(command, deps)).values.blocks;
  const data = await readVerificationFiles({
    tssData: tssDataFile || undefined,
    addressBook: addressBookFile || undefined,
  });
  const expected = ledgerId === "" ? undefined : Uint8Array.fromHex(ledgerId);
  if (expected !== undefined && data.tss !== undefined && !equalBytes(data.tss.ledgerId, expected)) {
    throw new CairnError("CONFIG_INVALID", `Cannot check proofs: '${tssDataFile}' is of another ledger`, {
      hint: `blocks.ledgerId is ${ledgerId}, the other ${toHex(data.tss.ledgerId)}`,
    });
  }
  return { data, ledgerId: expected };
}

/** A database that cannot be read is a finding, not the end: the archives are checked all the same. */
async function openEngine(
  directory: string,
): Promise<{ readonly engine: Engine | undefined; readonly fault?: FsckFinding }> {
  try {
    return { engine: await openRocksEngine({ directory, families: BLOCKS_FAMILIES }) };
  } catch (thrown) {
    const { code, message } = toCairnError(thrown);
    if (code !== "STORE_READ_FAILED") throw thrown;
    return { engine: undefined, fault: { severity: "error", check: "database", message } };
  }
}

/** Opening a directory that is none would create it. */
async function requireDataDirectory(directory: string): Promise<void> {
  try {
    await Deno.stat(`${directory}/FORMAT`);
  } catch (cause) {
    throw new CairnError("FILE_UNREADABLE", `Cannot check '${directory}': no data directory`, {
      hint: "name the directory of a node with --data",
      cause,
    });
  }
}
