import assert from "node:assert/strict";
import { vectorTest } from "../../../tests/vectors.ts";
import { readVectors } from "./_vectors.ts";
import { type ChainHead, chooseChain } from "./fork_choice.ts";
import { addBlock, exactly, lowerBound, type TotalDifficulty } from "./total_difficulty.ts";

const head = (total: bigint, paidFees = 0n, byte = 1): ChainHead => ({
  hash: new Uint8Array(32).fill(byte),
  totalDifficulty: exactly(total),
  paidFees,
});
const isBetter = (candidate: ChainHead, best: ChainHead) => chooseChain(candidate, best).isBetter;

Deno.test("chooseChain() takes more work, whatever is paid", () => {
  assert.ok(isBetter(head(11n), head(10n, 100n, 0)));
  assert.ok(!isBetter(head(9n, 100n, 0), head(10n)));
});

Deno.test("chooseChain() takes more than twice the fees where work is equal", () => {
  assert.ok(isBetter(head(10n, 21n, 9), head(10n, 10n)));
  assert.ok(!isBetter(head(10n, 20n, 9), head(10n, 10n)));
});

Deno.test("chooseChain() takes the smaller hash, if its block is paid more than half as much", () => {
  assert.ok(isBetter(head(10n, 10n, 1), head(10n, 10n, 2)));
  assert.ok(!isBetter(head(10n, 10n, 2), head(10n, 10n, 1)));
  assert.ok(isBetter(head(10n, 6n, 1), head(10n, 11n, 2)));
  assert.ok(!isBetter(head(10n, 5n, 1), head(10n, 10n, 2)));
  // Bytes are unsigned, and unpaid blocks stay as they came.
  assert.ok(isBetter(head(10n, 10n, 0x7f), head(10n, 10n, 0x80)));
  assert.ok(!isBetter(head(10n, 0n, 1), head(10n, 0n, 2)));
  assert.ok(!isBetter(head(10n, 3n), head(10n, 3n)));
});

Deno.test("chooseChain() is certain only of chains whose uncles are all known", () => {
  const bound: ChainHead = { ...head(0n), totalDifficulty: { kind: "at-least", atLeast: 12n } };
  assert.deepEqual(chooseChain(bound, head(10n)), { isBetter: true, isCertain: false });
  assert.deepEqual(chooseChain(head(10n), bound), { isBetter: false, isCertain: false });
  assert.deepEqual(chooseChain(head(11n), head(10n)), { isBetter: true, isCertain: true });
});

vectorTest("difficulty-total: addBlock() gives the totals of real blocks", async (dir) => {
  for (const vector of await readVectors(dir, "difficulty-total")) {
    const { id, blockDifficulty, expectedTotalDifficulty, computed } = vector;
    const parent = exactly(BigInt(vector.parentTotalDifficulty ?? computed.parentTotalDifficulty));
    const uncles = vector.uncleDifficulties ?? [computed.sumOfUncleDifficulties];
    const total = addBlock(parent, BigInt(blockDifficulty), uncles.map(BigInt));
    assert.deepEqual(total, exactly(BigInt(expectedTotalDifficulty)), id);
    const bound = addBlock(parent, BigInt(blockDifficulty), undefined);
    assert.equal(bound.kind, "at-least");
    assert.ok(lowerBound(bound) <= BigInt(expectedTotalDifficulty));
  }
});

Deno.test("addBlock() stays a bound once one block's uncles are not known", () => {
  let total: TotalDifficulty = exactly(5n);
  total = addBlock(total, 10n, [3n, 4n]);
  assert.deepEqual(total, exactly(22n));
  total = addBlock(total, 10n, undefined);
  assert.deepEqual(total, { kind: "at-least", atLeast: 32n });
  assert.deepEqual(addBlock(total, 1n, [1n]), { kind: "at-least", atLeast: 34n });
});
