/**
 * Recorded vectors of Rootstock for tests.
 *
 * Layer: protocols/rootstock, tests only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";

// deno-lint-ignore no-explicit-any
type Vector = any;

/** Bytes of digits with or without a prefix. */
export const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replace(/^0x/, ""));

/** A whole file. */
export async function readVectorFile(dir: string, name: string): Promise<Vector> {
  return JSON.parse(await Deno.readTextFile(join(dir, "rootstock", `${name}.json`)));
}

/** The cases of a file; at least one. */
export async function readVectors(dir: string, name: string): Promise<Vector[]> {
  const file = await readVectorFile(dir, name);
  const cases = file.vectors ?? file.cases;
  assert.ok(cases.length > 0);
  return cases;
}
