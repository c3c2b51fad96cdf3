// deno-lint-ignore-file no-console -- an example speaks to whoever ran it
/**
 * Follows a node: polls its status, fetches each new block and checks it against the one before.
 *
 *     deno run --no-prompt --ignore-env --allow-net=127.0.0.1 --allow-env='CAIRN_*' \
 *       examples/follow_blocks.ts --at 127.0.0.1:40840 --until 19
 *
 * Without `--until` it follows until Ctrl-C. It trusts the node's first block and nothing after it: a block that
 * does not continue the chain ends the program.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { BlockNodeClient, ChainVerifier, nativeSha384, toHex } from "../mod.ts";

/** Well below a network's block interval of about 2 s. */
const POLL_INTERVAL_MS = 200;

const { values } = parseArgs({
  options: {
    at: { type: "string", default: "127.0.0.1:40840" },
    until: { type: "string" },
  },
});
const until = values.until === undefined ? undefined : BigInt(values.until);

using client = new BlockNodeClient(values.at);
const { signal } = new AbortController();
const chain = new ChainVerifier({ sha384: nativeSha384 });

let next: bigint | undefined;
while (until === undefined || (next ?? 0n) <= until) {
  const { firstAvailableBlock, lastAvailableBlock } = await client.status(signal);
  next ??= firstAvailableBlock;
  if (next === undefined || lastAvailableBlock === undefined || next > lastAvailableBlock) {
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    continue;
  }
  const verdict = chain.verify(await client.block({ kind: "number", number: next }, signal));
  if (verdict.status === "fault") {
    console.error(`Block ${next} does not continue the chain: ${verdict.fault.message}`);
    Deno.exit(1);
  }
  const root = verdict.rootHash === undefined ? "unknown" : toHex(verdict.rootHash).slice(0, 16);
  console.log(
    `block ${verdict.number}: ${verdict.itemCount} items, root ${root}…, link ${verdict.link.status}`,
  );
  next++;
}
