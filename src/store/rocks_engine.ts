/**
 * The engine on disk: RocksDB, read from the main thread, written by a Worker.
 *
 * Layer: store. The main thread opens and owns the database; the Worker joins it by its handle and only writes. Why
 * so, and what happens when the disk is full, stands in docs/decisions/0003-storage-engine.md.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { MetricScope } from "../kernel/metrics.ts";
import { toRange } from "./bounds.ts";
import { storeConfig } from "./config.ts";
import { type DataDirectory, openDataDirectory } from "./data_directory.ts";
import { recoveryBytes, tryDiskSpace } from "./disk_space.ts";
import type { Engine, Entry, Family, Operation, ScanOptions, WriteOptions } from "./engine.ts";
import { familyNames, type FamilySpec, storeClosed, unknownFamily } from "./family.ts";
import { createStoreMetrics, type StoreMetrics } from "./metrics.ts";
import {
  DEFAULT_COLUMN,
  keepHandle,
  openDatabase,
  type OpenDatabaseOptions,
  type RocksDatabase,
  rocksErrorOf,
  type RocksIterator,
} from "./rocks_database.ts";
import { WriteQueue } from "./write_queue.ts";
import { Writer, WriterError } from "./writer.ts";

/** Options of {@link openRocksEngine}; defaults are those of `storeConfig`. */
export interface RocksEngineOptions {
  /** Data directory; created if absent. */
  readonly directory: string;
  readonly families: readonly FamilySpec[];
  readonly log?: Logger;
  /** Scope such as `cairn_store_`. */
  readonly metrics?: MetricScope;
  /** @default {33_554_432} */
  readonly cacheBytes?: number;
  /** @default {16_777_216} */
  readonly memtableBytes?: number;
  /** @default {16_777_216} */
  readonly groupBytes?: number;
  /** @default {65_536} */
  readonly queueBatches?: number;
}

/** Rows of the first step of a scan, then of the others: who looks for one row does not pay for a thousand. */
const SCAN_FIRST_ROWS = 16;
const SCAN_ROWS = 1024;
/** A step ends early after this many bytes: about 0.3 ms to hand over. */
const SCAN_STEP_BYTES = 1024 * 1024;

/** Time between two tries to get a store with a disk error going again; in between, writes fail at once. */
const RECOVERY_INTERVAL_MS = 1_000;

/** Key and value in RocksDB's default family that `probe` reads. */
const PROBE_KEY = new TextEncoder().encode("probe");
const PROBE_VALUE = new TextEncoder().encode("cairn");

/**
 * Opens the data directory and its database.
 *
 * @throws {CairnError} `STORE_LOCKED`, `STORE_FORMAT_TOO_NEW`, `STORE_FORMAT_INVALID`, `STORE_READ_FAILED`,
 * `STORE_WRITE_FAILED`.
 */
export async function openRocksEngine(options: RocksEngineOptions): Promise<Engine> {
  // Before anything is touched: a malformed name is a fault of the program.
  familyNames(options.families);
  const directory = openDataDirectory(options.directory);
  let engine: RocksEngine | undefined;
  try {
    engine = new RocksEngine(options, directory);
    await engine.start();
    return engine;
  } catch (error) {
    await engine?.[Symbol.asyncDispose]();
    directory[Symbol.dispose]();
    throw error;
  }
}

class RocksEngine implements Engine {
  readonly #directory: DataDirectory;
  readonly #log: Logger | undefined;
  readonly #metrics: StoreMetrics | undefined;
  readonly #open: OpenDatabaseOptions;
  /** Declared families and RocksDB's own; the position is the number the writer knows a family by. */
  readonly #names: readonly string[];
  readonly #families: ReadonlyMap<string, Family>;
  readonly #queue: WriteQueue;
  #writer: Writer | undefined;
  /** Absent before start, while it is reopened, and if it could not be reopened. */
  #database: RocksDatabase | undefined;
  #reads = 0;
  #readsEnded: PromiseWithResolvers<void> | undefined;
  readonly #iterators = new Set<RocksIterator>();
  /** The disk error after which RocksDB refuses writes. */
  #fault: CairnError | undefined;
  #recoveryTriedMs = -Infinity;
  #recovery: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RocksEngineOptions, directory: DataDirectory) {
    const defaults = storeConfig.parse({});
    const { families, log, metrics } = options;
    this.#directory = directory;
    this.#log = log;
    this.#open = {
      path: directory.database,
      families,
      cacheBytes: options.cacheBytes ?? defaults.cacheBytes,
      memtableBytes: options.memtableBytes ?? defaults.memtableBytes,
    };
    const declared = familyNames(families);
    this.#names = [...declared, DEFAULT_COLUMN];
    this.#families = new Map(declared.map((name) => [name, this.#createFamily(name)]));
    this.#queue = new WriteQueue({
      groupBytes: options.groupBytes ?? defaults.groupBytes,
      queueBatches: options.queueBatches ?? defaults.queueBatches,
      families: new Map(this.#names.map((name, i) => [name, i])),
    }, {
      commit: (group) => this.#writer!.commit(group),
      failed: (error) => this.#writeFailed(error),
      faulty: () => this.#fault !== undefined,
      recover: () => this.#recover(),
      metrics: () => this.#metrics,
    });
    this.#metrics = metrics && createStoreMetrics(metrics, () => this.#queue.depth);
  }

  async start(): Promise<void> {
    this.#writer = new Writer();
    const undeclared = await this.#attach();
    const unused = undeclared.filter((name) => name !== DEFAULT_COLUMN);
    if (unused.length > 0) {
      this.#log?.info("Column families of services not enabled are kept", { families: unused });
    }
    if (await this.#get(DEFAULT_COLUMN, PROBE_KEY)) return;
    await this.#queue.write(
      [{ kind: "put", family: DEFAULT_COLUMN, key: PROBE_KEY, value: PROBE_VALUE }],
      true,
    );
  }

  family(name: string): Family {
    const family = this.#families.get(name);
    if (!family) throw unknownFamily(name);
    return family;
  }

  async write(operations: readonly Operation[], { sync = true }: WriteOptions = {}): Promise<void> {
    for (const { family } of operations) {
      if (!this.#families.has(family)) throw unknownFamily(family);
    }
    await this.#queue.write(operations, sync);
  }

  async probe(): Promise<void> {
    const value = await this.#get(DEFAULT_COLUMN, PROBE_KEY);
    if (!value) throw readFailed("probe", "the probe is gone");
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#queue.close();
    await this.#recovery?.catch(() => {});
    // The order of docs/storage.md: nobody may touch the database once its owner closes it.
    this.#writer?.[Symbol.dispose]();
    try {
      await this.#detach();
    } finally {
      this.#directory[Symbol.dispose]();
    }
  }

  async #attach(): Promise<readonly string[]> {
    const { database, undeclared } = await openDatabase(this.#open);
    this.#database = database;
    try {
      await this.#writer!.attach(database.handle, this.#names);
    } catch (error) {
      throw new CairnError("STORE_WRITE_FAILED", "Cannot start the writer of the store", { cause: error });
    }
    return undeclared;
  }

  /** Ends all reads, then closes. The writer must have nothing to do. */
  async #detach(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    if (!database) return;
    await Promise.all([...this.#iterators].map((iterator) => iterator.close()));
    if (this.#reads > 0) {
      this.#readsEnded = Promise.withResolvers();
      await this.#readsEnded.promise;
      this.#readsEnded = undefined;
    }
    try {
      await database.close();
    } catch (error) {
      // RocksDB has let go of its files all the same. After a disk error it reports it once more here.
      const { message } = rocksErrorOf(error);
      if (this.#fault) this.#log?.debug("Database closed with its disk error", { error: message });
      else {this.#log?.error("Database closed with an error: writes without sync may be lost", {
          error: message,
        });}
    }
  }

  #writeFailed(error: unknown): CairnError {
    const { code, message } = error instanceof WriterError
      ? error
      : { code: undefined, message: String(error) };
    const failure = new CairnError(
      "STORE_WRITE_FAILED",
      `Cannot write to '${this.#directory.path}': ${message}`,
      {
        ...(/no space left|quota/i.test(message)
          ? { hint: "Free disk space, as much as the write-ahead logs take; the store goes on by itself" }
          : {}),
        detail: { path: this.#directory.path, ...(code ? { rocks: code } : {}) },
        cause: error,
      },
    );
    // After a disk error RocksDB refuses every write until it is opened anew. Corruption is left to the operator.
    if (code === "LEVEL_IO_ERROR") this.#fault = failure;
    this.#log?.error("Write failed", { error: message, rocks: code });
    return failure;
  }

  /** Opens the database anew after a disk error, if the disk takes bytes again. One attempt at a time. */
  #recover(): Promise<void> {
    this.#recovery ??= this.#tryToRecover().finally(() => {
      this.#recovery = undefined;
    });
    return this.#recovery;
  }

  async #tryToRecover(): Promise<void> {
    const fault = this.#fault;
    if (!fault) return;
    const nowMs = performance.now();
    if (nowMs - this.#recoveryTriedMs < RECOVERY_INTERVAL_MS) throw fault;
    this.#recoveryTriedMs = nowMs;
    // While the disk is full the old database still answers reads; a reopened one could not even start.
    if (this.#database) {
      const neededBytes = await recoveryBytes(this.#directory).catch(() => undefined);
      if (neededBytes === undefined || !await tryDiskSpace(this.#directory, neededBytes)) {
        this.#log?.warn("Store waits for disk space", { neededBytes });
        throw fault;
      }
    }
    await this.#detach();
    try {
      await this.#attach();
    } catch (error) {
      this.#log?.error("Store could not be reopened after a disk error", {
        error: rocksErrorOf(error).message,
      });
      throw fault;
    }
    this.#fault = undefined;
    this.#metrics?.recoveries.inc();
    this.#log?.info("Store reopened after a disk error");
  }

  /** Waits out a recovery, or starts one if the database could not be reopened before. */
  async #untilReadable(): Promise<void> {
    if (this.#recovery) await this.#recovery.catch(() => {});
    if (!this.#database && this.#fault && !this.#closing) await this.#recover().catch(() => {});
  }

  /** Not asynchronous: whoever gets the database registers its use before anybody can close it. */
  #readable(action: string): RocksDatabase {
    if (this.#closing) throw storeClosed(action);
    if (!this.#database) throw readFailed(action, "the database is not open", this.#fault);
    return this.#database;
  }

  async #get(family: string, key: Uint8Array): Promise<Uint8Array | undefined> {
    const [value] = await this.#getMany(family, [key]);
    return value;
  }

  async #getMany(family: string, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const action = `read from '${family}'`;
    if (!this.#database) await this.#untilReadable();
    const database = this.#readable(action);
    if (keys.length === 0) return [];
    this.#reads++;
    try {
      const values = await database.getMany(keys, { column: database.columns[family]! });
      return values.map((value) => {
        if (value === null) throw readFailed(action, "more than 2 GiB in one call");
        return value && plain(value);
      });
    } catch (error) {
      throw error instanceof CairnError ? error : readFailed(action, rocksErrorOf(error).message, error);
    } finally {
      if (--this.#reads === 0) this.#readsEnded?.resolve();
    }
  }

  async *#scan(
    family: string,
    options: ScanOptions,
    values: boolean,
  ): AsyncGenerator<[Uint8Array, Uint8Array | undefined]> {
    const action = `scan '${family}'`;
    const range = toRange(options);
    if (!this.#database) await this.#untilReadable();
    const database = this.#readable(action);
    if (!range) return;
    const { lower, upper, reverse, limit } = range;
    const iterator = database.iterator({
      column: database.columns[family]!,
      ...(lower ? { gte: lower } : {}),
      ...(upper ? { lt: upper } : {}),
      ...(limit === Infinity ? {} : { limit }),
      reverse,
      values,
      highWaterMarkBytes: SCAN_STEP_BYTES,
    });
    this.#iterators.add(iterator);
    try {
      for (let rows = SCAN_FIRST_ROWS;; rows = SCAN_ROWS) {
        const entries = await iterator.nextv(rows);
        if (entries.length === 0) return;
        for (const [key, value] of entries) {
          yield [plain(key), value && plain(value)];
          if (this.#database !== database) {
            throw new Error("the store was closed or reopened during the scan");
          }
        }
      }
    } catch (error) {
      if (this.#closing) throw storeClosed(action);
      throw readFailed(action, rocksErrorOf(error).message, error);
    } finally {
      this.#iterators.delete(iterator);
      keepHandle(iterator);
      await iterator.close();
    }
  }

  #createFamily(name: string): Family {
    const scan = (options: ScanOptions, values: boolean) => this.#scan(name, options, values);
    return {
      name,
      get: (key) => this.#get(name, key),
      getMany: (keys) => this.#getMany(name, keys),
      scan: (options = {}) => scan(options, true) as AsyncIterable<Entry>,
      async *scanKeys(options = {}) {
        for await (const [key] of scan(options, false)) yield key;
      },
    };
  }
}

/** The binding hands out Node Buffers; the contract says Uint8Array. A view on the same memory. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readFailed(action: string, reason: string, cause?: unknown): CairnError {
  return new CairnError("STORE_READ_FAILED", `Cannot ${action}: ${reason}`, { cause });
}
