/**
 * What a block proof costs to verify, kind by kind, and what one product of pairings and batches save.
 *
 *   deno bench --allow-read --allow-env bench/hiero_proofs_bench.ts
 *
 * @module
 */

import { vectorsDir } from "../tests/vectors.ts";
import { proofCases } from "./_proof_cases.ts";

const dir = vectorsDir();
for (const { group, name, count, run } of dir === undefined ? [] : proofCases(dir)) {
  const length = count > 1 ? { n: 10, warmup: 2 } : {};
  Deno.bench({ name, group, baseline: name.startsWith("one product"), ...length }, run);
}
