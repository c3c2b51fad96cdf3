/**
 * Asks a disk that was full whether it takes bytes again.
 *
 * Layer: store. By writing: free space as reported knows neither quotas nor reserved blocks, and reading it needs one
 * more permission.
 *
 * @module
 */

import type { DataDirectory } from "./data_directory.ts";

/** Manifest, options and the first blocks of a new log. */
const MARGIN_BYTES = 4 * 1024 * 1024;
const STEP_BYTES = 256 * 1024;

/** Room to open the database anew, in bytes: it copies its write-ahead logs into sorted files then. */
export async function recoveryBytes(directory: DataDirectory): Promise<number> {
  let bytes = MARGIN_BYTES;
  for await (const entry of Deno.readDir(directory.database)) {
    if (entry.name.endsWith(".log")) bytes += (await Deno.stat(`${directory.database}/${entry.name}`)).size;
  }
  return bytes;
}

/** Whether the disk takes `bytes` more: writes them to a file and removes it. */
export async function tryDiskSpace(directory: DataDirectory, bytes: number): Promise<boolean> {
  const path = directory.trial;
  let left = bytes;
  try {
    using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
    const step = new Uint8Array(STEP_BYTES);
    while (left > 0) left -= await file.write(step.subarray(0, Math.min(left, step.length)));
    await file.sync();
    return true;
  } catch {
    return false;
  } finally {
    await Deno.remove(path).catch(() => {});
  }
}
