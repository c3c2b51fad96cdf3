/**
 * Integrity scan of both tiers, block after block in the order of the chain.
 *
 * Layer: services. Needs no node; whoever calls holds the data directory. Source: spec/block-node.md §6 (roots and
 * links), §7 (tiers).
 *
 * @module
 */

import { ChainVerifier, decodeChainHead } from "../../protocols/hiero/chain.ts";
import { equalBytes, HieroFault, toHex } from "../../protocols/hiero/fault.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import {
  decodeVerificationData,
  type VerificationData,
} from "../../protocols/hiero/proofs/verification_data.ts";
import type { Engine, Operation } from "../../store/engine.ts";
import type { ArchivedBatch } from "./archive.ts";
import { ArchiveFile } from "./archive_file.ts";
import { reasonOf, scanArchives } from "./archive_scan.ts";
import { mergeRanges } from "./ranges.ts";
import { toBlockRecord } from "./report.ts";
import { type ProofCounts, ProofScan } from "./fsck_proofs.ts";
import { createProofVerifier } from "./proof_verifier.ts";
import {
  blockKey,
  type BlockRecord,
  BLOCKS_FAMILY,
  CHAIN_KEY,
  keyToNumber,
  VERIFICATION_KEY,
} from "./store.ts";

/** What is looked at. The names are a contract: `cairn blocks fsck --json` prints them. */
export type FsckCheck =
  | "database"
  | "archive"
  | "unfinished-archive"
  | "set-aside-archive"
  | "foreign-file"
  | "unreadable"
  | "invalid"
  | "link"
  | "keys"
  | "proof"
  | "record"
  | "orphan"
  | "tiers-differ"
  | "gap"
  | "above-last"
  | "chain-state";

/** One thing that is wrong, or, as a warning, worth knowing. */
export interface FsckFinding {
  readonly severity: "error" | "warning";
  readonly check: FsckCheck;
  readonly message: string;
  /** Number of the block. */
  readonly block?: string;
  /** File, relative to the root of the archives. */
  readonly path?: string;
  /** Whether it was mended. */
  readonly repaired?: boolean;
}

/** What a scan saw. */
export interface FsckSummary {
  /** Whether there is no error that was not mended. */
  readonly ok: boolean;
  readonly first: string | null;
  readonly last: string | null;
  readonly hotBlocks: number;
  readonly coldBlocks: number;
  readonly archives: number;
  readonly bytes: number;
  readonly errors: number;
  readonly warnings: number;
  /** Only if proofs were checked. */
  readonly proofs?: ProofCounts;
}

/** What proofs are checked against. */
export interface FsckProofs {
  readonly data: VerificationData;
  /** The ledger that keys must be of, 32 bytes. @default {undefined} any */
  readonly ledgerId?: Uint8Array | undefined;
}

/** Options of {@link fsckBlocks}. */
export interface FsckOptions {
  /** Absent if it could not be opened. */
  readonly engine: Engine | undefined;
  /** Root of the archives. */
  readonly root: string;
  /** Rewrite records that are missing or wrong, remove records of archived blocks and unfinished archives. @default {false} */
  readonly repairIndex?: boolean;
  /** Check proofs too: against these keys, or those that the store has, or those that block 0 tells. @default {undefined} */
  readonly proofs?: FsckProofs | undefined;
  readonly signal?: AbortSignal;
  readonly onFinding: (finding: FsckFinding) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Scans both tiers. Changes nothing unless `repairIndex` is set, and never a block.
 *
 * @throws The reason of `signal`, or what the engine throws when it cannot be read at all.
 */
export async function fsckBlocks(options: FsckOptions): Promise<FsckSummary> {
  return await new Fsck(options).run();
}

/** What the tiers have of one number. */
interface Place {
  readonly number: bigint;
  readonly batch: ArchivedBatch | undefined;
  readonly hasBlock: boolean;
  readonly hasRecord: boolean;
}

class Fsck {
  readonly #options: FsckOptions;
  readonly #chain = new ChainVerifier({
    sha384: nativeSha384,
    onBrokenLink: "warn",
    onWrongAllBlocksRoot: "warn",
  });
  readonly #repairs: Operation[] = [];
  #proofs: ProofScan | undefined;
  #file: { readonly path: string; readonly archive: ArchiveFile | undefined } | undefined;
  #hotBlocks = 0;
  #coldBlocks = 0;
  #bytes = 0;
  #errors = 0;
  #warnings = 0;

  constructor(options: FsckOptions) {
    this.#options = options;
  }

  async run(): Promise<FsckSummary> {
    const { engine, root, signal, onProgress } = this.#options;
    this.#proofs = await this.#openProofs();
    const { batches, ...rest } = await scanArchives(root);
    await this.#reportFiles(rest);
    const range = engine && await hotRange(engine);
    const total = mergeRanges([...batches, ...range === undefined ? [] : [range]])
      .reduce((sum, { first, last }) => sum + Number(last - first) + 1, 0);
    for (const { path, last } of batches) {
      if (engine !== undefined && (range === undefined || last > range.last)) {
        this.#error("above-last", `Archive ends with block ${last}, above the last one of the store`, {
          path,
        });
      }
    }
    let first: bigint | undefined;
    let last: bigint | undefined;
    let done = 0;
    try {
      for await (const place of places(engine, batches)) {
        signal?.throwIfAborted();
        const { number } = place;
        if (last !== undefined && number !== last + 1n) {
          const what = number === last + 2n
            ? `Block ${last + 1n} is`
            : `Blocks ${last + 1n} to ${number - 1n} are`;
          this.#error("gap", `${what} missing`, { block: `${last + 1n}` });
          this.#chain.rebase(undefined);
        }
        await this.#checkPlace(place);
        first ??= number;
        last = number;
        onProgress?.(++done, total);
      }
    } finally {
      this.#file?.archive?.[Symbol.dispose]();
    }
    this.#proofs?.flush();
    for (const [reason, count] of this.#proofs?.unverified ?? []) {
      this.#warn("proof", `Proofs of ${count} blocks could not be checked (${reason})`);
    }
    if (engine !== undefined) {
      await this.#checkChainState(engine, range?.last);
      if (this.#repairs.length > 0) await engine.write(this.#repairs);
    }
    return {
      ok: this.#errors === 0,
      first: first?.toString() ?? null,
      last: last?.toString() ?? null,
      hotBlocks: this.#hotBlocks,
      coldBlocks: this.#coldBlocks,
      archives: batches.length,
      bytes: this.#bytes,
      errors: this.#errors,
      warnings: this.#warnings,
      ...(this.#proofs === undefined ? {} : { proofs: this.#proofs.counts }),
    };
  }

  /** Keys that the operator gives win over those that the store has learned, as at a node's start. */
  async #openProofs(): Promise<ProofScan | undefined> {
    const { proofs, engine } = this.#options;
    if (proofs === undefined) return undefined;
    const verifier = createProofVerifier(proofs.data, proofs.ledgerId);
    const stored = proofs.data.tss === undefined
      ? await engine?.family(BLOCKS_FAMILY.state).get(VERIFICATION_KEY)
      : undefined;
    try {
      if (stored !== undefined) verifier.data = { ...proofs.data, tss: decodeVerificationData(stored).tss };
    } catch (error) {
      if (!(error instanceof HieroFault)) throw error;
      this.#error("keys", `The keys in the store are of no use: ${error.message}`);
    }
    return new ProofScan(verifier, (number, fault) => {
      this.#error("proof", `Block ${number} is refused: ${fault.message}`, { block: `${number}` });
    });
  }

  async #reportFiles(
    { damaged, unfinished, setAside, foreign }: Omit<Awaited<ReturnType<typeof scanArchives>>, "batches">,
  ): Promise<void> {
    const { root, repairIndex = false } = this.#options;
    for (const { path, reason } of damaged) this.#error("archive", `Archive is damaged: ${reason}`, { path });
    for (const path of unfinished) {
      if (repairIndex) await Deno.remove(`${root}/${path}`);
      this.#warn(
        "unfinished-archive",
        "Archive was not finished; the next start removes it",
        path,
        repairIndex,
      );
    }
    for (const path of setAside) this.#warn("set-aside-archive", "Archive was replaced by a good one", path);
    for (const path of foreign) this.#warn("foreign-file", "File is no archive", path);
  }

  async #checkPlace({ number, batch, hasBlock, hasRecord }: Place): Promise<void> {
    const block = `${number}`;
    const cold = batch && await this.#readCold(batch, number);
    const hot = hasBlock ? await this.#readHot(number) : undefined;
    if (hot !== undefined) this.#hotBlocks++;
    if (cold !== undefined) this.#coldBlocks++;
    if (cold !== undefined && hot !== undefined && !equalBytes(cold, hot)) {
      this.#error("tiers-differ", `Block ${number} is not the same in store and archive`, { block });
    }
    if (hasRecord && !hasBlock) {
      const repaired = this.#repair(cold !== undefined, {
        kind: "delete",
        family: BLOCKS_FAMILY.record,
        key: blockKey(number),
      });
      this.#error("orphan", `Block ${number} has a record in the store and no bytes`, { block, repaired });
    }
    const bytes = hot ?? cold;
    if (bytes === undefined) return this.#chain.rebase(undefined);
    this.#bytes += bytes.length;
    const verdict = this.#chain.verify(bytes, true);
    if (verdict.status === "fault") {
      this.#error("invalid", `Block ${number} is refused: ${verdict.fault.message}`, { block });
      return this.#chain.rebase(undefined);
    }
    if (verdict.number !== number) {
      this.#error("invalid", `Block ${verdict.number} is stored as block ${number}`, { block });
      return this.#chain.rebase(undefined);
    }
    this.#proofs?.add(bytes, verdict);
    for (const warning of verdict.warnings) this.#error("link", warning.message, { block });
    if (!hasBlock) return;
    const record = hasRecord ? await this.#record(number) : undefined;
    const hashes = verdict.roots.map(({ hash }) => toHex(hash));
    if (record !== undefined && (record.rootHash === undefined || hashes.includes(record.rootHash))) return;
    const value = new TextEncoder().encode(JSON.stringify(toBlockRecord(verdict)));
    const put = { kind: "put", family: BLOCKS_FAMILY.record, key: blockKey(number), value } as const;
    const repaired = this.#repair(true, put);
    if (!hasRecord) this.#error("orphan", `Block ${number} has no record in the store`, { block, repaired });
    else this.#error("record", `Record of block ${number} names another root hash`, { block, repaired });
  }

  async #readCold(batch: ArchivedBatch, number: bigint): Promise<Uint8Array | undefined> {
    const { path } = batch;
    if (this.#file?.path !== path) {
      this.#file?.archive?.[Symbol.dispose]();
      this.#file = { path, archive: undefined };
      try {
        this.#file = { path, archive: await ArchiveFile.open(`${this.#options.root}/${path}`, batch) };
      } catch (error) {
        this.#error("archive", `Archive is damaged: ${reasonOf(error)}`, { path });
      }
    }
    try {
      return await this.#file.archive?.block(number);
    } catch (error) {
      this.#error("unreadable", reasonOf(error), { block: `${number}`, path });
      return undefined;
    }
  }

  async #readHot(number: bigint): Promise<Uint8Array | undefined> {
    try {
      return await this.#options.engine!.family(BLOCKS_FAMILY.block).get(blockKey(number));
    } catch (error) {
      this.#error("unreadable", `Block ${number} of the store: ${reasonOf(error)}`, { block: `${number}` });
      return undefined;
    }
  }

  async #record(number: bigint): Promise<BlockRecord | undefined> {
    try {
      const bytes = await this.#options.engine!.family(BLOCKS_FAMILY.record).get(blockKey(number));
      return bytes && JSON.parse(new TextDecoder().decode(bytes));
    } catch (error) {
      // Reported by the caller as a record that is wrong.
      if (!(error instanceof Error)) throw error;
      return undefined;
    }
  }

  /** A node goes on from this state: it must be that of the last block. */
  async #checkChainState(engine: Engine, last: bigint | undefined): Promise<void> {
    const bytes = await engine.family(BLOCKS_FAMILY.state).get(CHAIN_KEY);
    if (bytes === undefined) {
      if (last !== undefined) this.#error("chain-state", "The store has blocks and no chain state");
      return;
    }
    try {
      const { number, roots } = decodeChainHead(bytes);
      const head = this.#chain.head;
      if (number !== last) {
        const found = last === undefined ? "there is none" : `the last one is ${last}`;
        this.#error("chain-state", `The chain state is that of block ${number}, and ${found}`);
      } else if (
        head?.number === number && head.roots.length > 0 &&
        !roots.some(({ hash }) => head.roots.some((root) => equalBytes(root.hash, hash)))
      ) this.#error("chain-state", `The chain state names another root of block ${number}`);
    } catch (error) {
      if (!(error instanceof HieroFault)) throw error;
      this.#error("chain-state", error.message);
    }
  }

  #repair(possible: boolean, operation: Operation): boolean {
    if (!possible || this.#options.repairIndex !== true) return false;
    this.#repairs.push(operation);
    return true;
  }

  #error(
    check: FsckCheck,
    message: string,
    { repaired = false, ...where }: { block?: string; path?: string; repaired?: boolean } = {},
  ): void {
    if (!repaired) this.#errors++;
    this.#options.onFinding({
      severity: "error",
      check,
      message,
      ...where,
      ...(repaired ? { repaired } : {}),
    });
  }

  #warn(check: FsckCheck, message: string, path?: string, repaired = false): void {
    if (!repaired) this.#warnings++;
    const finding = { severity: "warning", check, message, ...(path === undefined ? {} : { path }) } as const;
    this.#options.onFinding({ ...finding, ...(repaired ? { repaired } : {}) });
  }
}

async function hotRange(engine: Engine): Promise<{ first: bigint; last: bigint } | undefined> {
  const keys: bigint[] = [];
  for (const name of [BLOCKS_FAMILY.block, BLOCKS_FAMILY.record]) {
    for (const reverse of [false, true]) {
      for await (const key of engine.family(name).scanKeys({ limit: 1, reverse })) {
        keys.push(keyToNumber(key));
      }
    }
  }
  if (keys.length === 0) return undefined;
  keys.sort((a, b) => a < b ? -1 : 1);
  return { first: keys[0]!, last: keys.at(-1)! };
}

/** Every number that some tier knows, in order. */
async function* places(engine: Engine | undefined, batches: readonly ArchivedBatch[]): AsyncGenerator<Place> {
  await using blocks = keysOf(engine, BLOCKS_FAMILY.block);
  await using records = keysOf(engine, BLOCKS_FAMILY.record);
  let block = (await blocks.next()).value;
  let record = (await records.next()).value;
  let at = 0;
  let cold = batches[0]?.first;
  for (;;) {
    let number: bigint | undefined;
    for (const candidate of [block, record, cold]) {
      if (candidate !== undefined && (number === undefined || candidate < number)) number = candidate;
    }
    if (number === undefined) return;
    const batch = cold === number ? batches[at] : undefined;
    yield { number, batch, hasBlock: block === number, hasRecord: record === number };
    if (block === number) block = (await blocks.next()).value;
    if (record === number) record = (await records.next()).value;
    if (batch !== undefined) cold = number === batch.last ? batches[++at]?.first : number + 1n;
  }
}

async function* keysOf(engine: Engine | undefined, name: string): AsyncGenerator<bigint, undefined> {
  if (engine === undefined) return;
  for await (const key of engine.family(name).scanKeys()) yield keyToNumber(key);
}
