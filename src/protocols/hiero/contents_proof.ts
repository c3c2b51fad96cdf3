/**
 * A proof that an item is part of a block: the item, the Merkle path to the block's root, the root's signature.
 *
 * Layer: protocols. Imports fault, items, merkle, merkle_path and wire. Source: spec/block-node.md §1.8, §6.1-6.3; what it leaves
 * open is decided in docs/block-hashing.md. How a proof is made is contents_tree.ts.
 *
 * @module
 */

import { equalBytes, type Fault, HieroFault, toHex } from "./fault.ts";
import { itemKindName, NOT_HASHED, openItem, subtreeOf } from "./items.ts";
import { HASH_BYTES, hashLeaf, hashOne, hashTwo, type Sha384 } from "./merkle.ts";
import type { MerkleSibling } from "./merkle_path.ts";
import type { RootCandidate } from "./root_hash.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

/** BlockContentsProof with the item as the bytes it is. */
export interface ContentsProof {
  /** The serialized BlockItem, as it stands in the block. */
  readonly item: Uint8Array;
  /** The path, bottom to top. */
  readonly siblings: readonly MerkleSibling[];
  /** TSS signature of the block's root; empty if the block carries none of its own root. */
  readonly signature: Uint8Array;
}

/** What a proof that holds together shows. */
export interface VerifiedContents {
  readonly status: "ok";
  /** Kind of the item, such as `signed_transaction`. */
  readonly kind: string;
  /** The root the path leads to, 48 bytes. */
  readonly rootHash: Uint8Array;
  /** The rule that the path has the shape of. */
  readonly rule: RootCandidate["rule"];
}

/** Outcome of {@link verifyContentsProof}. */
export type ContentsVerdict = VerifiedContents | { readonly status: "fault"; readonly fault: Fault };

/** Leaves 1-3 of a block are footer hashes: sub-tree 0 is the fourth. */
export const FIRST_SUBTREE_LEAF = 3;
/** Steps from a sub-tree's root to the block's under either rule: four levels, or three and a single child; the time. */
const UPPER_STEPS = 5;
/** Levels of a sub-tree: counts of leaves are numbers, so they stay below 2^53. */
const MAX_SUBTREE_LEVELS = 53;
/** Longest path that a block can have. */
export const MAX_PATH_STEPS: number = MAX_SUBTREE_LEVELS + UPPER_STEPS;

/**
 * Follows a proof from its item to a root. It holds if every step is one that a block has: the item's kind says in
 * which sub-tree it must lie, and so which side each of the upper siblings is on.
 *
 * Without `expectedRoot` it shows which root the path leads to and nothing about any block: compare that with a
 * root you trust. The signature is not looked at.
 *
 * @param expectedRoot 48 bytes. @default {undefined} any root
 * @returns Faults have the checks `structure` and `wire` (the item), `path` (the siblings) and `root`. Never throws
 *   on bad bytes.
 *
 * @example A proof of the first transaction of a block
 * ```ts
 * import { verifyContentsProof } from "./contents_proof.ts";
 * import { BlockContents } from "./contents_tree.ts";
 * import { ChainGenerator } from "./generate.ts";
 * import { nativeSha384 } from "./native_sha384.ts";
 * const { bytes, rootHash } = new ChainGenerator({ sha384: nativeSha384, items: 3 }).next();
 * const contents = new BlockContents(bytes, nativeSha384);
 * const proof = contents.prove(contents.indexOf("signed_transaction", 0)!, "16-leaf");
 * if (verifyContentsProof(proof, nativeSha384, rootHash).status !== "ok") throw new Error("expected a proof");
 * ```
 */
export function verifyContentsProof(
  proof: ContentsProof,
  sha384: Sha384,
  expectedRoot?: Uint8Array,
): ContentsVerdict {
  try {
    const { item, siblings } = proof;
    const field = openItem(new WireReader(item));
    const subtree = subtreeOf(field);
    const kind = itemKindName(field);
    if (subtree === NOT_HASHED) throw notHashed(kind);
    const rule = requireShape(siblings, subtree);
    let hash = hashLeaf(sha384, item);
    for (const sibling of siblings) {
      if (sibling.hash.length === 0) hash = hashOne(sha384, hash);
      else if (sibling.isFirst) hash = hashTwo(sha384, sibling.hash, hash);
      else hash = hashTwo(sha384, hash, sibling.hash);
    }
    if (expectedRoot !== undefined && !equalBytes(hash, expectedRoot)) {
      throw new HieroFault(
        "BAD_BLOCK_PROOF",
        `Cannot accept contents proof: it leads to root ${toHex(hash).slice(0, 16)}…, not to ` +
          `${toHex(expectedRoot).slice(0, 16)}…`,
        { check: "root", expected: toHex(expectedRoot), actual: toHex(hash) },
      );
    }
    return { status: "ok", kind, rootHash: hash, rule };
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    return { status: "fault", fault: thrown.toFault() };
  }
}

/** Why footer, proofs and their future kin have no path. */
export function notHashed(kind: string): HieroFault {
  return new HieroFault("UNSUPPORTED_ITEM_TYPE", `Cannot prove ${kind}: it is no leaf of the block's root`, {
    check: "structure",
    kind,
  });
}

/** The rule whose upper part of the tree these siblings lie along. */
function requireShape(siblings: readonly MerkleSibling[], subtree: number): RootCandidate["rule"] {
  const length = siblings.length;
  if (length < UPPER_STEPS || length > MAX_PATH_STEPS) {
    throw badPath(`${length} siblings, expected ${UPPER_STEPS} to ${MAX_PATH_STEPS}`);
  }
  // Only the older rule has a single child, and only right below the node that takes in the time.
  const rule = siblings[length - 2]!.hash.length === 0 ? "8-leaf-one-child" : "16-leaf";
  const directions = upperDirections(subtree, rule);
  if (directions === undefined) throw badPath(`rule ${rule} has no sub-tree ${subtree}`);
  siblings.forEach(({ isFirst, hash }, i) => {
    const upper = i - (length - UPPER_STEPS);
    const isSingle = upper === UPPER_STEPS - 2 && rule === "8-leaf-one-child";
    if (hash.length !== (isSingle ? 0 : HASH_BYTES)) {
      throw badPath(`sibling ${i} has ${hash.length} bytes, expected ${HASH_BYTES}`);
    }
    if (upper >= 0 && isFirst !== directions[upper]) {
      throw badPath(`sibling ${i} is on the other side than in a block`);
    }
  });
  return rule;
}

/**
 * Sides of the last five siblings for items of a sub-tree, bottom to top; undefined if the rule does not know it.
 * A single child has no sibling: its flag is false.
 */
export function upperDirections(
  subtree: number,
  rule: RootCandidate["rule"],
): readonly boolean[] | undefined {
  const leaf = FIRST_SUBTREE_LEAF + subtree;
  const isFirst = (level: number) => (leaf >> level) % 2 === 1;
  if (rule === "16-leaf") return [isFirst(0), isFirst(1), isFirst(2), isFirst(3), true];
  return leaf < 8 ? [isFirst(0), isFirst(1), isFirst(2), false, true] : undefined;
}

function badPath(message: string): HieroFault {
  return new HieroFault("BAD_BLOCK_PROOF", `Cannot accept contents proof: ${message}`, { check: "path" });
}

/** Serializes a BlockContentsProof. Every sibling is written whole, so equal proofs have equal bytes. */
export function encodeContentsProof({ item, siblings, signature }: ContentsProof): Uint8Array {
  const writer = new WireWriter(item.length + signature.length + siblings.length * (HASH_BYTES + 8) + 16);
  writer.bytes(1, item);
  for (const { isFirst, hash } of siblings) {
    const sibling = new WireWriter(HASH_BYTES + 4);
    if (isFirst) sibling.varint(1, 1);
    writer.bytes(2, sibling.bytes(2, hash).finish());
  }
  if (signature.length > 0) writer.bytes(3, signature);
  return writer.finish();
}

/**
 * Parses a BlockContentsProof strictly: one item, known fields only, each at most once, and no path longer than any
 * block has. The parts are views on `bytes`.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE` with check `wire`; `BAD_BLOCK_PROOF` with check `path` for too many siblings.
 */
export function parseContentsProof(bytes: Uint8Array): ContentsProof {
  const reader = new WireReader(bytes);
  const siblings: MerkleSibling[] = [];
  let item: Uint8Array | undefined;
  let signature: Uint8Array | undefined;
  while (reader.nextTag()) {
    if (reader.is(1, WIRE_TYPE.BYTES) && item === undefined) item = reader.view();
    else if (reader.is(2, WIRE_TYPE.BYTES)) {
      if (siblings.length === MAX_PATH_STEPS) throw badPath(`more than ${MAX_PATH_STEPS} siblings`);
      siblings.push(parseSibling(reader.view()));
    } else if (reader.is(3, WIRE_TYPE.BYTES) && signature === undefined) signature = reader.view();
    else throw malformed(`unexpected field ${reader.field}`);
  }
  if (item === undefined) throw malformed("no item");
  return { item, siblings, signature: signature ?? new Uint8Array(0) };
}

function parseSibling(bytes: Uint8Array): MerkleSibling {
  const reader = new WireReader(bytes);
  let isFirst: boolean | undefined;
  let hash: Uint8Array | undefined;
  while (reader.nextTag()) {
    if (reader.is(1, WIRE_TYPE.VARINT) && isFirst === undefined) {
      const value = reader.uint64();
      if (value > 1n) throw malformed(`is_first must be 0 or 1, got ${value}`);
      isFirst = value === 1n;
    } else if (reader.is(2, WIRE_TYPE.BYTES) && hash === undefined) hash = reader.view();
    else throw malformed(`unexpected field ${reader.field} in a sibling`);
  }
  return { isFirst: isFirst ?? false, hash: hash ?? new Uint8Array(0) };
}

function malformed(message: string): HieroFault {
  return new HieroFault("UNABLE_TO_PARSE", `Cannot parse contents proof: ${message}`, { check: "wire" });
}
