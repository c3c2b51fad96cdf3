/**
 * What it costs to hash and verify Hiero blocks, and which SHA-384 to use for it.
 *
 *   deno bench --allow-read --allow-env bench/hiero_bench.ts
 *
 * @module
 */

import { createHash, hash } from "node:crypto";
import { sha384 as nobleSha384 } from "@noble/hashes/sha2.js";
import { unpackBlockFile } from "../src/protocols/hiero/block_file.ts";
import { ChainVerifier } from "../src/protocols/hiero/chain.ts";
import { ChainGenerator } from "../src/protocols/hiero/generate.ts";
import type { Sha384 } from "../src/protocols/hiero/merkle.ts";
import { nativeSha384 } from "../src/protocols/hiero/native_sha384.ts";
import { encodeItemsRequest, parsePublishRequest } from "../src/protocols/hiero/publish_messages.ts";
import { BlockVerifier } from "../src/protocols/hiero/verify.ts";
import { vectorsDir } from "../tests/vectors.ts";

const IMPLEMENTATIONS: readonly (readonly [string, Sha384])[] = [
  ["hash() as hex, decoded in place (used)", nativeSha384],
  ["hash() as Buffer", (input, out) => out.set(hash("sha384", input, "buffer"))],
  [
    "createHash() as hex",
    (input, out) => void out.setFromHex(createHash("sha384").update(input).digest("hex")),
  ],
  ["createHash() as Buffer", (input, out) => out.set(createHash("sha384").update(input).digest())],
  ["@noble/hashes", (input, out) => out.set(nobleSha384(input))],
];

/** A Merkle node, a typical small item, the item size of the load test, a large state change. */
for (const bytes of [97, 300, 2_000, 16_384]) {
  const input = new Uint8Array(bytes).fill(7);
  const out = new Uint8Array(48);
  for (const [name, sha384] of IMPLEMENTATIONS) {
    const isUsed = sha384 === nativeSha384;
    Deno.bench({ name, group: `SHA-384 of ${bytes} bytes`, baseline: isUsed }, () => sha384(input, out));
  }
}

const small = new ChainGenerator({ sha384: nativeSha384, items: 10, itemBytes: 2_000 }).next().bytes;
const verifier = new BlockVerifier(nativeSha384);

Deno.bench({ name: "10 items of 2 kB", group: "verify one block", baseline: true }, () => {
  if (verifier.verify(small, { ownsBytes: true }).status !== "ok") throw new Error("expected ok");
});

const dir = vectorsDir();
if (dir !== undefined) {
  for (const name of ["0", "1", "5"]) {
    const file = `${dir}/block-node/CN_11_12_TSS_SCHNORR/${name}.blk.gz`;
    const block = unpackBlockFile(Deno.readFileSync(file));
    Deno.bench({ name: `real block ${name}, ${block.length} bytes`, group: "verify one block" }, () => {
      if (verifier.verify(block, { ownsBytes: true }).status !== "ok") throw new Error("expected ok");
    });
  }
}

const chain = Array.from(
  { length: 200 },
  ((source) => () => source.next().bytes)(
    new ChainGenerator({ sha384: nativeSha384, template: true }),
  ),
);
Deno.bench(
  { name: "200 blocks of 10 items of 2 kB", group: "verify a chain with links and all-blocks tree" },
  () => {
    const verifier = new ChainVerifier({ sha384: nativeSha384 });
    for (const block of chain) {
      if (verifier.verify(block, true).status !== "ok") {
        throw new Error("expected ok");
      }
    }
  },
);

const request = encodeItemsRequest(small);
Deno.bench({ name: "request of 12 items, 23 kB", group: "parse a publish request" }, () => {
  if (parsePublishRequest(request).kind !== "items") throw new Error("expected items");
});

for (const template of [true, false]) {
  const generator = new ChainGenerator({ sha384: nativeSha384, template });
  Deno.bench(
    { name: template ? "template" : "fresh payloads", group: "generate a block of 10 × 2 kB" },
    () => {
      generator.next();
    },
  );
}
