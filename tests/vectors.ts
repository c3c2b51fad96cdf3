/**
 * Real blocks, headers and packets that tests check against; they lie outside the repository.
 *
 * `CAIRN_VECTORS` names the folder; without it the folder `../shared/vectors` beside the repository is taken. Where
 * it is absent, the tests that need it are skipped by name.
 *
 * @module
 */

import { resolve } from "node:path";

/** Folder of the vectors, or undefined if there is none. */
export function vectorsDir(): string | undefined {
  const folder = Deno.env.get("CAIRN_VECTORS") ??
    resolve(import.meta.dirname ?? ".", "..", "..", "shared", "vectors");
  try {
    return Deno.statSync(folder).isDirectory ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Registers a test that gets the folder of the vectors; ignored, with the reason in its name, if there is none. */
export function vectorTest(name: string, fn: (dir: string) => void | Promise<void>): void {
  const dir = vectorsDir();
  if (dir === undefined) {
    Deno.test({ name: `${name} (needs CAIRN_VECTORS)`, ignore: true, fn: () => {} });
  } else Deno.test(name, () => fn(dir));
}
