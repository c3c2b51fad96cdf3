/**
 * The cold tier in a directory: zip files of consecutive blocks with the names and the layout of the Java block node.
 *
 * Layer: services. Source: spec/block-node.md §7.2. A batch is built in `zipwork/`, synced, renamed into place, and its
 * directories are synced; so what has an archive's name is whole, whenever the process ends.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import { archivePath, type Batch } from "../../protocols/hiero/archive_layout.ts";
import type { ZipTable } from "../../protocols/hiero/archive_zip.ts";
import { HieroFault } from "../../protocols/hiero/fault.ts";
import type { Archive, ArchivedBatch, BlockSource, DamagedArchive } from "./archive.ts";
import { ArchiveFile } from "./archive_file.ts";
import { reasonOf, scanArchives } from "./archive_scan.ts";
import { ArchiveWorkerClient } from "./archive_worker_client.ts";

/** Blocks of the archives read last whose places are kept, at 16 bytes each; the last archive's always. */
const MAX_TABLE_BLOCKS = 1_000_000;

/** What {@link DirectoryArchive.open} needs. */
export interface DirectoryArchiveOptions {
  /** Root of the archives; created with the first one. */
  readonly root: string;
  /** Last block of the hot tier: archives above it are of another chain or of another time. */
  readonly lastBlock: bigint | undefined;
  readonly log: Logger;
}

/** See the module. */
export class DirectoryArchive implements Archive {
  readonly #root: string;
  readonly #log: Logger;
  #batches: readonly ArchivedBatch[];
  readonly #damaged = new Map<string, DamagedArchive>();
  /** By path, the one read last at the end. */
  readonly #tables = new Map<string, ZipTable>();
  #worker: ArchiveWorkerClient | undefined;

  private constructor({ root, log }: DirectoryArchiveOptions, batches: readonly ArchivedBatch[]) {
    this.#root = root;
    this.#log = log;
    this.#batches = batches;
  }

  /** Rebuilds the index from the files and removes what a killed process left half built. Damaged archives are named and skipped. */
  static async open(options: DirectoryArchiveOptions): Promise<DirectoryArchive> {
    const { root, lastBlock, log } = options;
    const scan = await scanArchives(root);
    const isKnown = ({ last }: Batch) => lastBlock !== undefined && last <= lastBlock;
    const archive = new DirectoryArchive(options, scan.batches.filter(isKnown));
    for (const { path, reason } of scan.damaged) archive.#noteDamage(path, reason);
    for (const { path, last } of scan.batches.filter((batch) => !isKnown(batch))) {
      archive.#noteDamage(path, `it ends with block ${last}, above the last one of the store`);
    }
    for (const path of scan.unfinished) {
      try {
        await Deno.remove(`${root}/${path}`);
        log.info("Unfinished archive removed", { path });
      } catch (error) {
        log.warn("Unfinished archive could not be removed", { path, error });
      }
    }
    if (scan.foreign.length > 0) log.warn("Files that are no archives ignored", { files: scan.foreign });
    return archive;
  }

  /** Starts the Worker, which holds the event loop for some 20 ms, before blocks come in. */
  prepare(): void {
    this.#startWorker();
  }

  get batches(): readonly ArchivedBatch[] {
    return this.#batches;
  }

  get damaged(): readonly DamagedArchive[] {
    return [...this.#damaged.values()];
  }

  overlapping(first: bigint, last: bigint): ArchivedBatch | undefined {
    // The first batch that does not end before `first`.
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#batches[middle]!.last < first) low = middle + 1;
      else high = middle;
    }
    const batch = this.#batches[low];
    return batch !== undefined && batch.first <= last ? batch : undefined;
  }

  async put(batch: Batch, source: BlockSource): Promise<ArchivedBatch> {
    const worker = this.#startWorker();
    const path = archivePath(batch);
    let bytes: number;
    try {
      await this.#tell(worker.request({ kind: "begin", batch }), batch);
      // One block is read while the Worker packs the one before: two in memory at most.
      let packing: Promise<unknown> = Promise.resolve();
      for (let number = batch.first; number <= batch.last; number++) {
        const block = owned(await source(number));
        await packing;
        packing = this.#tell(worker.request({ kind: "block", block }), batch);
        // Whoever awaits it comes later; until then it must not count as unhandled.
        packing.catch(() => {});
      }
      await packing;
      bytes = await this.#tell(worker.request({ kind: "finish" }), batch);
    } catch (error) {
      await worker.request({ kind: "abort" }).catch(() => {});
      throw error;
    }
    const archived = { ...batch, path, bytes };
    this.#damaged.delete(path);
    this.#tables.delete(path);
    const at = this.#batches.findIndex(({ first }) => first > batch.first);
    this.#batches = at < 0 ? [...this.#batches, archived] : this.#batches.toSpliced(at, 0, archived);
    return archived;
  }

  async read(number: bigint): Promise<Uint8Array | undefined> {
    const batch = this.overlapping(number, number);
    if (batch === undefined) return undefined;
    const { path } = batch;
    let file: ArchiveFile | undefined;
    try {
      file = await ArchiveFile.open(`${this.#root}/${path}`, batch, this.#tables.get(path));
      this.#keepTable(path, file.table);
      return await file.block(number);
    } catch (error) {
      // Removed between the look into the index and here.
      if (error instanceof Deno.errors.NotFound && !this.#batches.includes(batch)) return undefined;
      if (isLost(error)) this.#noteDamage(path, reasonOf(error));
      // Without its central directory none of its blocks can be read; with it, the others can.
      if (file === undefined && isLost(error)) this.#forget(batch);
      throw readFailed(batch, error);
    } finally {
      file?.[Symbol.dispose]();
    }
  }

  async verify(batch: ArchivedBatch): Promise<void> {
    const worker = this.#startWorker();
    try {
      await worker.request({ kind: "verify", batch });
    } catch (error) {
      if (worker.dead) throw readFailed(batch, error);
      this.#noteDamage(batch.path, reasonOf(error));
      this.#forget(batch);
      throw readFailed(batch, error);
    }
  }

  async remove(batch: ArchivedBatch): Promise<void> {
    this.#forget(batch);
    try {
      await Deno.remove(`${this.#root}/${batch.path}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      this.#batches = [...this.#batches, batch].sort((a, b) => a.first < b.first ? -1 : 1);
      throw writeFailed("remove", batch, error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#worker?.[Symbol.dispose]();
    return Promise.resolve();
  }

  #startWorker(): ArchiveWorkerClient {
    if (this.#worker === undefined || this.#worker.dead) this.#worker = new ArchiveWorkerClient(this.#root);
    return this.#worker;
  }

  async #tell(answer: Promise<number>, batch: Batch): Promise<number> {
    try {
      return await answer;
    } catch (error) {
      throw writeFailed("write", { ...batch, path: archivePath(batch) }, error);
    }
  }

  #keepTable(path: string, table: ZipTable): void {
    this.#tables.delete(path);
    this.#tables.set(path, table);
    let blocks = 0;
    for (const { batch } of this.#tables.values()) blocks += batch.count;
    for (const [oldest, { batch }] of this.#tables) {
      if (blocks <= MAX_TABLE_BLOCKS) break;
      this.#tables.delete(oldest);
      blocks -= batch.count;
    }
  }

  #forget(batch: ArchivedBatch): void {
    this.#batches = this.#batches.filter((other) => other !== batch);
    this.#tables.delete(batch.path);
  }

  #noteDamage(path: string, reason: string): void {
    if (this.#damaged.has(path)) return;
    this.#damaged.set(path, { path, reason });
    this.#log.error("Archive damaged", { path, reason });
  }
}

/** Whether the file itself is damaged or gone, and not only out of reach for the moment. */
function isLost(error: unknown): boolean {
  return error instanceof HieroFault || error instanceof Deno.errors.NotFound;
}

/** Bytes whose memory can be given away: what a store hands out may be part of something larger. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}

function readFailed({ path }: ArchivedBatch, cause: unknown): CairnError {
  return new CairnError("STORE_READ_FAILED", `Cannot read archive '${path}': ${reasonOf(cause)}`, {
    detail: { path },
    cause,
  });
}

function writeFailed(action: string, { path }: Pick<ArchivedBatch, "path">, cause: unknown): CairnError {
  return new CairnError("STORE_WRITE_FAILED", `Cannot ${action} archive '${path}': ${reasonOf(cause)}`, {
    detail: { path },
    cause,
  });
}
