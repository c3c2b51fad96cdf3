/**
 * `cairn blocks verify`: checks block files and contents proofs without a node.
 *
 * Layer: cli. Blocks that follow each other by number are checked as a chain, their proofs in batches. A contents
 * proof is told from a block by its content (protocols/hiero/contents_file.ts).
 *
 * @module
 */

import { type Command, InvalidArgumentError } from "commander";
import { toCairnError } from "../../kernel/errors.ts";
import { ChainVerifier } from "../../protocols/hiero/chain.ts";
import type { BlockVerdict } from "../../protocols/hiero/verdict.ts";
import { isContentsProof } from "../../protocols/hiero/contents_file.ts";
import { toHex } from "../../protocols/hiero/fault.ts";
import { HASH_BYTES } from "../../protocols/hiero/merkle.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import type { ProofVerifier, VerifiedProofKind } from "../../protocols/hiero/proofs/proof_verifier.ts";
import { LEDGER_ID_BYTES, type VerificationData } from "../../protocols/hiero/proofs/verification_data.ts";
import { blockNumber, listBlockFiles, readBlockFile } from "../../services/blocks/block_files.ts";
import { type ProofReport, toProofReport } from "../../services/blocks/proof_report.ts";
import { createProofVerifier } from "../../services/blocks/proof_verifier.ts";
import { toVerdictReport, type VerdictReport } from "../../services/blocks/report.ts";
import { readVerificationFiles } from "../../services/blocks/verification_files.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT } from "../exit.ts";

interface VerifyOptions {
  readonly json?: boolean;
  readonly requireProofs?: boolean;
  readonly ledgerId?: Uint8Array;
  readonly tssData?: string;
  readonly addressBook?: string;
  readonly root?: Uint8Array;
}

/** Blocks whose proofs share their cost: more would hold more memory and save little. */
const BATCH_BLOCKS = 64;
/** Bytes of blocks in a batch, unless one alone is larger. */
const BATCH_BYTES = 67_108_864;
/** Roots of verified blocks that contents proofs behind them may lead to. */
const MAX_SIGNED_ROOTS = 100_000;

/** Adds `blocks verify`. */
export function registerVerify(blocks: Command, deps: CliDeps): void {
  blocks.command("verify")
    .description(
      "Verify .blk, .blk.gz and .blk.zstd files and contents proofs offline; exit 1 if one is refused",
    )
    .argument("<path...>", "files, or directories of blocks; consecutive numbers are checked as a chain")
    .option("--root <hash>", "root that contents proofs must lead to, in hexadecimal", parseRoot)
    .option("--require-proofs", "refuse blocks and contents proofs whose signatures cannot be checked")
    .option("--ledger-id <hex>", "refuse a block 0 of any other ledger", parseLedgerId)
    .option(
      "--tss-data <file>",
      "ledger id, roster and keys as JSON of TssData; without it block 0 tells them",
    )
    .option(
      "--address-book <file>",
      "keys of wrapped record blocks: NodeAddressBook, or JSON with ranges of blocks",
    )
    .option("--json", "print one JSON object a file, with stable keys")
    .action(async (paths: string[], options: VerifyOptions) => {
      const files = await listBlockFiles(paths);
      const run = new VerifyRun(await readVerificationFiles(options), options);
      for await (const report of run.verify(files)) {
        if (!report.ok) deps.setExitCode(EXIT.NO);
        if (options.json) deps.out(JSON.stringify(report));
        else for (const line of linesOf(report)) deps.out(line);
      }
    });
}

function parseLedgerId(text: string): Uint8Array {
  if (!/^([0-9a-fA-F]{2})+$/.test(text) || text.length !== 2 * LEDGER_ID_BYTES) {
    throw new InvalidArgumentError(`expected ${2 * LEDGER_ID_BYTES} hexadecimal digits`);
  }
  return Uint8Array.fromHex(text);
}

interface ReadBlock {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** One run over files: chains, and batches of blocks that wait for their proofs. */
class VerifyRun {
  readonly #data: VerificationData;
  readonly #options: VerifyOptions;
  #verifier: ProofVerifier;
  #chain: ChainVerifier;
  /** Roots in hexadecimal that signatures of blocks of this run were over, oldest first. */
  readonly #signedRoots = new Map<string, readonly VerifiedProofKind[]>();
  /** Blocks that follow each other and, first, the chain's head. */
  #batch: ReadBlock[] = [];
  #batchBytes = 0;
  /** Number of the next block that belongs to the batch. */
  #next: bigint | undefined;

  constructor(data: VerificationData, options: VerifyOptions) {
    this.#data = data;
    this.#options = options;
    this.#verifier = this.#newVerifier();
    this.#chain = this.#newChain();
  }

  async *verify(files: readonly string[]): AsyncGenerator<VerdictReport | ProofReport> {
    for (const file of files) {
      let bytes: Uint8Array;
      try {
        bytes = await readBlockFile(file);
      } catch (thrown) {
        const { code, message } = toCairnError(thrown);
        yield* this.#flush();
        yield { file, number: undefined, verdict: code, ok: false, message };
        continue;
      }
      if (isContentsProof(bytes)) {
        yield* this.#flush();
        this.#next = undefined;
        yield { file, ...this.#verifyContents(bytes) };
        continue;
      }
      const number = blockNumber(bytes);
      // A file that does not follow the one before begins a chain of its own, and block 0 a ledger of its own.
      const follows = number !== undefined && number === this.#next;
      if (!follows || this.#batch.length === BATCH_BLOCKS || this.#batchBytes + bytes.length > BATCH_BYTES) {
        yield* this.#flush();
        if (number === 0n) {
          this.#verifier = this.#newVerifier();
          this.#chain = this.#newChain();
        } else if (this.#chain.head === undefined || this.#chain.head.number + 1n !== number) {
          this.#chain.rebase(undefined);
        }
      }
      this.#batch.push({ file, bytes });
      this.#batchBytes += bytes.length;
      this.#next = number === undefined ? undefined : number + 1n;
    }
    yield* this.#flush();
  }

  *#flush(): Generator<VerdictReport> {
    let rest = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    while (rest.length > 0) {
      const steps = this.#chain.verifyAll(rest.map(({ bytes }) => bytes), true);
      for (const [i, { verdict }] of steps.entries()) {
        this.#remember(verdict);
        yield { file: rest[i]!.file, ...toVerdictReport(verdict) };
      }
      rest = rest.slice(steps.length);
      // Behind a refused block the files are checked as a chain of their own.
      if (rest.length > 0) this.#chain.rebase(undefined);
    }
  }

  #verifyContents(bytes: Uint8Array): ProofReport {
    return toProofReport(bytes, {
      root: this.#options.root,
      verifier: this.#verifier,
      requireProofs: this.#options.requireProofs === true,
      signedRoot: (root) => this.#signedRoots.get(root),
    });
  }

  /** Signatures of record files are over the file and not over the root. */
  #remember(verdict: BlockVerdict): void {
    if (verdict.status === "fault" || verdict.proof.status !== "verified" || verdict.rootHash === undefined) {
      return;
    }
    const kinds = verdict.proof.kinds.filter((kind) => !kind.startsWith("record-file"));
    if (kinds.length === 0) return;
    this.#signedRoots.set(toHex(verdict.rootHash), kinds);
    if (this.#signedRoots.size > MAX_SIGNED_ROOTS) {
      this.#signedRoots.delete(this.#signedRoots.keys().next().value!);
    }
  }

  #newVerifier(): ProofVerifier {
    return createProofVerifier(this.#data, this.#options.ledgerId);
  }

  #newChain(): ChainVerifier {
    return new ChainVerifier({
      sha384: nativeSha384,
      proofs: {
        verifier: this.#verifier,
        onMissingData: this.#options.requireProofs === true ? "refuse" : "accept",
        onUnknownKind: "refuse",
      },
    });
  }
}

function parseRoot(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]*$/.test(text) || text.length !== 2 * HASH_BYTES) {
    throw new InvalidArgumentError(`expected ${2 * HASH_BYTES} hexadecimal digits`);
  }
  return Uint8Array.fromHex(text);
}

function linesOf(report: VerdictReport | ProofReport): string[] {
  if (!("kind" in report)) return reportLines(report);
  const { file, itemKind, hashRule, rootHash, rootFrom, blockNumber, itemIndex, verdict, message } = report;
  if (!report.ok) return [`${file}: contents proof REFUSED ${verdict}`, `  ${message}`];
  const from = blockNumber === undefined ? "" : `; taken from block ${blockNumber}, item ${itemIndex}`;
  return [
    `${file}: contents proof ${verdict} (${hashRule}), a ${itemKind}${from}`,
    `  root ${rootHash}, ${ROOT_FROM[rootFrom!]}; ${proofText(report)}`,
  ];
}

/** A report for people: one line, and one more for what is wrong. */
export function reportLines(report: VerdictReport): string[] {
  const { ok, file, number = "?", verdict, rootHash = "unknown", hashRule, items, bytes, link } = report;
  const where = file === undefined ? "" : `${file}: `;
  if (!ok) return [`${where}block ${number} REFUSED ${verdict}`, `  ${report.message}`];
  return [
    `${where}block ${number} ${verdict} (${hashRule}, link ${link}), ${items} items, ${bytes} bytes, ${
      proofText(report)
    }`,
    `  root ${rootHash}`,
  ];
}

const ROOT_FROM = { option: "as given", signature: "as signed", file: "as the file says" } as const;

function proofText(
  { proof, proofs = [] }: Pick<VerdictReport, "proofs"> & Pick<VerdictReport | ProofReport, "proof">,
): string {
  if (proof?.status === "verified") return `proof: verified (${proof.kinds.join(", ")})`;
  if (proof?.status === "unverified") return `proof: unverified (${proof.reason})`;
  return `proof ${proofs.map(({ kind }) => kind).join("+")}`;
}
