/**
 * `deno bench` of merged mining: double hashes of bitcoin headers, proofs of work, whole Rootstock headers.
 *
 * Batches are of 192, a reply of header sync; times are of the whole batch. Proofs are of the least difficulty: what
 * a proof costs depends on the depth of its Merkle branch only.
 *
 * @module
 */

import { makeProof } from "../src/hot/_auxpow_proof.ts";
import { makeHeader, RULES } from "../src/hot/_header_reference.ts";
import { KernelRig } from "../src/hot/_kernel_rig.ts";
import { auxPowFlags, verifyAuxPow } from "../src/hot/auxpow.ts";
import { checkHeaders, headerFlags } from "../src/hot/header.ts";
import { AUXPOW_OUT_BYTES, HEADER_OUT_BYTES } from "../wasm/layout.ts";

const BATCH = 192;
const DEPTH = 12;

const range = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

const proofs = {
  alone: [makeProof({ forkData: true })],
  deep: [makeProof({ forkData: true, depth: DEPTH })],
  batch: range(BATCH, () => makeProof({ forkData: true, depth: DEPTH })),
};
const headers = range(BATCH, () => ({ bytes: makeHeader(RULES, { depth: DEPTH }).bytes, rules: RULES }));

for (const build of ["simd", "scalar"] as const) {
  const rig = await KernelRig.create(build, 1 << 22);
  const { kernels } = rig.hot;
  const rowsOf = (group: keyof typeof proofs) =>
    rig.putWords(proofs[group].flatMap((proof) => {
      const parts = [proof.difficulty, proof.btcHeader, proof.merkleProof!, proof.coinbase];
      const pairs = parts.flatMap((part) => [rig.put(part), part.length]);
      return [auxPowFlags(proof.rules), rig.put(proof.hash), ...pairs, rig.room(AUXPOW_OUT_BYTES, 8), 0];
    }));

  const hashRows = rig.putWords(
    proofs.batch.flatMap(({ btcHeader }) => [rig.put(btcHeader), 80, rig.room(32), 0]),
  );
  Deno.bench(`sha256dBatch, ${BATCH} headers of 80 bytes (${build})`, { group: "sha256d" }, () => {
    kernels.sha256dBatch(hashRows, BATCH);
  });

  const alone = rowsOf("alone");
  Deno.bench(`auxpowVerify, depth 0 (${build})`, { group: "auxpow" }, () => void kernels.auxpowVerify(alone));
  const deep = rowsOf("deep");
  Deno.bench(
    `auxpowVerify, depth ${DEPTH} (${build})`,
    { group: "auxpow" },
    () => void kernels.auxpowVerify(deep),
  );
  const batch = rowsOf("batch");
  Deno.bench(`auxpowBatch, ${BATCH} proofs of depth ${DEPTH} (${build})`, { group: "auxpow batch" }, () => {
    kernels.auxpowBatch(batch, BATCH);
  });

  const headerRows = rig.putWords(
    headers.flatMap(({ bytes }) => [
      rig.put(bytes),
      bytes.length,
      headerFlags(RULES),
      rig.room(HEADER_OUT_BYTES, 8),
    ]),
  );
  Deno.bench(`headerBatch, ${BATCH} headers of depth ${DEPTH} (${build})`, { group: "headers" }, () => {
    kernels.headerBatch(headerRows, BATCH);
  });
}

Deno.bench(`verifyAuxPow, depth ${DEPTH}, from ordinary bytes`, { group: "auxpow" }, () => {
  verifyAuxPow(proofs.deep[0]!);
});
Deno.bench(
  `checkHeaders, ${BATCH} headers of depth ${DEPTH}, from ordinary bytes`,
  { group: "headers" },
  () => {
    checkHeaders(headers);
  },
);
