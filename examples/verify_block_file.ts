// deno-lint-ignore-file no-console -- an example speaks to whoever ran it
/**
 * Verifies block files without a node. Files of consecutive blocks are checked as a chain.
 *
 *     deno run --no-prompt --ignore-env --allow-read --allow-env='CAIRN_*' \
 *       examples/verify_block_file.ts 3.blk
 *
 * A block file comes from `cairn blocks get 3 -o 3.blk`, or from an archive, plain or packed with gzip or zstd.
 *
 * @module
 */

import { ChainVerifier, nativeSha384, toHex, unpackBlockFile } from "../mod.ts";

let chain = new ChainVerifier({ sha384: nativeSha384 });
for (const file of Deno.args) {
  const block = unpackBlockFile(await Deno.readFile(file));
  let verdict = chain.verify(block);
  // Not the next block of this chain: begin another one with it.
  if (verdict.status === "fault" && verdict.fault.detail.check === "number") {
    chain = new ChainVerifier({ sha384: nativeSha384 });
    verdict = chain.verify(block);
  }
  if (verdict.status === "fault") {
    console.log(`${file}: refused, ${verdict.fault.type}: ${verdict.fault.message}`);
    Deno.exitCode = 1;
    continue;
  }
  const { number, level, rootHash, itemCount, proofs, link } = verdict;
  console.log(`${file}: block ${number}, ${level}, ${itemCount} items`);
  console.log(`  root hash      ${rootHash === undefined ? "unknown" : toHex(rootHash)}`);
  console.log(`  previous hash  ${toHex(verdict.previousHash)} (${link.status})`);
  console.log(`  proofs         ${proofs.map(({ kind }) => kind).join(", ")}`);
}
