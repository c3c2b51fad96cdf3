/**
 * Block files as operators have them: single files or directories of `.blk`, `.blk.gz` and `.blk.zstd`.
 *
 * Layer: services. Source: spec/block-node.md §7.1 (names), protocols/hiero/block_file.ts (packing).
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import { unpackBlockFile } from "../../protocols/hiero/block_file.ts";
import { HieroFault } from "../../protocols/hiero/fault.ts";
import { parseItemSet } from "../../protocols/hiero/publish_messages.ts";

/** What a directory is searched for; a file named on the command line may have any name. */
const BLOCK_FILE_NAME = /\.blk(\.gz|\.zstd|\.zst)?$/;

/**
 * Files behind `paths`, directories expanded one level, in the order of their names with numbers compared as
 * numbers.
 *
 * @throws {CairnError} `FILE_UNREADABLE` if a path does not exist or a directory holds no block file.
 */
export async function listBlockFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    try {
      if (!(await Deno.stat(path)).isDirectory) {
        files.push(path);
        continue;
      }
      const found: string[] = [];
      for await (const entry of Deno.readDir(path)) {
        if (entry.isFile && BLOCK_FILE_NAME.test(entry.name)) {
          found.push(`${path.replace(/\/+$/, "")}/${entry.name}`);
        }
      }
      if (found.length === 0) throw unreadable(path, "no .blk, .blk.gz or .blk.zstd file in it");
      files.push(...found.sort(new Intl.Collator("en", { numeric: true }).compare));
    } catch (thrown) {
      throw thrown instanceof CairnError ? thrown : unreadable(path, thrown);
    }
  }
  return files;
}

/**
 * The serialized Block in a file.
 *
 * @throws {CairnError} `FILE_UNREADABLE` or, if its packing is damaged, `BLOCK_MALFORMED`.
 */
export async function readBlockFile(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
  try {
    return unpackBlockFile(bytes);
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    throw new CairnError("BLOCK_MALFORMED", `Cannot read block file '${path}': ${thrown.message}`, {
      cause: thrown,
    });
  }
}

/** Number in the header of a serialized Block; `undefined` if there is no good header in front. */
export function blockNumber(block: Uint8Array): bigint | undefined {
  try {
    const { opening } = parseItemSet(block);
    return opening.kind === "header" ? opening.number : undefined;
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    return undefined;
  }
}

function unreadable(path: string, reason: unknown): CairnError {
  const cause = reason instanceof Error ? reason : undefined;
  return new CairnError("FILE_UNREADABLE", `Cannot read '${path}': ${cause?.message ?? reason}`, { cause });
}
