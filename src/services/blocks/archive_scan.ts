/**
 * Finds what archives lie below a root: the index of the cold tier, made from names and central directories.
 *
 * Layer: services. Used by the node at its start and by `cairn blocks fsck`.
 *
 * @module
 */

import { batchAt } from "../../protocols/hiero/archive_layout.ts";
import type { ArchivedBatch, DamagedArchive } from "./archive.ts";
import { glanceAtArchive } from "./archive_file.ts";
import { CORRUPTED_DIRECTORY, WORK_DIRECTORY } from "./archive_task.ts";

/** What lies below a root. Paths are relative to it. */
export interface ArchiveScan {
  /** In order of their blocks, without overlaps. */
  readonly batches: readonly ArchivedBatch[];
  readonly damaged: readonly DamagedArchive[];
  /** Files with names that no archive has. */
  readonly foreign: readonly string[];
  /** Files of archives that were being built when the process ended. */
  readonly unfinished: readonly string[];
  /** Archives that a good one replaced. */
  readonly setAside: readonly string[];
}

/** Scans a root; empty if it does not exist. Does not throw for what it cannot read: that is damaged. */
export async function scanArchives(root: string): Promise<ArchiveScan> {
  const damaged: DamagedArchive[] = [];
  const all = await listFiles(root, "", damaged);
  const within = (directory: string) => all.filter((path) => path.startsWith(`${directory}/`));
  const unfinished = within(WORK_DIRECTORY);
  const setAside = within(CORRUPTED_DIRECTORY);
  const apart = new Set([...unfinished, ...setAside]);
  const found: ArchivedBatch[] = [];
  const foreign: string[] = [];
  for (const path of all) {
    if (apart.has(path)) continue;
    const batch = batchAt(path);
    if (batch === undefined) {
      foreign.push(path);
      continue;
    }
    try {
      found.push({ ...batch, path, bytes: await glanceAtArchive(`${root}/${path}`, batch) });
    } catch (error) {
      damaged.push({ path, reason: reasonOf(error) });
    }
  }
  // Of two that overlap the longer one is kept; only archives of different powers can.
  const batches: ArchivedBatch[] = [];
  for (const batch of found.sort((a, b) => compare(a.first, b.first) || b.count - a.count)) {
    const before = batches.at(-1);
    if (before === undefined || before.last < batch.first) batches.push(batch);
    else damaged.push({ path: batch.path, reason: `its blocks are also in ${before.path}` });
  }
  return { batches, damaged, foreign, unfinished, setAside };
}

async function listFiles(root: string, directory: string, damaged: DamagedArchive[]): Promise<string[]> {
  const files: string[] = [];
  const below: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(`${root}/${directory}`)) {
      (isDirectory ? below : files).push(`${directory}${name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      damaged.push({ path: directory || ".", reason: reasonOf(error) });
    }
  }
  for (const name of below) files.push(...await listFiles(root, `${name}/`, damaged));
  return files.sort();
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What an error says. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
