/**
 * The verifier of block proofs with this runtime's own hashing, RSA and chance.
 *
 * Layer: services.
 *
 * @module
 */

import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { createNativeRsaVerify } from "../../protocols/hiero/proofs/native_rsa.ts";
import { ProofVerifier } from "../../protocols/hiero/proofs/proof_verifier.ts";
import type { VerificationData } from "../../protocols/hiero/proofs/verification_data.ts";

/** The most that one call of the generator gives. */
const RANDOM_CALL_BYTES = 65_536;

/** Bytes from the secure generator. */
function secureRandom(bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += RANDOM_CALL_BYTES) {
    crypto.getRandomValues(out.subarray(at, at + RANDOM_CALL_BYTES));
  }
  return out;
}

/** A verifier that begins with `data` and, if `ledgerId` is given, accepts no other ledger. */
export function createProofVerifier(data: VerificationData, ledgerId: Uint8Array | undefined): ProofVerifier {
  return new ProofVerifier({
    sha384: nativeSha384,
    rsaVerify: createNativeRsaVerify(),
    random: secureRandom,
    data,
    ...(ledgerId === undefined ? {} : { ledgerId }),
  });
}
