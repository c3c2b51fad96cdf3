/**
 * The cold tier as the rest of the service sees it: whole batches of consecutive blocks, written once, read block by
 * block.
 *
 * Layer: services. `DirectoryArchive` keeps them in a directory; another place, such as an object store, implements the
 * same interface.
 *
 * @module
 */

import type { Batch } from "../../protocols/hiero/archive_layout.ts";

/** Gives the serialized Block with this number, for {@link Archive.put}. */
export type BlockSource = (number: bigint) => Promise<Uint8Array>;

/** A batch that is archived. */
export interface ArchivedBatch extends Batch {
  /** Where it lies, relative to the root of the archive. */
  readonly path: string;
  /** Bytes it takes there. */
  readonly bytes: number;
}

/** An archive that cannot be used, or not wholly. */
export interface DamagedArchive {
  readonly path: string;
  readonly reason: string;
}

/** The cold tier. */
export interface Archive extends AsyncDisposable {
  /** Usable batches in order of their blocks; they never overlap. */
  readonly batches: readonly ArchivedBatch[];
  /** What was found unusable since the start, by path. */
  readonly damaged: readonly DamagedArchive[];
  /** The batch that has a block of `first` to `last`, if one does. */
  overlapping(first: bigint, last: bigint): ArchivedBatch | undefined;
  /**
   * Archives a whole batch. When it resolves the batch is durable; when it rejects nothing of it is visible.
   *
   * @throws {CairnError} `STORE_WRITE_FAILED`, or what `source` threw.
   */
  put(batch: Batch, source: BlockSource): Promise<ArchivedBatch>;
  /**
   * The serialized Block exactly as it was received; `undefined` if no usable batch has it.
   *
   * @throws {CairnError} `STORE_READ_FAILED` if its batch is damaged.
   */
  read(number: bigint): Promise<Uint8Array | undefined>;
  /**
   * Reads every block of a batch back. A batch that fails is damaged from then on and no longer among `batches`.
   *
   * @throws {CairnError} `STORE_READ_FAILED`
   */
  verify(batch: ArchivedBatch): Promise<void>;
  /** Removes a batch for good. @throws {CairnError} `STORE_WRITE_FAILED` */
  remove(batch: ArchivedBatch): Promise<void>;
}
