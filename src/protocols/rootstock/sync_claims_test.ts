import assert from "node:assert/strict";
import { isAboveGrowth, weightCeiling } from "./sync_claims.ts";

const RULES = { divisorFrom: () => 400n, minimumFrom: () => 1_000n };

function from(difficulty: bigint) {
  return { number: 100, difficulty, totalDifficultyCeiling: 1_000_000n };
}

Deno.test("isAboveGrowth() allows ten uncles of the greatest weight to every block, and not one unit more", () => {
  // Two blocks: 4000 to 4010 to 4020, each with ten uncles of six fifths and one.
  const most = 1_000_000n + weightCeiling(4_010n) + weightCeiling(4_020n);
  assert.equal(weightCeiling(4_010n), 4_010n + 10n * 4_813n);
  assert.equal(isAboveGrowth(most, from(4_000n), 2, RULES), false);
  assert.equal(isAboveGrowth(most + 1n, from(4_000n), 2, RULES), true);
});

Deno.test("isAboveGrowth() lets difficulty rise to the minimum in force", () => {
  assert.equal(isAboveGrowth(1_000_000n + weightCeiling(1_000n), from(1n), 1, RULES), false);
});

Deno.test("isAboveGrowth() says nothing of a claim that is no more than what is verified", () => {
  assert.equal(isAboveGrowth(1_000_000n, from(4_000n), 0, RULES), false);
  assert.equal(isAboveGrowth(1_000_001n, from(4_000n), 0, RULES), true);
});

Deno.test("isAboveGrowth() bounds far chains loosely, and chains that cannot grow for ever", () => {
  const far = 10n ** 9n;
  assert.equal(isAboveGrowth(far * far, from(4_000n), 9_000_000, RULES), false);
  // A difficulty below the divisor does not grow: regtest's is 1.
  const still = { divisorFrom: () => 2_048n, minimumFrom: () => 1n };
  const blocks = 1_000_000;
  const most = 1_000_000n + BigInt(blocks) * weightCeiling(1n);
  assert.equal(isAboveGrowth(most, from(1n), blocks, still), false);
  assert.equal(isAboveGrowth(most + 1n, from(1n), blocks, still), true);
  const near = isAboveGrowth(far ** 20n, from(4_000n), 5_000, RULES);
  assert.equal(near, true);
});
