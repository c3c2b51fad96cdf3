/**
 * The extension of a header of version 1 or 2: what the compressed form has only as a hash.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 1.4.
 *
 * @module
 */

import { keccak256 } from "../../hot/keccak256.ts";
import { rlpEncode, type RlpInput } from "../../hot/rlp_encode.ts";
import { equalBytes } from "./bytes.ts";
import type { RootstockHeader } from "./header.ts";

/** Fields that a compressed header has only as a hash. */
export type HeaderExtension = Pick<RootstockHeader, "logsBloom" | "edges" | "baseEvent">;

/** Edges from the bytes of their slot: signed 16-bit values, little-endian. */
export function decodeEdges(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i, true));
}

/** Edges as the bytes of their slot. */
export function encodeEdges(edges: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2 * edges.length);
  const view = new DataView(bytes.buffer);
  for (const [i, edge] of edges.entries()) view.setInt16(2 * i, edge, true);
  return bytes;
}

/**
 * Hash of an extension. Here baseEvent comes before edges; in a full header it is the other way round.
 *
 * @returns 32 bytes.
 * @throws {TypeError} If the bloom is not known.
 */
export function extensionHash(version: 1 | 2, extension: HeaderExtension): Uint8Array {
  const { logsBloom, edges, baseEvent } = extension;
  if (logsBloom === undefined) throw new TypeError("Cannot hash the extension: its bloom is not known");
  const slots: RlpInput[] = [keccak256(logsBloom)];
  if (version === 2) slots.push(baseEvent ?? new Uint8Array(0));
  if (edges !== undefined) slots.push(encodeEdges(edges));
  return keccak256(rlpEncode(slots));
}

/** Slot 6 of the compressed form: a list of version and extension hash, 35 bytes. */
export function extensionData(header: HeaderExtension & Pick<RootstockHeader, "version">): Uint8Array {
  const { version } = header;
  if (version === 0) throw new TypeError("Cannot make extension data: version 0 has none");
  return rlpEncode([version, extensionHash(version, header)]);
}

/**
 * Whether an extension is the one that a compressed header commits to. Who receives the two apart has to ask: rskj does
 * not before it executes the block (section 1.4).
 */
export function isExtensionOf(header: RootstockHeader, extension: HeaderExtension): boolean {
  if (header.extensionData === undefined) {
    throw new TypeError("Cannot compare extensions: the header is not compressed");
  }
  return equalBytes(header.extensionData, extensionData({ ...extension, version: header.version }));
}
