/**
 * The only door to disk: an engine with named column families and atomic batches across them.
 *
 * Layer: store. `RocksEngine` keeps data on disk, `MemoryEngine` in memory; one contract suite holds for both.
 *
 * @module
 */

/** One change of a batch. `key` and `value` are borrowed until the write settles; views on shared memory are allowed. */
export type Operation =
  | { readonly kind: "put"; readonly family: string; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: "delete"; readonly family: string; readonly key: Uint8Array };

/** How a batch is written. */
export interface WriteOptions {
  /** Survive power loss: fsync before the promise resolves. @default {true} */
  readonly sync?: boolean;
}

/** Bounds of a scan. Keys compare as unsigned bytes. */
export interface ScanOptions {
  readonly gte?: Uint8Array;
  readonly gt?: Uint8Array;
  readonly lte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** A key and its value; both belong to the receiver. */
export type Entry = readonly [key: Uint8Array, value: Uint8Array];

/** A column family: an ordered map of its own inside the engine, named `<service>.<thing>`. */
export interface Family {
  readonly name: string;
  /** @returns `undefined` when the key is absent. @throws {CairnError} `STORE_READ_FAILED`, `STORE_CLOSED`. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Answers in the order of `keys`. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** A consistent view of the family as of the first step, in key order. */
  scan(options?: ScanOptions): AsyncIterable<Entry>;
  /** As {@link Family.scan} without reading the values. */
  scanKeys(options?: ScanOptions): AsyncIterable<Uint8Array>;
}

/** A storage engine. */
export interface Engine extends AsyncDisposable {
  /** @throws {CairnError} `STORE_FAMILY_UNKNOWN` if the family was not declared at open. */
  family(name: string): Family;
  /**
   * Writes all operations or none. Batches written one after another apply in that order.
   *
   * @throws {CairnError} `STORE_WRITE_FAILED` (nothing of the batch is visible), `STORE_CLOSED`.
   */
  write(operations: readonly Operation[], options?: WriteOptions): Promise<void>;
  /** Really reads from the store; rejects when it cannot. Used by `/readyz`. */
  probe(): Promise<void>;
  /** Flushes, closes and unlocks. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
