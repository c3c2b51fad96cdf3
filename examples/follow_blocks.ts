// deno-lint-ignore-file no-console -- an example speaks to whoever ran it
/**
 * Follows a node: subscribes to its blocks and checks each against the one before.
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

/** Time between looks at a node that has no block yet: it takes subscriptions from block N on only once it has one. */
const LOOK_INTERVAL_MS = 200;

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

let first: bigint | undefined;
while ((first = (await client.status(signal)).firstAvailableBlock) === undefined) {
  await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
}
for await (
  const { number, bytes } of client.subscribe({ first, ...(until !== undefined && { last: until }) }, signal)
) {
  const verdict = chain.verify(bytes);
  if (verdict.status === "fault") {
    console.error(`Block ${number} does not continue the chain: ${verdict.fault.message}`);
    Deno.exit(1);
  }
  const root = verdict.rootHash === undefined ? "unknown" : toHex(verdict.rootHash).slice(0, 16);
  console.log(`block ${number}: ${verdict.itemCount} items, root ${root}…, link ${verdict.link.status}`);
}
