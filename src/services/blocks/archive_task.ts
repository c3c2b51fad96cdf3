/**
 * What the archive Worker does, one request after the other: writes a batch, puts it in its place, reads one back.
 *
 * Layer: services. Synchronous where it writes: it has a thread of its own (archive_worker.ts).
 *
 * @module
 */

import { archivePath, type Batch } from "../../protocols/hiero/archive_layout.ts";
import { ArchiveFile, ArchiveFileWriter } from "./archive_file.ts";

/** Folder below the root in which archives are built (spec §7.2). */
export const WORK_DIRECTORY = "zipwork";
/** Folder below the root for archives that stood in the way of a good one (spec §7.2). */
export const CORRUPTED_DIRECTORY = "corrupted";

/** A request; each gets one {@link ArchiveReply}, in order. */
export type ArchiveRequest =
  | { readonly kind: "begin"; readonly batch: Batch }
  /** The next block of the batch. */
  | { readonly kind: "block"; readonly block: Uint8Array<ArrayBuffer> }
  | { readonly kind: "finish" }
  | { readonly kind: "abort" }
  | { readonly kind: "verify"; readonly batch: Batch };

/** Answer to a request; `bytes` is the length of the archive after `finish`. */
export type ArchiveReply =
  | { readonly kind: "done"; readonly bytes?: number }
  | { readonly kind: "failed"; readonly message: string };

/** Writes and verifies archives below one root. */
export class ArchiveTask {
  readonly #root: string;
  #writing: { readonly batch: Batch; readonly path: string; readonly writer: ArchiveFileWriter } | undefined;
  #next = 0n;

  constructor(root: string) {
    this.#root = root;
  }

  /** Never throws. A failed write leaves no file behind. */
  async handle(request: ArchiveRequest): Promise<ArchiveReply> {
    try {
      switch (request.kind) {
        case "begin":
          this.#begin(request.batch);
          break;
        case "block":
          this.#writing!.writer.add(this.#next++, request.block);
          break;
        case "finish":
          return { kind: "done", bytes: this.#finish() };
        case "abort":
          this.#abort();
          break;
        case "verify":
          await this.#verify(request.batch);
      }
      return { kind: "done" };
    } catch (thrown) {
      if (request.kind !== "verify") this.#abort();
      return { kind: "failed", message: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  }

  #begin(batch: Batch): void {
    this.#abort();
    const directory = `${this.#root}/${WORK_DIRECTORY}`;
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = `${directory}/${archivePath(batch).replaceAll("/", "")}`;
    this.#writing = { batch, path, writer: new ArchiveFileWriter(path) };
    this.#next = batch.first;
  }

  #finish(): number {
    const { batch, path, writer } = this.#writing!;
    if (this.#next !== batch.last + 1n) throw new Error(`block ${this.#next} is missing`);
    const bytes = writer.finish();
    const place = archivePath(batch);
    const directories = place.split("/").slice(0, -1);
    const parents = directories.map((_, i) => `${this.#root}/${directories.slice(0, i).join("/")}`);
    const parent = `${this.#root}/${directories.join("/")}`;
    Deno.mkdirSync(parent, { recursive: true, mode: 0o700 });
    const target = `${this.#root}/${place}`;
    this.#clear(target, place);
    Deno.renameSync(path, target);
    this.#writing = undefined;
    // From the leaf up to where the root itself stands: what a synced directory holds is found after a power cut.
    const above = this.#root.replace(/\/[^/]*$/, "") || "/";
    for (const directory of [parent, ...parents.reverse(), above]) syncDirectory(directory);
    return bytes;
  }

  /** Whatever is there is not usable, or nobody would write this batch: it is kept aside for people to look at. */
  #clear(target: string, place: string): void {
    if (!existsSync(target)) return;
    const directory = `${this.#root}/${CORRUPTED_DIRECTORY}`;
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const name = place.replaceAll("/", "").replace(/\.zip$/, "");
    let aside = `${directory}/${name}.zip`;
    for (let copy = 2; existsSync(aside); copy++) aside = `${directory}/${name}.${copy}.zip`;
    Deno.renameSync(target, aside);
    syncDirectory(directory);
  }

  #abort(): void {
    const writing = this.#writing;
    if (writing === undefined) return;
    this.#writing = undefined;
    writing.writer[Symbol.dispose]();
    try {
      Deno.removeSync(writing.path);
    } catch (error) {
      // What cannot be removed now is removed by the next start; the failure that led here is the one to tell.
      if (!(error instanceof Error)) throw error;
    }
  }

  async #verify(batch: Batch): Promise<void> {
    using file = await ArchiveFile.open(`${this.#root}/${archivePath(batch)}`, batch);
    for (let number = batch.first; number <= batch.last; number++) await file.block(number);
  }
}

function existsSync(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function syncDirectory(path: string): void {
  using directory = Deno.openSync(path, { read: true });
  directory.syncSync();
}
