/**
 * `cairn hash`: digests of files of any size, by the kernels the node itself uses.
 *
 * Layer: cli. Needs no node.
 *
 * @module
 */

import { Argument, type Command } from "commander";
import { blake3 } from "../hot/blake3.ts";
import type { StreamingHash } from "../hot/hash_function.ts";
import { keccak256 } from "../hot/keccak256.ts";
import { sha256d } from "../hot/sha256d.ts";
import { CairnError } from "../kernel/errors.ts";
import type { CliDeps } from "./deps.ts";
import { Progress } from "./progress.ts";

const FUNCTIONS = { blake3, keccak256, sha256d } as const;
type Algorithm = keyof typeof FUNCTIONS;

/** 1 MiB: a read costs little beside its hash; more would only keep more memory. */
const READ_BYTES = 1 << 20;
const MEGABYTE = 1e6;

/** Adds `hash`. */
export function registerHash(program: Command, deps: CliDeps): void {
  program.command("hash")
    .description("Hash files, or standard input as '-'; files may be larger than memory")
    .addArgument(new Argument("<algorithm>", "hash function").choices(Object.keys(FUNCTIONS)))
    .argument("<file...>", "files, '-' for standard input")
    .option("--json", "print one JSON object a file, with stable keys")
    .addHelpText(
      "after",
      "\nkeccak256 is Ethereum's and Rootstock's (not SHA3-256); sha256d is Bitcoin's, in wire order." +
        "\n\nExamples:\n  cairn hash blake3 snapshot.tar\n  cat block.bin | cairn hash keccak256 -",
    )
    .action(async (algorithm: Algorithm, files: string[], options: { json?: boolean }) => {
      for (const file of files) {
        try {
          const { digest, bytes } = await hashFile(FUNCTIONS[algorithm].create(), file);
          if (options.json) deps.out(JSON.stringify({ file, algorithm, bytes, digest }));
          else deps.out(`${digest}  ${file}`);
        } catch (thrown) {
          // As the sum commands of other systems do: what can be hashed is.
          if (!(thrown instanceof CairnError)) throw thrown;
          deps.err(`cairn: ${thrown.toLine()}`);
          deps.setExitCode(thrown.mapping.exit);
        }
      }
    });
}

/** What was hashed. */
interface HashedFile {
  /** Hexadecimal. */
  readonly digest: string;
  readonly bytes: number;
}

async function hashFile(hash: StreamingHash, path: string): Promise<HashedFile> {
  const isInput = path === "-";
  using file = isInput ? undefined : await openFile(path);
  const total = file && (await file.stat()).size / MEGABYTE;
  using progress = new Progress({ unit: "MB", ...(total && { total: Math.ceil(total) }) });
  const source = file ?? Deno.stdin;
  let [filling, hashing] = [new Uint8Array(READ_BYTES), new Uint8Array(READ_BYTES)];
  let bytes = 0;
  try {
    let read = source.read(filling);
    for (let count; (count = await read) !== null;) {
      [filling, hashing] = [hashing, filling];
      // The next read runs on another thread while these bytes are hashed.
      read = source.read(filling);
      hash.update(hashing.subarray(0, count));
      bytes += count;
      progress.update(Math.floor(bytes / MEGABYTE));
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  progress.finish(Math.ceil(bytes / MEGABYTE));
  return { digest: hash.digest().toHex(), bytes };
}

async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): CairnError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CairnError("FILE_UNREADABLE", `Cannot read '${path}': ${reason}`, { cause });
}
