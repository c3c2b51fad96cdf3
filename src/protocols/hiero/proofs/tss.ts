/**
 * TSS signatures: a hinTS signature of the block root under a key that the suffix ties to the ledger id.
 *
 * Layer: protocols. Imports the proof files. Source: spec/block-node.md §6.5, §6.10 (what is not checked twice).
 *
 * @module
 */

import { toHex } from "../fault.ts";
import { HASH_BYTES, type Sha384 } from "../merkle.ts";
import { SCHNORR_SIGNATURE_BYTES, WRAPS_SIGNATURE_BYTES } from "../proof.ts";
import { badProof, concatBytes, toLittleEndian } from "./bytes.ts";
import { HINTS_KEY_BYTES, type HintsKey, prepareHintsKey } from "./hints_key.ts";
import { decodeHintsSignature, HINTS_SIGNATURE_BYTES, type HintsSignature } from "./hints_signature.ts";
import { type RandomBytes, verifyHints } from "./hints_verify.ts";
import { poseidonHashBytes } from "./poseidon.ts";
import { prepareRoster, type Roster } from "./roster.ts";
import { verifySchnorr } from "./schnorr.ts";
import { LEDGER_ID_BYTES, missingData, type TssData } from "./verification_data.ts";
import { prepareWrapsKey, verifyWraps, type WrapsKey } from "./wraps.ts";

/** How the suffix of a signature ties its key to the ledger id. */
export type TssKind = "tss-schnorr" | "tss-wraps";

/** A signature whose key is trusted and whose pairings are not checked yet. */
export interface OpenedSignature {
  readonly kind: TssKind;
  /** SHA-384 of the whole signature, as hex. */
  readonly id: string;
  readonly key: HintsKey;
  readonly signature: HintsSignature;
}

/** An opened signature and the root it should be over. */
export interface TssClaim {
  readonly opened: OpenedSignature;
  readonly root: Uint8Array;
}

const SUFFIX_START = HINTS_KEY_BYTES + HINTS_SIGNATURE_BYTES;
/** Keys with tables, some 100 kB each. A network has one, and for a short time two when the roster changes. */
const MAX_KEYS = 4;
/** Verified (signature, root) pairs: a run of blocks with state proofs shares one. */
const MAX_VERIFIED = 1_024;

/** Verifies TSS signatures under one set of TSS data, and remembers what need not be checked again. */
export class TssVerifier {
  readonly data: TssData;
  readonly #sha384: Sha384;
  readonly #random: RandomBytes;
  #roster: Roster | undefined;
  #wrapsKey: WrapsKey | undefined;
  /** By digest of key and suffix, oldest first. */
  readonly #keys = new Map<string, HintsKey>();
  readonly #verified = new Set<string>();
  /** Blocks with state proofs that follow each other carry the same signature. */
  #lastOpened: OpenedSignature | undefined;

  constructor(data: TssData, deps: { readonly sha384: Sha384; readonly random: RandomBytes }) {
    this.data = data;
    this.#sha384 = deps.sha384;
    this.#random = deps.random;
  }

  /**
   * Checks the suffix and decodes the rest.
   *
   * @param bytes A whole block_signature.
   * @throws {HieroFault} `BAD_BLOCK_PROOF`; `MISSING_VERIFICATION_DATA` if roster or WRAPS key is not known.
   */
  open(bytes: Uint8Array): OpenedSignature {
    if (bytes.length !== SCHNORR_SIGNATURE_BYTES && bytes.length !== WRAPS_SIGNATURE_BYTES) {
      throw badProof(
        "length",
        `signature must be ${SCHNORR_SIGNATURE_BYTES} or ${WRAPS_SIGNATURE_BYTES} bytes, got ${bytes.length}`,
      );
    }
    const id = this.#digest(bytes);
    if (this.#lastOpened?.id === id) return this.#lastOpened;
    const kind = bytes.length === SCHNORR_SIGNATURE_BYTES ? "tss-schnorr" : "tss-wraps";
    const key = this.#trustedKey(kind, bytes.subarray(0, HINTS_KEY_BYTES), bytes.subarray(SUFFIX_START));
    const signature = decodeHintsSignature(bytes.subarray(HINTS_KEY_BYTES, SUFFIX_START), key);
    return this.#lastOpened = { kind, id, key, signature };
  }

  /** Checks claims in one batch. @returns For each claim undefined, or its fault. */
  verifyAll(claims: readonly TssClaim[]): (Error | undefined)[] {
    const ids = claims.map(({ opened, root }) => `${opened.id} ${toHex(root)}`);
    const fresh = new Map<string, TssClaim>();
    claims.forEach((claim, i) => {
      if (!this.#verified.has(ids[i]!)) fresh.set(ids[i]!, claim);
    });
    const faults = verifyHints(
      [...fresh.values()].map(({ opened, root }) => ({ ...opened, message: root })),
      this.#random,
    );
    const faultOf = new Map([...fresh.keys()].map((id, i) => [id, faults[i]]));
    for (const [id, fault] of faultOf) if (fault === undefined) remember(this.#verified, id);
    return ids.map((id) => faultOf.get(id));
  }

  #trustedKey(kind: TssKind, keyBytes: Uint8Array, suffix: Uint8Array): HintsKey {
    const id = this.#digest(concatBytes(keyBytes, suffix));
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const keyHash = poseidonHashBytes(keyBytes);
    const { ledgerId, roster, wrapsVerificationKey } = this.data;
    if (kind === "tss-schnorr") {
      if (roster.length === 0) throw missingData("no roster is known");
      this.#roster ??= prepareRoster(roster);
      verifySchnorr(suffix, this.#roster, concatBytes(ledgerId, toLittleEndian(keyHash, LEDGER_ID_BYTES)));
    } else {
      if (wrapsVerificationKey.length === 0) throw missingData("no WRAPS key is known");
      this.#wrapsKey ??= prepareWrapsKey(wrapsVerificationKey);
      verifyWraps(suffix, this.#wrapsKey, { ledgerId, keyHash }, this.#random);
    }
    // The suffix first: preparing a key that nobody vouches for would be work for whoever sends one.
    const key = prepareHintsKey(keyBytes);
    this.#keys.set(id, key);
    if (this.#keys.size > MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    return key;
  }

  #digest(bytes: Uint8Array): string {
    const out = new Uint8Array(HASH_BYTES);
    this.#sha384(bytes, out);
    return toHex(out);
  }
}

function remember(set: Set<string>, id: string): void {
  set.add(id);
  if (set.size > MAX_VERIFIED) set.delete(set.keys().next().value!);
}
