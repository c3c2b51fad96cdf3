/**
 * Small files that are their owner's alone: keys.
 *
 * Layer: kernel. Blocks: such a file is read or made once, at a start. Its content is never part of a message.
 *
 * @module
 */

import { toCairnError } from "./errors.ts";

/** What only its owner may read and write. */
const MODE = 0o600;
const OTHERS = 0o077;

/** Why a private file cannot be used. Whoever asked for it says so under a code of its own. */
export class PrivateFileFault extends Error {
  override readonly name = "PrivateFileFault";
  /** What the operator can do about it. */
  readonly hint: string;

  constructor(why: string, hint: string) {
    super(why);
    this.hint = hint;
  }
}

/**
 * Reads a file that others may not.
 *
 * @returns `undefined` if it does not exist; of a file longer than `maxBytes` nothing, as an empty array.
 * @throws {PrivateFileFault} If others may read it, it is no file, or it cannot be opened.
 */
export function readPrivateFile(path: string, maxBytes: number): Uint8Array | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new PrivateFileFault(
      toCairnError(error).message,
      "Give the file to the user that the node runs as",
    );
  }
  using open = file;
  // Of the open file, not of the path: it cannot be exchanged in between.
  const { mode, isFile, size } = open.statSync();
  if (!isFile) {
    throw new PrivateFileFault(
      "it is no file",
      "Move it away: the node makes a new key, and with it a new id",
    );
  }
  if (mode !== null && (mode & OTHERS) !== 0) {
    throw new PrivateFileFault(
      `its mode is ${(mode & 0o777).toString(8)}, so others may read it`,
      `Run 'chmod 600 ${path}'; if others may have read it, move it away and get a new id`,
    );
  }
  return size > maxBytes ? new Uint8Array() : readAll(open, size);
}

function readAll(file: Deno.FsFile, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const read = file.readSync(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

/**
 * Makes a file for its owner alone: written beside its name, synced and renamed, so that it is whole or absent.
 *
 * @throws Whatever the file system says.
 */
export function makePrivateFile(path: string, bytes: Uint8Array): void {
  const draft = `${path}.new`;
  try {
    // A draft that a crash left behind was never used.
    Deno.removeSync(draft);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  using file = Deno.openSync(draft, { write: true, createNew: true, mode: MODE });
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
  file.syncSync();
  Deno.renameSync(draft, path);
  using directory = Deno.openSync(path.slice(0, path.lastIndexOf("/") + 1) || ".", { read: true });
  directory.syncSync();
}
