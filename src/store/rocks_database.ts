/**
 * Typed face of the RocksDB binding: what this room uses of it, with the options it really honours.
 *
 * Layer: store. Source: @nxtedition/rocksdb 12.2 (RocksDB 9.7), `binding.cc`.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";
import type { FamilySpec } from "./family.ts";

/** Handle of a column family inside one opened database. */
export type Column = { readonly column: unique symbol };

/** A batch of RocksDB; borrowed bytes are copied by `put` and `del`. */
export interface RocksBatch {
  put(key: Uint8Array, value: Uint8Array, options: { column: Column }): void;
  del(key: Uint8Array, options: { column: Column }): void;
  /** Blocks the calling thread, sync included. */
  write(options: { sync: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** An iterator of RocksDB over a snapshot taken when it was made. */
export interface RocksIterator {
  nextv(size: number): Promise<[key: Uint8Array, value: Uint8Array | undefined][]>;
  /** Waits for a running `nextv`. Idempotent. */
  close(): Promise<void>;
}

/** What {@link RocksDatabase.iterator} takes: `lt` and `gte` only, the other bounds are normalized away. */
export interface RocksIteratorOptions {
  readonly column: Column;
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly reverse: boolean;
  readonly limit?: number;
  readonly values: boolean;
  /** A `nextv` ends early after this many bytes. */
  readonly highWaterMarkBytes: number;
}

/** An opened database. */
export interface RocksDatabase {
  readonly columns: Readonly<Record<string, Column>>;
  /** Pointer for {@link attachDatabase}. */
  readonly handle: bigint;
  /** `null` marks a value that was not read because the answer had grown past 2 GiB. */
  getMany(
    keys: readonly Uint8Array[],
    options: { column: Column },
  ): Promise<(Uint8Array | undefined | null)[]>;
  iterator(options: RocksIteratorOptions): RocksIterator;
  batch(): RocksBatch;
  open(options?: Record<string, unknown>): Promise<void>;
  /**
   * Closes the database for every thread. All reads and iterators must have ended: with a `getMany` in flight the
   * binding reports success and leaves the database open.
   */
  close(): Promise<void>;
}

/** Options of {@link openDatabase}. */
export interface OpenDatabaseOptions {
  readonly path: string;
  readonly families: readonly FamilySpec[];
  /** Block cache of each family of small values, in bytes. */
  readonly cacheBytes: number;
  /** Memtable budget of each family of small values, in bytes. */
  readonly memtableBytes: number;
}

/** A database, and the families it holds beside the declared ones. */
export interface OpenedDatabase {
  readonly database: RocksDatabase;
  readonly undeclared: readonly string[];
}

/** RocksDB's own family; the engine keeps its probe there. Declared names have a dot, so they never meet it. */
export const DEFAULT_COLUMN = "default";

const ENCODINGS = { keyEncoding: "buffer", valueEncoding: "buffer" } as const;

/**
 * Blocks of 64 KiB: a large value fills a block of its own anyway, and several middling ones compress better together.
 * zstd brings real Hiero blocks to a quarter. Neither `compaction` nor a budget: then RocksDB has two write buffers of
 * 64 MiB and files of 64 MiB, so that a terabyte is 16 thousand files, which are all held open.
 */
const LARGE_VALUES = { compression: true, blockSize: 64 * 1024, cacheSize: 0 } as const;

/**
 * Without `compaction` RocksDB wants the same compression on every level, so files whose keys follow each other move down
 * as they are; with it level 2 has one of its own, and everything is read and written once more. Write buffers and files
 * are those of large values.
 */
const ASCENDING_KEYS = { compression: false } as const;

/** RocksDB refuses to open without every family it holds, and names them. */
const NOT_OPENED = /Column families not opened: (.+)$/;

/**
 * Opens or creates the database. A family that the database holds and nobody declared is opened too and left alone,
 * so that a service can be switched off and on again.
 *
 * @throws {CairnError} `STORE_READ_FAILED` with RocksDB's error as cause.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<OpenedDatabase> {
  const { path } = options;
  try {
    const create = !await holdsData(path);
    try {
      return { database: await open(options, [], create), undeclared: [] };
    } catch (error) {
      const undeclared = NOT_OPENED.exec(rocksErrorOf(error).message)?.[1]?.split(", ");
      if (!undeclared) throw error;
      return { database: await open(options, undeclared, create), undeclared };
    }
  } catch (error) {
    throw new CairnError(
      "STORE_READ_FAILED",
      `Cannot open database '${path}': ${rocksErrorOf(error).message}`,
      {
        detail: { path },
        cause: error,
      },
    );
  }
}

/**
 * Joins a database that another thread opened. The owner outlives every one that joined.
 * **Never close what this returns:** the binding counts no references, it would close the database under its owner.
 */
export async function attachDatabase(handle: bigint): Promise<RocksDatabase> {
  const RocksLevel = await loadBinding();
  const database: RocksDatabase = new RocksLevel(handle, ENCODINGS);
  // Without createIfMissing: the binding would make the directory, which is the owner's business.
  await database.open({ createIfMissing: false });
  return database;
}

/** Loaded only where a database is opened: a command that never opens one needs no permission for native code. */
async function loadBinding() {
  return (await import("@nxtedition/rocksdb")).RocksLevel;
}

/** Handles of native objects, the oldest first. */
const keptHandles: unknown[] = [];
const KEPT_HANDLES_MAX = 256;

/**
 * Keeps the handle of a native object from being collected for a while; to be called before the object is closed, for
 * then it lets go of its handle. What V8 collects while its thread is ending is freed twice, by Deno 2.9.3 and by the binding's
 * finalizer: the process aborts ("double free", or a panic about a cleanup hook). `deno test` ends a thread after each
 * file, soon after the last database was closed; what is still in use then is not collected. A closed one takes some
 * hundred bytes.
 */
export function keepHandle(native: RocksDatabase | RocksIterator): void {
  const fields = native as unknown as Readonly<Record<symbol, unknown>>;
  // Not the rows that an iterator has read ahead.
  const context = Object.getOwnPropertySymbols(fields).find(({ description }) => description === "context");
  keptHandles.push(context && fields[context]);
  if (keptHandles.length > KEPT_HANDLES_MAX) keptHandles.shift();
}

/** What the binding says of a failure: `code` such as `LEVEL_IO_ERROR`, and RocksDB's message. */
export function rocksErrorOf(error: unknown): { code: string | undefined; message: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined;
  return { code, message: cause instanceof Error ? cause.message : String(cause) };
}

/** Where there are data but no catalogue of them, RocksDB would start an empty database over them. */
async function holdsData(path: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(path)) {
      if (/\.(sst|log)$/.test(name)) return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

async function open(
  options: OpenDatabaseOptions,
  undeclared: readonly string[],
  createIfMissing: boolean,
): Promise<RocksDatabase> {
  const { cacheBytes, memtableBytes } = options;
  const small = {
    compression: true,
    compaction: "level",
    cacheSize: cacheBytes,
    memtableMemoryBudget: memtableBytes,
  };
  const uncached = { ...small, cacheSize: 0 };
  const columns: Record<string, unknown> = { [DEFAULT_COLUMN]: uncached };
  for (const name of undeclared) columns[name] = uncached;
  const ascending = { ...ASCENDING_KEYS, cacheSize: cacheBytes };
  for (const { name, values, keys } of options.families) {
    columns[name] = values === "large" ? LARGE_VALUES : keys === "ascending" ? ascending : small;
  }
  // The log is synced with every commit; compressing it first costs more than the bytes it saves (bench/store_report.ts).
  const RocksLevel = await loadBinding();
  const database: RocksDatabase = new RocksLevel(options.path, {
    ...ENCODINGS,
    walCompression: false,
    columns,
  });
  keepHandle(database);
  await database.open({ createIfMissing });
  return database;
}
