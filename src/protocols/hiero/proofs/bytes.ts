/**
 * Numbers and fixed-size parts in proofs: little-endian scalars, big-endian coordinates, a cursor that cannot
 * leave its bytes.
 *
 * Layer: protocols. Imports fault. Source: spec/block-node.md §6.5 (encodings).
 *
 * @module
 */

import { HieroFault } from "../fault.ts";

/** Where in a proof something is wrong; the `step` of a fault's detail. Stable: scripts and metrics may use it. */
export type ProofStep =
  | "length"
  | "encoding"
  | "on-curve"
  | "subgroup"
  | "block-number"
  | "hints-weight"
  | "hints-identity"
  | "hints-pairing"
  | "schnorr-flags"
  | "schnorr-weight"
  | "schnorr-challenge"
  | "wraps-steps"
  | "wraps-ledger-id"
  | "wraps-key-hash"
  | "wraps-commitment"
  | "wraps-groth16"
  | "wraps-opening"
  | "path-shape"
  | "path-root"
  | "record-version"
  | "record-time"
  | "record-number"
  | "record-sidecar"
  | "rsa-signature"
  | "rsa-no-signer"
  | "roster-key"
  | "ledger-id";

/** A proof that must not be accepted: `BAD_BLOCK_PROOF` with the step that failed and where. */
export function badProof(
  step: ProofStep,
  message: string,
  detail: Record<string, string | number> = {},
): HieroFault {
  return new HieroFault("BAD_BLOCK_PROOF", `Cannot accept block proof: ${message}`, {
    check: "proof",
    step,
    ...detail,
  });
}

/** A big-endian number of any length. */
export function bigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toHex()}`);
}

/** A little-endian number of any length. */
export function littleEndian(bytes: Uint8Array): bigint {
  return bigEndian(bytes.slice().reverse());
}

/** `value` as `length` bytes, most significant first; the value must fit. */
export function toBigEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.fromHex(value.toString(16).padStart(2 * length, "0"));
}

/** `value` as `length` bytes, least significant first; the value must fit. */
export function toLittleEndian(value: bigint, length: number): Uint8Array {
  return toBigEndian(value, length).reverse();
}

/** One byte string from several. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Takes parts of known size off the front of some bytes. */
export class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `length` bytes as a view; the caller has checked the total length. */
  take(length: number): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#at += length);
  }

  /** The next eight bytes as a little-endian number. */
  uint64(): bigint {
    return littleEndian(this.take(8));
  }

  /**
   * The next 32 bytes as a little-endian field element.
   *
   * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `encoding`, if it is not below `order`.
   */
  scalar(order: bigint, field: string): bigint {
    const value = littleEndian(this.take(32));
    if (value >= order) throw badProof("encoding", `${field} is not reduced`, { field });
    return value;
  }
}
