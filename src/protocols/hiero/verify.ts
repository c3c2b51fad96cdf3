/**
 * Verification of one block: structure, root hash, and the link to the block before it.
 *
 * Layer: protocols. Imports the cores of this room. Source: spec/block-node.md §6.1-6.4, §6.6 (shape), §6.9.
 *
 * The level "hash-verified" means: the block is well formed, its root is known, and it continues the chain. Whether
 * its signatures hold is said beside it, in `proof`: only a verifier that is handed in checks them (proofs/). Without
 * one a changed item shows at once in a state proof, which names the root, or in the next block's footer.
 *
 * @module
 */

import { type SemanticVersion, versionText } from "./block_parts.ts";
import { checkProofs } from "./block_proofs.ts";
import { scanBlock, type ScannedBlock } from "./block_scan.ts";
import { equalBytes, type Fault, HieroFault, toHex } from "./fault.ts";
import { HASH_BYTES, type Sha384 } from "./merkle.ts";
import type { BlockProof } from "./proof.ts";
import { type RootCandidate, RootHasher } from "./root_hash.ts";
import type { BlockVerdict, LinkVerdict, VerifiedBlock, VerifyOptions } from "./verdict.ts";

/** First HAPI minor version taken for the sixteen-leaf rule. 0.73 is known to use the older one and 0.78 the
 * current one; where between them the switch lies is not published, and blocks between are corrected by the link. */
export const SIXTEEN_LEAF_SINCE_MINOR = 74;
/** HAPI below 0.70 may carry the proof form whose root hash nobody has reproduced (spec §6.2.5). */
const LEGACY_BELOW_MINOR = 70;

/** Verifies blocks one at a time with reused memory. */
export class BlockVerifier {
  readonly #sha384: Sha384;
  readonly #hasher: RootHasher;

  constructor(sha384: Sha384) {
    this.#sha384 = sha384;
    this.#hasher = new RootHasher(sha384);
  }

  /** H(0x00): what block 0 has in its footer. */
  get emptyRoot(): Uint8Array {
    return this.#hasher.emptyRoot;
  }

  /** Verifies a serialized Block. Never throws on bad bytes: the fault is in the verdict. */
  verify(bytes: Uint8Array, options: VerifyOptions = {}): BlockVerdict {
    const own = options.ownsBytes === true ? bytes : bytes.slice();
    let scanned: ScannedBlock | undefined;
    try {
      this.#hasher.clear();
      scanned = scanBlock(own, this.#hasher, options.expectedNumber);
      const block = this.#judge(own, scanned, options);
      return options.proofs === undefined ? block : checkProofs([{ bytes: own, block }], options.proofs)[0]!;
    } catch (thrown) {
      if (!(thrown instanceof HieroFault)) throw thrown;
      return { status: "fault", number: scanned?.header.number, fault: thrown.toFault() };
    }
  }

  #judge(bytes: Uint8Array, scanned: ScannedBlock, options: VerifyOptions): VerifiedBlock {
    const { header, footer, proofs } = scanned;
    const version = header.hapiVersion!;
    const legacy = legacyProof(scanned);
    if (legacy === undefined) {
      requireUsableProof(scanned, options.unknownProofs ?? options.proofs?.onUnknownKind ?? "refuse");
    }
    const subtreeRoots = options.subtreeRoots === true ? this.#hasher.subtreeRoots() : undefined;
    const candidates = legacy !== undefined ? [] : this.#hasher.finish({
      timestamp: bytes.subarray(header.timestampStart, header.timestampEnd),
      previousBlockRootHash: footer.previousBlockRootHash,
      allBlocksRootHash: footer.allBlocksRootHash,
      startOfBlockStateRootHash: footer.startOfBlockStateRootHash,
    });
    const proven = provenRoot(candidates, proofs);
    const hapiVersion = versionText(version);
    const { knownRule } = options;
    const likely = knownRule?.hapiVersion === hapiVersion
      ? knownRule.rule
      : defaultRule(version, scanned.hasRecordFile);
    const roots = proven !== undefined
      ? [proven]
      : candidates.toSorted((a, b) => Number(b.rule === likely) - Number(a.rule === likely));

    const warnings: Fault[] = [];
    const link = this.#link(
      header.number,
      footer.previousBlockRootHash,
      legacy !== undefined,
      options,
      warnings,
    );
    return {
      status: "ok",
      level: legacy === undefined ? "hash-verified" : "not-verifiable",
      number: header.number,
      rule: roots[0]?.rule ?? "opaque",
      rootHash: roots[0]?.hash,
      roots,
      ...(legacy !== undefined && legacy.rootDigest.length === HASH_BYTES
        ? { rootDigest: legacy.rootDigest.slice() }
        : {}),
      previousHash: footer.previousBlockRootHash.slice(),
      allBlocksHash: footer.allBlocksRootHash.slice(),
      hapiVersion,
      timestamp: header.timestamp!,
      bytes: bytes.length,
      itemCount: scanned.itemCount,
      itemCounts: scanned.itemCounts,
      proofs: proofs.map(ownProof),
      proof: { status: "unchecked" },
      link,
      warnings,
      ...(subtreeRoots === undefined ? {} : { subtreeRoots }),
    };
  }

  #link(
    number: bigint,
    hash: Uint8Array,
    legacy: boolean,
    options: VerifyOptions,
    warnings: Fault[],
  ): LinkVerdict {
    const { previous } = options;
    let expected: Uint8Array;
    if (number === 0n) {
      // The legacy generation starts from 48 zero bytes instead (spec §6.2.5).
      if (legacy || equalBytes(hash, this.emptyRoot)) return { status: "unchecked" };
      expected = this.emptyRoot;
    } else {
      if (previous === undefined) return { status: "unchecked" };
      if (previous.number + 1n !== number) {
        throw new HieroFault(
          "MISSING_VERIFICATION_DATA",
          `Cannot verify block ${number}: the block before it is ${previous.number}`,
          { check: "number", expected: String(previous.number + 1n), actual: String(number) },
        );
      }
      for (const root of previous.roots) {
        if (equalBytes(root.hash, hash)) {
          return { status: "confirmed", previousRule: root.rule, previousRoot: hash.slice() };
        }
      }
      if (previous.roots.length === 0) {
        if (previous.rootDigest === undefined) return { status: "unchecked" };
        const digest = new Uint8Array(HASH_BYTES);
        this.#sha384(hash, digest);
        if (equalBytes(digest, previous.rootDigest)) {
          return { status: "confirmed", previousRule: "opaque", previousRoot: hash.slice() };
        }
      }
      expected = previous.roots[0]?.hash ?? previous.rootDigest!;
    }
    const fault = new HieroFault(
      "BAD_BLOCK_PROOF",
      `Cannot accept block ${number}: its previous hash ${
        toHex(hash).slice(0, 16)
      }… is not the root of the block ` +
        `before, ${toHex(expected).slice(0, 16)}…`,
      { check: "previous-hash", expected: toHex(expected), actual: toHex(hash) },
    );
    if (options.onBrokenLink !== "warn") throw fault;
    warnings.push(fault.toFault());
    return { status: "broken" };
  }
}

/** Rule to try first: wrapped record blocks are made today, others by the age of their HAPI version. */
export function defaultRule(version: SemanticVersion, isRecordBlock: boolean): RootCandidate["rule"] {
  const recent = version.major > 0 || version.minor >= SIXTEEN_LEAF_SINCE_MINOR;
  return isRecordBlock || recent ? "16-leaf" : "8-leaf-one-child";
}

function legacyProof({ header, proofs }: ScannedBlock): (BlockProof & { kind: "legacy" }) | undefined {
  const version = header.hapiVersion!;
  if (version.major > 0 || version.minor >= LEGACY_BELOW_MINOR) return undefined;
  if (proofs.some((proof) => proof.kind !== "legacy" && proof.kind !== "unknown")) return undefined;
  return proofs.find((proof) => proof.kind === "legacy");
}

function requireUsableProof({ proofs, hasRecordFile }: ScannedBlock, onUnknown: "refuse" | "accept"): void {
  const usable = proofs.filter(({ kind }) => kind !== "unknown" && kind !== "legacy");
  if (usable.length === 0 && onUnknown === "refuse") {
    throw new HieroFault("MISSING_MANDATORY_ITEM", "Cannot verify block: no proof of a known kind", {
      check: "proof",
    });
  }
  if (!hasRecordFile && usable.some(({ kind }) => kind === "signedRecordFile")) {
    throw new HieroFault(
      "MISSING_VERIFICATION_DATA",
      "Cannot verify block: record file proof without record file",
      {
        check: "proof",
      },
    );
  }
}

/** The candidate that every state proof names; undefined if there is no state proof. */
function provenRoot(
  candidates: readonly RootCandidate[],
  proofs: readonly BlockProof[],
): RootCandidate | undefined {
  let proven: RootCandidate | undefined;
  for (const proof of proofs) {
    if (proof.kind !== "stateProof") continue;
    const named = candidates.find((root) => proof.pathHashes.some((hash) => equalBytes(hash, root.hash)));
    if (named === undefined || (proven !== undefined && proven !== named)) {
      throw new HieroFault(
        "BAD_BLOCK_PROOF",
        "Cannot accept block proof: state proof is not about this block's root",
        {
          check: "proof",
          rootHash: toHex(candidates[0]!.hash),
        },
      );
    }
    proven = named;
  }
  return proven;
}

function ownProof(proof: BlockProof): BlockProof {
  if (proof.kind === "stateProof") {
    return {
      ...proof,
      pathHashes: proof.pathHashes.map((hash) => hash.slice()),
    };
  }
  return proof.kind === "legacy" ? { ...proof, rootDigest: proof.rootDigest.slice() } : proof;
}
