/**
 * `cairn blocks publish`: streams block files, or a generated chain, to a node and waits for every acknowledgement.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import { equalBytes } from "../../protocols/hiero/fault.ts";
import { ChainGenerator } from "../../protocols/hiero/generate.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { blockNumber, listBlockFiles, readBlockFile } from "../../services/blocks/block_files.ts";
import { BlockNodeClient, type NodeStatus } from "../../services/blocks/node_client.ts";
import { type BlockSource, publishBlocks, type PublishResult } from "../../services/blocks/publisher.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT } from "../exit.ts";
import { Progress } from "../progress.ts";
import {
  interruptible,
  nodeAddress,
  positiveInteger,
  positiveNumber,
  TO_HELP,
  type ToOption,
} from "./options.ts";

interface PublishCommandOptions extends ToOption {
  readonly rate?: number;
  readonly generate?: number;
  readonly items: number;
  readonly itemBytes: number;
  readonly json?: boolean;
}

/** Blocks to send, and how many. */
interface CountedSource extends BlockSource {
  readonly count: number;
  /** Those the node has already. */
  readonly alreadyThere: number;
}

type FetchBlock = (number: bigint) => Promise<Uint8Array>;

/** Adds `blocks publish`. */
export function registerPublish(blocks: Command, deps: CliDeps): void {
  blocks.command("publish")
    .description(
      "Publish block files in order of their numbers, or generated blocks, and wait for acknowledgements",
    )
    .argument("[path...]", "files, or directories of .blk, .blk.gz and .blk.zstd files")
    .option("--to <address>", TO_HELP)
    .option("--rate <blocks>", "blocks per second at most", positiveNumber)
    .option(
      "--generate <count>",
      "publish this many generated blocks after the node's last one",
      positiveInteger,
    )
    .option("--items <count>", "transactions in a generated block", positiveInteger, 10)
    .option("--item-bytes <bytes>", "bytes of each", positiveInteger, 2_000)
    .option("--json", "print the result as JSON with stable keys")
    .action(async (paths: string[], options: PublishCommandOptions, command: Command) => {
      if ((paths.length > 0) === (options.generate !== undefined)) {
        throw new CairnError("USAGE", "Cannot publish: give either paths or --generate", {
          hint: "for example: cairn blocks publish --generate 100",
        });
      }
      using client = new BlockNodeClient(await nodeAddress(options, command, deps));
      await interruptible(async (signal) => {
        const status = await client.status(signal);
        const fetchBlock: FetchBlock = (number) => client.block({ kind: "number", number }, signal);
        const source = options.generate === undefined
          ? await fileSource(paths, status, fetchBlock)
          : await generatedSource(options.generate, options, status, fetchBlock);
        report(await publish(client, source, options, signal), source, options, deps);
      });
    });
}

async function publish(
  client: BlockNodeClient,
  source: CountedSource,
  { rate }: PublishCommandOptions,
  signal: AbortSignal,
): Promise<PublishResult> {
  using progress = new Progress({ unit: "blocks", total: source.count });
  const result = await publishBlocks(client.openPublishStream(signal), source, {
    signal,
    ...(rate === undefined ? {} : { blocksPerSecond: rate }),
    onProgress: ({ acknowledged, skipped }) => progress.update(acknowledged + skipped),
  });
  progress.finish(result.acknowledged + result.skipped);
  return result;
}

function report(
  result: PublishResult,
  source: CountedSource,
  options: PublishCommandOptions,
  deps: CliDeps,
): void {
  const sorted = result.latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(3));
  const shown = {
    sent: result.sent,
    acknowledged: result.acknowledged,
    skipped: result.skipped,
    alreadyThere: source.alreadyThere,
    resent: result.resent,
    bytes: result.bytes,
    seconds: Number(result.seconds.toFixed(3)),
    lastAcknowledged: result.lastAcknowledged?.toString() ?? null,
    acknowledgeMs: { p50: at(0.5), p99: at(0.99) },
    ended: result.ended === undefined
      ? null
      : { status: result.ended.status, block: result.ended.proximate.toString() },
  };
  if (options.json) deps.out(JSON.stringify(shown));
  else {
    deps.out(
      `${shown.acknowledged} of ${source.count} blocks acknowledged in ${shown.seconds} s ` +
        `(${(result.bytes / 1e6).toFixed(2)} MB; acknowledged after ${shown.acknowledgeMs.p50} ms p50, ` +
        `${shown.acknowledgeMs.p99} ms p99); ${shown.alreadyThere} were there, ${shown.skipped} skipped`,
    );
  }
  if (shown.ended !== null) {
    deps.err(`cairn: the node ended the stream: ${shown.ended.status} at block ${shown.ended.block}`);
    deps.setExitCode(EXIT.NO);
  }
}

/**
 * What the node has already is passed over, if the last of it is the same there.
 *
 * @throws {CairnError} `USAGE` if the node has another chain, `BLOCK_NOT_FOUND` for a gap, `BLOCK_MALFORMED`.
 */
async function fileSource(
  paths: readonly string[],
  { firstAvailableBlock, lastAvailableBlock }: NodeStatus,
  fetchBlock: FetchBlock,
): Promise<CountedSource> {
  const files = new Map<bigint, string>();
  for (const file of await listBlockFiles(paths)) {
    const number = blockNumber(await readBlockFile(file));
    if (number === undefined) {
      throw new CairnError("BLOCK_MALFORMED", `Cannot publish '${file}': no block header in it`);
    }
    files.set(number, file);
  }
  const numbers = [...files.keys()].sort((a, b) => (a < b ? -1 : 1));
  const wanted = numbers.filter((number) => lastAvailableBlock === undefined || number > lastAvailableBlock);
  const there = numbers[numbers.length - wanted.length - 1];
  if (there !== undefined && there >= firstAvailableBlock!) {
    const hint = "publish these files to a node with an empty data directory";
    await requireSame(there, await readBlockFile(files.get(there)!), fetchBlock, hint);
  }
  const [first = 0n] = wanted;
  for (const [i, number] of wanted.entries()) {
    if (number === first + BigInt(i)) continue;
    throw new CairnError("BLOCK_NOT_FOUND", `Cannot publish: no file holds block ${first + BigInt(i)}`, {
      hint: `the files go on with block ${number}; publish what comes before on its own`,
    });
  }
  return {
    first,
    count: wanted.length,
    alreadyThere: numbers.length - wanted.length,
    block: async (number) => {
      const file = wanted.length === 0 ? undefined : files.get(number);
      return file === undefined ? undefined : await readBlockFile(file);
    },
  };
}

/**
 * The chain is deterministic: what the node has of it already is generated again and passed over.
 *
 * @throws {CairnError} `USAGE` if the node has another chain.
 */
async function generatedSource(
  count: number,
  { items, itemBytes }: PublishCommandOptions,
  { lastAvailableBlock }: NodeStatus,
  fetchBlock: FetchBlock,
): Promise<CountedSource> {
  const generator = new ChainGenerator({ sha384: nativeSha384, items, itemBytes, template: true });
  const first = lastAvailableBlock === undefined ? 0n : lastAvailableBlock + 1n;
  let last: Uint8Array | undefined;
  while (generator.nextNumber < first) last = generator.next().bytes;
  if (last !== undefined) {
    const hint =
      "use the --items and --item-bytes it was generated with, or a node with an empty data directory";
    await requireSame(first - 1n, last, fetchBlock, hint);
  }
  const kept = new Map<bigint, Uint8Array>();
  return {
    first,
    count,
    alreadyThere: 0,
    block(number) {
      if (number >= first + BigInt(count)) return undefined;
      while (generator.nextNumber <= number) {
        const block = generator.next();
        kept.set(block.number, block.bytes);
        // The node may ask again for what it has not acknowledged: the publisher's window, many times over.
        if (kept.size > 1_024) kept.delete(kept.keys().next().value!);
      }
      return kept.get(number);
    },
  };
}

/** @throws {CairnError} `USAGE` if the node's block is another one. */
async function requireSame(
  number: bigint,
  block: Uint8Array,
  fetchBlock: FetchBlock,
  hint: string,
): Promise<void> {
  if (equalBytes(block, await fetchBlock(number))) return;
  throw new CairnError(
    "USAGE",
    `Cannot continue the node's chain: its block ${number} is not of this chain`,
    {
      hint,
    },
  );
}
