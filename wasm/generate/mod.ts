/**
 * Unrolled AssemblyScript that is generated when the modules are built: by name, as the files that
 * `wasm/assembly` imports from `./unrolled_*`.
 *
 * A compression function is some thousand operations on locals. A loop would have to keep its state in memory, and
 * AssemblyScript inlines no function with several results; so each is written by a few lines of TypeScript. `deno
 * task wasm --emit FOLDER` shows what they write.
 *
 * @module
 */

import { blake3Source } from "./blake3.ts";
import { keccakSource } from "./keccak.ts";
import { sha256Source } from "./sha256.ts";

/** Sources by file name. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "unrolled_blake3.ts": blake3Source,
  "unrolled_keccak.ts": keccakSource,
  "unrolled_sha256.ts": sha256Source,
};
