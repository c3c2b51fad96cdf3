/**
 * The header that RLP is measured with: 20 fields, as long as those of Rootstock's main network.
 *
 * @module
 */

import { rlpEncode } from "../../src/hot/rlp_encode.ts";

/** Hashes, bloom, numbers, and the three fields of merged mining. */
const FIELD_BYTES = [32, 32, 20, 32, 32, 32, 256, 5, 3, 4, 3, 4, 10, 0, 1, 1, 0, 80, 320, 170];

/** Fields of the header; no byte is zero. */
export const HEADER_FIELDS: readonly Uint8Array[] = FIELD_BYTES.map((bytes, field) =>
  Uint8Array.from({ length: bytes }, (_, i) => 1 + (field * 31 + i * 7) % 255)
);

/** The header as RLP, 1,066 bytes. */
export const HEADER: Uint8Array = rlpEncode(HEADER_FIELDS);
