/**
 * The private key that peers know this node by, in a file of the data directory.
 *
 * Layer: services. Source: spec/rootstock-network.md section 2.5. The file has 64 hexadecimal digits and is its owner's
 * alone; it is made once. Its content is never part of a message.
 *
 * @module
 */

import { CairnError, toCairnError } from "../../kernel/errors.ts";
import { makePrivateFile, PrivateFileFault, readPrivateFile } from "../../kernel/private_file.ts";
import { isPrivateKey, NodeKey } from "../../protocols/rootstock/secp256k1.ts";

/** The digits, a line end, and room to see that there is more. */
const MAX_FILE_BYTES = 80;
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
  let bytes: Uint8Array | undefined;
  try {
    bytes = readPrivateFile(path, MAX_FILE_BYTES);
  } catch (error) {
    if (error instanceof PrivateFileFault) throw invalid(path, error.message, error.hint);
    throw error;
  }
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes);
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

function makeNodeKey(path: string): NodeKey {
  let privateKey: Uint8Array;
  do {
    privateKey = crypto.getRandomValues(new Uint8Array(32));
  } while (!isPrivateKey(privateKey));
  try {
    makePrivateFile(path, new TextEncoder().encode(`${privateKey.toHex()}\n`));
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
