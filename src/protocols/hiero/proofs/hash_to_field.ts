/**
 * hash_to_field of RFC 9380 with SHA-256, as the network's library computes it.
 *
 * Layer: protocols. Imports bytes. Source: RFC 9380 §5.2, §5.3.1; spec/block-node.md §6.5 (step 3, the quirk).
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { bigEndian, concatBytes } from "./bytes.ts";

const DIGEST_BYTES = 32;

/**
 * `count` field elements from a message.
 *
 * The zero pad in front of the message is `elementBytes` long, where the RFC has the hash function's block size, 64:
 * so the library does it, and with any other pad no real signature passes. For elements of 64 bytes it is the
 * standard.
 *
 * @param elementBytes Bytes taken for one element before reduction.
 * @param order The field's order.
 */
export function hashToField(
  message: Uint8Array,
  tag: Uint8Array,
  count: number,
  elementBytes: number,
  order: bigint,
): bigint[] {
  const uniform = expandMessage(message, tag, count * elementBytes, elementBytes);
  return Array.from(
    { length: count },
    (_, i) => bigEndian(uniform.subarray(i * elementBytes, (i + 1) * elementBytes)) % order,
  );
}

function expandMessage(message: Uint8Array, tag: Uint8Array, length: number, padBytes: number): Uint8Array {
  const suffix = concatBytes(tag, Uint8Array.of(tag.length));
  const first = sha256(
    concatBytes(new Uint8Array(padBytes), message, Uint8Array.of(length >> 8, length & 0xff, 0), suffix),
  );
  const rounds = Math.ceil(length / DIGEST_BYTES);
  const uniform = new Uint8Array(rounds * DIGEST_BYTES);
  let previous = new Uint8Array(DIGEST_BYTES);
  for (let i = 1; i <= rounds; i++) {
    const mixed = first.map((byte, j) => byte ^ previous[j]!);
    previous = sha256(concatBytes(mixed, Uint8Array.of(i), suffix)).slice();
    uniform.set(previous, (i - 1) * DIGEST_BYTES);
  }
  return uniform.subarray(0, length);
}
