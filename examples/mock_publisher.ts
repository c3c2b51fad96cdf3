// deno-lint-ignore-file no-console -- an example speaks to whoever ran it
/**
 * A mock publisher: streams a generated chain to a running node and waits for every acknowledgement.
 *
 *     deno run --no-prompt --ignore-env --allow-net=127.0.0.1 --allow-env='CAIRN_*' \
 *       examples/mock_publisher.ts --to 127.0.0.1:40840 --blocks 20 --rate 10
 *
 * The chain is deterministic: where the node has its first blocks already, the publisher goes on behind them.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { BlockNodeClient, ChainGenerator, nativeSha384, publishBlocks } from "../mod.ts";

const { values } = parseArgs({
  options: {
    to: { type: "string", default: "127.0.0.1:40840" },
    blocks: { type: "string", default: "20" },
    rate: { type: "string", default: "10" },
  },
});

using client = new BlockNodeClient(values.to);
const { signal } = new AbortController();
const { lastAvailableBlock } = await client.status(signal);

const first = (lastAvailableBlock ?? -1n) + 1n;
const end = first + BigInt(values.blocks);
const chain = new ChainGenerator({ sha384: nativeSha384, items: 10, itemBytes: 200 });
while (chain.nextNumber < first) chain.next();

// A node may ask for a block again, so what is not acknowledged is kept.
const kept = new Map<bigint, Uint8Array>();
const source = {
  first,
  block(number: bigint): Uint8Array | undefined {
    if (number >= end) return undefined;
    while (chain.nextNumber <= number) {
      const { number, bytes } = chain.next();
      kept.set(number, bytes);
    }
    return kept.get(number);
  },
};

const result = await publishBlocks(client.openPublishStream(signal), source, {
  signal,
  blocksPerSecond: Number(values.rate),
  onProgress: ({ lastAcknowledged = -1n }) => {
    for (const number of kept.keys()) if (number <= lastAcknowledged) kept.delete(number);
  },
});

console.log(`${result.acknowledged} of ${values.blocks} blocks acknowledged, the last is ${end - 1n}`);
if (result.ended !== undefined) {
  console.error(`The node ended the stream: ${result.ended.status} at block ${result.ended.proximate}`);
  Deno.exitCode = 1;
}
