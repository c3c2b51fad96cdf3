/**
 * Small blocks for tests, built item by item so that any part can be left out, doubled or spoiled.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import { ITEM } from "./items.ts";
import { emptyTreeHash } from "./merkle.ts";
import { nativeSha384 } from "./native_sha384.ts";
import { WireWriter } from "./wire_writer.ts";

/** H(0x00). */
export const EMPTY: Uint8Array = emptyTreeHash(nativeSha384);

/** One BlockItem with a single field. */
export function item(field: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  return new WireWriter().bytes(field, payload).finish();
}

/** A serialized Block from serialized BlockItems. */
export function block(...items: readonly Uint8Array[]): Uint8Array {
  const writer = new WireWriter();
  for (const bytes of items) writer.bytes(1, bytes);
  return writer.finish().slice();
}

/** Parts of a {@link header}; undefined leaves a part out. */
export interface HeaderParts {
  readonly number?: bigint;
  readonly minor?: number | undefined;
  readonly seconds?: bigint | undefined;
  readonly algorithm?: number;
}

/** A block_header item. */
export function header(parts: HeaderParts = {}): Uint8Array {
  const { number = 0n, algorithm = 0 } = parts;
  const minor = "minor" in parts ? parts.minor : 78;
  const seconds = "seconds" in parts ? parts.seconds : 1n;
  const writer = new WireWriter();
  if (minor !== undefined) writer.bytes(1, new WireWriter().varint(2, minor).finish());
  if (number !== 0n) writer.varint(3, number);
  if (seconds !== undefined) writer.bytes(4, new WireWriter().varint(1, seconds).finish());
  if (algorithm !== 0) writer.varint(5, algorithm);
  return item(ITEM.BLOCK_HEADER, writer.finish());
}

/** A block_footer item; undefined leaves a hash out. */
export function footer(
  previous: Uint8Array | undefined = EMPTY,
  all: Uint8Array | undefined = EMPTY,
  state: Uint8Array | undefined = EMPTY,
): Uint8Array {
  const writer = new WireWriter();
  [previous, all, state].forEach((hash, i) => hash.length > 0 && writer.bytes(i + 1, hash));
  return item(ITEM.BLOCK_FOOTER, writer.finish());
}

/** A block_proof item with a TSS signature of zeros. */
export function tssProof(signatureBytes = 2920): Uint8Array {
  const signed = new WireWriter().bytes(1, new Uint8Array(signatureBytes)).finish();
  return item(ITEM.BLOCK_PROOF, new WireWriter().bytes(2, signed).finish());
}

/** A block_proof item with a state proof whose second path starts from `root`. */
export function stateProof(root: Uint8Array, options: { paths?: number; signed?: boolean } = {}): Uint8Array {
  const { paths = 3, signed = true } = options;
  const proof = new WireWriter();
  for (let i = 0; i < paths; i++) {
    const path = i === 1 ? new WireWriter().bytes(3, root) : new WireWriter().varint(2, 2);
    proof.bytes(1, path.finish());
  }
  if (signed) proof.bytes(2, new WireWriter().bytes(1, new Uint8Array(2920)).finish());
  return item(ITEM.BLOCK_PROOF, new WireWriter().bytes(3, proof.finish()).finish());
}
