import assert from "node:assert/strict";
import { ChainVerifier } from "./chain.ts";
import { ChainGenerator } from "./generate.ts";
import { nativeSha384 } from "./native_sha384.ts";
import type { VerifiedBlock } from "./verdict.ts";

for (const template of [false, true]) {
  Deno.test(`ChainGenerator makes blocks that verify as one chain (template: ${template})`, () => {
    const generator = new ChainGenerator({ sha384: nativeSha384, items: 5, itemBytes: 300, template });
    const chain = new ChainVerifier({ sha384: nativeSha384 });
    for (let number = 0n; number < 40n; number++) {
      assert.equal(generator.nextNumber, number);
      const block = generator.next();
      const verdict = chain.verify(block.bytes) as VerifiedBlock;
      assert.equal(verdict.status, "ok");
      assert.equal(verdict.number, number);
      assert.equal(block.number, number);
      assert.deepEqual(verdict.rootHash, block.rootHash);
      assert.equal(verdict.link.status, number === 0n ? "unchecked" : "confirmed");
      assert.equal(chain.head?.earlierRoots?.count, Number(number));
      assert.deepEqual(verdict.itemCounts, {
        block_header: 1,
        signed_transaction: 5,
        block_footer: 1,
        block_proof: 1,
      });
    }
  });
}

Deno.test("ChainGenerator is deterministic, and a seed changes the payloads", () => {
  const third = (seed: number) => {
    const generator = new ChainGenerator({ sha384: nativeSha384, items: 2, itemBytes: 64, seed });
    generator.next();
    generator.next();
    return generator.next();
  };
  assert.deepEqual(third(5), third(5));
  assert.notDeepEqual(third(5).rootHash, third(6).rootHash);
});

for (const template of [false, true]) {
  Deno.test(`ChainGenerator goes on from a state as if it had made all blocks before (template: ${template})`, () => {
    const options = { sha384: nativeSha384, items: 2, itemBytes: 64, template };
    const whole = new ChainGenerator(options);
    for (let i = 0; i < 7; i++) whole.next();
    const from = whole.state();
    const rest = new ChainGenerator({ ...options, from });
    assert.equal(rest.nextNumber, 7n);
    for (let i = 0; i < 5; i++) assert.deepEqual(rest.next(), whole.next());
    // The state is a copy: what was made since did not change it.
    assert.deepEqual(new ChainGenerator({ ...options, from }).state(), from);
  });
}

Deno.test("ChainGenerator meets the asked size and moves the clock", () => {
  const generator = new ChainGenerator({
    sha384: nativeSha384,
    items: 10,
    itemBytes: 2_000,
    startSeconds: 100n,
  });
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  const sizes: number[] = [];
  const seconds: bigint[] = [];
  for (let i = 0; i < 3; i++) {
    const verdict = chain.verify(generator.next().bytes) as VerifiedBlock;
    sizes.push(verdict.bytes);
    seconds.push(verdict.timestamp.seconds);
  }
  for (const size of sizes) assert.ok(size > 20_000 + 2_920 && size < 20_000 + 2_920 + 400, `size ${size}`);
  assert.deepEqual(seconds, [100n, 102n, 104n]);
});
