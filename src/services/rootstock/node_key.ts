/**
 * The private key that peers know this node by, in a file of the data directory.
 *
 * Layer: services. Source: spec/rootstock-network.md section 2.5. The file has 64 hexadecimal digits and is its owner's
 * alone; it is made once. Its content is never part of a message.
 *
 * @module
 */

import { CairnError, toCairnError } from "../../kernel/errors.ts";
import { isPrivateKey, NodeKey } from "../../protocols/rootstock/secp256k1.ts";

/** What only its owner may read and write. */
const MODE = 0o600;
const OTHERS = 0o077;
const FORMAT = /^[0-9a-f]{64}\n?$/i;

/**
 * Reads the key, or makes one where there is none. Blocks: called once, at the start.
 *
 * @param path File in an existing data directory, held by this process.
 * @throws {CairnError} `NODE_KEY_INVALID` if others may read the file or it holds no key; `STORE_WRITE_FAILED`.
 */
export function openNodeKey(path: string): NodeKey {
  return readNodeKey(path) ?? makeNodeKey(path);
}

function readNodeKey(path: string): NodeKey | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw invalid(path, toCairnError(error).message, "Give the file to the user that the node runs as");
  }
  using open = file;
  // Of the open file, not of the path: it cannot be exchanged in between.
  const { mode, isFile, size } = open.statSync();
  if (!isFile) {
    throw invalid(path, "it is no file", "Move it away: the node makes a new key, and with it a new id");
  }
  if (mode !== null && (mode & OTHERS) !== 0) {
    const hint = `Run 'chmod 600 ${path}'; if others may have read it, move it away and get a new id`;
    throw invalid(path, `its mode is ${(mode & 0o777).toString(8)}, so others may read it`, hint);
  }
  const text = size > 80 ? "" : new TextDecoder().decode(readAll(open, size));
  const key = FORMAT.test(text) ? Uint8Array.fromHex(text.trim()) : new Uint8Array();
  if (!isPrivateKey(key)) {
    throw invalid(
      path,
      "it does not hold 64 hexadecimal digits that are a key",
      "Restore it, or move it away for a new id",
    );
  }
  return new NodeKey(key);
}

function readAll(file: Deno.FsFile, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const read = file.readSync(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

/** Written beside its name and renamed, so that it is whole or absent. */
function makeNodeKey(path: string): NodeKey {
  let privateKey: Uint8Array;
  do {
    privateKey = crypto.getRandomValues(new Uint8Array(32));
  } while (!isPrivateKey(privateKey));
  const draft = `${path}.new`;
  try {
    // A draft that a crash left behind was never used.
    Deno.removeSync(draft);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unwritable(path, error);
  }
  try {
    using file = Deno.openSync(draft, { write: true, createNew: true, mode: MODE });
    file.writeSync(new TextEncoder().encode(`${privateKey.toHex()}\n`));
    file.syncSync();
    Deno.renameSync(draft, path);
    using directory = Deno.openSync(path.slice(0, path.lastIndexOf("/")) || "/", { read: true });
    directory.syncSync();
  } catch (error) {
    throw unwritable(path, error);
  }
  return new NodeKey(privateKey);
}

function invalid(path: string, why: string, hint: string): CairnError {
  return new CairnError("NODE_KEY_INVALID", `Cannot use node key '${path}': ${why}`, {
    hint,
    detail: { path },
  });
}

function unwritable(path: string, cause: unknown): CairnError {
  return new CairnError(
    "STORE_WRITE_FAILED",
    `Cannot write node key '${path}': ${toCairnError(cause).message}`,
    {
      detail: { path },
      cause,
    },
  );
}
