/**
 * A store with blocks, an archive in a directory of its own and what moves between them, for tests.
 *
 * Layer: services. Not imported by the node.
 *
 * @module
 */

import { RecordingLog } from "../../kernel/_testing.ts";
import { MetricScope } from "../../kernel/metrics.ts";
import { encodeChainHead } from "../../protocols/hiero/chain.ts";
import { BrittleEngine, makeChain } from "./_testing.ts";
import { createTierMetrics, type TierMetrics } from "./archive_metrics.ts";
import { ArchiveMover, type MoverOptions } from "./archive_mover.ts";
import { DirectoryArchive } from "./directory_archive.ts";
import { BlockStore, type StoredBlock } from "./store.ts";

/** Blocks as they come from verification, with records and chain states that name nothing but the number. */
export function asStored(chain: readonly Uint8Array[], first = 0n): StoredBlock[] {
  return chain.map((block, i) => {
    const number = first + BigInt(i);
    return {
      number,
      block,
      record: {
        rootHash: undefined,
        previousHash: "",
        rule: "16-leaf",
        level: "hash-verified",
        hapiVersion: "0.78.0",
        items: 0,
        bytes: block.length,
        proofs: [],
      },
      chainState: encodeChainHead({ number, hapiVersion: "0.78.0", roots: [] }),
    };
  });
}

/** Two tiers. */
export interface TiersFixture extends AsyncDisposable {
  readonly root: string;
  readonly chain: readonly Uint8Array[];
  readonly engine: BrittleEngine;
  readonly store: BlockStore;
  readonly archive: DirectoryArchive;
  readonly log: RecordingLog;
  readonly metrics: TierMetrics;
  /** A mover of archives of ten blocks, that tries again at once. */
  mover(options?: Partial<MoverOptions>): ArchiveMover;
  /** Store and archive as a restart finds them. */
  reopen(): Promise<{ readonly store: BlockStore; readonly archive: DirectoryArchive }>;
}

/** Opens two tiers with the first `count` blocks of a chain, but for those below `first`, in the hot one. */
export async function openTiers(count: number, first = 0): Promise<TiersFixture> {
  const root = await Deno.makeTempDir({ prefix: "cairn-historic-" });
  const engine = new BrittleEngine();
  const log = new RecordingLog();
  const chain = makeChain(count);
  const closing = new AsyncDisposableStack();
  closing.defer(() => Deno.remove(root, { recursive: true }));
  closing.use(engine);
  await (await BlockStore.open(engine)).append(asStored(chain.slice(first), BigInt(first)));
  const open = async () => {
    const store = await BlockStore.open(engine);
    const archive = closing.use(await DirectoryArchive.open({ root, lastBlock: store.last, log }));
    await store.attach(archive);
    return { store, archive };
  };
  const { store, archive } = await open();
  const metrics = createTierMetrics(new MetricScope(), {
    hotBlocks: () => 0,
    missing: () => 0,
    archived: () => ({ zips: 0, blocks: 0, bytes: 0, damaged: 0 }),
  });
  return {
    root,
    chain,
    engine,
    store,
    archive,
    log,
    metrics,
    mover: (options = {}) =>
      closing.use(
        new ArchiveMover({
          powersOfTenPerZipFileContents: 1,
          hotBlocks: 0,
          archives: 0,
          maxBytesPerSecond: 0,
          retryMs: 1,
          ...options,
        }, { store, archive, metrics, log }),
      ),
    reopen: open,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
