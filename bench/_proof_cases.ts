/**
 * What a block proof costs, kind by kind: the cases of the bench and of the report.
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

/** One case. */
export interface ProofCase {
  readonly group: string;
  readonly name: string;
  /** Proofs, or keys, that one run checks. */
  readonly count: number;
  /** Checks them. @throws {Error} If one does not pass. */
  run(): void;
}

const HINTS_GROUP = "hinTS signature, decoded and checked";
const BLOCK_GROUP = "proof of a real block";
const KEY_GROUP = "once for a key";

/** Every case, on the real blocks below `dir`. */
export function proofCases(dir: string): ProofCase[] {
  const index = readProofIndex(dir);
  const entryOf = (set: string, number: number) =>
    index.find((entry) => entry.set === set && entry.blockNumber === number)!;
  const signed = index.filter(({ set, proofs }) => set === SETS.OLDER && proofs[0]!.kind === "tss");
  return [...hintsCases(dir, signed), ...kindCases(dir, entryOf)];
}

function hintsCases(dir: string, entries: readonly IndexedProof[]): ProofCase[] {
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
  const { key: keyBytes, signature, message } = signed[1]!;
  return [
    {
      group: HINTS_GROUP,
      name: "as specified: 12 separate pairings",
      count: 1,
      run() {
        if (!verifyHintsPlainly(keyBytes, signature, message)) throw new Error("expected it to pass");
      },
    },
    { group: HINTS_GROUP, name: "one product of pairings (used)", count: 1, run: () => check(1) },
    ...[8, 64, 256].map((count) => ({
      group: "hinTS signatures in batches",
      name: `of ${count}`,
      count,
      run: () => check(count),
    })),
    {
      group: KEY_GROUP,
      name: "preparing a verification key",
      count: 1,
      run: () => void prepareHintsKey(keyBytes),
    },
  ];
}

function kindCases(dir: string, entryOf: (set: string, number: number) => IndexedProof): ProofCase[] {
  const data = dataFor(dir, entryOf(SETS.OLDER, 0));
  const first = provable(dir, entryOf(SETS.OLDER, 1));
  const state = provable(dir, entryOf(SETS.TSS, 1));
  const shared = verifierOf(dataFor(dir, entryOf(SETS.TSS, 0)));
  const records = ["v2-block.blk.gz", "v5-block.blk.gz", "v6-block.blk.gz"].map((file): ProofCase => {
    const entry = readProofIndex(dir).find((entry) => entry.file.endsWith(file))!;
    const verifier = verifierOf(dataFor(dir, entry));
    const block = provable(dir, entry);
    const name = `record file version ${entry.proofs[0]!.version}, all signatures`;
    return { group: BLOCK_GROUP, name, count: 1, run: () => expectVerified(verifier, block) };
  });
  const { other } = JSON.parse(Deno.readTextFileSync(`${dir}/block-node/index.json`));
  const { z0_0_ledgerId_le, z_i_1_hintsVkHash_le } = other[0].expected;
  const proof = readRaw(dir, "WRAPS_PROOF/genesis-wraps-proof.bin");
  const key = prepareWrapsKey(readRaw(dir, "WRAPS_PROOF/wraps-verification-key.bin"));
  const statement = {
    ledgerId: Uint8Array.fromHex(z0_0_ledgerId_le),
    keyHash: littleEndian(Uint8Array.fromHex(z_i_1_hintsVkHash_le)),
  };
  return [
    {
      group: BLOCK_GROUP,
      name: "TSS, Schnorr suffix: nothing known but the roster's bytes",
      count: 1,
      run: () => expectVerified(verifierOf({ ...data, tss: { ...data.tss! } }), first),
    },
    {
      group: BLOCK_GROUP,
      name: "state proof: its signature seen before",
      count: 1,
      run: () => expectVerified(shared, state),
    },
    ...records,
    {
      group: KEY_GROUP,
      name: "WRAPS suffix",
      count: 1,
      run: () => verifyWraps(proof, key, statement, random),
    },
  ];
}
