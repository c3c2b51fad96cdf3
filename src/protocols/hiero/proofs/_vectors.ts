/**
 * Real blocks with what their proofs are checked against.
 *
 * Layer: protocols, tests and benches only.
 *
 * @module
 */

import { unpackBlockFile } from "../block_file.ts";
import { nativeSha384 } from "../native_sha384.ts";
import { openEndedBook, parseAddressBook } from "./address_book.ts";
import { createNativeRsaVerify } from "./native_rsa.ts";
import { type ProofParts, readProofParts } from "./proof_parts.ts";
import { ProofVerifier } from "./proof_verifier.ts";
import { parseStateProof, parseTssProof } from "./state_proof.ts";
import type { VerificationData } from "./verification_data.ts";

/** An entry of index.json, as far as proofs go. */
export interface IndexedProof {
  readonly set: string;
  readonly file: string;
  readonly blockNumber: number;
  readonly blockRootHash: string;
  readonly addressBookFile?: string;
  readonly proofs: readonly { readonly kind: string; readonly version?: number }[];
  readonly tss?: Readonly<Record<string, string | number>>;
  readonly ledgerIdPublication?: { readonly ledgerId: string };
}

export function readProofIndex(dir: string): readonly IndexedProof[] {
  return JSON.parse(Deno.readTextFileSync(`${dir}/block-node/index.json`)).blocks;
}

export function readVector(dir: string, file: string): Uint8Array {
  return unpackBlockFile(Deno.readFileSync(`${dir}/block-node/${file}`));
}

export function readRaw(dir: string, file: string): Uint8Array {
  return Deno.readFileSync(`${dir}/block-node/${file}`);
}

export const SETS = {
  TSS: "CN_11_12_TSS_SCHNORR",
  OLDER: "CN_0_73_TSS_WRAPS_LEGACY",
  RECORDS: "WRB_RECORD_FORMATS",
};

/** What the blocks of an entry's set are checked against: their block 0, or their address book. */
export function dataFor(dir: string, entry: IndexedProof): VerificationData {
  if (entry.addressBookFile !== undefined) {
    return { addressBooks: [openEndedBook(parseAddressBook(readRaw(dir, entry.addressBookFile)))] };
  }
  const { publication } = readProofParts(readVector(dir, `${entry.set}/0.blk.gz`), 0n);
  return { tss: publication, addressBooks: [] };
}

/** The block_signature of a block's only proof. */
export function signatureOf({ proofs }: ProofParts): Uint8Array {
  const { field, content } = proofs[0]!;
  return field === 2 ? parseTssProof(content) : parseStateProof(content).blockSignature;
}

/** Bytes that are the same in every run; a test needs no more of chance. */
export function seededRandom(seed = 1): (bytes: number) => Uint8Array {
  let state = seed;
  return (bytes) => {
    const out = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      out[i] = state;
    }
    return out;
  };
}

/** A verifier of proofs for tests. */
export function proofVerifier(data?: VerificationData, ledgerId?: Uint8Array): ProofVerifier {
  return new ProofVerifier({
    sha384: nativeSha384,
    rsaVerify: createNativeRsaVerify(),
    random: seededRandom(),
    ...(data === undefined ? {} : { data }),
    ...(ledgerId === undefined ? {} : { ledgerId }),
  });
}
