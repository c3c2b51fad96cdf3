/**
 * What the message chain costs: JSON of blocks, signatures of leaders, signatures of gossip, three nodes that gossip.
 *
 * @module
 */

import { generateKeyPair } from "@libp2p/crypto/keys";
import { eventually, NEVER, startMesh, testNode } from "../src/p2p/_testing.ts";
import { keepNativeKeys } from "../src/p2p/key_cache.ts";
import { LEADER_KEY, nextBlock, TEST_RULES, testChain, testMessage } from "../src/protocols/kimura/_chain.ts";
import { GENESIS, sealDigest } from "../src/protocols/kimura/block.ts";
import { checkChain } from "../src/protocols/kimura/check_chain.ts";
import { blockFromJson, blockToJson } from "../src/protocols/kimura/json.ts";
import { verifySignature } from "../src/protocols/kimura/keys.ts";
import { tipOf } from "../src/protocols/kimura/rules.ts";

const ids = Array.from({ length: 1_900 }, () => crypto.getRandomValues(new Uint8Array(32)));
const large = { ...nextBlock(tipOf(GENESIS)).block, messageIds: ids };
const json = new TextEncoder().encode(blockToJson(large));

Deno.bench({
  name: "own reader, bounds checked (used)",
  group: "JSON of a block with 1,900 ids",
  baseline: true,
}, () => {
  blockFromJson(json, json.length);
});
Deno.bench({ name: "JSON.parse alone, nothing checked", group: "JSON of a block with 1,900 ids" }, () => {
  JSON.parse(new TextDecoder().decode(json));
});

const { block } = nextBlock(tipOf(GENESIS));
const digest = sealDigest(block, undefined);
const { publicKey, signature } = block.seal!;
Deno.bench({
  name: "table of the leader's key (used)",
  group: "secp256k1 signature of a leader",
  baseline: true,
}, () => {
  LEADER_KEY.verify(signature, digest);
});
Deno.bench({ name: "@noble/curves verify", group: "secp256k1 signature of a leader" }, () => {
  verifySignature(signature, digest, publicKey);
});

// Eight authors: what the library does with a key's bytes depends on which they are.
const data = crypto.getRandomValues(new Uint8Array(400));
const authors = await Promise.all(Array.from({ length: 8 }, async () => {
  const key = await generateKeyPair("Ed25519");
  return { key, raw: key.publicKey.raw, signed: await key.sign(data) };
}));
const { verify } = Object.getPrototypeOf(authors[0]!.key.publicKey);
for (const { key } of authors) keepNativeKeys(key);
Deno.bench({ name: "the library's: a key for each", group: "8 Ed25519 signatures of gossip" }, () => {
  for (const { raw, signed } of authors) verify.call({ raw }, data, signed);
});
Deno.bench({ name: "kept keys (used)", group: "8 Ed25519 signatures of gossip", baseline: true }, () => {
  for (const { key, signed } of authors) void key.publicKey.verify(data, signed);
});

const chain = testChain(64, (height) => [testMessage(1, height - 1)]);
const state = {
  tip: tipOf(GENESIS),
  rules: TEST_RULES,
  nowSeconds: 2_000_000_000n,
  lastNonce: () => undefined,
};
Deno.bench({ name: "64 blocks with a message each, known messages", group: "check of a batch" }, () => {
  if (checkChain(chain, state).count !== 64) throw new Error("expected valid blocks");
});

const TOPIC = "kimura/messages/1.0.0";
const MESSAGES = 500;
Deno.bench({
  name: "500 signed messages of 256 bytes, to two others, one thread",
  group: "gossip of three nodes",
  n: 10,
}, async (b) => {
  await using stack = new AsyncDisposableStack();
  const nodes = Array.from({ length: 3 }, () => stack.use(testNode({ heartbeatMs: 1_000 })).node);
  const got = [0, 0, 0];
  for (const [i, node] of nodes.entries()) {
    node.subscribe(TOPIC, () => {
      got[i]!++;
      return "accept";
    });
  }
  await startMesh(nodes, TOPIC);
  await nodes[1]!.dial(nodes[2]!.addresses[0]!, NEVER);
  // The mesh forms with the next heartbeats.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  b.start();
  const sent = Array.from(
    { length: MESSAGES },
    () => nodes[0]!.publish(TOPIC, crypto.getRandomValues(new Uint8Array(256))),
  );
  await Promise.all(sent);
  await eventually(() => got[1]! >= MESSAGES && got[2]! >= MESSAGES, "every message");
  b.end();
});
