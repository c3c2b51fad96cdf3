/**
 * SHA-384 by the runtime's own library: the hash function that services, commands and benches hand to this room.
 *
 * Layer: protocols. Imports node:crypto (a pure function of its input; no handle, no state). The cores do not
 * import this file: they are given a {@link Sha384}.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { Sha384 } from "./merkle.ts";

/**
 * One-shot digest as hex, decoded into place. Under Deno this takes half the time of a digest returned as a
 * Buffer for inputs of a Merkle node's size, because no ArrayBuffer is made (bench/hiero_bench.ts).
 */
export const nativeSha384: Sha384 = (input, out) => {
  out.setFromHex(hash("sha384", input));
};
