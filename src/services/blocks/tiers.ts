/**
 * Puts the two tiers together: the archive below the store, the mover between them, their metrics.
 *
 * Layer: services.
 *
 * @module
 */

import type { Logger } from "../../kernel/log.ts";
import type { MetricScope } from "../../kernel/metrics.ts";
import type { Archive } from "./archive.ts";
import { createTierMetrics, type TierMetrics } from "./archive_metrics.ts";
import { ArchiveMover } from "./archive_mover.ts";
import type { BlocksConfig } from "./config.ts";
import { DirectoryArchive } from "./directory_archive.ts";
import type { BlockRange } from "./ranges.ts";
import type { BlockStore } from "./store.ts";

/** Time for the mover to give up what it does at a stop, in milliseconds; then its Worker is ended. */
const STOP_MS = 1_000;

/** What {@link Tiers.open} needs. */
export interface TiersDeps {
  readonly store: BlockStore;
  /** Root of the archives; absent where nothing is kept on disk. */
  readonly directory: string | undefined;
  readonly metrics: MetricScope;
  readonly log: Logger;
}

/** The cold tier and what moves blocks there. */
export class Tiers implements AsyncDisposable {
  readonly #archive: Archive | undefined;
  readonly #store: BlockStore;
  #mover: ArchiveMover | undefined;

  private constructor(archive: Archive | undefined, store: BlockStore) {
    this.#archive = archive;
    this.#store = store;
  }

  /** Finds the archives, lets the store read from them and, if so configured, starts to archive. */
  static async open(
    { recent, historic }: Pick<BlocksConfig, "recent" | "historic">,
    { store, directory: root, metrics: scope, log }: TiersDeps,
  ): Promise<Tiers> {
    const archive = root === undefined
      ? undefined
      : await DirectoryArchive.open({ root, lastBlock: store.last, log: log.child("historic") });
    const metrics = createTierMetrics(scope, {
      hotBlocks: () => count(store.hot),
      missing: () => count(store.holes()),
      archived: () => totals(archive),
    });
    const tiers = new Tiers(archive, store);
    if (archive === undefined) return tiers;
    await store.attach(counted(archive, metrics));
    for (const { first, last } of store.holes()) log.error("Blocks are missing", { first, last });
    if (historic.enabled) {
      archive.prepare();
      tiers.#mover = new ArchiveMover({
        powersOfTenPerZipFileContents: historic.powersOfTenPerZipFileContents,
        hotBlocks: recent.blockRetentionThreshold,
        archives: historic.blockRetentionThreshold,
        maxBytesPerSecond: historic.maxBytesPerSecond,
      }, { store, archive, metrics, log: log.child("historic") });
    } else if (recent.blockRetentionThreshold > 0) {
      log.warn("blocks.recent.blockRetentionThreshold does not apply: blocks.historic.enabled is false");
    }
    return tiers;
  }

  /** Blocks were stored. */
  notify(): void {
    this.#mover?.notify();
  }

  /** What an operator should know although the node is ready; undefined if all is well. */
  get note(): string | undefined {
    const damaged = this.#archive?.damaged ?? [];
    const notes: string[] = [];
    if (damaged.length > 0) {
      const [{ path, reason }] = damaged as [typeof damaged[number]];
      const others = damaged.length === 1 ? "" : ` and ${damaged.length - 1} more`;
      notes.push(`archives are damaged: ${path} (${reason})${others}`);
    }
    const holes = this.#store.holes();
    if (holes.length > 0) {
      const others = holes.length === 1 ? "" : ` and ${holes.length - 1} more ranges`;
      notes.push(`blocks ${holes[0]!.first} to ${holes[0]!.last}${others} are missing`);
    }
    if (this.#mover?.failure !== undefined) notes.push(`archiving fails: ${this.#mover.failure}`);
    return notes.length === 0 ? undefined : notes.join("; ");
  }

  /** Facts for `/statusz`. */
  status(): Readonly<Record<string, unknown>> {
    return { ...totals(this.#archive), damaged: this.#archive?.damaged ?? [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, STOP_MS));
    const stopped = this.#mover?.[Symbol.asyncDispose]();
    await Promise.race([stopped, late]);
    clearTimeout(timer);
    await this.#archive?.[Symbol.asyncDispose]();
    await stopped;
  }
}

function count(ranges: readonly BlockRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + Number(last - first) + 1, 0);
}

function totals(archive: Archive | undefined) {
  const { batches = [], damaged = [] } = archive ?? {};
  return {
    zips: batches.length,
    blocks: batches.reduce((sum, { count }) => sum + count, 0),
    bytes: batches.reduce((sum, { bytes }) => sum + bytes, 0),
    damaged: damaged.length,
  };
}

/** The archive as the store reads it, counted. */
function counted(archive: Archive, { historicRead }: TierMetrics): Pick<Archive, "batches" | "read"> {
  return {
    get batches() {
      return archive.batches;
    },
    async read(number) {
      try {
        const block = await archive.read(number);
        if (block !== undefined) historicRead.inc({ result: "ok" });
        return block;
      } catch (error) {
        historicRead.inc({ result: "failed" });
        throw error;
      }
    },
  };
}
