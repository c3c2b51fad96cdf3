/**
 * State proofs: Merkle paths from the root of a block to the root of a later one, which carries the signature.
 *
 * Layer: protocols. Imports bytes, fault, merkle and wire. Source: spec/block-node.md §6.6.
 *
 * @module
 */

import { equalBytes } from "../fault.ts";
import { HASH_BYTES, type Sha384 } from "../merkle.ts";
import { WIRE_TYPE, WireReader } from "../wire.ts";
import { badProof, concatBytes } from "./bytes.ts";

const { VARINT, BYTES } = WIRE_TYPE;
/** Two leaves and the join they meet in. */
const MIN_PATHS = 3;
/** The next index that names no path: the value is the signed root. The reference node takes any index from 2^31 on. */
const ROOT_INDEX = 0xffff_ffff;
const LEAF = 0x00;
const ONE = 0x01;
const TWO = 0x02;

interface Sibling {
  readonly isLeft: boolean;
  /** Empty for a node with a single child. */
  readonly hash: Uint8Array;
}

interface MerklePath {
  readonly siblings: readonly Sibling[];
  readonly next: number;
  /** What a leaf starts from: a ready hash, or bytes to be hashed; undefined in a join. */
  readonly content: { readonly isHash: boolean; readonly bytes: Uint8Array } | undefined;
}

/** A state proof: its paths, and the signature over the root they lead to. */
export interface StateProof {
  readonly paths: readonly MerklePath[];
  /** Content of TssSignedBlockProof.block_signature; empty if there is none. */
  readonly blockSignature: Uint8Array;
}

/**
 * Parses a StateProof message.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE`; `BAD_BLOCK_PROOF`, step `path-shape`, for a flag that is neither 0 nor 1.
 */
export function parseStateProof(bytes: Uint8Array): StateProof {
  const reader = new WireReader(bytes);
  const paths: MerklePath[] = [];
  let blockSignature = new Uint8Array(0);
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) paths.push(parsePath(reader.view()));
    else if (reader.is(2, BYTES)) blockSignature = parseTssProof(reader.view()).slice();
    else {
      if (reader.is(3, BYTES)) blockSignature = new Uint8Array(0);
      reader.skip();
    }
  }
  return { paths, blockSignature };
}

/** The block_signature of a TssSignedBlockProof message; empty if there is none. */
export function parseTssProof(bytes: Uint8Array): Uint8Array {
  const reader = new WireReader(bytes);
  let signature = bytes.subarray(0, 0);
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) signature = reader.view();
    else reader.skip();
  }
  return signature;
}

function parsePath(bytes: Uint8Array): MerklePath {
  const reader = new WireReader(bytes);
  const siblings: Sibling[] = [];
  let next = 0;
  let content: MerklePath["content"];
  while (reader.nextTag()) {
    if (reader.is(1, BYTES)) siblings.push(parseSibling(reader.view()));
    else if (reader.is(2, VARINT)) next = Number(reader.uint64());
    else if (reader.field >= 3 && reader.field <= 6 && reader.wireType === BYTES) {
      const isHash = reader.field === 3;
      const view = reader.view();
      content = view.length === 0 ? undefined : { isHash, bytes: view };
    } else reader.skip();
  }
  return { siblings, next, content };
}

function parseSibling(bytes: Uint8Array): Sibling {
  const reader = new WireReader(bytes);
  let isLeft = false;
  let hash = bytes.subarray(0, 0);
  while (reader.nextTag()) {
    if (reader.is(1, VARINT)) isLeft = parseBool(reader.uint64());
    else if (reader.is(2, BYTES)) hash = reader.view();
    else reader.skip();
  }
  return { isLeft, hash };
}

/** Only 0 and 1, so that a proof has one form: other decoders take any number but 0 for true. */
function parseBool(value: bigint): boolean {
  if (value > 1n) throw bad(`has a flag of ${value}`);
  return value === 1n;
}

/** What a walk over the paths gives. */
export interface WalkedStateProof {
  /** Root of the later block: what the signature is over. */
  readonly signedRoot: Uint8Array;
  /** Hashes that leaves started from: the block's own root must be one of them. */
  readonly startHashes: readonly Uint8Array[];
}

function hash(sha384: Sha384, ...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(HASH_BYTES);
  sha384(concatBytes(...parts), out);
  return out;
}

const bad = (message: string) => badProof("path-shape", `state proof ${message}`);

/**
 * Walks every path to the signed root.
 *
 * Hashes of a length other than 48 are refused: no node of a block's tree has one.
 *
 * @throws {HieroFault} `BAD_BLOCK_PROOF`, step `path-shape`: paths that do not all meet in one root.
 */
export function walkStateProof({ paths }: StateProof, sha384: Sha384): WalkedStateProof {
  if (paths.length < MIN_PATHS) throw bad(`needs ${MIN_PATHS} paths, got ${paths.length}`);
  const startHashes: Uint8Array[] = [];
  const parked = new Map<number, { readonly value: Uint8Array; readonly start: number }>();
  const merged = new Set<number>();
  let signedRoot: Uint8Array | undefined;
  paths.forEach((path, index) => {
    if (path.content === undefined) return;
    if (signedRoot !== undefined) throw bad(`path ${index} is left over`);
    const { isHash, bytes } = path.content;
    if (isHash) {
      if (bytes.length !== HASH_BYTES) throw bad(`path ${index} starts from ${bytes.length} bytes`);
      startHashes.push(bytes);
    }
    let value = fold(sha384, isHash ? bytes : hash(sha384, Uint8Array.of(LEAF), bytes), path);
    let start = index;
    let { next } = path;
    while (next !== ROOT_INDEX) {
      const join = paths[next];
      if (join === undefined) throw bad(`points at path ${next} of ${paths.length}`);
      if (join.content !== undefined) throw bad(`points at path ${next}, which is a leaf`);
      if (merged.has(next)) throw bad(`joins path ${next} twice`);
      const other = parked.get(next);
      if (other === undefined) {
        parked.set(next, { value, start });
        return;
      }
      parked.delete(next);
      merged.add(next);
      const [left, right] = other.start < start ? [other.value, value] : [value, other.value];
      value = fold(sha384, hash(sha384, Uint8Array.of(TWO), left, right), join);
      start = Math.min(start, other.start);
      ({ next } = join);
    }
    signedRoot = value;
  });
  if (signedRoot === undefined) throw bad("reaches no root");
  if (parked.size > 0) throw bad("leaves a branch alone");
  const joins = paths.filter(({ content }) => content === undefined).length;
  if (merged.size !== joins) throw bad("has a path nobody visits");
  return { signedRoot, startHashes };
}

function fold(sha384: Sha384, start: Uint8Array, { siblings }: MerklePath): Uint8Array {
  let value = start;
  for (const { isLeft, hash: sibling } of siblings) {
    if (sibling.length === 0) value = hash(sha384, Uint8Array.of(ONE), value);
    else if (sibling.length !== HASH_BYTES) throw bad(`has a sibling of ${sibling.length} bytes`);
    else value = hash(sha384, Uint8Array.of(TWO), ...(isLeft ? [sibling, value] : [value, sibling]));
  }
  return value;
}

/** Whether a walk began at this root. */
export function startsAt({ startHashes }: WalkedStateProof, root: Uint8Array): boolean {
  return startHashes.some((start) => equalBytes(start, root));
}
