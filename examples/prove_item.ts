// deno-lint-ignore-file no-console -- an example speaks to whoever ran it
/**
 * Asks a node to prove that an item is part of a block, and checks the proof against a root from elsewhere: the node
 * need not be trusted, and the block need not be downloaded.
 *
 *     deno run --no-prompt --ignore-env --allow-net=127.0.0.1 --allow-env='CAIRN_*' \
 *       examples/prove_item.ts --at 127.0.0.1:40840 --block 3 --item 5 --root HASH
 *
 * HASH is the block's root hash in hexadecimal, from a source you trust.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { BlockNodeClient, nativeSha384, toHex, verifyContentsProof } from "../mod.ts";

const { values } = parseArgs({
  options: {
    at: { type: "string", default: "127.0.0.1:40840" },
    block: { type: "string", default: "0" },
    item: { type: "string", default: "0" },
    root: { type: "string", default: "" },
  },
});

using client = new BlockNodeClient(values.at);
const item = { kind: "index", index: Number(values.item) } as const;
const proof = await client.contentsProof(BigInt(values.block), item, AbortSignal.timeout(30_000));
const verdict = verifyContentsProof(proof, nativeSha384, Uint8Array.fromHex(values.root));
if (verdict.status === "fault") {
  console.log(`refused, ${verdict.fault.detail.check}: ${verdict.fault.message}`);
  Deno.exitCode = 1;
} else {
  console.log(`a ${verdict.kind} of ${proof.item.length} bytes is part of block ${values.block}`);
  console.log(`  ${proof.siblings.length} hashes lead to root ${toHex(verdict.rootHash).slice(0, 16)}…`);
}
