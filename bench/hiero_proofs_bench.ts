/**
 * What a block proof costs to verify, kind by kind, and what one product of pairings and batches save.
 *
 *   deno bench --allow-read --allow-env bench/hiero_proofs_bench.ts
 *
 * @module
 */

import { readProofParts } from "../src/protocols/hiero/proofs/proof_parts.ts";
import { nativeSha384 } from "../src/protocols/hiero/native_sha384.ts";
import { littleEndian } from "../src/protocols/hiero/proofs/bytes.ts";
import { HINTS_KEY_BYTES, prepareHintsKey } from "../src/protocols/hiero/proofs/hints_key.ts";
import {
  decodeHintsSignature,
  HINTS_SIGNATURE_BYTES,
} from "../src/protocols/hiero/proofs/hints_signature.ts";
import { verifyHints } from "../src/protocols/hiero/proofs/hints_verify.ts";
import { createNativeRsaVerify } from "../src/protocols/hiero/proofs/native_rsa.ts";
import { ProofVerifier, type ProvableBlock } from "../src/protocols/hiero/proofs/proof_verifier.ts";
import { prepareWrapsKey, verifyWraps } from "../src/protocols/hiero/proofs/wraps.ts";
import type { VerificationData } from "../src/protocols/hiero/proofs/verification_data.ts";
import { verifyHintsPlainly } from "../src/protocols/hiero/proofs/_plain.ts";
import {
  dataFor,
  type IndexedProof,
  readProofIndex,
  readRaw,
  readVector,
  SETS,
  signatureOf,
} from "../src/protocols/hiero/proofs/_vectors.ts";
import { vectorsDir } from "../tests/vectors.ts";

/** What one call of the generator gives at most. */
const RANDOM_CALL_BYTES = 65_536;
function random(bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += RANDOM_CALL_BYTES) {
    crypto.getRandomValues(out.subarray(at, at + RANDOM_CALL_BYTES));
  }
  return out;
}

const rsaVerify = createNativeRsaVerify();
const verifierOf = (data: VerificationData) =>
  new ProofVerifier({ sha384: nativeSha384, rsaVerify, random, data });

function provable(dir: string, entry: IndexedProof): ProvableBlock {
  const parts = readProofParts(readVector(dir, entry.file), BigInt(entry.blockNumber));
  return { ...parts, roots: [{ rule: "16-leaf", hash: Uint8Array.fromHex(entry.blockRootHash) }] };
}

function expectVerified(verifier: ProofVerifier, block: ProvableBlock): void {
  const verdict = verifier.verify(block);
  if (verdict.status !== "verified") throw new Error(verdict.fault.message);
}

const dir = vectorsDir();
if (dir !== undefined) {
  const index = readProofIndex(dir);
  const entryOf = (set: string, number: number) =>
    index.find((entry) => entry.set === set && entry.blockNumber === number)!;
  benchHints(dir, index.filter(({ set, proofs }) => set === SETS.OLDER && proofs[0]!.kind === "tss"));
  benchKinds(dir, entryOf);
}

function benchHints(dir: string, entries: readonly IndexedProof[]): void {
  const signed = entries.map((entry) => {
    const signature = signatureOf(readProofParts(readVector(dir, entry.file), BigInt(entry.blockNumber)));
    return {
      key: signature.slice(0, HINTS_KEY_BYTES),
      signature: signature.slice(HINTS_KEY_BYTES, HINTS_KEY_BYTES + HINTS_SIGNATURE_BYTES),
      message: Uint8Array.fromHex(entry.blockRootHash),
    };
  });
  const key = prepareHintsKey(signed[0]!.key);
  const check = (count: number) => {
    const claims = Array.from({ length: count }, (_, i) => {
      const { signature, message } = signed[i % signed.length]!;
      return { key, signature: decodeHintsSignature(signature, key), message };
    });
    if (verifyHints(claims, random).some((fault) => fault !== undefined)) {
      throw new Error("expected all to pass");
    }
  };
  const group = "hinTS signature, decoded and checked";
  const { key: keyBytes, signature, message } = signed[1]!;
  Deno.bench({ name: "as specified: 12 separate pairings", group }, () => {
    if (!verifyHintsPlainly(keyBytes, signature, message)) throw new Error("expected it to pass");
  });
  Deno.bench({ name: "one product of pairings (used)", group, baseline: true }, () => check(1));
  for (const count of [8, 64, 256]) {
    Deno.bench(
      { name: `batch of ${count}, all of it`, group: `hinTS batch of ${count}`, n: 10, warmup: 2 },
      () => check(count),
    );
  }
  Deno.bench(
    { name: "preparing a verification key", group: "once for a key" },
    () => void prepareHintsKey(keyBytes),
  );
}

function benchKinds(dir: string, entryOf: (set: string, number: number) => IndexedProof): void {
  const group = "proof of a real block";
  const data = dataFor(dir, entryOf(SETS.OLDER, 0));
  const first = provable(dir, entryOf(SETS.OLDER, 1));
  Deno.bench({ name: "TSS, Schnorr suffix: nothing known but the roster's bytes", group }, () => {
    expectVerified(verifierOf({ ...data, tss: { ...data.tss! } }), first);
  });
  const state = provable(dir, entryOf(SETS.TSS, 1));
  const shared = verifierOf(dataFor(dir, entryOf(SETS.TSS, 0)));
  Deno.bench({ name: "state proof: its signature seen before", group }, () => expectVerified(shared, state));
  for (const file of ["v2-block.blk.gz", "v5-block.blk.gz", "v6-block.blk.gz"]) {
    const entry = readProofIndex(dir).find((entry) => entry.file.endsWith(file))!;
    const verifier = verifierOf(dataFor(dir, entry));
    const block = provable(dir, entry);
    const name = `record file version ${entry.proofs[0]!.version}, all signatures`;
    Deno.bench({ name, group }, () => expectVerified(verifier, block));
  }
  const { other } = JSON.parse(Deno.readTextFileSync(`${dir}/block-node/index.json`));
  const { z0_0_ledgerId_le, z_i_1_hintsVkHash_le } = other[0].expected;
  const proof = readRaw(dir, "WRAPS_PROOF/genesis-wraps-proof.bin");
  const key = prepareWrapsKey(readRaw(dir, "WRAPS_PROOF/wraps-verification-key.bin"));
  const statement = {
    ledgerId: Uint8Array.fromHex(z0_0_ledgerId_le),
    keyHash: littleEndian(Uint8Array.fromHex(z_i_1_hintsVkHash_le)),
  };
  Deno.bench(
    { name: "WRAPS suffix", group: "once for a key" },
    () => verifyWraps(proof, key, statement, random),
  );
}
