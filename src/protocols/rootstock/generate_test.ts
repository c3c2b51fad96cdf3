import assert from "node:assert/strict";
import { networkOf } from "./_headers.ts";
import { Ancestors } from "./ancestors.ts";
import { equalBytes } from "./bytes.ts";
import { ChainGenerator, generateChain, toFullHeader } from "./generate.ts";
import { decodeHeader } from "./header_codec.ts";
import { hashHeader, hashUncles } from "./header_hash.ts";
import { REGTEST } from "./networks/regtest.ts";
import { Prng } from "./prng.ts";
import { verifySegment } from "./verify_segment.ts";

const hexOf = (chain: readonly { header: Uint8Array }[]) => chain.map(({ header }) => header.toHex());

Deno.test("generateChain() makes the same chain of the same seed, and another of another", () => {
  const options = { network: REGTEST, count: 30, unclesOf: (number: number) => number % 3, wander: true };
  const [one, again] = [generateChain(options), generateChain(options)];
  assert.deepEqual(hexOf(one), hexOf(again));
  const other = generateChain({ ...options, seed: 2 });
  assert.ok(other.every(({ hash }, i) => !equalBytes(hash, one[i]!.hash)));
});

Deno.test("ChainGenerator.fork() goes on from the tip, and neither disturbs the other", () => {
  const alone = generateChain({ network: REGTEST, count: 20 });
  const trunk = new ChainGenerator({ network: REGTEST });
  const blocks = Array.from({ length: 10 }, () => trunk.next());
  const branch = trunk.fork({ seed: 5, unclesOf: () => 1 });
  const side = Array.from({ length: 10 }, () => branch.next());
  blocks.push(...Array.from({ length: 10 }, () => trunk.next()));
  assert.deepEqual(hexOf(blocks), hexOf(alone));
  assert.ok(
    equalBytes(
      decodeHeader(side[0]!.header, { network: REGTEST, form: "compressed" }).parentHash,
      blocks[9]!.hash,
    ),
  );
  const ancestors = Ancestors.genesis(REGTEST);
  const headers = [...blocks.slice(0, 10), ...side].map(({ header }) => header);
  assert.ok(verifySegment(ancestors, headers, { network: REGTEST, nowSeconds: 0 }).valid);
  assert.deepEqual(ancestors.encode(), branch.ancestors.encode());
  assert.equal(side.reduce((sum, { uncleDifficulty }) => sum + uncleDifficulty, 0n), 10n);
});

Deno.test("generateChain() commits to its uncles, and chooses times and sizes as told", () => {
  for (const version of [0, 2] as const) {
    const network = networkOf(version);
    const secondsTo = (number: number) => 5 + number % 3;
    const [shallow] = generateChain({ network, count: 1, extraDataBytes: 32 });
    const chain = generateChain({ network, count: 9, unclesOf: () => 2, secondsTo, merkleDepth: 12 });
    let timestamp: number | undefined;
    for (const { number, header, uncles, hash } of chain) {
      const decoded = decodeHeader(header, { network, form: "compressed" });
      const full = decodeHeader(toFullHeader(header, network), { network, form: "full" });
      assert.deepEqual(hashHeader(full, network).hash, hash);
      assert.equal(uncles.length, number === 1 ? 0 : 2);
      const list = uncles.map((uncle) => decodeHeader(uncle, { network, form: "full" }));
      assert.deepEqual(hashUncles(list), decoded.unclesHash);
      if (timestamp !== undefined) assert.equal(decoded.timestamp - timestamp, secondsTo(number));
      timestamp = decoded.timestamp;
      assert.equal(decoded.bitcoinMergedMiningMerkleProof!.length, 12 * 32);
    }
    assert.equal(decodeHeader(shallow!.header, { network, form: "compressed" }).extraData.length, 32);
  }
});

Deno.test("Prng gives the same bytes for a seed, whatever the pieces, and spreads them", () => {
  const [a, b] = [new Prng(1), new Prng(1)];
  assert.deepEqual(a.bytes(64), new Uint8Array([...b.bytes(32), ...b.bytes(32)]));
  assert.notDeepEqual(new Prng(1).bytes(16), new Prng(2).bytes(16));
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[a.below(10)]++;
  assert.ok(counts.every((count) => count > 850 && count < 1150), counts.join());
});
