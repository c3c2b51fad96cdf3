/**
 * The data directory: one holder at a time, one format version, nothing else in it.
 *
 * Layer: store. The tree is drawn in docs/storage.md.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";

/** Version of the layout on disk that this program writes. Raise it when an older program could not read it. */
export const FORMAT_VERSION = 1;

const LOCK_FILE = "LOCK";
const FORMAT_FILE = "FORMAT";
/** Written beside FORMAT and renamed over it, so that FORMAT is whole or absent. */
const FORMAT_DRAFT_FILE = "FORMAT.new";
/** Written and removed by `tryDiskSpace`. */
const TRIAL_FILE = "SPACE";
const DATABASE_DIRECTORY = "db";
/** What a directory may hold before it becomes ours; an ext4 mount point comes with `lost+found`. */
const HARMLESS_ENTRIES: ReadonlySet<string> = new Set([LOCK_FILE, "lost+found"]);
const FORMAT_PATTERN = /^cairn ([1-9][0-9]{0,8})\n$/;

/** Options of {@link openDataDirectory}. */
export interface DataDirectoryOptions {
  /** Newest format this program reads. @default {FORMAT_VERSION} */
  readonly formatVersion?: number;
}

/** A data directory that this process holds. Disposing gives it back. */
export interface DataDirectory extends Disposable {
  readonly path: string;
  /** Where the database lives. */
  readonly database: string;
  /** Where a file may stand for a moment, to see whether the disk takes bytes. */
  readonly trial: string;
  /** Version found in, or written to, FORMAT. */
  readonly format: number;
}

/**
 * Creates the directory if it is absent (mode 0700), takes its lock and checks its format.
 *
 * The lock is the operating system's, so it ends with the process, however that ends; LOCK itself stays.
 *
 * @throws {CairnError} `STORE_LOCKED`, `STORE_FORMAT_TOO_NEW`, `STORE_FORMAT_INVALID`, `STORE_WRITE_FAILED`.
 */
export function openDataDirectory(path: string, options: DataDirectoryOptions = {}): DataDirectory {
  const { formatVersion = FORMAT_VERSION } = options;
  const lock = takeLock(path);
  try {
    for (const leftover of [FORMAT_DRAFT_FILE, TRIAL_FILE]) removeIfPresent(`${path}/${leftover}`);
    const format = readFormat(path, formatVersion) ?? writeFormat(path, formatVersion);
    return {
      path,
      database: `${path}/${DATABASE_DIRECTORY}`,
      trial: `${path}/${TRIAL_FILE}`,
      format,
      [Symbol.dispose]: once(() => {
        lock.truncateSync(0);
        release(lock);
      }),
    };
  } catch (error) {
    release(lock);
    throw error instanceof CairnError ? error : cannotOpen(path, error);
  }
}

function takeLock(path: string): Deno.FsFile {
  let lock: Deno.FsFile | undefined;
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    lock = Deno.openSync(`${path}/${LOCK_FILE}`, { read: true, write: true, create: true, mode: 0o600 });
    if (lock.tryLockSync(true)) {
      lock.truncateSync(0);
      lock.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
      return lock;
    }
  } catch (error) {
    lock?.close();
    throw cannotOpen(path, error);
  }
  const pid = readHolder(lock);
  lock.close();
  throw new CairnError(
    "STORE_LOCKED",
    `Cannot open data directory '${path}': held by ${pid ? `pid ${pid}` : "another process"}`,
    {
      hint: "Stop the other process or choose another data directory",
      detail: { path, ...(pid === undefined ? {} : { pid }) },
    },
  );
}

/** Closing alone is not enough: a child that is just being started holds a copy of the descriptor until it runs. */
function release(lock: Deno.FsFile): void {
  lock.unlockSync();
  lock.close();
}

/** The holder writes its pid just after it takes the lock, so the file may still be empty. */
function readHolder(lock: Deno.FsFile): number | undefined {
  const buffer = new Uint8Array(32);
  const length = lock.readSync(buffer) ?? 0;
  const pid = Number.parseInt(new TextDecoder().decode(buffer.subarray(0, length)), 10);
  return Number.isNaN(pid) ? undefined : pid;
}

function readFormat(path: string, newest: number): number | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${path}/${FORMAT_FILE}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const foreign = [...Deno.readDirSync(path)].find((entry) => !HARMLESS_ENTRIES.has(entry.name));
    if (!foreign) return undefined;
    throw new CairnError(
      "STORE_FORMAT_INVALID",
      `Cannot open data directory '${path}': it has no ${FORMAT_FILE} file but holds '${foreign.name}'`,
      { hint: "Choose an empty directory", detail: { path, entry: foreign.name } },
    );
  }
  const version = FORMAT_PATTERN.exec(text)?.[1];
  if (version === undefined) {
    throw new CairnError(
      "STORE_FORMAT_INVALID",
      `Cannot open data directory '${path}': its ${FORMAT_FILE} file is damaged`,
      {
        hint: "Restore the directory from a backup, or choose another one",
        detail: { path },
      },
    );
  }
  const found = Number(version);
  if (found > newest) {
    throw new CairnError(
      "STORE_FORMAT_TOO_NEW",
      `Cannot open data directory '${path}': format ${found} is newer than ${newest}, the newest this program reads`,
      { hint: "Upgrade, or choose another data directory", detail: { path, found, newest } },
    );
  }
  return found;
}

function writeFormat(path: string, version: number): number {
  const draft = `${path}/${FORMAT_DRAFT_FILE}`;
  using file = Deno.openSync(draft, { write: true, create: true, truncate: true, mode: 0o600 });
  file.writeSync(new TextEncoder().encode(`cairn ${version}\n`));
  file.syncSync();
  Deno.renameSync(draft, `${path}/${FORMAT_FILE}`);
  // The rename is durable once the directory is.
  using directory = Deno.openSync(path, { read: true });
  directory.syncSync();
  return version;
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function cannotOpen(path: string, cause: unknown): CairnError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CairnError("STORE_WRITE_FAILED", `Cannot open data directory '${path}': ${reason}`, {
    hint: "The directory must be writable and have free space",
    detail: { path },
    cause,
  });
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
