/**
 * What verification is asked and what it answers.
 *
 * Layer: protocols. Imports types of this room. Source: spec/block-node.md §6.2, §6.9.
 *
 * @module
 */

import type { Timestamp } from "./block_parts.ts";
import type { Fault } from "./fault.ts";
import type { BlockProof } from "./proof.ts";
import type { ProofVerifier, UnverifiedReason, VerifiedProofKind } from "./proofs/proof_verifier.ts";
import type { HashRule, RootCandidate } from "./root_hash.ts";

/** What verification must remember of a block to check the next one. */
export interface PreviousBlock {
  readonly number: bigint;
  /** Roots this block may have, most likely first; empty if its rule is opaque. */
  readonly roots: readonly RootCandidate[];
  /** H(root) as an opaque block's proof states it; the only thing its successor can be held to. */
  readonly rootDigest?: Uint8Array;
}

/** The link to the previous block: not checkable, confirmed under a rule, or broken and let pass. */
export type LinkVerdict =
  | { readonly status: "unchecked" }
  | { readonly status: "confirmed"; readonly previousRule: HashRule; readonly previousRoot: Uint8Array }
  | { readonly status: "broken" };

/** What is known of a block's signatures: nobody looked, all are valid, or there was nothing to check them with. */
export type ProofStatus =
  | { readonly status: "unchecked" }
  | { readonly status: "verified"; readonly kinds: readonly VerifiedProofKind[] }
  | { readonly status: "unverified"; readonly reason: UnverifiedReason };

/** Who checks proofs, and what a block gets whose proofs cannot be checked. A bad proof is always refused. */
export interface ProofCheck {
  readonly verifier: ProofVerifier;
  /** For blocks whose keys are not known. */
  readonly onMissingData: "refuse" | "accept";
  /** For blocks with proofs of unknown kinds only; those of generations without a known root hash are accepted. */
  readonly onUnknownKind: "refuse" | "accept";
}

/** Facts of a block that passed. Plain data that owns its bytes: it can cross a Worker boundary. */
export interface VerifiedBlock extends PreviousBlock {
  readonly status: "ok";
  /** "not-verifiable" when the root hash of this generation of blocks cannot be computed. */
  readonly level: "hash-verified" | "not-verifiable";
  readonly rule: HashRule;
  /** Undefined for an opaque block. */
  readonly rootHash: Uint8Array | undefined;
  readonly previousHash: Uint8Array;
  readonly allBlocksHash: Uint8Array;
  readonly hapiVersion: string;
  readonly timestamp: Timestamp;
  readonly bytes: number;
  readonly itemCount: number;
  readonly itemCounts: Readonly<Record<string, number>>;
  readonly proofs: readonly BlockProof[];
  readonly proof: ProofStatus;
  readonly link: LinkVerdict;
  /** Faults that the policy lets pass. */
  readonly warnings: readonly Fault[];
  /** By sub-tree name; only on request. */
  readonly subtreeRoots?: Readonly<Record<string, Uint8Array>>;
}

/** A block that must not be stored. */
export interface RefusedBlock {
  readonly status: "fault";
  /** Number in the header, if it got that far. */
  readonly number: bigint | undefined;
  readonly fault: Fault;
}

/** Outcome of a verification. */
export type BlockVerdict = VerifiedBlock | RefusedBlock;

/** How to treat a check that the reference node leaves to the proof (spec §6.2.2). */
export type MismatchPolicy = "refuse" | "warn";

/** Options of {@link BlockVerifier.verify}. */
export interface VerifyOptions {
  /** Number the block was announced with. @default {undefined} any */
  readonly expectedNumber?: bigint;
  /** The block before; without it the link stays unchecked. @default {undefined} */
  readonly previous?: PreviousBlock;
  /** What a footer that does not continue the chain gets. @default {"refuse"} */
  readonly onBrokenLink?: MismatchPolicy;
  /** Rule confirmed for earlier blocks; wins over the version table for blocks of that same HAPI version. */
  readonly knownRule?: { readonly hapiVersion: string; readonly rule: RootCandidate["rule"] };
  /** What a block gets that has proofs of unknown kinds only. @default {"refuse"} or what `proofs` says */
  readonly unknownProofs?: "refuse" | "accept";
  /** Checks the proofs too. @default {undefined} structure, root and link only */
  readonly proofs?: ProofCheck | undefined;
  /** Whether nobody else reads `bytes` during the call: it is then hashed in place. @default {false} copies */
  readonly ownsBytes?: boolean;
  /** Whether to report the roots of the sub-trees. @default {false} */
  readonly subtreeRoots?: boolean;
}
