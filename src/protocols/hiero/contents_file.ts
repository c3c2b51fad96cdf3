/**
 * Contents proofs as files: JSON with the root the proof leads to, or the serialized BlockContentsProof alone.
 *
 * Layer: protocols. Imports contents_proof. The keys of the JSON are a contract: `cairn blocks prove` prints them and
 * `cairn blocks verify` reads them.
 *
 * @module
 */

import {
  type ContentsProof,
  type ContentsVerdict,
  MAX_PATH_STEPS,
  parseContentsProof,
  verifyContentsProof,
} from "./contents_proof.ts";
import { type BlockHeader, parseBlockHeader } from "./block_parts.ts";
import { HieroFault, toHex } from "./fault.ts";
import { ITEM, itemKindName, openItem } from "./items.ts";
import { HASH_BYTES, type Sha384 } from "./merkle.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";

/** What the JSON says beside the proof itself. */
export interface ContentsClaims {
  /** Where the item was taken from. No path can show it, except that a block header names its number. */
  readonly blockNumber: bigint;
  /** Position of the item in the block, from 0. No path can show it, except that a block header is item 0. */
  readonly itemIndex: number;
  /** Kind of the item, such as `signed_transaction`. */
  readonly itemKind: string;
  /** The rule that the path follows. */
  readonly hashRule: string;
  /** The root that the path leads to, 48 bytes. */
  readonly rootHash: Uint8Array;
}

/** A proof as a file holds it; a serialized BlockContentsProof makes no claims. */
export interface ContentsProofFile {
  readonly proof: ContentsProof;
  readonly claims: ContentsClaims | undefined;
}

/**
 * Whether a file holds a contents proof rather than a block. JSON is no protobuf. A serialized proof is one field 1
 * and at least one field 2; a Block has many of the first and none of the second.
 */
export function isContentsProof(bytes: Uint8Array): boolean {
  if (isJson(bytes)) return true;
  const reader = new WireReader(bytes);
  const seen = [0, 0, 0];
  try {
    while (reader.nextTag()) {
      if (reader.wireType === WIRE_TYPE.BYTES && reader.field <= 2) seen[reader.field]!++;
      if (seen[1]! > 1) return false;
      reader.skip();
    }
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
  }
  return seen[1] === 1 && seen[2]! > 0;
}

/** JSON of a proof, one line, with stable keys; bytes in lower-case hexadecimal. */
export function contentsProofToJson(
  { item, siblings, signature }: ContentsProof,
  claims: ContentsClaims,
): string {
  return JSON.stringify({
    blockNumber: claims.blockNumber.toString(),
    itemIndex: claims.itemIndex,
    itemKind: claims.itemKind,
    hashRule: claims.hashRule,
    rootHash: toHex(claims.rootHash),
    blockItem: toHex(item),
    siblingHashes: siblings.map(({ isFirst, hash }) => ({ isFirst, siblingHash: toHex(hash) })),
    blockSignature: toHex(signature),
  });
}

/**
 * Reads a proof in either form, strictly: no unknown key, no missing one, lower-case hexadecimal only.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE` with check `wire`; `BAD_BLOCK_PROOF` with check `path` for too many siblings.
 */
export function readContentsProof(bytes: Uint8Array): ContentsProofFile {
  if (!isJson(bytes)) return { proof: parseContentsProof(bytes), claims: undefined };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (thrown) {
    throw malformed(thrown instanceof Error ? thrown.message : String(thrown));
  }
  const top = object(value, TOP_KEYS, "the proof");
  const siblings = top["siblingHashes"];
  if (!Array.isArray(siblings)) throw malformed("siblingHashes is no list");
  if (siblings.length > MAX_PATH_STEPS) throw malformed(`more than ${MAX_PATH_STEPS} siblings`);
  const proof = {
    item: hex(top["blockItem"], "blockItem"),
    siblings: siblings.map((sibling, i) => {
      const { isFirst, siblingHash } = object(sibling, SIBLING_KEYS, `sibling ${i}`);
      if (typeof isFirst !== "boolean") throw malformed(`isFirst of sibling ${i} is neither true nor false`);
      return { isFirst, hash: hex(siblingHash, `siblingHash of sibling ${i}`) };
    }),
    signature: hex(top["blockSignature"], "blockSignature"),
  };
  const { blockNumber, itemIndex, itemKind, hashRule } = top;
  if (typeof blockNumber !== "string" || !/^(0|[1-9]\d{0,19})$/.test(blockNumber)) {
    throw malformed("blockNumber is no decimal number in quotes");
  }
  if (typeof itemIndex !== "number" || !Number.isSafeInteger(itemIndex) || itemIndex < 0) {
    throw malformed("itemIndex is no number of 0 or more");
  }
  if (typeof itemKind !== "string") throw malformed("itemKind is no text");
  if (typeof hashRule !== "string") throw malformed("hashRule is no text");
  const rootHash = hex(top["rootHash"], "rootHash");
  if (rootHash.length !== HASH_BYTES) {
    throw malformed(`rootHash must be ${HASH_BYTES} bytes, got ${rootHash.length}`);
  }
  return { proof, claims: { blockNumber: BigInt(blockNumber), itemIndex, itemKind, hashRule, rootHash } };
}

/**
 * {@link verifyContentsProof} for a file: the path must lead to `expectedRoot` and to the root the file names, and
 * whatever else the file claims must be so as far as a path can show it.
 *
 * @returns With neither root: a fault with check `root`, since there is nothing to lead to. Claims that do not hold
 *   have the checks `structure` (kind), `path` (rule), `number` (number or position of a block header).
 */
export function verifyContentsFile(
  { proof, claims }: ContentsProofFile,
  sha384: Sha384,
  expectedRoot?: Uint8Array,
): ContentsVerdict {
  const root = expectedRoot ?? claims?.rootHash;
  if (root === undefined) {
    const message = "Cannot verify contents proof: it names no root and none was given to compare with";
    return fault(new HieroFault("MISSING_VERIFICATION_DATA", message, { check: "root" }));
  }
  const verdict = verifyContentsProof(proof, sha384, root);
  if (verdict.status === "fault" || claims === undefined) return verdict;
  const named = verifyContentsProof(proof, sha384, claims.rootHash);
  if (named.status === "fault") return named;
  if (claims.itemKind !== verdict.kind) {
    return fault(disagrees("structure", `says ${claims.itemKind}, the item is a ${verdict.kind}`));
  }
  if (claims.hashRule !== verdict.rule) {
    return fault(disagrees("path", `says rule ${claims.hashRule}, the path is one of rule ${verdict.rule}`));
  }
  return headerFault(proof.item, claims) ?? verdict;
}

/** A block header shows its number and its place; other items show neither. */
function headerFault(item: Uint8Array, claims: ContentsClaims): ContentsVerdict | undefined {
  const reader = new WireReader(item);
  const isHeader = openItem(reader) === ITEM.BLOCK_HEADER;
  if (isHeader !== (claims.itemIndex === 0)) {
    return fault(
      disagrees("number", `says item ${claims.itemIndex}; item 0 is the ${itemKindName(ITEM.BLOCK_HEADER)}`),
    );
  }
  if (!isHeader) return undefined;
  let header: BlockHeader;
  try {
    header = parseBlockHeader(item, reader.pos, reader.end);
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    return fault(thrown);
  }
  return header.number === claims.blockNumber
    ? undefined
    : fault(disagrees("number", `says block ${claims.blockNumber}, the header says ${header.number}`));
}

const TOP_KEYS = [
  "blockNumber",
  "itemIndex",
  "itemKind",
  "hashRule",
  "rootHash",
  "blockItem",
  "siblingHashes",
  "blockSignature",
];
const SIBLING_KEYS = ["isFirst", "siblingHash"];

/** An opening brace is no tag that a proof or a Block may begin with: wire type 3 is refused. */
function isJson(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b;
}

function object(value: unknown, keys: readonly string[], what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed(`${what} is no object`);
  }
  for (const key of Object.keys(value)) if (!keys.includes(key)) throw malformed(`unknown key in ${what}`);
  for (const key of keys) if (!Object.hasOwn(value, key)) throw malformed(`no ${key} in ${what}`);
  return value as Record<string, unknown>;
}

function hex(value: unknown, what: string): Uint8Array {
  if (typeof value !== "string" || value.length % 2 !== 0 || !/^[0-9a-f]*$/.test(value)) {
    throw malformed(`${what} is no lower-case hexadecimal`);
  }
  return Uint8Array.fromHex(value);
}

function malformed(message: string): HieroFault {
  return new HieroFault("UNABLE_TO_PARSE", `Cannot parse contents proof: ${message}`, { check: "wire" });
}

function disagrees(check: "structure" | "path" | "number", message: string): HieroFault {
  return new HieroFault("BAD_BLOCK_PROOF", `Cannot accept contents proof: it ${message}`, { check });
}

function fault(thrown: HieroFault): ContentsVerdict {
  return { status: "fault", fault: thrown.toFault() };
}
